"""The gradient of the objective of a dense network, written out.

As in :mod:`sklearn_ard.nn.fast.gradient` a network, its objective and batches come in,
and one vector with its gradient goes out. The time of a step of a small network depends
on the number of operations, and autograd more than doubles that number.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from sklearn_ard.nn.activations import Activation, activation_of
from sklearn_ard.nn.chain import Chain, chain_of
from sklearn_ard.nn.fast.gradient import VectorGradient
from sklearn_ard.nn.layers import LinearARD, ard_layers, has_hooks
from sklearn_ard.nn.likelihoods import Likelihood
from sklearn_ard.nn.mixin import reparameterize
from sklearn_ard.nn.objective import ELBOLoss
from sklearn_ard.nn.priors import EPS, LogAlphaPrior

_PART = 65_536  # entries that a processor works on at a time: they stay in its cache

_Trace = tuple[Tensor, Tensor, Tensor, Tensor, Tensor]  # of a block, see _forward


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
    function: Callable[[Tensor], Tensor] | None
    slope: Callable[[Tensor, Tensor], Tensor] | None


@dataclass(frozen=True)
class _Part:
    """A section of the vectors of all weights."""

    free_weight: Tensor  # as the optimiser has it
    log_sigma2: Tensor
    weight: Tensor  # masked, as is the variance
    sigma2: Tensor
    grad_weight: Tensor
    grad_log_sigma2: Tensor
    mask: Tensor | None  # None where nothing is masked


class DenseGradient(VectorGradient):
    """Gradient of an :class:`ELBOLoss` of a dense network, written out.

    Modules have the values of `parameter` after :meth:`write_back` only. The `sources`
    are the weights of all layers, the logarithms of their variances, the biases and the
    parameters of the likelihood.

    Parameters
    ----------
    model : Module
        A network that the gradient :meth:`applies_to`.
    criterion : ELBOLoss
        Its objective.
    generator : torch.Generator, optional
        As in :class:`VectorGradient`.

    References
    ----------
    Kingma, Salimans, Welling (2015). Variational Dropout and the Local
    Reparameterization Trick. arXiv:1506.02557, section 2.3.
    """

    def __init__(
        self,
        model: nn.Module,
        criterion: ELBOLoss,
        generator: torch.Generator | None = None,
    ):
        chain = chain_of(model)
        layers, self._skip = list(chain.layers), chain.skip
        self._chain = list(zip(layers, _activations(chain) or [], strict=True))
        if self._skip is not None:
            layers.insert(1, self._skip)
        prior, likelihood = layers[0].prior, criterion.likelihood
        assert isinstance(prior, LogAlphaPrior) and isinstance(likelihood, Likelihood)
        self._layers, self._prior, self._likelihood = layers, prior, likelihood
        self._n_outputs = len(self._chain[-1][0].mask)
        self._generator = generator
        super().__init__(model, criterion, generator)
        self._lay_out()

    def _list_sources(self) -> list[Tensor]:
        return [
            *(layer.weight for layer in self._layers),
            *(layer.log_sigma2 for layer in self._layers),
            *(layer.bias for layer in self._layers if layer.bias is not None),
            *self._likelihood.parameters(),
        ]

    @staticmethod
    def applies_to(model: nn.Module, criterion: ELBOLoss) -> bool:
        """Whether the gradient of this objective is written out here.

        It is for dense layers one after the other with the usual activations, a linear
        skip connection or none, one prior whose divergence depends on log alpha alone,
        and a likelihood of this package; nothing may be frozen, hooked or
        deterministic.
        """
        chain, layers = chain_of(model), ard_layers(model)
        modules = [*model.modules(), *criterion.modules()]
        return (
            bool(chain.layers)
            and _activations(chain) is not None
            and len({type(layer.prior) for layer in layers}) == 1
            and isinstance(layers[0].prior, LogAlphaPrior)
            and isinstance(criterion.likelihood, Likelihood)
            and type(criterion.likelihood).gradient is not Likelihood.gradient
            and not any(layer.deterministic for layer in layers)
            and all(p.requires_grad for m in modules for p in m.parameters())
            and not any(map(has_hooks, modules))
        )

    @torch.inference_mode()
    def backward(
        self, x: Tensor, target: Tensor, sample_weight: Tensor
    ) -> tuple[Tensor, Tensor]:
        for part in self._parts:
            torch.exp(part.log_sigma2, out=part.sigma2)
            if part.mask is not None:
                part.sigma2.mul_(part.mask)
                torch.mul(part.free_weight, part.mask, out=part.weight)
        output, trace = self._forward(x)
        nll, slope, *others = self._likelihood.gradient(
            output, target, sample_weight, *(value for value, _ in self._shapes)
        )
        for (_, grad), value in zip(self._shapes, others, strict=True):
            grad.copy_(value)
        self._backward(slope, trace)
        for part in self._parts:
            part.grad_log_sigma2.mul_(part.sigma2)
            if part.mask is not None:
                part.grad_weight.mul_(part.mask)
            self._add_kl(part)
        return nll, output

    def _forward(self, x: Tensor) -> tuple[Tensor, list[_Trace]]:
        """Sampled output, and per block what its gradient needs."""
        shape = len(x), sum(self._n_rows)
        options: dict[str, Any] = {"dtype": x.dtype, "device": x.device}
        noise = torch.randn(shape, generator=self._generator, **options)
        noises = noise.split_with_sizes(self._n_rows, dim=1)  # split() is in Python
        h, skipped = x, None
        trace: list[_Trace] = []
        for block, noise in zip(self._blocks, noises, strict=True):
            read, square = h, h * h
            variance = torch.mm(square, block.sigma2_t)
            z, std = reparameterize(torch.mm(h, block.weight_t), variance, noise)
            if self._skip is not None and skipped is None:
                z, skipped = z.tensor_split([-self._n_outputs], dim=1)
            if block.bias is not None:
                z += block.bias
            h = z if block.function is None else block.function(z)
            # noise / std: twice the derivative of the output by the variance
            trace.append((read, square, noise.div_(std), z, h))
        return h if skipped is None else h + skipped, trace

    def _backward(self, slope: Tensor, trace: list[_Trace]) -> None:
        """Gradients of the likelihood by weights, variances and biases."""
        of_output = slope
        for block, (read, square, by_variance, z, h) in zip(
            reversed(self._blocks), reversed(trace), strict=True
        ):
            if block.slope is not None:
                slope = slope * block.slope(z, h)
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

    def _add_kl(self, part: _Part) -> None:
        """Add the gradient of the KL divergence, whose value is not needed."""
        factor = self._criterion.kl_factor
        if factor == 0:
            return
        square = part.weight.square().add_(EPS)
        slope = self._prior.slope(square, part.log_sigma2, part.sigma2)
        if part.mask is not None:
            slope.mul_(part.mask)
        part.grad_log_sigma2.add_(slope, alpha=factor)
        inverse = torch.div(part.weight, square, out=square)
        part.grad_weight.addcmul_(slope, inverse, value=-2 * factor)

    def _lay_out(self) -> None:
        """Views of the vectors, by layer and in parts."""
        flat, grad = self.parameter.data, self.parameter.grad
        assert grad is not None
        mask = torch.cat([layer.mask.flatten() for layer in self._layers])
        masked, n = not bool(mask.all()), len(mask)
        weight = torch.empty_like(mask) if masked else flat[:n]
        vectors = weight, torch.empty_like(mask), grad[:n], grad[n : 2 * n]
        parts = [_in_parts(vector) for vector in (flat[:n], flat[n : 2 * n], *vectors)]
        masks = _in_parts(mask) if masked else [None] * len(parts[0])
        self._parts = [_Part(*part) for part in zip(*parts, masks, strict=True)]
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
        self._blocks = []
        for (layer, activation), weight, sigma2, grad_weight, grad_log_sigma2 in zip(
            self._chain, *matrices, strict=True
        ):
            bias, grad_bias = (None, None) if layer.bias is None else next(others)
            self._blocks.append(
                _Block(
                    weight,
                    sigma2,
                    weight.T,
                    sigma2.T,
                    grad_weight,
                    grad_log_sigma2,
                    bias,
                    grad_bias,
                    activation and activation.function,
                    activation and activation.slope,
                )
            )
        self._shapes = list(others)


def _activations(chain: Chain) -> list[Activation | None] | None:
    """The activation after each layer, or None; None for what is not written out."""
    activations = []
    for modules in chain.between:
        modules = [module for module in modules if type(module) is not nn.Identity]
        known = activation_of(modules[0]) if len(modules) == 1 else None
        if modules and (known is None or known.slope is None):
            return None
        activations.append(known)
    before, *after = activations
    dense = all(type(layer) is LinearARD for layer in chain.layers)
    return after if dense and before is None else None


def _in_parts(vector: Tensor) -> tuple[Tensor, ...]:
    """Views of a vector to work on one after the other: one on an accelerator."""
    return vector.split(_PART if vector.device.type == "cpu" else max(len(vector), 1))


def gradient_of(
    model: nn.Module,
    criterion: ELBOLoss,
    generator: torch.Generator | None = None,
) -> VectorGradient:
    """The fastest gradient that is available for a network.

    Parameters
    ----------
    model, criterion, generator
        As in :class:`VectorGradient`.

    Returns
    -------
    VectorGradient
        A :class:`DenseGradient` where it applies.
    """
    kind = VectorGradient
    if DenseGradient.applies_to(model, criterion):
        kind = DenseGradient
    return kind(model, criterion, generator)
