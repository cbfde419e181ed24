"""Which kernels predict faster: dense or sparse matrices, gathered or unrolled images.

Three tables, on one thread, medians of calls in turns:

- layers: time of a sparse matrix / time of a dense one
- convolutions: time of the unrolled kind / time of the gathered one
- networks: milliseconds in numpy and in torch (which only runs what numpy cannot), with
  random masks

A star stands where the rule of `sklearn_ard.inference` takes the slower kernel. Below
the first two tables: how often that is so, and what it costs against the faster one.

    python examples/benchmarks/kernels.py
"""

import time

import numpy as np
import scipy.sparse as sp
import torch

from sklearn_ard.data.encoding import Encoding
from sklearn_ard.data.scaler import Scaler
from sklearn_ard.inference import images, network, operations
from sklearn_ard.inference.lower import TorchNetwork, lower
from sklearn_ard.nn import ConvARD, ard_layers, compact

DENSITIES = 0.5, 0.3, 0.2, 0.15, 0.1, 0.05, 0.02, 0.01
LAYERS = (  # outputs, inputs; among them what is left of LeNet-300-100 and LeNet-5
    (64, 64), (50, 100), (49, 91), (91, 406), (68, 238), (238, 416), (100, 300),
    (300, 784), (256, 256), (1024, 50), (1024, 1024),
)  # fmt: skip
CONVOLUTIONS = (  # inputs, outputs, kernel, size, padding
    (1, 16, 3, 8, 1), (16, 32, 3, 4, 1), (4, 8, 3, 4, 1), (1, 15, 5, 28, 0),
    (8, 11, 5, 12, 0), (15, 26, 5, 12, 0), (20, 50, 5, 12, 0), (16, 32, 3, 14, 1),
    (32, 64, 3, 16, 1),
)  # fmt: skip
LENET = {"kernel_size": 5, "hidden_layer_sizes": (500,), "padding": "valid"}
NETWORKS = {  # arguments of ConvARD
    "8x8, 4-8, 3x3": ((1, 8, 8), 10, (4, 8)),
    "8x8, 16-32, 3x3": ((1, 8, 8), 10, (16, 32)),
    "28x28, 16-32, 3x3": ((1, 28, 28), 10, (16, 32)),
    "28x28, LeNet-5": ((1, 28, 28), 10, (20, 50)),
}
MASKS = {  # density of each layer
    "dense": (1, 1, 1, 1), "0.3": (0.3,) * 4, "0.1": (0.1,) * 4, "0.03": (0.03,) * 4,
    "LeNet-5 as pruned": (0.37, 0.02, 0.002, 0.05),
}  # fmt: skip
ROWS = 1, 100, 1000
SECONDS = 0.04  # of each contender, about
N_CALLS = 5, 100  # of each contender


def medians(functions, *arguments):
    """Median seconds of each function, called in turns."""
    seconds = [[] for _ in functions]
    start = time.perf_counter()
    for function in functions:
        function(*arguments)
    once = time.perf_counter() - start
    for _ in range(int(np.clip(SECONDS * len(functions) / once, *N_CALLS))):
        for found, function in zip(seconds, functions, strict=True):
            function(*arguments)  # after this the cache holds nothing of the others
            start = time.perf_counter()
            function(*arguments)
            found.append(time.perf_counter() - start)
    return np.median(seconds, axis=1)


def random_weights(rng, shape, density):
    weight = rng.normal(size=shape).astype(np.float32)
    return weight * (rng.random(shape) < density)


def time_layer(rng, shape, density, n_columns):
    """Seconds of the dense and the sparse matrix; which of them is chosen."""
    weight = random_weights(rng, shape, density)
    x = rng.normal(size=(shape[1], n_columns)).astype(np.float32)
    chosen = operations.is_faster_sparse(weight)
    return medians([weight.dot, sp.csr_array(weight).dot], x), int(chosen)


def time_convolution(rng, shape, density, n_rows):
    """Seconds of the gathered and the unrolled kind; which of them is chosen."""
    n_in, n_out, kernel, size, padding = shape
    ones, size = (1, 1), (size, size)
    windows = images.Windows((kernel, kernel), ones, ones, ((padding, padding),) * 2)
    weight = random_weights(rng, (n_out, n_in, kernel, kernel), density)
    arguments = weight, np.zeros(n_out, np.float32), windows, "constant", size
    x = rng.normal(size=(n_in, *size, n_rows)).astype(np.float32)
    kinds = images.Convolution, images.UnrolledConvolution
    chosen = type(images.make_convolution(*arguments))
    return medians([kind(*arguments) for kind in kinds], x), kinds.index(chosen)


def compare(name, shapes, time_kernels, n_numbers):
    """Print a table of ratios and what the rule costs."""
    rng = np.random.default_rng(0)
    print(f"\n| {name} | columns | {' | '.join(map(str, DENSITIES))} |")
    print(f"|---|---:|{'---:|' * len(DENSITIES)}")
    losses = {"blocks": [], "single rows": []}
    for shape in shapes:
        block = network.block_rows(n_numbers(shape))
        for n_columns in (1, block):
            cells = []
            for density in DENSITIES:
                seconds, chosen = time_kernels(rng, shape, density, n_columns)
                loss = seconds[chosen] / seconds.min()
                losses["blocks" if n_columns > 1 else "single rows"].append(loss)
                star = "*" if loss > 1 else ""
                cells.append(f"{seconds[1] / seconds[0]:.2f}{star}")
            print(f"| {shape} | {n_columns} | {' | '.join(cells)} |", flush=True)
    for when, loss in losses.items():
        print(
            f"\n{when}: the slower kernel in {np.greater(loss, 1).sum()} of {len(loss)}"
            f" cases, {np.greater(loss, 1.25).sum()} times by more than 25 %; time "
            f"against the faster one: geometric mean "
            f"{np.exp(np.log(loss).mean()):.3f}, worst {np.max(loss):.2f}"
        )


@torch.no_grad()
def masked_network(arguments, densities):
    options = LENET if arguments[2] == (20, 50) else {}
    model = ConvARD(*arguments, **options).eval()
    generator = torch.Generator().manual_seed(0)
    for layer, density in zip(ard_layers(model), densities, strict=True):
        noise = torch.rand(layer.mask.shape, generator=generator)
        layer.mask.copy_(noise < density)
        layer.log_sigma2.fill_(-30.0)
    return model


def compare_networks():
    rng = np.random.default_rng(0)
    header = [f"{n} rows: numpy | torch | ratio" for n in ROWS]
    print(f"\n| network | density | {' | '.join(header)} |")
    print(f"|---|---|{'---:|' * 3 * len(ROWS)}")
    for name, arguments in NETWORKS.items():
        X = rng.normal(size=(max(ROWS), np.prod(arguments[0]))).astype(np.float32)
        scaler = Scaler(standardize=False).fit(X, np.ones(len(X)))
        for density, densities in MASKS.items():
            found = compact(masked_network(arguments, densities))
            columns = np.arange(X.shape[1]), Encoding.of_numbers(X.shape[1])
            ours = lower(found, *columns, scaler, 10)
            torchs = TorchNetwork(
                *columns,
                scaler.mean_,
                None,
                None,
                module=found.network,
                n_outputs=10,
                n_rows=ours.n_rows,
                layers={},
                why="",
            )
            cells = []
            for n in ROWS:
                fast, slow = medians([ours, torchs], X[:n], "kernels") * 1e3
                cells.append(f"{fast:.3g} | {slow:.3g} | {slow / fast:.1f}")
            print(f"| {name} | {density} | {' | '.join(cells)} |", flush=True)


def numbers_of_convolution(shape):
    n_in, n_out, kernel, size, padding = shape
    return n_in * size**2 + n_out * (size + 2 * padding - kernel + 1) ** 2


def main():
    torch.set_num_threads(1)
    compare("layer (outputs, inputs)", LAYERS, time_layer, sum)
    compare(
        "convolution (inputs, outputs, kernel, size, padding)",
        CONVOLUTIONS,
        time_convolution,
        numbers_of_convolution,
    )
    compare_networks()


if __name__ == "__main__":
    main()
