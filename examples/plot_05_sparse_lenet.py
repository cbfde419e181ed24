"""
A sparse LeNet
==============

The two networks of the paper, by constructor arguments alone: LeNet-300-100 and
LeNet-5-Caffe, on 5,000 digits of MNIST (about five minutes on one core). The pictures
show which pixels the dense network still reads, the kernels that the convolutional one
is left with, and how its weights go while its accuracy stays.

The data are fetched from OpenML; ``python plot_05_sparse_lenet.py mnist.npz`` takes
them from a file. `benchmarks/mnist.py` trains on all images, and for longer.
"""

# %%
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.datasets import fetch_openml
from skorch.callbacks import Callback

from sklearn_ard import ARDClassifier
from sklearn_ard.nn import ard_layers

if len(sys.argv) > 1:
    with np.load(sys.argv[1]) as data:
        X, y = data["x_train"].reshape(-1, 784), data["y_train"]
else:
    X, y = fetch_openml("mnist_784", return_X_y=True, as_frame=False)
X = ((X - X.mean()) / X.std()).astype(np.float32)
X_train, y_train = X[:5000], y[:5000].astype(int)
X_test, y_test = X[50_000:55_000], y[50_000:55_000].astype(int)


# %%
# A callback of skorch notes the accuracy after every epoch.
class Accuracy(Callback):
    def on_epoch_end(self, net, **kwargs):
        with torch.no_grad():
            labels = net.module_.eval()(torch.from_numpy(X_test)).argmax(dim=1)
        net.history.record("accuracy", float((labels.numpy() == y_test).mean()))


lenet_300_100 = ARDClassifier(
    input_shape=(1, 28, 28),
    hidden_layer_sizes=(300, 100),
    reg_factor=0.1,
    max_iter=20,
    random_state=0,
)
lenet_5_caffe = ARDClassifier(
    input_shape=(1, 28, 28),
    conv_channels=(20, 50),
    kernel_size=5,
    padding="valid",
    hidden_layer_sizes=(500,),
    reg_factor=0.1,
    max_iter=20,
    callbacks=[Accuracy()],
    random_state=0,
)
for name, model in {"300-100": lenet_300_100, "5-Caffe": lenet_5_caffe}.items():
    model.fit(X_train, y_train)
    score, layers = model.score(X_test, y_test), ard_layers(model.net_.module_)
    print(f"LeNet-{name}: accuracy {score:.1%}, {model.sparsity_:.2%} pruned")
    for layer in layers:
        print(f"  {int(layer.keep().sum()):6d} of {layer.weight.numel():6d} weights")

# %%
fig = plt.figure(figsize=(12, 4), layout="constrained")
left, middle, right = fig.subfigures(1, 3, width_ratios=(1, 1, 1.2))

first = ard_layers(lenet_300_100.net_.module_)[0]
readers = first.per_input(first.keep().float()).reshape(28, 28)
ax = left.subplots()
picture = ax.imshow(
    np.ma.masked_equal(readers, 0), cmap=plt.get_cmap("viridis").with_extremes(bad="w")
)
n_read = int((readers > 0).sum())
left.suptitle(f"LeNet-300-100: {n_read} of 784 pixels")
ax.set_xticks([])
ax.set_yticks([])
left.colorbar(picture, ax=ax, label="weights left of 300", shrink=0.8)

first = ard_layers(lenet_5_caffe.net_.module_)[0]
kernels = np.ma.masked_where(
    ~first.keep().numpy()[:, 0], first.weight.detach().numpy()[:, 0]
)
n_kernels = int((~kernels.mask).any(axis=(1, 2)).sum())
middle.suptitle(f"LeNet-5: {n_kernels} of 20 kernels (grey: pruned)")
limit = np.abs(kernels).max()
colors = plt.get_cmap("RdBu").with_extremes(bad="0.85")
for ax, kernel in zip(middle.subplots(4, 5).flat, kernels, strict=True):
    ax.imshow(kernel, cmap=colors, vmin=-limit, vmax=limit)
    ax.set_xticks([])
    ax.set_yticks([])

history = lenet_5_caffe.net_.history
ax = right.subplots()
ax.set_title("LeNet-5 while it is trained")
epochs = history[:, "epoch"]
ax.plot(epochs, history[:, "accuracy"], color="#0072B2", label="accuracy")
ax.plot(epochs, history[:, "sparsity"], color="#D55E00", label="sparsity")
ax.set_xlabel("epoch")
ax.set_ylim(0, 1.02)
ax.legend(loc="lower right")
fig.savefig(Path(__file__).with_suffix(".png"), dpi=120)
