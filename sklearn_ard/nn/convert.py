"""From a trained torch network to an ARD network with the same weights.

A network of torch's layers comes in; a copy of it with ARD layers goes out.
"""

import copy
import warnings
from collections import defaultdict
from collections.abc import Iterable

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from sklearn_ard.nn.layers import (
    Conv1dARD,
    Conv2dARD,
    Conv3dARD,
    LinearARD,
    ard_layers,
)
from sklearn_ard.nn.mixin import ARDMixin
from sklearn_ard.nn.priors import Prior, get_prior

# Exactly these types: a subclass may use its weights in other ways.
_ARD_OF = {
    nn.Linear: LinearARD,
    nn.Conv1d: Conv1dARD,
    nn.Conv2d: Conv2dARD,
    nn.Conv3d: Conv3dARD,
}

# Read the weights of the layers in them without calling these.
_BYPASSES_LAYERS = (nn.MultiheadAttention, nn.TransformerEncoderLayer)

# Have parameters, but none that could be pruned.
_NORMALISATIONS = (
    nn.modules.batchnorm._BatchNorm,
    nn.GroupNorm,
    nn.LayerNorm,
    nn.RMSNorm,
    nn.PReLU,
)


def to_ard(
    module: nn.Module,
    prior: str | Prior = "log_uniform",
    *,
    exclude: str | Iterable[str] = (),
) -> nn.Module:
    """Convert the dense and convolutional layers of a network to ARD layers.

    In evaluation mode the new network has the same outputs as the old one. The old one
    is not changed.

    Parameters
    ----------
    module : Module
        Any network with :class:`torch.nn.Linear`, ``Conv1d``, ``Conv2d`` or ``Conv3d``
        layers, however nested. A layer that is used in several places stays one layer.
    prior : {"log_uniform", "ard", "group_ard"} or Prior, default="log_uniform"
        Prior over the weights.
    exclude : str or iterable of str, default=()
        Names, as in :meth:`torch.nn.Module.named_modules`, of layers to be kept
        unchanged. The name of a container includes all layers in it.

    Returns
    -------
    Module
        A deep copy of `module` with the layers converted: the same weights, biases,
        buffers, hooks, device, data type and mode. Every weight begins with the
        variance e⁻² · weight². A layer whose weight does not require a gradient is
        converted, but neither of the two is trained: exclude it to keep it exact in
        training mode as well.

    Raises
    ------
    TypeError
        If `module` is not a Module.
    ValueError
        If the network cannot be copied, there is nothing to convert, a layer is lazy,
        quantised or in half precision, a weight is shared by different layers, or a
        name in `exclude` is unknown.

    Warns
    -----
    UserWarning
        Names the modules with weights that were not converted and not excluded, such as
        recurrent and attention layers, embeddings, and layers under a
        parametrisation.

    Examples
    --------
    >>> import torch
    >>> from torch import nn
    >>> from sklearn_ard.nn import to_ard
    >>> network = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1)).eval()
    >>> ard_network, x = to_ard(network), torch.randn(3, 4)
    >>> torch.equal(network(x), ard_network(x))
    True
    """
    if not isinstance(module, nn.Module):
        raise TypeError(
            "'module' of to_ard must be a torch.nn.Module, such as a trained network. "
            f"Got {module!r} instead."
        )
    prior = get_prior(prior)
    model = _copied(module)
    excluded = _excluded(model, exclude)
    _refuse_unusable(model, excluded)
    chosen = _convertible(model, excluded)
    if not chosen:
        reason = "ARD layers already" if ard_layers(module) else "none of them"
        raise ValueError(
            "'module' of to_ard must have a Linear, Conv1d, Conv2d or Conv3d layer to "
            f"be converted. Got {type(module).__name__} with {reason} instead."
        )
    _refuse_shared_weights(model, chosen)
    _warn_of_unconverted(model, chosen, excluded)
    for layer in chosen:
        # the object stays the same, and with it all references to it and its hooks
        layer.__class__ = _ARD_OF[type(layer)]
        assert isinstance(layer, ARDMixin)
        layer._init_ard(prior)
        layer.reset_variances()
    return model


def _copied(module: nn.Module) -> nn.Module:
    try:
        return copy.deepcopy(module)
    except RuntimeError as error:
        raise ValueError(
            "to_ard could not copy 'module', since it holds tensors that are computed "
            "from parameters, as layers with a pruning hook do: make these permanent "
            "first (torch.nn.utils.prune.remove, remove_weight_norm)."
        ) from error


def _excluded(model: nn.Module, exclude: str | Iterable[str]) -> set[nn.Module]:
    """The modules that `exclude` names, and all in them."""
    names = [exclude] if isinstance(exclude, str) else list(exclude)
    modules = dict(model.named_modules(remove_duplicate=False))
    unknown = [name for name in names if name not in modules]
    if unknown:
        raise ValueError(
            "'exclude' of to_ard must hold names out of module.named_modules(): "
            f"{sorted(filter(None, modules))}. Got {unknown[0]!r} as well."
        )
    return {inner for name in names for inner in modules[name].modules()}


def _refuse_unusable(model: nn.Module, excluded: set[nn.Module]) -> None:
    for name, layer in model.named_modules():
        kind = type(layer)
        if layer in excluded:
            continue
        if any(map(is_lazy, (*layer.parameters(False), *layer.buffers(False)))):
            raise ValueError(
                f"to_ard needs layers whose sizes are known. Got the lazy {_at(name)} "
                f"({kind.__name__}): run the network on a batch first."
            )
        if ".quantized." in f"{kind.__module__}.":
            raise ValueError(
                f"to_ard needs floating point weights. Got the quantised {_at(name)} "
                f"({kind.__name__}): convert the network before it is quantised."
            )
        if kind in _ARD_OF and _own_weight(layer) is not None:
            dtype = layer.weight.dtype
            if not dtype.is_floating_point or dtype == torch.float16:
                raise ValueError(
                    "to_ard needs weights of type float32, float64 or bfloat16, since "
                    f"variances underflow in half precision. Got {dtype} in "
                    f"{_at(name)}: convert module.float()."
                )


def _convertible(model: nn.Module, excluded: set[nn.Module]) -> list[nn.Module]:
    """The layers that become ARD layers, each of them once."""
    untouched = excluded | {
        inner
        for module in model.modules()
        if isinstance(module, _BYPASSES_LAYERS)
        for inner in module.modules()
    }
    return [
        layer
        for layer in model.modules()
        if type(layer) in _ARD_OF
        and _own_weight(layer) is not None
        and layer not in untouched
    ]


def _own_weight(layer: nn.Module) -> nn.Parameter | None:
    """The weight, if it is a parameter and not computed from others."""
    return layer._parameters.get("weight")


def _refuse_shared_weights(model: nn.Module, chosen: list[nn.Module]) -> None:
    owners = defaultdict(list)
    for name, module in model.named_modules():
        for key, parameter in module._parameters.items():
            owners[parameter].append(f"{name}.{key}" if name else key)
    for layer in chosen:
        names = owners[layer.weight]
        if len(names) > 1:
            raise ValueError(
                f"to_ard cannot convert a weight that different layers share: {names} "
                "are one parameter. Use one layer in both places, or exclude both."
            )


def _warn_of_unconverted(
    model: nn.Module, chosen: list[nn.Module], excluded: set[nn.Module]
) -> None:
    done = set(chosen) | excluded
    names: dict[str, None] = {}
    for name, module in model.named_modules():
        if module in done or isinstance(module, (ARDMixin, *_NORMALISATIONS)):
            continue
        own = [p for p in module._parameters.values() if p is not None]
        if any(parameter.dim() > 1 for parameter in own):
            # a parametrised layer keeps its weight in a module below it
            names[_at(name.split(".parametrizations")[0])] = None
    if names:
        warnings.warn(
            f"to_ard keeps the weights of {', '.join(names)} as they are: it converts "
            "Linear, Conv1d, Conv2d and Conv3d themselves, not subclasses, layers with "
            "a parametrisation (remove it first), or layers inside "
            "an attention or transformer encoder layer. Name them in 'exclude' if this "
            "is what you want.",
            UserWarning,
            stacklevel=3,
        )


def _at(name: str) -> str:
    return repr(name) if name else "network itself"
