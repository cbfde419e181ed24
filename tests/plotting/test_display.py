"""Displays: what is drawn, by its artists."""

import matplotlib
import numpy as np
import pytest

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import Lasso

from sklearn_ard import (
    ARDClassifier,
    ARDPath,
    ARDRegressor,
    ARDRegressorCV,
    CVPathDisplay,
    RegularizationPathDisplay,
    RelevanceDisplay,
    SparsityDisplay,
    StabilityDisplay,
    StabilitySelection,
)
from sklearn_ard.plotting.model import _MAX_PIXELS
from sklearn_ard.plotting.style import DROPPED_NAME, KEPT

N_MANY = 5000


@pytest.fixture(autouse=True)
def close():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(150, 5))
    return X, X[:, 1] + 0.5 * X[:, 3] + 0.1 * rng.normal(size=150)


@pytest.fixture(scope="module")
def chosen(data):
    model = ARDRegressorCV((8,), reg_factors=[0.5, 2, 8], cv=2, max_iter=80)
    return model.set_params(random_state=0).fit(*data)


@pytest.fixture
def many():
    """A path of 5,000 columns, of which fifty are ever in use."""
    rng = np.random.default_rng(0)
    relevance = np.zeros((7, N_MANY))
    relevance[:6, :50] = rng.exponential(size=(6, 50))
    return ARDPath(
        np.geomspace(0.1, 10, 7),
        relevance > 0,
        relevance,
        *(np.linspace(0, 1, 7),) * 3,
        feature_names=np.array([f"x{j}" for j in range(N_MANY)]),
    )


def draw(display):
    """Lay everything out, which finds what cannot be drawn."""
    display.figure_.canvas.draw()
    return display


def labels(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def tick_names(ax):
    return [tick.get_text() for tick in ax.get_yticklabels()]


def test_relevance_has_a_bar_per_kept_column_and_a_line_for_all_others(chosen):
    display = draw(RelevanceDisplay.from_estimator(chosen))
    n_kept = chosen.get_support().sum()
    n_dropped = 5 - n_kept
    assert tick_names(display.ax_)[:2] == ["x1", "x3"] and n_dropped > 1
    assert tick_names(display.ax_)[n_kept:] == [f"{n_dropped} columns dropped"]
    bottom, top = display.ax_.get_ylim()
    assert bottom > top  # the first is on top
    widths = [bar.get_width() for bar in display.ax_.patches]
    relevance = np.sort(chosen.feature_importances_)[::-1][:n_kept]
    np.testing.assert_array_equal(widths, relevance.astype(float))
    colors = [
        matplotlib.colors.to_hex(bar.get_facecolor()) for bar in display.ax_.patches
    ]
    assert colors == [KEPT.lower()] * n_kept
    *kept, dropped = [tick.get_color() for tick in display.ax_.get_yticklabels()]
    assert set(kept) == {"black"} and dropped == DROPPED_NAME
    assert f"{n_kept} of 5 columns kept" in display.ax_.get_title()
    again = draw(RelevanceDisplay.from_estimator(chosen.compact()))
    assert tick_names(again.ax_) == tick_names(display.ax_)


def test_relevance_of_many_columns_shows_the_most_relevant_and_tells_the_rest():
    relevance = np.arange(N_MANY, dtype=float)
    display = RelevanceDisplay(
        relevance, relevance > 100, np.arange(N_MANY).astype(str)
    )
    draw(display.plot(max_features=7))
    assert len(display.ax_.patches) == 7
    names = tick_names(display.ax_)
    assert names[0] == str(N_MANY - 1)
    assert names[7:] == ["4,892 further columns kept", "101 columns dropped"]
    assert display.ax_.get_title() == "4,899 of 5,000 columns kept"


def test_path_has_a_line_per_column_in_use(chosen):
    display = draw(RegularizationPathDisplay.from_estimator(chosen))
    lines = {line.get_label(): line for line in display.ax_.get_lines()}
    np.testing.assert_array_equal(lines["x1"].get_ydata(), chosen.path_.relevance[:, 1])
    np.testing.assert_array_equal(lines["x1"].get_xdata(), [0.5, 2, 8])
    (score,) = display.score_ax_.get_lines()
    np.testing.assert_array_equal(score.get_ydata(), chosen.path_.train_score)
    (steps,) = display.n_features_ax_.get_lines()
    np.testing.assert_array_equal(steps.get_ydata(), chosen.path_.n_features)


def test_path_of_many_columns_names_ten(many):
    display = draw(RegularizationPathDisplay(many).plot())
    assert len(labels(display.ax_)) == 11
    assert labels(display.ax_)[-1] == "40 others"


@pytest.mark.parametrize("reg_factors", [[1.0], [0.0, 0.5, 5.0], [0.0]])
def test_paths_of_one_point_and_with_zero(reg_factors):
    n = len(reg_factors)
    relevance = np.ones((n, 3))
    path = ARDPath(
        np.array(reg_factors),
        relevance > 0,
        relevance,
        *(np.zeros(n),) * 3,
        feature_names=np.array(["a", "b", "c"]),
    )
    display = draw(RegularizationPathDisplay(path).plot())
    assert labels(display.ax_) == ["a", "b", "c"]


def test_path_of_data_or_of_a_cv_estimator(data, chosen):
    estimator = ARDRegressor((8,), max_iter=60, random_state=0)
    display = RegularizationPathDisplay.from_estimator(estimator, *data)
    assert display.path.n_features[-1] == 0
    match = (
        "fitted ARDRegressorCV.*where X and y are not.*a ARDRegressor without a path"
    )
    with pytest.raises(ValueError, match=match):
        RegularizationPathDisplay.from_estimator(estimator)


def test_path_of_data_and_a_cv_estimator_is_refused(data):
    with pytest.raises(ValueError, match="ard_path.*ARDRegressorCV"):
        RegularizationPathDisplay.from_estimator(ARDRegressorCV(), *data)


def test_cv_path_marks_the_chosen_point(chosen):
    display = draw(CVPathDisplay.from_estimator(chosen))
    found = chosen.cv_results_
    by_label = {line.get_label(): line for line in display.ax_.get_lines()}
    star = by_label[f"chosen: {chosen.reg_factor_:g}"]
    assert star.get_xydata().tolist() == [[chosen.reg_factor_, chosen.best_score_]]
    mean = by_label["mean of the folds, ± std"]
    np.testing.assert_array_equal(mean.get_ydata(), found["mean_test_score"])
    assert display.ax_.get_ylabel() == "r2"
    (band,) = display.ax_.collections
    low = band.get_paths()[0].vertices[:, 1].min()
    assert low == pytest.approx(
        np.min(found["mean_test_score"] - found["std_test_score"])
    )


def test_sparsity_counts_every_weight(data):
    y = (data[1] > 0).astype(int)
    model = ARDClassifier((8, 6), max_iter=60, random_state=0).fit(data[0], y)
    display = draw(SparsityDisplay.from_estimator(model))
    assert display.axes_.shape == (2, 4)  # with the skip connection
    layers = [m for m in model.net_.module_.modules() if hasattr(m, "log_alpha")]
    for above, below, layer in zip(*display.axes_, layers, strict=True):
        kept, pruned = above.containers
        heights = [sum(bar.get_height() for bar in bars) for bars in (kept, pruned)]
        assert heights == [layer.keep().sum(), (~layer.keep()).sum()]
        np.testing.assert_array_equal(below.images[0].get_array(), layer.keep())
        assert above.get_lines()[0].get_xdata()[0] == layer.prior.threshold


def test_pictures_of_large_masks_are_small_and_show_every_kept_weight():
    mask = np.zeros((1024, N_MANY), dtype=bool)
    mask[1023, 4999] = mask[0, 0] = True
    display = SparsityDisplay([np.zeros(mask.shape)], [mask], ["0"], 3.0)
    image = draw(display.plot()).axes_[1, 0].images[0].get_array()
    assert max(image.shape) <= _MAX_PIXELS
    assert image[0, 0] and image[-1, -1] and image.sum() == 2


def test_convolutions_have_a_picture():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 16)), np.arange(40) % 2
    model = ARDClassifier((4,), input_shape=(1, 4, 4), conv_channels=(3,), max_iter=3)
    display = draw(SparsityDisplay.from_estimator(model.fit(X, y)))
    assert display.axes_[1, 0].images[0].get_array().shape == (3, 9)


def test_stability_names_what_is_kept(data):
    model = StabilitySelection(
        Lasso(), param="alpha", values=[0.1, 0.2], n_pairs=5, random_state=0
    ).fit(*data)
    display = draw(StabilityDisplay.from_estimator(model))
    kept = [f"x{j}" for j in model.get_support(indices=True)]
    assert sorted(labels(display.ax_)[: len(kept)]) == kept
    assert display.ax_.get_xlabel() == "alpha"
    heights = [line.get_ydata()[0] for line in display.ax_.get_lines()]
    assert model.threshold_ in heights


def test_stability_of_many_columns():
    probabilities = np.full((3, N_MANY), 0.1)
    probabilities[:, :40] = 0.9
    support = probabilities.max(axis=0) > 0.75
    display = StabilityDisplay([1, 2, 3], probabilities, support, 0.75, range(N_MANY))
    draw(display.plot(max_names=4))
    assert labels(display.ax_) == ["0", "1", "2", "3", "4,996 others"]


@pytest.mark.parametrize(
    "display",
    [
        lambda model, ax: RelevanceDisplay.from_estimator(model, ax=ax),
        lambda model, ax: RegularizationPathDisplay.from_estimator(model, ax=ax),
        lambda model, ax: CVPathDisplay.from_estimator(model, ax=ax),
        lambda model, ax: SparsityDisplay.from_estimator(model, ax=ax),
    ],
)
def test_displays_fit_into_axes_that_are_given(chosen, display):
    figure, (ax, other) = plt.subplots(1, 2)
    found = draw(display(chosen, ax))
    assert found.figure_ is figure
    for new in figure.axes:
        if new is not other:
            assert new.get_position().x1 <= other.get_position().x0 + 0.01


@pytest.mark.parametrize(
    ("display", "missing"),
    [
        (RelevanceDisplay, "feature_importances_"),
        (SparsityDisplay, "net_"),
        (CVPathDisplay, "cv_results_"),
        (StabilityDisplay, "probabilities_"),
    ],
)
def test_models_without_what_is_drawn_are_refused(data, display, missing):
    lasso = Lasso().fit(*data)
    match = f"{display.__name__}.from_estimator must have '{missing}'. Got a Lasso"
    with pytest.raises(ValueError, match=match):
        display.from_estimator(lasso)


def test_negative_numbers_of_names_are_refused(many):
    with pytest.raises(ValueError, match="'max_names'.*PathDisplay.plot.*Got -1"):
        RegularizationPathDisplay(many).plot(max_names=-1)
    with pytest.raises(ValueError, match="'max_features'.*RelevanceDisplay.plot"):
        RelevanceDisplay([1.0], [True], ["a"]).plot(max_features=-1)
    with pytest.raises(ValueError, match="'max_names'.*StabilityDisplay.plot"):
        StabilityDisplay([1], np.ones((1, 1)), [True], 0.9, ["a"]).plot(max_names=-1)


def test_axes_that_cannot_be_divided_are_refused(many):
    ax = plt.figure().add_axes([0, 0, 1, 1])
    with pytest.raises(ValueError, match="'ax'.*RegularizationPathDisplay.plot.*grid"):
        RegularizationPathDisplay(many).plot(ax=ax)


def test_models_that_are_not_fitted():
    for display in (RelevanceDisplay, SparsityDisplay, CVPathDisplay):
        with pytest.raises(NotFittedError):
            display.from_estimator(ARDRegressorCV())
    with pytest.raises(NotFittedError):
        StabilityDisplay.from_estimator(StabilitySelection())
