import pandas as pd
import pytest
import torch
from problems import problem
from tables import SMALL, table

from sklearn_ard import ARDClassifier, ARDRegressor
from sklearn_ard.data.batches import Batches


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def selected():
    X, y = table()
    return ARDRegressor(**SMALL).fit(X, y), X, y


@pytest.fixture
def interrupt_at(monkeypatch):
    """As if Ctrl-C was pressed once, at the beginning of an epoch."""
    real = Batches.shuffled

    def interrupt_at(epoch):
        def shuffled(batches, generator):
            nonlocal epoch
            epoch -= 1
            if epoch == 0:
                raise KeyboardInterrupt
            return real(batches, generator)

        monkeypatch.setattr(Batches, "shuffled", shuffled)

    return interrupt_at


# Every kind of layer that can become an ARD layer, with every setting that it has, and
# the shape of its input: (kind, positional arguments, options, shape).
_SETTINGS = {
    "plain": {},
    "no-bias": {"bias": False},
    "stride": {"stride": 2},
    "stride-padding": {"stride": 2, "padding": 1},
    "same": {"kernel_size": 3, "padding": "same"},
    "reflect": {"padding": 1, "padding_mode": "reflect"},
    "replicate": {"padding": 2, "padding_mode": "replicate"},
    "circular": {"padding": 1, "padding_mode": "circular"},
    "dilation": {"dilation": 2},
    "groups": {"groups": 2},
    "depthwise": {"groups": 4},
    "all": {
        "stride": 2,
        "padding": 1,
        "padding_mode": "circular",
        "dilation": 2,
        "groups": 2,
        "bias": False,
    },
}
LAYERS = {
    "linear": ("Linear", (4, 8), {}, (4,)),
    "linear-no-bias": ("Linear", (4, 8), {"bias": False}, (4,)),
    "linear-3d-input": ("Linear", (4, 8), {}, (3, 4)),
}
for _n, _shape in {1: (6,), 2: (6, 5), 3: (3, 5, 4)}.items():
    for _name, _options in _SETTINGS.items():
        LAYERS[f"conv{_n}d-{_name}"] = (
            f"Conv{_n}d",
            (4, 8),
            {"kernel_size": 2, **_options},
            (4, *_shape),
        )


@pytest.fixture(params=LAYERS, ids=str)
def layer_kind(request):
    return LAYERS[request.param]


ESTIMATORS = [ARDRegressor, ARDClassifier]


@pytest.fixture(params=ESTIMATORS, ids=lambda e: e.__name__)
def estimator(request):
    return request.param


@pytest.fixture(scope="module", params=ESTIMATORS, ids=lambda e: e.__name__)
def fitted(request):
    X, y = problem(request.param)
    frame = pd.DataFrame(X, columns=[f"column {j}" for j in range(X.shape[1])])
    return request.param(random_state=0).fit(frame, y), frame, y
