"""Shapes: their distributions against closed forms and scipy's, and how they are written."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from simstudy.errors import UserError
from simstudy.generators import shapes
from simstudy.generators.shape_families import FAMILIES
from simstudy.generators.shapes import Shape
from simstudy.study.place import Place
from simstudy.study.yaml_lines import Document

N = 400_000
WITH_NUMBERS = {name: family for name, family in FAMILIES.items() if name != "file"}
MIXED = Shape("contaminated", (0.1, 3.0))
LIGHT = [  # their eighth moments exist and are moderate
    Shape("normal"), Shape("t", (14.0,)), Shape("chi_square", (6.0,)), Shape("skew_normal", (5.0,)),
    Shape("skew_normal", (-1.0,)), Shape("uniform"), Shape("two_point"),
    Shape("contaminated", (0.3, 2.0)), Shape("contaminated", (0.2, 0.2)),
]  # fmt: skip
HEAVY = [
    Shape("t", (4.5,)), Shape("t", (5.0,)), Shape("chi_square", (0.5,)), MIXED,
    Shape("chi_square", (2.0,)), Shape("lognormal", (0.4,)), Shape("lognormal", (1.0,)),
    Shape("lognormal", (2.5,)), Shape("skew_normal", (1e12,)),
]  # fmt: skip


def _drawn(shape: Shape, seed: int, n: int = N) -> Any:
    return shapes.draw(np.random.Generator(np.random.SFC64(seed)), shape, (n // 8, 8)).ravel()


def _place(value: Any) -> Place:
    return Place(Document({"errors": value}), ("errors",), value)


def _reference(shape: Shape) -> Any:
    """scipy's distribution, not standardized."""
    match shape.name, shape.parameters:
        case "t", (df,):
            return stats.t(df)
        case "chi_square", (df,):
            return stats.chi2(df)
        case "lognormal", (sd,):
            return stats.lognorm(sd)
        case "skew_normal", (alpha,):
            return stats.skewnorm(alpha)
        case "uniform", ():
            return stats.uniform()
    return stats.norm()


def _cdf(shape: Shape, x: Any) -> Any:
    if shape.name == "contaminated":
        share, scale = shape.parameters
        sd = math.sqrt(1 - share + share * scale**2)
        return (1 - share) * stats.norm.cdf(x * sd) + share * stats.norm.cdf(x * sd / scale)
    one = _reference(shape)
    return one.cdf(one.mean() + one.std() * x)


def _id(shape: Shape) -> str:
    return shapes.text(shape).replace(" ", "_")


@pytest.mark.parametrize("shape", LIGHT, ids=_id)
def test_moments_of_what_is_drawn(shape: Shape):
    x = _drawn(shape, 20)
    exact = {1: 0.0, 2: 1.0, 3: shape.skewness, 4: shape.kurtosis + 3.0}
    for power, value in exact.items():
        terms = x**power - value
        error = terms.std() / math.sqrt(N)
        assert error < 0.02 * max(1.0, abs(value))  # a few percent are seen
        assert abs(terms.mean()) <= 4 * error + 1e-12, power


@pytest.mark.parametrize("shape", [s for s in LIGHT + HEAVY if s.name != "two_point"], ids=_id)
def test_the_distribution_function(shape: Shape):
    found = stats.kstest(_drawn(shape, 21, N // 4), lambda x: _cdf(shape, x))
    assert found.pvalue > 1e-4


def test_two_points_and_no_others():
    values, counts = np.unique(_drawn(Shape("two_point"), 22), return_counts=True)
    assert values.tolist() == [-1.0, 1.0]
    assert abs(counts[0] - N / 2) < 4 * math.sqrt(N / 4)


@pytest.mark.parametrize("shape", LIGHT + HEAVY[:-1], ids=_id)
def test_skewness_and_kurtosis_in_closed_form(shape: Shape):
    if shape.name == "contaminated":
        share, scale = shape.parameters
        second, fourth = (1 - share + share * scale**k for k in (2, 4))
        expected = (0.0, 3 * fourth / second**2 - 3)
    elif shape.name == "two_point":
        expected = (0.0, -2.0)
    else:
        expected = tuple(map(float, _reference(shape).stats("sk")))
    assert (shape.skewness, shape.kurtosis) == pytest.approx(expected, rel=1e-10, abs=1e-12)


def test_numbers_that_are_drawn_stay(tmp_path, monkeypatch):
    """They are format: of the seed 7, the second number of each shape as it is first shown."""
    second = {
        "normal": 1.3825362281288547, "t": 2.453721756720829, "chi_square": 1.9425298990620814,
        "lognormal": 1.0810092552988828, "skew_normal": 1.1590742046648057,
        "uniform": 0.30232712563775704, "two_point": 1.0, "contaminated": 0.5646150224838944,
        "file": -0.3692744729379982,
    }  # fmt: skip
    assert second.keys() == FAMILIES.keys()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "residuals.csv").write_text("e\n3\n0\n1\n0\n4\n")
    for family in FAMILIES.values():
        shape = shapes.read(_place(family.example or family.name))
        drawn = shapes.draw(np.random.Generator(np.random.SFC64(7)), shape, (3,))
        assert drawn[1] == pytest.approx(second[family.name], rel=1e-12)


def _shape_of(name: str) -> st.SearchStrategy[Shape]:
    numbers = [
        st.floats(number.low, number.high, allow_nan=False, allow_infinity=False,
                  exclude_min=number.low_open, exclude_max=number.high_open)
        for number in FAMILIES[name].parameters.values()
    ]  # fmt: skip
    return st.tuples(*numbers).map(lambda values: Shape(name, tuple(v + 0.0 for v in values)))


@given(st.sampled_from(sorted(WITH_NUMBERS)).flatmap(_shape_of))
def test_every_shape_in_range_is_drawn_written_and_read_back(shape: Shape):
    drawn = shapes.draw(np.random.Generator(np.random.SFC64(1)), shape, (3, 2))
    assert drawn.shape == (3, 2)
    assert drawn.dtype == float
    assert np.isfinite(drawn).all()
    assert math.isfinite(shape.skewness)
    assert math.isfinite(shape.kurtosis)
    assert shapes.read(_place(shapes.canonical(shape))) == shape
    name, *numbers = shapes.text(shape).replace(",", "").split()
    assert name == shape.name
    if numbers:
        assert tuple(map(float, numbers[len(shape.parameters) - 1 :: 2][:2])) == shape.parameters
    assert shapes.words(shape).count("$") % 2 == 0


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("normal", "normal"), ({"t": 5}, "t 5"), ({"chi_square": 3.0}, "chi_square 3"),
        ({"skew_normal": -0.5}, "skew_normal -0.5"), ("two_point", "two_point"),
        ({"contaminated": {"scale": 3, "share": 0.1}}, "contaminated share 0.1, scale 3"),
    ],
)  # fmt: skip
def test_how_a_shape_is_shown(written: Any, text: str):
    assert shapes.text(shapes.read(_place(written))) == text


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("gaussian", "errors: 'gaussian' is not a shape; did you mean 'normal'?"),
        ("student", "did you mean '{t: 5}'?"),
        ("t", "'t' needs df: {t: 5}"),
        ("exponential", "write {chi_square: 2}, which is an exponential distribution"),
        ("rademacher", "did you mean 'two_point'?"),
        ("outliers", "did you mean '{contaminated: {share: 0.1, scale: 3}}'?"),
        ({"student_t": 5}, "errors.student_t: unknown shape; did you mean 't'?"),
        ({"gamma": 1}, "write {chi_square: 2k} for a gamma distribution of shape k"),
        ({"t": 4}, "errors.t: 4 is not in (4, 1000000]"),
        ({"chi_square": 0}, "errors.chi_square: 0 is not in [0.001, 1000000]"),
        ({"lognormal": -1}, "errors.lognormal: -1 is not in [0.001, 10]"),
        ({"skew_normal": math.inf}, "errors.skew_normal: inf is not in (-inf, inf)"),
        ({"skew_normal": 10**400}, "is not in (-inf, inf)"),
        ({"skew_normal": math.nan}, "nan is not in (-inf, inf)"),
        ({"t": "5"}, "errors.t: expected a number, got '5'"),
        ({"normal": 1}, "normal has no parameter; write normal"),
        ({"t": 5, "normal": None}, "expected one shape, got 2"),
        ({"contaminated": 0.1}, "expected a mapping of share and scale, got 0.1"),
        ({"contaminated": {"share": 0.1}}, "'scale' is missing"),
        (
            {"contaminated": {"share": 1, "scale": 3}},
            "contaminated.share: 1 is not in (0, 1)",
        ),
        (["normal"], "expected a shape (normal, {t: 5}, "),
        (None, "got nothing"),
    ],
)
def test_what_is_no_shape_is_refused_in_its_place(written: Any, said: str):
    with pytest.raises(UserError) as refused:
        shapes.read(_place(written))
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_other_words_lead_to_shapes():
    assert not shapes.WORDS.keys() & FAMILIES.keys()
    assert all(meant in FAMILIES or " " in meant for meant in shapes.WORDS.values())


def test_the_schema_says_what_each_family_takes():
    taken = dict(zip(FAMILIES, shapes.schema()["anyOf"], strict=True))
    assert taken.pop("file")["required"] == ["file", "column"]  # beside each other
    for name, family in WITH_NUMBERS.items():
        assert taken[name]["description"] == family.summary
        if family.form is None:
            assert taken[name]["const"] == name
        else:
            assert taken[name]["required"] == [name]
            assert taken[name]["properties"] == {name: family.form.schema()}
    contaminated = taken["contaminated"]["properties"]["contaminated"]
    assert contaminated["required"] == ["share", "scale"]
    t = taken["t"]["properties"]["t"]
    assert t == {"type": "number", "exclusiveMinimum": 4, "maximum": 1_000_000}
