"""Callbacks of scikit-learn, of which older versions have none."""

import numpy as np
import pytest
from problems import problem
from sklearn.linear_model import Lasso
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ard import ARDRegressor, ARDRegressorCV, StabilitySelection

callback = pytest.importorskip("sklearn.callback")  # of scikit-learn 1.9

QUICK = {"hidden_layer_sizes": (3,), "max_iter": 4, "n_bins": 0, "random_state": 0}
SEARCH = {**QUICK, "reg_factors": [1.0, 2.0], "cv": 2}


class Record:
    """A callback that notes what it is told."""

    max_propagation_depth = 1

    def __init__(self, stop_at=None):
        self.stop_at, self.log, self.setups, self.rows = stop_at, [], 0, None

    def setup(self, estimator, context):
        self.setups += 1

    def teardown(self, estimator, context):
        self.setups -= 1

    def on_fit_task_begin(self, estimator, context):
        self.log.append(("begin", context.task_name, context.max_subtasks))

    def on_fit_task_end(self, estimator, context, *, X, y, fitted_estimator):
        self.log.append(("end", context.task_name, context.task_id))
        if fitted_estimator is not None:
            self.rows = len(fitted_estimator.transform(X))
        return context.task_name == "epoch" and context.task_id == self.stop_at


def test_callbacks_are_told_of_every_epoch(estimator):
    X, y = problem(estimator)
    record = Record()
    model = estimator(**QUICK).set_callbacks(record).fit(X, y)
    assert record.log[:2] == [("begin", "fit", 1), ("begin", "training", 4)]
    epochs = [("end", "epoch", k) for k in range(4)]
    assert [entry for entry in record.log if entry[:2] == ("end", "epoch")] == epochs
    assert record.log[-2:] == [("end", "training", 0), ("end", "fit", 0)]
    assert record.setups == 0 and record.rows == 150
    usual = estimator(**QUICK).fit(X, y)
    np.testing.assert_array_equal(model._outputs(X), usual._outputs(X))
    assert vars(model).keys() - vars(usual).keys() == {"_skl_callbacks"}


def test_networks_of_an_ensemble_are_one_training():
    X, y = problem(ARDRegressor)
    record = Record()
    options = {**QUICK, "n_networks": 3, "max_iter": 300, "dense_iter": 1}
    ARDRegressor(**options, verbose=1).set_callbacks(record).fit(X, y)
    names = [name for kind, name, _ in record.log if kind == "end"]
    assert names[-2:] == ["training", "fit"]
    _, _, n_epochs = record.log[1]
    assert 300 < names.count("epoch") <= n_epochs


def test_a_callback_ends_a_training(estimator):
    X, y = problem(estimator)
    record = Record(stop_at=1)
    model = estimator(**QUICK).set_callbacks(record).fit(X, y)
    assert model.n_iter_ == 2


def test_callbacks_are_torn_down_after_an_error(estimator):
    X, y = problem(estimator)
    record = Record()
    model = estimator(**{**QUICK, "batch_size": 0}).set_callbacks(record)
    with pytest.raises(ValueError, match="'batch_size'"):
        model.fit(X, y)
    model.set_params(batch_size=8)
    with pytest.raises(ValueError, match="contains NaN"):
        model.fit(X, np.full(len(y), np.nan))
    assert record.setups == 0
    assert not [name for name in vars(model) if name.startswith("_callback")]


def test_callbacks_of_many_fits():
    X, y = problem(ARDRegressor)
    record = Record()
    ARDRegressorCV(**SEARCH).set_callbacks(record).fit(X, y)
    assert ("begin", "every path", 3) in record.log
    assert [entry for entry in record.log if entry[:2] == ("end", "path")][-1][2] == 2
    record = Record()
    selection = StabilitySelection(Lasso(), param="alpha", values=[0.2], n_pairs=3)
    selection.set_callbacks(record).fit(X, y)
    assert ("begin", "every half", 6) in record.log
    assert [entry for entry in record.log if entry[:2] == ("end", "half")][-1][2] == 5
    assert record.setups == 0


def test_callbacks_of_a_pipeline_and_a_search():
    X, y = problem(ARDRegressor)
    record = Record()
    pipe = make_pipeline(StandardScaler(), ARDRegressor(**QUICK))
    pipe.set_callbacks(record).fit(X, y)
    assert ("begin", "training", 4) in record.log
    monitor = callback.ScoringMonitor(scoring="r2")
    search = GridSearchCV(
        ARDRegressor(**QUICK).set_callbacks(monitor), {"reg_factor": [1.0, 9.0]}, cv=2
    ).fit(X, y)
    logs = monitor.get_logs(select="most_recent").data
    assert len(logs) == 5  # two values, two folds, and the refit
    assert search.score(X, y) in [row["r2"] for row in logs]


def test_nothing_is_stored_with_callbacks(tmp_path):
    X, y = problem(ARDRegressor)
    model = ARDRegressor(random_state=0, checkpoint=tmp_path / "states")
    model.set_callbacks(callback.ScoringMonitor(scoring="r2"))
    with pytest.raises(ValueError, match="'callbacks' parameter"):
        model.fit(X, y)
