"""What kind of file it is, by its content, and what is said of kinds that are not read."""

from __future__ import annotations

import re

from simstudy.errors import UserError

HEAD = 4096  # bytes that tell

# kind -> how its files begin
_BEGINS: dict[str, tuple[bytes, ...]] = {
    "parquet": (b"PAR1",),
    "encrypted parquet": (b"PARE",),
    "arrow": (b"ARROW1", b"FEA1"),
    "arrow stream": (b"\xff\xff\xff\xff",),
    "stata": (b"<stata_dta>",),
    "gzip": (b"\x1f\x8b",),
    "bzip2": (b"BZh",),
    "xz": (b"\xfd7zXZ\x00",),
    "zstd": (b"\x28\xb5\x2f\xfd",),
    "lz4": (b"\x04\x22\x4d\x18",),
    "zip": (b"PK\x03\x04", b"PK\x05\x06"),
    "spss": (b"$FL2", b"$FL3"),
    "old office": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",),
    "r": (b"RDX2\n", b"RDX3\n", b"RDA2\n", b"RDA3\n", b"X\n\x00\x00\x00", b"A\n2\n", b"A\n3\n"),
    "matlab": (b"MATLAB 5.0", b"MATLAB 7"),
    "hdf5": (b"\x89HDF\r\n",),
    "sas": (bytes(12) + b"\xc2\xea\x81\x60",),
    "sas transport": (b"HEADER RECORD*******",),
    "orc": (b"ORC",),
    "avro": (b"Obj\x01",),
    "sqlite": (b"SQLite format 3\x00",),
    "numpy": (b"\x93NUMPY",),
    "pdf": (b"%PDF-",),
    "picture": (b"\x89PNG", b"\xff\xd8\xff", b"GIF8"),
    "archive": (b"7z\xbc\xaf\x27\x1c", b"Rar!"),
    "git lfs": (b"version https://git-lfs",),
}
_PICKLES = re.compile(rb"\A(?:ccopy_?reg\n|cpandas\.|cnumpy\.|\([dl]p\d+\n)")
_TEXT = ("r", "sas transport", "git lfs", "pdf")  # may be all text
_BINARY = re.compile(rb"[\x00-\x08\x0e-\x1f]")
_MARKUP = re.compile(rb"\A(?:\xef\xbb\xbf)?\s*<(?:!doctype|html|\?xml|head|table)", re.IGNORECASE)
_JSON = re.compile(rb"\A(?:\xef\xbb\xbf)?\s*(?:\{\s*[\"}]|\[\s*[\[{\"\d\]-])")

AS_CSV = "save it as CSV"
# kind -> what is said of a file that is not read
REFUSED: dict[str, str] = {
    "encrypted parquet": "an encrypted parquet file; write it without encryption",
    "arrow stream": "an Arrow stream; write it as parquet",
    "old office": f"an old Excel workbook (.xls); {AS_CSV} or as .xlsx",
    "r": "an R data file (.rds, .RData); in R: write.csv(data, 'data.csv', row.names = FALSE)",
    "pickle": "a pickle, which is never opened, for it may run code; "
    "in pandas: frame.to_parquet('data.parquet')",
    "matlab": "a MATLAB file (.mat); in MATLAB: writetable(data, 'data.csv')",
    "hdf5": "an HDF5 file (.h5, .mat); write its table as CSV or parquet",
    "sas": "a SAS data set (.sas7bdat); in SAS: proc export data=... outfile='data.csv' dbms=csv",
    "sas transport": "a SAS transport file (.xpt); write its table as CSV",
    "spss portable": "a portable SPSS file (.por); save it as CSV or .sav",
    "orc": "an ORC file; write it as parquet",
    "avro": "an Avro file; write it as parquet",
    "sqlite": "an SQLite database; write its table as CSV",
    "numpy": "a NumPy file (.npy, .npz); write its columns as CSV, with a header",
    "pdf": "a PDF; type or export its table as CSV",
    "picture": "a picture",
    "tar": "a tar archive; unpack it first",
    "archive": "an archive of a kind that is not read; unpack it first",
    "office": f"an Office document without a worksheet; {AS_CSV}",
    "markup": "a page of HTML or XML; save its table as CSV",
    "json": f"JSON; {AS_CSV}",
    "git lfs": "a Git LFS pointer, not the file itself; run `git lfs pull`",
}


def kind(head: bytes, name: str) -> str:
    """Kind of a file by its first bytes; "text" where nothing speaks against it.

    Parameters
    ----------
    head : bytes
        The first `HEAD` bytes.
    name : str
        Only a pickle of the oldest kind, which is text, is known by its ending.
    """
    for known, begins in _BEGINS.items():
        if head.startswith(begins) and (known in _TEXT or _BINARY.search(head)):
            return known
    if head[:1] == b"\x80" and 2 <= head[1:2][0] <= 5 if len(head) > 1 else False:
        return "pickle"
    if _PICKLES.match(head) or name.lower().endswith((".pkl", ".pickle")):
        return "pickle"
    if 102 <= head[0] <= 115 and head[1:2] in (b"\x01", b"\x02") and head[2:4] == b"\x01\x00":
        return "stata"
    if head[257:262] == b"ustar":
        return "tar"
    if b"SPSS PORT FILE" in head[:600]:
        return "spss portable"
    if _MARKUP.match(head):
        return "markup"
    return "json" if _JSON.match(head) else "text"


def refuse(found: str, file: str) -> None:
    """Raise `UserError` for a kind that is never read."""
    if found in REFUSED:
        raise UserError(f"this is {REFUSED[found]}", file=file)
