"""
===================
Three hundred times
===================

"Make your neural network 300 times faster", says the first line of pytorch_ard. Its
networks became sparse, but never small: a weight of zero is multiplied like any other.
Here nobody has to do anything: `predict` runs on what is left.

A network with two hidden layers of 1,024 units is trained on Friedman's function, which
depends on five of fifty columns.
"""

import pickle
import time
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.datasets import make_friedman1

from sklearn_ard import ARDRegressor
from sklearn_ard.nn import compact

torch.set_num_threads(1)
X, y = make_friedman1(5000, n_features=50, noise=1.0, random_state=0)
X_test, y_test = make_friedman1(10_000, n_features=50, noise=1.0, random_state=1)
model = ARDRegressor((1024, 1024), random_state=0).fit(X, y)

# %%
# The report: what was asked for, and what is left.

report = model.compression_report()
print(f"R² = {model.score(X_test, y_test):.3f}\n")
print(report.to_string(float_format="{:.0f}".format))

# %%
# The same network, dense, in torch: at its best, on data that are standardised already.

dense = torch.nn.Sequential(
    torch.nn.Linear(50, 1024),
    torch.nn.ReLU(),
    torch.nn.Linear(1024, 1024),
    torch.nn.ReLU(),
    torch.nn.Linear(1024, 1),
).eval()
x_test = torch.from_numpy(X_test).float()


def milliseconds(function, n_calls=20):
    """Median of several calls."""
    seconds = []
    for _ in range(n_calls):
        start = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - start)
    return 1e3 * np.median(seconds)


small = model.compact()  # numpy alone: for a server without torch
with torch.inference_mode():
    times = {
        "dense torch": milliseconds(lambda: dense(x_test)),
        "predict": milliseconds(lambda: model.predict(X_test)),
        "compact().predict": milliseconds(lambda: small.predict(X_test)),
    }
for name, value in times.items():
    print(f"{name:>18}: {value:7.2f} ms, {times['dense torch'] / value:5.0f} times")
print(f"pickle of compact(): {len(pickle.dumps(small)):,} bytes")
assert np.array_equal(small.predict(X_test), model.predict(X_test))

# %%
# All that is left of 1.1 million weights. The linear map beside them is not drawn.

network, inputs, layers = compact(model.net_.module_)
weights = [
    layers[name].weight
    for name in ("network.0", "network.2", "network.4")
    if layers[name] is not None
]
sizes = [weights[0].shape[1], *[len(weight) for weight in weights]]
height = [np.linspace(0, 1, n + 2)[1:-1] for n in sizes]

figure, (left, right) = plt.subplots(
    1, 2, figsize=(9, 4), width_ratios=[2, 1], layout="constrained"
)
for i, weight in enumerate(weights):
    largest = weight.abs().max()
    for unit, source in weight.nonzero().tolist():
        value = float(weight[unit, source] / largest)
        left.plot(
            [i, i + 1],
            [height[i][source], height[i + 1][unit]],
            color="#0072B2" if value > 0 else "#D55E00",
            linewidth=0.3 + 2 * abs(value),
            alpha=0.7,
            zorder=1,
        )
for i, positions in enumerate(height):
    left.scatter([i] * len(positions), positions, s=25, color="0.2", zorder=2)
kept = model.get_support(indices=True)
first = layers["network.0"].weight.shape[1]
for column, where in zip(kept, height[0], strict=False):
    if first == len(kept):
        left.text(-0.08, where, f"x{column}", ha="right", va="center")
left.set_xlim(-0.3, len(sizes) - 0.8)
left.set_title(
    f"50-1024-1024-1 has become {'-'.join(map(str, sizes))}: "
    f"{report.loc['total', ('weights', 'after')]} weights\n"
    "(blue: positive, orange: negative)"
)
left.axis("off")

bars = right.bar(range(len(times)), list(times.values()), color=["0.6", "C0", "C0"])
right.bar_label(
    bars, [f"{times['dense torch'] / value:.0f}×" for value in times.values()]
)
right.set_xticks(
    range(len(times)), [name.replace(" ", "\n").replace(".", "\n.") for name in times]
)
right.set_yscale("log")
right.set_ylabel("milliseconds for 10,000 rows")
right.set_title("One thread")
right.spines[["top", "right"]].set_visible(False)
figure.savefig(Path(__file__).with_suffix(".png"), dpi=120)
