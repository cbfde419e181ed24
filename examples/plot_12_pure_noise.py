"""
How often is something kept where there is nothing?
===================================================

The first thing that a statistician does is to run a selection on noise. `alpha` sets
the price of a column, log(d / alpha) nats for the first of d: on tables without any
signal, a share of `alpha` of the fits may keep a column. Here 24 tables of 100
rows and 30 columns are fitted at four values; beside them, how many of five weak
columns are found in tables that have some. The share is smaller than `alpha` in
practice; who looks for weak columns on few rows, and can live with a false one now and
then, sets it to 0.3 or 1.
"""

# %%
import warnings
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from joblib import Parallel, delayed

from sklearn_ard import ARDRegressor

ALPHAS, N_TABLES, N_ROWS, N_COLUMNS, N_WEAK = [1, 0.3, 0.1, 0.03], 24, 100, 30, 5


# %%
# Values alone and normal noise, which is what they are: this is about the price.
def kept(alpha, seed, effect):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(N_ROWS, N_COLUMNS))
    y = effect * X[:, :N_WEAK].sum(axis=1) + rng.normal(size=N_ROWS)
    options = {"n_bins": 0, "likelihood": "gaussian", "random_state": seed}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="No input is worth its price")
        model = ARDRegressor(alpha=alpha, **options).fit(X, y)
    support = model.get_support()
    return support[:N_WEAK].mean(), support[N_WEAK:].sum(), support.sum()


rows = []
for alpha in ALPHAS:
    for effect in (0.0, 0.4):
        given = [delayed(kept)(alpha, seed, effect) for seed in range(N_TABLES)]
        found, n_false, n_kept = np.array(Parallel(n_jobs=2)(given)).T
        rows.append(
            {
                "alpha": alpha,
                "effect": effect,
                "something": np.mean(n_kept > 0),
                "found": found.mean(),
                "false": np.mean(n_false / np.maximum(n_kept, 1)),
            }
        )
table = pd.DataFrame(rows)
nothing, weak = (table[table["effect"] == effect] for effect in (0.0, 0.4))
print(nothing[["alpha", "something"]].to_string(index=False))
print(weak[["alpha", "found", "false"]].to_string(index=False))

# %%
fig, (left, right) = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
left.plot(ALPHAS, ALPHAS, color="0.6", linestyle="--", label="alpha")
left.plot(nothing["alpha"], nothing["something"], "o-", color="#D55E00", label="fits")
left.set(xlabel="alpha", ylabel="share of fits that keep a column", xscale="log")
left.set_title("no column matters")
right.plot(weak["alpha"], weak["found"], "o-", color="#0072B2", label="found of five")
right.plot(weak["alpha"], weak["false"], "s-", color="#D55E00", label="false of kept")
right.plot(ALPHAS, ALPHAS, color="0.6", linestyle="--", label="alpha")
right.set(xlabel="alpha", ylabel="share of columns", xscale="log")
right.set_title("five weak columns matter")
for ax in (left, right):
    ax.set_ylim(-0.03, 1.03)
    ax.legend(frameon=False)
    ax.spines[["top", "right"]].set_visible(False)
fig.savefig(Path(__file__).with_suffix(".png"), dpi=120)
