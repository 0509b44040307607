"""The works that methods and templates cite: ``templates/bibliography.json``, in CSL JSON.

Text cites as pandoc does, ``[@Kish1965; @Moulton1986]``; `Citations` turns that into author and
year and keeps the list of what was cited.
"""

from __future__ import annotations

import json
import re
from importlib.resources import files
from typing import NamedTuple

from simstudy.report.tables.markdown import outside_code

_CITED = re.compile(r"\[(@\w+(?:; @\w+)*)\]")


class Work(NamedTuple):
    """How a work is cited in the text, and its entry in a list of references."""

    authors: str
    year: int
    entry: str


def read_works(text: str) -> dict[str, Work]:
    """Key -> work, of articles and books in CSL JSON, in the style of the APA."""
    return {item["id"]: _work(item) for item in json.loads(text)}


def _work(item: dict) -> Work:  # type: ignore[type-arg]
    authors, year = item["author"], item["issued"]["date-parts"][0][0]
    families = [author["family"] for author in authors if "family" in author]
    short = " & ".join(families) if len(authors) < 3 else f"{families[0]} et al."
    *before, last = (a.get("literal") or f"{a['family']}, {a['given']}" for a in authors)
    if before:  # "et al." is no author
        last = ", ".join(before) + (", & " if "family" in authors[-1] else ", ") + last
    title = item["title"]
    if item["type"] == "book":
        edition = f" ({item['edition']} ed.)" if "edition" in item else ""
        what = f"*{title}*{edition}. {item['publisher']}."
    else:
        issue = f"({item['issue']})" if "issue" in item else ""
        pages = item["page"].replace("-", "–")
        stop = "" if title.endswith("?") else "."
        what = f"{title}{stop} *{item['container-title']}*, {item['volume']}{issue}, {pages}."
    return Work(short, year, f"{last} ({year}). {what}")


_FILE = files("simstudy.report") / "templates" / "bibliography.json"
WORKS = read_works(_FILE.read_text("utf-8"))


class Citations:
    """Citations as author and year, and the works that were cited."""

    def __init__(self) -> None:
        self._cited: set[str] = set()

    def resolve(self, text: str) -> str:
        """Replace every ``[@Key; @Key]`` but in code; `KeyError` where a key has no work."""
        return outside_code(text, lambda part: _CITED.sub(self._parenthesis, part))

    def _parenthesis(self, citation: re.Match[str]) -> str:
        keys = [key.strip().lstrip("@") for key in citation[1].split(";")]
        self._cited.update(keys)
        return "(" + "; ".join(f"{WORKS[k].authors}, {WORKS[k].year}" for k in keys) + ")"

    @property
    def entries(self) -> list[str]:
        """What was cited, in the order of the alphabet."""
        return sorted(WORKS[key].entry for key in self._cited)
