"""
Stability: which columns are picked whatever the sample
=======================================================

One fit picks columns; another sample might have picked others. `StabilitySelection`
fits a selector, ours or any other, on many halves of the data, keeps what is picked on
most of them, and bounds the expected number of false picks. Here on the diabetes
table with ninety columns of pure noise beside the ten real ones.
"""

# %%
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Lasso
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ard import ARDRegressor, StabilityDisplay, StabilitySelection

X, y = load_diabetes(return_X_y=True, as_frame=True)
rng = np.random.default_rng(0)
noise = pd.DataFrame(rng.normal(size=(len(X), 90))).add_prefix("noise ")
X = pd.concat([X, noise], axis=1)

# %%
# A network, over three values of `reg_factor`, and a Lasso, over four of `alpha`.
network = StabilitySelection(
    ARDRegressor(max_iter=300),
    values=[0.2, 0.5, 1],
    threshold=0.8,
    n_pairs=10,
    random_state=0,
    n_jobs=2,
)
lasso = StabilitySelection(
    make_pipeline(StandardScaler(), Lasso()),
    param="lasso__alpha",
    values=[8, 10, 14, 20],
    threshold=0.8,
    n_pairs=50,
    random_state=0,
)
for name, selector in {"network": network, "Lasso": lasso}.items():
    selector.fit(X, y)
    kept = selector.get_feature_names_out()
    print(
        f"{name}: picks {selector.n_picked_:.1f} columns on a half, keeps "
        f"{', '.join(kept)}; at most {selector.expected_false_picks_:.2f} false picks "
        "expected"
    )
print("one fit of the Lasso keeps", end=" ")
single = lasso.estimator_.set_params(lasso__alpha=8).fit(X, y)
print(np.count_nonzero(single[-1].coef_), "columns")

# %%
figure, axes = plt.subplots(1, 2, figsize=(12, 4.5), layout="constrained")
for ax, (name, selector) in zip(
    axes, {"network": network, "Lasso": lasso}.items(), strict=True
):
    StabilityDisplay.from_estimator(selector, ax=ax)
    ax.set_title(f"{name}: {ax.get_title()}")
figure.savefig(Path(__file__).with_suffix(".png"), dpi=120)
