"""``simstudy schema``."""

from __future__ import annotations

import json
from argparse import Namespace

from simstudy.study.json_schema import schema


def main(options: Namespace) -> None:
    """Print the JSON Schema of the study file."""
    print(json.dumps(schema(), indent=2))
