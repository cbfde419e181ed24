"""
Search over reg_factor
======================

`reg_factor` weighs the price of information against the fit: 1 is the evidence lower
bound, less keeps more. A grid search shows what the price buys on wine chemistry, with
as many columns of pure noise beside the thirteen real ones.
"""

# %%
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.datasets import load_wine
from sklearn.impute import SimpleImputer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from sklearn_ard import ARDClassifier

X, y = load_wine(return_X_y=True, as_frame=True)
rng = np.random.default_rng(0)
noise = pd.DataFrame(rng.normal(size=X.shape)).add_prefix("noise ")
X = pd.concat([X, noise], axis=1)
X = X.mask(rng.random(X.shape) < 0.02)  # some values are missing, as in real tables

# %%
pipeline = make_pipeline(SimpleImputer(), ARDClassifier(random_state=0))
pipeline.set_output(transform="pandas")
grid = {"ardclassifier__reg_factor": [0.03, 0.1, 0.3, 1.0, 3.0]}
search = GridSearchCV(pipeline, grid, cv=5, n_jobs=2).fit(X, y)
results = pd.DataFrame(search.cv_results_).set_index("param_ardclassifier__reg_factor")
print(results[["mean_test_score", "std_test_score"]].round(3))
best = search.best_estimator_[-1]
print(f"best reg_factor {search.best_params_}, keeps", *best.get_feature_names_out())

# %%
# How many real and noise columns a fit on all rows keeps.
kept = []
for factor in grid["ardclassifier__reg_factor"]:
    pipeline.set_params(ardclassifier__reg_factor=factor).fit(X, y)
    support = pipeline[-1].get_support()
    kept.append((support[:13].sum(), support[13:].sum()))
real, false = np.transpose(kept)

# %%
fig, (top, bottom) = plt.subplots(
    2, 1, figsize=(6, 5), sharex=True, layout="constrained"
)
top.errorbar(
    results.index.astype(float),
    results["mean_test_score"],
    results["std_test_score"] / np.sqrt(5),
    marker="o",
    capsize=3,
    color="black",
)
top.set_ylabel("accuracy, 5 folds")
bottom.plot(results.index.astype(float), real, "o-", color="#0072B2", label="real")
bottom.plot(results.index.astype(float), false, "s-", color="#D55E00", label="noise")
bottom.set_xscale("log")
bottom.set_xlabel("reg_factor")
bottom.set_ylabel("columns kept, of 13 each")
bottom.set_ylim(-0.5, 13.5)
bottom.legend(frameon=False)
for ax in (top, bottom):
    ax.spines[["top", "right"]].set_visible(False)
fig.savefig(Path(__file__).with_suffix(".png"), dpi=120)
