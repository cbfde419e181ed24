"""Which inputs the objective is better without.

The per-weight prior finds the inputs that matter, but keeps most others by a few weak
weights. Here every input is put to the question as a whole: if the evidence lower bound
falls by less than a price when all its weights go, they go.
"""

from contextlib import contextmanager
from functools import partial

import torch
from torch import Tensor, nn

from sklearn_ard.nn.layers import _EPS, ARDMixin, LinearARD, ard_layers
from sklearn_ard.nn.networks import is_dense, last_chain
from sklearn_ard.nn.objective import kl_divergence

N_DRAWS = 4  # of the noise, the same for every question
MAX_ROWS = 8000  # times draws; more make no decision clearer, only slower
MAX_IMAGES = 2000  # the same for convolutions, whose maps also fill the memory


def input_layers(model: nn.Module, x: Tensor) -> dict[ARDMixin, torch.Size]:
    """The ARD layers that read the input of a network itself.

    Parameters
    ----------
    model : Module
        A network.
    x : Tensor of shape (n, n_inputs)
        Some input that it accepts.

    Returns
    -------
    dict of layer to torch.Size
        Those that were handed `x`, as it is or reshaped, and the shape of one sample
        there; empty where something else (a batch norm, say) stands in front of all.
    """
    found = {}

    def note(layer, args):
        same_memory = args[0].data_ptr() == x.data_ptr()
        if same_memory and args[0].numel() == x.numel():
            found[layer] = args[0].shape[1:]

    hooks = [layer.register_forward_pre_hook(note) for layer in ard_layers(model)]
    try:
        with torch.no_grad(), _modes_restored(model):
            model.eval()(x)
    finally:
        for hook in hooks:
            hook.remove()
    return found


@torch.no_grad()
def live_inputs(layers: list[ARDMixin]) -> Tensor:
    """Boolean tensor, True for the inputs that one of `layers` reads with a weight."""
    return sum(layer.per_input(layer.keep()) for layer in layers) > 0


@torch.no_grad()
def prune_(model: nn.Module) -> None:
    """Prune for good what the priors do not keep, and units that nobody reads.

    Units without an outgoing weight are looked for where layers follow each other in a
    :class:`torch.nn.Sequential`; elsewhere only the priors prune.
    """
    for layer in ard_layers(model):
        layer.prune_()
    mask_unread_units_(model)


@torch.no_grad()
def mask_unread_units_(model: nn.Module) -> None:
    """Prune for good the units (channels) inside of a Sequential that nobody reads."""
    for sequence in model.modules():
        reader = None
        for layer in reversed(last_chain(sequence)[0]):
            if reader is not None:
                read = reader.per_input(reader.mask) > 0
                # a flattened channel is read by several inputs of a dense layer
                layer.mask_outputs_(read.view(layer.mask.shape[0], -1).any(dim=1))
            reader = layer


@torch.no_grad()
def weigh_inputs(
    model: nn.Module,
    criterion: nn.Module,
    x: Tensor,
    target: Tensor,
    sample_weight: Tensor | None = None,
    *,
    cost: float | None = None,
) -> Tensor:
    """Nats by which the evidence lower bound falls without each input.

    Inputs are taken in the order of the KL divergence of their weights, smallest first.
    With a `cost` an input goes for good, and the next are weighed without it, when
    NLL + reg_factor · KL over the training set rises by less than that.

    Parameters
    ----------
    model : Module
        A network whose first layers are ARD layers.
    criterion : ELBOLoss
        Its objective; the KL divergence counts in full.
    x : Tensor of shape (n, n_inputs)
        Training inputs, scaled so that 0 stands for "nothing known". Of more than 8,000
        rows, 8,000 are drawn; of rows for convolutions 2,000.
    target : Tensor of shape (n,) or (n, n_outputs)
        Training targets.
    sample_weight : Tensor of shape (n,), optional
        Weights that have mean 1.
    cost : float, optional
        Price of an input in nats; None removes nothing.

    Returns
    -------
    Tensor of shape (n_inputs,) or (n_channels,)
        In nats over the whole training set; 0 for inputs that are not in use, negative
        where the objective would be better without. Empty where no ARD layer reads the
        input itself.

    Notes
    -----
    The expected NLL is estimated from up to four draws of the noise (as many as make
    that number of rows), the same for every question (common random numbers). The draws
    come from torch's global generator.
    """
    if sample_weight is None:
        sample_weight = torch.ones(len(x), device=x.device)
    max_rows = MAX_ROWS if is_dense(model) else MAX_IMAGES
    if len(x) > max_rows:
        rows = torch.randperm(len(x), device=x.device)[:max_rows]
        x, target, sample_weight = x[rows], target[rows], sample_weight[rows]
    layers = input_layers(model, x)
    if not layers:
        return x.new_zeros(0)
    draws = min(N_DRAWS, max(1, max_rows // len(x)))
    nats = criterion.num_data / (sample_weight.sum() * draws)
    x = x.repeat(draws, *[1] * (x.dim() - 1))
    target = target.repeat(draws, *[1] * (target.dim() - 1))
    sample_weight = sample_weight.repeat(draws)
    seed = int(torch.randint(2**31, ()))
    live = sum(layer.per_input(layer.mask) for layer in layers) > 0
    kl = sum(layer.per_input(layer.kl()) for layer in layers)
    kl = kl * criterion.reg_factor
    evidence = torch.zeros_like(kl)

    def expected_nll():
        if noise is None:
            torch.manual_seed(seed)  # takes a millisecond
        else:
            noise.rewind()
        nll = criterion.likelihood(model(x), target) * sample_weight
        return float(nll.sum() * nats)

    with (
        torch.random.fork_rng(cuda_devices(x)),
        _sampling(model),
        _noise_kept(model) as noise,
        _cached(layers, x) as cache,
    ):
        torch.manual_seed(seed)
        nll = expected_nll()
        for j in torch.argsort(kl).tolist():
            if not live[j]:
                continue
            cache.remove(j)
            nll_without = expected_nll()
            evidence[j] = nll_without - nll - float(kl[j])
            if cost is not None and evidence[j] < cost:
                nll, live[j], evidence[j] = nll_without, False, 0.0
            else:
                cache.put_back()
    if cost is not None:
        for layer in layers:
            layer.mask_inputs_(live)
    return evidence


def elbo(model, criterion, x, target, sample_weight=None) -> float:
    """Evidence lower bound of the whole training set, in nats.

    Parameters
    ----------
    model, criterion, x, target, sample_weight
        As in :func:`weigh_inputs`.

    Returns
    -------
    float
        Expected log-likelihood less the KL divergence, whatever the reg_factor.
    """
    if sample_weight is None:
        sample_weight = torch.ones(len(x), device=x.device)
    total, at_once = 0.0, MAX_ROWS if is_dense(model) else MAX_IMAGES
    with torch.no_grad(), _sampling(model):
        for rows in torch.arange(len(x), device=x.device).split(at_once):
            for _ in range(N_DRAWS):
                nll = criterion.likelihood(model(x[rows]), target[rows])
                total += float((nll * sample_weight[rows]).sum()) / N_DRAWS
        kl = float(kl_divergence(model))
    return -total * criterion.num_data / float(sample_weight.sum()) - kl


@contextmanager
def _sampling(model: nn.Module):
    """Let the ARD layers sample and all else be as in evaluation mode.

    Batch norm would otherwise take what is asked here for training data, and dropout
    would add noise that is not the posterior's.
    """
    with _modes_restored(model):
        model.eval()
        for layer in ard_layers(model):
            layer.train()
        yield


@contextmanager
def _modes_restored(model: nn.Module):
    """Give every module its training or evaluation mode back in the end."""
    training = {module: module.training for module in model.modules()}
    try:
        yield
    finally:
        for module, mode in training.items():
            module.training = mode


class _Noise:
    """Noise that is drawn in the first pass through a network and used in all."""

    def __init__(self):
        self._drawn: list[Tensor] = []
        self._next = 0

    def rewind(self) -> None:
        """Begin another pass."""
        self._next = 0

    def sample(self, mean: Tensor, variance: Tensor) -> Tensor:
        """As :meth:`ARDMixin.sample`."""
        if self._next == len(self._drawn):
            self._drawn.append(torch.randn_like(mean))
        noise = self._drawn[self._next]
        self._next += 1
        return mean + torch.sqrt(variance + _EPS) * noise


@contextmanager
def _noise_kept(model: nn.Module):
    """Let dense layers keep their noise; None where there are others.

    To draw it is most of a pass; but that of convolutions would fill the memory.
    """
    if not is_dense(model):
        yield None
        return
    layers = ard_layers(model)
    noise = _Noise()
    for layer in layers:
        layer.sample = noise.sample
        layer.forward = partial(ARDMixin.forward, layer)
    try:
        yield noise
    finally:
        for layer in layers:
            del layer.sample
            vars(layer).pop("forward", None)


class _Cache:
    """What the input layers hand on, kept up to date while inputs are removed.

    The rest of the network is run as it is; only the first product, by far the largest
    of a network with many inputs, is replaced by a subtraction.
    """

    def __init__(self, layers: dict[ARDMixin, torch.Size], x: Tensor):
        self._inputs = {layer: x.view(-1, *shape) for layer, shape in layers.items()}
        self._moments = {
            layer: self._moments_of(layer, bias=layer.bias) for layer in layers
        }
        self._before = self._moments

    def _moments_of(self, layer, j=None, bias=None):
        """Mean and variance that all inputs give, or input `j` alone."""
        x, weight, log_sigma2 = self._inputs[layer], layer.weight, layer.log_sigma2
        mask = layer.mask
        if j is not None and isinstance(layer, LinearARD):
            x, mask = x[..., [j]], mask[:, [j]]
            weight, log_sigma2 = weight[:, [j]], log_sigma2[:, [j]]
        elif j is not None:
            mask = mask * layer.leaves_inputs([j])
        mean = layer._map(x, weight * mask, bias)
        return mean, layer._map(x.square(), log_sigma2.exp() * mask, None)

    def remove(self, j: int) -> None:
        """Take input `j` out of all layers."""
        self._before = self._moments
        self._moments = {}
        for layer, (mean, variance) in self._before.items():
            mean_j, variance_j = self._moments_of(layer, j)
            self._moments[layer] = mean - mean_j, (variance - variance_j).clamp(min=0)

    def put_back(self) -> None:
        """Undo the last removal."""
        self._moments = self._before

    def output(self, layer: ARDMixin) -> Tensor:
        """A sample of what the layer hands on."""
        return layer.sample(*self._moments[layer])


@contextmanager
def _cached(layers: dict[ARDMixin, torch.Size], x: Tensor):
    """Let `layers` sample from a cache instead of looking at their input."""
    cache = _Cache(layers, x)
    for layer in layers:
        layer.forward = lambda _, layer=layer: cache.output(layer)
    try:
        yield cache
    finally:
        for layer in layers:
            del layer.forward  # that of the class, as _noise_kept also leaves it


def cuda_devices(x: Tensor) -> list[int]:
    """The devices whose random state :func:`torch.random.fork_rng` has to fork."""
    return [x.device.index or 0] if x.device.type == "cuda" else []
