"""Feature selection where the truth is known: ours beside what else people use.

    python selection.py [--models ours,forest,lasso,boruta,...] [--seeds 3]

Every problem says which columns matter. A model is fitted on the training rows, says
which columns it keeps, and predicts 2,000 fresh rows. Peers get standardised columns,
as their documentation asks for; ours gets them in mixed units. LassoNet and STG run
where they are installed (`pip install lassonet stg`), with their cross-validation or
their defaults; `boruta` is BorutaPy with full trees and sqrt(d) columns a split; `cfi`
is hidimstat's conditional importance of boosted trees over five folds, `knockoffs` its
knockoffs of the Lasso, both at a false discovery rate of 0.1 (`pip install boruta
hidimstat`). What they keep, a forest is fitted on. Printed: mean over seeds of score
(R² or accuracy), precision, recall and F1 of the kept columns, their number, and
processor seconds per fit. cfi, which asks every column, is not run where it would
take hours.
"""

import argparse
import collections
import contextlib
import io
import os
import time
import warnings

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.feature_selection import SelectFromModel
from sklearn.linear_model import LassoCV, LogisticRegressionCV
from sklearn.metrics import log_loss
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.preprocessing import StandardScaler

from sklearn_ard import ARDClassifier, ARDRegressor

N_TEST = 2000


# %% Problems: name -> (rng -> X, y, relevant columns, number of training rows)
def friedman(n, d):
    def draw(rng):
        X = rng.uniform(size=(n + N_TEST, d))
        y = 10 * np.sin(np.pi * X[:, 0] * X[:, 1]) + 20 * (X[:, 2] - 0.5) ** 2
        y += 10 * X[:, 3] + 5 * X[:, 4] + rng.normal(size=len(X))
        return X, y, 5

    return n, draw


def correlated(n, d):
    def draw(rng):
        common = rng.normal(size=(n + N_TEST, 1))
        X = np.sqrt(0.5) * common + np.sqrt(0.5) * rng.normal(size=(n + N_TEST, d))
        y = np.sin(2 * X[:, 0]) + X[:, 1] * X[:, 2] + X[:, 3]
        return X, y + 0.5 * rng.normal(size=len(X)), 4

    return n, draw


def heavy_tails(n, d):
    def draw(rng):
        X = rng.standard_t(2.5, size=(n + N_TEST, d))
        y = 2 * np.tanh(X[:, 0]) + np.abs(np.clip(X[:, 1], -3, 3))
        y += np.clip(X[:, 2], -4, 4) + 0.5 * rng.standard_t(3, size=len(X))
        return X, y, 3

    return n, draw


def wide(n, d):
    def draw(rng):
        X = rng.normal(size=(n + N_TEST, d))
        y = 2 * X[:, 0] - 2 * X[:, 1] + 1.5 * np.abs(X[:, 2]) + X[:, 3]
        return X, y + 0.5 * rng.normal(size=len(X)), 4

    return n, draw


def parity(k, n, d):
    def draw(rng):
        X = rng.normal(size=(n + N_TEST, d))
        return X, (X[:, :k].prod(axis=1) > 0).astype(int), k

    return n, draw


def many_classes(n, d, n_classes=12):
    def draw(rng):
        centres = 2.5 * rng.normal(size=(n_classes, 4))
        y = rng.integers(n_classes, size=n + N_TEST)
        X = rng.normal(size=(len(y), d))
        X[:, :4] += centres[y]
        return X, y, 4

    return n, draw


def pure_noise(n, d):
    def draw(rng):
        X = rng.normal(size=(n + N_TEST, d))
        return X, rng.normal(size=len(X)), 0

    return n, draw


PROBLEMS = {
    "friedman 600×50": friedman(600, 50),
    "friedman 200×500": friedman(200, 500),
    "correlated 500×40": correlated(500, 40),
    "heavy tails 500×40": heavy_tails(500, 40),
    "wide 150×1000": wide(150, 1000),
    "xor 1000×30": parity(2, 1000, 30),
    "parity of three 2000×20": parity(3, 2000, 20),
    "twelve classes 800×40": many_classes(800, 40),
    "pure noise 300×30": pure_noise(300, 30),
}


# %% Models: (X, y, seed) -> kept columns, predict
def ours(X, y, seed):
    model = ARDRegressor if y.dtype.kind == "f" else ARDClassifier
    model = model(random_state=seed).fit(X, y)
    return model.get_support(indices=True), model.predict


def forest(X, y, seed):
    kept = SelectFromModel(_forest(y, seed)).fit(X, y).get_support(indices=True)
    return kept, _predict_by_forest(X, y, kept, seed)


def boruta(X, y, seed):
    from boruta import BorutaPy

    trees = _forest(y, seed, max_features="sqrt")
    model = BorutaPy(trees, n_estimators="auto", random_state=seed).fit(X, y)
    kept = np.flatnonzero(model.support_)
    return kept, _predict_by_forest(X, y, kept, seed)


def cfi(X, y, seed):
    from hidimstat import CFICV

    if y.dtype.kind == "f":
        trees, folds = HistGradientBoostingRegressor(), KFold(5, shuffle=True)
        options = {}
    else:
        trees, folds = (
            HistGradientBoostingClassifier(),
            StratifiedKFold(5, shuffle=True),
        )
        options = {"method": "predict_proba", "loss": log_loss}
    folds.random_state = trees.random_state = seed
    with contextlib.redirect_stderr(io.StringIO()):
        test = CFICV(trees, folds, random_state=seed, **options)
        test.fit_importance(StandardScaler().fit_transform(X), y)
    kept = np.flatnonzero(test.fdr_selection(0.1) > 0)
    return kept, _predict_by_forest(X, y, kept, seed)


def knockoffs(X, y, seed):
    from hidimstat import ModelXKnockoff

    # another seed than that of X, from which the same numbers would come
    test = ModelXKnockoff(LassoCV(max_iter=200_000), random_state=10_000 + seed)
    test.fit_importance(X, y.astype(float))
    kept = np.flatnonzero(test.fdr_selection(0.1))
    return kept, _predict_by_forest(X, y, kept, seed)


def _forest(y, seed, **options):
    kind = RandomForestRegressor if y.dtype.kind == "f" else RandomForestClassifier
    return kind(random_state=seed, **options)


def _predict_by_forest(X, y, kept, seed):
    """Of the columns that were kept, or of a constant where none was."""

    def read(Z):
        return Z[:, kept] if len(kept) else np.zeros((len(Z), 1))

    model = _forest(y, seed).fit(read(X), y)
    return lambda Z: model.predict(read(Z))


def lasso(X, y, seed):
    if y.dtype.kind == "f":
        model = LassoCV(random_state=seed)
    else:
        model = LogisticRegressionCV(
            l1_ratios=(1,),
            solver="saga",
            Cs=6,
            max_iter=300,
            random_state=seed,
            use_legacy_attributes=False,
        )
    scaler = StandardScaler().fit(X)
    model.fit(scaler.transform(X), y)
    kept = np.flatnonzero(np.atleast_2d(model.coef_).any(axis=0))
    return kept, lambda Z: model.predict(scaler.transform(Z))


def lassonet(X, y, seed):
    from lassonet import LassoNetClassifierCV, LassoNetRegressorCV

    scaler = StandardScaler().fit(X)
    regression = y.dtype.kind == "f"
    kind = LassoNetRegressorCV if regression else LassoNetClassifierCV
    mean, std = (y.mean(), y.std()) if regression else (0, 1)
    model = kind(hidden_dims=(64, 64), verbose=0, random_state=seed, torch_seed=seed)
    model.fit(scaler.transform(X), (y - mean) / std if regression else y)

    def predict(Z):
        prediction = np.asarray(model.predict(scaler.transform(Z)))
        return prediction.ravel() * std + mean if regression else prediction

    return np.flatnonzero(np.asarray(model.best_selected_)), predict


def stg(X, y, seed):
    for name in ("Sequence", "Set", "Mapping", "Iterable", "Callable"):
        setattr(collections, name, getattr(collections.abc, name))  # it is that old
    from stg import STG

    torch.manual_seed(seed)
    scaler = StandardScaler().fit(X)
    regression = y.dtype.kind == "f"
    mean, std = (y.mean(), y.std()) if regression else (0, 1)
    model = STG(
        task_type="regression" if regression else "classification",
        input_dim=X.shape[1],
        output_dim=1 if regression else len(np.unique(y)),
        hidden_dims=[64, 64],
        activation="relu",
        optimizer="Adam",
        learning_rate=1e-3,
        batch_size=64,
        feature_selection=True,
        sigma=0.5,
        lam=0.1,
        random_state=seed,
        device="cpu",
    )
    target = ((y - mean) / std)[:, None] if regression else y
    with contextlib.redirect_stdout(io.StringIO()):
        model.fit(scaler.transform(X), target, nr_epochs=300, verbose=False)

    def predict(Z):
        return np.asarray(model.predict(scaler.transform(Z))).ravel() * std + mean

    return np.flatnonzero(np.asarray(model.get_gates(mode="prob")) > 0.5), predict


MODELS = {
    f.__name__: f for f in (ours, forest, lasso, boruta, cfi, knockoffs, lassonet, stg)
}


# %% The table
NOT_RUN = {  # it would take hours
    ("wide 150×1000", "cfi"),
    ("parity of three 2000×20", "cfi"),
    ("twelve classes 800×40", "cfi"),
}


def evaluate(problem, model, seed):
    rng = np.random.default_rng(seed)
    n, draw = PROBLEMS[problem]
    X, y, n_relevant = draw(rng)
    X = X * 10.0 ** rng.uniform(-2, 2, size=X.shape[1]) + rng.normal(size=X.shape[1])
    start = time.process_time()
    kept, predict = MODELS[model](X[:n], y[:n], seed)
    seconds = time.process_time() - start
    prediction, y = predict(X[n:]), y[n:]
    if y.dtype.kind == "f":
        score = 1 - np.mean((y - prediction) ** 2) / np.var(y)
    else:
        score = np.mean(y == prediction)
    hits = np.sum(kept < n_relevant)
    if n_relevant == 0:
        precision = recall = f1 = float(len(kept) == 0)
    else:
        precision = hits / len(kept) if len(kept) else 1.0
        recall = hits / n_relevant
        f1 = 2 * hits / (len(kept) + n_relevant)
    return score, precision, recall, f1, len(kept), seconds


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", default=",".join(MODELS))
    parser.add_argument("--problems", default=",".join(PROBLEMS))
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    print("| problem | model | score | precision | recall | F1 | kept | fit s |")
    print("|---|---|---:|---:|---:|---:|---:|---:|")
    means = collections.defaultdict(list)
    for problem in arguments.problems.split(","):
        for model in arguments.models.split(","):
            if (problem, model) in NOT_RUN:
                print(f"| {problem} | {model} | not run |" + " |" * 5)
                continue
            try:
                rows = [evaluate(problem, model, s) for s in range(arguments.seeds)]
            except ImportError:
                print(f"| {problem} | {model} | not installed |" + " |" * 5)
                continue
            means[model].append(np.mean(rows, axis=0))
            print_row(problem, model, means[model][-1])
    for model, rows in means.items():
        print_row(f"mean of {len(rows)}", model, np.mean(rows, axis=0))


def print_row(problem, model, row):
    figures = [f"{value:.3f}" for value in row[:4]] + [f"{v:.1f}" for v in row[4:]]
    print(f"| {problem} | {model} | {' | '.join(figures)} |", flush=True)


if __name__ == "__main__":
    main()
