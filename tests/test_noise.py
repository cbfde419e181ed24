"""The parameter `likelihood` of regressors, from fit to every kind of answer."""

import pickle

import numpy as np
import pytest
from scipy import stats

from sklearn_ard import ARDRegressor, ARDRegressorCV, ard_path
from sklearn_ard.data.targets import LIKELIHOODS

SHORT = {"n_bins": 0, "max_iter": 60, "random_state": 0}


def prices(n=300, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 6))
    spread = 0.2 + 0.3 * (X[:, 2] > 0)
    return X, np.exp(X[:, 0] + 0.5 * np.abs(X[:, 1]) + spread * rng.normal(size=n))


@pytest.fixture(scope="module", params=LIKELIHOODS)
def fitted(request):
    X, y = prices()
    return ARDRegressor(likelihood=request.param, **SHORT).fit(X, y), X, y


def test_compact_models_predict_the_same_mean(fitted):
    model, X, _ = fitted
    compact = pickle.loads(pickle.dumps(model.compact()))
    np.testing.assert_array_equal(compact.predict(X), model.predict(X))
    assert compact.noise_std_ == model.noise_std_


def test_onnx_computes_the_same_mean(fitted, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    model, X, _ = fitted
    model.to_onnx(tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    (found,) = session.run(None, {"X": X})
    np.testing.assert_allclose(found, model.predict(X), rtol=1e-5)


def test_quantiles_and_density_are_of_one_distribution(fitted):
    model, X, y = fitted
    levels = np.linspace(0.02, 0.98, 49)
    quantiles = model.predict_quantiles(X[:5], levels)
    assert (np.diff(quantiles, axis=1) > 0).all()
    for k in range(5):
        middle = 0.5 * (quantiles[k, 1:] + quantiles[k, :-1])
        density = np.exp(model.log_density(np.repeat(X[[k]], 48, axis=0), middle))
        expected = 0.02 / np.diff(quantiles[k])
        np.testing.assert_allclose(density, expected, rtol=0.08)
    np.testing.assert_array_equal(
        model.predict_quantiles(X, 0.5), model.predict_quantiles(X, [0.5])[:, 0]
    )


def test_mean_and_std_are_those_of_the_distribution(fitted):
    model, X, _ = fitted
    mean, std = model.predict(X[:3], return_std=True)
    np.testing.assert_array_equal(mean, model.predict(X[:3]))
    if not np.isfinite(std).all():
        return
    levels = (np.arange(3_000) + 0.5) / 3_000
    draws = model.predict_quantiles(X[:3], levels)
    np.testing.assert_array_less(np.abs(draws.mean(axis=1) - mean), 0.05 * std)
    if model.likelihood not in ("student_t", "skew_t"):  # tails need more draws
        np.testing.assert_allclose(draws.std(axis=1), std, rtol=0.05)


def test_evidence_is_in_units_of_y(fitted):
    model, X, y = fitted
    other = ARDRegressor(likelihood=model.likelihood, **SHORT).fit(X, 1000 * y)
    expected = model.elbo_ - len(y) * np.log(1000)
    assert other.elbo_ == pytest.approx(expected, rel=0.03)


def test_weights_are_copies(fitted):
    model, X, y = fitted
    weight = np.random.default_rng(0).integers(0, 3, size=len(y))
    options = {**SHORT, "max_iter": 10, "likelihood": model.likelihood}
    weighted = ARDRegressor(**options).fit(X, y, sample_weight=weight)
    rows = np.repeat(np.arange(len(y)), weight)
    copied = ARDRegressor(**options).fit(X[rows], y[rows])
    np.testing.assert_array_equal(weighted.predict(X), copied.predict(X))
    np.testing.assert_allclose(weighted.noise_std_, copied.noise_std_, rtol=1e-6)


def test_several_outputs_and_networks(fitted):
    model, X, y = fitted
    Y = np.column_stack([y, 5 + np.sqrt(y)])
    options = {**SHORT, "likelihood": model.likelihood}
    both = ARDRegressor(n_networks=2, **options).fit(X, Y)
    assert both.noise_std_.shape == (2,) and both.predict(X).shape == Y.shape
    assert both.predict_quantiles(X, [0.1, 0.9]).shape == (300, 2, 2)
    assert both.log_density(X, Y).shape == (300,)
    assert both.score(X, Y) > 0.3
    with pytest.raises(ValueError, match="must have the 2 outputs"):
        both.log_density(X, y)


def test_threshold_and_empty_models_keep_their_noise(fitted):
    model, X, y = fitted
    copy = pickle.loads(pickle.dumps(model))
    with pytest.warns(UserWarning, match="No weight has a log alpha below"):
        copy.set_threshold(-30.0)
    assert copy.noise_std_ == model.noise_std_
    with pytest.warns(UserWarning, match="No input is worth"):
        empty = ARDRegressor(
            likelihood=model.likelihood, **{**SHORT, "reg_factor": 1e6}
        ).fit(X, y)
    assert np.ptp(empty.predict(X)) == 0
    density = empty.log_density(X, y).sum()
    assert empty.elbo_ == pytest.approx(density, rel=1e-3)


def test_targets_of_one_value(fitted):
    model, X, _ = fitted
    with pytest.warns(UserWarning, match="No input is worth"):
        constant = ARDRegressor(likelihood=model.likelihood, **SHORT).fit(
            X, np.full(len(X), 3.0)
        )
    np.testing.assert_allclose(constant.predict(X), 3.0, rtol=1e-3)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:No input is worth")
def test_nothing_is_kept_beside_targets_that_are_far_from_normal():
    rng = np.random.default_rng(7000)
    X, y = rng.normal(size=(300, 30)), np.exp(rng.normal(size=300))
    assert ARDRegressor(n_bins=0, random_state=0).fit(X, y).get_support().sum() == 0
    normal = ARDRegressor(n_bins=0, random_state=0, likelihood="gaussian").fit(X, y)
    assert normal.get_support().sum() > 3


def test_spread_that_depends_on_the_inputs_is_learned():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(2000, 3))
    y = X[:, 0] + np.exp(0.8 * X[:, 1]) * rng.normal(size=2000)
    model = ARDRegressor(likelihood="heteroscedastic", n_bins=0, random_state=0)
    _, std = model.fit(X, y).predict(X, return_std=True)
    assert np.corrcoef(np.log(std), X[:, 1])[0, 1] > 0.97
    inside = np.abs(y - model.predict(X)) < 1.96 * std
    assert inside.mean() == pytest.approx(0.95, abs=0.02)
    expected = np.sqrt(np.mean(np.exp(1.6 * X[:, 1])))
    assert model.noise_std_ == pytest.approx(expected, rel=0.1)


def test_standard_deviation_of_heavy_tails():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1500, 2))
    y = X[:, 0] + 0.5 * rng.standard_t(5, size=1500)
    model = ARDRegressor(likelihood="student_t", n_bins=0, random_state=0).fit(X, y)
    assert model.noise_std_ == pytest.approx(0.5 * np.sqrt(5 / 3), rel=0.15)
    y = X[:, 0] + 0.5 * rng.standard_t(1.5, size=1500)
    assert np.isinf(model.fit(X, y).noise_std_)
    assert np.isfinite(model.predict_quantiles(X)).all()


@pytest.mark.slow
def test_path_and_cross_validation_choose_once_for_all_points():
    X, y = prices(200)
    options = {"n_bins": 0, "random_state": 0, "max_iter": 250}
    model = ARDRegressorCV(reg_factors=[0.5, 1], cv=2, **options).fit(X, y)
    assert model.likelihood_ in {"yeo-johnson", "skew_t", "heteroscedastic"}
    assert model.candidates_.chosen.sum() == 1
    given = ARDRegressor(likelihood="lognormal", **SHORT)
    path = ard_path(X, y, estimator=given, reg_factors=[1.0], return_models=True)
    assert path.models[0].predict(X).min() > 0
    assert stats.spearmanr(path.models[0].predict(X), y).statistic > 0.6


@pytest.mark.parametrize("value", [0.0, -1.0])
def test_logarithms_need_positive_targets(value):
    X, y = prices(60)
    y[3] = value
    model = ARDRegressor(likelihood="lognormal", **SHORT)
    match = f"needs positive targets. Got y with {value}"
    with pytest.raises(ValueError, match=match):
        model.fit(X, y)
    model.partial_fit(X[4:], y[4:])
    with pytest.raises(ValueError, match=match):
        model.partial_fit(X, y)


@pytest.mark.parametrize("quantiles", ["a", 0.0, 1.0, [0.5, 1.2], [[0.5]], np.nan, []])
def test_bad_quantiles(quantiles):
    X, y = prices(60)
    model = ARDRegressor(likelihood="gaussian", **SHORT).fit(X, y)
    with pytest.raises(ValueError, match="must be numbers between 0 and 1"):
        model.predict_quantiles(X, quantiles)


def test_densities_of_what_cannot_be_and_of_what_is_far_away():
    X, y = prices(60)
    model = ARDRegressor(likelihood="lognormal", **SHORT).fit(X, y)
    assert np.isneginf(model.log_density(X[:2], [-1.0, 0.0])).all()
    model = ARDRegressor(likelihood="skew_t", **SHORT).fit(X, y)
    far = model.log_density(np.repeat(X[:1], 4, axis=0), [1e4, 1e8, 1e12, 1e16])
    assert np.isfinite(far).all() and (np.diff(far) < 0).all()
    np.testing.assert_allclose(np.diff(far), np.diff(far)[0], rtol=1e-3)  # a power


def test_one_constant_output_changes_nothing_about_the_other():
    X, y = prices(100)
    options = {**SHORT, "likelihood": "lognormal"}
    both = ARDRegressor(**options).fit(X, np.column_stack([y, np.ones(100)]))
    assert both.predict_quantiles(X).min() > 0
    alone = ARDRegressor(**options).fit(X, np.full(100, 7.0))
    np.testing.assert_allclose(alone.predict_quantiles(X), 7.0, rtol=1e-2)
    chunked = ARDRegressor(**options).partial_fit(X[:5], np.ones(5))
    for _ in range(3):
        chunked.partial_fit(X, y)
    assert chunked.predict_quantiles(X).min() > 0
    with pytest.raises(ValueError, match="fitted with 'lognormal' noise"):
        chunked.set_params(likelihood="gaussian").partial_fit(X, y)


def test_rows_without_weight_do_not_count():
    X, y = prices(60)
    weight = np.ones(60)
    y[0], weight[0] = -3.0, 0.0
    model = ARDRegressor(likelihood="lognormal", **SHORT)
    assert model.fit(X, y, sample_weight=weight).predict(X).min() > 0


@pytest.mark.parametrize("likelihood", ["auto", "skew_t", "yeo-johnson"])
def test_a_value_that_many_targets_have_is_not_a_peak(likelihood):
    rng = np.random.default_rng(6)
    X = rng.normal(size=(150, 3))
    y = np.exp(0.5 * X[:, 0] + rng.normal(size=150))
    y[rng.random(150) < 0.6] = 0
    options = {**SHORT, "max_iter": 280}
    model = ARDRegressor(likelihood=likelihood, **options).fit(X, y)
    assert abs(model.predict(X).mean() - y.mean()) < 0.3 * y.mean()


def test_bad_names():
    X, y = prices(60)
    for name in ("normal", None, 3):
        with pytest.raises(ValueError, match="'likelihood' parameter of ARDRegressor"):
            ARDRegressor(likelihood=name).fit(X, y)
