"""The objective: likelihoods, the KL divergence of a network, and the two together."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sklearn_ard.nn.layers import ard_layers
from sklearn_ard.nn.priors import LogAlphaPrior


class GaussianLikelihood(nn.Module):
    """Gaussian noise of unknown variance, one per output.

    Parameters
    ----------
    n_outputs : int, default=1
        Number of outputs.

    Attributes
    ----------
    log_noise_variance : Parameter of shape (n_outputs,)
        Natural logarithm of the noise variance, learned with the network.
    """

    def __init__(self, n_outputs=1):
        super().__init__()
        self.log_noise_variance = nn.Parameter(torch.zeros(n_outputs))

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        """Negative log-likelihood in nats, shape (n,); both inputs (n, n_outputs)."""
        log_variance = self.log_noise_variance
        squared = (output - target.reshape(output.shape)).square()
        nll = squared * torch.exp(-log_variance) + log_variance + math.log(2 * math.pi)
        return 0.5 * nll.sum(dim=1)

    @staticmethod
    def gradient(output, target, sample_weight, log_noise_variance):
        """Weighted mean of the NLL in nats, its gradient by output and by parameter."""
        weight = sample_weight[:, None] / len(output)
        residual = output - target.reshape(output.shape)
        slope = (residual * weight).mul_(torch.exp(-log_noise_variance))
        squared = torch.linalg.vecdot(residual, slope, dim=0)
        n_weighted = weight.sum()
        constant = n_weighted * (log_noise_variance + math.log(2 * math.pi))
        return (
            (constant + squared).sum() * 0.5,
            slope,
            torch.sub(n_weighted, squared).mul_(0.5),
        )


class CategoricalLikelihood(nn.Module):
    """One of several classes, with the network's outputs as logits."""

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        """Negative log-likelihood in nats, shape (n,); (n, n_classes) and (n,) in."""
        return F.cross_entropy(output, target, reduction="none")

    @staticmethod
    def gradient(output, target, sample_weight):
        """Weighted mean of the NLL in nats, and its gradient by the output."""
        weight = sample_weight[:, None] / len(output)
        log_share = F.log_softmax(output, dim=1)
        column = target[:, None]
        nll = -(log_share.gather(1, column) * weight).sum()
        slope = log_share.exp_().mul_(weight)
        return nll, slope.scatter_add_(1, column, -weight)


_LIKELIHOODS = {"gaussian": GaussianLikelihood, "categorical": CategoricalLikelihood}


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
    layers = ard_layers(model)
    if not layers:
        raise ValueError(
            f"'model' must contain ARD layers (LinearARD, Conv2dARD, ...). "
            f"Got {type(model).__name__} with none instead."
        )
    # a small network's cost is its number of operations: one for all layers at once
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
        Share of the KL divergence that counts at present, 0 to 1: set it to a
        :class:`KLWarmup` as training goes on. 1 after construction.
    nll_, kl_ : Tensor of shape ()
        The two terms of the last call in nats, the NLL per sample and the KL in all; 0
        where `beta` is, since the KL is not computed then.

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

    def __init__(self, model, num_data, likelihood="gaussian", reg_factor=1.0):
        super().__init__()
        if not ard_layers(model):
            raise ValueError(
                "'model' of ELBOLoss must contain ARD layers (LinearARD, Conv2dARD, "
                f"...). Got {type(model).__name__} with none instead."
            )
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
            if likelihood not in _LIKELIHOODS:
                raise ValueError(
                    f"'likelihood' of ELBOLoss must be one of {sorted(_LIKELIHOODS)} "
                    f"or a callable. Got {likelihood!r} instead."
                )
            likelihood = _LIKELIHOODS[likelihood]()
        self._model = (model,)  # in a tuple, so that it is not a submodule
        self.num_data = num_data
        self.likelihood = likelihood
        self.reg_factor = reg_factor
        self.beta = 1.0

    def forward(
        self, output: Tensor, target: Tensor, sample_weight: Tensor | None = None
    ) -> Tensor:
        """Objective on a batch, in nats per sample.

        Parameters
        ----------
        output : Tensor of shape (n, n_outputs)
            What the network gave.
        target : Tensor of shape (n,) or (n, n_outputs)
            What it should have given.
        sample_weight : Tensor of shape (n,), optional
            Weights that have mean 1 over the training set.

        Returns
        -------
        Tensor of shape ()
            The loss.
        """
        nll = self.likelihood(output, target)
        if sample_weight is not None:
            nll = nll * sample_weight
        self.nll_ = nll.mean()
        if self.beta == 0:
            self.kl_ = torch.zeros_like(self.nll_)
            return self.nll_
        self.kl_ = kl_divergence(self._model[0])
        factor = self.reg_factor * self.beta / self.num_data
        return self.nll_ + factor * self.kl_


class KLWarmup:
    """Weight of the KL divergence during training: 0, then a rise, then 1.

    With the KL at full weight from the first step any prior prunes everything, since
    the network has not learned yet what its weights are good for.

    Parameters
    ----------
    start, stop : float, default=0.05, 0.4
        Shares of the training (0 to 1) at which the weight leaves 0 and reaches 1.
    first : float, default=0.0
        0 for a straight line from `start` to `stop`. Otherwise the weight at `start`,
        from where it rises geometrically: much longer under small weights, so that the
        network fits the data before it is pruned.

    Examples
    --------
    >>> from sklearn_ard.nn import KLWarmup
    >>> warmup = KLWarmup(start=0.0, stop=0.5)
    >>> [warmup(progress) for progress in (0.0, 0.25, 0.5, 1.0)]
    [0.0, 0.5, 1.0, 1.0]
    >>> warmup = KLWarmup(start=0.0, stop=0.5, first=0.01)
    >>> [round(warmup(progress), 3) for progress in (0.0, 0.25, 0.5, 1.0)]
    [0.01, 0.1, 1.0, 1.0]
    """

    def __init__(self, start=0.05, stop=0.4, first=0.0):
        self.start = start
        self.stop = stop
        self.first = first

    def __call__(self, progress: float) -> float:
        """Weight (0 to 1) after that share of the training (0 to 1)."""
        if progress >= self.stop:
            return 1.0
        if progress < self.start:
            return 0.0
        share = (progress - self.start) / (self.stop - self.start)
        return share if self.first == 0 else self.first ** (1 - share)
