"""Which of these 50 columns matter? Ten real ones of the diabetes data, 40 of noise.

Scores an ARDRegressor beside a linear model and a plain multi-layer perceptron, prints
which columns it keeps, and draws the relevance of every column to
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
from sklearn.model_selection import KFold, cross_val_score
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ard import ARDRegressor

# %% The data: ten measurements, and forty columns that have nothing to say
X, y = load_diabetes(return_X_y=True, as_frame=True, scaled=False)
rng = np.random.default_rng(0)
noise = pd.DataFrame(rng.normal(size=(len(X), 40))).add_prefix("noise ")
X = pd.concat([X, noise], axis=1)

# %% Compare on held-out patients
mlp = MLPRegressor(
    hidden_layer_sizes=(64, 64), early_stopping=True, max_iter=1000, random_state=0
)
models = {
    "ARDRegressor": ARDRegressor(random_state=0),
    "LinearRegression": LinearRegression(),
    "MLPRegressor": make_pipeline(StandardScaler(), mlp),
}
print("R² on held-out patients, mean of five folds")
for name, model in models.items():
    folds = KFold(5, shuffle=True, random_state=0)
    print(f"  {name:17s} {cross_val_score(model, X, y, cv=folds).mean():6.3f}")

# %% What the network uses
model = ARDRegressor(random_state=0).fit(X, y)
print(f"kept columns: {', '.join(model.get_feature_names_out())}")
print(f"sparsity:     {model.sparsity_:.1%} of the weights are pruned")
print(f"noise:        {model.noise_std_:.0f}, of a target with std {y.std():.0f}")

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
