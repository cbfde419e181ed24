"""
Small images
============

With `input_shape` a row of X is a flattened image, and with `conv_channels` the network
begins with convolutions. On the 8×8 digits most weights turn out to be superfluous:
the picture shows the kernels that are left.
"""

# %%
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from sklearn_ard import ARDClassifier
from sklearn_ard.nn import ard_layers

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)

# %%
model = ARDClassifier(
    hidden_layer_sizes=(64,),
    input_shape=(1, 8, 8),
    conv_channels=(16, 32),
    random_state=0,
).fit(X_train, y_train)
print(f"accuracy {model.score(X_test, y_test):.3f}, sparsity {model.sparsity_:.1%}")
layers = ard_layers(model.net_.module_)
for layer in layers:
    kept = layer.keep()
    units = int(kept.flatten(1).any(dim=1).sum())
    print(
        f"  {type(layer).__name__:10s} {int(kept.sum()):6d} of {kept.numel():6d} "
        f"weights, {units:3d} of {len(kept):3d} units"
    )

# %%
# The kernels of the first convolution, pruned weights in grey, and the training.
first = layers[0]
kernels = np.ma.masked_where(
    ~first.keep().numpy()[:, 0], first.weight.detach().numpy()[:, 0]
)
limit = np.abs(kernels).max()
colors = plt.get_cmap("RdBu").with_extremes(bad="0.85")
fig = plt.figure(figsize=(10, 3.6), layout="constrained")
left, right = fig.subfigures(1, 2, width_ratios=(1, 1.2))
left.suptitle("First kernels (grey: pruned)")
for ax, kernel in zip(left.subplots(4, 4).flat, kernels, strict=True):
    ax.imshow(kernel, cmap=colors, vmin=-limit, vmax=limit)
    ax.set_xticks([])
    ax.set_yticks([])
ax = right.subplots()
history = model.net_.history
ax.plot(history[:, "epoch"], history[:, "nll"], color="#0072B2")
ax.set_yscale("log")
ax.set_xlabel("epoch")
ax.set_ylabel("NLL (nats per image)", color="#0072B2")
other = ax.twinx()
other.plot(history[:, "epoch"], history[:, "sparsity"], color="#D55E00")
other.set_ylabel("sparsity", color="#D55E00")
other.set_ylim(0, 1)
fig.savefig(Path(__file__).with_suffix(".png"), dpi=120)
