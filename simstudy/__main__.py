"""``python -m simstudy``."""

from simstudy.cli.app import entry

if __name__ == "__main__":
    entry()
