"""effect and variance_shares: curves, bands and shares, against what is known."""

import itertools

import numpy as np
import pandas as pd
import pytest
from explained_models import answers_of, compact_model, random_chain
from sklearn.exceptions import NotFittedError
from sklearn.inspection import partial_dependence
from tables import EFFECT, table

from sklearn_ard import ARDClassifier, ARDRegressor, CompactRegressor
from sklearn_ard.inference.operations import Activation, Dense, Sum
from sklearn_ard.inspection import effect, shapley_values, variance_shares

SMALL = {"max_iter": 60, "random_state": 0, "n_bins": 0}
NORMAL = {"likelihood": "gaussian", **SMALL}


@pytest.fixture(scope="module")
def fitted():
    X, y = table(300)
    return ARDRegressor((16, 8), **NORMAL).fit(X, y), X, y


def true_shares():
    """Of Friedman's function of five uniform columns, by midpoints."""
    u = (np.arange(400) + 0.5) / 400
    wave = 10 * np.sin(np.pi * u[:, None] * u)
    main = wave.mean(axis=1)
    pair = wave - main[:, None] - main + wave.mean()
    square = np.var(20 * (u - 0.5) ** 2)
    parts = [main.var(), main.var(), square, np.var(10 * u), np.var(5 * u)]
    total = sum(parts) + pair.var()
    return np.array(parts) / total, pair.var() / total


def test_shares_of_friedmans_function():
    rng = np.random.default_rng(0)
    X = rng.random((1500, 7))
    y = 10 * np.sin(np.pi * X[:, 0] * X[:, 1]) + 20 * (X[:, 2] - 0.5) ** 2
    y += 10 * X[:, 3] + 5 * X[:, 4]
    model = ARDRegressor((32, 16), likelihood="gaussian", n_bins=0, random_state=0)
    model.fit(X, y + 0.1 * rng.normal(size=len(y)))
    assert model.get_support(indices=True).tolist() == [0, 1, 2, 3, 4]
    found = variance_shares(model, X)
    main, pair = true_shares()
    np.testing.assert_allclose(found.main, main, rtol=0, atol=0.02)
    assert found.pairs[0, 1] == pytest.approx(pair, abs=0.02) and pair > 0.03
    others = found.pairs[np.triu_indices(5, 1)][1:]
    assert (others < 0.02).all()
    assert abs(found.rest) < 0.02
    frame = found.to_frame()
    assert frame["share"].sum() == pytest.approx(1)
    assert set(frame.index[:5]) == {(f"x{j}",) for j in range(5)}
    assert frame.index[5] == ("x0", "x1") and frame.index[-1] == ("rest",)
    assert found.variance == pytest.approx(model.predict(X).var(), rel=0.1)
    assert effect(model, 3, X).share == pytest.approx(found.main[3], abs=0.01)
    assert effect(model, [1, 0], X).share == pytest.approx(pair, abs=0.02)


def test_a_sum_has_main_effects_and_a_product_a_pair():
    rng = np.random.default_rng(0)
    parts = [random_chain(rng, (1, 6, 4, 1), "tanh", 1.0) for _ in range(2)]
    added = [Sum([(np.array([j]), part) for j, part in enumerate(parts)])]
    found = variance_shares(compact_model(added, 2), rng.normal(size=(200, 2)))
    assert found.main.sum() == pytest.approx(1, abs=0.01)
    assert found.pairs.max() < 1e-6
    product = [
        Dense(np.array([[1.0, 1.0], [-1.0, -1.0]]), np.zeros(2)),
        Activation("relu"),
        Dense(np.ones((1, 2)), -np.ones(1)),
    ]
    signs = np.array(list(itertools.product([-1.0, 1.0], repeat=2)))
    found = variance_shares(compact_model(product, 2), signs)
    assert found.main.max() < 0.03
    assert found.pairs[0, 1] == pytest.approx(1, abs=0.03)


def test_weights_of_rows_are_copies():
    rng = np.random.default_rng(0)
    X, weight = rng.normal(size=(30, 3)), np.where(np.arange(30) < 10, 3, 1)
    model = compact_model(random_chain(rng, (3, 6, 4, 1), "tanh", 1.0), 3)
    copies = np.repeat(X, weight, axis=0)
    found = variance_shares(model, X, sample_weight=weight)
    true = variance_shares(model, copies)
    np.testing.assert_allclose(found.main, true.main, atol=0.01)
    found, true = effect(model, 0, X, sample_weight=weight), effect(model, 0, copies)
    np.testing.assert_allclose(found.base_value, true.base_value)
    where = np.isin(found.grid[0], true.grid[0])
    np.testing.assert_allclose(
        found.values[where],
        true.values[np.isin(true.grid[0], found.grid[0])],
        atol=1e-12,
    )


def test_a_curve_is_the_centred_partial_dependence(fitted):
    model, X, _ = fitted
    found = effect(model, "size", X, grid_resolution=20)
    assert found.names == ["size"] and found.is_category == [False]
    assert 10 <= len(found.grid[0]) <= 20
    assert np.isin(found.grid[0], X["size"]).all()
    assert found.grid[0][[0, -1]].tolist() == [X["size"].min(), X["size"].max()]
    peer = partial_dependence(
        model, X, ["size"], custom_values={"size": found.grid[0]}, kind="average"
    )
    base = model.predict(X).mean()
    assert found.base_value == pytest.approx(base, abs=1e-6)
    np.testing.assert_allclose(found.values, peer["average"][0] - base, atol=1e-5)


def test_levels_of_a_category_have_their_effects(fitted):
    model, X, _ = fitted
    found = effect(model, "colour", X)
    assert found.is_category == [True] and found.grid[0].tolist() == sorted(EFFECT)
    true = np.array([EFFECT[level] for level in found.grid[0]])
    np.testing.assert_allclose(found.values, true - 0.5, atol=0.3)
    assert found.to_frame().columns.tolist() == ["colour", "effect", "std"]
    gaps = X.assign(colour=X["colour"].where(X.index > 20))
    assert pd.isna(effect(model, "colour", gaps).grid[0][-1])
    compact = effect(model.compact(), "colour", X)
    np.testing.assert_allclose(compact.values, found.values, atol=1e-12)
    np.testing.assert_array_equal(compact.std, found.std)
    assert compact.share == found.share


def test_dropped_columns_have_no_effect(fitted):
    model, X, _ = fitted
    assert not model.get_support()[3]
    found = effect(model, "shape", X)
    assert not found.values.any() and found.share == 0
    assert not effect(model, ["shape", "size"], X).interaction.any()


def test_a_pair_is_its_parts_and_an_interaction():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 3))
    model = compact_model(random_chain(rng, (3, 8, 5, 1), "tanh", 1.0), 3)
    found = effect(model, [2, 0], X, grid_resolution=6)
    assert found.names == ["x2", "x0"] and found.values.shape == tuple(
        map(len, found.grid)
    )
    rows = X.copy()
    rows[:, 2], rows[:, 0] = found.grid[0][1], found.grid[1][2]
    true = answers_of(model, rows).mean() - answers_of(model, X).mean()
    assert found.values[1, 2] == pytest.approx(true, abs=1e-9)
    alone = [effect(model, j, X, grid_resolution=6).values for j in (2, 0)]
    np.testing.assert_allclose(
        found.interaction, found.values - alone[0][:, None] - alone[1], atol=1e-12
    )


def test_the_band_is_that_of_the_posterior():
    """Of a linear model, whose slope has a known standard deviation."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 2))
    y = X[:, 0] + 0.5 * rng.normal(size=200)
    model = ARDRegressor((), **NORMAL).fit(X, y)
    (layer,) = [m for m in model.net_.module_.modules() if hasattr(m, "log_sigma2")]
    std = np.exp(0.5 * layer.log_sigma2.detach().numpy()[0, 0])
    scale = model._fitted.targets.scaler_.scale_[0] / X[:, 0].std()
    found = effect(model, 0, X, n_draws=400)
    center = X[::2, 0].mean()  # of 100 rows, over which it averages
    true = std * scale * np.abs(found.grid[0] - center)
    np.testing.assert_allclose(found.std, true, rtol=0.1, atol=1e-6)
    assert effect(model, 0, X, n_draws=0).std is None


def test_networks_of_an_ensemble_differ_in_the_band():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, 2))
    y = np.abs(2 * X[:, 0]) + 0.1 * rng.normal(size=100)
    model = ARDRegressor((8,), n_networks=3, **NORMAL).fit(X, y)
    assert (effect(model, 0, X, n_draws=30).std > 0.001).any()


def test_several_outputs(fitted):
    _, X, y = fitted
    labels = np.digitize(y, np.quantile(y, [0.3, 0.6]))
    model = ARDClassifier((8,), **SMALL).fit(X, labels)
    found = effect(model, "size", X, output="probability")
    assert found.values.shape == (len(found.grid[0]), 3) == found.std.shape
    np.testing.assert_allclose(found.values.sum(axis=1), 0, atol=1e-9)
    assert found.share.shape == (3,)
    assert found.to_frame().columns[1:4].tolist() == [f"effect [{k}]" for k in range(3)]
    frame = variance_shares(model, X).to_frame()
    np.testing.assert_allclose(frame.sum(), 1)


def test_an_empty_model_has_no_effects():
    X = np.random.default_rng(0).normal(size=(60, 3))
    model = ARDRegressor((4,), feature_cost=1e6, likelihood="gaussian", n_bins=0)
    with pytest.warns(UserWarning, match="No input is worth"):
        model.fit(X, X[:, 0])
    found = effect(model, 0, X)
    assert not found.values.any() and not found.std.any() and found.share == 0
    shares = variance_shares(model, X)
    assert shares.main.shape == (0,) and shares.rest == shares.variance == 0


def test_columns_that_are_tied_together_have_curves_but_no_share_each():
    X, y = table(200)
    groups = [["size", "weight"]]
    model = ARDRegressor((8,), feature_groups=groups, **NORMAL).fit(X, y)
    found = effect(model, "size", X)
    assert np.ptp(found.values) > 1 and np.isnan(found.share)


def test_groups_have_effects_where_they_are_one_column():
    X, y = table(200)
    groups = {"body": ["size"], "rest": ["weight", "shape"]}
    model = ARDRegressor((8,), feature_groups=groups, **NORMAL).fit(X, y)
    for each in (model, model.compact()):
        found = effect(each, "body", X, n_draws=0)
        assert found.names == ["size"]
        column = effect(each, "size", X, n_draws=0)
        np.testing.assert_array_equal(found.values, column.values)
        match = r"'rest'.*a group of 2 columns.*\['weight', 'shape'\].*shapley_values"
        with pytest.raises(ValueError, match=match):
            effect(each, ["size", "rest"], X)
    numbers = X[["size", "weight"]].fillna(0).to_numpy()
    model = ARDRegressor((), feature_groups={"all": [0, 1]}, **NORMAL).fit(numbers, y)
    with pytest.raises(ValueError, match=r"'all'.*such as \[0, 1\]"):
        effect(model, "all", numbers)


def test_targets_have_the_names_of_their_columns(tmp_path):
    X, y = table(100)
    Y = pd.DataFrame({"price": y, "profit": -y})
    model = ARDRegressor((4,), **NORMAL).fit(X, Y)
    model.compact().save(tmp_path / "model.npz")
    names = ["price", "profit"]
    for each in (model, CompactRegressor.load(tmp_path / "model.npz")):
        found = shapley_values(each, X[:3], X[50:60])
        assert found.output_names == names
        assert found.to_frame().columns.unique(0).tolist() == names
        frame = effect(each, "size", X, n_draws=0).to_frame()
        assert frame.columns.tolist() == ["size", "effect [price]", "effect [profit]"]
        assert variance_shares(each, X).to_frame().columns.tolist() == names
    other = ARDRegressor((4,), **NORMAL).fit(X, Y.to_numpy())
    assert effect(other, "size", X, n_draws=0).output_names == [0, 1]


def test_what_is_refused(fitted):
    model, X, _ = fitted
    with pytest.raises(NotFittedError):
        effect(ARDRegressor(), 0, X)
    with pytest.raises(NotFittedError):
        variance_shares(ARDRegressor(), X)
    with pytest.raises(ValueError, match="'columns' parameter of effect.*'height'"):
        effect(model, "height", X)
    for columns in (["size", "size"], ["size", "weight", "colour"], []):
        with pytest.raises(ValueError, match="'columns' parameter of effect must name"):
            effect(model, columns, X)
    with pytest.raises(ValueError, match="'columns' parameter of effect must hold"):
        effect(model, [True, False], X)
    with pytest.raises(ValueError, match="'X' parameter of effect.*Got 1 instead"):
        effect(model, 0, X[:1])
    with pytest.raises(ValueError, match="'X' parameter of variance_shares.*Got 0"):
        variance_shares(model, X[:0])
    with pytest.raises(ValueError, match="feature names"):
        variance_shares(model, X[["size"]])
    with pytest.raises(ValueError, match="'sample_weight' parameter of effect"):
        effect(model, 0, X, sample_weight=[1.0])


def test_what_is_no_table_or_no_column_is_named(fitted):
    model, X, _ = fitted
    with pytest.raises(ValueError, match="'X' parameter of variance_shares .*table"):
        variance_shares(model, None)
    with pytest.raises(ValueError, match="X cannot be read"):
        shapley_values(model, 3)
    with pytest.raises(ValueError, match="'columns' parameter of effect"):
        effect(model, None, X)


@pytest.mark.parametrize("resolution", [2, 3, 5, 10])
def test_a_grid_reaches_from_the_smallest_to_the_largest_value(fitted, resolution):
    model, X, _ = fitted
    grid = effect(model, "size", X, grid_resolution=resolution, n_draws=0).grid[0]
    assert 2 <= len(grid) <= resolution
    assert (grid[0], grid[-1]) == (X["size"].min(), X["size"].max())


def test_weights_of_any_size_are_shares(fitted):
    model, X, _ = fitted
    huge = np.full(len(X), 1e308)
    found = effect(model, "size", X, sample_weight=huge, n_draws=0)
    np.testing.assert_allclose(found.values, effect(model, "size", X).values)
