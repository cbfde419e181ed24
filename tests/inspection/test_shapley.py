"""shapley_values: the truth by brute force, axioms, units, and what is refused."""

import itertools

import numpy as np
import pandas as pd
import pytest
from explained_models import (
    answers_of,
    brute_force,
    compact_model,
    of_columns,
    own_ends,
    random_chain,
    rows_of,
    with_skip,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression
from tables import table

from sklearn_ard import ARDRegressor
from sklearn_ard.inference.operations import Activation, Dense, Sum
from sklearn_ard.inspection import shapley, shapley_values

SMALL = {"max_iter": 40, "random_state": 0, "n_bins": 0}
SEEDS = st.integers(0, 2**31)


@settings(max_examples=40, deadline=None)
@given(
    SEEDS,
    st.integers(1, 5),
    st.sampled_from([(), (4,), (6, 4), (5, 4, 3)]),
    st.sampled_from(["relu", "tanh", "silu", "leaky_relu", "elu"]),
    st.booleans(),
)
def test_all_orders_of_the_players_give_the_same_values(
    seed, n_columns, sizes, activation, skips
):
    rng, X, background, weight = rows_of(seed, n_columns)
    operations = random_chain(rng, (n_columns, *sizes, 1), activation)
    if skips:
        operations = with_skip(rng, operations, n_columns)
    model = compact_model(operations, n_columns)
    found = shapley_values(model, X, background, background_weight=weight)
    ends = own_ends(model, background, weight, X)
    for row, values, end in zip(X, found.values, ends, strict=True):
        true = brute_force(
            lambda rows: answers_of(model, rows),
            of_columns,
            row,
            background,
            weight,
            list(range(n_columns)),
            end,
        )
        np.testing.assert_allclose(values, true[:, 0], rtol=0, atol=1e-9)


@settings(max_examples=25, deadline=None)
@given(SEEDS, st.integers(2, 6), st.sampled_from([(4,), (6, 4)]))
def test_values_sum_to_the_prediction_and_a_dummy_has_none(seed, n_columns, sizes):
    rng, X, background, _ = rows_of(seed, n_columns)
    operations = random_chain(rng, (n_columns, *sizes, 1), dummy=0)
    model = compact_model(operations, n_columns)
    found = shapley_values(model, X, background, interactions=True)
    assert found.base_value == pytest.approx(model.predict(background).mean(), abs=1e-9)
    np.testing.assert_allclose(
        found.values.sum(axis=1) + found.base_value,
        model.predict(X),
        rtol=0,
        atol=1e-9,
    )
    scale = 1 + np.abs(found.values).max()
    assert np.abs(found.values[:, 0]).max() < 1e-6 * scale  # float32 of predictions
    assert np.abs(found.interactions[:, 0]).max() < 1e-6 * scale


@settings(max_examples=15, deadline=None)
@given(SEEDS, st.integers(1, 5))
def test_values_of_a_sum_are_sums_of_values(seed, n_columns):
    rng, X, background, _ = rows_of(seed, n_columns)
    first, second = (
        random_chain(rng, (n_columns, 5, *sizes, 1)) for sizes in [(3,), ()]
    )
    both = [Sum([(None, first), (None, second)])]
    values = [
        shapley_values(compact_model(operations, n_columns), X, background).values
        for operations in (first, second, both)
    ]
    np.testing.assert_allclose(values[2], values[0] + values[1], atol=1e-5)


def test_a_linear_model_has_coefficients_times_centred_values(friedman):
    _, X = friedman
    y = 2 * X[:, 0] - 3 * X[:, 3] + X[:, 5]
    model = ARDRegressor((), likelihood="gaussian", **SMALL).fit(X, y)
    coef = model.predict(np.eye(7)) - model.predict(np.zeros((1, 7)))
    found = shapley_values(model, X[:20], X, interactions=True)
    true = coef * (X[:20] - X.mean(axis=0))
    np.testing.assert_allclose(found.values, true, atol=1e-5)
    assert np.abs(found.interactions).max() < 1e-5


def test_a_sum_has_no_interaction_and_a_product_has_nothing_else():
    rng, X, background, _ = rows_of(0, 2, n=20)
    parts = [random_chain(rng, (1, 6, 4, 1), "tanh", 1.0) for _ in range(2)]
    added = [Sum([(np.array([j]), part) for j, part in enumerate(parts)])]
    found = shapley_values(compact_model(added, 2), X, background, interactions=True)
    assert np.abs(found.interactions).max() < 1e-6
    assert np.abs(found.values).max() > 0.1
    # |a + b| - 1 is the product of signs a and b
    signs = np.array(list(itertools.product([-1.0, 1.0], repeat=2)))
    product = [
        Dense(np.array([[1.0, 1.0], [-1.0, -1.0]]), np.zeros(2)),
        Activation("relu"),
        Dense(np.ones((1, 2)), -np.ones(1)),
    ]
    model = compact_model(product, 2)
    found = shapley_values(model, signs, signs, interactions=True)
    assert found.base_value == 0
    # the pair has all of it, of which each column gets a half
    np.testing.assert_allclose(found.interactions[:, 0, 1], signs.prod(axis=1))
    np.testing.assert_allclose(found.values, signs.prod(axis=1)[:, None] / 2 * [1, 1])


def test_interactions_are_differences_of_values_with_and_without_the_other():
    rng, X, background, weight = rows_of(3, 4)
    operations = random_chain(rng, (4, 8, 6, 1), "tanh", 0.7)
    model = compact_model(operations, 4)
    found = shapley_values(
        model, X, background, background_weight=weight, interactions=True
    )
    for i, j in itertools.permutations(range(4), 2):
        others = [p for p in range(4) if p != j]
        present, absent = (
            brute_force(
                lambda rows: answers_of(model, rows),
                lambda b, row, some, always=always: of_columns(
                    b, row, [*some, *always]
                ),
                X[0],
                background,
                weight,
                others,
            )[others.index(i), 0]
            for always in ([j], [])
        )
        assert found.interactions[0, i, j] == pytest.approx(present - absent, abs=1e-6)
    np.testing.assert_array_equal(
        found.interactions, np.swapaxes(found.interactions, 1, 2)
    )


def test_symmetric_columns_have_equal_values():
    rng, X, background, _ = rows_of(1, 3)
    operations = random_chain(rng, (3, 6, 4, 1), "tanh", 1.0)
    operations[0].weight[:, 1] = operations[0].weight[:, 0]
    X[:, 1], background[:, 1] = X[:, 0], background[:, 0]
    values = shapley_values(compact_model(operations, 3), X, background).values
    np.testing.assert_allclose(values[:, 0], values[:, 1], atol=1e-12)
    assert np.abs(values[:, 0]).min() > 1e-3


def test_peer_agrees(friedman):
    shap = pytest.importorskip("shap")
    model, X = friedman
    small, kept = model.compact(), model.get_support(indices=True)

    def predict(rows):
        whole = np.zeros((len(rows), X.shape[1]))
        whole[:, kept] = rows
        return answers_of(small, whole)[:, 0]

    found = shapley_values(small, X[:10], X[100:130])
    masker = shap.maskers.Independent(X[100:130][:, kept], max_samples=100)
    peer = shap.explainers.Exact(predict, masker)(X[:10][:, kept])
    np.testing.assert_allclose(found.of_players, peer.values, rtol=0, atol=1e-6)
    assert found.base_value == pytest.approx(peer.base_values[0], abs=1e-6)
    explanation = found.to_explanation()
    assert explanation.values.shape == explanation.data.shape == (10, len(kept))
    assert explanation.feature_names == [f"x{j}" for j in kept]
    np.testing.assert_array_equal(explanation.base_values, [found.base_value] * 10)
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    for plot in (shap.plots.beeswarm, shap.plots.bar):
        plot(explanation, show=False)
    shap.plots.waterfall(explanation[0], show=False)
    matplotlib.pyplot.close("all")


def test_samples_agree_within_their_standard_errors(friedman):
    model, X = friedman
    exact = shapley_values(model, X[:30], X[100:150])
    options = {"method": "permutation", "n_permutations": 40, "random_state": 0}
    found = shapley_values(model, X[:30], X[100:150], **options)
    assert exact.std_error is None
    kept = found.players
    assert found.std_error.shape == (30, 7) and (found.std_error[:, kept] > 0).all()
    apart = (found.values - exact.values)[:, kept] / found.std_error[:, kept]
    assert 0.5 < apart.std() < 1.6
    np.testing.assert_allclose(
        found.values.sum(axis=1) + found.base_value,
        model.predict(X[:30]),
        rtol=0,
        atol=1e-9,
    )
    again = shapley_values(model, X[:30], X[100:150], **options)
    np.testing.assert_array_equal(found.values, again.values)


@pytest.mark.parametrize("limit", [1, 10**9])
def test_chunks_change_nothing(friedman, monkeypatch, limit):
    model, X = friedman
    usual = shapley_values(model, X[:9], X[100:120], interactions=True)
    monkeypatch.setattr(shapley, "_AT_A_TIME", limit)
    for name in ("_NODE", "_TABLE"):
        monkeypatch.setattr(f"sklearn_ard.inspection.enumeration.{name}", limit)
    found = shapley_values(model, X[:9], X[100:120], interactions=True)
    np.testing.assert_allclose(found.values, usual.values, atol=1e-12)
    np.testing.assert_allclose(found.interactions, usual.interactions, atol=1e-12)


def test_weights_of_the_background_are_copies(friedman):
    model, X = friedman
    copies = np.concatenate([X[100:120], X[100:105], X[100:105]])
    weight = np.where(np.arange(20) < 5, 3, 1)
    found = shapley_values(model, X[:4], X[100:120], background_weight=weight)
    true = shapley_values(model, X[:4], copies)
    np.testing.assert_allclose(found.values, true.values, atol=1e-7)


def test_background_is_drawn_from_x(friedman):
    model, X = friedman
    found = shapley_values(model, X, random_state=0)
    again = shapley_values(model, X, random_state=0)
    np.testing.assert_array_equal(found.values, again.values)
    whole = shapley_values(model, X[:80])
    assert whole.base_value == pytest.approx(model.predict(X[:80]).mean(), abs=1e-9)


def test_many_columns_are_sampled_and_refused_where_all_coalitions_are_asked():
    rng, X, background, _ = rows_of(0, 15)
    operations = random_chain(rng, (15, 6, 4, 1), density=1.0)
    model = compact_model(operations, 15)
    found = shapley_values(model, X, background, n_permutations=10, random_state=0)
    assert found.std_error is not None
    np.testing.assert_allclose(
        found.values.sum(axis=1) + found.base_value, model.predict(X), atol=1e-9
    )
    match = r"'method' parameter.*14 columns in use. Got 'exact' and 15.*feature_groups"
    with pytest.raises(ValueError, match=match):
        shapley_values(model, X, background, method="exact")
    match = r"'interactions' parameter.*must be False.*Got True.*15 columns. Select"
    with pytest.raises(ValueError, match=match):
        shapley_values(model, X, background, interactions=True)


def test_interactions_of_few_columns_need_another_method(friedman):
    model, X = friedman
    with pytest.raises(ValueError, match=r"'interactions'.*Pass method='auto'"):
        shapley_values(model, X, method="permutation", interactions=True)


def test_what_is_refused(friedman):
    model, X = friedman
    with pytest.raises(NotFittedError):
        shapley_values(ARDRegressor(), X)
    with pytest.raises(ValueError, match="'model' parameter.*Got a LinearRegression"):
        shapley_values(LinearRegression(), X)
    with pytest.raises(ValueError, match="X has 5 features"):
        shapley_values(model, X[:, :5], X)
    with pytest.raises(ValueError, match="'background' parameter.*X has 5 features"):
        shapley_values(model, X, X[:, :5])
    for n in (0, 1):
        match = rf"'background' parameter.*at least 2 rows.*Got {n} instead. Pass rows"
        with pytest.raises(ValueError, match=match):
            shapley_values(model, X, X[:n])
    with pytest.raises(ValueError, match="'background' parameter.*must be given"):
        shapley_values(model, X[:1])
    with pytest.raises(ValueError, match="'background_weight'.*None where no"):
        shapley_values(model, X, background_weight=np.ones(len(X)))
    for weight in (np.ones(3), -np.ones(len(X)), np.zeros(len(X))):
        with pytest.raises(ValueError, match="'background_weight' parameter"):
            shapley_values(model, X, X, background_weight=weight)
    with pytest.raises(ValueError, match="'output' parameter.*'auto' for a regressor"):
        shapley_values(model, X, output="probability")


def test_backgrounds_that_are_too_large_are_refused(friedman, monkeypatch):
    model, X = friedman
    monkeypatch.setattr(shapley, "_MOST_HYBRIDS", 1000)
    with pytest.raises(ValueError, match="'background'.*300 × 300 × .*drawn at random"):
        shapley_values(model, X, X)
    monkeypatch.setattr("sklearn_ard.inspection.background._MOST_NUMBERS", 100)
    with pytest.raises(ValueError, match="'background'.*memory.*Got 300 rows"):
        shapley_values(model, X, X)


def test_frames_with_other_names_are_refused():
    X, y = table(100)
    model = ARDRegressor((4,), likelihood="gaussian", **SMALL).fit(X, y)
    with pytest.raises(ValueError, match="feature names"):
        shapley_values(model, X.rename(columns={"size": "height"}), X)
    other = pd.DataFrame({"other": [1.0, 2.0]})
    with pytest.raises(ValueError, match="'background'.*feature names"):
        shapley_values(model, X, other)
