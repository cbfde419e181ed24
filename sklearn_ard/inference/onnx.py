"""A fitted model as an ONNX file: the operations of a compact network, written out."""

import math

import numpy as np
import scipy.sparse as sp

from sklearn_ard.inference import images
from sklearn_ard.inference import network as ops

_OPSET = 19  # the first that can pad circularly
_IR_VERSION = 9


def write_onnx(model, path, dtype):
    """Write a model to a file.

    Parameters
    ----------
    model : Predictor
        Fitted.
    path : str or path-like
        Where to.
    dtype : dtype
        Of X: float32 or float64.

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
            "to_onnx needs the package 'onnx', which is not installed: "
            "pip install 'sklearn-ard[onnx]'"
        ) from error
    if np.dtype(dtype) not in (np.float32, np.float64):
        raise ValueError(
            "The 'dtype' parameter of to_onnx must be numpy.float32 or numpy.float64. "
            f"Got {dtype!r} instead."
        )
    why = getattr(model._network, "why", None)
    if why:
        raise ValueError(
            f"to_onnx cannot write this network, since only torch can run {why}. Use "
            "a Sequential of linear layers, convolutions, batch norm, pooling and the "
            "activations that the 'activation' parameter offers as 'module'."
        )
    graph = _Graph(onnx)
    _write_network(graph, model._network)
    if hasattr(model, "classes_"):
        outputs = _write_labels(graph, model.classes_)
    else:
        outputs = _write_numbers(graph, model._target_scaler, model._y_is_1d)
    helper = onnx.helper
    x = helper.make_tensor_value_info(
        "X",
        helper.np_dtype_to_tensor_dtype(np.dtype(dtype)),
        ["n", model.n_features_in_],
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
    """Nodes of a graph in the making; `value` names what the last one gave."""

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
        """Give the last value out under a name."""
        self.nodes.append(self.onnx.helper.make_node("Identity", [self.value], [name]))
        if np.dtype(dtype).kind in "UO":
            kind = self.onnx.TensorProto.STRING
        else:
            kind = self.onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        return self.onnx.helper.make_tensor_value_info(name, kind, shape)


def _write_numbers(graph, scaler, is_1d):
    graph.cast(np.float64)
    graph.add("Mul", scaler.scale_[None])
    graph.add("Add", scaler.mean_[None])
    shape = ["n", len(scaler.mean_)]
    if is_1d:
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
    graph.add("Gather", network.columns.astype(np.int64), axis=1)
    if network.mean is not None:
        graph.cast(network.mean.dtype)
        graph.add("Sub", network.mean[None])
        graph.add("Div", network.scale[None])
    graph.cast(np.float32)
    for operation in network.operations:
        _WRITERS[type(operation)](graph, operation)


def _write_constant(graph, network):
    """A network that reads nothing says the same of every row."""
    output = network(np.zeros((1, 0)), "", selected=True)
    graph.add("Shape", start=0, end=1)
    shape = graph.add("Concat", np.array([output.shape[1]]), axis=0)
    graph.add("Expand", shape, source=graph.constant(output))


def _write_dense(graph, dense):
    weight = dense.weight.toarray() if sp.issparse(dense.weight) else dense.weight
    bias = [] if dense.bias is None else [dense.bias[:, 0]]
    graph.add("Gemm", weight, *bias, transB=1)


def _write_convolution(graph, convolution):
    settings = _walk(convolution.windows)
    if convolution.padding_mode != "constant":
        n_dims = len(settings["kernel_shape"])
        pads = settings["pads"]
        settings["pads"] = [0] * len(pads)
        pads = [0, 0, *pads[:n_dims], 0, 0, *pads[n_dims:]]
        graph.add("Pad", np.array(pads), mode=convolution.padding_mode)
    graph.add("Conv", convolution.kernels(), convolution.bias.ravel(), **settings)


def _walk(windows):
    before, after = zip(*windows.padding, strict=True)
    return {
        "kernel_shape": list(windows.kernel),
        "strides": list(windows.stride),
        "dilations": list(windows.dilation),
        "pads": [*before, *after],
    }


def _write_max_pool(graph, pool):
    graph.add("MaxPool", **_walk(pool.windows), ceil_mode=int(pool.windows.ceil_mode))


def _write_average_pool(graph, pool):
    graph.add(
        "AveragePool",
        **_walk(pool.windows),
        ceil_mode=int(pool.windows.ceil_mode),
        count_include_pad=int(pool.count_padding),
    )


def _write_global_pool(graph, pool):
    graph.add({"mean": "GlobalAveragePool", "max": "GlobalMaxPool"}[pool.name])


def _write_affine(graph, affine):
    # as many dimensions as it is applied to are not known here: ONNX has an operator
    ones = np.ones_like(affine.scale)
    zeros = np.zeros_like(affine.scale)
    graph.add(
        "BatchNormalization", affine.scale, affine.shift, zeros, ones, epsilon=0.0
    )


def _write_reshape(graph, reshape):
    graph.add("Reshape", np.array([0, *reshape.shape]))


def _write_select(graph, select):
    graph.add("Gather", select.indices.astype(np.int64), axis=1)


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


def _write_activation(graph, activation):
    name, x = activation.name, graph.value
    if name == "silu":
        graph.add("Sigmoid")
        graph.add("Mul", x)
    elif name == "gelu":
        graph.add("Mul", np.array(math.sqrt(0.5), np.float32))
        graph.add("Erf")
        graph.add("Add", np.array(1, np.float32))
        graph.add("Mul", x)
        graph.add("Mul", np.array(0.5, np.float32))
    elif name == "relu" and activation.parameter.any():
        graph.add("Max", activation.parameter.T)
    elif name in ("leaky_relu", "elu"):
        kind = {"leaky_relu": "LeakyRelu", "elu": "Elu"}[name]
        graph.add(kind, alpha=float(activation.parameter))
    else:
        graph.add({"relu": "Relu", "tanh": "Tanh", "logistic": "Sigmoid"}[name])


_WRITERS = {
    ops.Dense: _write_dense,
    images.Convolution: _write_convolution,
    images.SparseConvolution: _write_convolution,
    images.MaxPool: _write_max_pool,
    images.AveragePool: _write_average_pool,
    images.GlobalPool: _write_global_pool,
    ops.Affine: _write_affine,
    ops.Reshape: _write_reshape,
    ops.Select: _write_select,
    ops.Sum: _write_sum,
    ops.Activation: _write_activation,
}
