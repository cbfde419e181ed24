"""
The choice: by score, by one standard error, or by number of columns
====================================================================

`ARDClassifierCV` walks the path in every fold and picks a point: the best one, the
smallest model that is nearly as good, or the one with a given number of columns, such
as three. Here for tumours of the breast, thirty measurements each.
"""

# %%
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from sklearn.datasets import load_breast_cancer
from sklearn.metrics import accuracy_score
from sklearn.model_selection import StratifiedKFold, train_test_split

from sklearn_ard import ARDClassifierCV, CVPathDisplay, RelevanceDisplay

X, y = load_breast_cancer(return_X_y=True, as_frame=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)
common = {
    "reg_factors": [0.03, 0.1, 0.3, 1, 3, 10],
    "cv": StratifiedKFold(5, shuffle=True, random_state=0),
    "random_state": 0,
    "n_jobs": 2,
}

# %%
models = {
    "best": ARDClassifierCV(**common),
    "one standard error": ARDClassifierCV(selection="one_standard_error", **common),
    "three columns": ARDClassifierCV(n_features_to_select=3, **common),
    "99.5 % sparse": ARDClassifierCV(target_sparsity=0.995, **common),
}
for name, model in models.items():
    model.fit(X_train, y_train)
    print(
        f"{name}: reg_factor={model.reg_factor_:g}, "
        f"{model.get_support().sum()} columns, {model.sparsity_:.2%} pruned, "
        f"accuracy {accuracy_score(y_test, model.predict(X_test)):.3f}"
    )
print("three columns:", ", ".join(models["three columns"].get_feature_names_out()))

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(12, 5), layout="constrained")
CVPathDisplay.from_estimator(models["one standard error"], ax=left)
RelevanceDisplay.from_estimator(models["one standard error"], ax=right, max_features=20)
figure.savefig(Path(__file__).with_suffix(".png"), dpi=120)
