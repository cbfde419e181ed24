"""From a compact torch network to what :mod:`sklearn_ard.inference.network` runs."""

import itertools
import math

import numpy as np
import torch
from torch import nn

from sklearn_ard._context import threads_for
from sklearn_ard.inference import images
from sklearn_ard.inference import network as ops
from sklearn_ard.nn.chain import AVERAGES, NORMS, Select
from sklearn_ard.nn.compaction import Parallel

_MAXIMA = (nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d)
_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
_GLOBAL = {
    nn.AdaptiveAvgPool1d: "mean", nn.AdaptiveAvgPool2d: "mean",
    nn.AdaptiveAvgPool3d: "mean", nn.AdaptiveMaxPool1d: "max",
    nn.AdaptiveMaxPool2d: "max", nn.AdaptiveMaxPool3d: "max",
}  # fmt: skip
_PADDING_MODES = {
    "zeros": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap",
}  # fmt: skip
_ACTIVATIONS = {
    nn.ReLU: lambda m: ("relu", 0.0),
    nn.LeakyReLU: lambda m: ("leaky_relu", m.negative_slope),
    nn.ELU: lambda m: ("elu", m.alpha),
    nn.Tanh: lambda m: ("tanh", 0.0),
    nn.Sigmoid: lambda m: ("logistic", 0.0),
    nn.SiLU: lambda m: ("silu", 0.0),
    nn.GELU: lambda m: ("gelu", 0.0) if m.approximate == "none" else None,
}
_MONOTONE = "relu", "elu", "tanh", "logistic"
_MEAN, _SCALE = 8.0, 1e10  # bounds of |mean| / scale and of scale for X in float32


class NotLowered(Exception):
    """Names a module that only torch can run."""


class TorchNetwork(ops.Network):
    """A network that torch runs, since numpy could not: the module, a block at a time.

    Parameters
    ----------
    columns, mean, scale, n_outputs, n_rows, layers
        As in :class:`~sklearn_ard.inference.network.Network`.
    module : Module
        Takes the standardised columns.
    why : str
        What numpy could not.
    """

    def __init__(self, columns, mean, scale, module, n_outputs, n_rows, layers, why):
        super().__init__(columns, mean, scale, [], n_outputs, n_rows, layers)
        self.module, self.why = module, why

    def __call__(self, X, owner, *, selected=False):
        with torch.inference_mode(), threads_for(self.module):
            return super().__call__(X, owner, selected=selected)

    def _outputs(self, x):
        return self.module(torch.from_numpy(x.T)).numpy().T


def lower(compacted, columns, scaler, n_outputs):
    """Make the network that an estimator predicts with.

    Parameters
    ----------
    compacted : Compacted
        What is left of its network.
    columns : ndarray of int
        Columns of X that the uncompacted network reads.
    scaler : Scaler
        Standardises X.
    n_outputs : int
        Number of outputs.

    Returns
    -------
    Network
        That of numpy, where it can do everything that the torch network does.
    """
    module, inputs, layers = compacted
    module = module.to("cpu", torch.float32)
    if not isinstance(inputs, slice):
        columns = columns[inputs.cpu().numpy()]
    mean = scaler.mean_[columns]
    scale = np.where(scaler.constant_[columns], np.inf, scaler.scale_[columns])
    if _is_mild(mean, scale):
        # in float32, or a part of the first layer: nothing is lost by it
        mean, scale = mean.astype(np.float32), scale.astype(np.float32)
        if _fold(module, mean, scale):
            mean = scale = None
    widest, positions, images_of = measure(module, torch.zeros(1, len(columns)))
    n_rows = ops.block_rows(widest)
    found = {}  # operations that layers with weights have become
    try:
        operations = _operations(module, found, n_rows, images_of)
    except NotLowered as error:
        sizes = {
            name: size_of(layer, positions[layer])
            for name, layer in layers.items()
            if layer in positions
        }
        return TorchNetwork(
            columns, mean, scale, module, n_outputs, n_rows, sizes, str(error)
        )
    sizes = {
        name: found[layer].layer_size(positions[layer])
        for name, layer in layers.items()
        if layer in found
    }
    return ops.Network(columns, mean, scale, operations, n_outputs, n_rows, sizes)


def size_of(layer, n_positions):
    """Size of a torch layer that is applied to so many positions of a row."""
    n_weights = layer.weight.numel()
    bias = 0 if layer.bias is None else layer.bias.numel()
    return ops.LayerSize(
        layer.weight.shape[1] * getattr(layer, "groups", 1),
        len(layer.weight),
        int(layer.weight.count_nonzero()),
        n_weights * n_positions,
        4 * (n_weights + bias),
    )


def constant_network(output):
    """A network that reads nothing.

    Parameters
    ----------
    output : ndarray of shape (n_outputs,)
        What it says, in float64.
    """
    n_outputs = len(output)
    dense = ops.Dense(np.zeros((n_outputs, 0)), np.asarray(output, float), 1)
    dense.weight = dense.weight.astype(float)  # else the answer would be float32
    columns = np.zeros(0, dtype=np.intp)
    return ops.Network(columns, None, None, [dense], n_outputs, ops.block_rows(1), {})


def _is_mild(mean, scale):
    """Whether X itself could be float32 without losing digits that count."""
    used = np.isfinite(scale)
    mean, scale = mean[used], scale[used]
    return (
        np.abs(mean / scale).max(initial=0) <= _MEAN
        and scale.max(initial=1) <= _SCALE
        and scale.min(initial=1) >= 1 / _SCALE
    )


@torch.no_grad()
def _fold(module, mean, scale):
    """Make the standardisation a part of the first layers, if these are linear."""
    if not mean.any() and (scale == 1).all():
        return True
    starts = {nn.Sequential: [module], Parallel: getattr(module, "networks", [])}
    first = [network[0] for network in starts.get(type(module), [])]
    if not first or any(type(layer) is not nn.Linear for layer in first):
        return False
    everything = [torch.arange(len(mean))]
    inputs = module.inputs if type(module) is Parallel else everything
    mean, scale = torch.from_numpy(mean).double(), torch.from_numpy(scale).double()
    for layer, indices in zip(first, inputs, strict=True):
        weight = layer.weight.double() / scale[indices]
        layer.bias -= (weight @ mean[indices]).to(layer.bias)
        layer.weight.copy_(weight)
    return True


@torch.no_grad()
def measure(module, x):
    """How wide a network is, and how large its images are.

    Parameters
    ----------
    module : Module
        A network in evaluation mode.
    x : Tensor of shape (1, n_inputs)
        A row that it takes.

    Returns
    -------
    widest : int
        Numbers of a row in the widest layer.
    positions : dict of Module to int
        How many positions every layer is applied to.
    sizes : dict of Module to tuple
        Size of the images that come in.
    """
    widths, positions, sizes = [x.shape[1]], {}, {}

    def note(layer, args, output):
        widths.append(args[0][0].numel() + output[0].numel())
        positions[layer] = math.prod(output.shape[2:])
        sizes[layer] = tuple(args[0].shape[2:])

    known = (nn.Linear, *_CONVOLUTIONS, *NORMS, *_MAXIMA, *AVERAGES)
    hooks = [
        layer.register_forward_hook(note)
        for layer in module.modules()
        if isinstance(layer, known)
    ]
    try:
        module(x)
    finally:
        for hook in hooks:
            hook.remove()
    return max(widths), positions, sizes


def _operations(module, found, *sizes):
    kind = type(module)
    if kind is nn.Sequential:
        chain = [op for child in module for op in _operations(child, found, *sizes)]
        for i, (first, then) in enumerate(itertools.pairwise(chain)):
            if isinstance(first, ops.Activation) and isinstance(then, images.MaxPool):
                if first.name in _MONOTONE and first.parameter >= 0:
                    # the same, for fewer numbers
                    chain[i : i + 2] = then, first
        ops.hand_on_biases(chain)
        return chain
    if kind is Parallel:
        branches = []
        n_inputs = 1 + max(int(indices.max()) for indices in module.inputs)
        for network, indices in zip(module.networks, module.inputs, strict=True):
            # all of them, and no operation in place that the others would see
            as_is = len(indices) == n_inputs and type(network[0]) is nn.Linear
            operations = _operations(network, found, *sizes)
            branches.append((None if as_is else indices.numpy(), operations))
        total, *others = [operations[-1] for _, operations in branches]
        for other in others:  # one addition less
            if type(total) is type(other) is ops.Dense:
                total.bias, other.bias = total.bias + other.bias, None
        return [ops.Sum(branches)]
    if kind is Select:
        return [ops.Select(module.indices.numpy())]
    if kind is nn.Flatten:
        return [ops.Reshape((-1,))]
    if kind is nn.Unflatten:
        return [ops.Reshape(tuple(module.unflattened_size))]
    if kind is nn.Linear:
        bias = module.bias.detach().numpy()
        weight = module.weight.detach().numpy()
        found[module] = ops.Dense(weight, bias, sizes[0])
        return [found[module]]
    if kind in _CONVOLUTIONS:
        found[module] = _convolution(module, *sizes)
        return [found[module]]
    if kind in NORMS:
        scale = (module.running_var + module.eps).rsqrt()
        shift = -module.running_mean * scale
        if module.affine:
            scale, shift = scale * module.weight, shift * module.weight + module.bias
        return [ops.Affine(scale.detach().numpy(), shift.detach().numpy())]
    if kind in _MAXIMA:
        return [images.MaxPool(_windows(module, module.dilation, _pairs(module)))]
    if kind in AVERAGES and getattr(module, "divisor_override", None) is None:
        windows = _windows(module, 1, _pairs(module))
        return [images.AveragePool(windows, module.count_include_pad)]
    if kind in _GLOBAL and set(np.ravel(module.output_size)) == {1}:
        return [images.GlobalPool(_GLOBAL[kind])]
    if kind in _ACTIVATIONS and (found := _ACTIVATIONS[kind](module)):
        return [ops.Activation(*found)]
    raise NotLowered(f"{kind.__name__}")


def _convolution(layer, n_rows, images_of):
    weight = layer.weight.detach().numpy()
    n_out, n_in = weight.shape[:2]
    if layer.groups > 1:
        whole = np.zeros((n_out, n_in * layer.groups, *weight.shape[2:]), np.float32)
        for i, rows in enumerate(np.split(np.arange(n_out), layer.groups)):
            whole[rows, i * n_in : (i + 1) * n_in] = weight[rows]
        weight = whole
    sides = layer._reversed_padding_repeated_twice
    padding = tuple(zip(sides[::2], sides[1::2], strict=True))[::-1]
    return images.faster_convolution(
        weight,
        layer.bias.detach().numpy(),
        _windows(layer, layer.dilation, padding),
        _PADDING_MODES[layer.padding_mode],
        images_of[layer],
        n_rows,
    )


def _pairs(pool):
    return tuple((p, p) for p in _each(pool, pool.padding))


def _windows(module, dilation, padding):
    return images.Windows(
        _each(module, module.kernel_size),
        _each(module, module.stride),
        _each(module, dilation),
        padding,
        getattr(module, "ceil_mode", False),
    )


def _each(module, value):
    """A setting in every dimension of the images."""
    n_dims = int(type(module).__name__[-2])
    return tuple(value) if isinstance(value, tuple) else (value,) * n_dims
