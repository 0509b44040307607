import sys

import simstudy

K = float(sys.argv[1])


@simstudy.method
def shifted(data):
    return data.y.mean() * 0 + K, 1.0


r = simstudy.run(
    {
        "name": "stale_global",
        "seed": 1,
        "replications": 50,
        "scenarios": {"n_clusters": 4, "cluster_size": 5, "icc": 0.1, "x_icc": 1, "slope": 0},
        "methods": [shifted],
    },
    jobs=1,
    report=False,
)
print("k", K, "bias", r.summary.query("measure=='bias'").value.tolist())
