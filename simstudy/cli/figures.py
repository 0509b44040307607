"""Files of figures that a command is asked for by name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from simstudy.errors import UserError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_ENDINGS = ("png", "pdf", "svg")


def refuse_figure(file: str) -> None:
    """Refuse a name that is no png, pdf or svg in a folder that is there, before any work."""
    ending = _ending(Path(file))
    if ending not in _ENDINGS:
        known = ", ".join(f".{known}" for known in _ENDINGS)
        raise UserError(f"--figure {file}: cannot draw '{ending}'; its ending must be {known}")
    if not Path(file).absolute().parent.is_dir():
        raise UserError(f"--figure {file}: no such folder")


def write(figure: Figure, file: Path) -> None:
    """Write a figure in the format of the file's ending."""
    from simstudy.report.drawing.letters import encode

    try:
        file.write_bytes(encode(figure, _ending(file)))
    except OSError as error:
        raise UserError(f"cannot be written: {error.strerror}", file=str(file)) from None


def _ending(file: Path) -> str:
    return file.suffix.lower().removeprefix(".")
