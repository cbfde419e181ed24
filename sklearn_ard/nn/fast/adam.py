"""Adam for a single vector of parameters.

A parameter with its gradient comes in; its value is updated.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

_BETAS = 0.9, 0.999
_EPS = 1e-8


class VectorAdam:
    """The fused Adam of torch for a single vector, without the overhead of its class.

    Creating the first optimiser of ``torch.optim`` in a process takes a second, and for
    a small network its overhead is three quarters of the time of a step.

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
    mean, square : Tensor of shape (n,)
        Moving averages of the gradient and of its square.

    References
    ----------
    Kingma, Ba (2015). Adam: A Method for Stochastic Optimization. arXiv:1412.6980.
    """

    def __init__(self, parameter: nn.Parameter, lr: float):
        self.param_groups: list[dict[str, Any]] = [{"params": [parameter], "lr": lr}]
        self.mean = torch.zeros_like(parameter.data)
        self.square = torch.zeros_like(parameter.data)
        self._n_steps = torch.zeros((), dtype=torch.float32, device=parameter.device)

    @property
    def n_steps(self) -> int:
        """Steps so far."""
        return int(self._n_steps)

    @torch.inference_mode()
    def step(self) -> None:
        """Update the parameter by its gradient."""
        (parameter,) = self.param_groups[0]["params"]
        self._n_steps.add_(1)
        torch._fused_adam_(
            [parameter],
            [parameter.grad],
            [self.mean],
            [self.square],
            [],
            [self._n_steps],
            lr=self.param_groups[0]["lr"],
            beta1=_BETAS[0],
            beta2=_BETAS[1],
            eps=_EPS,
            weight_decay=0.0,
            amsgrad=False,
            maximize=False,
        )

    def resume(self, other: "VectorAdam", change: Callable[[Tensor], Tensor]) -> None:
        """Continue from the state of another optimiser.

        Parameters
        ----------
        other : VectorAdam
            Of the same parameters, or of more.
        change : callable
            Takes a vector as long as the other's and returns one as long as this one's.
        """
        self.load(change(other.mean), change(other.square), other.n_steps)

    def load(self, mean: Tensor, square: Tensor, n_steps: int) -> None:
        """Continue from moving averages of shape (n,) after some steps."""
        device = self.mean.device
        self._n_steps.fill_(n_steps)
        self.mean, self.square = mean.to(device), square.to(device)

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        (parameter,) = self.param_groups[0]["params"]
        if parameter.grad is None:  # it is not pickled
            parameter.grad = torch.zeros_like(parameter)
