"""The table of "Variational Dropout Sparsifies Deep Neural Networks", on MNIST.

Every network is trained densely for a few epochs. From there

- ours: `to_ard` (LeNet-300-100 is better from scratch), then the evidence lower bound
  with the log-uniform prior. The KL divergence comes in over the first stretch. Then,
  while the training goes on, weights are pruned for good after every epoch: those above
  log alpha = 3, and then either those of the highest log alpha, up to a compression
  that rises to what was asked for (the first two networks), or all of an input, unit or
  channel that the evidence lower bound is hardly worse without: by less than a price
  that rises (the structured ones).
- magnitude (first two networks, first seed): the smallest weights are pruned to the
  same sparsity by `torch.nn.utils.prune`, little by little over the same stretch (Zhu &
  Gupta 2017, eq. 1), and the rest is trained on, in all for the same number of steps.

Prints what the papers report beside what was measured, on the test set of 10,000, after
the last epoch ("final"). SBP, L0 and VIBNet report the lowest test error seen in
training ("best seen"), as Evci et al. (2020, appendix B) found in their code, and so do
not say how to get there; where nothing is said we do not know. Compression and
multiply-adds of VIBNet, L0 and RigL+ follow from sizes and sparsity in that appendix,
whose errors of the three these are (RigL+'s best was 1.57); multiply-adds of the
structured LeNet-5s are as Tang et al. (2018) count them. AutoPrune's abstract says that
the error did not grow.

Everything is saved after every epoch: a run that was stopped goes on where it was.

    python examples/benchmarks/mnist.py --data mnist.npz
    python examples/benchmarks/mnist.py --network lenet-5 --epochs 10 --device cuda
"""

import argparse
import math
import sys
import time
from dataclasses import dataclass
from functools import partial
from itertools import zip_longest
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils import prune

from sklearn_ard.nn import (
    ARDMixin,
    DenseARD,
    ELBOLoss,
    KLWarmup,
    ard_layers,
    mask_unread_units_,
    prune_,
    to_ard,
)

BATCH_SIZE = 200
DENSE_EPOCHS = 3
DENSE_RATE = 1e-3  # learning rates of Adam
RATE = 2e-3
VARIANCE_RATE = 5  # times as fast: log sigma² has far to go
WARMUP = KLWarmup(0.0, 0.15)  # shares of the training
PRUNING = KLWarmup(0.15, 0.7)  # compression and prices rise
MOST = 0.2  # share of a layer's units that go at once
SAMPLE = 1500  # images that they are judged by
DECAY_FROM = 0.5  # half a cosine to zero


def lenet_300_100(first=300, second=100):
    return nn.Sequential(
        nn.Linear(784, first),
        nn.ReLU(),
        nn.Linear(first, second),
        nn.ReLU(),
        nn.Linear(second, 10),
    )


def lenet_5_caffe():
    return nn.Sequential(
        nn.Unflatten(1, (1, 28, 28)),
        nn.Conv2d(1, 20, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(20, 50, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(800, 500),
        nn.ReLU(),
        nn.Linear(500, 10),
    )


@dataclass(frozen=True)
class Experiment:
    """A network, how it is made sparse, and what the papers report."""

    make: callable  # the dense network
    epochs: int  # of sparse training
    n_seeds: int
    papers: tuple  # rows of the table
    scratch: callable = None  # a sparse network that begins untrained
    reg_factor: float = 1.0
    compression: float = 1.0  # all weights / kept weights that is to be reached
    input_price: float = 0.0  # nats per pixel, in the end
    unit_price: float = 0.0  # nats per unit or channel
    mac_price: float = 0.0  # nats per multiply-add that one of these takes part in


FINAL, BEST = "final", "best seen"
EXPERIMENTS = {
    "lenet-300-100": Experiment(
        lenet_300_100,
        epochs=100,
        n_seeds=3,
        papers=(
            ("Sparse VD (Molchanov 2017)", 1.92, "", 68, "98.9 97.2 62.0"),
            ("Dynamic surgery (Guo 2016)", 1.99, "", 56, "98.2 98.2 94.5"),
            ("RigL+ (Evci 2020)", 1.69, FINAL, 87, "", "375-62-51"),
            ("VIBNet (Dai 2018)", 1.6, BEST, 27.8, "", "97-71-33", "9,560"),
            ("L0 (Louizos 2018)", 1.6, BEST, 10.0, "", "266-88-33", "26,642"),
        ),
        scratch=partial(DenseARD, 784, 10, (300, 100)),
        reg_factor=0.5,
        compression=103,
    ),
    "lenet-5": Experiment(
        lenet_5_caffe,
        epochs=36,
        n_seeds=1,
        papers=(
            ("Sparse VD (Molchanov 2017)", 0.75, "", 280, "67 98 99.8 95"),
            ("Dynamic surgery (Guo 2016)", 0.91, "", 111, "86 97 99.3 96"),
            ("AutoPrune (Xiao 2019)", "", "no larger", 310),
        ),
        reg_factor=0.5,
        compression=285,
    ),
    "structured-500-300": Experiment(
        partial(lenet_300_100, 500, 300),
        epochs=60,
        n_seeds=1,
        papers=(("SBP (Neklyudov 2017)", 1.55, BEST, "", "", "245-160-55", "48,550"),),
        reg_factor=0.3,
        input_price=15.5,
        unit_price=8.0,
    ),
    "structured-lenet-5": Experiment(
        lenet_5_caffe,
        epochs=16,
        n_seeds=1,
        papers=(
            ("SBP (Neklyudov 2017)", 0.86, BEST, "", "", "3-18-284-283", "217,000"),
            ("BC-GHS (Louizos 2017)", 1.0, "", "", "", "5-10-76-16", "158,000"),
            ("L0 (Louizos 2018)", 0.9, BEST, "", "", "20-25-45-462", "1,300,000"),
            ("L0, sep. (Louizos 2018)", 1.0, BEST, "", "", "9-18-65-25", "403,000"),
        ),
        reg_factor=0.5,
        mac_price=0.06,
    ),
}


COLUMNS = (
    "model", "error %", "error is", "compression", "% pruned per layer", "left",
    "multiply-adds", "seconds",
)  # fmt: skip


def load_mnist(path, device):
    """Pixels from 0 to 1 and labels, the original 60,000 and 10,000."""
    if path:
        with np.load(path) as data:
            images = np.concatenate([data["x_train"], data["x_test"]])
            labels = np.concatenate([data["y_train"], data["y_test"]])
    else:
        from sklearn.datasets import fetch_openml

        images, labels = fetch_openml("mnist_784", return_X_y=True, as_frame=False)
    x = torch.from_numpy(images.reshape(70_000, 784).astype(np.float32) / 255)
    y = torch.from_numpy(labels.astype(np.int64))
    x, y = x.to(device), y.to(device)
    return (x[:60_000], y[:60_000]), (x[60_000:], y[60_000:])


def train(model, loss, data, epochs, rate, path, *, before_step=None, after_epoch=None):
    """Adam, with the learning rate falling to zero; goes on from the file at `path`.

    Parameters
    ----------
    model : Module
        Trained in place.
    loss : callable
        Takes outputs and labels.
    data : tuple of Tensor
        Pixels and labels.
    epochs : int
        Passes over the data.
    rate : float
        Learning rate at its peak.
    path : Path
        Of the checkpoint.
    before_step, after_epoch : callable, optional
        Called with the share of the training (0 to 1) that has passed.

    Returns
    -------
    float
        Seconds.
    """
    variances = [p for name, p in model.named_parameters() if "log_sigma2" in name]
    others = [p for name, p in model.named_parameters() if "log_sigma2" not in name]
    groups = [{"params": others, "factor": 1.0}]
    if variances:
        groups.append({"params": variances, "factor": VARIANCE_RATE})
    optimizer = torch.optim.Adam(groups, lr=rate, fused=True)
    x, y = data
    n_batches = math.ceil(len(x) / BATCH_SIZE)
    state = {"epoch": 0, "seconds": 0.0}
    if path.exists():
        state = torch.load(path, map_location=x.device)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        torch.set_rng_state(state["rng"].cpu())
    for epoch in range(state["epoch"], epochs):
        start = time.perf_counter()
        model.train()
        for batch, rows in enumerate(torch.randperm(len(x)).tensor_split(n_batches)):
            progress = (epoch + batch / n_batches) / epochs
            past = max(0.0, progress - DECAY_FROM) / (1 - DECAY_FROM)
            for group in optimizer.param_groups:
                group["lr"] = (
                    rate * group["factor"] * (1 + math.cos(math.pi * past)) / 2
                )
            if before_step:
                before_step(progress)
            rows = rows.to(x.device)
            value = loss(model(x[rows]), y[rows])
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
        if after_epoch:
            after_epoch((epoch + 1) / epochs)
        state = {
            "epoch": epoch + 1,
            "seconds": state["seconds"] + time.perf_counter() - start,
            "model": model.state_dict(),
            "optimizer": optimizer.state_dict(),
            "rng": torch.get_rng_state(),
        }
        torch.save(state, path.with_suffix(".new"))
        path.with_suffix(".new").replace(path)
        print(
            f"{path.stem}: {epoch + 1}/{epochs}, loss {value.item():.4f}",
            file=sys.stderr,
        )
    return state["seconds"]


def train_sparse(model, experiment, data, epochs, path):
    """Ours: prune for good after every epoch what the experiment asks for."""
    criterion = ELBOLoss(model, len(data[0]), "categorical", experiment.reg_factor)
    n_positions = positions(model)
    sample = data[0][:SAMPLE], data[1][:SAMPLE]

    def before_step(progress):
        criterion.beta = WARMUP(progress)

    def after_epoch(progress):
        share = PRUNING(progress)
        if share == 0:
            return
        prune_(model)
        if experiment.compression > 1:
            prune_to(model, 1 + share * (experiment.compression - 1))
        else:
            drop_units(model, criterion, sample, n_positions, experiment, share)

    return train(
        model, criterion, data, epochs, RATE, path,
        before_step=before_step, after_epoch=after_epoch,
    )  # fmt: skip


@torch.no_grad()
def prune_to(model, compression):
    """Prune the weights of the highest log alpha, as many as it takes."""
    layers = ard_layers(model)
    log_alpha = torch.cat([layer.log_alpha[layer.mask > 0] for layer in layers])
    n_kept = int(sum(layer.mask.numel() for layer in layers) / compression)
    if n_kept < len(log_alpha):
        threshold = log_alpha.kthvalue(n_kept).values
        for layer in layers:
            layer.mask *= layer.log_alpha <= threshold
        mask_unread_units_(model)


@torch.no_grad()
def drop_units(model, criterion, sample, n_positions, prices, share):
    """Prune inputs, units and channels that are not worth a share of their price.

    A price is one for the unit and one for every multiply-add that it takes part in.
    Those whose outgoing weights carry fewer nats of KL divergence than that are put to
    the question, the poorest first: they go if the evidence lower bound, estimated on
    `sample`, falls by less than the price.
    """
    layers = ard_layers(model)
    n_in, n_out = units_left([layer.mask.bool() for layer in layers])
    macs = [
        layer.weight[0, 0].numel() * n
        for layer, n in zip(layers, n_positions, strict=True)
    ]
    for i, layer in enumerate(layers):
        nats = layer.per_input(layer.kl())
        n_units = len(nats) if i == 0 else len(layers[i - 1].weight)
        n_pixels = len(nats) // n_units  # of a flattened channel
        own = prices.unit_price if i else prices.input_price
        before = macs[i - 1] * n_in[i - 1] if i else 0
        after = macs[i] * n_out[i]  # of each pixel
        price = share * (own + prices.mac_price * (before + n_pixels * after))
        if n_pixels > 1:
            layer.mask_inputs_(nats >= share * prices.mac_price * after)

        worth = nats.view(n_units, n_pixels).sum(dim=1)
        n_live = int((worth > 0).sum())
        order = worth.argsort()[len(worth) - n_live :]
        # the price falls with the number of the others
        poorest = [
            unit for unit in order[: max(1, int(MOST * n_live))] if worth[unit] < price
        ]
        nll = expected_nll(model, criterion, sample)
        for unit in poorest:
            mask = layer.mask.clone()
            live = torch.arange(n_units, device=mask.device) != unit
            layer.mask_inputs_(live.repeat_interleave(n_pixels))
            nll_without = expected_nll(model, criterion, sample)
            if nll_without - nll - criterion.reg_factor * worth[unit] < price:
                nll = nll_without
            else:
                layer.mask.copy_(mask)
    mask_unread_units_(model)


def expected_nll(model, criterion, sample):
    """Negative log-likelihood of all images in nats, with the same noise every time."""
    x, y = sample
    with torch.random.fork_rng():
        torch.manual_seed(0)
        nll = criterion.likelihood(model.train()(x), y)
    return float(nll.mean()) * criterion.num_data


def train_magnitude(model, sparsity, data, epochs, path):
    """The baseline: prune the smallest weights, more and more of them."""
    parts = [(layer, "weight") for layer in weight_layers(model)]
    for part in parts:
        prune.identity(*part)

    def after_epoch(progress):
        target = sparsity * (1 - (1 - PRUNING(progress)) ** 3)
        masks = torch.cat([layer.weight_mask.flatten() for layer, _ in parts])
        more = round(target * len(masks)) - int((masks == 0).sum())
        if more > 0:
            prune.global_unstructured(parts, prune.L1Unstructured, amount=more)

    return train(
        model, F.cross_entropy, data, epochs, RATE, path, after_epoch=after_epoch
    )


def weight_layers(model):
    return [layer for layer in model if isinstance(layer, (nn.Linear, nn.Conv2d))]


@torch.no_grad()
def positions(model):
    """How many positions each layer is applied to: 1, or pixels of its output."""
    found = []
    hooks = [
        layer.register_forward_hook(
            lambda layer, args, output: found.append(math.prod(output.shape[2:]))
        )
        for layer in weight_layers(model)
    ]
    model.eval()(torch.zeros(1, 784, device=next(model.parameters()).device))
    for hook in hooks:
        hook.remove()
    return found


def units_left(kept):
    """Inputs that each layer reads, and outputs that the next one reads."""
    read = [k.flatten(2).any(dim=2) if k.dim() > 2 else k for k in kept]
    read = [r.any(dim=0) for r in read]
    n_in = [int(r.sum()) for r in read]
    # a flattened channel is read by several inputs
    n_out = [
        int(r.view(len(k), -1).any(dim=1).sum())
        for k, r in zip(kept[:-1], read[1:], strict=True)
    ]
    return n_in, [*n_out, len(kept[-1])]


@torch.no_grad()
def report(model, test):
    """Test error, compression, sparsity and units per layer, multiply-adds."""
    x, y = test
    layers, n_positions = weight_layers(model), positions(model)
    model.eval()
    wrong = sum(
        int((model(part).argmax(dim=1) != labels).sum())
        for part, labels in zip(x.split(1000), y.split(1000), strict=True)
    )
    kept = [
        layer.keep() if isinstance(layer, ARDMixin) else layer.weight != 0
        for layer in layers
    ]
    n_kept = sum(int(k.sum()) for k in kept)
    n_in, n_out = units_left(kept)
    macs = sum(
        a * b * k[0, 0].numel() * n
        for a, b, k, n in zip(n_in, n_out, kept, n_positions, strict=True)
    )
    units = n_in if isinstance(layers[0], nn.Linear) else [*n_out[:2], *n_in[2:]]
    return {
        "error %": 100 * wrong / len(x),
        "error is": FINAL,
        "compression": sum(k.numel() for k in kept) / max(1, n_kept),
        "% pruned per layer": " ".join(
            f"{100 * (1 - k.float().mean().item()):.1f}" for k in kept
        ),
        "left": "-".join(map(str, units)),
        "multiply-adds": f"{macs:,}",
    }


def run(name, seed, epochs, data, test, device, folder):
    """What was measured for one experiment and seed, one row per model."""
    experiment = EXPERIMENTS[name]
    epochs = epochs or experiment.epochs
    stem = f"{name}_{epochs}_{seed}"
    torch.manual_seed(seed)
    dense = experiment.make().to(device)
    seconds = train(
        dense, F.cross_entropy, data, DENSE_EPOCHS, DENSE_RATE,
        folder / f"{stem}_dense.pt",
    )  # fmt: skip
    rows = [{"model": "dense", **report(dense, test), "seconds": seconds}]

    sparse = experiment.scratch().to(device) if experiment.scratch else to_ard(dense)
    path = folder / f"{stem}_sparse.pt"
    seconds = train_sparse(sparse, experiment, data, epochs, path)
    rows.append({"model": "ours", **report(sparse, test), "seconds": seconds})

    if experiment.compression > 1 and seed == 0:
        sparsity = 1 - 1 / rows[-1]["compression"]
        path = folder / f"{stem}_magnitude.pt"
        torch.manual_seed(seed)
        seconds = train_magnitude(dense, sparsity, data, epochs, path)
        rows.append({"model": "magnitude", **report(dense, test), "seconds": seconds})
    return rows


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--network", nargs="*", choices=EXPERIMENTS)
    parser.add_argument("--epochs", type=int, help="of sparse training")
    parser.add_argument("--seeds", type=int, help="how many")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--data", help="file with x_train, y_train, x_test, y_test")
    parser.add_argument("--checkpoints", type=Path, default=Path("mnist_checkpoints"))
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    arguments.checkpoints.mkdir(exist_ok=True, parents=True)
    data, test = load_mnist(arguments.data, arguments.device)

    print(f"| network | {' | '.join(COLUMNS)} |")
    print("|---|---|---:|---|---:|---:|---:|---:|---:|")
    for name in arguments.network or EXPERIMENTS:
        experiment = EXPERIMENTS[name]
        for figures in experiment.papers:
            print_row(name, dict(zip(COLUMNS, figures, strict=False)))
        runs = [
            run(
                name, seed, arguments.epochs, data, test, arguments.device,
                arguments.checkpoints,
            )
            for seed in range(arguments.seeds or experiment.n_seeds)
        ]  # fmt: skip
        for rows in zip_longest(*runs):
            rows = list(filter(None, rows))
            for seed, row in enumerate(rows):
                print_row(name, row | {"model": f"{row['model']}, seed {seed}"})
            if len(rows) > 1:
                mean = pd.DataFrame(rows).mean(numeric_only=True).to_dict()
                print_row(name, mean | {"model": f"{rows[0]['model']}, mean"})


def print_row(network, figures):
    formats = {"error %": ".2f", "compression": ".1f", "seconds": ".0f"}
    cells = [
        format(figures[column], formats.get(column, "")) if figures.get(column) else ""
        for column in COLUMNS
    ]
    print(f"| {network} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
