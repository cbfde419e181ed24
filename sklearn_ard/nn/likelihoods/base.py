"""The interface of a likelihood: what training knows of it."""

from collections.abc import Sequence

from torch import Tensor, nn


class Likelihood(nn.Module):
    """Base of the likelihoods; its parameters are trained with the network.

    A subclass has a ``forward``. With a `gradient` as well, dense networks train
    without autograd, in less than half of the time.
    """

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        """Negative log-likelihood of every sample.

        Parameters
        ----------
        output : Tensor of shape (n, n_outputs)
            Outputs of the network.
        target : Tensor of shape (n,) or (n, n_outputs)
            Targets.

        Returns
        -------
        Tensor of shape (n,)
            In nats, differentiable.
        """
        raise NotImplementedError

    def gradient(
        self, output: Tensor, target: Tensor, sample_weight: Tensor, *parameters: Tensor
    ) -> tuple[Tensor, ...]:
        """Weighted mean of the negative log-likelihood, and its gradient.

        Parameters
        ----------
        output, target
            As in :meth:`forward`.
        sample_weight : Tensor of shape (n,)
            Weights.
        *parameters : Tensor
            Values of the parameters of the likelihood.

        Returns
        -------
        tuple of Tensor
            The mean in nats, its gradient by the output, and by each parameter.
        """
        raise NotImplementedError

    def average_(self, others: Sequence["Likelihood"]) -> None:
        """Set the parameters to the mean of those of several likelihoods, if any."""
