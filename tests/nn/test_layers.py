import pytest
import torch
from torch import nn

import sklearn_ard.nn
from sklearn_ard.nn import (
    DenseARD,
    LinearARD,
    ard_layers,
    deterministic,
    sparsity,
)


@pytest.fixture
def layer_and_input(layer_kind):
    kind, arguments, options, shape = layer_kind
    layer = getattr(sklearn_ard.nn, f"{kind}ARD")(*arguments, **options)
    with torch.no_grad():
        layer.log_sigma2.normal_(-2.0, 2.0)
        layer.mask.copy_(torch.rand_like(layer.mask) > 0.3)
    return layer, torch.randn(5, *shape)


def channels_of(layer, x):
    """A view of inputs or outputs with the channels (features) in front."""
    return x.movedim(-1 if isinstance(layer, nn.Linear) else 1, 0)


def plain(layer, weight):
    """The torch layer with other weights."""
    kind = next(c for c in type(layer).__mro__ if c.__module__.startswith("torch.nn"))
    other = kind.__new__(kind)
    nn.Module.__init__(other)
    other.__dict__.update(
        {k: v for k, v in vars(layer).items() if not k.startswith("_parameters")}
    )
    other._parameters = {"weight": nn.Parameter(weight), "bias": layer.bias}
    return other


def test_eval_mode_is_the_torch_layer_with_the_kept_weights(layer_and_input):
    layer, x = layer_and_input
    expected = plain(layer, layer.weight * layer.keep())(x)
    torch.testing.assert_close(layer.eval()(x), expected)
    assert 0 < layer.keep().float().mean() < 1


def test_training_output_has_the_moments_of_sampled_weights(layer_and_input):
    layer, x = layer_and_input
    n = 600
    with torch.no_grad():
        outputs = torch.stack([layer.train()(x) for _ in range(n)])
        sigma = (0.5 * layer.log_sigma2).exp()
        sampled = torch.stack(
            [
                plain(
                    layer,
                    (layer.weight + sigma * torch.randn_like(sigma)) * layer.mask,
                )(x)
                for _ in range(n)
            ]
        )
    std = sampled.std(dim=0)
    error = (outputs.mean(dim=0) - sampled.mean(dim=0)).abs()
    assert (error <= 6 * (2 / n) ** 0.5 * std + 1e-3).all()
    # six standard errors of the standard deviation of a Gaussian
    assert ((outputs.std(dim=0) - std).abs() <= 6 * std * (1 / n) ** 0.5 + 1e-3).all()


def test_without_variance_the_bias_stays_exact(layer_and_input):
    layer, x = layer_and_input
    with torch.no_grad():
        layer.log_sigma2.fill_(-200.0)
    expected = plain(layer, layer.weight * layer.mask)(x)
    # the variance is 1e-8, whatever the bias
    torch.testing.assert_close(layer.train()(x), expected, atol=1e-3, rtol=0)


def test_the_weights_that_leave_an_input_are_those_it_reaches(layer_and_input):
    layer, x = layer_and_input
    layer.mask.fill_(1)
    for channel in range(4):
        only = torch.zeros_like(x)
        channels_of(layer, only)[channel] = 1.0
        weight = layer.weight.detach().requires_grad_()
        layer._map(only, weight, None).square().sum().backward()
        reached = weight.grad != 0
        assert torch.equal(reached, layer.leaves_inputs([channel]).bool())
        one_hot = torch.zeros(4)
        one_hot[channel] = reached.sum()
        assert torch.equal(layer.per_input(reached.float()), one_hot)


def test_masked_inputs_are_not_read(layer_and_input):
    layer, x = layer_and_input
    live = torch.tensor([True, False, True, True])
    layer.mask_inputs_(live)
    changed = x.clone()
    channels_of(layer, changed)[1] += 100.0
    assert torch.equal(layer.eval()(x), layer(changed))
    torch.manual_seed(1)
    first = layer.train()(x)
    torch.manual_seed(1)
    assert torch.equal(first, layer(changed))


def test_masked_outputs_are_the_bias_alone(layer_and_input):
    layer, x = layer_and_input
    live = torch.arange(layer.weight.shape[0]) != 2
    layer.mask_outputs_(live)
    bias = 0.0 if layer.bias is None else layer.bias[2].item()
    output = channels_of(layer, layer.eval()(x))[2]
    torch.testing.assert_close(output, torch.full_like(output, bias))


def test_without_noise_the_layer_trains_as_the_torch_layer(layer_and_input):
    layer, x = layer_and_input
    expected = plain(layer, layer.weight * layer.mask)(x)
    with deterministic(layer):
        assert torch.equal(layer.train()(x), expected)
        assert torch.equal(layer.eval()(x), expected)
        assert torch.equal(layer.keep(), layer.mask.bool())
    assert not torch.equal(layer.train()(x), expected)
    log_alpha = layer.log_alpha
    torch.testing.assert_close(log_alpha, torch.full_like(log_alpha, -2.0))


def test_state_dict_carries_masks_and_variances():
    layer = LinearARD(3, 2)
    with torch.no_grad():
        layer.log_sigma2.normal_()
        layer.mask[0] = 0
    other = LinearARD(3, 2)
    other.load_state_dict(layer.state_dict())
    x = torch.randn(4, 3)
    assert torch.equal(layer.eval()(x), other.eval()(x))
    assert torch.equal(layer.kl(), other.kl())


def test_sparsity_is_the_share_of_weights_that_are_not_kept():
    model = DenseARD(4, 2, hidden_layer_sizes=(3,))
    assert len(ard_layers(model)) == 2
    with torch.no_grad():
        for layer in ard_layers(model):
            layer.weight.fill_(1.0)
            layer.log_sigma2.fill_(-5.0)
        model[0].mask[:, :2] = 0  # 6 of 18 weights
        model[2].log_sigma2[0] = 5.0  # 3 of 18
    assert sparsity(model) == pytest.approx(0.5)


def test_sparsity_needs_ard_layers():
    with pytest.raises(ValueError, match="'model' of sparsity must.*Got Linear"):
        sparsity(nn.Linear(2, 2))


def test_repr_names_the_prior():
    assert "prior='ard'" in repr(LinearARD(2, 2, prior="ard"))
