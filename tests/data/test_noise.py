from dataclasses import replace

import numpy as np
import pytest
from scipy import integrate, stats

from sklearn_ard.data.noise import (
    GaussianNoise,
    HeteroscedasticNoise,
    SkewTNoise,
    StudentTNoise,
)
from sklearn_ard.data.targets import LIKELIHOODS, NumericTargets
from sklearn_ard.data.transforms import YeoJohnson

KINDS = [GaussianNoise, HeteroscedasticNoise, StudentTNoise, SkewTNoise]


def noise_of(kind):
    """Noise of two targets, with different tails."""
    noise = kind.start(np.array([-1.0, 0.5]), np.array([0.01, 0.2]))
    if kind is SkewTNoise:
        noise = SkewTNoise(
            noise.log_scale2,
            noise.least_scale2,
            np.array([-3.0, -2.0]),
            np.array([-2.5, -4.0]),
        )
    return noise


def drawn(kind, n):
    rng = np.random.default_rng(0)
    y = {
        GaussianNoise: rng.normal(size=n),
        HeteroscedasticNoise: rng.normal(size=n),
        StudentTNoise: rng.standard_t(3, size=n),
        SkewTNoise: stats.jf_skew_t(4.0, 1.5).rvs(n, random_state=0),
    }[kind]
    return np.column_stack([1 + 2 * y, 3 - y])


@pytest.mark.parametrize("kind", KINDS)
def test_mean_is_that_of_the_distribution(kind):
    noise = noise_of(kind)
    outputs = np.random.default_rng(0).normal(size=(5, 2 * kind.n_outputs))
    np.testing.assert_allclose(
        noise.mean(outputs), noise.distribution(outputs).mean(), rtol=1e-10
    )


@pytest.mark.parametrize("kind", KINDS)
def test_noise_without_inputs_has_the_largest_likelihood(kind):
    y, weight = drawn(kind, 500), np.ones(500)
    start = kind.start(np.zeros(2), np.zeros(2))
    location, noise = start.fitted(y, weight)

    def nll(location, noise):
        outputs = np.zeros((1, 2 * kind.n_outputs))
        outputs[0, :2] = location
        return -noise.distribution(outputs).logpdf(y).sum(axis=1).mean()

    least = nll(location, noise)
    for shift in (-0.05, 0.05):
        assert nll(location + shift, noise) > least
        for name, value in noise.learned.items():
            if name != "least_scale2":
                other = replace(noise, **{name: value + 2 * shift})
                assert nll(location, other) > least - 1e-7, name


@pytest.mark.parametrize("df", [2.0, 4.0])
def test_degrees_of_freedom_are_found(df):
    y = np.random.default_rng(0).standard_t(df, size=(20_000, 1))
    start = StudentTNoise.start(np.zeros(1), np.zeros(1))
    location, noise = start.fitted(y, np.ones(len(y)))
    assert noise.shapes[0] == pytest.approx(df, rel=0.15)
    assert location == pytest.approx(0, abs=0.03)


@pytest.mark.parametrize("likelihood", LIKELIHOODS)
def test_density_of_targets_integrates_to_one(likelihood):
    rng = np.random.default_rng(0)
    y = np.exp(rng.normal(size=(300, 1)))
    targets = NumericTargets(1, True, True, likelihood).fit(y, np.ones(300))
    outputs, noise = targets.empty_output_[None], targets.empty_noise_

    def density(y):
        y = np.array([[y]])
        return float(np.exp(targets.log_density(y, outputs, noise))[0])

    least = 0.0 if likelihood == "lognormal" else -np.inf
    parts = [least, -1.0, 0.0, 1.0, 5.0, np.inf]
    total = sum(
        integrate.quad(density, a, b, limit=400)[0]
        for a, b in zip(parts[:-1], parts[1:], strict=True)
        if a < b and b > least
    )
    assert total == pytest.approx(1, abs=2e-3)  # heavy tails converge slowly


@pytest.mark.parametrize("likelihood", LIKELIHOODS)
def test_moments_and_quantiles_are_those_of_draws(likelihood):
    rng = np.random.default_rng(0)
    y = 1 + rng.gamma(4.0, size=(2_000, 1))
    targets = NumericTargets(1, True, True, likelihood).fit(y, np.ones(len(y)))
    outputs, noise = targets.empty_output_[None] + 0.3, targets.empty_noise_
    outputs = np.repeat(outputs, 400_000, axis=0)
    z = noise.distribution(outputs).rvs(random_state=rng)
    draws = targets._each("inverse", targets.scaler_.inverse_transform(z))
    mean = targets.predictions(outputs[:1], noise)
    std = targets.std(outputs[:1], noise)
    assert draws.mean() == pytest.approx(mean[0], rel=5e-3)
    if np.isfinite(std[0]):
        assert draws.std() == pytest.approx(std[0], rel=0.05)
    levels = [0.05, 0.5, 0.9]
    found = targets.quantiles(outputs[:1], noise, 0.0, levels)
    np.testing.assert_allclose(found[0], np.quantile(draws, levels), rtol=0.01)


@pytest.mark.parametrize("likelihood", LIKELIHOODS)
def test_weights_are_copies(likelihood):
    rng = np.random.default_rng(0)
    y, weight = np.exp(rng.normal(size=(60, 1))), rng.integers(1, 4, size=60)
    weighted = NumericTargets(1, True, True, likelihood).fit(y, weight.astype(float))
    copies = np.repeat(y, weight, axis=0)
    copied = NumericTargets(1, True, True, likelihood).fit(copies, np.ones(len(copies)))
    assert weighted.empty_nll_ == pytest.approx(copied.empty_nll_, rel=1e-6)
    np.testing.assert_allclose(weighted.transform(y), copied.transform(y), rtol=1e-4)


@pytest.mark.parametrize("likelihood", LIKELIHOODS)
def test_units_of_y_do_not_matter(likelihood):
    y = np.exp(np.random.default_rng(0).normal(size=(100, 1)))
    ones = np.ones(100)
    first = NumericTargets(1, True, True, likelihood).fit(y, ones)
    other = NumericTargets(1, True, True, likelihood).fit(1000 * y, ones)
    np.testing.assert_allclose(
        first.transform(y), other.transform(1000 * y), rtol=2e-3, atol=2e-3
    )
    nats = first.empty_nll_ - first.log_jacobian_ + np.log(1000)
    assert other.empty_nll_ - other.log_jacobian_ == pytest.approx(nats, rel=1e-3)


def test_scale_is_never_below_the_rounding_of_targets():
    y = np.random.default_rng(0).integers(3, 9, size=(500, 1)).astype(float)
    targets = NumericTargets(1, True, True, "skew_t").fit(y, np.ones(500))
    least = np.sqrt(targets.start_.least_scale2) * targets.scaler_.scale_
    assert least == pytest.approx(1 / np.sqrt(12))


def test_targets_of_one_value_have_finite_noise():
    for likelihood in LIKELIHOODS:
        y = np.full((20, 1), 3.0)
        targets = NumericTargets(1, True, True, likelihood).fit(y, np.ones(20))
        assert np.isfinite(targets.transform(y)).all()
        predicted = targets.predictions(
            targets.empty_output_[None], targets.empty_noise_
        )
        assert np.isfinite(predicted).all()


def test_yeo_johnson_is_that_of_scipy_and_inverted():
    y = 3 * np.random.default_rng(0).normal(size=200)
    for power in (0.0, 0.3, 1.0, 1.7, 2.0):
        transform = YeoJohnson(power, unit=0.5)
        z = transform.transform(y)
        np.testing.assert_allclose(z, stats.yeojohnson(y / 0.5, power))
        np.testing.assert_allclose(transform.inverse(z), y, rtol=1e-9)
        step = 1e-6
        slope = (transform.transform(y + step) - transform.transform(y - step)) / (
            2 * step
        )
        np.testing.assert_allclose(
            transform.log_derivative(y), np.log(slope), atol=1e-5
        )


def test_power_of_log_normal_targets_is_the_logarithm():
    y = np.exp(2 * np.random.default_rng(0).normal(size=3_000))
    found = YeoJohnson.fit(y, np.ones(len(y)))
    assert found.power < 0.05
    assert found.unit < 0.05 * np.median(y)


@pytest.mark.parametrize("kind", [HeteroscedasticNoise, SkewTNoise])
def test_scale_is_no_larger_than_on_the_rows_of_training(kind):
    outputs = np.random.default_rng(0).normal(size=(50, 4))
    noise = noise_of(kind)
    bounded = noise.bounded_by(outputs)
    np.testing.assert_array_equal(bounded.mean(outputs), noise.mean(outputs))
    np.testing.assert_array_equal(
        bounded.distribution(outputs).std(), noise.distribution(outputs).std()
    )
    far = outputs[:1].copy()
    far[:, 2:] = 6.0
    largest = noise.distribution(outputs).std().max(axis=0)
    np.testing.assert_allclose(bounded.distribution(far).std(), largest[None])
    assert (noise.distribution(far).std() > 2 * largest).all()
