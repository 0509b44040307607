"""Two methods of a user's own; configs/own.yaml uses them."""

import numpy as np

import simstudy


@simstudy.method
def robust(data):
    """OLS with statsmodels' cluster-robust standard error and t(J - 1)."""
    import statsmodels.api as sm

    model = sm.OLS(data.y, sm.add_constant(data.x))
    fit = model.fit(cov_type="cluster", cov_kwds={"groups": data.cluster})
    return fit.params["x"], fit.bse["x"], data.cluster.nunique() - 1


@simstudy.method(grain="clusters")
def own_slopes(moments, trim=0):
    """Mean of the clusters' own slopes, without the `trim` smallest and largest."""
    slopes = np.sort(moments.within.xy / moments.within.xx, axis=0)
    kept = slopes[trim : len(slopes) - trim]
    error = kept.std(axis=0, ddof=1) / np.sqrt(len(kept))
    return {"estimate": kept.mean(axis=0), "std_error": error, "df": len(kept) - 1}
