"""shapley_values of every kind of model and table."""

import subprocess
import sys

import joblib
import numpy as np
import pytest
import scipy.sparse as sp
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
from tables import of_objects, of_polars, table
from torch import nn

from sklearn_ard import ARDClassifier, ARDRegressor, ARDRegressorCV
from sklearn_ard.inspection import effect, shapley_values, variance_shares

SMALL = {"max_iter": 40, "random_state": 0, "n_bins": 0}


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


def test_missing_names_are_warned_of_once():
    X, y = table(100)
    model = ARDRegressor((4,), likelihood="gaussian", **SMALL).fit(X, y)
    rows = of_objects(X)
    for explain in (
        lambda: shapley_values(model, rows[:3], rows[50:60]),
        lambda: effect(model, 0, rows, n_draws=0),
        lambda: variance_shares(model, rows),
    ):
        with pytest.warns(UserWarning, match="does not have valid") as found:
            explain()
        assert len(found) == 1


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
