"""Outputs of networks that are drawn from the posterior of the weights.

Input: a trained torch network and its inputs. Output: the outputs of each draw.
"""

import copy

import torch

from sklearn_ard._context import threads_for, usual_torch
from sklearn_ard.nn import Ensemble, ard_layers


@usual_torch()
@torch.no_grad()
def output_draws(model, x, n_draws, seed=0):
    """Outputs of networks drawn from the posterior of the kept weights.

    Parameters
    ----------
    model : Module
        A network with ARD layers, or an ensemble, of which each network is drawn in
        turn; it is not changed.
    x : ndarray of shape (n, n_inputs)
        Scaled inputs.
    n_draws : int
        Number of draws.
    seed : int, default=0
        Of the draws.

    Returns
    -------
    list of ndarray of shape (n, n_outputs)
        The same weights for all rows.
    """
    networks = model.networks if type(model) is Ensemble else [model]
    device = next(model.parameters()).device
    generator = torch.Generator(device).manual_seed(seed)
    x = torch.as_tensor(x, dtype=torch.float32, device=device)
    draws = []
    with threads_for(model):
        for k, network in enumerate(networks):
            network = copy.deepcopy(network).eval()
            layers = [(layer, *_moments(layer)) for layer in ard_layers(network)]
            for _ in range(k, n_draws, len(networks)):
                for layer, mean, std in layers:
                    noise = torch.empty_like(std).normal_(generator=generator)
                    layer.weight.copy_(mean + std * noise)
                draws.append(network(x).cpu().double().numpy())
    return draws


def _moments(layer):
    """Mean and standard deviation of the kept weights of a layer."""
    layer.prune_()
    layer.deterministic = True  # the drawn weights are not pruned again
    return layer.weight.clone(), torch.exp(0.5 * layer.log_sigma2) * layer.mask
