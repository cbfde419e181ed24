"""Seconds and errors of Shapley values: ours beside the explainers of shap.

Compact models of 5, 8, 10 and 14 columns in use explain 1,000 rows with 100 rows of
background, on one thread. Peers explain the same model, as a function of the columns in
use; those that would take long explain fewer rows, and their seconds are scaled.
TreeExplainer explains boosted trees of the same data. Errors are the largest
differences on three rows to all coalitions one by one, in standard deviations of y: of
our model in double precision, but for none and all of the columns, where it is the
prediction itself; of the trees for TreeExplainer.

    OMP_NUM_THREADS=1 python examples/benchmarks/explanations.py
"""

import argparse
import sys
import time
import warnings

import numpy as np
import pandas as pd
import shap
from sklearn.ensemble import HistGradientBoostingRegressor

from sklearn_ard import ARDRegressor
from sklearn_ard.inspection import shapley_values
from sklearn_ard.inspection.coalitions import shapley_weights
from sklearn_ard.inspection.players import Explained

N_ROWS, N_BACKGROUND, N_CHECKED = 1_000, 100, 3
BUDGET = 8.0  # seconds of a peer, about


def data_of(k, n=3_000):
    """A table with k columns that matter, alone and in pairs, and ten of noise."""
    rng = np.random.default_rng(k)
    X = rng.random((n, k + 10))
    y = 10 * np.sin(np.pi * X[:, 0] * X[:, 1]) + 20 * (X[:, 2] - 0.5) ** 2
    y += 10 * X[:, 3] + 5 * X[:, 4]
    for j in range(5, k):
        y += 4 * np.sin(3 * X[:, j]) * (X[:, j - 1] + 0.5)
    return X, y + 0.5 * rng.normal(size=n)


def all_coalitions(compute, rows, background, ends):
    """Shapley values from the definition, one coalition after the other.

    `compute` is the model in double precision, `ends` are its own predictions: the mean
    of the background, and those of the rows.
    """
    k = rows.shape[1]
    values = np.empty((2**k, len(rows)))
    for c in range(2**k):
        is_in = (c >> np.arange(k)) & 1 == 1
        hybrids = np.where(is_in, rows[:, None], background)
        found = compute(hybrids.reshape(-1, k))
        values[c] = found.reshape(len(rows), -1).mean(axis=1)
    values[0], values[-1] = ends
    return (shapley_weights(k) @ values).T


def timed(explain, rows):
    """Values of as many rows as the budget allows; seconds for all rows; their number.

    The first call compiles.
    """
    explain(rows[:1])
    start = time.perf_counter()
    explain(rows[:1])
    n = int(np.clip(BUDGET / (time.perf_counter() - start), N_CHECKED, len(rows)))
    start = time.perf_counter()
    values = explain(rows[:n])
    return values, (time.perf_counter() - start) * len(rows) / n, n


def run(k):
    """A row of the table per explainer."""
    X, y = data_of(k)
    model = ARDRegressor(random_state=0).fit(X, y)
    kept, small = model.get_support(indices=True), model.compact()
    rows, background = X[:N_ROWS], X[N_ROWS : N_ROWS + N_BACKGROUND]
    explained = Explained(small, "auto", "benchmark")

    def whole(part):
        table = np.zeros((len(part), X.shape[1]))
        table[:, kept] = part
        return table

    def predict(part):
        return small.predict(whole(part))

    def in_double(part):
        return explained.compute(explained.inputs(whole(part)))[0]

    trees = HistGradientBoostingRegressor(random_state=0).fit(X[:, kept], y)
    masker = shap.maskers.Independent(background[:, kept], max_samples=N_BACKGROUND)
    exact, permutation = (
        kind(predict, masker)
        for kind in (shap.explainers.Exact, shap.explainers.Permutation)
    )
    kernel = shap.KernelExplainer(predict, background[:, kept])
    tree = shap.TreeExplainer(
        trees, background[:, kept], feature_perturbation="interventional"
    )
    explainers = {
        "ours": lambda part: shapley_values(small, whole(part), background).of_players,
        "shap Exact": lambda part: exact(part, silent=True).values,
        "shap Permutation": lambda part: permutation(part, silent=True).values,
        "shap Kernel": lambda part: kernel.shap_values(part, silent=True),
        "shap Tree, of boosted trees": lambda part: tree.shap_values(
            part, check_additivity=False
        ),
    }
    checked = rows[:N_CHECKED, kept], background[:, kept]
    found = []
    for name, explain in explainers.items():
        values, seconds, n = timed(explain, rows[:, kept])
        own, precise = (trees.predict,) * 2 if "trees" in name else (predict, in_double)
        # as many rows at a time: rounding in single precision depends on it
        ends = own(background[:, kept]).mean(), own(rows[:n, kept])[:N_CHECKED]
        true = all_coalitions(precise, *checked, ends)
        error = np.abs(values[:N_CHECKED] - true).max() / y.std()
        found.append(
            {"k": len(kept), "explainer": name, "s": seconds, "rows": n, "error": error}
        )
        print(found[-1], file=sys.stderr, flush=True)
    ours = found[0]["s"]
    for each in found:
        each["times ours"] = each["s"] / ours
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--columns", type=int, nargs="+", default=[5, 8, 10, 14])
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore", category=UserWarning)
    frames = [pd.DataFrame(run(k)) for k in arguments.columns]
    print("| columns | explainer | s | rows | s / ours | largest error |")
    print("|---:|---|---:|---:|---:|---:|")
    for row in pd.concat(frames).itertuples(index=False):
        print(
            f"| {row.k} | {row.explainer} | {row.s:,.3g} | {row.rows:,} | "
            f"{row[5]:,.3g} | {row.error:.1g} |"
        )
