"""Draws the pictures of the handbook, from fits that it runs: python .docs/pictures.py.

It takes about two minutes on one core and writes to _static.
"""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from scipy import stats
from sklearn.datasets import fetch_openml, make_friedman1

from sklearn_ard import ARDClassifier, ARDRegressor
from sklearn_ard.nn import ARD, LogUniform, log_alpha
from sklearn_ard.plotting.style import CHOSEN, COLORS, COUNTS, DROPPED, KEPT
from sklearn_ard.training.recipe import STAGES

HERE = Path(__file__).parent
STAGE_NAMES = "first network", "second", "third, annealed", "polish", ""


def save(figure, name):
    figure.savefig(HERE / "_static" / f"{name}.png", dpi=150)
    plt.close(figure)


def blocks():
    """From three columns to the inputs of a network, and one decision for each."""
    table = {
        "sex": (["is male"], ["female", "male"], KEPT),
        "age": (["value", "missing?", "bin 1", "…", "bin 8"], ["29", "gap", "2"], KEPT),
        "embarked": (["is C", "is Q", "is S"], ["S", "Q", "C"], DROPPED),
    }
    fig, ax = plt.subplots(figsize=(8, 3.6), layout="constrained")
    y = 0.0
    for name, (inputs, cells, color) in table.items():
        height, top = 0.75 * len(inputs), y
        middle = top - height / 2
        box = {"boxstyle": "round,pad=0.5", "fc": "white", "ec": color, "lw": 1.6}
        ax.text(0, middle, name, ha="center", va="center", bbox=box)
        ax.text(-0.95, middle, "\n".join(cells), ha="center", va="center", color=COUNTS)
        for k, text in enumerate(inputs):
            at = top - 0.75 * (k + 0.5)
            ax.plot([0.42, 1.4], [middle, at], color=color, lw=1)
            ax.plot(1.45, at, "o", ms=7, color=color)
            ax.text(1.6, at, text, va="center", fontsize=9)
        fate = "kept, as one" if color == KEPT else "dropped, as one"
        ax.plot(
            [2.75, 2.85, 2.85, 2.75],
            [top - 0.1] * 2 + [top - height + 0.1] * 2,
            color=color,
        )
        ax.text(
            2.97, middle, fate, va="center", color=color if color == KEPT else COUNTS
        )
        y -= height + 0.35
    for at, text in zip(
        (-0.95, 0, 2.1), ("cells", "column", "inputs of the network"), strict=True
    ):
        ax.text(at, 0.3, text, ha="center", va="bottom", weight="bold")
    ax.set(xlim=(-1.3, 4.1), ylim=(y, 1.0))
    ax.set_axis_off()
    save(fig, "blocks")


def weights():
    """What a pruned weight looks like, and what keeping one costs."""
    fig, (left, right) = plt.subplots(1, 2, figsize=(8, 3.2), layout="constrained")
    x = np.linspace(-1.5, 2.5, 500)
    for mean, std, color in ((1.2, 0.2, KEPT), (0.1, 0.5, DROPPED)):
        la = log_alpha(torch.tensor(mean), 2 * np.log(std)).item()
        left.fill_between(x, stats.norm(mean, std).pdf(x), color=color, alpha=0.25)
        fate = "kept" if la < 3 else "pruned"
        left.plot(
            x,
            stats.norm(mean, std).pdf(x),
            color=color,
            label=f"log α = {la:.1f}: {fate}",
        )
    left.axvline(0, color=COUNTS, lw=0.7)
    left.set(yticks=[], xlabel="weight", title="Two posteriors")
    left.legend(frameon=False, fontsize=8)
    la = torch.linspace(-8, 8, 400)
    one, mask = torch.ones_like(la), torch.ones_like(la)
    for prior, color in ((LogUniform(), COLORS[0]), (ARD(), COLORS[1])):
        right.plot(la, prior.kl(one, la, mask), color=color, label=prior.name)
    right.axvline(3, color=COUNTS, ls="--", lw=1)
    right.text(3.2, 3.6, "threshold", color=COUNTS, fontsize=8)
    right.set(xlabel="log α", ylabel="KL [nats]", title="The price of one weight")
    right.legend(frameon=False)
    for ax in (left, right):
        ax.spines[["top", "right"]].set_visible(False)
    left.spines["left"].set_visible(False)
    save(fig, "weights")


def recipe():
    """KL and sparsity over one fit: three networks, of which the last is polished."""
    X, y = make_friedman1(300, n_features=20, noise=1.0, random_state=0)
    model = ARDRegressor(likelihood="gaussian", n_bins=0, random_state=0).fit(X, y)
    history = pd.DataFrame(
        model.net_.history[:, ("kl", "sparsity")], columns=["kl", "sparsity"]
    )
    epochs = np.arange(len(history))
    fig, axes = plt.subplots(2, 1, figsize=(8, 4.2), sharex=True, layout="constrained")
    axes[0].plot(epochs, history.kl, color=KEPT)
    axes[0].set(ylabel="KL [nats]", yscale="symlog", ylim=(0, None))
    axes[1].plot(epochs, 100 * history.sparsity, color=CHOSEN)
    axes[1].set(xlabel="epoch", ylabel="weights pruned [%]")
    ends = np.cumsum([stage.share for stage in STAGES]) * len(history)
    for name, start, end in zip(STAGE_NAMES, [0, *ends[:-1]], ends, strict=True):
        axes[0].text(
            (start + end) / 2,
            1.02,
            name,
            ha="center",
            va="bottom",
            transform=axes[0].get_xaxis_transform(),
        )
        for ax in axes:
            if name and start:
                ax.axvline(start, color=COUNTS, lw=0.8, ls="--")
            ax.spines[["top", "right"]].set_visible(False)
    save(fig, "recipe")


def price():
    """What the Titanic's columns are worth to a first network, and their prices."""
    table = fetch_openml(data_id=40945, parser="liac-arff").frame
    y = table["survived"]
    X = table.drop(columns=["survived", "name", "ticket", "boat", "body"])
    shuffled = X.sample(frac=1, random_state=0).set_axis(X.index)
    X = pd.concat([X, shuffled.add_prefix("shuffled ")], axis=1)
    model = ARDClassifier(feature_cost=1e-6, n_bins=0, max_iter=70, random_state=0)
    nats = pd.Series(model.fit(X, y).feature_importances_, X.columns)
    nats = nats.sort_values(ascending=False, kind="stable")
    rank = np.arange(1, len(nats) + 1)
    cost = np.log(len(nats) / (model.alpha * rank))
    fig, ax = plt.subplots(figsize=(8, 3.6), layout="constrained")
    colors = np.where(nats.to_numpy() >= cost, KEPT, DROPPED)
    ax.bar(rank, nats, color=colors, width=0.6)
    edges = np.append(rank - 0.5, rank[-1] + 0.5)
    ax.step(edges, np.append(cost, cost[-1]), where="post", color=CHOSEN)
    ax.text(edges[-1] + 0.1, cost[-1], "price", color=CHOSEN, va="center")
    ax.set(yscale="symlog", ylabel="worth [nats]", ylim=(0, None))
    ax.set_xticks(rank, nats.index, rotation=45, ha="right", fontsize=8)
    ax.spines[["top", "right"]].set_visible(False)
    save(fig, "price")


for draw in (blocks, weights, recipe, price):
    draw()
