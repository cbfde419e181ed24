"""Steps of a network: what each does to constant units, and which units it needs.

The modules of a chain come in; for each of them goes out a step, along which
:mod:`sklearn_ard.nn.compaction` walks forward and back.
"""

import copy
import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import skip_init

from sklearn_ard.nn.activations import ELEMENTWISE
from sklearn_ard.nn.chain import AVERAGES, MAXIMA, NORMS, modules_of
from sklearn_ard.nn.layers import has_hooks
from sklearn_ard.nn.mixin import ARDMixin

WEIGHTED = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)
CONVOLUTIONS = {3: nn.Conv1d, 4: nn.Conv2d, 5: nn.Conv3d}  # by dimensions of weight
_DROPOUTS = (
    nn.AlphaDropout, nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d,
    nn.FeatureAlphaDropout,
)  # fmt: skip
_POOLINGS = (
    *AVERAGES, *MAXIMA,
    nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d,
    nn.AdaptiveMaxPool1d, nn.AdaptiveMaxPool2d, nn.AdaptiveMaxPool3d,
)  # fmt: skip


class Opaque(Exception):
    """Names a module that cannot be compacted, since no step describes it."""


class Select(nn.Module):
    """Some of the channels (features) of an input.

    Parameters
    ----------
    indices : Tensor of int
        Indices of the selected channels (features).
    """

    indices: Tensor

    def __init__(self, indices: Tensor):
        super().__init__()
        self.register_buffer("indices", indices)

    def forward(self, x: Tensor) -> Tensor:
        return x[:, self.indices]


def steps_of(
    model: nn.Module, names: dict[nn.Module, str], *, random: bool = False
) -> "list[_Step]":
    """The steps that a network consists of.

    With `random`, no step forgets that weights have a posterior distribution: units are
    constant only if they are so whatever the weights, and the layers that
    :meth:`Weighted.plain` returns have standard deviations.
    """
    for module in model.modules():
        if has_hooks(module):
            raise Opaque(f"the hooks of {_described(module, names)}")
    steps: list[_Step] = []
    width: int | None = None  # features or channels, where they are known
    modules: list[Any] = list(modules_of(model))  # told apart by their exact types
    step: _Step
    for i, module in enumerate(modules):
        kind = type(module)
        if isinstance(module, ARDMixin) or kind in WEIGHTED:
            step = Weighted(module, random)
            width = len(module.weight)
        elif kind in ELEMENTWISE:
            step = _Elementwise(module)
        elif kind in NORMS and module.running_mean is not None:
            step = _Norm(module)
            width = module.num_features
        elif kind in _POOLINGS and not getattr(module, "return_indices", False):
            step = _Pooling(module)
        elif kind is nn.Unflatten and module.dim == 1:
            step = _Unflatten(module)
            width = module.unflattened_size[0]
        elif kind is nn.Flatten and (module.start_dim, module.end_dim) == (1, -1):
            n_features = next(filter(None, map(_reads, modules[i:])), None)
            if width is None:
                if any(isinstance(step, _Pooling) for step in steps):
                    raise Opaque(f"pooling in front of {_described(module, names)}")
                continue  # the rows come flat
            step = Flattening(module, width, (n_features or width) // width)
            width = n_features
        elif kind in _DROPOUTS:
            continue
        else:
            raise Opaque(_described(module, names))
        step.name = names.get(module, "")
        steps.append(step)
    return steps


def _reads(module: nn.Module) -> int | None:
    """How many features a layer reads; None for one that reads any number."""
    return getattr(module, "in_features", getattr(module, "num_features", None))


def _described(module: nn.Module, names: dict[nn.Module, str]) -> str:
    name = names.get(module)
    return f"{name!r} ({type(module).__name__})" if name else type(module).__name__


class _Step:
    """A module of a chain: what it does to constants, and what it needs.

    `constant` holds, in float64, a value for every feature (channel) that is the same
    whatever the input, and NaN for the others; None where there are none. `needed` is
    True for the features that are read; None where all are.
    """

    name = ""
    needed: Tensor | None = None

    def __init__(self, module: Any):
        self.module = module

    def forward(self, constant: Tensor | None) -> Tensor | None:
        return constant

    def backward(self, needed: Tensor | None) -> Tensor | None:
        self.needed = needed
        return needed

    def plain(self) -> list[nn.Module]:
        """The modules that take its place."""
        return [copy.deepcopy(self.module)]


class _Elementwise(_Step):
    def forward(self, constant: Tensor | None) -> Tensor | None:
        if constant is None:
            return None
        values = self.module(constant.nan_to_num())  # a copy: it may work in place
        return values.where(~constant.isnan(), torch.nan)

    def plain(self) -> list[nn.Module]:
        return [] if type(self.module) is nn.Identity else super().plain()


class _Pooling(_Step):
    def forward(self, constant: Tensor | None) -> Tensor | None:
        pool = self.module
        if constant is None or type(pool) not in AVERAGES:
            return constant
        padding = pool.padding if isinstance(pool.padding, tuple) else [pool.padding]
        pads = any(padding) and pool.count_include_pad
        if pads or getattr(pool, "divisor_override", None) is not None:
            return constant.where(constant == 0, torch.nan)
        return constant


class _Norm(_Step):
    def forward(self, constant: Tensor | None) -> Tensor | None:
        if constant is None:
            return None
        norm = self.module
        values = constant - norm.running_mean.cpu()
        values = values / (norm.running_var.cpu().double() + norm.eps).sqrt()
        if not norm.affine:
            return values
        return values * norm.weight.cpu() + norm.bias.cpu()

    def plain(self) -> list[nn.Module]:
        norm = copy.deepcopy(self.module)
        if self.needed is not None:
            norm.num_features = int(self.needed.sum())
            for tensors in (norm._parameters, norm._buffers):
                for name, tensor in tensors.items():
                    if tensor is not None and tensor.dim():
                        tensors[name] = nn.Parameter(tensor[self.needed], False)
            for name in norm._buffers:
                norm._buffers[name] = norm._buffers[name].data
        return [norm]


class _Unflatten(_Step):
    """From features to channels of several pixels each."""

    needed: Tensor

    def __init__(self, module: nn.Unflatten):
        super().__init__(module)
        self.shape = tuple(module.unflattened_size)

    def forward(self, constant: Tensor | None) -> Tensor | None:
        if constant is None:
            return None
        pixels = constant.view(self.shape[0], -1)
        same = (pixels == pixels[:, :1]).all(dim=1)
        return pixels[:, 0].where(same, torch.nan)

    def backward(self, needed: Tensor | None) -> Tensor:
        if needed is None:
            needed = torch.ones(self.shape[0], dtype=torch.bool, device="cpu")
        self.needed = needed
        return needed.repeat_interleave(math.prod(self.shape[1:]))

    def plain(self) -> list[nn.Module]:
        return [nn.Unflatten(1, (int(self.needed.sum()), *self.shape[1:]))]


class Flattening(_Step):
    """From channels to features, several to a channel."""

    def __init__(self, module: nn.Module, n_channels: int, n_pixels: int):
        super().__init__(module)
        self.n_channels, self.n_pixels = n_channels, n_pixels
        self.read = torch.ones(1, dtype=torch.bool, device="cpu")

    def forward(self, constant: Tensor | None) -> Tensor | None:
        return (
            constant if constant is None else constant.repeat_interleave(self.n_pixels)
        )

    def backward(self, needed: Tensor | None) -> Tensor | None:
        if needed is None:
            return None
        channels = needed.view(self.n_channels, self.n_pixels).any(dim=1)
        # all pixels of a channel are computed, but some may not be read
        self.read = needed[channels.repeat_interleave(self.n_pixels)]
        return channels

    def plain(self) -> list[nn.Module]:
        chosen = [] if self.read.all() else [Select(self.read.nonzero().flatten())]
        return [nn.Flatten(), *chosen]


class Weighted(_Step):
    """A linear layer or a convolution.

    Where weights are random, `std` and `bias_std` of the plain layer are the standard
    deviations of its weights and biases.
    """

    needed: Tensor

    def __init__(self, layer: Any, random: bool = False):
        super().__init__(layer)
        keep = layer.keep() if isinstance(layer, ARDMixin) else 1
        # on the CPU, since not every accelerator has float64
        self.weight = (layer.weight * keep).cpu().double()
        self.bias = self.weight.new_zeros(len(self.weight))
        if layer.bias is not None:
            self.bias += layer.bias.cpu()
        self.groups = getattr(layer, "groups", 1)
        self.random = random
        self.variance = torch.zeros_like(self.weight)
        self.bias_variance = torch.zeros_like(self.bias)
        if random and isinstance(layer, ARDMixin):
            self.variance += (layer.log_sigma2.exp() * keep).cpu()

    def _blocks(self, values: Tensor) -> Tensor:
        """Values of the weights as (groups, outputs, inputs, kernel): a view."""
        n_out, n_in = values.shape[:2]
        return values.view(self.groups, n_out // self.groups, n_in, -1)

    def forward(self, constant: Tensor | None) -> Tensor | None:
        if constant is not None:
            folded = self._folds(constant)
            values = constant.where(folded, 0).view(self.groups, -1)
            for weight, bias, value in (
                (self.weight, self.bias, values),
                (self.variance, self.bias_variance, values.square()),
            ):
                blocks = self._blocks(weight)
                bias += torch.einsum("goik,gi->go", blocks, value).flatten()
                blocks.mul_(~folded.view(self.groups, 1, -1, 1))
        dead = ~self.weight.flatten(1).any(dim=1) & (self.bias_variance == 0)
        return self.bias.where(dead, torch.nan) if dead.any() else None

    def _folds(self, constant: Tensor) -> Tensor:
        """Which constant inputs give every position of the output the same."""
        layer = self.module
        pads = (
            getattr(layer, "padding_mode", "") == "zeros" and layer.padding != "valid"
        )
        if pads and (layer.padding == "same" or any(layer.padding)):
            return constant == 0
        return ~constant.isnan()

    def backward(self, needed: Tensor | None) -> Tensor:
        if needed is None:
            needed = torch.ones_like(self.bias, dtype=torch.bool)
        blocks = self._blocks(self.weight)
        self.needed = needed
        if self.groups == 1:
            self.n_groups, self.out = 1, needed
            self.inputs = blocks[0, needed].any(dim=2).any(dim=0)
        else:  # groups go as a whole, since they are of one size
            alive = needed.view(self.groups, -1).any(dim=1)
            self.n_groups = int(alive.sum())
            self.out = alive.repeat_interleave(blocks.shape[1])
            self.inputs = alive.repeat_interleave(blocks.shape[2])
        if self.weight.dim() > 2 and not self.inputs.any():
            self.inputs[0] = True  # a convolution needs an input for its size
        return self.inputs

    def plain(self) -> list[nn.Module]:
        layer = self.module
        n_in, n_out = int(self.inputs.sum()), int(self.out.sum())
        options: dict[str, Any] = {
            "dtype": layer.weight.dtype,
            "device": layer.weight.device,
        }
        if self.weight.dim() == 2:
            new = skip_init(nn.Linear, 1, n_out, **options)
            new.in_features = n_in  # not in the constructor, which warns of 0
        else:
            new = skip_init(
                CONVOLUTIONS[self.weight.dim()],
                n_in,
                n_out,
                layer.kernel_size,
                stride=layer.stride,
                padding=layer.padding,
                dilation=layer.dilation,
                groups=self.n_groups,
                padding_mode=layer.padding_mode,
                **options,
            )
        new.weight = nn.Parameter(self._kept(self.weight).to(**options))
        new.bias.copy_(self.bias[self.out])
        if self.random:
            new.std = self._kept(self.variance).sqrt().float()
            new.bias_std = self.bias_variance[self.out].sqrt().float()
        read = self.needed[self.out]
        if read.all():
            return [new]
        return [new, Select(read.nonzero().flatten())]

    def _kept(self, values: Tensor) -> Tensor:
        """Values of the weights that remain."""
        kept = values[self.out]
        return kept[:, self.inputs] if self.groups == 1 else kept
