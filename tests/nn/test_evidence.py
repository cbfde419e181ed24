import pytest
import torch
from small_networks import MODELS, certain
from torch import nn

from sklearn_ard.nn import (
    DenseARD,
    ELBOLoss,
    LinearARD,
    ard_layers,
    elbo,
    input_layers,
    kl_divergence,
    live_inputs,
    weigh_inputs,
)
from sklearn_ard.nn import evidence as module


@pytest.mark.parametrize("name", MODELS)
def test_evidence_is_the_rise_of_the_objective_without_the_input(name):
    make, n_columns, n_inputs = MODELS[name]
    model = certain(make())
    x, y = torch.randn(30, n_columns), torch.randn(30)
    weight = torch.rand(30) + 0.5
    weight /= weight.mean()
    criterion = ELBOLoss(model, 30, reg_factor=0.7)
    evidence = weigh_inputs(model, criterion, x, y, weight)
    assert evidence.shape == (n_inputs,)

    def objective():
        with torch.no_grad():
            nll = (criterion.likelihood(model(x), y) * weight).sum()
            return nll + 0.7 * kl_divergence(model)

    before = objective()
    state = {k: v.clone() for k, v in model.state_dict().items()}
    for j in range(n_inputs):
        live = torch.arange(n_inputs) != j
        for layer in input_layers(model, x):
            layer.mask_inputs_(live)
        expected = objective() - before
        assert evidence[j].item() == pytest.approx(expected.item(), abs=0.02)
        model.load_state_dict(state)


def test_inputs_go_that_are_not_worth_their_price():
    model = certain(DenseARD(3, 1, ()))
    with torch.no_grad():
        model[0].weight.copy_(torch.tensor([[2.0, 0.5, 0.0]]))
        model[0].bias.zero_()
    x = torch.randn(100, 3)
    y = 2 * x[:, 0] + 0.5 * x[:, 1]
    criterion = ELBOLoss(model, 100, reg_factor=0.0)
    worth = weigh_inputs(model, criterion, x, y)
    assert worth[0] > worth[1] > 1 and abs(worth[2]) < 1e-3
    after = weigh_inputs(model, criterion, x, y, cost=float(worth[1]) + 1)
    assert model[0].mask.tolist() == [[1.0, 0.0, 0.0]]
    assert live_inputs([model[0]]).tolist() == [True, False, False]
    assert after[0] > 0 and (after[1:] == 0).all()


def test_evidence_of_a_large_table_is_estimated_on_some_rows(monkeypatch):
    model = certain(DenseARD(3, 1, ()))
    x, y = torch.ones(500, 3), torch.zeros(500)  # any rows say the same
    whole = weigh_inputs(model, ELBOLoss(model, 500), x, y)
    monkeypatch.setattr(module, "MAX_ROWS", 60)
    criterion, seen = ELBOLoss(model, 500), []
    criterion.likelihood.register_forward_hook(lambda *args: seen.append(len(args[2])))
    for n, n_seen in ((10, 40), (20, 60), (25, 50), (500, 60)):
        found = weigh_inputs(model, criterion, x[:n], y[:n])
        torch.testing.assert_close(found, whole, rtol=1e-3, atol=0)
        assert seen[-1] == n_seen


def test_weighing_leaves_mode_and_random_state_alone():
    model = DenseARD(3, 1).eval()
    x, y = torch.randn(20, 3), torch.randn(20)
    weigh_inputs(model, ELBOLoss(model, 20), x, y)
    assert not model.training and "forward" not in vars(model[0])
    torch.manual_seed(5)
    first = weigh_inputs(model, ELBOLoss(model, 20), x, y)
    torch.manual_seed(5)
    assert torch.equal(first, weigh_inputs(model, ELBOLoss(model, 20), x, y))


@pytest.mark.parametrize("name", MODELS)
def test_evidence_with_a_generator_repeats_and_leaves_the_global_one_alone(name):
    make, n_columns, _ = MODELS[name]
    model, generator = make(), torch.Generator()
    x, y = torch.randn(30, n_columns), torch.randn(30)
    criterion, state = ELBOLoss(model, 30), torch.get_rng_state()

    def ask(seed):
        generator.manual_seed(seed)
        evidence = weigh_inputs(model, criterion, x, y, generator=generator)
        return evidence, elbo(model, criterion, x, y, generator=generator)

    (evidence, bound), (again, same), (other, _) = map(ask, (0, 0, 1))
    assert torch.equal(evidence, again) and bound == same
    assert not torch.equal(evidence, other)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("name", ["dense", "images"])
def test_the_noise_is_the_same_with_and_without_an_input(name):
    make, n_columns, n_inputs = MODELS[name]
    model = make()
    layers = ard_layers(model)
    with torch.no_grad():  # much noise, and inputs that do not matter
        for layer in layers:
            layer.log_sigma2.fill_(2.0)
        layers[0].weight.zero_()
        layers[0].log_sigma2.fill_(-60.0)
    x, y = torch.randn(30, n_columns), torch.randn(30)
    evidence = weigh_inputs(model, ELBOLoss(model, 30, reg_factor=0.0), x, y)
    assert evidence.shape == (n_inputs,)
    torch.testing.assert_close(evidence, torch.zeros(n_inputs), rtol=0, atol=1e-2)


def test_rows_are_drawn_from_the_generator(monkeypatch):
    monkeypatch.setattr("sklearn_ard.nn.evidence.MAX_ROWS", 10)
    model, generator = certain(DenseARD(3, 1)), torch.Generator()
    x, y = torch.randn(100, 3), torch.randn(100)
    state = torch.get_rng_state()
    first, again, other = (
        weigh_inputs(
            model, ELBOLoss(model, 100), x, y, generator=generator.manual_seed(seed)
        )
        for seed in (0, 0, 1)
    )
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert torch.equal(torch.get_rng_state(), state)


def test_a_layer_behind_something_else_reads_no_input():
    model = nn.Sequential(nn.BatchNorm1d(3), LinearARD(3, 1))
    x = torch.randn(5, 3)
    assert input_layers(model, x) == {}
    assert len(weigh_inputs(model, ELBOLoss(model, 5), x, torch.randn(5))) == 0


def test_elbo_of_a_certain_model_is_its_likelihood_less_the_kl():
    model = certain(DenseARD(3, 1, (4,)))
    x, y = torch.randn(50, 3), torch.randn(50)
    criterion = ELBOLoss(model, 100)  # two copies of every row
    nll = criterion.likelihood(model.eval()(x), y).sum() * 2
    expected = -nll - kl_divergence(model)
    assert elbo(model, criterion, x, y) == pytest.approx(expected.item(), abs=0.1)
