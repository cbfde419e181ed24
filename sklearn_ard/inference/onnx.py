"""A fitted model as an ONNX file.

A compact network comes in, with what turns its outputs into answers; a file with the
same operations goes out.
"""

from collections.abc import Callable, Sequence
from os import PathLike
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import DTypeLike

from sklearn_ard.data.levels import Levels
from sklearn_ard.data.noise import LARGEST_SPREAD, Noise
from sklearn_ard.data.targets import (
    NODES,
    SHARES,
    ClassTargets,
    NumericTargets,
    Targets,
)
from sklearn_ard.data.transforms import Logarithm
from sklearn_ard.inference import images
from sklearn_ard.inference import operations as ops
from sklearn_ard.inference.activations import FUNCTIONS
from sklearn_ard.inference.images import AveragePool, Convolution, MaxPool, Windows
from sklearn_ard.inference.network import Network
from sklearn_ard.inference.onnx_inputs import ML, ML_OPSET, declare_inputs, write_inputs
from sklearn_ard.inference.operations import Affine, Dense, Sum

_OPSET = 19  # the first that can pad circularly
_IR_VERSION = 9


def write_onnx(
    network: Network,
    n_features: int,
    path: str | PathLike,
    dtype: DTypeLike,
    *,
    owner: str,
    targets: Targets | None = None,
    noise: Noise | None = None,
    levels: dict[int, Levels] | None = None,
    names: np.ndarray | None = None,
) -> None:
    """Write a model to a file.

    Parameters
    ----------
    network : Network
        From numbers and codes to outputs.
    n_features : int
        Number of columns of X.
    path : str or path-like
        Where to write.
    dtype : dtype
        Of the numbers in X: float32 or float64.
    owner : str
        The class to name in errors.
    targets : NumericTargets or ClassTargets, default=None
        From outputs to answers; None leaves the outputs as they are.
    noise : Noise, default=None
        Of numeric targets.
    levels : dict of int to Levels, default=None
        Those of the columns that are categories, from X to codes.
    names : array-like of str, default=None
        Those of the columns.

    Raises
    ------
    ImportError
        If onnx is not installed.
    ValueError
        If the network, the labels, the names of the columns or their levels cannot be
        written.
    """
    try:
        import onnx
    except ImportError as error:
        raise ImportError(
            f"{owner}.to_onnx needs the package 'onnx', which is not installed: "
            "pip install 'sklearn-ard[onnx]'"
        ) from error
    if np.dtype(dtype) not in (np.float32, np.float64):
        raise ValueError(
            f"The 'dtype' parameter of {owner}.to_onnx must be numpy.float32 or "
            f"numpy.float64. Got {dtype!r} instead."
        )
    why = getattr(network, "why", None)
    if why:
        raise ValueError(
            f"{owner}.to_onnx cannot write this network, since only torch can run "
            f"{why}. Use a Sequential of linear layers, convolutions, batch norm, "
            "pooling and the activations that the 'activation' parameter offers as "
            "'module'."
        )
    graph = Graph(onnx, owner)
    declare_inputs(graph, n_features, dtype, levels, names)
    _write_network(graph, network, levels, dtype)
    if isinstance(targets, ClassTargets):
        _write_labels(graph, targets.classes)
    else:
        _write_numbers(graph, network.n_outputs, targets, noise)
    helper = onnx.helper
    opsets = [helper.make_opsetid("", _OPSET)]
    if levels:
        opsets.append(helper.make_opsetid(ML, ML_OPSET))
    proto = helper.make_model(
        helper.make_graph(
            graph.nodes, "sklearn_ard", graph.inputs, graph.outputs, graph.constants
        ),
        opset_imports=opsets,
        ir_version=_IR_VERSION,
        producer_name="sklearn_ard",
    )
    onnx.checker.check_model(proto)
    onnx.save(proto, path)


class Graph:
    """The nodes of a graph that is being written; `value` names the last value."""

    def __init__(self, onnx: Any, owner: str):
        self.onnx, self.owner = onnx, owner
        self.inputs: list[Any] = []
        self.outputs: list[Any] = []
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.names: set[str] = set()
        self.value = ""

    def constant(self, array: np.ndarray) -> str:
        name = f"sklearn_ard/constant_{len(self.constants)}"
        self.constants.append(self.tensor(array, name))
        return name

    def tensor(self, array: np.ndarray, name: str | None = None) -> Any:
        return self.onnx.numpy_helper.from_array(np.ascontiguousarray(array), name)

    def add(
        self,
        kind: str,
        *inputs: np.ndarray | str,
        source: str | None = None,
        **attributes: Any,
    ) -> str:
        """Apply an operator to the last value (or `source`) and constants."""
        output = f"sklearn_ard/value_{len(self.nodes)}"  # not the name of a column
        names = [self.value if source is None else source]
        names += [i if isinstance(i, str) else self.constant(i) for i in inputs]
        node = self.onnx.helper.make_node(kind, names, [output], **attributes)
        self.nodes.append(node)
        self.value = output
        return output

    def cast(self, dtype: DTypeLike) -> str:
        to = self.onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        return self.add("Cast", to=to)

    def input(self, name: str, dtype: DTypeLike, n_columns: int) -> None:
        """Add an input of the graph."""
        self.inputs.append(self._info(name, dtype, ["n", n_columns]))
        self.value = name

    def output(self, name: str, dtype: DTypeLike, shape: Sequence[Any]) -> None:
        """Make the last value an output of the graph."""
        self.nodes.append(self.onnx.helper.make_node("Identity", [self.value], [name]))
        self.outputs.append(self._info(name, dtype, shape))

    def _info(self, name: str, dtype: DTypeLike, shape: Sequence[Any]) -> Any:
        if not name or name in self.names:
            raise ValueError(
                f"{self.owner}.to_onnx names the inputs of the file by the columns of "
                "X: their names must be distinct, not empty, and not the names of "
                f"outputs. Got {name!r}, {'twice' if name else 'which is empty'}. "
                "Rename it in X."
            )
        self.names.add(name)
        kind = self.onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        return self.onnx.helper.make_tensor_value_info(name, kind, shape)


def _write_numbers(
    graph: Graph, n_outputs: int, targets: NumericTargets | None, noise: Noise | None
) -> None:
    graph.cast(np.float64)
    if targets is None:
        graph.output("prediction", np.float64, ["n", n_outputs])
        return
    assert noise is not None
    _write_mean(graph, targets.n_targets, noise)
    graph.add("Mul", targets.scaler_.scale_[None])
    graph.add("Add", targets.scaler_.mean_[None])
    if targets.transforms_ is not None:
        _write_mean_of_transformed(graph, targets, noise)
    shape = ["n", targets.n_targets]
    if targets.is_1d:
        graph.add("Squeeze", np.array([1]))
        shape = ["n"]
    graph.output("prediction", np.float64, shape)


def _write_mean(graph: Graph, n_targets: int, noise: Noise) -> None:
    """The mean of scaled (and transformed) targets."""
    outputs = graph.value
    if noise.n_outputs == 1:
        return
    location = graph.add("Slice", np.array([0]), np.array([n_targets]), np.array([1]))
    if noise.standard_mean is None:
        return
    ends = np.array([n_targets]), np.array([2 * n_targets]), np.array([1])
    graph.add("Slice", *ends, source=outputs)
    graph.add("Min", np.broadcast_to(noise.most_spread, (1, n_targets)))
    graph.add("Div", np.array(LARGEST_SPREAD))
    graph.add("Tanh")
    graph.add("Mul", np.array(LARGEST_SPREAD))
    graph.add("Add", noise.log_scale2[None])
    graph.add("Exp")
    graph.add("Add", noise.least_scale2[None])
    graph.add("Sqrt")
    graph.add("Mul", noise.standard_mean[None])
    graph.add("Add", location)


def _write_mean_of_transformed(
    graph: Graph, targets: NumericTargets, noise: Noise
) -> None:
    """The mean of targets, of which the transformed ones are normal."""
    std = noise.distribution(np.zeros((1, targets.n_targets))).std()[0]
    graph.add("Unsqueeze", np.array([2]))
    nodes = graph.add("Add", (std * targets.scaler_.scale_)[:, None] * NODES)
    means = []
    for j, transform in enumerate(targets.transforms_ or ()):
        ends = np.array([j]), np.array([j + 1]), np.array([1])
        graph.add("Slice", *ends, source=nodes)
        _write_inverse(graph, transform)
        means.append(graph.add("MatMul", SHARES[:, None]))
    graph.add("Concat", *means[1:], source=means[0], axis=1)
    graph.add("Squeeze", np.array([2]))


def _write_inverse(graph: Graph, transform: Any) -> None:
    if isinstance(transform, Logarithm):
        graph.add("Exp")
        return
    z = graph.value
    size = graph.add("Abs")
    sides = []
    for power in (transform.power, 2 - transform.power):
        graph.value = size
        if power > 0:
            graph.add("Mul", np.array(power))
            graph.add("Add", np.array(1.0))
            graph.add("Log")
            graph.add("Div", np.array(power))
        graph.add("Exp")
        graph.add("Sub", np.array(1.0))
        sides.append(graph.add("Mul", np.array(transform.unit)))
    right, left = sides
    left = graph.add("Neg", source=left)
    is_right = graph.add("GreaterOrEqual", np.array(0.0), source=z)
    graph.add("Where", right, left, source=is_right)


def _write_labels(graph: Graph, classes: np.ndarray) -> None:
    graph.cast(np.float64)
    logits = graph.value
    graph.add("ArgMax", axis=1, keepdims=0)
    classes = _labels(graph, classes)
    labels = graph.constant(classes)
    graph.add("Gather", graph.value, source=labels)
    graph.output("label", classes.dtype, ["n"])
    graph.add("Softmax", source=logits, axis=1)
    graph.output("probabilities", np.float64, ["n", len(classes)])


def _labels(graph: Graph, classes: np.ndarray) -> Any:
    """Labels of a type that a file can hold; there is none that is NaN."""
    kind, largest = classes.dtype.kind, np.iinfo(np.int64).max
    if kind in "UO" and all(isinstance(label, str) for label in classes):
        return classes.astype(object)
    if kind in "iu" and classes.max() <= largest:
        return classes.astype(np.int64)
    if kind in "bf":
        return classes
    raise ValueError(
        f"{graph.owner}.to_onnx can write labels that are strings, numbers (integers "
        f"up to {largest}) or bools. Got {classes.tolist()} of type {classes.dtype} "
        "instead. Fit the classifier with strings in y."
    )


def _write_network(
    graph: Graph, network: Network, levels: dict[int, Levels] | None, dtype: DTypeLike
) -> None:
    if len(network.columns) == 0:
        return _write_constant(graph, network)
    write_inputs(graph, network, levels, dtype)
    if network.mean is not None and network.scale is not None:
        graph.add("Sub", network.mean[None])
        graph.add("Div", network.scale[None])
        graph.cast(np.float32)
    for operation in network.operations:
        _WRITERS[type(operation)](graph, operation)


def _write_constant(graph: Graph, network: Network) -> None:
    """A network that reads no columns has the same output for every row."""
    output = network(np.zeros((1, 0)), "", selected=True)
    graph.add("Shape", start=0, end=1)
    shape = graph.add("Concat", np.array([output.shape[1]]), axis=0)
    graph.add("Expand", shape, source=graph.constant(output))


def _write_dense(graph: Graph, dense: Dense) -> None:
    weight = dense.weight.toarray() if sp.issparse(dense.weight) else dense.weight
    bias = [] if dense.bias is None else [dense.bias[:, 0]]
    graph.add("Gemm", weight, *bias, transB=1)


def _write_convolution(graph: Graph, convolution: Convolution) -> None:
    settings = _window_settings(convolution.windows)
    if convolution.padding_mode != "constant":
        n_dims = len(settings["kernel_shape"])
        pads = settings["pads"]
        settings["pads"] = [0] * len(pads)
        pads = [0, 0, *pads[:n_dims], 0, 0, *pads[n_dims:]]
        graph.add("Pad", np.array(pads), mode=convolution.padding_mode)
    graph.add("Conv", convolution.kernels(), convolution.bias.ravel(), **settings)


def _write_max_pool(graph: Graph, pool: MaxPool) -> None:
    graph.add("MaxPool", **_pool_settings(pool.windows))


def _write_average_pool(graph: Graph, pool: AveragePool) -> None:
    graph.add(
        "AveragePool",
        **_pool_settings(pool.windows),
        count_include_pad=int(pool.count_padding),
    )


def _pool_settings(windows: Windows) -> dict[str, Any]:
    return _window_settings(windows) | {"ceil_mode": int(windows.ceil_mode)}


def _window_settings(windows: Windows) -> dict[str, Any]:
    before, after = zip(*windows.padding, strict=True)
    return {
        "kernel_shape": list(windows.kernel),
        "strides": list(windows.stride),
        "dilations": list(windows.dilation),
        "pads": [*before, *after],
    }


def _write_affine(graph: Graph, affine: Affine) -> None:
    # unlike Mul and Add it takes any number of dimensions after the channels
    ones = np.ones_like(affine.scale)
    zeros = np.zeros_like(affine.scale)
    graph.add(
        "BatchNormalization", affine.scale, affine.shift, zeros, ones, epsilon=0.0
    )


def _write_sum(graph: Graph, total: Sum) -> None:
    x = graph.value
    outputs: list[str] = []
    for indices, operations in total.branches:
        graph.value = x
        if indices is not None:
            graph.add("Gather", indices.astype(np.int64), axis=1)
        for operation in operations:
            _WRITERS[type(operation)](graph, operation)
        outputs.append(graph.value)
    graph.add("Sum", *outputs[1:], source=outputs[0])


_WRITERS: dict[type, Callable[[Graph, Any], Any]] = {
    ops.Dense: _write_dense,
    images.Convolution: _write_convolution,
    images.UnrolledConvolution: _write_convolution,
    images.MaxPool: _write_max_pool,
    images.AveragePool: _write_average_pool,
    ops.Affine: _write_affine,
    ops.Reshape: lambda graph, op: graph.add("Reshape", np.array([0, *op.shape])),
    ops.Select: lambda graph, op: graph.add(
        "Gather", op.indices.astype(np.int64), axis=1
    ),
    ops.Sum: _write_sum,
    ops.Activation: lambda graph, op: FUNCTIONS[op.name].write(graph, op.parameter),
}
