"""Methods of a user's own behind tests/golden; their digest is part of stored names."""

import numpy as np

import simstudy


@simstudy.method
def slope_of_means(data):
    """OLS of the cluster means."""
    means = data.groupby("cluster")[["x", "y"]].mean()
    if means.x.iloc[0] > 1.2:
        raise ValueError("the first cluster is too far out")
    x, y = means.x - means.x.mean(), means.y - means.y.mean()
    slope = (x @ y) / (x @ x)
    df = len(means) - 2
    error = np.sqrt(((y - slope * x) ** 2).sum() / df / (x @ x))
    return {"estimate": slope, "std_error": error, "df": df, "largest": means.x.abs().max()}


@simstudy.method(grain="clusters")
def mean_of_slopes(moments):
    """Mean of the clusters' own slopes."""
    slopes = moments.within.xy / moments.within.xx
    error = slopes.std(axis=0, ddof=1) / np.sqrt(len(slopes))
    return {"estimate": slopes.mean(axis=0), "std_error": error, "df": len(slopes) - 1}
