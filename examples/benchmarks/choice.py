"""What a path costs, what its choice brings, and whether stability keeps its promise.

    python examples/benchmarks/choice.py path
    python examples/benchmarks/choice.py lassonet
    python examples/benchmarks/choice.py genes --data FOLDER [--tables golub,alon]
    python examples/benchmarks/choice.py stability [--seeds 20] [--models lasso,network]

path: seconds of a path over those of a default fit (median of three), on three tables;
of the processor, which other work hardly changes.
lassonet: ARDRegressorCV with 5 folds and two jobs beside LassoNetRegressorCV (same
hidden layers, standardised columns and target) on Friedman's function, 600×50.
genes: leukaemia (golub.npz) and colon tumours (alon.npz), X and y in each: accuracy and
number of genes by 5-fold cross-validation outside of that which picks `reg_factor`;
beside L1 logistic regression. With so few rows `reg_factor` starts at 0.001, and is the
largest that is within one standard error of the best (`--selection`).
stability: columns that StabilitySelection keeps though they are irrelevant, beside the
bound that it gives for them: means over seeds on the problems of selection.py. The
network has one hidden layer of 16 units, 900 steps and five pairs, for speed.
"""

import argparse
import functools
import os
import time
import warnings
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from selection import PROBLEMS
from sklearn.base import is_classifier
from sklearn.datasets import load_breast_cancer, load_diabetes, make_friedman1
from sklearn.linear_model import Lasso, LogisticRegression, LogisticRegressionCV
from sklearn.metrics import r2_score
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ard import (
    ARDClassifier,
    ARDClassifierCV,
    ARDRegressor,
    ARDRegressorCV,
    StabilitySelection,
    ard_path,
)

WANTED = 20  # times as fast as LassoNetRegressorCV


def friedman(seed=0):
    X, y = make_friedman1(n_samples=2600, n_features=50, noise=1.0, random_state=seed)
    return X[:600], X[600:], y[:600], y[600:]


def timed(function, clock=time.perf_counter):
    start = clock()
    found = function()
    return found, clock() - start


def path():
    X, _, y, _ = friedman()
    tables = {
        "friedman 600×50": (X, y, ARDRegressor(random_state=0)),
        "diabetes": (*load_diabetes(return_X_y=True), ARDRegressor(random_state=0)),
        "breast cancer": (
            *load_breast_cancer(return_X_y=True),
            ARDClassifier(random_state=0),
        ),
    }
    print("| table | range | points | fits |\n|---|---|---:|---:|")
    for name, (X, y, model) in tables.items():
        fits = [functools.partial(model.fit, X, y)] * 3
        fit = np.median([timed(f, time.process_time)[1] for f in fits])
        for label, grid in {
            "0.01 to 100": np.geomspace(0.01, 100, 30),
            "its own": None,
        }.items():
            found, seconds = timed(
                functools.partial(ard_path, X, y, estimator=model, reg_factors=grid),
                time.process_time,
            )
            print(
                f"| {name} | {label} | {len(found)} | {seconds / fit:.1f} |",
                flush=True,
            )


def lassonet():
    from lassonet import LassoNetRegressorCV

    X, X_test, y, y_test = friedman()
    ARDRegressorCV(max_iter=1, cv=2, n_jobs=2).fit(X, y)  # starts the two workers
    ours, seconds = timed(lambda: ARDRegressorCV(random_state=0, n_jobs=2).fit(X, y))
    scaler, mean, std = StandardScaler().fit(X), y.mean(), y.std()
    theirs = LassoNetRegressorCV(hidden_dims=(64, 64), random_state=0, torch_seed=0)
    _, their_seconds = timed(lambda: theirs.fit(scaler.transform(X), (y - mean) / std))
    predicted = np.ravel(theirs.predict(scaler.transform(X_test))) * std + mean
    kept = np.flatnonzero(np.asarray(theirs.best_selected_))
    print("| model | R² | kept | false | seconds |\n|---|---:|---:|---:|---:|")
    for name, score, support, t in (
        ("ARDRegressorCV", ours.score(X_test, y_test), ours.get_support(True), seconds),
        ("LassoNetRegressorCV", r2_score(y_test, predicted), kept, their_seconds),
    ):
        false = np.sum(support >= 5)
        print(f"| {name} | {score:.3f} | {len(support)} | {false} | {t:.0f} |")
    print(f"\n{their_seconds / seconds:.1f} times as fast (wanted: {WANTED}).")


def genes(data, repeats, tables, selection):
    print("| table | model | accuracy | genes | fit s |\n|---|---|---:|---:|---:|")
    for name in tables:
        with np.load(data / f"{name}.npz") as file:
            X, y = file["X"], file["y"]
        rows = {"ARDClassifierCV": [], "L1 logistic regression": []}
        for seed in range(repeats):
            outer = StratifiedKFold(5, shuffle=True, random_state=seed)
            inner = StratifiedKFold(5, shuffle=True, random_state=seed)
            for train, test in outer.split(X, y):
                ours = ARDClassifierCV(
                    reg_factors=[0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1],
                    cv=inner,
                    selection=selection,
                    random_state=seed,
                )
                lasso = make_pipeline(
                    StandardScaler(),
                    LogisticRegressionCV(
                        cv=inner,
                        l1_ratios=(1,),
                        solver="liblinear",
                        use_legacy_attributes=False,
                        scoring="accuracy",
                    ),
                )
                for label, model in zip(rows, (ours, lasso), strict=True):
                    fit = functools.partial(model.fit, X[train], y[train])
                    _, seconds = timed(fit, time.process_time)
                    kept = (
                        model.get_support().sum()
                        if model is ours
                        else np.count_nonzero(model[-1].coef_)
                    )
                    rows[label].append((model.score(X[test], y[test]), kept, seconds))
        for label, found in rows.items():
            score, kept, seconds = np.mean(found, axis=0)
            error = np.std([f[0] for f in found]) / np.sqrt(len(found))
            print(
                f"| {name} | {label} | {score:.3f} ± {error:.3f} | {kept:.1f} | "
                f"{seconds:.1f} |",
                flush=True,
            )


def selectors(regression, n_rows, seed):
    """A Lasso and a network, each in its stability selection."""
    common = {"random_state": seed, "threshold": 0.8}
    if regression:
        linear, param, values = Lasso(), "lasso__alpha", [0.1, 0.2]
    else:
        linear = LogisticRegression(l1_ratio=1, solver="liblinear")
        param, values = "logisticregression__C", [0.02, 0.04]
    network = (ARDRegressor if regression else ARDClassifier)(
        16, max_iter=int(np.ceil(900 / np.ceil(n_rows / 2 / 64)))
    )
    return {
        "lasso": StabilitySelection(
            make_pipeline(StandardScaler(), linear),
            param=param,
            values=values,
            n_pairs=25,
            **common,
        ),
        "network": StabilitySelection(network, values=[1.0], n_pairs=5, **common),
    }


def stability(models, seeds):
    print(
        "| problem | selector | seeds | false picks | bound | relevant kept | refused |"
        "\n|---|---|---:|---:|---:|---:|---:|"
    )
    for problem, (n, draw) in PROBLEMS.items():
        for label in models:
            rows, n_refused = [], 0
            for seed in range(seeds):
                X, y, n_relevant = draw(np.random.default_rng(seed))
                X, y = X[:n], y[:n]
                regression = y.dtype.kind == "f"
                if regression:
                    y = (y - y.mean()) / y.std()
                selector = selectors(regression, n, seed)[label]
                try:
                    kept = selector.fit(X, y).get_support(indices=True)
                except ValueError:  # the bound would mean nothing
                    n_refused += 1
                    continue
                assert is_classifier(selector.estimator_) != regression
                relevant = np.sum(kept < n_relevant)
                bound = selector.expected_false_picks_
                rows.append(
                    (len(kept) - relevant, bound, relevant / max(n_relevant, 1))
                )
            false, bound, found = np.mean(rows, axis=0) if rows else (np.nan,) * 3
            print(
                f"| {problem} | {label} | {len(rows)} | {false:.2f} | {bound:.2f} | "
                f"{found:.2f} | {n_refused} |",
                flush=True,
            )


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("part", choices=["path", "lassonet", "genes", "stability"])
    parser.add_argument("--data", type=Path, help="folder of golub.npz and alon.npz")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--tables", default="golub,alon")
    parser.add_argument(
        "--selection",
        default="one_standard_error",
        choices=["best", "one_standard_error"],
        help="of reg_factor for genes",
    )
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--models", default="lasso,network")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    if options.part == "genes":
        genes(
            options.data, options.repeats, options.tables.split(","), options.selection
        )
    elif options.part == "stability":
        stability(options.models.split(","), options.seeds)
    else:
        {"path": path, "lassonet": lassonet}[options.part]()


if __name__ == "__main__":
    main()
