"""
Select features for another model
=================================

A column can matter without being correlated with the target on its own. Here two
columns matter through their product alone: a linear selector is blind to them, a forest
sees them dimly, and ARDClassifier hands exactly these two to the next step of a
pipeline.
"""

# %%
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.feature_selection import f_classif
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline

from sklearn_ard import ARDClassifier

rng = np.random.default_rng(0)
X = pd.DataFrame(
    rng.normal(size=(800, 30)), columns=[f"gene {j:02d}" for j in range(30)]
)
y = np.where(X["gene 07"] * X["gene 19"] > 0, "ill", "well")

# %%
# Three opinions on what matters.
model = ARDClassifier(random_state=0).fit(X, y)
opinions = {
    "univariate F test": f_classif(X, y)[0],
    "random forest": RandomForestClassifier(random_state=0)
    .fit(X, y)
    .feature_importances_,
    "ARDClassifier": model.feature_importances_,
}
print("kept:", *model.get_feature_names_out())

# %%
# As a step of a pipeline, names and all.
booster = HistGradientBoostingClassifier(random_state=0)
pipeline = make_pipeline(ARDClassifier(random_state=0), booster)
for name, estimator in {"all columns": booster, "kept columns": pipeline}.items():
    print(f"boosting on {name}: {cross_val_score(estimator, X, y, cv=3).mean():.3f}")

# %%
fig, axes = plt.subplots(1, 3, figsize=(10, 4.5), sharey=True, layout="constrained")
matters = X.columns.isin(["gene 07", "gene 19"])
for ax, (name, relevance) in zip(axes, opinions.items(), strict=True):
    colors = np.where(matters, "#0072B2", "#D55E00")
    ax.barh(X.columns, relevance / relevance.max(), color=colors)
    ax.set_title(name)
    ax.set_xlabel("relevance, largest = 1")
    ax.spines[["top", "right"]].set_visible(False)
axes[0].tick_params(axis="y", labelsize=7)
axes[0].invert_yaxis()
fig.suptitle("Two genes matter (blue), by their product alone")
fig.savefig(Path(__file__).with_suffix(".png"), dpi=120)
