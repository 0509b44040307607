"""Files as people have them: how each is made, and what reading it must give or say.

Every file holds `ROWS` (or is refused in one line), so that one answer is right for all.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import pickle
import struct
import tarfile
import warnings
import zipfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
from pyarrow import orc

WRITTEN = Path(__file__).parent / "foreign" / "written"
METHODS = ["A"] * 6 + ["B"] * 6
B = [0.5691, 0.5661, 0.6811, 0.3926, 0.1, 0.3333, -0.25, 0.4749, 0.7438, 2, 0.001, 0.05]
SE = [0.2084, 0.1874, 0.2045, 0.2059, 0.25, 0.3, 0.2, 0.2068, 0.2088, 0.21, 0.5, 0.125]
ROWS = list(zip(METHODS, [*range(1, 7)] * 2, B, SE, strict=True))
NAMES = ("method", "rep", "b", "se")
FRAME = pd.DataFrame(ROWS, columns=NAMES)

Write = Callable[[Path], Any]


class Foreign(NamedTuple):
    """One file or folder.

    Attributes
    ----------
    name : str
        Of the file, with its ending.
    write : callable
        Path -> None; makes it.
    refused : str, optional
        What the one line must match; None for a file that is read.
    methods : list of str
        Labels, where they are not those of `ROWS`.
    missing : list of int
        Rows without a standard error.
    columns : tuple of str
        Names of method, estimate and standard error.
    """

    name: str
    write: Write
    refused: str | None = None
    methods: list[str] = METHODS
    missing: list[int] = []  # noqa: RUF012
    columns: tuple[str, str, str] = ("method", "b", "se")


def text(
    sep: str = ",",
    eol: str = "\n",
    header: tuple[str, ...] | None = NAMES,
    mark: str = ".",
    change: Callable[[tuple[Any, ...]], tuple[Any, ...]] = tuple,
    end: str = "",
) -> str:
    """`ROWS` as text."""
    lines = [] if header is None else [sep.join(header) + end]
    for row in ROWS:
        cells = [f"{v:.10g}".replace(".", mark) if isinstance(v, float) else str(v)
                 for v in change(row)]  # fmt: skip
        lines.append(sep.join(cells) + end)
    return eol.join(lines) + eol


BASE = text()


def said(content: str | bytes, encoding: str = "utf-8") -> Write:
    raw = content if isinstance(content, bytes) else content.encode(encoding)
    return lambda path: path.write_bytes(raw)


def copied(name: str) -> Write:
    return lambda path: path.write_bytes((WRITTEN / name).read_bytes())


def with_word(word: str, sep: str = ",") -> str:
    """`ROWS` with a word instead of the third standard error."""
    return text(sep).replace(f"{sep}0.2045", f"{sep}{word}")


def quoted(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(f'"{str(cell).replace(".", ",")}"' for cell in row)


def separators() -> list[Foreign]:
    aligned = "".join("  ".join(f"{cell!s:>9}" for cell in row) + "\n" for row in [NAMES, *ROWS])
    spaced = text(", ")
    return [
        Foreign("comma.csv", said(BASE)),
        Foreign("semicolon.csv", said(text(";"))),
        Foreign("tab.tsv", said(text("\t"))),
        Foreign("tab.txt", said(text("\t"))),
        Foreign("pipe.csv", said(text("|"))),
        Foreign("blank.txt", said(text(" "))),
        Foreign("aligned.txt", said(aligned)),
        Foreign("aligned_tabs.txt", said(text(" \t "))),
        Foreign("comma_blank.csv", said(spaced)),
        Foreign("comma_blank_last.csv", said(text(", ", header=NAMES[::-1],
                                                  change=lambda row: row[::-1]))),
        Foreign("sep_line.csv", said("sep=;\n" + text(";"))),
        Foreign("sep_line_comma.csv", said("sep=,\r\n" + text(eol="\r\n"))),
        Foreign("slash.csv", said(text("/")), "no column 'b'.*method/rep/b/se"),
        Foreign("colon.csv", said(text(":")), "no column 'b'"),
    ]  # fmt: skip


def decimals() -> list[Foreign]:
    only = "method;b;se\n" + "".join(f"{m};{1 + i},{500 + i};1,234\n" for i, m in enumerate("AAB"))
    return [
        Foreign("decimal_semicolon.csv", said(text(";", mark=","))),
        Foreign("decimal_tab.tsv", said(text("\t", mark=","))),
        Foreign("decimal_pipe.csv", said(text("|", mark=","))),
        Foreign("decimal_blank.txt", said(text(" ", mark=","))),
        Foreign("decimal_quoted.csv", said(text(change=quoted))),
        Foreign("decimal_pandas.csv", lambda p: FRAME.to_csv(p, decimal=",", index=False)),
        Foreign("decimal_exponent.csv", said(text(";", mark=",").replace("0,5691", "5,691E-1"))),
        Foreign("point_exponent.csv", said(BASE.replace("0.5691", "5.691e-1"))),
        Foreign("plus.csv", said(BASE.replace("0.5691", "+0.5691"))),
        Foreign("bare_point.csv", said(BASE.replace("0.5691", ".5691"))),
        Foreign("both_marks.csv", said(text(";").replace("0.5661", "0,5661")),
                r":3: column 'b' is not numeric: '0,5661' beside '0.5691'"),
        Foreign("thousands_english.csv", said(BASE.replace("0.5661", '"1,234.5"')),
                r":3: .*'1,234.5' has a thousands separator"),
        Foreign("thousands_german.csv", said(text(";", mark=",").replace("0,5661", "1.234,5")),
                r":3: .*'1.234,5' has a thousands separator"),
        Foreign("thousands_quoted.csv", said(BASE.replace("0.5661", '"1,234"')),
                r":3: .*'1,234' has a thousands separator"),
        Foreign("thousands_blank.csv", said(text(";").replace("0.5661", "1 234.5")),
                r":3: .*'1 234.5' has a thousands separator"),
        Foreign("thousands_swiss.csv", said(BASE.replace("0.5661", "1'234.5")),
                r":3: .*'1'234.5' has a thousands separator"),
        Foreign("thousands_millions.csv", said(text(";").replace("0.5661", "1,234,567")),
                r":3: .*'1,234,567' has a thousands separator"),
        Foreign("thousands_or_comma.csv", said(only), r":2: .*'1,500' may be a decimal comma or"),
        Foreign("thousands_in_german.csv", said(text(";", mark=",").replace("0,5661", "1.234")),
                r":3: .*'1.234' beside decimal commas"),
        Foreign("percent.csv", said(BASE.replace("0.5661", "56%")), r":3: .*holds '56%'"),
        Foreign("stars.csv", said(BASE.replace("0.5661", "0.5661**")), r":3: .*'0.5661\*\*'"),
        Foreign("hex.csv", said(BASE.replace("0.5661", "0x1F")), r":3: .*'0x1F'"),
        Foreign("underscore.csv", said(BASE.replace("0.5661", "1_000")), r":3: .*'1_000'"),
    ]  # fmt: skip


def encodings() -> list[Foreign]:
    umlaut = BASE.replace("A,", "Schätzer,")
    methods = ["Schätzer"] * 6 + ["B"] * 6
    smart = BASE.replace("A,", "“A” €,")
    cells = {"methods": methods}
    return [
        Foreign("bom.csv", said(BASE, "utf-8-sig")),
        Foreign("bom_semicolon.csv", said(text(";", mark=",", eol="\r\n"), "utf-8-sig")),
        Foreign("bom_quoted.csv", said('"method","rep","b","se"' + BASE[15:], "utf-8-sig")),
        Foreign("bom_sep.csv", said("sep=;\r\n" + text(";"), "utf-8-sig")),
        Foreign("utf8.csv", said(umlaut), **cells),
        Foreign("utf16.csv", said(umlaut, "utf-16"), **cells),
        Foreign("utf16_le_bom.csv", said("\ufeff" + umlaut, "utf-16-le"), **cells),
        Foreign("utf16_be_bom.csv", said("\ufeff" + umlaut, "utf-16-be"), **cells),
        Foreign("utf16_le.csv", said(umlaut, "utf-16-le"), **cells),
        Foreign("utf16_be.csv", said(umlaut, "utf-16-be"), **cells),
        Foreign("utf16_excel.txt", said(text("\t", "\r\n", mark=","), "utf-16")),
        Foreign("utf32.csv", said(umlaut, "utf-32"), **cells),
        Foreign("latin1.csv", said(umlaut, "latin-1"), **cells),
        Foreign("latin1_header.csv", said(umlaut.replace("rep", "größe"), "latin-1"), **cells),
        Foreign("cp1252.csv", said(smart, "cp1252"), methods=["“A” €"] * 6 + ["B"] * 6),
        Foreign("half_utf8.csv", said(umlaut.encode() + "Größe,7,1,1\n".encode("latin-1")),
                ":14: cannot be read: not UTF-8 text here"),
        Foreign("cp1252_holes.csv", said(BASE.encode() + b"\x81,7,1,1\n"), ":14: .*neither UTF-8"),
        Foreign("utf16_cut.csv", said(umlaut.encode("utf-16")[:-1]), "cannot be read: not UTF-16"),
        Foreign("nfd.csv", said(BASE.replace("b,", "gro\u0308ße,", 1)),
                columns=("method", "größe", "se")),
        Foreign("nfc.csv", said(BASE.replace("b,", "größe,", 1)),
                columns=("method", "gro\u0308ße", "se")),
    ]  # fmt: skip


def by_r() -> list[Foreign]:
    read = """table.txt table_unquoted.txt table_comma.csv table_tab.tsv table_named.txt
        table_na_header.csv table_decimal_comma.txt table_no_names.txt csv.csv csv_no_names.csv
        csv2.csv csv2_no_names.csv latin1.csv gzfile.csv xzfile.csv fwrite.csv fwrite.csv.gz
        readr_excel.csv readr_excel2.csv readr.tsv haven14.dta haven15.dta foreign6.dta
        foreign8.dta foreign10.dta"""
    found = [Foreign(f"r_{name}", copied(name)) for name in read.split()]
    found += [Foreign(f"r_{name}", copied(name), r"this is an R data file.*write\.csv")
              for name in ("d.rds", "ascii.rds", "xz.rds", "plain.rds", "d.RData")]  # fmt: skip
    return [
        *found,
        Foreign("r_rds_as_csv.csv", copied("d.rds"), "this is an R data file"),
        Foreign("r_missing_code.dta", copied("missing_code.dta"), missing=[2]),
        Foreign("r_partial.dta", copied("partial.dta"), methods=["A"] * 6 + ["2"] * 6),
        Foreign("r_no_rows.txt", copied("no_rows.txt"), "no row"),
        Foreign("r_haven.sav", copied("haven.sav"), "SPSS file.*pip install pyreadstat"),
        Foreign("r_haven.sas7bdat", copied("haven.sas7bdat"), "SAS data set"),
        Foreign("r_haven.xpt", copied("haven.xpt"), "SAS transport file"),
    ]


def headers() -> list[Foreign]:
    commas = 'method;rep;"b, log OR";"se, log OR"\n' + text(";", header=None)
    ids = str(10**20), str(10**20 + 1)
    long = BASE.replace("A,", f"{ids[0]},").replace("B,", f"{ids[1]},")
    broken = 'method,rep,"b\nlog",se\n' + text(header=None)
    return [
        Foreign("header_blanks.csv", said(text(header=("method", " rep", " b", " se")))),
        Foreign("header_blanks_around.csv", said(text(header=(" method ", "rep ", " b ", "se  ")))),
        Foreign("header_nbsp.csv", said(text(header=("method", "rep", "\u00a0b", "se\u00a0")))),
        Foreign("header_commas.csv", said(commas), columns=("method", "b, log OR", "se, log OR")),
        Foreign("header_commas_2.csv", said(commas.replace(";", ",").replace("b, ", "b,")),
                columns=("method", "b,log OR", "se, log OR")),
        Foreign("header_words.csv", said(text(header=("the method", "rep", "the b", "the se"))),
                columns=("the method", "the b", "the se")),
        Foreign("header_newline.csv", said(broken), columns=("method", "b\nlog", "se")),
        Foreign("header_upper.csv", said(text(header=("method", "rep", "B", "se"))),
                r"no column 'b'; did you mean 'B'\?|no column 'b'; known: .*'?B"),
        Foreign("header_twice.csv", said(text(header=("method", "b", "b", "se"))),
                "two columns are called 'b'"),
        Foreign("header_twice_blank.csv", said(text(header=("method", " b", "b ", "se"))),
                "two columns are called 'b'"),
        Foreign("header_unused_twice.csv", said(text(header=("method", "w", "b", "se", "w"),
                                                     change=lambda row: (*row, 1)))),
        Foreign("no_header.csv", said(text(header=None)),
                r"no column 'b'.*is the first line a header\?"),
        Foreign("no_header.tsv", said(text("\t", header=None)), "is the first line a header"),
        Foreign("no_header_comma.csv", said(text(";", mark=",", header=None)),
                "is the first line a header"),
        Foreign("label_comma.csv", said(BASE.replace("A,", '"A, B",')),
                methods=["A, B"] * 6 + ["B"] * 6),
        Foreign("label_quote.csv", said(BASE.replace("A,", '"A ""x""",')),
                methods=['A "x"'] * 6 + ["B"] * 6),
        Foreign("label_newline.csv", said(BASE.replace("A,", '"A\n2",')),
                methods=["A\n2"] * 6 + ["B"] * 6),
        Foreign("label_inch.csv", said(BASE.replace("A,", '5" A,')),
                methods=['5" A'] * 6 + ["B"] * 6),
        Foreign("open_quote.csv", said(BASE.replace("B,6", '"B,6')), "13: .*a quote is not closed"),
        Foreign("open_quote_late.csv", said(BASE.replace("A,2", '"A,2')), ":3: "),
        Foreign("labels_na.csv", said(BASE.replace("A,", "NA,")), methods=["NA"] * 6 + ["B"] * 6),
        Foreign("labels_none.csv", said(BASE.replace("A,", "None,")),
                methods=["None"] * 6 + ["B"] * 6),
        Foreign("labels_zero.csv", said(BASE.replace("A,", "01,").replace("B,", "1,")),
                methods=["01"] * 6 + ["1"] * 6),
        Foreign("labels_ids.csv", said(long),
                methods=[ids[0]] * 6 + [ids[1]] * 6),
        Foreign("labels_blank.csv", said(BASE.replace("A,", " B,")),
                methods=[" B"] * 6 + ["B"] * 6),
    ]  # fmt: skip


def lines() -> list[Foreign]:
    return [
        Foreign("comment.csv", said("# made by hand\n" + BASE)),
        Foreign("comments.csv", said("# a\n#b, c\n\n# d\n" + BASE)),
        Foreign("comment_blank.txt", said("# a b c d e\n" + text(" "))),
        Foreign("savetxt.csv", said("# method,rep,b,se\n" + text(header=None))),
        Foreign("savetxt.txt", said("# method rep b se\n" + text(" ", header=None))),
        Foreign("savetxt_tab.txt", said("#method\trep\tb\tse\n" + text("\t", header=None))),
        Foreign("comment_within.csv", said(BASE.replace("B,1", "# now B\nB,1", 1)),
                ":8: expected 4 columns, got 1: '# now B'"),
        Foreign("footer_full.csv", said(BASE + "B,7,Source: ministry,\n"),
                ":14: column 'b' .*'Source: ministry'"),
        Foreign("footer_short.csv", said(BASE + "Source: ministry\n"),
                ":14: expected 4 columns, got 1: 'Source: ministry'"),
        Foreign("footer_blank.csv", said(BASE + "\n\nTotal 12 rows\n"), ":16: expected 4 columns"),
        Foreign("title.csv", said("Results of May\n" + BASE), "no column 'b'"),
        Foreign("crlf.csv", said(text(eol="\r\n"))),
        Foreign("cr.csv", said(text(eol="\r"))),
        Foreign("mixed_eol.csv", said(BASE.replace("A,2", "\rA,2").replace("\n\r", "\r\n", 1))),
        Foreign("no_last_eol.csv", said(BASE.rstrip("\n"))),
        Foreign("blank_lines.csv", said("\n\n" + BASE.replace("B,1", "\nB,1", 1) + "\n\n\n")),
        Foreign("empty_rows.csv", said(BASE + ",,,\n,,,\n")),
        Foreign("empty_rows_semicolon.csv", said(text(";", "\r\n") + ";;;\r\n")),
        Foreign("empty_rows_tab.tsv", said(text("\t") + "\t\t\t\n")),
        Foreign("trailing_both.csv", said(text(end=","))),
        Foreign("trailing_semicolon.csv", said(text(";", mark=",", end=";"))),
        Foreign("trailing_rows.csv", said(BASE.replace("\n", ",\n").replace("se,\n", "se\n"))),
        Foreign("trailing_unclear.csv", said("id,b,se\n" + "".join(
            f"{i},{b},{s},\n" for i, (b, s) in enumerate(zip(B, SE, strict=True)))),
            ":1: the header has 3 names"),
        Foreign("empty_column.csv", said(text(header=("method", "", "b", "se"),
                                              change=lambda row: (row[0], "", *row[2:])))),
        Foreign("short_line.csv", said(BASE.replace("A,2,", "A,")), ":3: expected 4 .*got 3"),
        Foreign("long_line.csv", said(BASE.replace("A,2,", "A,2,x,")), ":3: expected 4 .*got 5"),
        Foreign("long_late.csv", said(BASE + "B,7,0.5,0.1\n" * 200 + "B,8,0.5\n"), ":214: "),
        Foreign("empty.csv", said(b""), "the file is empty"),
        Foreign("blank.csv", said(b"\n\n"), "the file is empty"),
        Foreign("only_bom.csv", said("\ufeff"), "no header and no rows"),
        Foreign("header_only.csv", said("method,rep,b,se\n"), "no row"),
        Foreign("header_only_bom.csv", said("method;rep;b;se", "utf-8-sig"), "no row"),
        Foreign("header_only.tsv", said("method\trep\tb\tse\r\n"), "no row"),
        Foreign("comma_in_comma.csv", said("method,se,b\n" + "".join(
            f"{m},1,{i},5\n" for i, m in enumerate("ABCD"))), ":2: expected 3 columns, got 4"),
        Foreign("comma_in_comma_2.csv", said("b,se\n1,5,1\n2,5,1\n3,5,2\n"),
                ":2: expected 2 columns, got 3"),
        Foreign("single_quotes.csv", said("method,b\n'A,1',1\n'B,2',2\n"),
                ":2: expected 2 columns, got 3"),
        Foreign("blank_label.txt", said("method b\nNew York 1\nOld York 2\n"), "no column 'b'"),
        Foreign("one_column.csv", said("b\n0.5\n0.4\n"), "no column 'se'; known: b"),
        Foreign("prose.txt", said("Dear all,\nplease find the results below.\nBest\n"),
                "no column 'b'"),
    ]  # fmt: skip


def missing_words() -> list[Foreign]:
    words = ["", "NA", "N/A", "n/a", "#N/A", " NA", "NA ", "-", ".", "null", "NULL", "None",
             "none", "NaN", "nan", "-nan", "<NA>", "NaT", '"NA"', '""']  # fmt: skip
    found = [Foreign(f"missing_{i}.csv", said(with_word(word)), missing=[2])
             for i, word in enumerate(words)]  # fmt: skip
    found += [Foreign(f"missing_{i}_comma.csv",
                      said(with_word(word, ";").replace("0.", "0,")), missing=[2])
              for i, word in enumerate(words[:6])]  # fmt: skip
    return [
        *found,
        Foreign("missing_tab.tsv", said(with_word("", "\t")), missing=[2]),
        Foreign("missing_question.csv", said(with_word("?")), r":4: column 'se' .*holds '\?'"),
        Foreign("missing_dashes.csv", said(with_word("--")), r":4: column 'se' .*holds '--'"),
        Foreign("missing_word.csv", said(with_word("missing")), r":4: .*holds 'missing'"),
        Foreign("missing_label.csv", said(BASE.replace("A,2", ",2")),
                r":3: column '(method|g)' is empty|1 row with missing"),
    ]  # fmt: skip


def zipped(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, raw in members.items():
            archive.writestr(name, raw)
    return out.getvalue()


def tarred(raw: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        info = tarfile.TarInfo("d.csv")
        info.size = len(raw)
        archive.addfile(info, io.BytesIO(raw))
    return out.getvalue()


def by_arrow(raw: bytes, how: str) -> bytes:
    out = io.BytesIO()
    with pa.CompressedOutputStream(out, how) as stream:
        stream.write(raw)
        stream.flush()
        stream.close()
        return out.getvalue()


def compressed() -> list[Foreign]:
    raw = BASE.encode()
    german = text(";", mark=",").encode("utf-16")
    two = zipped({"a.csv": raw, "b.csv": raw})
    mac = zipped({"d.csv": raw, "__MACOSX/._d.csv": b"x", ".DS_Store": b"x"})
    packed = io.BytesIO()
    FRAME.to_parquet(packed)
    return [
        Foreign("d.csv.gz", said(gzip.compress(raw))),
        Foreign("d.csv.bz2", said(bz2.compress(raw))),
        Foreign("d.csv.xz", said(lzma.compress(raw))),
        Foreign("d.csv.zst", lambda p: p.write_bytes(pa.compress(raw, "zstd", asbytes=True))),
        Foreign("d.csv.zip", said(zipped({"d.csv": raw}))),
        Foreign("mac.zip", said(mac)),
        Foreign("folder.zip", said(zipped({"x/": b"", "x/d.csv": raw}))),
        Foreign("german.csv.gz", said(gzip.compress(german))),
        Foreign("german.zip", said(zipped({"d.csv": german}))),
        Foreign("german.csv.xz", said(lzma.compress(german))),
        Foreign("gz_called_csv.csv", said(gzip.compress(raw))),
        Foreign("zip_called_csv.csv", said(zipped({"d.csv": raw}))),
        Foreign("csv_called_gz.csv.gz", said(raw)),
        Foreign("twice.csv.gz", said(gzip.compress(gzip.compress(raw)))),
        Foreign("members.csv.gz", said(gzip.compress(raw[:80]) + gzip.compress(raw[80:]))),
        Foreign("parquet.gz", said(gzip.compress(packed.getvalue()))),
        Foreign("parquet.zip", said(zipped({"d.parquet": packed.getvalue()}))),
        Foreign("two.zip", said(two), r"a zip of 2 files \('a.csv', 'b.csv'\); expected one"),
        Foreign("none.zip", said(zipped({})), "a zip of 0 files"),
        Foreign("cut.csv.gz", said(gzip.compress(raw)[:60]), "a gzip file that is broken"),
        Foreign("cut.csv.bz2", said(bz2.compress(raw)[:60]), "a bzip2 file that is broken"),
        Foreign("cut.csv.xz", said(lzma.compress(raw)[:60]), "a xz file that is broken"),
        Foreign("cut.zip", said(zipped({"d.csv": raw})[:60]), "a zip file that is broken"),
        Foreign("d.tar.gz", said(tarred(raw)), "a tar archive"),
        Foreign("empty.csv.gz", said(gzip.compress(b"")), "the file is empty"),
        Foreign("rds.zip", said(zipped({"d.rds": (WRITTEN / "d.rds").read_bytes()})),
                "an R data file"),
    ]  # fmt: skip


def table(**changed: Any) -> pa.Table:
    return pa.table({"method": METHODS, "rep": FRAME.rep, "b": B, "se": SE} | changed)


def parquet(**changed: Any) -> Write:
    return lambda path: pq.write_table(table(**changed), path)


def halves(one: pa.Table, other: pa.Table, names: tuple[str, str] = ("1.parquet", "2.parquet")):
    def write(path: Path) -> None:
        for name, part in zip(names, (one.slice(0, 6), other.slice(6)), strict=True):
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(part, path / name)

    return write


def hive(path: Path) -> None:
    FRAME.to_parquet(path, partition_cols=["method"])


def hive_encoded(path: Path) -> None:
    frame = FRAME.assign(method=FRAME.method.map({"A": "a b/c", "B": "01"}))
    frame.to_parquet(path, partition_cols=["method"])


def beside(path: Path) -> None:
    halves(table(), table())(path)
    (path / "README.txt").write_text("what is this")
    (path / "_metadata").write_bytes(b"PAR1")
    (path / ".x.parquet.crc").write_bytes(b"x")


def parquets() -> list[Foreign]:
    no_se = table().drop_columns(["se"])
    nulls = table(se=pa.nulls(12))
    text_labels = table(method=pa.array(METHODS).dictionary_encode())
    last = list(range(6, 12))
    uuid = pa.array([i.to_bytes(16) for i in range(12)], pa.binary(16))
    return [
        Foreign("plain.parquet", parquet()),
        Foreign("no_ending", parquet()),
        Foreign("called.csv", parquet()),
        Foreign("pandas.parquet", lambda p: FRAME.to_parquet(p)),
        Foreign("indexed.parquet", lambda p: FRAME.set_index("method").to_parquet(p)),
        Foreign("drift_float", halves(table(rep=pa.array(FRAME.rep, pa.int32())),
                                      table(rep=pa.array(FRAME.rep, pa.float64())))),
        Foreign("drift_missing", halves(table(), no_se), missing=last),
        Foreign("drift_null", halves(table(), nulls), missing=last),
        Foreign("drift_dictionary", halves(table(), text_labels)),
        Foreign("drift_large_text", halves(table(method=pa.array(METHODS, pa.large_string())),
                                           table())),
        Foreign("drift_width", halves(table(se=pa.array(SE, pa.float64())),
                                      table(rep=pa.array(FRAME.rep, pa.int8())))),
        Foreign("drift_text", halves(table(), table(method=pa.array([1] * 12))),
                "column '(method|g)' is string in one file and int64 in another"),
        Foreign("hive", hive),
        Foreign("hive_encoded", hive_encoded, methods=["a b/c"] * 6 + ["01"] * 6),
        Foreign("nested", halves(table(), table(), ("a/b/1.parquet", "c/2.parquet"))),
        Foreign("no_endings", halves(table(), table(), ("1", "2"))),
        Foreign("beside", beside),
        Foreign("dictionary.parquet", parquet(method=pa.array(METHODS).dictionary_encode())),
        Foreign("dictionary_numbers.parquet", parquet(b=pa.array(B).dictionary_encode())),
        Foreign("category.parquet", lambda p: FRAME.astype({"method": "category"}).to_parquet(p)),
        Foreign("large_text.parquet", parquet(method=pa.array(METHODS, pa.large_string()))),
        Foreign("bytes.parquet", parquet(method=pa.array([m.encode() for m in METHODS]))),
        Foreign("text_numbers.parquet", parquet(b=[f"{b:.10g}" for b in B])),
        Foreign("decimal.parquet", parquet(b=[Decimal(str(b)) for b in B])),
        Foreign("decimal256.parquet", parquet(b=pa.array([Decimal(str(b)) for b in B],
                                                         pa.decimal256(50, 20)))),
        Foreign("extension.parquet", parquet(rep=pa.ExtensionArray.from_storage(
            pa.fixed_shape_tensor(pa.int32(), [1]), pa.array([[i] for i in range(12)],
                                                             pa.list_(pa.int32(), 1))))),
        Foreign("uuid.parquet", parquet(rep=uuid)),
        Foreign("timestamps.parquet", parquet(rep=pa.array(range(12), pa.timestamp("us")))),
        Foreign("b_timestamp.parquet", parquet(b=pa.array(range(12), pa.timestamp("us"))),
                r"column 'b' holds dates \(timestamp\[us\]\), no numbers"),
        Foreign("b_list.parquet", parquet(b=[[b] for b in B]), "column 'b' holds lists"),
        Foreign("b_struct.parquet", parquet(b=[{"x": b} for b in B]), "column 'b' holds records"),
        Foreign("method_list.parquet", parquet(method=[[m] for m in METHODS]),
                "column 'method' holds lists"),
        Foreign("cut.parquet", said(b"PAR1" + bytes(50)), "cannot be read: "),
        Foreign("empty_folder", lambda p: p.mkdir(), "no parquet file in this folder"),
        Foreign("csv_folder", lambda p: (p.mkdir(), (p / "d.csv").write_text(BASE)),
                "no parquet file in this folder"),
        Foreign("no_rows.parquet", lambda p: pq.write_table(table().slice(0, 0), p), "no row"),
        Foreign("empty_label.parquet", parquet(method=["A"] * 2 + [None] + ["A"] * 3 + ["B"] * 6),
                "row 3: column '(method|g)' is empty|1 row with missing"),
    ]  # fmt: skip


def stata(labels: dict[int, str] | None = None, **given: Any) -> Write:
    """`ROWS` as Stata's, the methods 2 and 1 with these labels."""
    frame = FRAME.assign(method=[2] * 6 + [1] * 6)
    return lambda path: frame.to_stata(
        path, write_index=False, value_labels={"method": labels} if labels else None, **given
    )


def statas() -> list[Foreign]:
    both = {1: "B", 2: "A"}
    dated = FRAME.assign(day=pd.to_datetime("2024-01-01"))
    long = FRAME.assign(note="x" * 3000)
    out = io.BytesIO()
    FRAME.to_stata(out, write_index=False)
    return [
        Foreign("text.dta", lambda p: FRAME.to_stata(p, write_index=False)),
        Foreign("text117.dta", lambda p: FRAME.to_stata(p, write_index=False, version=117)),
        Foreign("text118.dta", lambda p: FRAME.to_stata(p, write_index=False, version=118)),
        Foreign("text119.dta", lambda p: FRAME.to_stata(p, write_index=False, version=119)),
        Foreign("labels.dta", stata(both)),
        Foreign("labels_partial.dta", stata({2: "A"}), methods=["A"] * 6 + ["1"] * 6),
        Foreign("labels_none.dta", stata(), methods=["2"] * 6 + ["1"] * 6),
        Foreign("labels_more.dta", stata(both | {9: "never"})),
        Foreign("labels_repeated.dta", stata({1: "A", 2: "A"}),
                methods=["A (2)"] * 6 + ["A (1)"] * 6),
        Foreign("labels_in_gz.dta.gz", lambda p: FRAME.to_stata(
            p, write_index=False, compression="gzip")),
        Foreign("called.csv", lambda p: FRAME.to_stata(p, write_index=False)),
        Foreign("dates.dta", lambda p: dated.to_stata(p, write_index=False,
                                                      convert_dates={"day": "td"})),
        Foreign("strl.dta", lambda p: long.to_stata(p, write_index=False, version=118,
                                                    convert_strl=["note"])),
        Foreign("cut.dta", said(out.getvalue()[:300]), "a Stata file that is broken"),
        Foreign("newer.dta", said(b"<stata_dta><header><release>999</release>" + bytes(99)),
                "a Stata file that is broken or of a newer version"),
    ]  # fmt: skip


def npz(path: Path) -> None:
    with path.open("wb") as stream:
        np.savez(stream, b=B)


def first_feather(path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pyarrow.feather.write_feather(FRAME, path, version=1)


def others() -> list[Foreign]:
    pickled = {f"pickle{k}.pkl": pickle.dumps(FRAME, protocol=k) for k in (0, 2, 4, 5)}
    found = [Foreign(name, said(raw), "this is a pickle, which is never opened")
             for name, raw in pickled.items()]  # fmt: skip
    found.append(Foreign("pickle.csv", said(pickled["pickle5.pkl"]), "this is a pickle"))
    found.append(Foreign("pickle.pkl.gz", said(gzip.compress(pickled["pickle4.pkl"])), "a pickle"))
    sheet = zipped({"[Content_Types].xml": b"<x/>", "xl/workbook.xml": b"<x/>"})
    ods = zipped({"mimetype": b"application/vnd.oasis.opendocument.spreadsheet"})
    word = zipped({"[Content_Types].xml": b"<x/>", "word/document.xml": b"<x/>"})
    excel = "this is an Excel workbook .*pip install openpyxl|cannot be read"
    sas = bytes(12) + b"\xc2\xea\x81\x60" + bytes(5000)

    def stream(path: Path) -> None:
        with pa.ipc.new_stream(path, table().schema) as out:
            out.write_table(table())

    magic: dict[str, tuple[bytes, str]] = {
        "d.xlsx": (sheet, excel),
        "xlsx_called.csv": (sheet, excel),
        "d.ods": (ods, "OpenDocument spreadsheet .*pip install odfpy|cannot be read"),
        "d.docx": (word, "an Office document without a worksheet"),
        "d.xls": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "an old Excel workbook"),
        "d.mat": (b"MATLAB 5.0 MAT-file, Platform: GLNXA64" + bytes(200), "a MATLAB file"),
        "d73.mat": (b"MATLAB 7.3 MAT-file, Platform: GLNXA64" + bytes(200), "a MATLAB file"),
        "d.h5": (b"\x89HDF\r\n\x1a\n" + bytes(100), "an HDF5 file"),
        "d.sas7bdat": (sas, "a SAS data set"),
        "d.por": (b"ASCII SPSS PORT FILE" + b" " * 400, "a portable SPSS file"),
        "d.sqlite": (b"SQLite format 3\x00" + bytes(100), "an SQLite database"),
        "d.pdf": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "a PDF"),
        "d.png": (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00", "a picture"),
        "d.html": (b"\n<!DOCTYPE html><html><body>login</body></html>", "a page of HTML"),
        "d.xml": (b'<?xml version="1.0"?><x/>', "a page of HTML or XML"),
        "d.json": (b'[{"method": "A", "b": 0.5}]', "JSON"),
        "d.jsonl": (b'{"method": "A", "b": 0.5}\n{"method": "B", "b": 0.5}\n', "JSON"),
        "d.7z": (b"7z\xbc\xaf\x27\x1c" + bytes(50), "an archive"),
        "lfs.csv": (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n", "Git LFS"),
        "zeros.csv": (bytes(500), "empty|binary data"),
        "random.csv": (np.random.default_rng(1).bytes(3000), "binary data"),
        "struct.dat": (struct.pack("<40d", *range(40)), "binary data|empty"),
    }
    found += [Foreign(name, said(raw), line) for name, (raw, line) in magic.items()]
    return [
        *found,
        Foreign("d.npy", lambda p: np.save(p, np.array(B)), "a NumPy file"),
        Foreign("d.npz", npz, "a NumPy file"),
        Foreign("d.orc", lambda p: orc.write_table(table(), p), "an ORC file"),
        Foreign("d.arrows", stream, "an Arrow stream"),
        Foreign("d.feather", lambda p: pyarrow.feather.write_feather(table(), p)),
        Foreign("zstd.feather", lambda p: pyarrow.feather.write_feather(
            table(), p, compression="zstd")),
        Foreign("v1.feather", first_feather),
        Foreign("cut.feather", said(b"ARROW1\x00\x00" + bytes(20)), "cannot be read"),
    ]  # fmt: skip


KINDS = {
    "separators": separators, "decimals": decimals, "encodings": encodings, "by R": by_r,
    "headers": headers, "lines": lines, "missing words": missing_words, "compressed": compressed,
    "parquet": parquets, "Stata": statas, "others": others,
}  # fmt: skip
FILES = {f"{kind}: {one.name}": one for kind, make in KINDS.items() for one in make()}
