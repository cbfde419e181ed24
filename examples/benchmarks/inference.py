"""How fast the network that remains predicts, beside the network that was trained.

In one process, one after the other in every round, medians of several rounds, on one
thread. Every model predicts the same rows:

- dense torch: the network of the same shape without any sparsity, in evaluation and
  inference mode, on a standardised float32 tensor; in one piece or in pieces of 1,000
  rows, whichever is faster
- masked torch: the ARD network in evaluation mode, its pruned weights set to zero
- dense onnxruntime: the dense network, written out
- scikit-learn: `MLPRegressor` or `MLPClassifier` of that shape
- predict: ours, from raw X to the answers, with all its checks
- compact: `predict` of `model.compact()`
- onnxruntime: what `to_onnx` writes, from raw X to the answers

Raw X is float64 for Friedman's function, and float32 for the images.

The network for Friedman's function is trained here; those for MNIST are read from the
checkpoints of `mnist.py`. Run it first, or leave them out:

    python examples/benchmarks/inference.py --data mnist.npz
    python examples/benchmarks/inference.py --models friedman --picture inference.png
"""

import argparse
import copy
import tempfile
import time
from pathlib import Path

import mnist
import numpy as np
import onnxruntime
import torch
from sklearn.datasets import make_friedman1
from sklearn.neural_network import MLPClassifier, MLPRegressor
from torch import nn

from sklearn_ard import ARDClassifier, ARDRegressor
from sklearn_ard.data.encoding import Encoding
from sklearn_ard.data.scaler import Scaler
from sklearn_ard.inference.lower import lower
from sklearn_ard.inference.onnx import write_onnx
from sklearn_ard.nn import Compacted

ROWS = 1, 100, 10_000, 100_000
PIECE = 1000  # rows that dense torch may take at a time
SECONDS = 2.0  # of every contender and number of rows, about
LARGEST_IMAGES = 10_000  # more at once do not fit into memory for dense torch
SHORTEST = 2e-2  # seconds that are timed at once: several calls in a row, if need be
MNIST = {
    "lenet-300-100": "lenet-300-100_100_0",
    "structured-500-300": "structured-500-300_60_0",
    "lenet-5": "lenet-5_36_0",
    "structured-lenet-5": "structured-lenet-5_16_0",
}


COLOURS = {  # of Okabe and Ito
    "dense torch": "#000000",
    "masked torch": "#999999",
    "dense onnxruntime": "#E69F00",
    "scikit-learn": "#CC79A7",
    "predict": "#0072B2",
    "compact": "#56B4E9",
    "onnxruntime": "#009E73",
}


def friedman():
    """A trained model, rows, the dense network, and one of scikit-learn's."""
    X, y = make_friedman1(5000, n_features=50, noise=1.0, random_state=0)
    model = ARDRegressor((1024, 1024), random_state=0).fit(X, y)
    dense = nn.Sequential(
        nn.Linear(50, 1024), nn.ReLU(), nn.Linear(1024, 1024), nn.ReLU(),
        nn.Linear(1024, 1),
    )  # fmt: skip
    peer = MLPRegressor(hidden_layer_sizes=(1024, 1024), max_iter=1).fit(X, y)
    return model, X, model._fitted.data.scaler.transform(X), dense, peer


def from_mnist(name, data, checkpoints):
    """The same for a network that `mnist.py` has trained."""
    experiment = mnist.EXPERIMENTS[name]
    dense = experiment.make()
    make = experiment.scratch or (lambda: mnist.to_ard(dense))
    network = make()
    path = checkpoints / f"{MNIST[name]}_sparse.pt"
    network.load_state_dict(torch.load(path, map_location="cpu")["model"])
    (x, y), (test, _) = data
    # an estimator around a network that is trained already
    model = ARDClassifier(
        module=network, max_iter=1, feature_cost=0, learning_rate_init=1e-12
    )
    model.fit(x.numpy(), y.numpy())
    peer = None
    if "lenet-5" not in name:
        sizes = [layer.out_features for layer in mnist.weight_layers(dense)[:-1]]
        peer = MLPClassifier(hidden_layer_sizes=sizes, max_iter=1).fit(
            x[:2000].numpy(), y[:2000].numpy()
        )
    return model, test.numpy(), test.numpy(), dense, peer


def contenders(model, dense, peer, folder, dtype):
    """Functions of raw rows and of standardised ones, by name."""
    dense = dense.eval()
    masked = model.net_.module_.eval()

    def run_dense(raw, x):
        return dense(x)

    def run_pieces(raw, x):
        return torch.cat([dense(piece) for piece in x.split(PIECE)])

    def run_masked(raw, x):
        return masked(x[:, model._fitted.trained.inputs])

    everything = {
        "dense torch": run_dense,
        "in pieces": run_pieces,
        "masked torch": run_masked,
        "dense onnxruntime": onnx_of_dense(dense, folder / "dense.onnx"),
    }
    if peer is not None:
        everything["scikit-learn"] = lambda raw, x: peer.predict(raw)
    small = model.compact()
    everything["predict"] = lambda raw, x: model.predict(raw)
    everything["compact"] = lambda raw, x: small.predict(raw)
    path = folder / "ours.onnx"
    model.to_onnx(path, dtype=dtype)
    session = session_of(path)
    everything["onnxruntime"] = lambda raw, x: session.run(None, {"X": raw})
    return everything


def onnx_of_dense(dense, path):
    """onnxruntime on the dense network, by the writer of ours."""
    n_inputs = 784 if isinstance(dense[0], nn.Unflatten) else dense[0].in_features
    n_outputs = dense[-1].out_features
    as_it_is = Scaler(standardize=False).fit(np.ones((1, n_inputs)), np.ones(1))
    whole = Compacted(copy.deepcopy(dense), slice(None), {})
    columns = np.arange(n_inputs), Encoding.of_numbers(n_inputs)
    network = lower(whole, *columns, as_it_is, n_outputs)
    write_onnx(network, n_inputs, path, np.float32, owner="the benchmark")
    session = session_of(path)
    return lambda raw, x: session.run(None, {"X": x.numpy()})


def session_of(path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options)


@torch.inference_mode()
def measure(everything, raw, x):
    """Median seconds of each contender, in rounds of all."""
    once = {}
    for name, function in everything.items():
        function(raw[:1], x[:1])
        start = time.perf_counter()
        function(raw, x)
        once[name] = time.perf_counter() - start
    n_rounds = int(np.clip(SECONDS * len(once) / sum(once.values()), 3, 100))
    seconds = {name: [] for name in once}
    for _ in range(n_rounds):
        for name, function in everything.items():
            n_calls = int(np.clip(SHORTEST / once[name], 1, 100))
            if n_calls > 1:
                function(raw, x)  # after this the cache holds nothing of the others
            start = time.perf_counter()
            for _ in range(n_calls):
                function(raw, x)
            seconds[name].append((time.perf_counter() - start) / n_calls)
    medians = {name: float(np.median(values)) for name, values in seconds.items()}
    medians["dense torch"] = min(medians["dense torch"], medians.pop("in pieces"))
    return medians


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = ["friedman", *MNIST]
    parser.add_argument("--models", nargs="*", choices=names, default=names)
    parser.add_argument("--rows", nargs="*", type=int, default=ROWS)
    parser.add_argument("--data", help="file with x_train, y_train, x_test, y_test")
    parser.add_argument("--checkpoints", type=Path, default=Path("mnist_checkpoints"))
    parser.add_argument("--picture", type=Path, help="file to save a picture to")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)

    data = None
    results = {}
    for name in arguments.models:
        if name == "friedman":
            model, X, x, dense, peer = friedman()
        else:
            data = data or mnist.load_mnist(arguments.data, "cpu")
            model, X, x, dense, peer = from_mnist(name, data, arguments.checkpoints)
        report = model.compression_report().loc["total"]
        print(
            f"\n{name}: weights 1/{report['weights', 'ratio']:.0f}, multiply-adds "
            f"1/{report['multiply_adds', 'ratio']:.0f}, bytes "
            f"1/{report['bytes', 'ratio']:.0f}\n"
        )
        with tempfile.TemporaryDirectory() as folder:
            everything = contenders(model, dense, peer, Path(folder), X.dtype)
        header = [n for n in everything if n != "in pieces"]
        print(f"| {name}, rows | {' | '.join(header)} | dense torch / predict |")
        print(f"|---:|{'---:|' * (len(header) + 1)}")
        for n_rows in arguments.rows:
            if "lenet-5" in name and n_rows > LARGEST_IMAGES:
                continue
            rows = np.arange(n_rows) % len(X)
            medians = measure(everything, X[rows], torch.from_numpy(x[rows]))
            results[name, n_rows] = medians
            cells = " | ".join(f"{1e3 * medians[n]:.3g} ms" for n in header)
            ratio = medians["dense torch"] / medians["predict"]
            print(f"| {n_rows:,} | {cells} | {ratio:.1f}× |", flush=True)
    if arguments.picture:
        draw(results, arguments.picture)


def draw(results, path):
    import matplotlib.pyplot as plt

    names = list(dict.fromkeys(name for name, _ in results))
    figure, axes = plt.subplots(
        1, len(names), figsize=(3.2 * len(names) + 1, 3.6), sharey=True, squeeze=False,
        layout="constrained",
    )  # fmt: skip
    for ax, name in zip(axes[0], names, strict=True):
        rows = [n for other, n in results if other == name]
        for contender in results[name, rows[0]]:
            per_row = [1e6 * results[name, n][contender] / n for n in rows]
            ours = contender in ("predict", "compact", "onnxruntime")
            ax.loglog(
                rows, per_row, color=COLOURS[contender], marker="o" if ours else "s",
                linewidth=2 if ours else 1, linestyle="-" if ours else "--",
                markersize=4, label=contender + (" (ours)" if ours else ""),
            )  # fmt: skip
        ax.set(title=name, xlabel="rows at a time")
    axes[0, 0].set_ylabel("microseconds per row")
    most = max(axes[0], key=lambda ax: len(ax.lines))
    figure.legend(*most.get_legend_handles_labels(), loc="outside right center")
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    main()
