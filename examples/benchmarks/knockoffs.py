"""False discovery rate and power of knockoffs: our relevance beside the Lasso's.

    python examples/benchmarks/knockoffs.py --columns 50 --correlations 0,0.7 --seeds 20

X is normal with a correlation of r^|i - j|. 20 or 30 columns are relevant: each with a
coefficient of its own (linear), or in fives (Friedman's function of their ranks).
`ours_cheap` has a price of 1 nat per column. Every model gets the same rows and the
same draws. Printed per cell: mean share of false columns among those that are selected
with its standard error, mean share of the relevant ones that are found, and processor
seconds.
"""

import argparse
import time
import warnings

import numpy as np
from hidimstat import ModelXKnockoff
from scipy import stats
from sklearn.linear_model import LassoCV

from sklearn_ard import ARDRegressor
from sklearn_ard.inspection import knockoffs

RELEVANT = {50: 20, 200: 30, 500: 30}
SIZE = 0.2  # of a coefficient, in standard deviations of the noise
NOISE = 0.5  # of Friedman's functions, in their standard deviations
LEVELS = (0.1, 0.2)


def draw(design, n_rows, n_columns, correlation, seed):
    """X, y and the relevant columns."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_rows, n_columns))
    for j in range(1, n_columns):
        X[:, j] *= np.sqrt(1 - correlation**2)
        X[:, j] += correlation * X[:, j - 1]
    relevant = rng.permutation(n_columns)[: RELEVANT[n_columns]]
    if design == "linear":
        y = X[:, relevant] @ rng.choice([-SIZE, SIZE], len(relevant))
        return X, y + rng.normal(size=n_rows), relevant
    y = sum(friedman(stats.norm.cdf(X[:, five])) for five in relevant.reshape(-1, 5))
    return X, y + NOISE * y.std() * rng.normal(size=n_rows), relevant


def friedman(u):
    """Friedman's function of five uniform columns."""
    return (
        10 * np.sin(np.pi * u[:, 0] * u[:, 1])
        + 20 * (u[:, 2] - 0.5) ** 2
        + 10 * u[:, 3]
        + 5 * u[:, 4]
    )


def statistics_of_lasso(X, y, seed):
    """As the functions of hidimstat have it by default."""
    # another seed than that of X, from which the same numbers would come
    model = ModelXKnockoff(LassoCV(max_iter=200_000), random_state=10_000 + seed)
    return model.fit_importance(X, y)[0]


def statistics_of_network(X, y, seed, **options):
    model = ARDRegressor(likelihood="gaussian", n_bins=0, **options)
    return knockoffs(model, X, y, random_state=10_000 + seed).nats.to_numpy()


MODELS = {
    "lasso": statistics_of_lasso,
    "ours": statistics_of_network,
    "ours_cheap": lambda X, y, seed: statistics_of_network(X, y, seed, feature_cost=1),
}


def main():
    warnings.filterwarnings("ignore")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--designs", default="linear,friedman")
    parser.add_argument("--columns", default="50,200,500")
    parser.add_argument("--correlations", default="0,0.5,0.7")
    parser.add_argument("--models", default="lasso,ours,ours_cheap")
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--seeds", type=int, default=50)
    options = parser.parse_args()
    heads = [f"FDR at {level} | power" for level in LEVELS]
    print(f"| design | columns | r | model | {' | '.join(heads)} | s |")
    print("|---|---:|---:|---|" + "---:|" * (2 * len(LEVELS) + 1))
    for design in options.designs.split(","):
        for n_columns in map(int, options.columns.split(",")):
            for correlation in map(float, options.correlations.split(",")):
                for name in options.models.split(","):
                    cell = design, options.rows, n_columns, correlation
                    print(row_of(name, cell, options.seeds), flush=True)


def row_of(name, cell, n_seeds):
    """A line of the table."""
    design, _, n_columns, correlation = cell
    found, start = [], time.process_time()
    for seed in range(n_seeds):
        X, y, relevant = draw(*cell, seed)
        is_relevant = np.isin(np.arange(n_columns), relevant)
        w = MODELS[name](X, y, seed)
        kept = [w >= ModelXKnockoff.knockoff_threshold(w, fdr=q) for q in LEVELS]
        found.append(
            [
                (
                    each[~is_relevant].sum() / max(1, each.sum()),
                    each[is_relevant].mean(),
                )
                for each in kept
            ]
        )
    share, power = np.moveaxis(np.array(found), 2, 0)
    error = share.std(axis=0, ddof=1) / np.sqrt(n_seeds)
    cells = [
        f"{share[:, k].mean():.3f} ± {error[k]:.3f} | {power[:, k].mean():.2f}"
        for k in range(len(LEVELS))
    ]
    seconds = (time.process_time() - start) / n_seeds
    return (
        f"| {design} | {n_columns} | {correlation:g} | {name} | {' | '.join(cells)} "
        f"| {seconds:.1f} |"
    )


if __name__ == "__main__":
    main()
