"""The gradient of the objective as one vector.

That of a dense network is written out: the cost of a small network's step is the number
of its operations and not their size, and autograd more than doubles that number.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sklearn_ard.nn.fast.adam import in_parts
from sklearn_ard.nn.fast.live_network import unit_chain
from sklearn_ard.nn.layers import _EPS, LinearARD, ard_layers
from sklearn_ard.nn.networks import SkipARD
from sklearn_ard.nn.objective import ELBOLoss, kl_divergence
from sklearn_ard.nn.priors import LogAlphaPrior

# Activations whose gradient is written out.
_ACTIVATIONS = {
    nn.ReLU: torch.relu,
    nn.Tanh: torch.tanh,
    nn.Sigmoid: torch.sigmoid,
    nn.SiLU: F.silu,
    nn.GELU: F.gelu,
}
# d h / d z, given z and h = activation(z)
_SLOPES = {
    nn.ReLU: lambda z, h: torch.sign(h),
    nn.Tanh: lambda z, h: 1 - h * h,
    nn.Sigmoid: lambda z, h: h - h * h,
    nn.SiLU: lambda z, h: torch.sigmoid(z) * (1 + z - h),
    nn.GELU: lambda z, h: (
        0.5 * (1 + torch.erf(z / math.sqrt(2)))
        + z * torch.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)
    ),
}


@dataclass(frozen=True)
class _Block:
    """A layer as views of the vectors; the first has the skip's rows below its own."""

    weight: Tensor
    sigma2: Tensor
    weight_t: Tensor  # transposed, as is the variance
    sigma2_t: Tensor
    grad_weight: Tensor
    grad_log_sigma2: Tensor
    bias: Tensor | None
    grad_bias: Tensor | None
    activation: type | None


@dataclass(frozen=True)
class _Part:
    """A stretch of the vectors of all weights."""

    free_weight: Tensor  # as the optimiser has it
    log_sigma2: Tensor
    weight: Tensor  # masked, as is the variance
    sigma2: Tensor
    grad_weight: Tensor
    grad_log_sigma2: Tensor
    mask: Tensor | None  # None where nothing is masked


def gradient_of(model: nn.Module, criterion: ELBOLoss) -> VectorGradient:
    """The fastest gradient that there is for a network."""
    if DenseGradient.applies_to(model, criterion):
        return DenseGradient(model, criterion)
    return VectorGradient(model, criterion)


class VectorGradient:
    """Gradient of an :class:`ELBOLoss` with respect to all parameters, as one vector.

    Parameters
    ----------
    model : Module
        A network with ARD layers.
    criterion : ELBOLoss
        Its objective, or that of a network of which it is the live part.

    Attributes
    ----------
    parameter : Parameter of shape (n,)
        For an optimiser; :meth:`backward` sets its `grad`.
    sources : list of Parameter
        What it is made of.
    """

    def __init__(self, model: nn.Module, criterion: ELBOLoss):
        self._model, self._criterion = model, criterion
        self.sources = self._list_sources()
        n = sum(source.numel() for source in self.sources)
        self.parameter = nn.Parameter(self.sources[0].new_zeros(n))
        self.parameter.grad = torch.zeros_like(self.parameter)
        self.read()

    def _list_sources(self):
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
        """Take the values of network and likelihood."""
        values = [source.flatten() for source in self.sources]
        torch.cat(values, out=self.parameter.data)

    @torch.no_grad()
    def write_back(self) -> None:
        """Give network and likelihood the values of `parameter`."""
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
            As for the :class:`ELBOLoss`, whose `beta` counts.

        Returns
        -------
        nll : Tensor of shape ()
            Negative log-likelihood per sample, in nats.
        output : Tensor of shape (n, n_outputs)
            What the network gave.
        """
        self.write_back()
        criterion = self._criterion
        output = self._model.train()(x)
        nll = (criterion.likelihood(output, target) * sample_weight).mean()
        loss = nll
        if criterion.beta:
            factor = criterion.reg_factor * criterion.beta / criterion.num_data
            loss = nll + factor * kl_divergence(self._model)
        grads = torch.autograd.grad(loss, self.sources, materialize_grads=True)
        torch.cat([grad.flatten() for grad in grads], out=self.parameter.grad)
        return nll.detach(), output.detach()


class DenseGradient(VectorGradient):
    """The same for a dense network, written out.

    It has the values to itself, until :meth:`write_back` gives them to the modules.
    The `sources` are the weights of all layers, the logarithms of their variances, the
    biases and the parameters of the likelihood.

    Parameters
    ----------
    model : Module
        A network that the gradient :meth:`applies_to`.
    criterion : ELBOLoss
        Its objective.

    References
    ----------
    Kingma, Salimans, Welling (2015). Variational Dropout and the Local
    Reparameterization Trick. arXiv:1506.02557, section 2.3.
    """

    def __init__(self, model: nn.Module, criterion: ELBOLoss):
        layers, self._skip = unit_chain(model)
        self._chain = list(zip(layers, _activations(model), strict=True))
        if self._skip is not None:
            layers.insert(1, self._skip)
        self._layers, self._prior = layers, layers[0].prior
        self._n_outputs = len(self._chain[-1][0].mask)
        super().__init__(model, criterion)
        self._lay_out()

    def _list_sources(self):
        return [
            *(layer.weight for layer in self._layers),
            *(layer.log_sigma2 for layer in self._layers),
            *(layer.bias for layer in self._layers if layer.bias is not None),
            *self._criterion.likelihood.parameters(),
        ]

    @staticmethod
    def applies_to(model: nn.Module, criterion: ELBOLoss) -> bool:
        """Whether the gradient of this objective is written out here.

        It is for dense layers one after the other with the usual activations, a linear
        skip connection or none, one prior whose divergence depends on log alpha alone,
        and a likelihood of this package; nothing may be frozen, hooked or
        deterministic.
        """
        layers = ard_layers(model)
        modules = [*model.modules(), *criterion.modules()]
        return (
            bool(unit_chain(model)[0])
            and _activations(model) is not None
            and len({type(layer.prior) for layer in layers}) == 1
            and isinstance(layers[0].prior, LogAlphaPrior)
            and hasattr(criterion.likelihood, "gradient")
            and not any(layer.deterministic for layer in layers)
            and all(p.requires_grad for m in modules for p in m.parameters())
            and not any(m._forward_hooks or m._forward_pre_hooks for m in modules)
        )

    @torch.inference_mode()
    def backward(self, x, target, sample_weight):
        for part in self._parts:
            torch.exp(part.log_sigma2, out=part.sigma2)
            if part.mask is not None:
                part.sigma2.mul_(part.mask)
                torch.mul(part.free_weight, part.mask, out=part.weight)
        output, trace = self._forward(x)
        nll, slope, *others = self._criterion.likelihood.gradient(
            output, target, sample_weight, *(value for value, _ in self._likelihood)
        )
        for (_, grad), value in zip(self._likelihood, others, strict=True):
            grad.copy_(value)
        self._backward(slope, trace)
        for part in self._parts:
            part.grad_log_sigma2.mul_(part.sigma2)
            if part.mask is not None:
                part.grad_weight.mul_(part.mask)
            self._add_kl(part)
        return nll, output

    def _forward(self, x):
        """Sampled output, and per block what its gradient needs."""
        noises = torch.randn(len(x), sum(self._n_rows), device=x.device)
        noises = noises.split_with_sizes(self._n_rows, dim=1)  # split() is in Python
        h, skipped, trace = x, None, []
        for block, noise in zip(self._blocks, noises, strict=True):
            read, square = h, h * h
            std = torch.addmm(self._eps, square, block.sigma2_t).sqrt_()
            z = torch.mm(h, block.weight_t).addcmul_(std, noise)
            if self._skip is not None and skipped is None:
                z, skipped = z.tensor_split([-self._n_outputs], dim=1)
            if block.bias is not None:
                z += block.bias
            h = z if block.activation is None else _ACTIVATIONS[block.activation](z)
            # noise / std: twice the derivative of the output by the variance
            trace.append((read, square, noise.div_(std), z, h))
        return h if skipped is None else h + skipped, trace

    def _backward(self, slope, trace):
        """Gradients of the likelihood by weights, variances and biases."""
        of_output = slope
        for block, (read, square, by_variance, z, h) in zip(
            reversed(self._blocks), reversed(trace), strict=True
        ):
            if block.activation is not None:
                slope = slope * _SLOPES[block.activation](z, h)
            if block.grad_bias is not None:
                torch.sum(slope, dim=0, out=block.grad_bias)
            if self._skip is not None and block is self._blocks[0]:
                slope = torch.cat([slope, of_output], dim=1)
            of_variance = slope * by_variance
            grad = block.grad_log_sigma2  # by the variance, until backward() ends
            torch.addmm(grad, of_variance.T, square, beta=0, alpha=0.5, out=grad)
            torch.mm(slope.T, read, out=block.grad_weight)
            if block is not self._blocks[0]:
                slope = (
                    (of_variance @ block.sigma2).mul_(read).addmm_(slope, block.weight)
                )

    def _add_kl(self, part):
        """Add the gradient of the KL divergence, whose value nobody needs."""
        criterion = self._criterion
        factor = criterion.reg_factor * criterion.beta / criterion.num_data
        if factor == 0:
            return
        square = part.weight.square().add_(_EPS)
        slope = self._prior.slope(square, part.log_sigma2, part.sigma2)
        if part.mask is not None:
            slope.mul_(part.mask)
        part.grad_log_sigma2.add_(slope, alpha=factor)
        inverse = torch.div(part.weight, square, out=square)
        part.grad_weight.addcmul_(slope, inverse, value=-2 * factor)

    def _lay_out(self):
        """Views of the vectors, by layer and in parts."""
        flat, grad = self.parameter.data, self.parameter.grad
        mask = torch.cat([layer.mask.flatten() for layer in self._layers])
        masked, n = not bool(mask.all()), len(mask)
        weight = torch.empty_like(mask) if masked else flat[:n]
        vectors = weight, torch.empty_like(mask), grad[:n], grad[n : 2 * n]
        self._parts = [
            _Part(*parts, mask if masked else None)
            for *parts, mask in zip(
                *map(in_parts, (flat[:n], flat[n : 2 * n], *vectors, mask)), strict=True
            )
        ]
        shapes = [tuple(layer.mask.shape) for layer, _ in self._chain]
        if self._skip is not None:
            shapes[0] = shapes[0][0] + self._n_outputs, shapes[0][1]
        self._n_rows = [n_rows for n_rows, _ in shapes]
        matrices = [
            [part.view(shape) for part, shape in zip(parts, shapes, strict=True)]
            for parts in (v.split([math.prod(s) for s in shapes]) for v in vectors)
        ]
        n_weights = 2 * len(self._layers)
        others = zip(
            self.split(flat)[n_weights:], self.split(grad)[n_weights:], strict=True
        )
        self._blocks, self._eps = [], flat.new_tensor(_EPS)
        for (layer, activation), weight, sigma2, *grads in zip(
            self._chain, *matrices, strict=True
        ):
            bias, grad_bias = (None, None) if layer.bias is None else next(others)
            values = weight, sigma2, weight.T, sigma2.T
            self._blocks.append(_Block(*values, *grads, bias, grad_bias, activation))
        self._likelihood = list(others)


def _activations(model):
    """The activation after each layer (or None) of a dense chain; None for others."""
    found = []
    for module in model.network if type(model) is SkipARD else model:
        exact = getattr(module, "approximate", "none") == "none"  # of GELU
        if type(module) is LinearARD:
            found.append(None)
        elif found and found[-1] is None and type(module) in _ACTIVATIONS and exact:
            found[-1] = type(module)
        elif type(module) is not nn.Identity:
            return None
    return found
