"""Formulas of several predictors: what is read, what is refused, and that nothing is run."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from helpers_cli import environment
from hypothesis import example, given, settings
from hypothesis import strategies as st

from simstudy.analysis.data import DataSet
from simstudy.analysis.grammar import parse
from simstudy.analysis.model import model
from simstudy.analysis.terms import Terms
from simstudy.errors import UserError

GOOD = {  # formula -> the same in R's order
    "y ~ x + (1 | g)": "y ~ x + (1 | g)",
    "y~x+z+C(arm)+x:z+a*b+(1|school)": "y ~ x + z + C(arm) + a + b + x:z + a:b + (1 | school)",
    "y ~ 1 + (1 | g) + x": "y ~ x + (1 | g)",
    "y ~ (x) + x + ((1 | g))": "y ~ x + (1 | g)",
    "(y) ~ (x + z):a + (1 | g)": "y ~ x:a + z:a + (1 | g)",
    "y ~ x * (a + b) + (1 | g)": "y ~ x + a + b + x:a + x:b + (1 | g)",
    "y ~ a * b:c + (1 | g)": "y ~ a + b:c + a:b:c + (1 | g)",
    "y ~ a * b * c + (1 | g)": "y ~ a + b + c + a:b + a:c + b:c + a:b:c + (1 | g)",
    "y ~ x:z + z:x + x:x + (1 | g)": "y ~ x + x:z + (1 | g)",
    "y ~ b:a + a + (1 | g)": "y ~ a + b:a + (1 | g)",
    "y ~ x + C(x) + (1 | g)": "y ~ x + C(x) + (1 | g)",
    "y ~ x + (1 + x | g)": "y ~ x + (1 + x | g)",
    "y ~ x + z + (x + 1 | g)": "y ~ x + z + (1 + x | g)",
    "y ~ x + (x | g)": "y ~ x + (1 + x | g)",
    "y ~ x + (1 + x || `my g`)": "y ~ x + (1 + x || `my g`)",
    "`y + 1` ~ `{x}` * C(`a:b`) + (`{x}` | g.1)":
        "`y + 1` ~ `{x}` + C(`a:b`) + `{x}`:C(`a:b`) + (1 + `{x}` | g.1)",
    "post.test ~ pre.test.c + größe + 年 + (1 | class.d)":
        "post.test ~ pre.test.c + größe + 年 + (1 | class.d)",
    "y ~ `__x__` + (1 | g)": "y ~ `__x__` + (1 | g)",
    "y ~ C(C) + (1 | g)": "y ~ C(C) + (1 | g)",
}  # fmt: skip

EVIL = "__import__('os').system('touch ran')"
G = " + (1 | g)"
HOSTILE = {  # formula -> what the message must hold beside the formula itself
    "y ~ {" + EVIL + "}" + G: "braces are not evaluated; make a column of it first",
    "y ~ x + {x ** 2}" + G: "'{x ** 2}': braces are not evaluated",
    "y ~ x + {" + G: "braces are not evaluated",
    "y ~ x + }" + G: "'}' is not part of a formula",
    "{y} ~ x" + G: "'{y}': braces",
    "y ~ x + (1 | {g})": "'{g}': braces",
    "y ~ " + EVIL + G: "'__import__': names with two leading underscores are not read",
    "y ~ x.__class__" + G: "'x.__class__': attributes and names with two leading underscores",
    "y ~ __builtins__" + G: "goes in backticks",
    "y ~ eval('1')" + G: "text in quotes is no term",
    "y ~ eval(x)" + G: "'eval(x)': functions are not evaluated; make a column of it first",
    "y ~ np.log(x)" + G: "'np.log(x)': functions are not evaluated",
    "y ~ x.sum()" + G: "'x.sum()': functions",
    "y ~ I(x)" + G: "'I(x)': functions",
    "y ~ I(x^2)" + G: "'I(x^2)': functions",
    "y ~ Q(x)" + G: "'Q(x)': functions",
    "y ~ x + offset(z)" + G: "'offset(z)': functions",
    "y ~ poly(x, 2)" + G: "'poly(x, 2)': functions",
    "y ~ x + factor(arm)" + G: "'factor(arm)': functions are not evaluated; write C(arm)",
    "y ~ x + (1 | factor(g))": "'factor(g)': functions are not evaluated; write g",
    "log(y) ~ x" + G: "'log(y)': functions",
    "C(y) ~ x" + G: "'C(y)': functions",
    "y ~ C(arm, Sum)" + G: "'C(arm, Sum)': C() takes the name of one column and nothing else",
    "y ~ C(C(arm))" + G: "'C(C(arm))': C() takes",
    "y ~ C(a + b)" + G: "C() takes",
    "y ~ C()" + G: "'C()': C() takes",
    "y ~ C(arm)(x)" + G: "terms are joined by",
    "y ~ x[0]" + G: "'[': indexing is not evaluated",
    "y ~ x$a" + G: "'$': attributes are not read",
    "y ~ x@a" + G: "'@': attributes are not read",
    'y ~ "x"' + G: "'\"x\"': text in quotes is no term",
    "y ~ x; z" + G: "';' is not part of a formula",
    "y ~ x = 1" + G: "'=' is not part of a formula",
    "y ~ lambda x: x" + G: "'lambda x: x': terms are joined by",
    "y ~ x if 1 else z" + G: "'x if 1 else z': terms are joined by",
    "y ~ x \\ z" + G: "'\\' is not part of a formula",
    "y ~ 0 + x" + G: "a model without intercept is not fitted; leave out 0 and -1",
    "y ~ x - 1" + G: "a model without intercept is not fitted; leave out 0 and -1",
    "y ~ x + -1" + G: "a model without intercept",
    "y ~ x - z" + G: "'x - z': no term is taken away by '-'; leave it out",
    "y ~ x^2" + G: "'x^2': powers are not fitted; make a column of it first",
    "y ~ (x + z)^2" + G: "'(x + z)^2': powers",
    "y ~ x ** 2" + G: "'x ** 2': powers",
    "y ~ a/b" + G: "'a/b': nesting by '/' is not fitted; write a + a:b",
    "y ~ a %in% b" + G: "nesting by '%in%' is not fitted; write a:b",
    "y ~ x + 2" + G: "'2' is not a column name",
    "y ~ 2x" + G: "'2x' is not a column name",
    "y ~ x + 1e9" + G: "'1e9' is not a column name",
    "y ~ ." + G: "'.' is not part of a formula",
    "y ~ x + 1:z" + G: "1 is the intercept: it has no interactions",
    "y ~ x + 1 | g": "'1 | g': a random term stands in parentheses, as (1 | cluster)",
    "y ~ x | z" + G: "'x | z': a random term stands in parentheses",
    "y ~ x + (1 | g):z": "a random term has no interactions",
    "y ~ x + ((1 | g) | h)": "'((1 | g) | h)': a bar inside another",
    "y ~ x + (1 | (1 | g))": "a bar inside another",
    "y ~ x + (1 | g | h)": "a bar inside another",
    "y ~ x" + G + " + (1 | h)": "only one grouping factor is fitted",
    "y ~ x" + G + " + (x | g)": "two random terms of g; write one: (1 + x | g)",
    "y ~ x + (1 | a/b)": "'a/b': the cluster is one column; interactions and nesting",
    "y ~ x + (1 | a:b)": "'a:b': the cluster is one column",
    "y ~ x + (0 + x | g)": "a random slope comes with a random intercept; write (x || g)",
    "y ~ x + (x - 1 | g)": "a random slope comes with a random intercept",
    "y ~ x + (1 || g)": "'||' is for random slopes; use (1 | g)",
    "y ~ x + z + (z | g)": "the random slope is that of the first fixed term, here x; write z",
    "y ~ C(x) + (x | g)": "the random slope is that of the first fixed term, here C(x)",
    "y ~ x + (x + z | g)": "one random slope is fitted, that of the first fixed term",
    "y ~ x + (x:z | g)": "'x:z': the random slope is one column",
    "y ~ x + (C(x) | g)": "a random slope is that of a column, not of C()",
    "y ~ x + (log(x) | g)": "'log(x)': functions",
    "y ~ x + ( | g)": "a random intercept is written (1 | g)",
    "y ~ x + (1 | )": "the cluster is missing",
    "y ~ ｘ" + G: "'ｘ': letters that stand for others",
    "y ~ 𝑒𝑣𝑎𝑙" + G: "letters that stand for others",
    "y ~ x²" + G: "letters that stand for others",
    "y ~ x ＋ z" + G: "'＋' (U+FF0B) is not part of a formula; write '+'",
    "y ～ x" + G: "(U+FF5E) is not part of a formula; write '~'",
    "y ~ x \u2212 1" + G: "(U+2212) is not part of a formula; write '-'",
    "y ~ x\u200b" + G: "(U+200B) is not part of a formula",
    "y ~ x\u202e" + G: "(U+202E) is not part of a formula",
    "y ~ x\x00" + G: "is not part of a formula",
    "y ~ " + "x + " * 25_000 + "(1 | g)": "characters; a formula has at most 10,000",
    "y ~ " + "(" * 100 + "x" + ")" * 100 + G: "parentheses more than 20 deep",
    "y ~ " + "(" * 5000 + "1 | g)": "parentheses more than 20 deep",
    "y ~ a*b*c*d*e*f*h*i" + G: "more than 200 terms",
    "y ~ " + " + ".join(f"x{k}" for k in range(300)) + G: "more than 200 terms",
    "y ~ x) + (1 | g)": "a ')' has no '('",
    "y ~ x + (1 | g": "'(1 | g': a parenthesis is not closed",
    "y ~ `x + (1 | g)": "'`x + (1 | g)': a backtick is not closed",
    "y ~ ``" + G: "'``' is not a column name",
    "y ~ x z" + G: "'x z': terms are joined by '+'",
    "y ~ x (1 | g)": "terms are joined by '+', and one of them is (1 | cluster)",
    "y ~ x + + z" + G: "a term is missing beside '+'",
    "y ~ x:" + G: "a term is missing beside ':'",
    "y ~ x * ": "a term is missing beside '*'",
    "y ~ ()" + G: "a term is missing",
    "y + z ~ x" + G: "'y + z' is not a column name",
    "y | z ~ x" + G: "'y | z' is not a column name",
    " ~ x" + G: "the outcome is missing",
    "y ~ x ~ z" + G: "expected 'y ~ x + (1 | cluster)'",
    "y": "expected 'y ~ x + (1 | cluster)'",
    "": "expected 'y ~ x + (1 | cluster)'",
    "y ~ x": "no random intercept; expected 'y ~ x + (1 | cluster)'",
    "y ~ 1" + G: "no predictor; expected",
    "y ~ ": "no predictor; expected",
    "y ~ x + y" + G: "outcome, predictor and cluster must be three different columns",
    "y ~ x * C(g)" + G: "three different columns",
}  # fmt: skip


@pytest.mark.parametrize("formula", GOOD)
def test_formulas_are_read_in_rs_order(formula):
    found = parse(formula)
    assert str(found) == GOOD[formula]
    assert parse(str(found)).columns == found.columns


@pytest.mark.parametrize("formula", HOSTILE, ids=lambda f: f[:40])
def test_hostile_formulas_are_refused_by_name(formula):
    with pytest.raises(UserError) as refused:
        parse(formula)
    message = str(refused.value)
    assert message.startswith("formula '") and "\n" not in message
    place = formula if len(formula) <= 80 else formula[:77] + "..."
    assert HOSTILE[formula] in message[len(place) + 8 :], message
    assert len(message) < 300


def test_no_formula_is_ever_run(tmp_path):
    """Nor names in backticks, nor levels: while a model is made nothing is compiled."""
    code = f"""
import sys
import numpy as np, pandas as pd
from simstudy.analysis.grammar import parse
from simstudy.analysis.model import model
from simstudy.errors import UserError

seen = []
def note(event, given):
    module = event == "exec" and not given[0].co_filename.startswith("<")  # of an import
    if event in ("exec", "compile", "os.system", "subprocess.Popen") and not module:
        seen.append((event, given[0]))

sys.addaudithook(note)
for formula in {[f for f in HOSTILE if len(f) < 1000]!r}:
    try:
        parse(formula)
        raise AssertionError(formula)
    except UserError:
        pass
assert not seen and "formulaic" not in sys.modules, seen
evil = {"{" + EVIL + "}"!r}
frame = pd.DataFrame({{evil: [1.0, 2, 3, 4, 5, 6] * 4, evil[1:-1]: [evil, "b", evil[1:-1]] * 8,
                      "c0": np.arange(24.0), "y": np.arange(24.0) ** 2, "g": list("abcd") * 6}})
formula = parse(f"y ~ `{{evil}}` * `{{evil[1:-1]}}` + C(`{{evil[1:-1]}}`):c0 + (1 | g)")
model(frame, formula)  # whatever is imported is imported
seen.clear()
found = model(frame, formula)
assert not seen, seen
print(found.names[0] == evil, f"{{evil[1:-1]}}[T.b]" in found.names)
"""
    ran = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment(),
                         capture_output=True, text=True)  # fmt: skip
    assert ran.stdout.split() == ["True", "True"], ran.stderr
    assert not (tmp_path / "ran").exists()


FRAME = pd.DataFrame({
    "y": np.tile([1.0, 3, 2, 5, 4, 7], 4), "x": np.arange(24.0) % 7, "z": np.arange(24.0) % 5,
    "a": list("pqrq") * 6, "b": list("uvu") * 8, "g": list("sssttt") * 4,
})  # fmt: skip
PIECES = ["y", "x", "z", "a", "b", "g", "`x`", "C(a)", "C(x)", "C(", "1", "0", "~", "+", ":", "*",
          "|", "||", "(", ")", "(1 | g)", "(x | g)", "(1 + x || g)", "-", "^", "/", "%in%", "**",
          ",", "{x}", "[0]", "'", '"', "`", ".", "log(x)", "__", "\u200b", "²",
          "\n", "  "]  # fmt: skip


def outcome(text: str) -> None:
    """A formula is read and its model made, or it is refused in one line."""
    try:
        terms = parse(text)
    except UserError as error:
        assert "\n" not in str(error) and str(error).startswith("formula '")
        return
    assert isinstance(terms, Terms) and terms.fixed
    same = parse(str(terms))
    assert same.random == terms.random
    assert set(map(frozenset, same.fixed)) == set(map(frozenset, terms.fixed))
    try:
        found = model(FRAME, terms)
    except UserError as error:
        assert "\n" not in str(error)
        return
    assert isinstance(found, DataSet)
    assert found.matrix.shape == (24, len(found.names)) and np.isfinite(found.matrix).all()


@settings(max_examples=300, deadline=None)
@given(st.text() | st.text(alphabet="yxzabg01`.~+-|()*:C{}[]'\"^/% \x00\n", max_size=60))
@example("~" * 5000)
@example("y ~ " + "(" * 5000)
def test_any_text_is_read_or_refused_in_one_line(text):
    outcome(text)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=14), st.sampled_from(["", " "]))
def test_any_words_are_read_or_refused_in_one_line(words, glue):
    outcome(glue.join(words))
    outcome("y ~ " + glue.join(words) + " + (1 | g)")


SMALL = st.sampled_from(["x", "z", "a", "b", "C(x)", "C(a)", "`x`"])


@settings(max_examples=150, deadline=None)
@given(st.recursive(SMALL, lambda inner: st.builds("({} {} {})".format, inner,
                                                   st.sampled_from("+:*"), inner), max_leaves=6),
       st.sampled_from(["(1 | g)", "(x | g)", "(x || g)", "(1 + a | g)"]))  # fmt: skip
def test_sums_and_products_are_read_or_refused_in_one_line(right, random):
    outcome(f"y ~ {right} + {random}")


names = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="`"), min_size=1)


@settings(max_examples=100, deadline=None)
@given(st.lists(names, min_size=4, max_size=4, unique=True))
def test_any_name_in_backticks(columns):
    y, x, z, g = columns
    found = parse(f"`{y}` ~ `{x}` + C(`{z}`) + (`{x}` | `{g}`)")
    assert found.columns == (y, x, z, g) and found.random.slope == x
    assert parse(str(found)) == found
