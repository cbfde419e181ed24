"""Networks as chains: modules one after the other, and the ARD layers among them.

A network comes in; the modules that it applies, or its ARD layers of which each reads
the units of the one before, go out.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeGuard

from torch import Tensor, nn

from sklearn_ard.nn.activations import ELEMENTWISE
from sklearn_ard.nn.layers import LinearARD, ard_layers
from sklearn_ard.nn.mixin import ARDMixin
from sklearn_ard.nn.networks import ConvARD, SkipARD

NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
AVERAGES = (nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d)
MAXIMA = (nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d)


@dataclass(frozen=True)
class Chain:
    """ARD layers of which each reads the units (channels) of the one before.

    Attributes
    ----------
    layers : list of ARD layers
        In their order; empty for a network that is no chain.
    between : list of list of Module
        The modules in front of the first layer and after each layer, none of which
        mixes units.
    skip : LinearARD or None
        The linear map of a :class:`SkipARD`.
    complete : bool
        Whether nothing else is in the network, batch norm included, and no weight is
        shared.
    """

    layers: list[ARDMixin] = field(default_factory=list)
    between: list[list[nn.Module]] = field(default_factory=lambda: [[]])
    skip: LinearARD | None = None
    complete: bool = False

    def units_read(self, flags: list[Tensor]) -> list[Tensor]:
        """What each layer reads with a weight whose flag is True.

        Parameters
        ----------
        flags : list of bool Tensor
            One for each layer, of the shape of its weights.

        Returns
        -------
        list of bool Tensor
            The inputs (channels), then the units of every layer but the last.
        """
        read = [
            layer.per_input(flag) > 0
            for layer, flag in zip(self.layers, flags, strict=True)
        ]
        return read[:1] + [
            units_of(layer, live)
            for layer, live in zip(self.layers, read[1:], strict=False)
        ]


def units_of(layer: ARDMixin, columns: Tensor) -> Tensor:
    """The units of a layer of which the next layer reads one of the `columns`.

    Several columns of a dense layer read one channel that was flattened.
    """
    return columns.view(len(layer.mask), -1).any(dim=1)


def columns_of(reader: ARDMixin, units: Tensor) -> Tensor:
    """The inputs of a layer that read one of the `units` in front of it."""
    return units.repeat_interleave(reader.mask.shape[1] // len(units))


def modules_of(model: nn.Module, nested: bool = True) -> Iterator[nn.Module]:
    """The modules that a network applies one after the other.

    Parameters
    ----------
    model : Module
        A network.
    nested : bool, default=True
        Whether a Sequential within a Sequential is several modules, or one.

    Yields
    ------
    Module
        One that is no Sequential; for any other network that is the network itself. The
        reshaping of :class:`ConvARD` is an :class:`torch.nn.Unflatten`.
    """
    if not _is_sequence(model):
        yield model
        return
    if type(model) is ConvARD:
        yield nn.Unflatten(1, model.input_shape)
    for child in model:
        if nested:
            yield from modules_of(child)
        else:
            yield child


def _is_sequence(model: nn.Module) -> TypeGuard[nn.Sequential]:
    return type(model) is ConvARD or type(model).forward is nn.Sequential.forward


def chain_of(model: nn.Module) -> Chain:
    """The chain that a whole network forms; an empty one if it is no chain.

    Parameters
    ----------
    model : Module
        A network. Chains are Sequentials of ARD layers, activations, pooling, dropout
        and flattening, with or without a linear skip connection.

    Returns
    -------
    Chain
        A complete one, or an empty one.
    """
    skip: LinearARD | None = None
    if type(model) is SkipARD and model.linear.bias is None:
        skip, model = model.linear, model.network
    chain = last_chain(model)
    layers = [*chain.layers, *([] if skip is None else [skip])]
    if not chain.complete or len({layer.weight for layer in layers}) < len(layers):
        return Chain()
    return Chain(chain.layers, chain.between, skip, complete=True)


def last_chain(model: nn.Module) -> Chain:
    """The last ARD layers of a Sequential that read one another.

    Parameters
    ----------
    model : Module
        A network.

    Returns
    -------
    Chain
        Without a skip connection; empty where a layer is used twice.
    """
    if not _is_sequence(model):
        return Chain()
    layers: list[ARDMixin] = []
    between: list[list[nn.Module]] = [[]]
    complete, flat = True, True
    modules = modules_of(model, nested=False)
    if type(model) is ConvARD:
        next(modules)
    for module in modules:
        # a dense layer along a series, without flattening, reads no channels
        along_series = isinstance(module, LinearARD) and not flat
        if along_series or not (isinstance(module, ARDMixin) or _keeps_units(module)):
            layers, between, complete = [], [[]], False
        if isinstance(module, ARDMixin):
            layers.append(module)
            between.append([])
            flat = isinstance(module, LinearARD)
            complete &= getattr(module, "groups", 1) == 1
        else:
            between[-1].append(module)
            flat |= isinstance(module, nn.Flatten)
            complete &= not isinstance(module, NORMS)
    if len(set(layers)) < len(layers):
        return Chain()
    return Chain(layers, between, None, complete and bool(layers))


def _keeps_units(module: nn.Module) -> bool:
    """Whether a module keeps every unit (channel) where it is."""
    kinds = nn.Flatten, nn.Dropout, *NORMS, *AVERAGES, *MAXIMA
    return type(module) in ELEMENTWISE or isinstance(module, kinds)


def is_dense(model: nn.Module) -> bool:
    """Whether a network has no convolutions of ARD weights."""
    return all(isinstance(layer, LinearARD) for layer in ard_layers(model))
