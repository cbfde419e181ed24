"""Very many sparse columns of which five matter: what is kept, time and memory.

    python examples/benchmarks/wide_sparse.py
    python examples/benchmarks/wide_sparse.py --columns 100000 --seeds 3 --lasso

Of a random csr matrix one entry in a thousand is not 0. Five columns are normal numbers
in a third of the rows; y is linear in four of them and has a kink in one. R² is of
1,000 new rows. Memory is the peak of the process, one process per fit; `--lasso` adds
scikit-learn's LassoCV (3 folds, 30 alphas), whose kept columns have a coefficient.
"""

import argparse
import resource
import time
from multiprocessing import get_context

import numpy as np
import scipy.sparse as sp
import torch
from sklearn.linear_model import LassoCV

from sklearn_ard import ARDRegressor

RELEVANT = (0.001, 0.25, 0.5, 0.75, 0.999)  # where among the columns


def draw(n_rows, n_columns, seed):
    """X, y and the indices of the relevant columns."""
    rng = np.random.default_rng(seed)
    X = sp.random_array((n_rows, n_columns), density=1e-3, rng=rng, format="csc")
    relevant = [int(share * n_columns) for share in RELEVANT]
    Z = rng.normal(size=(n_rows, 5)) * (rng.random((n_rows, 5)) < 0.3)
    parts, start = [], 0
    for k, j in enumerate(relevant):
        parts += [X[:, start:j], sp.csc_array(Z[:, [k]])]
        start = j + 1
    X = sp.hstack([*parts, X[:, start:]], format="csr")
    y = Z @ [2.0, -1.5, 1.0, 1.2, 0.8] + np.abs(Z[:, 0])
    return X, y + 0.3 * rng.normal(size=n_rows), relevant


def run(model, n_rows, n_columns, seed):
    """One fit as a row of the table."""
    torch.set_num_threads(1)
    X, y, relevant = draw(2 * n_rows, n_columns, seed)
    start = time.process_time()
    if model == "ours":
        fitted = ARDRegressor(random_state=seed).fit(X[:n_rows], y[:n_rows])
        kept = set(fitted.get_support(indices=True).tolist())
    else:
        fitted = LassoCV(cv=3, alphas=30).fit(X[:n_rows], y[:n_rows])
        kept = set(np.flatnonzero(fitted.coef_).tolist())
    seconds = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    right = len(kept & set(relevant))
    score = fitted.score(X[n_rows:], y[n_rows:])
    size = f"{n_rows:,} × {n_columns:,}"
    return (
        f"| {size} | {model} | {seed} | {right} | {len(kept) - right} | {score:.3f} | "
        f"{seconds:.0f} | {peak:.1f} |"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--columns", type=int, default=1_000_000)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--lasso", action="store_true")
    options = parser.parse_args()
    print("| X | model | seed | right | false | R² | fit s | GB |")
    print("|---|---|---:|---:|---:|---:|---:|---:|")
    context = get_context("spawn")
    for seed in range(options.seeds):
        for model in ("ours", "lasso")[: 1 + options.lasso]:
            with context.Pool(1) as pool:
                task = model, options.rows, options.columns, seed
                print(pool.apply(run, task), flush=True)
