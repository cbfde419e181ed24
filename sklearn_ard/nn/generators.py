"""Random numbers of torch's own operators from a given generator.

A generator comes in; while the context is open, every random operator that was not
given a generator draws from it, and torch's global random state is not read.
"""

from functools import cache

import torch
from torch.utils._python_dispatch import TorchDispatchMode

_aten = torch.ops.aten


class drawn_from(TorchDispatchMode):  # noqa: N801 (a context, as torch.no_grad is)
    """Context in which random operators of torch draw from a generator.

    For code of others that cannot be handed one: dropout in a forward method, the
    initial weights of :class:`torch.nn.Linear`. It costs some time in every operator.

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
    >>> from sklearn_ard.nn.generators import drawn_from
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

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        if func is _aten.native_dropout.default:
            return self._dropout(*args, **kwargs)
        random = _random_overload(func)
        if random is None:
            return func(*args, **kwargs)
        names = [argument.name for argument in random._schema.arguments]
        position = names.index("generator")
        given = [*args[position:], kwargs.get("generator")][0]
        if given is None:
            kwargs["generator"] = self._on(_device_of(args, kwargs))
            return random(*args[:position], **kwargs)
        return func(*args, **kwargs)

    def _dropout(self, x, p, train=True):
        """What the operator of this name does, which takes no generator."""
        mask = torch.ones_like(x, dtype=torch.bool)
        if train is False:
            return x.clone(), mask
        mask.bernoulli_(1 - p, generator=self._on(x.device))
        return x * mask * (1 / (1 - p) if p < 1 else 0.0), mask

    def _on(self, device):
        if device not in self._generators:
            seed = torch.randint(
                2**62, (), generator=self._generator, device=self._generator.device
            )
            other = torch.Generator(device).manual_seed(int(seed))
            self._generators[device] = other
        return self._generators[device]


@cache
def _random_overload(func):
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


def _device_of(args, kwargs):
    """Where the result of an operator lies."""
    device = kwargs.get("device")
    if device is None:
        values = (*args, *kwargs.values())
        found = (value.device for value in values if isinstance(value, torch.Tensor))
        device = next(found, "cpu")
    return torch.empty(0, device=device).device  # with its index
