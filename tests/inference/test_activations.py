import numpy as np
import pytest
import torch

from sklearn_ard.inference.activations import FUNCTIONS
from sklearn_ard.nn.activations import ACTIVATIONS, ELEMENTWISE

OF_TORCH = {activation.name: activation for activation in ELEMENTWISE.values()}


def test_both_tables_name_the_same_functions():
    assert set(FUNCTIONS) <= set(OF_TORCH)
    # what users can name is computed without torch; compact() removes the identity
    assert set(ACTIVATIONS) - {"identity"} <= set(FUNCTIONS)


@pytest.mark.parametrize(
    "name, parameter",
    [(name, None) for name in FUNCTIONS]
    + [("leaky_relu", 0.3), ("elu", 0.3), ("elu", 2.0)],
)
def test_both_tables_compute_the_same(name, parameter):
    entry = OF_TORCH[name]
    module = entry.module() if parameter is None else entry.module(parameter)
    parameter = getattr(module, entry.parameter) if entry.parameter else 0.0
    x = np.random.default_rng(0).normal(size=(7, 5)).astype("f4") * 4
    expected = module(torch.from_numpy(x)).numpy()
    found = FUNCTIONS[name].compute(x.copy(), np.float32(parameter))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
