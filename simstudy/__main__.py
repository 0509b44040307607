"""``python -m simstudy``."""
# PYTHON_ARGCOMPLETE_OK

from simstudy.cli.app import entry

if __name__ == "__main__":
    entry()
