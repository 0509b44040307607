"""The page about solving: its command, and what it says that this prints."""

import re

import pytest
from helpers_cli import ROOT, call

PAGE = (ROOT / "docs" / "solve.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_command_of_the_page_prints_what_it_shows(tmp_path):
    (command,) = re.findall(r"(?m)^    python -m simstudy (solve .*)$", PAGE)
    (table,) = re.findall(r"(?m)^    n_clusters for(?:.*\n)(?:    .*\n)*", PAGE)
    words = command.replace("configs/", f"{ROOT}/configs/").split()
    ran = call(*words, "--results", tmp_path)
    assert ran.code == 0
    assert ran.out.split("\n\n")[0] == "\n".join(line[4:] for line in table.splitlines())


def test_the_options_of_the_page_are_those_of_the_verb():
    shown = call("solve", "--help").out
    for flag in set(re.findall(r"`(--[a-z-]+)", PAGE)):
        assert flag in shown
