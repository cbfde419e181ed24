"""
What has it learned?
====================

442 people with diabetes, ten measurements, and how far the disease has progressed a
year later. After "which columns?" everybody asks "how?". Few columns are left, so that
the answers can be exact: what each column does on average, how sure that is, which
columns act together, and what makes up the prediction of one person.
"""

# %%
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.inspection import (
    DecisionBoundaryDisplay,
    PartialDependenceDisplay,
    permutation_importance,
)
from sklearn.model_selection import train_test_split

from sklearn_ard import (
    ARDRegressor,
    EffectDisplay,
    InteractionDisplay,
    RelevanceDisplay,
    ShapleyDisplay,
)
from sklearn_ard.inspection import effect, shapley_values, variance_shares

X, y = load_diabetes(return_X_y=True, as_frame=True, scaled=False)
X = X.rename(
    columns={
        "bmi": "body mass index",
        "bp": "blood pressure",
        "s1": "total cholesterol",
        "s2": "LDL cholesterol",
        "s3": "HDL cholesterol",
        "s4": "cholesterol / HDL",
        "s5": "log triglycerides",
        "s6": "glucose",
    }
)
X["sex"] = X["sex"].map({1.0: "first", 2.0: "second"})  # the data do not say which
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=1)

# few rows and weak columns: a low price, and neither noise nor bins to choose
options = {"likelihood": "gaussian", "n_bins": 0, "random_state": 0}
model = ARDRegressor(feature_cost=2.0, **options).fit(X_train, y_train)
kept = model.get_feature_names_out()
print("kept:", ", ".join(kept))
print(f"R² on held-out people: {model.score(X_test, y_test):.2f}")

# %%
# What each column does on average, over all people: the curves are the partial
# dependence less the mean prediction, the band is the uncertainty of the weights.
shares = variance_shares(model, X_train)
print(shares.to_frame().round(3).head(6))
strongest = kept[np.argsort(-model.feature_importances_[model.get_support()])[:2]]

# %%
# What each column adds to each prediction. A row and the base value sum to the
# prediction exactly. The small model needs no torch for this.
small = model.compact()
values = shapley_values(small, X_test, X_train, interactions=True)
sums = values.values.sum(axis=1) + values.base_value
print(f"largest error of a sum: {np.abs(sums - small.predict(X_test)).max():.0e}")
print(values.to_frame()[list(kept)].head(3).round(1))

# %%
fig, axes = plt.subplots(3, 2, figsize=(13, 12), layout="constrained")
RelevanceDisplay.from_estimator(model, ax=axes[0, 0])
InteractionDisplay(shares).plot(ax=axes[0, 1])
for ax, column in zip(axes[1], strongest, strict=True):
    EffectDisplay.from_estimator(model, column, X_train, ax=ax)
ShapleyDisplay(values).plot(ax=axes[2, 0])
highest = int(np.argmax(small.predict(X_test)))
ShapleyDisplay(values).plot(kind="waterfall", row=highest, ax=axes[2, 1])
fig.savefig(Path(__file__).with_suffix(".png"), dpi=100)

# %%
# What scikit-learn has works on the small model as well, categories included.
lost = permutation_importance(small, X_test, y_test, random_state=0, n_repeats=10)
lost = dict(zip(X.columns, lost.importances_mean.round(3).tolist(), strict=True))
print("R² lost by permutation:", {name: lost[name] for name in kept})
print("of dropped columns:", sum(lost[name] for name in X.columns.difference(kept)))
PartialDependenceDisplay.from_estimator(
    small, X_train, [*strongest, "sex"], categorical_features=["sex"]
)
pair = X_train[list(strongest)].to_numpy()
flat = ARDRegressor(required_features=[0, 1], **options).fit(pair, y_train)
DecisionBoundaryDisplay.from_estimator(flat, pair, response_method="predict")

# %%
# And the sentence for a doctor.
first = strongest[0]
curve = effect(model, first, X_train)
high = np.quantile(X_train[first], 0.9)
more, unsure = (
    np.interp(high, curve.grid[0], each) for each in (curve.values, curve.std)
)
row = values.to_frame().iloc[highest]
most = row.abs().sort_values(ascending=False).index[:2]
print(
    f"With a {first} of {high:.0f}, and all else as it is, the disease is expected to "
    f"progress by {more:.0f} points more in a year than on average, which is "
    f"{values.base_value:.0f} (give or take {2 * unsure:.0f})."
)
print(
    f"The person with the highest prediction, {sums[highest]:.0f}, has it for the most "
    f"part from {most[0]} ({row[most[0]]:+.0f}) and {most[1]} ({row[most[1]]:+.0f})."
)
