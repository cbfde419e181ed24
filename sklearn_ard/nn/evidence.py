"""The evidence lower bound of a network, and what it loses without each input.

A network, its objective and data come in; nats go out. The prior of single weights
finds the inputs that matter, but keeps most others by a few weak weights. Here an input
is removed as a whole, if that lowers the bound by less than a price.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from sklearn_ard.nn.chain import is_dense
from sklearn_ard.nn.layers import LinearARD, ard_layers
from sklearn_ard.nn.mixin import ARDMixin
from sklearn_ard.nn.noise import noise_from
from sklearn_ard.nn.objective import ELBOLoss, kl_divergence
from sklearn_ard.nn.pruning import input_layers, modes_restored

N_DRAWS = 4  # of the noise, the same for every input
MAX_ROWS = 8000  # times draws; more do not improve the decisions
MAX_IMAGES = 2000  # the same for convolutions, whose maps also fill the memory
_SEEDS = 2**62


@torch.no_grad()
def weigh_inputs(
    model: nn.Module,
    criterion: ELBOLoss,
    x: Tensor,
    target: Tensor,
    sample_weight: Tensor | None = None,
    *,
    cost: float | Tensor | None = None,
    groups: Tensor | None = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Nats by which the evidence lower bound falls without each input, or group.

    They are taken in the order of the KL divergence of their weights, smallest first.
    With a `cost`, one is removed, and the next are weighed without it, if NLL +
    reg_factor · KL over the training set rises by less than the cost.

    Parameters
    ----------
    model : Module
        A network whose first layers are ARD layers.
    criterion : ELBOLoss
        Its objective; the KL divergence counts in full.
    x : Tensor of shape (n, n_inputs)
        Training inputs, scaled so that 0 is the value of a removed input. Of more than
        8,000 rows, 8,000 are drawn; of rows for convolutions 2,000.
    target : Tensor of shape (n,) or (n, n_outputs)
        Training targets.
    sample_weight : Tensor of shape (n,), optional
        Weights that have mean 1.
    cost : float or Tensor of shape (n_groups,), optional
        Price of each in nats; None removes nothing. What costs -inf is not weighed.
    groups : int Tensor of shape (n_inputs,) or (n_channels,), optional
        The group of each input, from 0: inputs of one group are removed as one. None
        makes every input a group.
    generator : torch.Generator, optional
        Where draws come from, on the device of `x`; torch's global one by default.

    Returns
    -------
    Tensor of shape (n_groups,)
        In nats over the whole training set; 0 for those that are not in use, negative
        where the objective would be better without. Empty where no ARD layer reads the
        input itself.

    Notes
    -----
    The expected NLL is estimated from up to four draws of the noise (as many as make
    that number of rows), the same with and without every input (common random numbers).
    """
    if sample_weight is None:
        sample_weight = torch.ones(len(x), dtype=x.dtype, device=x.device)
    max_rows = MAX_ROWS if is_dense(model) else MAX_IMAGES
    if len(x) > max_rows:
        rows = torch.randperm(len(x), generator=generator, device=x.device)[:max_rows]
        x, target, sample_weight = x[rows], target[rows], sample_weight[rows]
    layers = input_layers(model, x)
    if not layers:
        return x.new_zeros(0)
    draws = min(N_DRAWS, max(1, max_rows // len(x)))
    nats = criterion.num_data / (sample_weight.sum() * draws)
    x = x.repeat(draws, *[1] * (x.dim() - 1))
    target = target.repeat(draws, *[1] * (target.dim() - 1))
    sample_weight = sample_weight.repeat(draws)
    none = x.new_zeros(())
    live = sum((layer.per_input(layer.mask) for layer in layers), none) > 0
    kl = sum((layer.per_input(layer.kl()) for layer in layers), none)
    kl = kl * criterion.reg_factor
    if groups is None:
        groups = torch.arange(len(live), device=x.device)
    n_groups = int(groups.max()) + 1
    evidence = kl.new_zeros(n_groups)
    if cost is not None:
        cost = torch.as_tensor(cost, dtype=x.dtype, device=x.device).expand(n_groups)
    kl = torch.zeros_like(evidence).index_add(0, groups, kl)
    is_live = torch.zeros(n_groups, dtype=torch.bool, device=x.device)
    is_live[groups[live]] = True
    members = torch.argsort(groups, stable=True)
    members = members.split(torch.bincount(groups, minlength=n_groups).tolist())

    def expected_nll() -> float:
        noise.rewind()
        nll = criterion.likelihood(model(x), target) * sample_weight
        return float(nll.sum() * nats)

    with (
        _sampling(model),
        _repeated_noise(model, x.device, generator) as noise,
        _cached(layers, x) as cache,
    ):
        nll = expected_nll()
        for j in torch.argsort(kl).tolist():
            if not is_live[j] or (cost is not None and cost[j] == -math.inf):
                continue
            cache.remove(members[j])
            nll_without = expected_nll()
            evidence[j] = nll_without - nll - float(kl[j])
            if cost is not None and evidence[j] < cost[j]:
                nll, evidence[j], is_live[j] = nll_without, 0.0, False
            else:
                cache.put_back()
    if cost is not None:
        for layer in layers:
            layer.mask_inputs_(live & is_live[groups])
    return evidence


def elbo(
    model: nn.Module,
    criterion: ELBOLoss,
    x: Tensor,
    target: Tensor,
    sample_weight: Tensor | None = None,
    *,
    generator: torch.Generator | None = None,
) -> float:
    """Evidence lower bound of the whole training set, in nats.

    Parameters
    ----------
    model, criterion, x, target, sample_weight, generator
        As in :func:`weigh_inputs`.

    Returns
    -------
    float
        Expected log-likelihood less the KL divergence, whatever the reg_factor.
    """
    if sample_weight is None:
        sample_weight = torch.ones(len(x), dtype=x.dtype, device=x.device)
    total, at_once = 0.0, MAX_ROWS if is_dense(model) else MAX_IMAGES
    with torch.no_grad(), _sampling(model), noise_from(model, generator):
        for rows in torch.arange(len(x), device=x.device).split(at_once):
            for _ in range(N_DRAWS):
                nll = criterion.likelihood(model(x[rows]), target[rows])
                total += float((nll * sample_weight[rows]).sum()) / N_DRAWS
        kl = float(kl_divergence(model))
    return -total * criterion.num_data / float(sample_weight.sum()) - kl


@contextmanager
def _sampling(model: nn.Module) -> Iterator[None]:
    """Context in which ARD layers sample and all else is in evaluation mode.

    In training mode batch norm would change its statistics, and dropout would add noise
    that is not the posterior's.
    """
    with modes_restored(model):
        model.eval()
        for layer in ard_layers(model):
            layer.train()
        yield


class _RepeatedNoise:
    """Noise that is the same in every pass through a network.

    Dense layers store theirs, since drawing it takes most of the time of a pass; that
    of convolutions, which would fill the memory, is drawn again from the same state of
    a generator.
    """

    def __init__(self, generator: torch.Generator):
        self.generator = generator
        self._state = generator.get_state()
        self._drawn: list[Tensor] = []
        self._next = 0

    def rewind(self) -> None:
        """Start another pass."""
        self.generator.set_state(self._state)
        self._next = 0

    def draw(self, like: Tensor) -> Tensor:
        """As :meth:`ARDMixin.draw_noise`, for layers whose noise is kept."""
        if self._next == len(self._drawn):
            noise = torch.empty_like(like).normal_(generator=self.generator)
            self._drawn.append(noise)
        self._next += 1
        return self._drawn[self._next - 1]


@contextmanager
def _repeated_noise(
    model: nn.Module, device: torch.device, generator: torch.Generator | None
) -> Iterator[_RepeatedNoise]:
    """Context in which a network draws the same noise in every pass."""
    seed = torch.randint(_SEEDS, (), generator=generator, device=device)
    private = torch.Generator(device).manual_seed(int(seed))
    noise = _RepeatedNoise(private)
    kept = ard_layers(model) if is_dense(model) else []
    for layer in kept:
        vars(layer)["draw_noise"] = noise.draw
    try:
        with noise_from(model, private):
            yield noise
    finally:
        for layer in kept:
            del layer.draw_noise


class _Cache:
    """Moments of the outputs of the input layers, updated while inputs are removed.

    The rest of the network is unchanged; only the first product, by far the largest of
    a network with many inputs, is replaced by a subtraction.
    """

    def __init__(self, layers: dict[ARDMixin, torch.Size], x: Tensor):
        self._inputs = {layer: x.view(-1, *shape) for layer, shape in layers.items()}
        self._moments = {
            layer: self._moments_of(layer, bias=layer.bias) for layer in layers
        }
        self._before = self._moments

    def _moments_of(
        self, layer: ARDMixin, inputs: Tensor | None = None, bias: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Mean and variance that all inputs give, or some alone."""
        x, mask = self._inputs[layer], layer.mask
        weight: Tensor = layer.weight
        log_sigma2: Tensor = layer.log_sigma2
        if inputs is not None and isinstance(layer, LinearARD):
            x, mask = x[..., inputs], mask[:, inputs]
            weight, log_sigma2 = weight[:, inputs], log_sigma2[:, inputs]
        elif inputs is not None:
            mask = mask * layer.leaves_inputs(inputs)
        mean = layer._map(x, weight * mask, bias)
        return mean, layer._map(x.square(), log_sigma2.exp() * mask, None)

    def remove(self, inputs: Tensor) -> None:
        """Take some inputs out of all layers."""
        self._before = self._moments
        self._moments = {}
        for layer, (mean, variance) in self._before.items():
            own_mean, own = self._moments_of(layer, inputs)
            self._moments[layer] = mean - own_mean, (variance - own).clamp(min=0)

    def put_back(self) -> None:
        """Undo the last removal."""
        self._moments = self._before

    def output(self, layer: ARDMixin) -> Tensor:
        """A sample of the output of a layer."""
        return layer.sample(*self._moments[layer])


@contextmanager
def _cached(layers: dict[ARDMixin, torch.Size], x: Tensor) -> Iterator[_Cache]:
    """Context in which `layers` sample from a cache instead of reading their input."""
    cache = _Cache(layers, x)
    for layer in layers:
        vars(layer)["forward"] = lambda _, layer=layer: cache.output(layer)
    try:
        yield cache
    finally:
        for layer in layers:
            del layer.forward
