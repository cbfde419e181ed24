"""From a trained ARD network to the small plain one that remains of it.

A network is read as a chain of modules. One walk forward finds the units that are the
same whatever the input, since no live weight enters them, and folds them into the next
biases; one walk back finds the units that somebody reads. The others go.
"""

import copy
import warnings
from typing import NamedTuple

import torch
from torch import Tensor, nn

from sklearn_ard.nn._chain import (
    CONVOLUTIONS,
    WEIGHTED,
    Flattening,
    Opaque,
    Weighted,
    has_hooks,
    steps_of,
)
from sklearn_ard.nn._layers import ARDMixin, ard_layers
from sklearn_ard.nn._networks import SkipARD


class Compacted(NamedTuple):
    """What :func:`compact` returns.

    Attributes
    ----------
    network : Module
        A plain torch network, in evaluation mode.
    inputs : Tensor of shape (n_kept,) or slice
        Indices of the inputs that it reads: call ``network(x[:, inputs])``. All of them
        (``slice(None)``) where the network could not be seen through.
    layers : dict of str to Module or None
        By the names of the layers with weights in the original network: what is left of
        each, None if nothing is.
    """

    network: nn.Module
    inputs: Tensor | slice
    layers: dict


class Parallel(nn.Module):
    """The sum of several networks, each of which reads some of the inputs.

    Parameters
    ----------
    networks : list of Module
        From some inputs to the same number of outputs.
    inputs : list of Tensor
        Which inputs each of them reads.
    """

    def __init__(self, networks, inputs):
        super().__init__()
        self.networks = nn.ModuleList(networks)
        for i, indices in enumerate(inputs):
            self.register_buffer(f"inputs_{i}", indices)

    @property
    def inputs(self):
        return [getattr(self, f"inputs_{i}") for i in range(len(self.networks))]

    def forward(self, x: Tensor) -> Tensor:
        branches = zip(self.networks, self.inputs, strict=True)
        return sum(network(x[:, indices]) for network, indices in branches)


def compact(model: nn.Module) -> Compacted:
    """Remove what was pruned from a trained network: a small plain one remains.

    Pruned inputs go; units (channels) without a live input become part of the next
    bias through their constant activation; those without a live output go; and whole
    layers, where nothing of them is left. A network that was pruned altogether becomes
    its constant. The outputs are those of `model` in evaluation mode, to rounding.

    A constant channel is not constant under zero padding: it stays where the next
    convolution or pooling pads with zeros, unless it is zero itself.

    Parameters
    ----------
    model : Module
        A network with ARD layers, for inputs of shape (n, n_features) or (n,
        n_channels, ...). Networks are seen through where they are a
        :class:`torch.nn.Sequential` (nested ones too), :class:`SkipARD` or
        :class:`ConvARD` of linear layers, convolutions, batch norm, pooling, dropout,
        flattening and elementwise activations. A :class:`torch.nn.Flatten` in front is
        taken as done: the inputs are then those of the flattened rows.

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
    if not ard_layers(model):
        raise ValueError(
            "'model' of compact must contain ARD layers (LinearARD, Conv2dARD, ...). "
            f"Got {type(model).__name__} with none instead."
        )
    found, opaque = compact_quietly(model)
    if opaque:
        warnings.warn(
            f"compact can not see through {opaque}: the network keeps its shape, with "
            "zeros for the pruned weights. It can see through a Sequential of linear "
            "layers, convolutions, batch norm, pooling, dropout, Flatten and "
            "elementwise activations.",
            UserWarning,
            stacklevel=2,
        )
    return found


@torch.no_grad()
def compact_quietly(model: nn.Module) -> tuple[Compacted, str]:
    """As :func:`compact`; what it can not see through is returned, not warned of."""
    opaque = ""
    try:
        found = _compact_skip(model) if _is_skip(model) else _compact_chain(model)
    except Opaque as error:
        found, opaque = _masked(model), str(error)
    found.network.eval().requires_grad_(False)
    return found, opaque


def _is_skip(model):
    return type(model) is SkipARD and not has_hooks(model)


def _compact_skip(model):
    parts = {"network": model.network, "linear": model.linear}
    found = {name: _compact_chain(part) for name, part in parts.items()}
    layers = {
        f"{name}.{inner}" if inner else name: layer
        for name, part in found.items()
        for inner, layer in part.layers.items()
    }
    network, linear = found["network"], found["linear"]
    if len(linear.inputs) == 0:
        layers["linear"] = None
        return network._replace(layers=layers)
    if len(network.inputs) == 0:
        left = linear.network[0]
        left.bias += network.network(left.weight.new_zeros(1, 0))[0]
        layers.update({name: None for name in layers if name != "linear"})
        return linear._replace(layers=layers)
    inputs = torch.cat([network.inputs, linear.inputs]).unique()
    branches = [network, linear]
    both = Parallel(
        [branch.network for branch in branches],
        [torch.searchsorted(inputs, branch.inputs) for branch in branches],
    )
    return Compacted(both, inputs, layers)


def _compact_chain(model):
    names = {module: name for name, module in model.named_modules()}
    steps = steps_of(model, names)
    constant = None
    for step in steps:
        constant = step.forward(constant)
    needed, modules, left = None, [], {}
    while steps:
        step = steps.pop()
        needed = step.backward(needed)
        parts = step.plain()
        modules[:0] = parts
        if isinstance(step, Weighted):
            left[step.name] = parts[0]
        if needed is not None and not needed.any():  # all before is constant
            if any(isinstance(step, Flattening) for step in steps):
                modules.insert(0, nn.Flatten())
            break
    layers = {
        name: left.get(name)
        for layer, name in names.items()
        if isinstance(layer, (ARDMixin, *WEIGHTED))
    }
    return Compacted(nn.Sequential(*modules), needed.nonzero().flatten(), layers)


def _masked(model):
    """A copy with torch's own layers and zeros for the pruned weights."""
    model = copy.deepcopy(model)
    for layer in ard_layers(model):
        layer.weight.mul_(layer.keep())
        for name in ("log_sigma2", "mask", "prior"):
            delattr(layer, name)
        n_dims = layer.weight.dim()
        layer.__class__ = nn.Linear if n_dims == 2 else CONVOLUTIONS[n_dims]
    layers = {
        name: layer
        for name, layer in model.named_modules()
        if isinstance(layer, WEIGHTED)
    }
    return Compacted(model, slice(None), layers)
