"""From torch modules to operations in numpy.

Modules of a compact network come in, on the CPU; the operations that compute the same
go out, or :class:`NotLowered` is raised.
"""

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
from torch import nn

from sklearn_ard._typing import Matrix
from sklearn_ard.inference import images
from sklearn_ard.inference import operations as ops
from sklearn_ard.inference.activations import FUNCTIONS
from sklearn_ard.inference.images import Size
from sklearn_ard.nn.activations import activation_of
from sklearn_ard.nn.chain import AVERAGES, MAXIMA, NORMS
from sklearn_ard.nn.compaction import Parallel
from sklearn_ard.nn.steps import Select

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
_GLOBAL_MAXIMA = (nn.AdaptiveMaxPool1d, nn.AdaptiveMaxPool2d, nn.AdaptiveMaxPool3d)
_GLOBAL_AVERAGES = (nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d)
POOLINGS = (*MAXIMA, *AVERAGES, *_GLOBAL_MAXIMA, *_GLOBAL_AVERAGES)
_PADDING_MODES = {
    "zeros": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap",
}  # fmt: skip


class NotLowered(Exception):
    """Names a module that only torch can run."""


class Lowering:
    """Operations of modules, by their type.

    `arrays` has, of each layer, the weights as stored, biases and number of inputs.
    """

    def __init__(self, image_sizes: dict[nn.Module, Size]):
        self.image_sizes = image_sizes
        self.arrays: dict[nn.Module, tuple[Matrix, np.ndarray, int]] = {}

    def __call__(self, module: nn.Module) -> list[Any]:
        activation = activation_of(module)
        if activation and activation.name in FUNCTIONS:
            parameter = activation.parameter
            value = getattr(module, parameter) if parameter else 0.0
            return [ops.Activation(activation.name, value)]
        for kinds, method in self._METHODS.items():
            if type(module) in kinds:
                return method(self, module)
        raise NotLowered(type(module).__name__)

    def _sequential(self, module: nn.Sequential) -> list[Any]:
        modules = list(module)
        for i, (first, second) in enumerate(itertools.pairwise(modules)):
            if type(second) in MAXIMA and _is_monotone(first):
                modules[i : i + 2] = second, first  # same result, fewer numbers
        operations = [op for child in modules for op in self(child)]
        ops.fuse_biases(operations)
        return operations

    def _parallel(self, module: Parallel) -> list[Any]:
        branches: list[tuple[np.ndarray | None, list[Any]]] = []
        n_inputs = 1 + max(int(indices.max()) for indices in module.inputs)
        for network, indices in zip(module.networks, module.inputs, strict=True):
            # without a copy of the inputs, if no operation overwrites them
            reads_all = (
                len(indices) == n_inputs and type(next(network.children())) is nn.Linear
            )
            branches.append((None if reads_all else indices.numpy(), self(network)))
        first, *others = [operations[-1] for _, operations in branches]
        for other in others:  # saves an addition
            if type(first) is type(other) is ops.Dense and first.bias is not None:
                first.bias, other.bias = first.bias + other.bias, None
        return [ops.Sum(branches)]

    def _linear(self, layer: nn.Linear) -> list[Any]:
        bias = layer.bias.detach().numpy()
        dense = ops.Dense(layer.weight.detach().numpy(), bias)
        self.arrays[layer] = dense.weight, bias, layer.in_features
        return [_random(dense, layer)]

    def _convolution(self, layer: Any) -> list[Any]:
        weight, bias = layer.weight.detach().numpy(), layer.bias.detach().numpy()
        weight = _ungrouped(weight, layer.groups)
        mode, size = _PADDING_MODES[layer.padding_mode], self.image_sizes[layer]
        convolution = images.make_convolution(weight, bias, _windows(layer), mode, size)
        self.arrays[layer] = convolution.weight, bias, weight.shape[1]
        return [_random(convolution, layer)]

    def _norm(self, norm: Any) -> list[Any]:
        scale = (norm.running_var + norm.eps).rsqrt()
        shift = -norm.running_mean * scale
        if norm.affine:
            scale, shift = scale * norm.weight, shift * norm.weight + norm.bias
        return [ops.Affine(scale.detach().numpy(), shift.detach().numpy())]

    def _max_pool(self, pool: Any) -> list[Any]:
        return [images.MaxPool(_windows(pool))]

    def _average_pool(self, pool: Any) -> list[Any]:
        if getattr(pool, "divisor_override", None) is not None:
            raise NotLowered(type(pool).__name__)
        size = self.image_sizes[pool]
        return [images.AveragePool(_windows(pool), pool.count_include_pad, size)]

    def _global_pool(self, pool: Any) -> list[Any]:
        if set(np.ravel(pool.output_size)) != {1}:
            raise NotLowered(type(pool).__name__)
        size = self.image_sizes[pool]
        ones, no_padding = (1,) * len(size), ((0, 0),) * len(size)
        windows = images.Windows(size, ones, ones, no_padding)
        if type(pool) in _GLOBAL_MAXIMA:
            return [images.MaxPool(windows)]
        return [images.AveragePool(windows, False, size)]

    _METHODS: dict[tuple[type, ...], Callable[[Any, Any], list[Any]]] = {
        (nn.Sequential,): _sequential,
        (Parallel,): _parallel,
        (Select,): lambda self, module: [ops.Select(module.indices.numpy())],
        (nn.Flatten,): lambda self, module: [ops.Reshape((-1,))],
        (nn.Unflatten,): lambda self, module: [
            ops.Reshape(tuple(module.unflattened_size))
        ],
        (nn.Linear,): _linear,
        CONVOLUTIONS: _convolution,
        NORMS: _norm,
        MAXIMA: _max_pool,
        AVERAGES: _average_pool,
        (*_GLOBAL_MAXIMA, *_GLOBAL_AVERAGES): _global_pool,
    }


def _is_monotone(module: nn.Module) -> bool:
    """Whether a module is a non-decreasing elementwise function."""
    activation = activation_of(module)
    if activation is None or not activation.monotone:
        return False
    return activation.parameter is None or getattr(module, activation.parameter) >= 0


def _ungrouped(weight: np.ndarray, groups: int) -> np.ndarray:
    """Weights of all channels of a convolution, zeros between groups."""
    if groups == 1:
        return weight
    n_out, n_in = weight.shape[:2]
    whole = np.zeros((n_out, n_in * groups, *weight.shape[2:]), np.float32)
    for i, rows in enumerate(np.split(np.arange(n_out), groups)):
        whole[rows, i * n_in : (i + 1) * n_in] = weight[rows]
    return whole


def _random(operation: Any, layer: Any) -> Any:
    """The operation of a layer, with the posterior of its weights where that is known.

    See :func:`sklearn_ard.nn.compaction.random_chains`.
    """
    if not hasattr(layer, "std"):
        return operation
    std = _ungrouped(layer.std.cpu().numpy(), getattr(layer, "groups", 1))
    return ops.Random(operation, std, layer.bias_std.cpu().numpy())


def _windows(module: Any) -> images.Windows:
    """The windows of a convolution or pooling."""
    n_dims = int(type(module).__name__[-2])
    kernel, stride, dilation, padding = (
        value if isinstance(value, tuple) else (value,) * n_dims
        for value in (
            module.kernel_size,
            module.stride,
            getattr(module, "dilation", 1),
            getattr(module, "padding", 0),
        )
    )
    if hasattr(module, "padding_mode"):  # of a convolution, which may be "same"
        sides = module._reversed_padding_repeated_twice
        padding = tuple(zip(sides[::2], sides[1::2], strict=True))[::-1]
    else:
        padding = tuple((p, p) for p in padding)
    ceil_mode = getattr(module, "ceil_mode", False)
    return images.Windows(kernel, stride, dilation, padding, ceil_mode)
