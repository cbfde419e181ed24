"""
The path: from every column to none
===================================

"Which `reg_factor`?" and "which columns come next, if three are too few?" have one
answer: the path. `ard_path` walks over `reg_factor`, from a model that keeps every
column to one that keeps none, and each point begins with the network of the last one.
Here on the diabetes table, with as many columns of pure noise beside the ten real ones.
"""

# %%
import time
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import numpy as np
import pandas as pd
from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split

from sklearn_ard import (
    ARDRegressor,
    RegularizationPathDisplay,
    SparsityDisplay,
    ard_path,
    threshold_curve,
)

X, y = load_diabetes(return_X_y=True, as_frame=True)
rng = np.random.default_rng(0)
noise = pd.DataFrame(rng.normal(size=X.shape)).add_prefix("noise ")
X = pd.concat([X, noise], axis=1)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)

# %%
# One fit, and the whole path. Relevance is in nats: what the data would lose without
# the column. Real columns outlast the noise.
start = time.perf_counter()
model = ARDRegressor(random_state=0).fit(X_train, y_train)
one_fit = time.perf_counter() - start
start = time.perf_counter()
path = ard_path(
    X_train, y_train, estimator=ARDRegressor(random_state=0), return_models=True
)
seconds = time.perf_counter() - start
print(f"{len(path)} points for the time of {seconds / one_fit:.1f} fits")

table = path.to_frame().drop(columns="features")
table["test_score"] = [found.score(X_test, y_test) for found in path.models]
print(table.round(3).to_string(index=False))
best = int(table["test_score"].argmax())
print(
    f"best on the test rows: reg_factor={path.reg_factors[best]:.2g}, keeps",
    ", ".join(path.feature_names[path.support[best]]),
)

display = RegularizationPathDisplay(path).plot()
display.figure_.savefig(Path(__file__).with_suffix(".png"), dpi=120)

# %%
# What is inside of a model: log α of every weight against the threshold of 3, and the
# weights that are kept. Other thresholds cost no training.
display = SparsityDisplay.from_estimator(model)
display.figure_.savefig(Path(__file__).with_name("plot_07_layers.png"), dpi=120)
print(threshold_curve(model, X_test, y_test).round(3).to_string(index=False))
