"""shapley_values: the truth by brute force, axioms, units, and what is refused."""

import itertools
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from explained_models import (
    answers_of,
    brute_force,
    compact_model,
    of_columns,
    own_ends,
    random_chain,
    with_skip,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression
from tables import of_objects, of_polars, table
from torch import nn

from sklearn_ard import ARDClassifier, ARDRegressor, ARDRegressorCV
from sklearn_ard.inference.operations import Activation, Dense, Sum
from sklearn_ard.inspection import shapley, shapley_values

SMALL = {"max_iter": 40, "random_state": 0, "n_bins": 0}
SEEDS = st.integers(0, 2**31)


def rows_of(seed, n_columns, n=3, m=7):
    rng = np.random.default_rng(seed)
    weight = rng.random(m)
    X, background = rng.normal(size=(n, n_columns)), rng.normal(size=(m, n_columns))
    return rng, X, background, weight / weight.sum()


@pytest.fixture(scope="module")
def friedman():
    """A model of few rows, and more rows than it has seen."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 7))
    y = X[:, 0] * X[:, 1] + np.abs(X[:, 2]) + X[:, 4]
    model = ARDRegressor((16, 8), likelihood="gaussian", **SMALL).fit(X[:200], y[:200])
    return model, X


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


def test_compact_models_ensembles_and_cv_classes(friedman):
    model, X = friedman
    values = shapley_values(model, X[:5], X[100:120]).values
    found = shapley_values(model.compact(), X[:5], X[100:120])
    np.testing.assert_array_equal(found.values, values)
    y = X[:, 0] + np.abs(X[:, 2])
    ensemble = ARDRegressor((8,), n_networks=3, likelihood="gaussian", **SMALL)
    options = {"reg_factors": [0.5, 5], "cv": 2, "likelihood": "gaussian"}
    chosen = ARDRegressorCV((8,), **options, **SMALL)
    for each in (ensemble.fit(X, y), chosen.fit(X, y)):
        found = shapley_values(each, X[:5], X[100:120])
        kept = each.get_support(indices=True)
        weight = np.full(20, 1 / 20)
        true = brute_force(
            lambda rows, each=each: answers_of(each, rows),
            of_columns,
            X[0],
            X[100:120],
            weight,
            list(kept),
            own_ends(each, X[100:120], weight, X[:5])[0],
        )
        np.testing.assert_allclose(found.values[0, kept], true[:, 0], atol=1e-9)
        assert not np.delete(found.values, kept, axis=1).any()


@pytest.mark.parametrize("likelihood", ["skew_t", "yeo-johnson", "heteroscedastic"])
def test_means_under_every_noise(likelihood):
    rng, X, background, weight = rows_of(5, 4)
    n_outputs = 1 if likelihood == "yeo-johnson" else 2
    operations = random_chain(rng, (4, 6, 4, n_outputs), density=0.8)
    model = compact_model(with_skip(rng, operations, 4), 4, likelihood)
    found = shapley_values(model, X, background, background_weight=weight)
    true = brute_force(
        lambda rows: answers_of(model, rows),
        of_columns,
        X[0],
        background,
        weight,
        list(range(4)),
        own_ends(model, background, weight, X)[0],
    )
    np.testing.assert_allclose(found.values[0], true[:, 0], atol=1e-9)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_classes_in_log_odds_and_probabilities(friedman, n_classes):
    _, X = friedman
    score = X[:, 0] + X[:, 1] * X[:, 2]
    y = np.digitize(score, np.quantile(score, np.arange(1, n_classes) / n_classes))
    model = ARDClassifier((8, 4), **SMALL).fit(X, np.array(["a", "b", "c"])[y])
    found = shapley_values(model, X[:6], X[100:120])
    logs = model.predict_log_proba(X)
    odds = logs[:, 1] - logs[:, 0] if n_classes == 2 else logs - logs.mean(1)[:, None]
    sums = found.values.sum(axis=1) + found.base_value
    np.testing.assert_allclose(sums, odds[:6], rtol=0, atol=1e-9)
    np.testing.assert_allclose(found.base_value, odds[100:120].mean(axis=0), atol=1e-9)
    shares = shapley_values(model, X[:6], X[100:120], output="probability")
    sums = shares.values.sum(axis=1) + shares.base_value
    probabilities = model.predict_proba(X[:6])
    if n_classes == 2:
        probabilities = probabilities[:, 1]
        assert found.output_names is None
    else:
        assert found.values.shape == (6, 7, 3) and found.output_names == ["a", "b", "c"]
        np.testing.assert_allclose(shares.values.sum(axis=2), 0, atol=1e-12)
        assert found.to_frame().columns[:2].tolist() == [("a", "x0"), ("a", "x1")]
    np.testing.assert_allclose(sums, probabilities, rtol=0, atol=1e-9)


def test_several_targets(friedman):
    _, X = friedman
    Y = np.column_stack([X[:, 0], X[:, 0] * X[:, 1]])
    model = ARDRegressor((8,), likelihood="gaussian", **SMALL).fit(X, Y)
    found = shapley_values(model, X[:4], X[100:120], interactions=True)
    assert found.values.shape == (4, 7, 2) and found.interactions.shape == (4, 7, 7, 2)
    np.testing.assert_allclose(
        found.values.sum(axis=1) + found.base_value, model.predict(X[:4]), atol=1e-9
    )


def test_players_of_a_table_are_its_columns_and_groups():
    X, y = table(200)
    X["place"] = X["size"] + 0.1 * X["weight"].fillna(0)
    groups = {"body": ["size", "place"]}
    model = ARDRegressor((8,), feature_groups=groups, likelihood="gaussian", **SMALL)
    model.fit(X, y)
    found = shapley_values(model, X[:3], X[100:115])
    assert found.names.tolist() == ["body", "weight", "colour", "shape"]
    assert found.to_frame().index.equals(X.index[:3])
    assert found.to_frame().columns.tolist() == found.names.tolist()
    used = found.names[found.players].tolist()
    assert {"body", "colour"} <= set(used) and "shape" not in used
    assert not found.to_frame()["shape"].any()
    assert found.data["colour"].tolist() == X["colour"][:3].tolist()

    def hybrid(background, row, players):
        columns = [c for p in players for c in groups.get(p, [p])]
        return background.assign(**{c: row[c] for c in columns})

    background, weight = X[100:115], np.full(15, 1 / 15)
    for each in (model, model.compact()):
        found = shapley_values(each, X[:3], background)
        true = brute_force(
            lambda rows, each=each: answers_of(each, rows),
            hybrid,
            X.iloc[0],
            background,
            weight,
            used,
            own_ends(each, background, weight, X[:3])[0],
        )
        np.testing.assert_allclose(found.of_players[0], true[:, 0], atol=1e-9)


def test_players_of_images_are_channels():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 3 * 16))
    y = X[:, :16].mean(axis=1) + 2 * X[:, 16:32].mean(axis=1)
    options = {"input_shape": (3, 4, 4), "conv_channels": (4,), "feature_cost": 0}
    model = ARDRegressor((8,), **options, reg_factor=0.1, max_iter=60, random_state=0)
    model.fit(X, y)
    found = shapley_values(model, X[:2], X[50:60])
    channels = list(found.players)
    assert len(found.names) == 3 and len(channels) > 1

    def hybrid(background, row, players):
        pixels = [16 * c + p for c in players for p in range(16)]
        return of_columns(background, row, pixels)

    true = brute_force(
        lambda rows: answers_of(model, rows),
        hybrid,
        X[0],
        X[50:60],
        np.full(10, 0.1),
        channels,
        own_ends(model, X[50:60], np.full(10, 0.1), X[:2])[0],
    )
    np.testing.assert_allclose(found.values[0, channels], true[:, 0], atol=1e-9)
    compact = shapley_values(model.compact(), X[:2], X[50:60])
    np.testing.assert_array_equal(compact.values, found.values)


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


def test_tables_of_every_kind_give_the_same_values(friedman):
    model, X = friedman
    true = shapley_values(model, X[:5], X[100:120])
    for kind in (sp.csr_array, lambda part: part.tolist(), np.asfortranarray):
        found = shapley_values(model, kind(X[:5]), kind(X[100:120]))
        np.testing.assert_allclose(found.values, true.values, atol=1e-9)
        np.testing.assert_array_equal(found.data, true.data)
    X, y = table(150)
    model = ARDRegressor((4,), likelihood="gaussian", **SMALL).fit(X, y)
    true = shapley_values(model, X[:5], X[100:120])
    for kind in (of_polars, of_objects):
        found = shapley_values(model, kind(X[:5]), kind(X[100:120]))
        np.testing.assert_allclose(found.values, true.values, atol=1e-9)
        assert found.data["colour"].tolist() == true.data["colour"].tolist()


def test_networks_that_only_torch_can_run(friedman):
    _, X = friedman
    module = nn.Sequential(nn.Linear(7, 4), nn.Softsign(), nn.Linear(4, 1))
    model = ARDRegressor(module=module, max_iter=20, random_state=0)
    model.fit(X, X[:, 0] + X[:, 2])
    found = shapley_values(model, X[:3], X[100:110])
    assert len(found.players) > 1
    np.testing.assert_allclose(
        found.values.sum(axis=1) + found.base_value, model.predict(X[:3]), atol=1e-9
    )
    interactions = shapley_values(model, X[:3], X[100:110], interactions=True)
    np.testing.assert_array_equal(interactions.values, found.values)


def test_an_empty_model_explains_nothing_by_nothing():
    X = np.random.default_rng(0).normal(size=(60, 4))
    y = np.random.default_rng(1).normal(size=60)
    model = ARDRegressor((4,), feature_cost=1e6, likelihood="gaussian", n_bins=0)
    with pytest.warns(UserWarning, match="No input is worth"):
        model.set_params(random_state=0).fit(X, y)
    for each in (model, model.compact()):
        found = shapley_values(each, X, interactions=True)
        assert found.values.shape == (60, 4) and not found.values.any()
        assert found.interactions.shape == (60, 4, 4) and not found.interactions.any()
        assert found.base_value == pytest.approx(y.mean())


def test_torch_is_not_needed(friedman, tmp_path):
    import joblib

    model, X = friedman
    joblib.dump((model.compact(), X[:3], X[100:110]), tmp_path / "small.joblib")
    code = (
        "import sys, joblib\n"
        "from sklearn_ard.inspection import shapley_values\n"
        f"model, X, b = joblib.load({str(tmp_path / 'small.joblib')!r})\n"
        "print(shapley_values(model, X, b).values.shape, 'torch' in sys.modules)"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "(3, 7) False", done.stderr


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
