"""Where the tests and what they read lie."""

from pathlib import Path

TESTS = Path(__file__).resolve().parent
ROOT = TESTS.parent
FAULTS = TESTS / "data" / "faults"
REFERENCE = TESTS / "reference"
