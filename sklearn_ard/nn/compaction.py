"""Compaction of a trained ARD network to a small plain network.

A network with masks comes in; a plain one, and the inputs that it reads, go out. A
forward pass over its steps finds the units that are constant, since no live weight
enters them, and folds them into the next biases; a backward pass finds the units that
are read. The others are removed.
"""

import copy
import warnings
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor, nn

from sklearn_ard.nn.ensemble import Ensemble
from sklearn_ard.nn.layers import ard_layers, checked_ard_layers, has_hooks
from sklearn_ard.nn.mixin import ARDMixin
from sklearn_ard.nn.networks import SkipARD
from sklearn_ard.nn.steps import (
    CONVOLUTIONS,
    WEIGHTED,
    Flattening,
    Opaque,
    Weighted,
    steps_of,
)


class Part(NamedTuple):
    """A chain of a network, compacted: as :class:`Compacted`."""

    network: nn.Sequential
    inputs: Tensor
    layers: dict[str, nn.Module | None]


_Summand = tuple[str, nn.Module, float]  # prefix of names, network, weight


class Compacted(NamedTuple):
    """What :func:`compact` returns.

    Attributes
    ----------
    network : Module
        A plain torch network, in evaluation mode.
    inputs : Tensor of shape (n_kept,) or slice
        Indices of the inputs that it reads: call ``network(x[:, inputs])``. All of them
        (``slice(None)``) where the network could not be compacted.
    layers : dict of str to Module or None
        By the names of the layers with weights in the original network: the remaining
        layer, or None.
    """

    network: nn.Module
    inputs: Tensor | slice
    layers: dict[str, nn.Module | None]


class Parallel(nn.Module):
    """The sum of several networks, each of which reads some of the inputs.

    Parameters
    ----------
    networks : list of Module
        From some inputs to the same number of outputs.
    inputs : list of Tensor
        Which inputs each of them reads.
    """

    def __init__(self, networks: Iterable[nn.Module], inputs: Iterable[Tensor]):
        super().__init__()
        self.networks = nn.ModuleList(networks)
        for i, indices in enumerate(inputs):
            self.register_buffer(f"inputs_{i}", indices)

    @property
    def inputs(self) -> list[Tensor]:
        return [getattr(self, f"inputs_{i}") for i in range(len(self.networks))]

    def forward(self, x: Tensor) -> Tensor:
        branches = zip(self.networks, self.inputs, strict=True)
        return sum(network(x[:, indices]) for network, indices in branches)


def compact(model: nn.Module) -> Compacted:
    """Remove the pruned parts of a trained network, for a small plain one.

    Pruned inputs are removed; units (channels) without a live input are folded into the
    next bias with their constant activation; units without a live output are removed,
    and so are layers without remaining units. A fully pruned network becomes a
    constant. The outputs are those of `model` in evaluation mode, to rounding.

    A constant channel is not constant under zero padding: it stays where the next
    convolution or pooling pads with zeros, unless it is zero itself.

    Parameters
    ----------
    model : Module
        A network with ARD layers, for inputs of shape (n, n_features) or (n,
        n_channels, ...). Networks can be compacted if they are a
        :class:`torch.nn.Sequential` (nested ones too), :class:`SkipARD` or
        :class:`ConvARD` of linear layers, convolutions, batch norm, pooling, dropout,
        flattening and elementwise activations, or an :class:`Ensemble` of these. A
        :class:`torch.nn.Flatten` in front is removed: the inputs are then those of the
        flattened rows.

    Returns
    -------
    Compacted
        ``network, inputs, layers``; the model itself is untouched.

    Raises
    ------
    ValueError
        If the network has no ARD layer.

    Warns
    -----
    UserWarning
        If the network has branches or a forward method of its own: it then keeps its
        shape, with zeros for the pruned weights.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ard.nn import DenseARD, compact
    >>> model = DenseARD(100, 1, (50,)).eval()
    >>> model[0].mask_inputs_(torch.arange(100) < 3)
    >>> network, inputs, _ = compact(model)
    >>> inputs
    tensor([0, 1, 2])
    >>> x = torch.randn(9, 100)
    >>> torch.allclose(network(x[:, inputs]), model(x), atol=1e-6)
    True
    """
    checked_ard_layers(model, "compact")
    compacted, opaque = compact_quietly(model)
    if opaque:
        warnings.warn(
            f"compact cannot see through {opaque}: the network keeps its shape, with "
            "zeros for the pruned weights. It can see through a Sequential of linear "
            "layers, convolutions, batch norm, pooling, dropout, Flatten and "
            "elementwise activations.",
            UserWarning,
            stacklevel=2,
        )
    return compacted


@torch.no_grad()
def compact_quietly(model: nn.Module) -> tuple[Compacted, str]:
    """As :func:`compact`, but returns what it cannot see through, without a warning."""
    opaque, device = "", next(model.parameters()).device
    try:
        compacted = _compact_sum([*_summands(model)])
        compacted.network.to(device)
        assert isinstance(compacted.inputs, Tensor)
        compacted = compacted._replace(inputs=compacted.inputs.to(device))
    except Opaque as error:
        compacted, opaque = _masked(model), str(error)
    compacted.network.eval().requires_grad_(False)
    return compacted, opaque


@torch.no_grad()
def random_chains(model: nn.Module) -> list[list[Part]]:
    """Chains with random weights, whose sum is each network of an ensemble.

    Parameters
    ----------
    model : Module
        An :class:`Ensemble`, or a single network.

    Returns
    -------
    list of list of Part
        For every network its chains. Their linear layers and convolutions have the
        attributes `std` and `bias_std`, of the shapes of weight and bias: standard
        deviations of the posterior.

    Raises
    ------
    Opaque
        If a network cannot be compacted.
    """
    members = model.networks if type(model) is Ensemble else [model]
    return [
        [_compact_chain(chain, random=True) for _, chain, _ in _summands(member)]
        for member in members
    ]


def _summands(
    model: nn.Module, prefix: str = "", share: float = 1.0
) -> Iterator[_Summand]:
    """Chains whose weighted sum is a network: prefix of names, chain, weight."""
    if type(model) is Ensemble and not has_hooks(model):
        share /= len(model.networks)
        for i, network in enumerate(model.networks):
            yield from _summands(network, f"{prefix}networks.{i}.", share)
    elif type(model) is SkipARD and not has_hooks(model):
        yield f"{prefix}network.", model.network, share
        yield f"{prefix}linear.", model.linear, share
    else:
        yield prefix, model, share


def _compact_sum(summands: list[_Summand]) -> Compacted:
    parts: list[Part] = []
    layers: dict[str, nn.Module | None] = {}
    for prefix, model, share in summands:
        part = _compact_chain(model)
        if share != 1:
            last = part.network[-1]
            if type(last) is not nn.Linear:
                raise Opaque("an Ensemble of networks whose last layer is not linear")
            last.weight.mul_(share)
            last.bias.mul_(share)
        parts.append(part)
        layers |= {(prefix + name).rstrip("."): la for name, la in part.layers.items()}
    if len(parts) > 1:
        parts = _merge_linear(_drop_constants(parts, layers), layers)
    if len(parts) == 1:
        return Compacted(parts[0].network, parts[0].inputs, layers)
    inputs = torch.cat([part.inputs for part in parts]).unique()
    total = Parallel(
        [part.network for part in parts],
        [torch.searchsorted(inputs, part.inputs) for part in parts],
    )
    return Compacted(total, inputs, layers)


def _drop_constants(
    parts: list[Part], layers: dict[str, nn.Module | None]
) -> list[Part]:
    """Remove summands without inputs; their value is added to the bias of another.

    One remains if none has inputs.
    """
    remaining = [part for part in parts if len(part.inputs)] or parts[:1]
    kept = {id(part) for part in remaining}
    for part in parts:
        if id(part) in kept:
            continue
        _forget(part, layers)
        nothing = next(part.network.parameters()).new_zeros(1, 0)
        value = part.network(nothing)[0]
        if value.any():
            ends = (other.network[-1] for other in remaining)
            next(end for end in ends if type(end) is nn.Linear).bias.add_(value)
    return remaining


def _merge_linear(parts: list[Part], layers: dict[str, nn.Module | None]) -> list[Part]:
    """Merge the summands that consist of a single linear layer into one."""
    linear = [(part, layer) for part in parts if (layer := _only_linear(part))]
    if len(linear) < 2:
        return parts
    inputs = torch.cat([part.inputs for part, _ in linear]).unique()
    (first, layer), *others = linear
    total = layer.weight.new_zeros(len(layer.weight), len(inputs))
    for part, other in linear:
        total[:, torch.searchsorted(inputs, part.inputs)] += other.weight
    layer.weight, layer.in_features = nn.Parameter(total), len(inputs)
    for part, other in others:
        layer.bias.add_(other.bias)
        _forget(part, layers)
    rest = [part for part in parts if _only_linear(part) is None]
    return [*rest, first._replace(inputs=inputs)]


def _only_linear(part: Part) -> nn.Linear | None:
    """The linear layer of a summand that has nothing else."""
    if len(part.network) != 1:
        return None
    (layer,) = part.network
    return layer if type(layer) is nn.Linear else None


def _forget(part: Part, layers: dict[str, nn.Module | None]) -> None:
    """Set the entries of the layers of a summand to None."""
    gone = [layer for layer in part.layers.values() if layer is not None]
    for name, layer in layers.items():
        if any(layer is other for other in gone):
            layers[name] = None


def _compact_chain(model: nn.Module, *, random: bool = False) -> Part:
    names = {module: name for name, module in model.named_modules()}
    steps = steps_of(model, names, random=random)
    constant = None
    for step in steps:
        constant = step.forward(constant)
    needed: Tensor | None = None
    modules: list[nn.Module] = []
    plain: dict[str, nn.Module] = {}
    while steps:
        step = steps.pop()
        needed = step.backward(needed)
        parts = step.plain()
        modules[:0] = parts
        if isinstance(step, Weighted):
            plain[step.name] = parts[0]
        if needed is not None and not needed.any():  # all before is constant
            if any(isinstance(step, Flattening) for step in steps):
                modules.insert(0, nn.Flatten())
            break
    layers = {
        name: plain.get(name)
        for layer, name in names.items()
        if isinstance(layer, (ARDMixin, *WEIGHTED))
    }
    assert needed is not None
    return Part(nn.Sequential(*modules), needed.nonzero().flatten(), layers)


def _masked(model: nn.Module) -> Compacted:
    """A copy with torch's own layers and zeros for the pruned weights."""
    model = copy.deepcopy(model)
    for layer in ard_layers(model):
        layer.weight.mul_(layer.keep())
        for name in ("log_sigma2", "mask", "prior"):
            delattr(layer, name)
        n_dims = layer.weight.dim()
        kind: type[nn.Module] = nn.Linear if n_dims == 2 else CONVOLUTIONS[n_dims]
        layer.__class__ = kind  # type: ignore[assignment] # it becomes the plain one
    layers: dict[str, nn.Module | None] = {
        name: layer
        for name, layer in model.named_modules()
        if isinstance(layer, WEIGHTED)
    }
    return Compacted(model, slice(None), layers)
