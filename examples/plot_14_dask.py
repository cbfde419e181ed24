"""
Where one machine is not enough: a dask cluster
===============================================

Everything here that fits many models does so by joblib: the classes that
cross-validate, `StabilitySelection`, and scikit-learn's searches over our estimators.
On a cluster it takes three lines more, a client and a context::

    from dask.distributed import Client
    client = Client("scheduler:8786")
    with joblib.parallel_config("dask"):
        model.fit(X, y)

Here the cluster is two processes of this machine. The numbers are the same as one after
the other, bit for bit. It prints ::

    ARDRegressorCV: 6 s alone, 9 s on the cluster, the same numbers
    GridSearchCV: 8 s alone, 12 s on the cluster, the same numbers
    StabilitySelection: 8 s alone, 8 s on the cluster, the same numbers

on a machine that other work kept busy, where two workers had no core to themselves: a
cluster pays where fits take minutes, or there are machines to spare.
"""

import time

import joblib
import numpy as np
from dask.distributed import Client
from sklearn.model_selection import GridSearchCV

from sklearn_ard import ARDRegressor, ARDRegressorCV, StabilitySelection

OPTIONS = {"n_bins": 0, "likelihood": "gaussian", "max_iter": 100, "random_state": 0}


def make_models():
    plain = ARDRegressor(**OPTIONS)
    return {
        "ARDRegressorCV": ARDRegressorCV(**OPTIONS, n_networks=2, cv=3),
        "GridSearchCV": GridSearchCV(plain, {"reg_factor": [0.3, 1, 3]}, cv=3),
        "StabilitySelection": StabilitySelection(plain, n_pairs=4, random_state=0),
    }


def result_of(model):
    """What a model says, as numbers."""
    if isinstance(model, StabilitySelection):
        return model.probabilities_
    return model.predict(X)


rng = np.random.default_rng(0)
X = rng.normal(size=(500, 20))
y = np.abs(X[:, 3]) + X[:, 7] + 0.3 * rng.normal(size=500)

if __name__ == "__main__":  # the workers import this file
    with Client(n_workers=2, threads_per_worker=1, dashboard_address=":0") as client:
        for name, model in make_models().items():
            start = time.perf_counter()
            alone = result_of(model.fit(X, y))
            middle = time.perf_counter()
            with joblib.parallel_config("dask"):
                together = result_of(model.fit(X, y))
            end = time.perf_counter()
            same = np.array_equal(alone, together)
            print(
                f"{name}: {middle - start:.0f} s alone, {end - middle:.0f} s on the "
                f"cluster, {'the same' if same else 'other'} numbers"
            )
