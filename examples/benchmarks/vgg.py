"""A VGG-like network on CIFAR-10, made sparse by `ARDClassifier(module=...)`.

    python examples/benchmarks/vgg.py --data FOLDER
    python examples/benchmarks/vgg.py --generated 600 --width 0.0625 --device cpu

The network of Zagoruyko (2015), on which Molchanov et al. (2017) report compressions:
thirteen convolutions and two dense layers with batch norm. It is trained densely, on
images that are moved and mirrored at random. The estimator starts from its weights, and
reads all images and their mirror images. FOLDER has `cifar-10-batches-py`, as
`torchvision.datasets.CIFAR10` stores it. Errors are on the 10,000 test images after the
last epoch.

It takes an accelerator: where there is none, or no data, the table says "not run". What
has been trained is kept in `--checkpoints`, and a run that was stopped goes on there.
`--generated` trains on a number of drawn images in place of CIFAR-10, on any device.
The settings are those of LeNet-5 in `mnist.py`, and have not been tried on CIFAR-10. Of
the papers' rows, that of Sparse VD is second-hand (the abstract of Molchanov et al.
says "up to 68 times"), that of AutoPrune from its abstract.
"""

import argparse
import pickle
import sys
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from sklearn_ard import ARDClassifier
from sklearn_ard.nn import ard_layers

SHAPE = 3, 32, 32
BLOCKS = (64, 64), (128, 128), (256,) * 3, (512,) * 3, (512,) * 3  # then max pooling
N_UNITS = 512
BATCH_SIZE = 128
DENSE_RATE = 0.1  # learning rate of SGD at its peak
WEIGHT_DECAY = 5e-4
RATE = 2e-3  # of Adam, in the sparse training
REG_FACTOR = 0.5
SHIFT = 4  # pixels
COLUMNS = "model", "error %", "compression", "% pruned per layer", "seconds"
PAPERS = (
    ("Sparse VD (Molchanov 2017)", "7.3", "48 to 65", "", ""),
    ("AutoPrune (Xiao 2019)", "no larger than dense", "75", "", ""),
)


def vgg_like(n_classes=10, width=1.0):
    """The dense network, with a share of its channels and units."""
    layers, n_in = [], SHAPE[0]
    for block in BLOCKS:
        for n_channels in block:
            n_out = max(1, round(width * n_channels))
            layers += [nn.Conv2d(n_in, n_out, 3, padding=1, bias=False)]
            layers += [nn.BatchNorm2d(n_out), nn.ReLU()]
            n_in = n_out
        layers.append(nn.MaxPool2d(2))
    n_units = max(1, round(width * N_UNITS))
    return nn.Sequential(
        *layers,
        nn.Flatten(),
        nn.Linear(n_in, n_units, bias=False),
        nn.BatchNorm1d(n_units),
        nn.ReLU(),
        nn.Linear(n_units, n_classes),
    )


def load_cifar10(folder):
    """Images from 0 to 1, shape (n, 3, 32, 32), and labels, for training and test."""
    folder = Path(folder) / "cifar-10-batches-py"

    def read(*names):
        images, labels = [], []
        for name in names:
            with (folder / name).open("rb") as file:
                batch = pickle.load(file, encoding="bytes")
            images.append(batch[b"data"])
            labels.append(batch[b"labels"])
        images = np.concatenate(images).reshape(-1, *SHAPE)
        return images.astype(np.float32) / 255, np.concatenate(labels)

    return read(*(f"data_batch_{k}" for k in range(1, 6))), read("test_batch")


def generate(n_images, seed=0):
    """Four classes: horizontal or vertical stripes, in red or in blue, and noise."""
    rng = np.random.default_rng(seed)

    def draw(n):
        y = rng.integers(4, size=n)
        period = rng.uniform(4, 8, n)[:, None]
        waves = np.sin(2 * np.pi * (np.arange(32) / period + rng.random((n, 1))))
        stripes = np.repeat(waves[:, :, None], 32, axis=2)
        stripes[y % 2 == 1] = stripes[y % 2 == 1].swapaxes(1, 2)
        images = rng.normal(size=(n, *SHAPE)) / 4
        images[np.arange(n), 2 * (y // 2)] += stripes
        return (images / 4 + 0.5).astype(np.float32), y

    return draw(n_images), draw(n_images)


def standardised(train, test):
    """Both by the mean and the standard deviation of each channel in training."""
    mean, std = (f(train[0], axis=(0, 2, 3), keepdims=True) for f in (np.mean, np.std))
    return tuple(((images - mean) / std, labels) for images, labels in (train, test))


def moved(x):
    """Images, each batch moved by some pixels, each image mirrored or not."""
    x = torch.where(torch.rand(len(x), 1, 1, 1, device=x.device) < 0.5, x.flip(3), x)
    down, right = torch.randint(2 * SHIFT + 1, (2,)).tolist()
    padded = F.pad(x, (SHIFT,) * 4)
    return padded[:, :, down : down + x.shape[2], right : right + x.shape[3]]


def train_dense(model, images, labels, epochs, device):
    """SGD with a learning rate that rises and falls."""
    x, y = torch.from_numpy(images).to(device), torch.from_numpy(labels).to(device)
    model.to(device).train()
    n_batches = -(-len(x) // BATCH_SIZE)
    optimizer = torch.optim.SGD(
        model.parameters(), DENSE_RATE, 0.9, weight_decay=WEIGHT_DECAY, nesterov=True
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, DENSE_RATE, total_steps=epochs * n_batches
    )
    for epoch in range(epochs):
        for rows in torch.randperm(len(x), device=device).tensor_split(n_batches):
            loss = F.cross_entropy(model(moved(x[rows])), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        print(f"dense {epoch + 1}/{epochs}, loss {loss:.3f}", file=sys.stderr)
    return model.cpu().eval()


@torch.no_grad()
def error_of_dense(model, images, labels, device):
    model.to(device).eval()
    parts = torch.from_numpy(images).split(1000)
    found = torch.cat([model(part.to(device)).argmax(dim=1).cpu() for part in parts])
    model.cpu()
    return 100 * float((found.numpy() != labels).mean())


def run(train, test, *, width, dense_epochs, epochs, device, folder, **options):
    """Rows of the table: the dense network and ours.

    `folder` keeps the dense network, and the state of our fit while it lasts. `options`
    are parameters of `ARDClassifier`.
    """
    train, test = standardised(train, test)
    folder.mkdir(parents=True, exist_ok=True)
    n_classes = len(np.unique(train[1]))
    torch.manual_seed(0)
    dense, path = vgg_like(n_classes, width), folder / "dense.pt"
    if path.exists():
        state = torch.load(path)
        dense.load_state_dict(state["model"])
    else:
        start = time.perf_counter()
        train_dense(dense, *train, dense_epochs, device)
        seconds = time.perf_counter() - start
        state = {"model": dense.state_dict(), "seconds": seconds}
        torch.save(state, path.with_suffix(".part"))
        path.with_suffix(".part").replace(path)
    error = error_of_dense(dense, *test, device)
    yield "dense", f"{error:.2f}", "1", "", f"{state['seconds']:.0f}"

    both = np.concatenate([train[0], train[0][..., ::-1]]).reshape(-1, np.prod(SHAPE))
    model = ARDClassifier(
        module=dense,
        input_shape=SHAPE,
        feature_cost=0,  # all three channels stay
        max_iter=epochs,
        device=device,
        random_state=0,
        checkpoint=folder / "sparse",
        **{"reg_factor": REG_FACTOR, "learning_rate_init": RATE, "batch_size": 256}
        | options,
    )
    start = time.perf_counter()
    model.fit(both, np.tile(train[1], 2))
    seconds = time.perf_counter() - start
    error = 100 * (1 - model.score(test[0].reshape(len(test[0]), -1), test[1]))
    kept = [
        layer.keep().float().mean().item() for layer in ard_layers(model.net_.module_)
    ]
    pruned = " ".join(f"{100 * (1 - share):.1f}" for share in kept)
    compression = 1 / max(1 - model.sparsity_, 1e-9)
    yield "ours", f"{error:.2f}", f"{compression:.1f}", pruned, f"{seconds:.0f}"


def why_not(options):
    """What is missing for a run; None if it can be run."""
    if options.generated:
        return None
    if options.data is None or not (options.data / "cifar-10-batches-py").exists():
        return "no data"
    if options.device == "auto" and not torch.accelerator.is_available():
        return "no accelerator"
    return None


def main(arguments=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="folder of cifar-10-batches-py")
    parser.add_argument("--generated", type=int, help="number of drawn images")
    parser.add_argument("--width", type=float, default=1.0, help="share of channels")
    parser.add_argument("--dense-epochs", type=int, default=60)
    parser.add_argument("--epochs", type=int, default=60, help="of sparse training")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--checkpoints", type=Path, default=Path("vgg_checkpoints"))
    options = parser.parse_args(arguments)
    print(f"| {' | '.join(COLUMNS)} |\n|---|---:|---:|---|---:|")
    missing = why_not(options)
    if missing:
        for row in (*PAPERS, ("ours", f"not run: {missing}", "", "", "")):
            print_row(row)
        return
    device = options.device
    if device == "auto":
        device = str(torch.accelerator.current_accelerator() or "cpu")
    if options.generated:
        train, test = generate(options.generated)
    else:
        train, test = load_cifar10(options.data)
        for row in PAPERS:
            print_row(row)
    for row in run(
        train, test, width=options.width, dense_epochs=options.dense_epochs,
        epochs=options.epochs, device=device, folder=options.checkpoints,
    ):  # fmt: skip
        print_row(row)


def print_row(row):
    print(f"| {' | '.join(row)} |", flush=True)


if __name__ == "__main__":
    main()
