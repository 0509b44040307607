"""Data sets of Koller and Stahel (2022): ten values of a subject at each level of a factor."""

import numpy as np

import simstudy

# Huber's scale of 100,000 numbers each
SCALE = {"normal": 1.0, "t3": 1.185734, "contaminated": 1.199317}


def drawn(rng, n, law):
    """Draw n numbers: normal, t of 3 df, or of which a tenth, rounded down, lies 4 further."""
    if law == "t3":
        return rng.standard_t(3, n) / SCALE[law]
    values = rng.standard_normal(n)
    if law == "contaminated":
        values[rng.permutation(n)[: n // 10]] += 4
        values -= 0.1975654
    return values / SCALE[law]


@simstudy.generator
def factor(rng, scenario, errors="normal", effects="normal"):
    """Draw a randomized block: x is the second level against the first, `third` the third."""
    level = np.tile(np.repeat([0, 1, 2], 10), 5)
    cluster = np.repeat(np.arange(5), 30)
    x, third = 1.0 * (level == 1), 1.0 * (level == 2)
    y = x + third + 4 * drawn(rng, 5, effects)[cluster] + 4 * drawn(rng, 150, errors)
    return {"cluster": cluster, "x": x, "third": third, "y": y}
