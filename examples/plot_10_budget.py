"""
The best model for 10 euros
===========================

Measurements cost money, and cheap ones often stand in for dear ones. `feature_cost`
takes a price for every column, here 40 nats per euro, and `ard_path` walks to models
that cost less and less. The best one that can be paid is a point of this path.
"""

# %%
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from sklearn_ard import ARDRegressor, ard_path

BUDGET, NATS_PER_EURO = 10.0, 40.0
rng = np.random.default_rng(0)
age, fat, sugar, lipids, pressure, other = rng.normal(size=(6, 3000))
insulin = 0.7 * (fat + other)
TABLE = {  # measured value, its noise, and its price in euros
    "age": (age, 0.0, 0.0),
    "waist": (fat, 0.6, 0.2),
    "body fat by X-ray": (fat, 0.1, 60.0),
    "pulse": (pressure, 1.0, 0.2),
    "blood pressure": (pressure, 0.3, 0.5),
    "fasting glucose": (sugar, 0.6, 2.0),
    "HbA1c": (sugar, 0.3, 6.0),
    "cholesterol": (lipids, 0.6, 3.0),
    "LDL particles": (lipids, 0.1, 25.0),
    "insulin": (insulin, 0.0, 12.0),
}
X, euros = pd.DataFrame(), {}
for column, (value, noise, price) in TABLE.items():
    X[column], euros[column] = value + noise * rng.normal(size=3000), price
risk = age * pressure + sugar + lipids + 0.6 * fat + 0.4 * insulin
y = risk + 0.5 * rng.normal(size=3000)
X_train, X_test, y_train, y_test = X[:1000], X[1000:], y[:1000], y[1000:]


# %%
# One path with prices, and one where every column costs the same.
def walk(feature_cost, reg_factors):
    model = ARDRegressor(feature_cost=feature_cost, random_state=0)
    options = {"reg_factors": reg_factors, "return_models": True}
    path = ard_path(X_train, y_train, estimator=model, **options)
    table = path.to_frame()
    table["euros"] = path.support @ np.array(list(euros.values()))
    table["error"] = [1 - each.score(X_test, y_test) for each in path.models]
    return table


prices = {column: NATS_PER_EURO * price for column, price in euros.items()}
priced = walk(prices, np.geomspace(0.05, 5, 21))
alike = walk("auto", np.logspace(0, 2, 13))
best = priced[priced["euros"] <= BUDGET].nsmallest(1, "error").iloc[0]
print(priced[["reg_factor", "euros", "error"]].round(2).to_string(index=False))
print(f"{best['euros']:.2f} euros buy {', '.join(best['features'])}")

# %%
fig, ax = plt.subplots(figsize=(6.4, 4), layout="constrained")
ax.plot(alike["euros"], alike["error"], "s", color="0.6", label="all at one price")
ax.plot(priced["euros"], priced["error"], "o", color="#0072B2", label="priced in euros")
ax.plot(best["euros"], best["error"], "*", ms=16, color="#D55E00", label="best for €10")
ax.axvline(BUDGET, color="#D55E00", linestyle="--", linewidth=1)
ax.set_xscale("symlog", linthresh=0.2)
ax.set_xticks([0, 0.2, 1, 3, 10, 30, 100], [0, 0.2, 1, 3, 10, 30, 100])
ax.set_xticks([], minor=True)
ax.set(xlabel="price of the kept columns [euros]", ylabel="test error, 1 - R²")
ax.set(xlim=(-0.03, 150), ylim=(0, 1.05))
ax.text(7, 0.27, "\n".join(best["features"]), ha="right", va="top", fontsize=8)
ax.legend(frameon=False, loc="upper right")
ax.spines[["top", "right"]].set_visible(False)
fig.savefig(Path(__file__).with_suffix(".png"), dpi=120)
