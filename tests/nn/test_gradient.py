import pytest
import torch

from sklearn_ard.nn import CategoricalLikelihood, ConvARD, ELBOLoss
from sklearn_ard.nn.fast.dense_gradient import gradient_of
from sklearn_ard.nn.fast.gradient import VectorGradient


@pytest.mark.parametrize("beta", [0.0, 0.6])
def test_other_networks_get_the_gradient_of_autograd(beta):
    torch.manual_seed(0)
    model = ConvARD((1, 6, 6), 3, (4,), hidden_layer_sizes=(5,), prior="group_ard")
    criterion = ELBOLoss(model, 50, CategoricalLikelihood(), reg_factor=0.7)
    criterion.beta = beta
    batch = torch.randn(9, 36), torch.randint(3, (9,)), torch.rand(9)
    gradient = gradient_of(model, criterion)
    assert type(gradient) is VectorGradient
    torch.manual_seed(1)
    nll, output = gradient.backward(*batch)
    torch.manual_seed(1)
    expected = model.train()(batch[0])
    criterion(expected, *batch[1:]).backward()
    torch.testing.assert_close(output, expected.detach())
    torch.testing.assert_close(nll, criterion.nll_.detach())
    for part, source in zip(
        gradient.split(gradient.parameter.grad), gradient.sources, strict=True
    ):
        torch.testing.assert_close(part, source.grad)
