"""A fitted model as an ONNX file.

A compact network comes in, with what turns its outputs into answers; a file with the
same operations goes out.
"""

import numpy as np
import scipy.sparse as sp

from sklearn_ard.data.targets import ClassTargets
from sklearn_ard.inference import images
from sklearn_ard.inference import operations as ops
from sklearn_ard.inference.activations import FUNCTIONS

_OPSET = 19  # the first that can pad circularly
_IR_VERSION = 9


def write_onnx(network, n_features, path, dtype, *, owner, targets=None):
    """Write a model to a file.

    Parameters
    ----------
    network : Network
        From raw columns of X to outputs.
    n_features : int
        Number of columns of X.
    path : str or path-like
        Where to write.
    dtype : dtype
        Of X: float32 or float64.
    owner : str
        The class to name in errors.
    targets : NumericTargets or ClassTargets, default=None
        From outputs to answers; None leaves the outputs as they are.

    Raises
    ------
    ImportError
        If onnx is not installed.
    ValueError
        If the network cannot be written.
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
    graph = _Graph(onnx)
    _write_network(graph, network)
    if isinstance(targets, ClassTargets):
        outputs = _write_labels(graph, targets.classes)
    else:
        outputs = _write_numbers(graph, network.n_outputs, targets)
    helper = onnx.helper
    x = helper.make_tensor_value_info(
        "X", helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), ["n", n_features]
    )
    proto = helper.make_model(
        helper.make_graph(graph.nodes, "sklearn_ard", [x], outputs, graph.constants),
        opset_imports=[helper.make_opsetid("", _OPSET)],
        ir_version=_IR_VERSION,
        producer_name="sklearn_ard",
    )
    onnx.checker.check_model(proto)
    onnx.save(proto, path)


class _Graph:
    """The nodes of a graph that is being written; `value` names the last output."""

    def __init__(self, onnx):
        self.onnx = onnx
        self.nodes, self.constants = [], []
        self.value = "X"

    def constant(self, array):
        name = f"constant_{len(self.constants)}"
        array = np.ascontiguousarray(array)
        self.constants.append(self.onnx.numpy_helper.from_array(array, name))
        return name

    def add(self, kind, *inputs, source=None, **attributes):
        """Apply an operator to the last value (or `source`) and constants."""
        output = f"value_{len(self.nodes)}"
        names = [self.value if source is None else source]
        names += [i if isinstance(i, str) else self.constant(i) for i in inputs]
        node = self.onnx.helper.make_node(kind, names, [output], **attributes)
        self.nodes.append(node)
        self.value = output
        return output

    def cast(self, dtype):
        to = self.onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        return self.add("Cast", to=to)

    def output(self, name, dtype, shape):
        """Make the last value an output of the graph."""
        self.nodes.append(self.onnx.helper.make_node("Identity", [self.value], [name]))
        if np.dtype(dtype).kind in "UO":
            kind = self.onnx.TensorProto.STRING
        else:
            kind = self.onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        return self.onnx.helper.make_tensor_value_info(name, kind, shape)


def _write_numbers(graph, n_outputs, targets):
    graph.cast(np.float64)
    shape = ["n", n_outputs]
    if targets is not None:
        graph.add("Mul", targets.scaler_.scale_[None])
        graph.add("Add", targets.scaler_.mean_[None])
    if targets is not None and targets.is_1d:
        graph.add("Squeeze", np.array([1]))
        shape = ["n"]
    return [graph.output("prediction", np.float64, shape)]


def _write_labels(graph, classes):
    graph.cast(np.float64)
    logits = graph.value
    graph.add("ArgMax", axis=1, keepdims=0)
    if classes.dtype.kind in "UO":
        classes = classes.astype(object)
    elif classes.dtype.kind in "iu":
        classes = classes.astype(np.int64)
    labels = graph.constant(classes)
    graph.add("Gather", graph.value, source=labels)
    outputs = [graph.output("label", classes.dtype, ["n"])]
    graph.add("Softmax", source=logits, axis=1)
    outputs += [graph.output("probabilities", np.float64, ["n", len(classes)])]
    return outputs


def _write_network(graph, network):
    if len(network.columns) == 0:
        return _write_constant(graph, network)
    graph.add("Gather", network.encoding.column.astype(np.int64), axis=1)
    if network.mean is not None:
        graph.cast(network.mean.dtype)
        graph.add("Sub", network.mean[None])
        graph.add("Div", network.scale[None])
    graph.cast(np.float32)
    for operation in network.operations:
        _WRITERS[type(operation)](graph, operation)


def _write_constant(graph, network):
    """A network that reads no columns has the same output for every row."""
    output = network(np.zeros((1, 0)), "", selected=True)
    graph.add("Shape", start=0, end=1)
    shape = graph.add("Concat", np.array([output.shape[1]]), axis=0)
    graph.add("Expand", shape, source=graph.constant(output))


def _write_dense(graph, dense):
    weight = dense.weight.toarray() if sp.issparse(dense.weight) else dense.weight
    bias = [] if dense.bias is None else [dense.bias[:, 0]]
    graph.add("Gemm", weight, *bias, transB=1)


def _write_convolution(graph, convolution):
    settings = _window_settings(convolution.windows)
    if convolution.padding_mode != "constant":
        n_dims = len(settings["kernel_shape"])
        pads = settings["pads"]
        settings["pads"] = [0] * len(pads)
        pads = [0, 0, *pads[:n_dims], 0, 0, *pads[n_dims:]]
        graph.add("Pad", np.array(pads), mode=convolution.padding_mode)
    graph.add("Conv", convolution.kernels(), convolution.bias.ravel(), **settings)


def _write_max_pool(graph, pool):
    graph.add("MaxPool", **_pool_settings(pool.windows))


def _write_average_pool(graph, pool):
    graph.add(
        "AveragePool",
        **_pool_settings(pool.windows),
        count_include_pad=int(pool.count_padding),
    )


def _pool_settings(windows):
    return _window_settings(windows) | {"ceil_mode": int(windows.ceil_mode)}


def _window_settings(windows):
    before, after = zip(*windows.padding, strict=True)
    return {
        "kernel_shape": list(windows.kernel),
        "strides": list(windows.stride),
        "dilations": list(windows.dilation),
        "pads": [*before, *after],
    }


def _write_affine(graph, affine):
    # unlike Mul and Add it takes any number of dimensions after the channels
    ones = np.ones_like(affine.scale)
    zeros = np.zeros_like(affine.scale)
    graph.add(
        "BatchNormalization", affine.scale, affine.shift, zeros, ones, epsilon=0.0
    )


def _write_sum(graph, total):
    x, outputs = graph.value, []
    for indices, operations in total.branches:
        graph.value = x
        if indices is not None:
            graph.add("Gather", indices.astype(np.int64), axis=1)
        for operation in operations:
            _WRITERS[type(operation)](graph, operation)
        outputs.append(graph.value)
    graph.add("Sum", *outputs[1:], source=outputs[0])


_WRITERS = {
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
