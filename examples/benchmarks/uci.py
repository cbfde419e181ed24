"""Nine UCI regression sets on their standard splits, beside what has been published.

    python examples/benchmarks/uci.py --data uci_standard_splits

`--data` is a folder of files NAME.npz with X, y and test_mask[k, n], the splits of
Hernández-Lobato & Adams (2015). Printed per set and model, mean over splits: RMSE and
log-likelihood per test row (both in units of y), share of pruned weights, kept columns
and processor seconds of a fit. Every split is written to `--results` when it is done,
and is not run again. Of the four large sets at most five splits are run, and neither
the MLP nor LassoNet is.

Ours is ARDRegressorCV with 3 folds, scored by log-likelihood; 64-64 (protein: 128-128),
and 6,000 steps, or 9,000 in batches of 256 from 5,000 rows on; "ensemble" is the same
with n_networks=5. The MLP is
scikit-learn's of the same size, its alpha by 3-fold cross-validation; gradient boosting
has its defaults. Neither says how sure it is. Published are PBP (Hernández-Lobato &
Adams 2015) and dropout with tuned hyperparameters (Mukhoti, Stenetorp, Gal 2018).
"""

import argparse
import math
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.metrics import root_mean_squared_error
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ard import ARDRegressorCV

# RMSE of dropout and PBP, log-likelihood of dropout
PUBLISHED = {
    "bostonHousing": (2.90, 3.01, -2.40),
    "concrete": (4.82, 5.67, -2.93),
    "energy": (0.54, 1.80, -1.21),
    "kin8nm": (0.08, 0.10, 1.14),
    "naval-propulsion-plant": (0.00, 0.01, 4.45),
    "power-plant": (4.01, 4.12, -2.80),
    "protein-tertiary-structure": (4.27, 4.73, -2.87),
    "wine-quality-red": (0.62, 0.64, -0.93),
    "yacht": (0.67, 1.02, -1.25),
}
N_FOLDS = 3
LARGE = (  # sets of 8,000 rows or more
    "kin8nm",
    "naval-propulsion-plant",
    "power-plant",
    "protein-tertiary-structure",
)
MOST_OF_LARGE = 5  # splits of these
SLOW = ("mlp", "lassonet")  # not fitted on these


def sizes_of(name):
    return (128, 128) if name.startswith("protein") else (64, 64)


def log_likelihood(model, X, y):
    """Mean over rows of the log density of y, in units of y."""
    return model.log_density(X, y).mean()


def fit_ours(name, X, y, seed, n_networks=1):
    batch_size, n_steps = (64, 6000) if len(X) < 5000 else (256, 9000)
    model = ARDRegressorCV(
        sizes_of(name),
        cv=KFold(N_FOLDS, shuffle=True, random_state=seed),
        scoring=log_likelihood,
        batch_size=batch_size,
        max_iter=round(n_steps / math.ceil(len(X) / batch_size)),
        n_networks=n_networks,
        random_state=seed,
    )
    return model.fit(X, y)


def fit_ensemble(name, X, y, seed):
    return fit_ours(name, X, y, seed, n_networks=5)


def fit_hgb(name, X, y, seed):
    return HistGradientBoostingRegressor(random_state=seed).fit(X, y)


def fit_mlp(name, X, y, seed):
    mlp = MLPRegressor(
        hidden_layer_sizes=sizes_of(name), max_iter=500, random_state=seed
    )
    model = TransformedTargetRegressor(
        make_pipeline(StandardScaler(), mlp), transformer=StandardScaler()
    )
    alphas = {"regressor__mlpregressor__alpha": [1e-4, 1e-2, 1e-1, 1, 10]}
    cv = KFold(N_FOLDS, shuffle=True, random_state=seed)
    return GridSearchCV(model, alphas, cv=cv).fit(X, y)


def fit_lassonet(name, X, y, seed):
    from lassonet import LassoNetRegressorCV

    class Scaled(LassoNetRegressorCV):
        def predict(self, X):
            return np.ravel(super().predict(X))

    model = TransformedTargetRegressor(
        make_pipeline(
            StandardScaler(),
            Scaled(hidden_dims=sizes_of(name), random_state=seed, torch_seed=seed),
        ),
        transformer=StandardScaler(),
    )
    return model.fit(X, y)


OURS = {"ours": fit_ours, "ensemble": fit_ensemble}
MODELS = {**OURS, "hgb": fit_hgb, "mlp": fit_mlp, "lassonet": fit_lassonet}


def run(data, name, model, split):
    """One fit, as a row of the results."""
    warnings.filterwarnings("ignore")
    with np.load(data / f"{name}.npz") as file:
        X, y, test = file["X"], file["y"], file["test_mask"][split]
    start = time.process_time()
    fitted = MODELS[model](name, X[~test], y[~test], split)
    seconds = time.process_time() - start
    row = {"set": name, "model": model, "split": split, "seconds": seconds}
    if model in OURS:
        row["log_likelihood"] = log_likelihood(fitted, X[test], y[test])
        row["sparsity"] = fitted.sparsity_
        row["kept"] = fitted.get_support().sum()
        row["reg_factor"] = fitted.reg_factor_
    row["rmse"] = root_mean_squared_error(y[test], fitted.predict(X[test]))
    return row


def table(rows):
    lines = [
        "| set | model | splits | RMSE | log-likelihood | pruned % | kept | fit s |",
        "|---|---|---:|---:|---:|---:|---:|---:|",
    ]
    for name, (rmse, pbp, log_likelihood) in PUBLISHED.items():
        lines.append(f"| {name} | PBP | | {pbp:.2f} | | | | |")
        lines.append(
            f"| {name} | dropout | | {rmse:.2f} | {log_likelihood:.2f} | | | |"
        )
        for model in MODELS:
            found = rows[(rows["set"] == name) & (rows["model"] == model)]
            if not len(found):
                continue
            mean = found.mean(numeric_only=True)
            ours = (
                f"{mean['log_likelihood']:.2f} | {100 * mean['sparsity']:.0f} | "
                f"{mean['kept']:.1f}"
                if model in OURS
                else "| |"
            )
            digits = 4 if mean["rmse"] < 0.1 else 2
            rmse = f"{mean['rmse']:.{digits}f}"
            if len(found) > 1:
                rmse += f" ± {found['rmse'].sem():.{digits}f}"
            lines.append(
                f"| {name} | {model} | {len(found)} | {rmse} | {ours} | "
                f"{mean['seconds']:.0f} |"
            )
    for model in OURS:
        found = rows[rows["model"] == model].groupby("set").mean(numeric_only=True)
        if not len(found):
            continue
        published = pd.DataFrame(PUBLISHED, index=["rmse", "pbp", "ll"]).T
        published, digits = published.loc[found.index], 2  # as published
        lines += [
            "",
            f"{model}: of {len(found)} sets, at or better than tuned dropout (wanted: "
            "all): RMSE on "
            f"{(found['rmse'].round(digits) <= published['rmse']).sum()}, "
            "log-likelihood on "
            f"{(found['log_likelihood'].round(digits) >= published['ll']).sum()}; "
            f"{found['sparsity'].mean():.0%} of the weights pruned on average.",
        ]
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--sets", default=",".join(PUBLISHED))
    parser.add_argument("--models", default="ours,ensemble,hgb,mlp")
    parser.add_argument("--splits", type=int, default=20)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--results", type=Path, default=Path("uci_results.csv"))
    options = parser.parse_args()

    rows = pd.read_csv(options.results) if options.results.exists() else pd.DataFrame()
    done = (
        set(rows[["set", "model", "split"]].itertuples(index=False, name=None))
        if len(rows)
        else set()
    )
    tasks = []
    for name in options.sets.split(","):
        with np.load(options.data / f"{name}.npz") as file:
            n_splits = min(options.splits, len(file["test_mask"]))
        if name in LARGE:
            n_splits = min(n_splits, MOST_OF_LARGE)
        tasks += [
            (name, model, split)
            for split in range(n_splits)
            for model in options.models.split(",")
            if (name, model, split) not in done
            and not (name in LARGE and model in SLOW)
        ]
    jobs = (delayed(run)(options.data, *task) for task in tasks)
    for row in Parallel(n_jobs=options.jobs, return_as="generator_unordered")(jobs):
        rows = pd.concat([rows, pd.DataFrame([row])], ignore_index=True)
        part = options.results.with_suffix(".part")
        rows.to_csv(part, index=False)
        part.replace(options.results)
        print(row, file=sys.stderr, flush=True)
    print(table(rows))


if __name__ == "__main__":
    main()
