import numpy as np
import pytest
from sklearn.linear_model import ARDRegression

from sklearn_ard import ARDRegressor


def friedman(n, d=15, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.uniform(size=(n, d))
    y = 10 * np.sin(np.pi * X[:, 0] * X[:, 1]) + 20 * (X[:, 2] - 0.5) ** 2
    return X, y + 10 * X[:, 3] + 5 * X[:, 4] + rng.normal(size=n)


@pytest.mark.parametrize("n", [300, 1000, 10_000])
def test_reg_factor_means_the_same_at_every_size(n):
    X, y = friedman(n)
    model = ARDRegressor(random_state=0).fit(X, y)
    assert model.get_support(indices=True).tolist() == [0, 1, 2, 3, 4]
    X_test, y_test = friedman(2000, seed=1)
    assert model.score(X_test, y_test) > 0.92
    assert model.noise_std_ == pytest.approx(1.0, rel=0.35)


def test_linear_case_agrees_with_ard_regression():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 12)) * 10.0 ** rng.uniform(-2, 2, size=12)
    y = 3 * X[:, 2] / X[:, 2].std() - 2 * X[:, 5] / X[:, 5].std() + rng.normal(size=200)
    ours = ARDRegressor(hidden_layer_sizes=(), random_state=0).fit(X, y)
    theirs = ARDRegression().fit(X / X.std(axis=0), y)
    assert ours.get_support(indices=True).tolist() == [2, 5]
    weight = ours.net_.module_[0].weight.detach().numpy()[0]
    in_use = ours.net_.module_[0].keep().numpy()[0]
    ours_coef = weight[in_use] * y.std()
    np.testing.assert_allclose(ours_coef, theirs.coef_[[2, 5]], rtol=0.05)
    assert ours.noise_std_ == pytest.approx(theirs.alpha_**-0.5, rel=0.1)


def test_several_outputs():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 6))
    Y = np.column_stack([X[:, 0] + 5, 1000 * X[:, 3] ** 2, np.full(300, 7.0)])
    Y[:, :2] += rng.normal(size=(300, 2)) * [0.3, 300]
    model = ARDRegressor(random_state=0).fit(X, Y)
    assert model.get_support(indices=True).tolist() == [0, 3]
    prediction = model.predict(X)
    assert prediction.shape == (300, 3)
    assert np.corrcoef(prediction[:, 1], Y[:, 1])[0, 1] > 0.97
    np.testing.assert_allclose(prediction[:, 2], 7.0, atol=0.1)
    np.testing.assert_allclose(model.noise_std_[:2], [0.3, 300], rtol=0.35)
    one_column = ARDRegressor(random_state=0, max_iter=2).fit(X, Y[:, :1])
    assert one_column.predict(X).shape == (300, 1)


def test_empty_model_predicts_the_weighted_mean():
    rng = np.random.default_rng(0)
    X, y, weight = rng.normal(size=(60, 3)), rng.normal(size=60), rng.random(60)
    model = ARDRegressor(feature_cost=1e9, random_state=0)
    with pytest.warns(UserWarning, match="No input is worth its price"):
        model.fit(X, y, sample_weight=weight)
    mean = np.average(y, weights=weight)
    np.testing.assert_allclose(model.predict(X), mean, rtol=1e-14)
    assert model.sparsity_ == 1.0 and (model.feature_importances_ == 0).all()
    std = np.average((y - mean) ** 2, weights=weight) ** 0.5
    assert model.noise_std_ == pytest.approx(std)
    log_density = -0.5 * weight.sum() * (np.log(2 * np.pi * std**2) + 1)
    assert model.elbo_ == pytest.approx(log_density)
    with pytest.warns(UserWarning, match="No features were selected"):
        assert model.transform(X).shape == (60, 0)


def test_noise_is_not_mistaken_for_signal():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(300, 20)), rng.normal(size=300)
    with pytest.warns(UserWarning, match="No input is worth its price"):
        model = ARDRegressor(random_state=0).fit(X, y)
    assert not model.get_support().any()


def test_units_of_y_move_elbo_and_noise_as_they_should():
    X, y = friedman(300)
    metres, kilometres = (
        ARDRegressor(random_state=0).fit(X, y * unit) for unit in (1.0, 1e-3)
    )
    assert kilometres.noise_std_ == pytest.approx(metres.noise_std_ * 1e-3, rel=1e-2)
    shift = 300 * np.log(1e3)
    assert kilometres.elbo_ == pytest.approx(metres.elbo_ + shift, abs=5)


def test_other_number_of_outputs_in_partial_fit():
    X, y = friedman(50)
    model = ARDRegressor().partial_fit(X, y)
    with pytest.raises(ValueError, match="y must have the 1 outputs.*Got 2"):
        model.partial_fit(X, np.column_stack([y, y]))


@pytest.mark.parametrize("total", [1.0, 1e-200])
def test_weights_that_sum_to_one_are_shares(total):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, 3))
    y = X[:, 0] + 0.1 * rng.normal(size=100)
    weight = rng.integers(0, 3, size=100).astype(float)
    options = {"max_iter": 40, "n_bins": 0, "random_state": 0}
    share = total * weight / weight.sum()
    model = ARDRegressor(**options).fit(X, y, sample_weight=share)
    rows = weight * (np.count_nonzero(weight) / weight.sum())
    expected = ARDRegressor(**options).fit(X, y, sample_weight=rows)
    assert model.get_support().tolist() == [True, False, False]
    np.testing.assert_allclose(model.predict(X), expected.predict(X), rtol=1e-3)
