"""A file out of its compression, whatever its ending."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa

from simstudy.errors import UserError
from simstudy.readers import kinds

_UNPACKED: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.decompress,
    "bzip2": bz2.decompress,
    "xz": lzma.decompress,
}
_DEPTH = 3  # archives in archives
_BROKEN = (EOFError, OSError, lzma.LZMAError, zlib.error, zipfile.BadZipFile, ValueError)


def contents(path: Path, file: str) -> tuple[str, bytes | None]:
    """Kind of a file and, where it is text or compressed, its bytes out of all compression."""
    try:
        with path.open("rb") as stream:
            head = stream.read(kinds.HEAD)
        if not head.strip():
            raise UserError("the file is empty", file=file)
        found = kinds.kind(head, file)
        kinds.refuse(found, file)
        if found != "text" and found not in _UNPACKED and found not in ("zip", "zstd", "lz4"):
            return found, None
        return _peeled(path.read_bytes(), file)
    except OSError as error:
        raise UserError(f"cannot be read: {error.strerror or error}", file=file) from None
    except MemoryError:
        raise UserError("cannot be read: it does not fit into memory", file=file) from None


def _peeled(raw: bytes, file: str) -> tuple[str, bytes]:
    name = file
    for _ in range(_DEPTH):
        head = raw[: kinds.HEAD]
        if not head.strip():
            raise UserError("the file is empty", file=file)
        found = kinds.kind(head, name)
        kinds.refuse(found, file)
        try:
            if found in _UNPACKED:
                raw = _UNPACKED[found](raw)
            elif found in ("zstd", "lz4"):
                raw = _by_arrow(raw, found)
            elif found == "zip":
                inside = zipfile.ZipFile(io.BytesIO(raw))
                if (sheets := _office(inside, file)) is not None:
                    return sheets, raw
                name, raw = _only_member(inside, file)
                continue
            else:
                return found, raw
        except _BROKEN as error:
            reason = str(error) or "it ends too early"
            raise UserError(f"cannot be read: a {found} file that is broken: {reason}",
                            file=file) from None  # fmt: skip
        name = name.rpartition(".")[0] or name
    raise UserError("cannot be read: archives in archives", file=file)


def _by_arrow(raw: bytes, how: str) -> bytes:
    with pa.input_stream(pa.py_buffer(raw), compression=how) as stream:
        return bytes(stream.read())


def _office(inside: zipfile.ZipFile, file: str) -> str | None:
    """Kind of an office document or of arrays, which are zip files too."""
    names = inside.namelist()
    if any(name.startswith("xl/") for name in names):
        return "excel"
    if "mimetype" in names and b"opendocument.spreadsheet" in inside.read("mimetype"):
        return "ods"
    if "[Content_Types].xml" in names or "mimetype" in names:
        kinds.refuse("office", file)
    if names and all(name.endswith(".npy") for name in names):
        kinds.refuse("numpy", file)
    return None


def _only_member(inside: zipfile.ZipFile, file: str) -> tuple[str, bytes]:
    members = [
        one
        for one in inside.infolist()
        if not one.is_dir()
        and not one.filename.startswith("__MACOSX/")
        and not one.filename.rpartition("/")[2].startswith(".")
    ]
    if len(members) != 1:
        listed = ", ".join(f"'{one.filename}'" for one in members[:5]) or "none"
        message = f"a zip of {len(members)} files ({listed}); expected one table"
        raise UserError(message, file=file)
    if members[0].flag_bits & 1:
        raise UserError("a zip that asks for a password; unpack it first", file=file)
    try:
        return members[0].filename, inside.read(members[0])
    except NotImplementedError as error:
        raise ValueError(str(error)) from None
