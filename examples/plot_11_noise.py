"""
Prices are not normal
=====================

Prices are skewed, spread more where they are high, and a few are typing errors. Under
normal noise a network explains such prices by columns that have nothing to do with
them. `likelihood="auto"`, the default, lets held-out rows say which noise is true, and
keeps columns under that; `predict` is still the mean, and `predict_quantiles` tells how
far off a price may be.
"""

# %%
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from sklearn_ard import ARDRegressor, RelevanceDisplay

rng = np.random.default_rng(0)
N_ROWS, N_TRAIN = 3000, 600
TRUE = ["area", "distance", "age"]
X = pd.DataFrame(
    {
        "area": rng.gamma(6, 12, size=N_ROWS),  # square metres
        "distance": rng.gamma(2, 3, size=N_ROWS),  # kilometres from the centre
        "age": rng.uniform(0, 120, size=N_ROWS),  # years
        **{f"other {k}": rng.normal(size=N_ROWS) for k in range(1, 22)},
    }
)
log_price = 1.1 * np.log(X["area"]) - 0.06 * X["distance"] + (X["age"] / 60 - 1) ** 2
price = np.exp(3.5 + log_price + 0.35 * rng.normal(size=N_ROWS)) * 30
is_typo = (np.arange(N_ROWS) < N_TRAIN) & (rng.random(N_ROWS) < 0.01)
price = price.mask(is_typo, price * 10)
train, test = slice(0, N_TRAIN), slice(N_TRAIN, None)

# %%
# The same network under normal noise, and under the noise that the evidence chooses.
models = {
    "normal noise": ARDRegressor(likelihood="gaussian", random_state=0),
    "noise by evidence": ARDRegressor(random_state=0),
}
for name, model in models.items():
    model.fit(X[train], price[train])
    kept = model.get_feature_names_out()
    density = model.log_density(X[test], price[test]).mean()
    low, _, high = model.predict_quantiles(X[test]).T
    inside = np.mean((low <= price[test]) & (price[test] <= high))
    print(
        f"{name} ({model.likelihood_}): {len(kept)} columns, "
        f"{len(set(kept) - set(TRUE))} of them false; "
        f"R² {model.score(X[test], price[test]):.2f}, {density:.2f} nats per price; "
        f"{inside:.0%} of prices in the 90 % interval"
    )

# %%
figure, axes = plt.subplots(2, 2, figsize=(10, 7), layout="constrained")
grid = X[test].assign(**X[test].median().to_dict()).iloc[:100].copy()
grid["area"] = np.linspace(20, 160, 100)
for column, (name, model) in enumerate(models.items()):
    above, below = axes[:, column]
    RelevanceDisplay.from_estimator(model, ax=above)
    above.set_title(f"{name} ({model.likelihood_})")
    low, middle, high = model.predict_quantiles(grid).T / 1e3
    below.plot(X["area"][test], price[test] / 1e3, ".", color="0.8", markersize=3)
    below.fill_between(grid["area"], low, high, alpha=0.3, label="90 % interval")
    below.plot(grid["area"], middle, label="median")
    below.set(xlim=(20, 160), ylim=(-150, 800))
    below.set_xlabel("area in square metres, all else at the median")
    below.set_ylabel("price in thousands")
    below.legend(loc="upper left")
figure.savefig(Path(__file__).with_suffix(".png"), dpi=120)
