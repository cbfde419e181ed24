"""Which of these 50 columns matter? Ten real ones of the diabetes data, 40 of noise.

Fits an ARDRegressor, a linear model and a plain multi-layer perceptron, prints what
they reach on held-out patients, and draws the relevance of every column to
quickstart.png.
"""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.datasets import load_diabetes
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ard import ARDRegressor

# %% The data: ten measurements, and forty columns that have nothing to say
X, y = load_diabetes(return_X_y=True, as_frame=True, scaled=False)
rng = np.random.default_rng(0)
noise = pd.DataFrame(rng.normal(size=(len(X), 40))).add_prefix("noise ")
X = pd.concat([X, noise], axis=1)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)

# %% Fit and compare
model = ARDRegressor(random_state=0).fit(X_train, y_train)
linear = LinearRegression().fit(X_train, y_train)
mlp = make_pipeline(
    StandardScaler(),
    MLPRegressor(hidden_layer_sizes=(64, 64), max_iter=500, random_state=0),
).fit(X_train, y_train)
print("R² on held-out patients")
print(f"  ARDRegressor      {model.score(X_test, y_test):6.3f}")
print(f"  LinearRegression  {linear.score(X_test, y_test):6.3f}")
print(f"  MLPRegressor      {mlp.score(X_test, y_test):6.3f}")

# %% What the network uses
print(f"kept columns: {', '.join(model.get_feature_names_out())}")
print(f"sparsity:     {model.sparsity_:.1%} of the weights are pruned")
print(f"noise:        {model.noise_std_:.0f}, of a target with std {y_train.std():.0f}")

# %% The picture
kept = model.get_support()
fig, ax = plt.subplots(figsize=(9, 3.2), layout="constrained")
position = np.arange(len(kept))
ax.bar(position[kept], model.feature_importances_[kept], color="#0072B2", label="kept")
ax.bar(position[~kept], 0.0, color="#D55E00")
ax.plot(
    position[~kept], 0 * position[~kept], "s", ms=4, color="#D55E00", label="dropped"
)
ax.set_xticks(position, X.columns, rotation=90, fontsize=7)
ax.set_ylabel("relevance (nats)")
ax.set_title("What the data would lose without each column")
ax.legend(frameon=False)
ax.spines[["top", "right"]].set_visible(False)
picture = Path(__file__).with_name("quickstart.png")
fig.savefig(picture, dpi=120)
print(f"picture:      {picture}")
