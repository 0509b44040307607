"""``python -m simstudy``."""

from simstudy.cli.app import main

if __name__ == "__main__":
    raise SystemExit(main())
