"""Data sets of Cameron, Gelbach and Miller (2008), Table 3."""

import simstudy


@simstudy.generator(grain="clusters")
def own_errors(rng, scenario):
    """Draw y = x + u, u = e_g + 3 x e_ig: the errors of units are as wide as x is far from 0."""
    sizes = scenario.sizes(rng)
    units = int(sizes[0, 0])
    shape = (units, scenario.n_clusters, scenario.n_reps)
    x = rng.standard_normal(shape[1:]) + rng.standard_normal(shape)
    y = scenario.slope * x + rng.standard_normal(shape[1:]) + 3 * x * rng.standard_normal(shape)
    mean_x, mean_y = x.mean(axis=0), y.mean(axis=0)
    x, y = x - mean_x, y - mean_y
    return {"sizes": sizes, "mean_x": mean_x, "mean_y": mean_y, "within.xx": (x * x).sum(axis=0),
            "within.xy": (x * y).sum(axis=0), "within.yy": (y * y).sum(axis=0)}  # fmt: skip
