"""StabilitySelection: probabilities, bounds, and what it refuses."""

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context, get_config
from sklearn.base import BaseEstimator, clone
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestRegressor
from sklearn.feature_selection import (
    SelectFromModel,
    SelectKBest,
    SelectorMixin,
    f_regression,
)
from sklearn.linear_model import Lasso, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR

from sklearn_ard import ARDRegressor, StabilitySelection


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 20))
    return X, X[:, 3] - 2 * X[:, 7] + rng.normal(size=200)


class Guess(SelectorMixin, BaseEstimator):
    """Picks `k` columns at random, the more so the more of them `lucky` ones."""

    def __init__(self, k=4, random_state=None):
        self.k = k
        self.random_state = random_state

    def fit(self, X, y):
        rng = np.random.default_rng(self.random_state)
        self.mask_ = np.zeros(X.shape[1], dtype=bool)
        self.mask_[rng.choice(X.shape[1], self.k, replace=False)] = True
        return self

    def _get_support_mask(self):
        return self.mask_


def lasso(**options):
    options = {"param": "alpha", "values": [0.2, 0.4], "random_state": 0, **options}
    return StabilitySelection(Lasso(), **options)


def test_finds_the_truth_with_a_lasso(data):
    model = lasso().fit(*data)
    assert model.get_support(indices=True).tolist() == [3, 7]
    assert model.probabilities_.shape == (2, 20)
    np.testing.assert_array_equal(
        model.max_probabilities_, model.probabilities_.max(axis=0)
    )
    assert model.transform(data[0]).shape == (200, 2)
    assert 0 < model.expected_false_picks_ < 1


def test_finds_the_truth_with_our_network(data):
    network = ARDRegressor((8,), max_iter=150)
    model = StabilitySelection(network, n_pairs=3, threshold=0.9, random_state=0)
    assert model.fit(*data).get_support(indices=True).tolist() == [3, 7]
    assert model.values_.tolist() == [0.5, 1.0, 2.0]


def test_probabilities_of_guesses_are_the_share_that_is_guessed(data):
    model = StabilitySelection(
        Guess(), param="k", values=[5], n_pairs=500, random_state=0
    ).fit(*data)
    assert model.n_picked_ == 5
    np.testing.assert_allclose(model.probabilities_, 0.25, atol=0.06)  # 4 sigma
    assert not model.get_support().any()


@pytest.mark.parametrize("bound", ["unimodal", "worst_case"])
def test_false_picks_of_guesses_stay_below_the_bound(data, bound):
    false, bounds = [], []
    for seed in range(100):
        model = StabilitySelection(
            Guess(),
            param="k",
            values=[2],
            n_pairs=5,
            threshold=0.7,
            bound=bound,
            random_state=seed,
        ).fit(*data)
        false.append(model.get_support().sum())
        bounds.append(model.expected_false_picks_)
    assert np.mean(false) <= np.mean(bounds)


def test_bounds_are_of_the_mean_number_of_picks(data):
    for bound, expected in [("worst_case", 2**2 / 20 / 0.6), ("unimodal", 0.2)]:
        model = StabilitySelection(
            Guess(), param="k", values=[2], n_pairs=5, threshold=0.75, bound=bound
        ).fit(*data)
        assert model.n_picked_ == 2
        assert model.expected_false_picks_ == pytest.approx(expected)


def test_the_threshold_is_a_whole_number_of_halves(data):
    assert lasso(n_pairs=5, threshold=0.75).fit(*data).threshold_ == 0.8
    assert lasso(n_pairs=10, threshold=0.75).fit(*data).threshold_ == 0.75


def test_halves_of_a_pair_have_no_row_in_common(data):
    seen = []

    class Spy(Guess):
        def fit(self, X, y):
            seen.append(set(X[:, 0]))
            return super().fit(X, y)

    StabilitySelection(Spy(), param="k", values=[2], n_pairs=5).fit(*data)
    for first, second in zip(seen[0::2], seen[1::2], strict=True):
        assert len(first) == len(second) == 100
        assert not first & second


def test_rows_of_a_group_come_into_the_same_half(data):
    groups, seen = np.arange(200) // 8, []

    class Spy(Guess):
        def fit(self, X, y):
            seen.append(set(X[:, 0].tolist()))
            return super().fit(X, y)

    model = StabilitySelection(Spy(), param="k", values=[2], n_pairs=5)
    model.fit(*data, groups=groups)
    for first, second in zip(seen[0::2], seen[1::2], strict=True):
        assert len(first | second) == 200
        assert (len(first), len(second)) == (96, 104)  # 12 and 13 groups
        for label in range(25):
            rows = set(data[0][groups == label, 0].tolist())
            assert rows <= first or rows <= second
    with pytest.raises(ValueError, match="groups must have.*two labels.*Got 1"):
        model.fit(*data, groups=np.zeros(200))
    labels = [None, *"ab" * 99, "b"]
    with pytest.raises(ValueError, match="a label for every row.*1 rows without"):
        model.fit(*data, groups=labels)


@pytest.mark.parametrize("in_pipeline", [False, True])
def test_weights_reach_the_selector(data, in_pipeline):
    X, y = data
    weight = np.repeat([1.0, 0.0], 100)  # of rows with another truth
    y = np.where(weight > 0, y, 5 * X[:, 11])
    estimator, param = Lasso(), "alpha"
    if in_pipeline:
        estimator, param = make_pipeline(StandardScaler(), Lasso()), "lasso__alpha"
    model = StabilitySelection(estimator, param=param, values=[0.2], random_state=0)
    model.fit(X, y, sample_weight=weight)
    assert model.get_support(indices=True).tolist() == [3, 7]
    assert 11 in model.fit(X, y).get_support(indices=True)


def test_weights_reach_our_network(data):
    X, y = data
    weight = np.repeat([1.0, 0.0], 100)
    y = np.where(weight > 0, y, 5 * X[:, 11])
    network = ARDRegressor((), n_bins=0, likelihood="gaussian", max_iter=100)
    model = StabilitySelection(network, values=[1.0], n_pairs=3, threshold=0.8)
    model.set_params(random_state=0).fit(X, y, sample_weight=weight)
    assert {3, 7} <= set(model.get_support(indices=True)) <= set(range(20)) - {11}


def test_halves_of_labels_have_their_share_of_each_class(data):
    X = data[0]
    y = np.array(["a"] * 20 + ["b"] * 180)
    seen = []

    class Spy(LogisticRegression):
        def fit(self, X, y):
            seen.append(np.mean(np.asarray(y) == "a"))
            return super().fit(X, y)

    spy = Spy(l1_ratio=1, solver="liblinear")
    model = StabilitySelection(spy, param="C", values=[0.1], n_pairs=4, threshold=1.0)
    model.fit(X, y)
    np.testing.assert_allclose(seen, 0.1)


def test_any_selector_with_the_parameter_will_do(data):
    X, y = pd.DataFrame(data[0], columns=[f"c{j}" for j in range(20)]), data[1]
    options = {"n_pairs": 5, "threshold": 0.9, "random_state": 0}
    selectors = [
        StabilitySelection(SelectKBest(f_regression), param="k", values=[2], **options),
        StabilitySelection(
            make_pipeline(StandardScaler(), Lasso()),
            param="lasso__alpha",
            values=[0.4],
            **options,
        ),
        StabilitySelection(
            SelectFromModel(RandomForestRegressor(20)),
            param="max_features",
            values=[2],
            **options,
        ),
    ]
    for selector in selectors:
        assert selector.fit(X, y).get_feature_names_out().tolist() == ["c3", "c7"]


def test_seeds_and_jobs(data):
    first = lasso(n_jobs=1).fit(*data)
    second = lasso(n_jobs=2).fit(*data)
    np.testing.assert_array_equal(first.probabilities_, second.probabilities_)
    third = lasso(random_state=1).fit(*data)
    assert (first.probabilities_ != third.probabilities_).any()


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_workers_have_the_configuration_of_the_caller(data, n_jobs):
    class Config(Guess):
        """Picks a column if scikit-learn is configured."""

        def fit(self, X, y):
            self.mask_ = np.arange(X.shape[1]) == 3
            self.mask_ &= get_config()["assume_finite"]
            return self

    model = StabilitySelection(
        Config(), param="k", values=[1], n_pairs=2, threshold=1.0, n_jobs=n_jobs
    )
    assert not model.fit(*data).get_support().any()
    with config_context(assume_finite=True):
        assert model.fit(*data).get_support(indices=True).tolist() == [3]


def test_progress_is_shown_on_request(data, capsys):
    lasso(n_pairs=5, threshold=0.9, verbose=1).fit(*data)
    assert "10/10" in capsys.readouterr().err


def _fails(model, data, match):
    before = set(vars(model))
    with pytest.raises(ValueError, match=match):
        model.fit(*data)
    assert set(vars(model)) == before


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"param": "beta"}, "'param' parameter.*of Lasso. Got 'beta'"),
        ({"values": None}, "'values' parameter.*must be given for param='alpha'"),
        ({"values": []}, "'values' parameter.*at least one"),
        ({"values": ["a"]}, "'values' parameter.*list of numbers"),
        ({"threshold": 0.5}, "'threshold' parameter.*range"),
        ({"threshold": 0.51}, "'threshold' parameter.*must be at least 0.54"),
        ({"threshold": 1.1}, "'threshold' parameter"),
        ({"n_pairs": 1}, "'n_pairs' parameter"),
        ({"bound": "none"}, "'bound' parameter"),
        (
            {"values": [1e-6], "threshold": 0.6},
            "picks 20.0 of the 20.*no fewer than it picks",
        ),
    ],
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_settings_that_mean_nothing_are_refused(data, options, match):
    _fails(lasso(**options), data, match)


def test_selectors_that_do_not_select_are_refused(data):
    svr = StabilitySelection(SVR(), param="C", values=[1], n_pairs=2, threshold=1.0)
    _fails(svr, data, "must have get_support.. or coef_.*SVR")
    forest = StabilitySelection(
        RandomForestRegressor(2), param="max_depth", values=[1], n_pairs=2, threshold=1
    )
    _fails(forest, data, "must have get_support.. or coef_.*RandomForestRegressor")
    narrow = StabilitySelection(
        make_pipeline(PCA(3), Lasso()),
        param="lasso__alpha",
        values=[0.1],
        n_pairs=2,
        threshold=1.0,
    )
    _fails(narrow, data, "among the 20 columns of X.*Pipeline that selects among 3")


def test_weights_are_refused_where_nobody_reads_them(data):
    guess = StabilitySelection(Guess(), param="k", values=[2], n_pairs=2)
    with pytest.raises(ValueError, match="must take sample_weight.*Guess"):
        guess.fit(*data, sample_weight=np.ones(200))
    with pytest.raises(ValueError, match="Negative values.*sample_weight"):
        lasso().fit(*data, sample_weight=-np.ones(200))


@pytest.mark.parametrize(
    "options", [{"feature_cost": -10}, {"learning_rate_init": -1}, {"batch_size": 0}]
)
def test_parameters_of_our_estimators_are_checked(data, options):
    (name,) = options
    _fails(StabilitySelection(ARDRegressor(**options)), data, f"'{name}' parameter")


def test_negative_reg_factors_are_refused(data):
    model = StabilitySelection(ARDRegressor(), values=[-1.0])
    _fails(model, data, "'values' parameter of StabilitySelection")


def test_clone_keeps_the_parameters():
    model = lasso(n_pairs=7)
    assert clone(model).n_pairs == 7
