"""What training costs, beside the dense network and peers.

    python examples/benchmarks/training.py steps
    python examples/benchmarks/training.py fits
    python examples/benchmarks/training.py growth
    python examples/benchmarks/training.py jobs
    python examples/benchmarks/training.py memory

All in one process, side by side. `--threads` is for every contender of fits, growth and
memory; `--data mnist.npz` adds LeNet-5 to the steps and the fits.

steps: one step of Adam on one batch in full width, all contenders in turn, medians, on
one thread; ours and dense on two threads, too.
fits: whole fits of the same number of steps on the same batches; of MLPRegressor the
same number of epochs, of LassoNet the path from all inputs to none (600×50 only). The
loops over plain networks are stopped after a minute and scaled: their epochs are alike.
`--sizes 64,256` runs some of the networks only.
growth: how the time of a fit grows, each time doubled four times; rows with the same
number of epochs, columns and units with the default number of steps.
jobs: a grid search of four values in three folds with one job and with two, which run
already.
memory: the most that a fit takes beyond what the process has before (`RssAnon` of
Linux, every 20 ms), X on disk or in memory; a million rows for one epoch; peers have X
in memory, and standardise it first as they ask for.

- dense: the network of the same shape of plain torch layers, mean squared error
- two maps: pytorch_ard's layer and loop from its description, two linear maps for mean
  and variance, log alpha clamped to ±8, and the KL divergence layer by layer
"""

import argparse
import os
import tempfile
import threading
import time
import warnings
from functools import partial
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.base import clone
from sklearn.datasets import make_friedman1
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPRegressor
from sklearn.preprocessing import StandardScaler
from torch import nn

from sklearn_ard import ARDClassifier, ARDRegressor
from sklearn_ard.nn import (
    CategoricalLikelihood,
    ConvARD,
    DenseARD,
    ELBOLoss,
    GaussianLikelihood,
    SkipARD,
)
from sklearn_ard.nn.fast.trainer import Trainer

WANTED_STEP = {(1024, 1024): 2.05}  # ours / dense, of units and rows in a batch
WANTED_FIT = 1  # ours / dense
WANTED_PATH = 30  # LassoNet's path / ours
SECONDS = 3.0  # for every contender of a step, about
LONGEST = 60.0  # seconds of a loop over a plain network


class TwoMaps(nn.Linear):
    """A dense layer in the style of pytorch_ard."""

    def __init__(self, n_in, n_out):
        super().__init__(n_in, n_out)
        self.log_sigma2 = nn.Parameter(torch.full((n_out, n_in), -10.0))

    def forward(self, x):
        log_alpha = self.log_alpha()
        mean = F.linear(x, self.weight, self.bias)
        std = F.linear(x * x, torch.exp(log_alpha) * self.weight**2).add(1e-8).sqrt()
        return mean + std * torch.randn_like(mean)

    def log_alpha(self):
        return (self.log_sigma2 - torch.log(self.weight**2 + 1e-15)).clamp(-8, 8)

    def kl(self):
        log_alpha = self.log_alpha()
        negative = 0.63576 * torch.sigmoid(1.8732 + 1.48695 * log_alpha)
        negative = negative - 0.5 * torch.log1p(torch.exp(-log_alpha)) - 0.63576
        return -negative.sum()


def stack(linear, n_in, sizes, n_out=1):
    """A network of dense layers of a kind."""
    layers = []
    for size in sizes:
        layers += [linear(n_in, size), nn.ReLU()]
        n_in = size
    return nn.Sequential(*layers, linear(n_in, n_out))


def adam_step(model, loss):
    """A function that makes one step of torch's Adam."""
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)

    def step(x, y):
        optimizer.zero_grad()
        loss(model(x), y).backward()
        optimizer.step()

    return step


def two_maps_step(n_in, sizes):
    """A step of pytorch_ard's layers in its own style of loop."""
    maps = stack(TwoMaps, n_in, sizes)

    def loss(output, y):
        kl = sum(layer.kl() for layer in maps if isinstance(layer, TwoMaps))
        return F.mse_loss(output, y) + kl / 10_000

    return adam_step(maps, loss)


def dense_step(n_in, sizes):
    """A step of the plain network."""
    return adam_step(stack(nn.Linear, n_in, sizes), F.mse_loss)


def contenders(n_in, sizes):
    """One training step of each, as functions of a batch."""
    module = SkipARD(DenseARD(n_in, 1, sizes), n_in, 1)
    criterion = ELBOLoss(module, 10_000, GaussianLikelihood())
    trainer = Trainer(module, criterion, 1e-3)
    return {
        "ours": lambda x, y: trainer.step(x, y, torch.ones(len(x))),
        "dense": dense_step(n_in, sizes),
        "two maps": two_maps_step(n_in, sizes),
    }


LENET = {"conv_channels": (20, 50), "kernel_size": 5, "padding": "valid"}


def dense_lenet_step():
    """A step of the plain LeNet-5."""
    lenet = nn.Sequential(
        nn.Conv2d(1, 20, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(20, 50, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(800, 500), nn.ReLU(), nn.Linear(500, 10),
    )  # fmt: skip
    return adam_step(lenet, F.cross_entropy)


def lenets():
    """A training step of a sparse and of a dense LeNet-5."""
    module = ConvARD((1, 28, 28), 10, hidden_layer_sizes=(500,), **LENET)
    criterion = ELBOLoss(module, 10_000, CategoricalLikelihood())
    trainer = Trainer(module, criterion, 1e-3)
    return {
        "ours": lambda x, y: trainer.step(x, y, torch.ones(len(x))),
        "dense": dense_lenet_step(),
    }


def mnist(data, n_rows):
    """Some images, (n, 1, 28, 28), and what they show."""
    with np.load(data) as file:
        key = next(key for key in file.files if file[key].ndim == 3)
        images, digits = file[key], file[key.replace("x", "y").replace("X", "y")]
    rows = np.random.default_rng(0).permutation(len(images))[:n_rows]
    return images[rows].astype(np.float32)[:, None] / 255, digits[rows].astype(int)


def medians(steps, x, y):
    """Milliseconds of a step of each, taken in turn."""
    times = {name: [] for name in steps}
    for step in steps.values():
        step(x, y)
    end = time.perf_counter() + SECONDS * len(steps)
    while time.perf_counter() < end or len(times["ours"]) < 5:
        for name, step in steps.items():
            start = time.perf_counter()
            for _ in range(5):
                step(x, y)
            times[name].append((time.perf_counter() - start) / 5)
    return {name: 1e3 * np.median(found) for name, found in times.items()}


def report_steps(data):
    print(
        "| network | batch | dense ms | ours / dense | wanted | two maps / dense | "
        "ours / dense, two threads |\n|---|---:|---:|---:|---:|---:|---:|"
    )
    cases = [
        (50, (64, 64), 64),
        (50, (256, 256), 64),
        (50, (1024, 1024), 64),
        (50, (1024, 1024), 1024),
        (500, (2048, 2048), 64),
    ]
    for n_in, sizes, batch in cases:
        torch.manual_seed(0)
        x, y = torch.randn(batch, n_in), torch.randn(batch, 1)
        found = on_threads(contenders(n_in, sizes), x, y)
        wanted = WANTED_STEP.get((sizes[0], batch), "")
        print_steps(f"{n_in} inputs, {sizes[0]}-{sizes[1]}", batch, wanted, *found)
    if data is not None:
        x, y = map(torch.from_numpy, mnist(data, 64))
        print_steps("LeNet-5 on MNIST", 64, "", *on_threads(lenets(), x, y))


def on_threads(steps, x, y):
    """Milliseconds of a step of each on one thread; of ours and dense on two."""
    one = medians(steps, x, y)
    torch.set_num_threads(2)
    two = medians({name: steps[name] for name in ("ours", "dense")}, x, y)
    torch.set_num_threads(1)
    return one, two


def print_steps(name, batch, wanted, one, two):
    maps = f"{one['two maps'] / one['dense']:.2f}" if "two maps" in one else "-"
    print(
        f"| {name} | {batch} | {one['dense']:.2f} | {one['ours'] / one['dense']:.2f} | "
        f"{wanted} | {maps} | {two['ours'] / two['dense']:.2f} |",
        flush=True,
    )


def friedman(n_rows, n_columns):
    return make_friedman1(n_rows, n_features=n_columns, noise=1.0, random_state=0)


def timed(function):
    start = time.perf_counter()
    found = function()
    return time.perf_counter() - start, found


def seconds_of(step, x, y, n_epochs, batch_size=64):
    """What the usual loop over a plain network takes."""
    n_batches = -(-len(x) // batch_size)
    start, done, seconds = time.perf_counter(), 0, 0.0
    while done < n_epochs and seconds < LONGEST:
        for rows in torch.randperm(len(x)).tensor_split(n_batches):
            step(x[rows], y[rows])
        done, seconds = done + 1, time.perf_counter() - start
    return seconds * n_epochs / done


def standardised(X, y):
    """As peers need it, float32."""
    z, t = StandardScaler().fit_transform(X), (y - y.mean()) / y.std()
    return z.astype(np.float32), t.astype(np.float32)


def report_fits(repeats, data, chosen):
    warnings.simplefilter("ignore")  # of networks that have not converged
    dense_step(5, (8,))(torch.zeros(2, 5), torch.zeros(2, 1))  # imports what it needs
    print(
        f"| network, rows × columns | steps | dense s | ours / dense (wanted: "
        f"{WANTED_FIT}) | the same, shrink=False | two maps / dense | ours / "
        f"MLPRegressor | LassoNet's path / ours (wanted: {WANTED_PATH}) |\n"
        "|---|---:|---:|---:|---:|---:|---:|---:|"
    )
    cases = [
        (64, 600, 50, repeats),
        (256, 5000, 50, repeats),
        (1024, 5000, 50, repeats),
        (2048, 20_000, 500, 1),
    ]
    for size, n_rows, n_columns, times in cases:
        if size not in chosen:
            continue
        sizes = (size, size)
        X, y = friedman(n_rows, n_columns)
        z, t = standardised(X, y)
        x, target = torch.from_numpy(z), torch.from_numpy(t)[:, None]
        found = {name: [] for name in ("ours", "full", "dense", "maps", "mlp")}
        for seed in range(times):
            model = ARDRegressor(sizes, random_state=seed)
            full = ARDRegressor(sizes, shrink=False, random_state=seed)
            found["ours"].append(timed(partial(model.fit, X, y))[0])
            n_epochs = model.n_iter_
            peer = MLPRegressor(
                hidden_layer_sizes=sizes, batch_size=64, max_iter=n_epochs, tol=0.0,
                n_iter_no_change=n_epochs, random_state=seed,
            )  # fmt: skip
            found["full"].append(timed(partial(full.fit, X, y))[0])
            for name, make_step in (("dense", dense_step), ("maps", two_maps_step)):
                step = make_step(n_columns, sizes)
                found[name].append(seconds_of(step, x, target, n_epochs))
            found["mlp"].append(timed(partial(peer.fit, z, t))[0])
        ours, full, dense, maps, mlp = (np.median(found[name]) for name in found)
        path = f"{lassonet_path(z, t, sizes) / ours:.0f}" if n_rows <= 600 else "-"
        n_steps = n_epochs * -(-n_rows // 64)
        print(
            f"| {size}-{size}, {n_rows:,} × {n_columns} | {n_steps:,} | {dense:.1f} | "
            f"{ours / dense:.2f} | {full / dense:.2f} | {maps / dense:.2f} | "
            f"{ours / mlp:.2f} | {path} |",
            flush=True,
        )
    if data is not None:
        images, digits = mnist(data, 2000)
        rows = images.reshape(len(images), -1)
        ours, full = (
            timed(
                partial(
                    ARDClassifier(
                        500, input_shape=(1, 28, 28), max_iter=30, shrink=shrink,
                        random_state=0, **LENET,
                    ).fit, rows, digits,
                )
            )[0]
            for shrink in (True, False)
        )  # fmt: skip
        dense = seconds_of(
            dense_lenet_step(), *map(torch.from_numpy, (images, digits)), 30
        )
        print(
            f"| LeNet-5, {len(images):,} images | {30 * 32:,} | {dense:.1f} | "
            f"{ours / dense:.2f} | {full / dense:.2f} | - | - | - |"
        )


def lassonet_path(X, y, sizes):
    """Seconds of LassoNet's path."""
    from lassonet import LassoNetRegressor

    model = LassoNetRegressor(hidden_dims=sizes, random_state=0)
    return timed(lambda: model.path(X, y))[0]


def report_growth(repeats):
    def seconds(n_rows=2000, n_columns=50, size=64, **options):
        X, y = friedman(n_rows, n_columns)
        models = [
            ARDRegressor((size, size), random_state=seed, **options)
            for seed in range(repeats)
        ]
        return np.median([timed(partial(m.fit, X, y))[0] for m in models])

    seconds()
    print("| doubled | from | to | seconds | exponent |\n|---|---:|---:|---|---:|")
    for label, name, first, options in (
        ("rows, same epochs", "n_rows", 1000, {"max_iter": 60}),
        ("columns", "n_columns", 32, {}),
        ("units per layer", "size", 64, {"n_rows": 5000}),
    ):
        values = [first * 2**k for k in range(5)]
        found = [seconds(**{name: value, **options}) for value in values]
        exponent = np.polyfit(np.log(values), np.log(found), 1)[0]
        times = ", ".join(f"{t:.1f}" for t in found)
        print(
            f"| {label} | {values[0]} | {values[-1]} | {times} | {exponent:.2f} |",
            flush=True,
        )


def report_jobs(repeats):
    X, y = friedman(600, 50)
    grid = {"reg_factor": [0.3, 1.0, 3.0, 10.0]}
    found = {}
    for n_jobs in (1, 2):
        search = GridSearchCV(ARDRegressor(random_state=0), grid, cv=3, n_jobs=n_jobs)
        clone(search).set_params(estimator__max_iter=1).fit(X, y)  # starts the workers
        found[n_jobs] = np.median(
            [timed(partial(clone(search).fit, X, y))[0] for _ in range(repeats)]
        )
    print("| jobs | seconds |\n|---:|---:|")
    for n_jobs, seconds in found.items():
        print(f"| {n_jobs} | {seconds:.1f} |")
    print(f"\n{found[1] / found[2]:.2f} times as fast")


def anonymous_memory():
    """MB of this process that are no file's."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon"):
            return int(line.split()[1]) / 1024
    raise OSError("Linux is needed for this: no RssAnon in /proc/self/status.")


def peak_of(function):
    """MB that a call takes at most, beyond what the process has before it."""
    before = peak = anonymous_memory()
    done = threading.Event()

    def watch():
        nonlocal peak
        while not done.wait(0.02):
            peak = max(peak, anonymous_memory())

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        function()
    finally:
        done.set()
        thread.join()
    return peak - before


def report_memory():
    warnings.simplefilter("ignore")
    ARDRegressor(max_iter=1).fit(*friedman(100, 5))
    dense_step(5, (8,))(torch.zeros(2, 5), torch.zeros(2, 1))  # imports what it needs
    rng = np.random.default_rng(0)
    print("| X | MB of X | model | extra MB | seconds |\n|---|---:|---|---:|---:|")
    with tempfile.TemporaryDirectory() as folder:
        for n_rows, n_columns in ((1_000_000, 100), (200, 20_000)):
            path = Path(folder) / "X"
            shape = n_rows, n_columns
            X = np.memmap(path, np.float32, "w+", shape=shape)
            for start in range(0, n_rows, 10_000):
                X[start : start + 10_000] = rng.random(
                    (min(10_000, n_rows - start), n_columns), dtype=np.float32
                )
            y = 10 * np.sin(np.pi * X[:, 0] * X[:, 1]) + 20 * (X[:, 2] - 0.5) ** 2
            y = y + 10 * X[:, 3] + 5 * X[:, 4] + rng.normal(size=n_rows)
            X.flush()
            on_disk = np.memmap(path, np.float32, "r", shape=shape)
            # the default number of steps, but one epoch of a million rows
            max_iter = 1 if n_rows > 10_000 else "auto"
            ours = ARDRegressor(max_iter=max_iter, random_state=0)
            table = np.array(X)
            n_epochs = 1 if n_rows > 10_000 else 10
            mlp = MLPRegressor(
                hidden_layer_sizes=(64, 64), batch_size=64, max_iter=n_epochs
            )

            def fit_mlp(mlp=mlp, table=table, y=y):
                mlp.fit(*standardised(table, y))

            def fit_dense(table=table, y=y, n_epochs=n_epochs):
                x, target = map(torch.from_numpy, standardised(table, y))
                step = dense_step(x.shape[1], (64, 64))
                seconds_of(step, x, target[:, None], n_epochs)

            for place, name, fit in (
                ("on disk", "ours", partial(ours.fit, on_disk, y)),
                ("in memory", "ours", partial(ours.fit, table, y)),
                ("in memory", "dense torch loop", fit_dense),
                ("in memory", "MLPRegressor", fit_mlp),
            ):
                start = time.perf_counter()
                extra = peak_of(fit)
                seconds = time.perf_counter() - start
                print(
                    f"| {n_rows:,} × {n_columns:,} float32 {place} | "
                    f"{X.nbytes / 2**20:.0f} | {name} | {extra:.0f} | {seconds:.0f} |",
                    flush=True,
                )
            path.unlink()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["steps", "fits", "growth", "jobs", "memory"])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--data", type=Path, help="mnist.npz")
    parser.add_argument("--sizes", default="64,256,1024,2048", help="units per layer")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    os.environ["OMP_NUM_THREADS"] = str(options.threads)
    if options.what == "steps":
        report_steps(options.data)
    elif options.what == "fits":
        sizes = [int(size) for size in options.sizes.split(",") if size]
        report_fits(options.repeats, options.data, sizes)
    elif options.what == "memory":
        report_memory()
    else:
        reports = {"growth": report_growth, "jobs": report_jobs}
        reports[options.what](options.repeats)
