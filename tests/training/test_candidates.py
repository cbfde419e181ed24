import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from scipy import stats
from tables import table

from sklearn_ard import ARDClassifier, ARDRegressor, ard_path
from sklearn_ard.data.encoding import BIN
from sklearn_ard.training import candidates, comparison
from sklearn_ard.training.candidates import BINS
from sklearn_ard.training.comparison import COLUMNS, Comparison


def regressor(**options):
    """One whose noise is given, unless a test says otherwise."""
    return ARDRegressor(**{"likelihood": "gaussian", **options})


def wave(n=600, seed=0):
    """One of ten columns matters, and its value alone does not show it."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 10))
    return X, 2 * np.sin(5 * X[:, 2]) + 0.4 * rng.normal(size=n)


def line(n=300, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 5))
    return X, 2 * X[:, 1] - X[:, 4] + 0.5 * rng.normal(size=n)


def has_bins(model):
    return bool((model._fitted.data.encoding.level == BIN).any())


@pytest.fixture(scope="module")
def of_wave():
    X, y = wave()
    return regressor(random_state=0).fit(X, y), X, y


def test_bins_show_what_values_alone_do_not(of_wave):
    model, X, y = of_wave
    assert model.get_support(indices=True).tolist() == [2]
    test = np.random.default_rng(9).normal(size=(500, 10)).clip(-2, 2)
    error = model.predict(test) - 2 * np.sin(5 * test[:, 2])
    assert np.sqrt(np.mean(error**2)) < 0.5
    with pytest.warns(UserWarning, match="No input is worth its price"):
        regressor(n_bins=0, random_state=0).fit(X, y)


@pytest.mark.filterwarnings("ignore:No input is worth")
def test_what_was_compared_can_be_read(of_wave):
    model, X, y = of_wave
    found = model.candidates_
    assert list(found.columns) == COLUMNS and found.chosen.sum() == 1
    assert found.n_bins.tolist() == [0, *BINS][: len(found)] and len(found) >= 3
    assert found.n_features[0] == 0
    assert found.gain[0] == found.std_error[0] == 0
    alike = found[found.n_rows == found.n_rows[0]]
    expected = alike.log_density - alike.log_density[0]
    np.testing.assert_allclose(alike.gain, expected)
    (chosen,) = found.index[found.chosen]
    assert found.gain[chosen] > found.std_error[chosen] > 0
    assert found.gain[chosen] > found.gain.max() - 0.2
    # the empty model is the normal distribution of y
    expected = stats.norm(y.mean(), y.std()).logpdf(y).mean()
    assert found.log_density[0] == pytest.approx(expected, abs=0.1)


def test_values_alone_are_enough_for_a_line():
    X, y = line()
    model = regressor(random_state=0).fit(X, y)
    assert model.candidates_.chosen[0] and len(model.candidates_) >= 2
    pinned = regressor(n_bins=0, random_state=0).fit(X, y)
    assert pinned.elbo_ == model.elbo_, "the comparison takes no random numbers"
    np.testing.assert_array_equal(pinned.predict(X), model.predict(X))
    assert len(pinned.candidates_) == 0


def test_a_choice_can_be_pinned(of_wave):
    model, X, y = of_wave
    n_bins = int(model.candidates_.n_bins[model.candidates_.chosen].item())
    pinned = regressor(n_bins=n_bins, random_state=0).fit(X, y)
    assert pinned.elbo_ == model.elbo_
    np.testing.assert_array_equal(pinned.predict(X), model.predict(X))
    regressor(n_bins=5, max_iter=30).fit(X, y)


def test_a_weight_of_k_is_k_copies_and_rows_have_no_order():
    X, y = wave(250)
    weight = np.random.default_rng(0).integers(1, 3, 250)
    options = {"random_state": 0, "max_iter": 300}
    weighted = regressor(**options).fit(X, y, sample_weight=weight)
    order = np.random.default_rng(1).permutation(weight.sum())
    copies = np.repeat(np.arange(250), weight)[order]
    copied = regressor(**options).fit(X[copies], y[copies])
    assert len(weighted.candidates_) >= 2
    pd.testing.assert_frame_equal(weighted.candidates_, copied.candidates_)
    assert weighted.elbo_ == copied.elbo_


def test_density_of_held_out_rows(of_wave, monkeypatch):
    """Held-out rows are a fifth, never trained on, and their density is the normal."""
    _, X, y = of_wave
    seen = {}
    real = comparison.scores

    def spy(task, trained, batches, y, unit):
        density, error = real(task, trained, batches, y, unit)
        jacobian = task.targets.log_jacobian_
        likelihood = trained.net.criterion_.likelihood
        x, (target, _) = batches.select(trained.inputs).rows(np.arange(len(batches)))
        if trained.support.any():
            output = trained.net.module_.eval()(x).detach().numpy()[:, 0]
            scale = likelihood.log_noise_variance.exp().sqrt().item()
            expected = stats.norm(output, scale).logpdf(target.numpy()[:, 0])
            np.testing.assert_allclose(
                density - jacobian, expected, rtol=1e-4, atol=1e-4
            )
            predicted = (
                output * task.targets.scaler_.scale_ + task.targets.scaler_.mean_
            )
            expected = ((predicted - y[:, 0]) / unit) ** 2
            np.testing.assert_allclose(error, expected, rtol=1e-3, atol=1e-6)
        rows = {tuple(row) for row in batches.target.tolist()}
        trained_on = {tuple(row) for row in task.batches.target.tolist()}
        seen[len(seen)] = len(rows), len(trained_on), rows & trained_on
        return density, error

    monkeypatch.setattr(comparison, "scores", spy)
    regressor(max_iter=100, random_state=0).fit(X, y)
    assert all(each == (120, 480, set()) for each in seen.values()) and len(seen) >= 3


def test_classes_and_categories():
    X, y = table(400)
    X["wave"] = np.random.default_rng(3).normal(size=400)
    labels = np.where(np.sin(4 * X["wave"]) > 0, "yes", "no")
    model = ARDClassifier(random_state=0).fit(X, labels)
    assert model.get_feature_names_out().tolist() == ["wave"]
    found = model.candidates_
    assert found.log_density[0] == pytest.approx(-np.log(2), abs=0.05)
    compact = model.compact()
    np.testing.assert_array_equal(compact.predict_proba(X), model.predict_proba(X))


@pytest.mark.parametrize(
    ("gains", "n_folds", "chosen"),
    [
        # of 8 bins over none on each fold, in standard errors; 16 bins are no better
        ([5], 1, 8),
        ([-5], 1, 0),
        ([1.2, 4], 2, 8),
        ([1.2, -6], 2, 0),
        ([0.5, 1.5, 1.5], 3, 8),
        ([0.5, 1.0, -1.0], 3, 0),
    ],
)
def test_close_candidates_are_scored_on_more_folds(monkeypatch, gains, n_folds, chosen):
    X, y = line(400)
    noise = np.random.default_rng(0).normal(size=80)
    noise = (noise - noise.mean()) / noise.std()
    seen = {}

    def scripted(task, trained, batches, y, unit):
        n_bins = (task.n_inputs - 5) // 5
        fold = seen[n_bins] = seen.get(n_bins, -1) + 1
        if n_bins == 0:
            return np.zeros(80), np.ones(80)
        gain = gains[fold] if n_bins == 8 else -20
        return noise + gain / np.sqrt(80), np.ones(80)

    monkeypatch.setattr(comparison, "scores", scripted)
    found = regressor(max_iter=200, random_state=0).fit(X, y).candidates_
    n_tried = 2 if gains[0] < -1 else 3
    assert found.n_bins.tolist() == [0, 8, 16][:n_tried]
    assert found.n_rows.tolist() == [80 * n_folds, 80 * n_folds, 80][:n_tried]
    assert found.n_bins[found.chosen].item() == chosen
    expected = [np.mean(gains), np.sqrt(1 / n_folds)]
    error = found[["gain", "std_error"]].iloc[1] * np.sqrt(80)
    np.testing.assert_allclose(error, expected, rtol=0.6)
    assert error.gain == pytest.approx(np.mean(gains))


@pytest.mark.parametrize(
    ("options", "n_rows"),
    [({}, candidates.MIN_ROWS - 1), ({"max_iter": 50}, 300), ({"n_bins": 0}, 300)],
)
def test_nothing_is_compared_with_few_rows_or_steps(options, n_rows):
    X, y = line(n_rows)
    model = regressor(random_state=0, **options).fit(X, y)
    assert len(model.candidates_) == 0 and not has_bins(model)
    assert list(model.candidates_.columns) == COLUMNS


def test_nothing_is_compared_without_numbers():
    rng = np.random.default_rng(0)
    X = rng.integers(2, size=(300, 4)).astype(float)
    model = regressor(random_state=0, max_iter=200).fit(X, X[:, 0] + X[:, 1])
    assert len(model.candidates_) == 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(candidates, "MAX_INPUTS", 20)
        X, y = line()
        model = regressor(random_state=0, max_iter=200).fit(X, y)
        assert len(model.candidates_) == 0, "too many inputs"


def test_what_diverges_is_not_chosen(of_wave, monkeypatch):
    _, X, y = of_wave
    real = comparison.train

    def diverging(task, stages):
        if task.n_inputs > X.shape[1]:
            raise FloatingPointError
        return real(task, stages)

    monkeypatch.setattr(comparison, "train", diverging)
    model = regressor(max_iter=100, random_state=0)
    with pytest.warns(UserWarning, match="No input is worth its price"):
        model.fit(X, y)
    assert np.isneginf(model.candidates_.gain[1:]).all() and not has_bins(model)


def test_an_interrupt_changes_nothing(of_wave, monkeypatch):
    _, X, y = of_wave
    model = regressor(max_iter=100, random_state=0)

    def interrupted(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(Comparison, "scored", interrupted)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y)
    assert not hasattr(model, "candidates_")


@pytest.mark.parametrize(
    "options",
    [{"module": lambda n, m: None}, {"input_shape": (1, 10)}],
)
def test_bins_of_what_is_not_a_table_are_refused(options):
    X, y = wave(50)
    name = next(iter(options))
    with pytest.raises(ValueError, match=f"'n_bins' .* where '{name}' is given"):
        regressor(n_bins=4, **options).fit(X, y)


@pytest.mark.parametrize("n_bins", [-1, 2.5, "many", None])
def test_bad_numbers_of_bins(n_bins):
    X, y = wave(50)
    with pytest.raises(ValueError, match="The 'n_bins' parameter of ARDRegressor"):
        regressor(n_bins=n_bins).fit(X, y)


def test_a_warm_start_and_chunks_keep_the_bins(of_wave):
    _, X, y = of_wave
    model = regressor(n_bins=8, warm_start=True, random_state=0, max_iter=100)
    first = model.fit(X, y)._fitted.data.encoding
    before = model.elbo_
    model.fit(X[:400], y[:400])
    assert model._fitted.data.encoding == first and has_bins(model)
    assert model.get_support(indices=True).tolist() == [2]
    assert before < 0
    chunked = regressor(n_bins=8, random_state=0)
    for _ in range(3):
        chunked.partial_fit(X, y)
    assert has_bins(chunked) and chunked.predict(X).shape == y.shape


def test_paths_are_of_the_chosen_encoding(of_wave):
    model, X, y = of_wave
    path = ard_path(X, y, estimator=regressor(random_state=0), reg_factors=[1.0, 1e5])
    assert path.support[0].tolist() == model.get_support().tolist()
    assert path.n_features.tolist() == [1, 0]


@pytest.mark.parametrize("container", [sp.csr_array, sp.csr_matrix])
def test_sparse_and_dense_give_the_same_model(container):
    X, y = wave(300)
    X[np.abs(X) < 0.3] = 0
    options = {"n_bins": 8, "max_iter": 100, "random_state": 0}
    dense = regressor(**options).fit(X, y)
    sparse = regressor(**options).fit(container(X), y)
    assert dense.elbo_ == sparse.elbo_
    np.testing.assert_array_equal(dense.predict(X), sparse.predict(container(X)))


def test_noise_is_compared_under_the_bins_that_are_given(capsys):
    X, y = skewed(200)
    model = ARDRegressor(n_bins=4, max_iter=250, random_state=0, verbose=1).fit(X, y)
    found = model.candidates_
    assert (found.n_bins == 4).all() and found.chosen.sum() == 1
    assert found.likelihood[found.chosen].item() == model.likelihood_
    assert "n_bins=4 was chosen" in capsys.readouterr().out


def test_verbose_says_what_was_chosen(capsys):
    X, y = wave(300)
    regressor(verbose=1, max_iter=200, random_state=0).fit(X, y)
    told = capsys.readouterr().out
    assert (
        told.startswith("[ARDRegressor] likelihood='gaussian', n_bins=")
        and told.count("\n") == 1
    )
    assert "nats per row" in told


def heavy(n=300, seed=0):
    """Two of twelve columns matter; a few targets are far away."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 12))
    y = 2 * X[:, 1] + X[:, 4] ** 2 + 0.5 * rng.normal(size=n)
    y[rng.random(n) < 0.02] += 60
    return X, y


def uneven(n=500, seed=0):
    """The mean depends on one column, the spread on another."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 10))
    return X, X[:, 2] + np.exp(X[:, 7]) * rng.normal(size=n)


def skewed(n=500, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 10))
    return X, np.exp(X[:, 0] + 0.5 * X[:, 3] ** 2 + 0.5 * rng.normal(size=n))


@pytest.mark.parametrize(
    ("make", "relevant", "noises"),
    [
        (line, [1, 4], {"gaussian"}),
        (heavy, [1, 4], {"skew_t"}),
        (uneven, [2, 7], {"heteroscedastic", "skew_t"}),
        (skewed, [0, 3], {"yeo-johnson", "skew_t"}),
    ],
)
def test_noise_that_is_true_is_chosen_and_columns_under_it(make, relevant, noises):
    X, y = make()
    options = {"n_bins": 0, "max_iter": 200, "random_state": 0}
    model = ARDRegressor(**options).fit(X, y)
    assert model.likelihood_ in noises
    assert model.get_support(indices=True).tolist() == relevant
    found = model.candidates_
    assert list(found.columns) == COLUMNS
    assert found.likelihood[found.chosen].tolist() == [model.likelihood_]
    pinned = ARDRegressor(likelihood=model.likelihood_, **options)
    assert pinned.fit(X, y).elbo_ == model.elbo_
    assert len(pinned.candidates_) == 0


def test_an_outlier_alone_does_not_decide():
    """Its density under normal noise is that of 10 nats less at most."""
    X, y = line()
    comparison = Comparison.__new__(Comparison)
    comparison.rows, comparison.weight = np.arange(300), np.ones(300)
    even = candidates.Candidate(None, densities=(np.zeros(60),))
    worse = np.full(60, 0.5)
    worse[0] = -1e6
    other = candidates.Candidate(None, densities=(worse,))
    gain, error = comparison.gain(other, even)
    assert gain == pytest.approx((59 * 0.5 - 10) / 60)
    assert comparison.is_better(other, even) == (gain > error)


def test_robust_locations_that_are_no_means_are_out():
    comparison = Comparison.__new__(Comparison)
    comparison.rows, comparison.weight = np.arange(300), np.ones(300)

    def candidate(density, error, n_features=3):
        scores = (np.full(60, density),), (np.full(60, error),)
        return candidates.Candidate(None, 0, *scores, n_features)

    plain, biased = candidate(0.0, 1.0), candidate(2.0, 1.1)
    uneven, parsimonious = candidate(1.0, 1.0), candidate(1.0, 1.0, 2)
    assert comparison.densest([plain, biased, uneven]) is uneven
    assert comparison.densest([plain, uneven, parsimonious]) is parsimonious


def test_noise_is_kept_by_chunks_and_warm_starts():
    X, y = skewed(200)
    options = {"likelihood": "skew_t", "max_iter": 60, "random_state": 0}
    model = ARDRegressor(**options, warm_start=True).fit(X, y)
    model.set_params(likelihood="auto").fit(X[:150], y[:150])
    assert model.likelihood_ == "skew_t"
    model.set_params(likelihood="gaussian")
    with pytest.raises(ValueError, match="fitted with 'skew_t' noise"):
        model.fit(X, y)
    chunked = ARDRegressor(**options)
    for _ in range(3):
        chunked.partial_fit(X, y)
    assert chunked.likelihood_ == "skew_t"
    assert ARDRegressor().partial_fit(X, y).likelihood_ == "gaussian"
