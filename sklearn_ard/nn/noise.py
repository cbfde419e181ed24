"""The noise of a network from a generator, in place of torch's global state.

A network and a generator come in; while a context is open, ARD layers draw from it, and
so does every random operator of torch that was not given a generator.
"""

from functools import cache, partial
from typing import Any, TypeGuard

import torch
from torch import Generator, Tensor, nn
from torch._ops import OpOverload
from torch.utils._python_dispatch import TorchDispatchMode

from sklearn_ard.nn.layers import ard_layers, has_hooks

_aten = torch.ops.aten

_DROPOUTS = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d)

# Modules of torch, by their files, that draw no random numbers; these do.
_WITHOUT_NOISE = frozenset(
    f"torch.nn.modules.{file}"
    for file in "activation batchnorm container conv flatten instancenorm linear "
    "normalization padding pixelshuffle pooling upsampling".split()
)
_WITH_NOISE = (
    nn.RReLU, nn.MultiheadAttention, nn.FractionalMaxPool2d, nn.FractionalMaxPool3d,
)  # fmt: skip


class noise_from:  # noqa: N801 (a context, as torch.no_grad is)
    """Context in which the noise of a network in training mode has its own source.

    It can be entered several times, also while it is entered.

    Parameters
    ----------
    model : Module
        A network.
    generator : torch.Generator or None
        Where the noise of its ARD layers, of dropout and the like comes from, on the
        device of the noise. None changes nothing.

    Notes
    -----
    Dropout layers of torch and ARD layers draw from the generator themselves. Where
    there are modules of other classes, which may draw anything, all of torch's random
    operators are redirected (:class:`drawn_from`), which makes small networks two to
    three times as slow. Activation checkpointing (:mod:`torch.utils.checkpoint`) draws
    new noise when it recomputes: use it for parts without noise only.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ard.nn import DenseARD, noise_from
    >>> model, generator = DenseARD(3, 1), torch.Generator()
    >>> def sample():
    ...     with noise_from(model, generator.manual_seed(0)):
    ...         return model(torch.ones(1, 3))
    >>> torch.equal(sample(), sample())
    True
    """

    def __init__(self, model: nn.Module, generator: Generator | None):
        modules = [] if generator is None else list(model.modules())
        self._layers = [] if generator is None else ard_layers(model)
        self._dropouts = [module for module in modules if _is_dropout(module)]
        self._generator = generator
        self._others: drawn_from | None = None
        self._before: list[list[Generator | None]] = []
        known = map(_is_without_noise, (m for m in modules if not _is_dropout(m)))
        if generator is not None and not all(known):
            self._others = drawn_from(generator)

    def __enter__(self) -> Generator | None:
        self._before.append([layer.generator for layer in self._layers])
        for layer in self._layers:
            layer.generator = self._generator
        for module in self._dropouts:
            vars(module)["forward"] = partial(_dropout, module, self._generator)
        if self._others is not None:
            self._others.__enter__()
        return self._generator

    def __exit__(self, *error: Any) -> None:
        if self._others is not None:
            self._others.__exit__(*error)
        if len(self._before) == 1:
            for module in self._dropouts:
                del module.forward
        for layer, before in zip(self._layers, self._before.pop(), strict=True):
            layer.generator = before


def _is_dropout(module: nn.Module) -> TypeGuard[nn.Dropout]:
    """Whether a module is a dropout layer of torch, as it is."""
    return type(module) in _DROPOUTS and "forward" not in vars(module)


def _dropout(module: nn.Dropout, generator: Generator | None, x: Tensor) -> Tensor:
    """The forward pass of a dropout layer, with a generator."""
    if not module.training or module.p == 0:
        return x
    shape: tuple[int, ...] = x.shape
    if type(module) is not nn.Dropout and x.dim() > 2:  # of whole channels
        shape = *x.shape[:2], *(1,) * (x.dim() - 2)
    keep = 1 - module.p
    mask = x.new_empty(shape).bernoulli_(keep, generator=generator)
    return x * (mask / keep if keep > 0 else mask)


def _is_without_noise(module: nn.Module) -> bool:
    """Whether a module is known to draw no random numbers but those of ARD layers."""
    file = type(module).__module__
    known = file in _WITHOUT_NOISE or file.startswith(__package__ + ".")
    return known and not has_hooks(module) and not isinstance(module, _WITH_NOISE)


class drawn_from(TorchDispatchMode):  # noqa: N801 (a context, as torch.no_grad is)
    """Context in which random operators of torch draw from a generator.

    For code that does not accept a generator: dropout in a forward method, the initial
    weights of :class:`torch.nn.Linear`. It costs some time in every operator.

    Parameters
    ----------
    generator : torch.Generator
        Where the numbers come from. On another device they come from a generator there
        that this one seeds.

    Notes
    -----
    Not covered are fused kernels of CUDA with random numbers inside: dropout in
    attention and between the layers of cuDNN's recurrent networks.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ard.nn.noise import drawn_from
    >>> generator = torch.Generator()
    >>> def layer():
    ...     with drawn_from(generator.manual_seed(0)):
    ...         return torch.nn.Linear(3, 2).weight
    >>> torch.equal(layer(), layer())
    True
    """

    def __init__(self, generator: torch.Generator):
        super().__init__()
        self._generator = generator
        self._generators = {generator.device: generator}

    def __torch_dispatch__(
        self, func: OpOverload, types: Any, args: tuple = (), kwargs: dict | None = None
    ) -> Any:
        kwargs = dict(kwargs or {})
        if func is _aten.native_dropout.default:
            return self._dropout(*args, **kwargs)
        random = _random_overload(func)
        if random is None:
            return func(*args, **kwargs)
        names = [argument.name for argument in random._schema.arguments]
        position = names.index("generator")
        given = [*args[position:], kwargs.get("generator")][0]
        device = _device_of(args, kwargs)
        if given is None and device.type != "meta":
            kwargs["generator"] = self._on(device)
            return random(*args[:position], **kwargs)
        return func(*args, **kwargs)

    def _dropout(
        self, x: Tensor, p: float, train: bool | None = True
    ) -> tuple[Tensor, Tensor]:
        """What the operator of this name does, which takes no generator."""
        mask = torch.ones_like(x, dtype=torch.bool)
        if train is False:
            return x.clone(), mask
        mask.bernoulli_(1 - p, generator=self._on(x.device))
        return x * mask * (1 / (1 - p) if p < 1 else 0.0), mask

    def _on(self, device: torch.device) -> Generator:
        if device not in self._generators:
            seed = torch.randint(
                2**62, (), generator=self._generator, device=self._generator.device
            )
            other = torch.Generator(device).manual_seed(int(seed))
            self._generators[device] = other
        return self._generators[device]


@cache
def _random_overload(func: OpOverload) -> OpOverload | None:
    """The overload of an operator that takes a generator; None for what has none."""
    names = {argument.name for argument in func._schema.arguments}
    if "generator" in names:
        return func
    if torch.Tag.nondeterministic_seeded not in func.tags:
        return None
    packet = func.overloadpacket
    for other in (getattr(packet, name) for name in packet.overloads()):
        if {argument.name for argument in other._schema.arguments} == {
            *names,
            "generator",
        }:
            return other
    return None


def _device_of(args: tuple, kwargs: dict) -> torch.device:
    """Device of the result of an operator."""
    device = kwargs.get("device")
    if device is None:
        values = (*args, *kwargs.values())
        devices = (value.device for value in values if isinstance(value, torch.Tensor))
        device = next(devices, "cpu")
    return torch.empty(0, device=device).device  # with its index
