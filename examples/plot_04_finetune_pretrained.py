"""
Fine-tune a trained network, and make it sparse
===============================================

A plain torch network was trained on the 8×8 digits. Then the scanner is replaced: its
images are shifted by a pixel and fainter, and there are 200 labelled ones. Given as
`module`, the network is where the sparse one starts from; it sees the images as it
was trained on them, since nothing is standardised for a given network.
"""

# %%
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn

from sklearn_ard import ARDClassifier

images, y = load_digits(return_X_y=True)
X = (images / 16).astype(np.float32)  # what the network below is trained on
shifted = 0.7 * np.roll(X.reshape(-1, 8, 8), 1, axis=2).reshape(-1, 64)
old, rest = train_test_split(np.arange(len(X)), train_size=900, random_state=0)
new, test = train_test_split(rest, train_size=200, stratify=y[rest], random_state=0)


# %%
# The network that somebody has trained: plain torch, on images of the old scanner.
def convolutional():
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(128, 64),
        nn.ReLU(),
        nn.Linear(64, 10),
    )


torch.manual_seed(0)
network = convolutional()
optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
pictures, labels = torch.from_numpy(X[old]).view(-1, 1, 8, 8), torch.from_numpy(y[old])
for _ in range(60):
    for rows in torch.randperm(len(pictures)).split(64):
        optimizer.zero_grad()
        nn.functional.cross_entropy(network(pictures[rows]), labels[rows]).backward()
        optimizer.step()
network.eval()


def accuracy(X, y):
    with torch.no_grad():
        outputs = network(torch.from_numpy(X).view(-1, 1, 8, 8))
    return float((outputs.argmax(dim=1).numpy() == y).mean())


print(f"old scanner {accuracy(X[test], y[test]):.3f}")
results = {"as it was": (accuracy(shifted[test], y[test]), 0.0)}

# %%
# The same architecture from scratch on the 200 images, from scratch with dense training
# first, and from the trained weights.


def from_scratch(input_shape, n_outputs):
    return nn.Sequential(nn.Unflatten(1, input_shape), *convolutional())


for name, parameters in {
    "from scratch": {"module": from_scratch},
    "dense first": {"module": from_scratch, "dense_iter": 100},
    "fine-tuned": {"module": network},
}.items():
    model = ARDClassifier(input_shape=(1, 8, 8), random_state=0, **parameters)
    model.fit(shifted[new], y[new])
    results[name] = model.score(shifted[test], y[test]), model.sparsity_
for name, (score, sparsity) in results.items():
    print(f"{name:12s} new scanner {score:.3f}, {sparsity:.1%} pruned")

# %%
fig, axes = plt.subplots(1, 2, figsize=(10, 3.6), layout="constrained")
faces = axes[0].inset_axes([0, 0, 0.48, 1]), axes[0].inset_axes([0.52, 0, 0.48, 1])
axes[0].axis("off")
for ax, image, title in zip(
    faces, (X[0], shifted[0]), ("old scanner", "new scanner"), strict=True
):
    ax.imshow(image.reshape(8, 8), cmap="gray_r", vmin=0, vmax=1)
    ax.set_title(title)
    ax.set_xticks([])
    ax.set_yticks([])
scores = [score for score, _ in results.values()]
bars = axes[1].barh(list(results), scores, color="#0072B2")
texts = [f"{score:.1%}, {pruned:.0%} pruned" for score, pruned in results.values()]
axes[1].bar_label(bars, texts, label_type="center", color="white")
axes[1].invert_yaxis()
axes[1].set_xlabel("accuracy on images of the new scanner")
axes[1].set_xlim(0, 1)
fig.savefig(Path(__file__).with_suffix(".png"), dpi=120)
