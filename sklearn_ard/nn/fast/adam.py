"""Adam for a single vector of parameters."""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

_PART = 65_536  # entries that a processor works on at a time: they stay in its cache
_BETAS = 0.9, 0.999
_EPS = 1e-8


def in_parts(vector: Tensor) -> tuple[Tensor, ...]:
    """Views of a vector to work on one after the other: one on an accelerator."""
    return vector.split(_PART if vector.device.type == "cpu" else max(len(vector), 1))


class VectorAdam:
    """Adam for a single vector: torch's, with as little around it as there can be.

    To make the first optimiser of ``torch.optim`` in a process takes a second, and a
    step of it as long as a third of the gradient of a small network.

    Parameters
    ----------
    parameter : Parameter of shape (n,)
        What to train; its `grad` is there already.
    lr : float
        Learning rate.

    Attributes
    ----------
    param_groups : list of one dict
        As in torch: ``lr`` may be set between steps.
    n_steps : int
        Steps so far.
    mean, square : Tensor of shape (n,)
        Moving averages of the gradient and of its square.

    References
    ----------
    Kingma, Ba (2015). Adam: A Method for Stochastic Optimization. arXiv:1412.6980.
    """

    def __init__(self, parameter: nn.Parameter, lr: float):
        self.param_groups = [{"params": [parameter], "lr": lr}]
        self.n_steps = 0
        self.mean = torch.zeros_like(parameter.data)
        self.square = torch.zeros_like(parameter.data)
        self._split()

    def _split(self):
        parameter = self.param_groups[0]["params"][0]
        vectors = parameter.data, parameter.grad, self.mean, self.square
        self._parts = list(zip(*map(in_parts, vectors), strict=True))

    @torch.inference_mode()
    def step(self) -> None:
        """Update the parameter by its gradient."""
        self.n_steps += 1
        first, second = (1 - beta**self.n_steps for beta in _BETAS)
        root_second = math.sqrt(second)
        rate = self.param_groups[0]["lr"] / first * root_second
        for value, grad, mean, square in self._parts:
            mean.lerp_(grad, 1 - _BETAS[0])
            square.mul_(_BETAS[1]).addcmul_(grad, grad, value=1 - _BETAS[1])
            root = square.sqrt().add_(_EPS * root_second)
            value.addcdiv_(mean, root, value=-rate)

    def resume(self, other: "VectorAdam", change: Callable[[Tensor], Tensor]) -> None:
        """Go on where another one was.

        Parameters
        ----------
        other : VectorAdam
            Of the same parameters, or of more.
        change : callable
            Takes a vector as long as the other's and returns one as long as this one's.
        """
        self.n_steps = other.n_steps
        self.mean, self.square = change(other.mean), change(other.square)
        self._split()

    def __getstate__(self):
        return {**vars(self), "_parts": None}  # views would be stored as a whole each

    def __setstate__(self, state):
        vars(self).update(state)
        parameter = self.param_groups[0]["params"][0]
        if parameter.grad is None:
            parameter.grad = torch.zeros_like(parameter)
        self._split()
