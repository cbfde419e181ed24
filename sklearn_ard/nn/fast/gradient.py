"""The gradient of the objective as one vector, by autograd.

A network, its objective and batches come in; one vector of parameters with its gradient
goes out.
"""

import torch
from torch import Tensor, nn

from sklearn_ard.nn.noise import noise_from
from sklearn_ard.nn.objective import ELBOLoss


class VectorGradient:
    """Gradient of an :class:`ELBOLoss` with respect to all parameters, as one vector.

    Parameters
    ----------
    model : Module
        A network with ARD layers.
    criterion : ELBOLoss
        Its objective, or that of a network of which it is the live part.
    generator : torch.Generator, optional
        Where the noise comes from, on the device of the network; torch's global one by
        default.

    Attributes
    ----------
    parameter : Parameter of shape (n,)
        For an optimiser; :meth:`backward` sets its `grad`.
    sources : list of Parameter
        The parameters that it consists of.
    """

    def __init__(
        self,
        model: nn.Module,
        criterion: ELBOLoss,
        generator: torch.Generator | None = None,
    ):
        self._model, self._criterion = model, criterion
        self._noise = noise_from(model, generator)
        self.sources = self._list_sources()
        n = sum(source.numel() for source in self.sources)
        self.parameter = nn.Parameter(self.sources[0].new_zeros(n))
        self.parameter.grad = torch.zeros_like(self.parameter)
        self.read()

    def _list_sources(self) -> list[Tensor]:
        return [*self._model.parameters(), *self._criterion.parameters()]

    def split(self, vector: Tensor) -> list[Tensor]:
        """A vector like `parameter` in views of the shapes of the `sources`."""
        parts = vector.split([source.numel() for source in self.sources])
        return [
            part.view(source.shape)
            for part, source in zip(parts, self.sources, strict=True)
        ]

    @torch.no_grad()
    def read(self) -> None:
        """Copy the values of network and likelihood to `parameter`."""
        values = [source.flatten() for source in self.sources]
        torch.cat(values, out=self.parameter.data)

    @torch.no_grad()
    def write_back(self) -> None:
        """Copy the values of `parameter` to network and likelihood."""
        for source, part in zip(
            self.sources, self.split(self.parameter.data), strict=True
        ):
            source.copy_(part)

    def backward(
        self, x: Tensor, target: Tensor, sample_weight: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Set the gradient of the objective on a batch.

        Parameters
        ----------
        x : Tensor of shape (n, n_inputs)
            Inputs.
        target, sample_weight : Tensor
            As for the :class:`ELBOLoss`, whose `beta` is used.

        Returns
        -------
        nll : Tensor of shape ()
            Negative log-likelihood per sample, in nats.
        output : Tensor of shape (n, n_outputs)
            Outputs of the network.
        """
        self.write_back()
        with self._noise:
            output = self._model.train()(x)
        loss = self._criterion(output, target, sample_weight, self._model)
        grads = torch.autograd.grad(loss, self.sources, materialize_grads=True)
        torch.cat([grad.flatten() for grad in grads], out=self.parameter.grad)
        return self._criterion.nll_, output.detach()
