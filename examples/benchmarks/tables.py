"""Tables of numbers and categories: default fits beside boosted trees.

    python examples/benchmarks/tables.py [--splits 3] [--models ours,ours5,hgb,mlp]
    python examples/benchmarks/tables.py --data FOLDER --models ours,ours5,catboost,hgb
    python examples/benchmarks/tables.py --candidates candidates.png

The tables come with scikit-learn or are generated; with `--data` they are those of a
folder: NAME.csv.gz with the target in its last column, and tasks.json, which has
{"task": "regression" or "classification", "categories": [columns]} for each name.
CatBoost has its defaults; on tables in `TOO_LONG` it is not run. Regression is scored
by RMSE over the standard deviation of y, classification by log-loss over the entropy of
the classes: 1 is a model without inputs, 0 is perfect. "ratio" is the geometric mean
over tables of a model's score over that of HistGradientBoosting, on the tables of all
models and on all tables of this one.

With `--candidates` every candidate that a fit compares (noise and bins) is also fitted
in full. Printed and drawn are its gain in log-density over the first one, on rows that
the comparison held out and on test rows.
"""

import argparse
import json
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    make_friedman1,
)
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from sklearn_ard import ARDClassifier, ARDRegressor


def steps_and_waves(n_rows, rng):
    """Steps, kinks and waves of eight of twenty columns."""
    X = rng.normal(size=(n_rows, 20))
    x = X.T
    y = 2 * np.sign(x[0] - 0.3) * (x[1] > 0) + np.sin(3 * x[2]) * x[3]
    y += np.floor(2 * x[4]) + np.abs(x[5]) * (x[6] > 0.5) + np.cos(4 * x[7]) / 2
    return X, y + 0.5 * rng.normal(size=n_rows)


def shop(n_rows, rng):
    """Categories and gaps; five of twelve columns matter."""
    X = pd.DataFrame(rng.normal(size=(n_rows, 6)), columns=list("abcdef"))
    for n_levels in (2, 3, 6, 12, 24, 48):
        levels = [f"level {k}" for k in range(n_levels)]
        X[f"of {n_levels}"] = pd.Categorical(rng.choice(levels, n_rows))
    y = np.sin(2 * X["a"]) + np.abs(X["b"]) + rng.normal(size=6)[X["of 6"].cat.codes]
    y += X["c"] * (X["of 2"] == "level 1")
    X.loc[rng.random(n_rows) < 0.2, ["b", "d"]] = np.nan
    return X, y + 0.3 * rng.normal(size=n_rows)


def rings(n_rows, rng):
    """Two classes in rings around the origin of the first two of ten columns."""
    X = rng.normal(size=(n_rows, 10))
    radius = np.hypot(X[:, 0], X[:, 1])
    return X, (np.sin(5 * radius) + 0.3 * rng.normal(size=n_rows) > 0).astype(int)


def shipped(load):
    return lambda rng: load(return_X_y=True)


TABLES = {  # whether y is a number, and how the table is made
    "diabetes": (True, shipped(load_diabetes)),
    "friedman_2000": (
        True,
        lambda rng: make_friedman1(2000, 20, noise=1.0, random_state=rng.integers(99)),
    ),
    "steps_2000": (True, lambda rng: steps_and_waves(2000, rng)),
    "steps_10000": (True, lambda rng: steps_and_waves(10_000, rng)),
    "shop_3000": (True, lambda rng: shop(3000, rng)),
    "rings_3000": (False, lambda rng: rings(3000, rng)),
    "breast_cancer": (False, shipped(load_breast_cancer)),
    "digits": (False, shipped(load_digits)),
}


def ours(is_number, seed, **options):
    kind = ARDRegressor if is_number else ARDClassifier
    return kind(random_state=seed, **options)


def hgb(is_number, seed):
    kind = (
        HistGradientBoostingRegressor if is_number else HistGradientBoostingClassifier
    )
    return kind(categorical_features="from_dtype", random_state=seed)


def mlp(is_number, seed):
    kind = MLPRegressor if is_number else MLPClassifier
    model = kind((64, 64), early_stopping=True, max_iter=1000, random_state=seed)
    categories = make_column_selector(dtype_include="category")
    encoder = make_column_transformer(
        (OneHotEncoder(sparse_output=False), categories), remainder=StandardScaler()
    )
    return make_pipeline(encoder, model)


class CatBoost:
    """CatBoost with its defaults, on one thread; gaps in categories are a level."""

    def __init__(self, is_number, seed):
        from catboost import CatBoostClassifier, CatBoostRegressor

        kind = CatBoostRegressor if is_number else CatBoostClassifier
        self.model = kind(
            verbose=0, thread_count=1, random_seed=seed, allow_writing_files=False
        )

    def fit(self, X, y):
        categories = list(X.select_dtypes("category"))
        self.model.fit(self._strings(X), y, cat_features=categories)

    def predict(self, X):
        return self.model.predict(self._strings(X))

    def predict_proba(self, X):
        return self.model.predict_proba(self._strings(X))

    @staticmethod
    def _strings(X):
        categories = list(X.select_dtypes("category"))
        filled = X[categories].astype(object).fillna("missing").astype(str)
        return X.assign(**filled)


TOO_LONG = {("soybean", "catboost")}  # more than half an hour
MODELS = {
    "ours": ours,
    "ours5": lambda is_number, seed: ours(is_number, seed, n_networks=5),
    "catboost": CatBoost,
    "hgb": hgb,
    "mlp": mlp,
}


def from_folder(folder):
    """Tables of files, like `TABLES`."""

    def load(name, task, categories):
        path = folder / f"{name}.csv.gz"
        X = pd.read_csv(path, dtype=dict.fromkeys(categories, "str"))
        y = X.pop(X.columns[-1])
        types = {c: "category" if c in categories else float for c in X}
        if task == "regression":
            return X.astype(types), y.to_numpy(float)
        return X.astype(types), np.unique(y.astype(str), return_inverse=True)[1]

    tasks = json.loads((folder / "tasks.json").read_text())
    return {
        name: (task["task"] == "regression", lambda rng, n=name, t=task: load(n, **t))
        for name, task in tasks.items()
    }


def splits(name, n_splits):
    """Training and test rows of a table."""
    is_number, make = TABLES[name]
    for split in range(n_splits):
        X, y = make(np.random.default_rng(split))
        X = X if isinstance(X, pd.DataFrame) else pd.DataFrame(X).add_prefix("x")
        labels = None if is_number else y
        yield train_test_split(
            X, np.asarray(y), test_size=0.25, random_state=split, stratify=labels
        )


def score(is_number, model, X, y):
    if is_number:
        return np.sqrt(np.mean((model.predict(X) - y) ** 2)) / y.std()
    shares = np.bincount(y) / len(y)
    entropy = -(shares * np.log(shares.clip(1e-15))).sum()
    return -log_density(is_number, model, X, y) / entropy


def log_density(is_number, model, X, y):
    """Mean over rows, in nats."""
    if not is_number:
        rows = np.arange(len(y))
        return np.log(model.predict_proba(X)[rows, y].clip(1e-15)).mean()
    return model.log_density(X, y).mean()


def compare_models(names, models, n_splits):
    """Print the scores of all models, and their ratios to boosted trees."""
    found, seconds_of = {}, {}
    print("| table | model | score | kept | fit s |\n|---|---|---:|---:|---:|")
    for name in names:
        for key in models:
            if (name, key) in TOO_LONG:
                print(f"| {name} | {key} | not run | | |")
                continue
            rows = []
            for split, (A, B, y, z) in enumerate(splits(name, n_splits)):
                model = MODELS[key](TABLES[name][0], split)
                start = time.process_time()
                model.fit(A, y)
                seconds = time.process_time() - start
                kept = getattr(model, "get_support", lambda n=A.shape[1]: [1] * n)()
                rows.append((score(TABLES[name][0], model, B, z), sum(kept), seconds))
            mean = np.mean(rows, axis=0)
            found[name, key], seconds_of[name, key] = mean[0], mean[2]
            kept = f"{mean[1]:.1f} of {A.shape[1]}"
            print(
                f"| {name} | {key} | {mean[0]:.4f} | {kept} | {mean[2]:.1f} |",
                flush=True,
            )
    if "hgb" not in models:
        return
    common = [name for name in names if all((name, key) in found for key in models)]
    print(
        f"\n| model | ratio on {len(common)} tables of all | smallest on | seconds | "
        "ratio on its own | tables |\n|---|---:|---:|---:|---:|---:|"
    )
    best = [min(models, key=lambda key: found[name, key]) for name in common]
    for key in models:
        ratios = {
            n: found[n, key] / found[n, "hgb"] for n in names if (n, key) in found
        }
        of_common = np.exp(np.mean([np.log(ratios[name]) for name in common]))
        of_own = np.exp(np.log(list(ratios.values())).mean())
        seconds = np.mean([seconds_of[name, key] for name in common])
        print(
            f"| {key} | {of_common:.3f} | {best.count(key)} | {seconds:.1f} | "
            f"{of_own:.3f} | {len(ratios)} |"
        )


def compare_candidates(names, n_splits, path):
    """Print and draw what the comparison says beside what test rows say."""
    points = []
    print(
        "| table | split | noise | bins | held out | test | chosen |\n"
        "|---|--:|---|--:|--:|--:|---|"
    )
    for name in names:
        is_number = TABLES[name][0]
        for split, (A, B, y, z) in enumerate(splits(name, n_splits)):
            first = None
            for row in ours(is_number, split).fit(A, y).candidates_.itertuples():
                given = {"n_bins": row.n_bins}
                if is_number:
                    given["likelihood"] = row.likelihood
                model = ours(is_number, split, **given).fit(A, y)
                density = log_density(is_number, model, B, z)
                if first is None:
                    first = density
                else:
                    points.append((name, row.gain, row.std_error, density - first))
                print(
                    f"| {name} | {split} | {row.likelihood} | {row.n_bins} | "
                    f"{row.gain:.3f} ± "
                    f"{row.std_error:.3f} | {density - first:.3f} | "
                    f"{'yes' if row.chosen else ''} |"
                )
    frame = pd.DataFrame(points, columns=["table", "gain", "error", "test"])
    clear = frame[np.abs(frame.gain) > frame.error]
    right = np.sign(clear.gain) == np.sign(clear.test)
    print(f"{right.sum()} of {len(clear)} gains beyond a standard error are right")
    draw(frame, path)


def draw(frame, path):
    import matplotlib.pyplot as plt

    figure, ax = plt.subplots(figsize=(6, 5), layout="constrained")
    for name, part in frame.groupby("table"):
        ax.errorbar(
            part.gain, part.test, xerr=part.error, fmt="o", ms=5, lw=1, label=name
        )
    ax.axhline(0, color="0.7", lw=1, zorder=0)
    ax.axvline(0, color="0.7", lw=1, zorder=0)
    ax.set(
        xscale="symlog",
        yscale="symlog",
        xlabel="gain on rows that the comparison held out, nats per row",
        ylabel="gain of the whole fit on test rows",
        title="Candidates beside the simplest one",
    )
    for axis in ("x", "y"):
        getattr(ax, f"set_{axis}scale")("symlog", linthresh=0.05)
    ax.legend(frameon=False, fontsize=8)
    figure.savefig(path, dpi=150)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--splits", type=int, default=3)
    parser.add_argument("--models", default="ours,ours5,hgb,mlp")
    parser.add_argument("--tables", help="names, separated by commas")
    parser.add_argument("--data", type=Path, help="folder of further tables")
    parser.add_argument("--candidates", metavar="PNG")
    args = parser.parse_args()
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore", "No input is worth its price")
    if args.data:
        TABLES.clear()
        TABLES.update(from_folder(args.data))
    names = args.tables.split(",") if args.tables else list(TABLES)
    if args.candidates:
        compare_candidates(names, args.splits, args.candidates)
    else:
        compare_models(names, args.models.split(","), args.splits)


if __name__ == "__main__":
    main()
