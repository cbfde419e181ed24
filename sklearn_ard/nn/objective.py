"""The objective: the negative evidence lower bound of a network.

A network, its outputs and targets come in; a loss in nats per sample goes out.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from sklearn_ard.nn.layers import checked_ard_layers
from sklearn_ard.nn.likelihoods import LIKELIHOODS
from sklearn_ard.nn.priors import LogAlphaPrior


def kl_divergence(model: nn.Module) -> Tensor:
    """KL divergence of the posterior over a network's weights from their prior.

    Parameters
    ----------
    model : Module
        A network with ARD layers. A layer that is used twice counts once.

    Returns
    -------
    Tensor of shape ()
        In nats, differentiable.

    Raises
    ------
    ValueError
        If the network has no ARD layer.
    """
    layers = checked_ard_layers(model, "kl_divergence")
    # small networks take time per operation: use one for all layers
    together = [layer for layer in layers if isinstance(layer.prior, LogAlphaPrior)]
    terms = [layer.kl().sum() for layer in layers if layer not in together]
    for kind in {type(layer.prior): layer.prior for layer in together}.values():
        alike = [layer for layer in together if type(layer.prior) is type(kind)]
        weight, log_sigma2, mask = (
            torch.cat([getattr(layer, name).flatten() for layer in alike])
            for name in ("weight", "log_sigma2", "mask")
        )
        terms.append(kind.kl(weight, log_sigma2, mask).sum())
    return terms[0] if len(terms) == 1 else torch.stack(terms).sum()


class ELBOLoss(nn.Module):
    """Negative evidence lower bound per sample, to be minimised.

    mean NLL + reg_factor · beta · KL / num_data (Molchanov et al. 2017, eq. 3).

    Parameters
    ----------
    model : Module
        The network whose ARD layers are regularised. Its parameters do not become
        parameters of the loss.
    num_data : float
        Number of training samples, or the sum of their weights: not the batch size.
    likelihood : {"gaussian", "categorical"} or callable, default="gaussian"
        Negative log-likelihood per sample. A callable takes (output, target) and
        returns a tensor of shape (n,), as torch's functional losses do with
        ``reduction="none"``.
    reg_factor : float, default=1.0
        Weight of the KL divergence; 1 is the evidence lower bound itself.

    Attributes
    ----------
    beta : float
        Present weight of the KL divergence, 0 to 1: set it by a :class:`KLWarmup`
        during training. 1 after construction.
    nll_, kl_ : Tensor of shape ()
        The two terms of the last call in nats, the NLL per sample and the KL in all; 0
        where `beta` is, since the KL is not computed then. Without gradients.

    Raises
    ------
    ValueError
        If the model has no ARD layer, num_data is not positive, reg_factor is
        negative or the likelihood is unknown.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ard.nn import DenseARD, ELBOLoss
    >>> model = DenseARD(3, 1, hidden_layer_sizes=(8,))
    >>> criterion = ELBOLoss(model, num_data=100)
    >>> loss = criterion(model(torch.randn(10, 3)), torch.randn(10))
    >>> loss.backward()
    """

    def __init__(
        self,
        model: nn.Module,
        num_data: float,
        likelihood: str | Callable[[Tensor, Tensor], Tensor] = "gaussian",
        reg_factor: float = 1.0,
    ):
        super().__init__()
        checked_ard_layers(model, "ELBOLoss")
        if not num_data > 0:
            raise ValueError(
                "'num_data' of ELBOLoss must be the positive number of training "
                f"samples. Got {num_data!r} instead."
            )
        if not reg_factor >= 0:
            raise ValueError(
                f"'reg_factor' of ELBOLoss must be at least 0. Got {reg_factor!r} "
                "instead."
            )
        if isinstance(likelihood, str):
            if likelihood not in LIKELIHOODS:
                raise ValueError(
                    f"'likelihood' of ELBOLoss must be one of {sorted(LIKELIHOODS)} "
                    f"or a callable. Got {likelihood!r} instead."
                )
            likelihood = LIKELIHOODS[likelihood]()
        assert not isinstance(likelihood, str)
        self._model = (model,)  # in a tuple, so that it is not a submodule
        self.num_data = num_data
        self.likelihood: Callable[[Tensor, Tensor], Tensor] = likelihood
        self.reg_factor = reg_factor
        self.beta = 1.0

    @property
    def kl_factor(self) -> float:
        """What the KL divergence in nats is multiplied by in the loss."""
        return self.reg_factor * self.beta / self.num_data

    def forward(
        self,
        output: Tensor,
        target: Tensor,
        sample_weight: Tensor | None = None,
        model: nn.Module | None = None,
    ) -> Tensor:
        """Objective on a batch, in nats per sample.

        Parameters
        ----------
        output : Tensor of shape (n, n_outputs)
            Outputs of the network.
        target : Tensor of shape (n,) or (n, n_outputs)
            Targets.
        sample_weight : Tensor of shape (n,), optional
            Weights that have mean 1 over the training set.
        model : Module, optional
            The network whose KL divergence is added; by default that of the loss. It
            may be its live part.

        Returns
        -------
        Tensor of shape ()
            The loss.
        """
        nll = self.likelihood(output, target)
        if nll.shape != target.shape[:1]:
            raise ValueError(
                "'likelihood' of ELBOLoss must return one value per sample, of shape "
                f"{tuple(target.shape[:1])}. Got one of shape {tuple(nll.shape)} "
                "instead. Pass reduction='none' to a loss of torch."
            )
        if sample_weight is not None:
            nll = nll * sample_weight
        loss = nll.mean()
        self.nll_, self.kl_ = loss.detach(), torch.zeros_like(loss)
        if self.beta == 0:
            return loss
        kl = kl_divergence(self._model[0] if model is None else model)
        self.kl_ = kl.detach()
        return loss + self.kl_factor * kl
