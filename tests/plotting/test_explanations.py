"""Displays of effects, Shapley values and shares of variance, by their artists."""

import matplotlib
import numpy as np
import pandas as pd
import pytest

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from explained_models import compact_model, random_chain
from sklearn.linear_model import LinearRegression
from tables import EFFECT, table

from sklearn_ard import (
    ARDClassifier,
    ARDRegressor,
    EffectDisplay,
    InteractionDisplay,
    RegularizationPathDisplay,
    RelevanceDisplay,
    ShapleyDisplay,
)
from sklearn_ard.inspection import effect, shapley_values, variance_shares
from sklearn_ard.plotting.style import CHOSEN, KEPT

SMALL = {"max_iter": 60, "random_state": 0, "n_bins": 0}


@pytest.fixture(autouse=True)
def close():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def fitted():
    X, y = table(300)
    model = ARDRegressor((16, 8), likelihood="gaussian", **SMALL).fit(X, y)
    return model, X, y


@pytest.fixture(scope="module")
def classifier(fitted):
    _, X, y = fitted
    labels = np.array(["low", "mid", "top"])[np.digitize(y, np.quantile(y, [0.3, 0.6]))]
    return ARDClassifier((8,), **SMALL).fit(X, labels)


def names_at(ax):
    return [tick.get_text() for tick in ax.get_yticklabels()]


def draw(display):
    """Lay everything out; nothing may lie outside of the figure or on something else.

    Names of ticks, titles and labels are compared.
    """
    figure = display.figure_
    figure.canvas.draw()
    boxes = []
    for ax in figure.axes:
        ticks = [*ax.get_yticklabels(), *ax.get_xticklabels()]
        limits = [sorted(ax.get_ylim())] * len(ax.get_yticklabels())
        limits += [sorted(ax.get_xlim())] * len(ax.get_xticklabels())
        places = [tick.get_position() for tick in ticks]
        axis = [1] * len(ax.get_yticklabels()) + [0] * len(ax.get_xticklabels())
        texts = [
            tick
            for tick, limit, place, k in zip(ticks, limits, places, axis, strict=True)
            if limit[0] <= place[k] <= limit[1]
        ]
        texts += [ax.title, ax.xaxis.label, ax.yaxis.label]
        boxes += [t.get_window_extent() for t in texts if t.get_text()]
    for k, box in enumerate(boxes):
        assert box.x0 > -2 and box.x1 < figure.bbox.x1 + 2
        assert box.y0 > -2 and box.y1 < figure.bbox.y1 + 2
        for other in boxes[:k]:
            across = min(box.x1, other.x1) - max(box.x0, other.x0)
            along = min(box.y1, other.y1) - max(box.y0, other.y0)
            assert min(across, along) < 2
    return display


def test_a_number_is_a_curve_with_a_band_and_a_rug(fitted):
    model, X, _ = fitted
    display = draw(EffectDisplay.from_estimator(model, "size", X))
    found = display.effect
    zero, curve, rug = display.ax_.get_lines()
    np.testing.assert_array_equal(curve.get_xdata(), found.grid[0])
    np.testing.assert_array_equal(curve.get_ydata(), found.values)
    assert zero.get_ydata()[0] == 0
    np.testing.assert_array_equal(rug.get_xdata(), X["size"])
    (band,) = display.ax_.collections
    high = band.get_paths()[0].vertices[:, 1].max()
    assert high == pytest.approx((found.values + 2 * found.std).max())
    share = f"size\n{100 * found.share:.1f} % of the variance"
    assert display.ax_.get_title() == share
    assert display.ax_.get_ylabel() == "effect [units of y]"
    compact = EffectDisplay.from_estimator(model.compact(), "size", X)
    np.testing.assert_array_equal(compact.effect.std, found.std)


def test_a_category_is_bars_the_largest_on_top(fitted):
    model, X, _ = fitted
    display = draw(EffectDisplay.from_estimator(model, "colour", X))
    assert names_at(display.ax_) == sorted(EFFECT, key=EFFECT.get, reverse=True)
    widths = [bar.get_width() for bar in display.ax_.patches]
    np.testing.assert_array_equal(widths, np.sort(display.effect.values)[::-1])


def test_a_pair_is_a_map(fitted):
    model, X, _ = fitted
    display = draw(EffectDisplay.from_estimator(model, ["size", "colour"], X))
    (mesh,) = display.ax_.collections
    np.testing.assert_array_equal(mesh.get_array(), display.effect.values.T)
    assert display.ax_.get_xlabel() == "size" and display.ax_.get_ylabel() == "colour"
    assert names_at(display.ax_) == sorted(EFFECT)
    low, high = mesh.get_clim()
    assert low == -high  # white is 0
    display = draw(EffectDisplay(display.effect).plot(only_interaction=True))
    (mesh,) = display.ax_.collections
    np.testing.assert_array_equal(mesh.get_array(), display.effect.interaction.T)


def test_long_tails_are_left_out_and_that_is_said():
    rng = np.random.default_rng(0)
    X = np.exp(2 * rng.normal(size=(500, 1)))
    model = compact_model(random_chain(rng, (1, 4, 1), density=1.0), 1)
    display = draw(EffectDisplay.from_estimator(model, 0, X))
    assert display.ax_.get_xlim()[1] < X.max() / 2
    assert "1 % of the rows on either side" in display.ax_.get_xlabel()
    X = rng.normal(size=(500, 1))
    display = draw(EffectDisplay.from_estimator(model, 0, X))
    assert display.ax_.get_xlim()[1] > X.max()
    assert display.ax_.get_xlabel() == "x0"


def test_a_beeswarm_has_a_point_per_row_and_column_in_use(fitted):
    model, X, _ = fitted
    found = shapley_values(model, X[:50], X[100:120])
    display = draw(ShapleyDisplay(found).plot())
    order = np.argsort(-np.abs(found.of_players).mean(axis=0))
    used = found.data.columns[order].tolist()
    n_dropped = 4 - len(used)
    assert names_at(display.ax_)[: len(used)] == used and n_dropped
    dropped = f"{n_dropped} column{'s' * (n_dropped > 1)} dropped"
    assert names_at(display.ax_)[-1] == dropped
    points = [c.get_offsets() for c in display.ax_.collections]
    for line in range(len(used)):
        x = np.concatenate([p[:, 0] for p in points[2 * line : 2 * line + 2]])
        np.testing.assert_allclose(
            np.sort(x), np.sort(found.of_players[:, order[line]])
        )
        y = np.concatenate([p[:, 1] for p in points[2 * line : 2 * line + 2]])
        assert np.abs(y - line).max() < 0.4
    # of a number, the largest value has the colour of the upper end
    line = 2 * used.index("size") + 1
    colors = display.ax_.collections[line].get_array()
    assert len(colors) == 50 and colors.min() == 0 and colors.max() == 1


def test_a_waterfall_ends_at_the_prediction(fitted):
    model, X, _ = fitted
    found = shapley_values(model, X[:50], X[100:120])
    display = draw(ShapleyDisplay(found).plot(kind="waterfall", row=7))
    bars = display.ax_.patches
    ends = [bar.get_x() + bar.get_width() for bar in bars]
    starts = [bar.get_x() for bar in bars]
    assert starts[-1] == pytest.approx(found.base_value)
    assert ends[0] == pytest.approx(model.predict(X[:50])[7])
    assert starts[:-1] == pytest.approx(ends[1:])
    names = names_at(display.ax_)
    assert f"colour = {X['colour'][7]}" in names
    colors = [matplotlib.colors.to_hex(bar.get_facecolor()) for bar in bars]
    true = [CHOSEN if bar.get_width() >= 0 else KEPT for bar in bars]
    assert colors == [color.lower() for color in true]
    shown = draw(ShapleyDisplay(found).plot(kind="waterfall", row=7, max_features=1))
    assert len(shown.ax_.patches) == 2
    last = shown.ax_.patches[0]
    assert last.get_x() + last.get_width() == pytest.approx(ends[0])
    with pytest.raises(ValueError, match="'row' parameter.*one of 50 rows. Got 50"):
        ShapleyDisplay(found).plot(kind="waterfall", row=50)


def test_a_triangle_has_main_effects_and_pairs():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 3))
    model = compact_model(random_chain(rng, (3, 8, 5, 1), "tanh", 1.0), 3)
    display = draw(InteractionDisplay.from_estimator(model, X))
    shares = display.shares
    order = np.argsort(-(shares.main + shares.pairs.sum(axis=1)))
    drawn = np.asarray(display.ax_.images[0].get_array().filled(np.nan))
    np.testing.assert_allclose(np.diag(drawn), shares.main[order])
    assert drawn[2, 0] == shares.pairs[order[2], order[0]]
    assert np.isnan(drawn[0, 2])
    texts = [text.get_text() for text in display.ax_.texts]
    assert f"{100 * shares.main[order[0]]:.0f}" in texts
    assert texts[-3:] == [f"x{j}" for j in order]


def test_one_of_several_classes_is_drawn(fitted, classifier):
    _, X, _ = fitted
    found = effect(classifier, "size", X, n_draws=0)
    display = draw(EffectDisplay(found).plot(target="mid"))
    curve = display.ax_.get_lines()[1]
    np.testing.assert_array_equal(curve.get_ydata(), found.values[:, 1])
    assert display.ax_.get_ylabel() == "effect [log-odds, mid]"
    values = shapley_values(classifier, X[:20], X[50:70])
    display = draw(ShapleyDisplay(values).plot(target="top", kind="waterfall"))
    end = display.ax_.patches[0].get_x() + display.ax_.patches[0].get_width()
    assert end == pytest.approx(values.base_value[2] + values.values[0, :, 2].sum())
    shares = variance_shares(classifier, X)
    display = draw(InteractionDisplay(shares).plot(target="low"))
    assert display.ax_.images[0].get_array().max() == shares.main[:, 0].max()
    for each in (EffectDisplay(found), ShapleyDisplay(values)):
        match = r"'target' parameter of .*Display.plot must be one of \['low', 'mid'"
        with pytest.raises(ValueError, match=match):
            each.plot()


def test_levels_beside_the_relevance(fitted):
    model, X, _ = fitted
    display = RelevanceDisplay.from_estimator(model, levels_of="colour", X=X)
    draw(display)
    assert names_at(display.levels_ax_) == sorted(EFFECT, key=EFFECT.get, reverse=True)
    with pytest.raises(ValueError, match="'X' parameter of RelevanceDisplay.*Got None"):
        RelevanceDisplay.from_estimator(model, levels_of="colour")


def test_levels_of_one_of_several_classes_beside_the_relevance(fitted, classifier):
    _, X, _ = fitted
    options = {"levels_of": "colour", "X": X}
    display = RelevanceDisplay.from_estimator(classifier, target="mid", **options)
    draw(display)
    widths = [bar.get_width() for bar in display.levels_ax_.patches]
    np.testing.assert_array_equal(widths, np.sort(display.levels.values[:, 1])[::-1])
    with pytest.raises(ValueError, match="'target' parameter.*'low', 'mid'"):
        RelevanceDisplay.from_estimator(classifier, **options)


def test_the_only_target_has_its_name(fitted):
    _, X, y = fitted
    model = ARDRegressor((), **SMALL).fit(X, pd.DataFrame({"price": y}))
    display = EffectDisplay.from_estimator(model, "size", X, n_draws=0)
    assert display.ax_.get_ylabel() == "effect [units of y, price]"
    display = ShapleyDisplay.from_estimator(model, X[:5], X[50:60])
    assert display.ax_.get_xlabel() == "Shapley value [units of y, price]"


def test_the_only_output_has_no_target(fitted):
    model, X, y = fitted
    found = effect(ARDClassifier((), **SMALL).fit(X, y > 0), "size", X, n_draws=0)
    with pytest.raises(ValueError, match="'target'.*must be None.*Got False.*second"):
        EffectDisplay(found).plot(target=False)
    values = shapley_values(model, X[:5], X[50:60])
    with pytest.raises(ValueError, match="'target' parameter of ShapleyDisplay.plot"):
        ShapleyDisplay(values).plot(target="price")


def test_dollars_are_no_formulas(fitted):
    _, X, y = fitted
    X = pd.DataFrame({"size $_in_$": X["size"], "pay": X["colour"].map("$_{}$".format)})
    model = ARDRegressor((4,), **SMALL).fit(X, y)
    display = draw(EffectDisplay.from_estimator(model, "pay", X, n_draws=0))
    tick = display.ax_.get_yticklabels()[0].get_text()
    assert tick.startswith(r"\$_") and tick.endswith(r"\$")
    draw(EffectDisplay.from_estimator(model, "size $_in_$", X, n_draws=0))
    draw(EffectDisplay.from_estimator(model, ["size $_in_$", "pay"], X, n_draws=0))
    draw(ShapleyDisplay.from_estimator(model, X[:5], X, kind="waterfall"))
    draw(InteractionDisplay.from_estimator(model, X))
    draw(RelevanceDisplay.from_estimator(model))


@pytest.mark.parametrize("given", [None, np.eye(2), LinearRegression()])
def test_what_is_no_explanation_and_no_model_is_refused_by_name(fitted, given):
    _, X, _ = fitted
    name = type(given).__name__
    for kind, part in (
        (ShapleyDisplay, "'values'.*ShapleyValues, as shapley_values"),
        (EffectDisplay, "'effect'.*Effect, as effect"),
        (InteractionDisplay, "'shares'.*VarianceShares, as variance_shares"),
        (RegularizationPathDisplay, "'path'.*ARDPath, as ard_path"),
    ):
        with pytest.raises(TypeError, match=f"{part}.*Got a {name} instead"):
            kind(given).plot()
    for kind, columns in (
        (ShapleyDisplay, ()),
        (EffectDisplay, (0,)),
        (InteractionDisplay, ()),
    ):
        with pytest.raises(TypeError, match=f"'model' parameter.*Got a {name}"):
            kind.from_estimator(given, *columns, X)
    if not hasattr(given, "fit"):
        with pytest.raises(TypeError, match="'estimator' parameter of RelevanceDis"):
            RelevanceDisplay.from_estimator(given)


@pytest.mark.parametrize("n_columns", [1, 2, 14])
def test_any_number_of_columns_with_long_names(n_columns):
    rng = np.random.default_rng(0)
    names = [f"the {j}th of all columns, with a long name" for j in range(n_columns)]
    X = rng.normal(size=(40, n_columns))
    model = compact_model(random_chain(rng, (n_columns, 6, 4, 1)), n_columns)
    model.feature_names_in_ = np.array(names, dtype=object)
    frame = pd.DataFrame(X, columns=names)
    values = shapley_values(model, frame[:10], frame)
    draw(ShapleyDisplay(values).plot())
    draw(ShapleyDisplay(values).plot(kind="waterfall"))
    draw(InteractionDisplay.from_estimator(model, frame))
    draw(EffectDisplay.from_estimator(model, names[0], frame))
    model.feature_importances_ = rng.random(n_columns)
    draw(RelevanceDisplay.from_estimator(model))


def test_thirty_levels_with_long_names():
    rng = np.random.default_rng(0)
    levels = [f"the {j}th of all towns in the table" for j in range(30)]
    effects = rng.normal(size=30)
    town = rng.integers(0, 30, 600)
    X = pd.DataFrame({"town": np.array(levels)[town], "size": rng.normal(size=600)})
    y = effects[town] + X["size"]
    model = ARDRegressor((), likelihood="gaussian", **SMALL).fit(X, y)
    display = draw(EffectDisplay.from_estimator(model, "town", X))
    assert len(names_at(display.ax_)) == 30
    draw(EffectDisplay.from_estimator(model, ["town", "size"], X, n_draws=0))


def test_an_empty_model_has_pictures():
    X = np.random.default_rng(0).normal(size=(60, 3))
    model = ARDRegressor((4,), feature_cost=1e6, likelihood="gaussian", n_bins=0)
    with pytest.warns(UserWarning, match="No input is worth"):
        model.fit(X, X[:, 0])
    for display in (
        ShapleyDisplay.from_estimator(model, X),
        ShapleyDisplay.from_estimator(model, X, kind="waterfall"),
        InteractionDisplay.from_estimator(model, X),
        EffectDisplay.from_estimator(model, 0, X),
        RelevanceDisplay.from_estimator(model),
    ):
        draw(display)


def test_displays_fit_into_axes_that_are_given(fitted):
    model, X, _ = fitted
    figure, axes = plt.subplots(1, 3, figsize=(15, 4), layout="constrained")
    first = ShapleyDisplay.from_estimator(model, X[:20], X, ax=axes[0])
    EffectDisplay.from_estimator(model, "size", X, ax=axes[1])
    InteractionDisplay.from_estimator(model, X, ax=axes[2])
    assert first.figure_ is figure
    draw(first)
