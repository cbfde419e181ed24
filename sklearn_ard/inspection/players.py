"""A fitted model as a function of players: the columns, or blocks, that it reads.

Input: a fitted model, compact or not, and tables. Output: the inputs of its network,
whose players they are, and answers in the units of the user. No other file of this
folder knows how a model is stored.
"""

import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import softmax
from sklearn.base import is_classifier
from sklearn.utils._param_validation import InvalidParameterError
from sklearn.utils.validation import check_is_fitted

from sklearn_ard._typing import MatrixLike
from sklearn_ard._validation import check_rows, columns_of
from sklearn_ard.data.frames import column, is_frame, kind_of, levels_of, numbers_of
from sklearn_ard.inference.operations import run
from sklearn_ard.inference.predictor import Predictor

_NO_NAMES = "X does not have valid feature names"  # of scikit-learn
OUTPUTS = ("auto", "log_odds", "probability")


class Explained:
    """A fitted model as a function of its players.

    Parameters
    ----------
    model : estimator
        Of this package, or what its `compact` returns.
    output : {"auto", "log_odds", "probability"}
        Of a classifier.
    owner : str
        Function to name in errors.

    Attributes
    ----------
    names : ndarray of str of shape (n_blocks,)
        Of the columns of the user's table, or of the blocks that they form.
    players : int ndarray of shape (n_players,)
        The blocks that the network reads, ascending.
    of_input : int ndarray of shape (n_inputs,)
        Player of each input of the network.
    operations : list
        From inputs of shape (n_inputs, n) to outputs of shape (n_outputs, n).
    linear : ndarray of shape (n_answers, n_outputs) or None
        Answers are this product of the outputs, plus `offset`; None for others.
    is_flat : bool
        Whether a row has one answer, without an axis of its own.
    answer_names : list or None
        Of several answers: classes, or names or numbers of targets.
    """

    linear: Any  # ndarray or None

    def __init__(self, model: Predictor, output: str, owner: str):
        if not isinstance(model, Predictor):
            raise InvalidParameterError(
                f"The 'model' parameter of {owner} must be a fitted model of this "
                f"package, or what its compact() returns. Got a {type(model).__name__} "
                "instead. Of a pipeline, pass the last step, with a table that the "
                "other steps have transformed."
            )
        check_is_fitted(model)
        self.model, self.owner, self._has_read = model, owner, False
        self._fitted = model._fitted
        self._network = network = self._fitted.network
        of_column, self.names = blocks_of(model)
        self._of_column = of_column
        blocks = of_column[network.encoding.column]
        self.players, self.of_input = np.unique(blocks, return_inverse=True)
        runs_in_torch = hasattr(network, "why")
        self.operations = [network.outputs_of] if runs_in_torch else network.operations
        self._set_answers(output)

    def _set_answers(self, output: str) -> None:
        """How answers follow from outputs of the network."""
        targets, noise = self._fitted.targets, self._fitted.noise
        self.linear, self.offset, self.answer_names = None, 0.0, None
        if not is_classifier(self.model):
            if output != "auto":
                raise ValueError(
                    f"The 'output' parameter of {self.owner} must be 'auto' for a "
                    f"regressor, whose answers are in units of y. Got {output!r} "
                    "instead."
                )
            n, n_outputs = targets.n_targets, targets.n_outputs
            self.is_flat, self.unit = targets.is_1d, "units of y"
            names = list(targets.names or range(n))
            self.answer_names = None if self.is_flat else names
            if targets.transforms_ is None and noise.standard_mean is None:
                self.linear = np.eye(n, n_outputs) * targets.scaler_.scale_[:, None]
                self.offset = targets.scaler_.mean_[:, None]
            return
        n = len(targets.classes)
        self.is_flat = n == 2
        self.answer_names = None if self.is_flat else targets.classes.tolist()
        self.unit = "probability" if output == "probability" else "log-odds"
        if output != "probability":
            contrast = np.eye(n) - 1 / n
            self.linear = np.array([[-1.0, 1.0]]) if n == 2 else contrast

    @property
    def n_players(self) -> int:
        """Number of players."""
        return len(self.players)

    def answers(self, outputs: np.ndarray) -> np.ndarray:
        """Answers of shape (n_answers, n) from outputs of shape (n_outputs, n)."""
        outputs = outputs.astype(np.float64, copy=False)
        if self.linear is not None:
            return self.linear @ outputs + self.offset
        targets = self._fitted.targets
        if not is_classifier(self.model):
            found = targets.predictions(outputs.T, self._fitted.noise)
            return found.reshape(outputs.shape[1], -1).T
        probabilities = softmax(outputs, axis=0)
        return probabilities[1:] if self.is_flat else probabilities

    def compute(self, inputs: np.ndarray) -> np.ndarray:
        """Answers of inputs of shape (n_inputs, n)."""
        return self.answers(run(self.operations, inputs))

    def predictions(self, X: MatrixLike) -> np.ndarray:
        """What the model itself answers, of shape (n_answers, n)."""
        with self._warning_once():
            return self.answers(self.model._outputs(X).T)

    @contextmanager
    def _warning_once(self) -> Iterator[None]:
        """Let the first table alone warn that it has no names of columns."""
        with ExitStack() as stack:
            if self._has_read:
                stack.enter_context(warnings.catch_warnings())
                warnings.filterwarnings("ignore", _NO_NAMES, UserWarning)
            self._has_read = True
            yield

    def inputs(self, X: MatrixLike, name: str = "X") -> np.ndarray:
        """Inputs of the network from a table, of shape (n_inputs, n), in float64."""
        try:
            with self._warning_once():
                read, selected = check_rows(
                    self.model, X, self._fitted.reader, self._network.columns
                )
            owner = type(self.model).__name__
            inputs = self._network.inputs_of(read, owner, selected=selected)
        except ValueError as error:
            if name == "X":
                raise
            raise ValueError(
                f"The {name!r} parameter of {self.owner} must be a table as in fit. "
                f"{error}"
            ) from error
        return inputs.astype(np.float64)

    def draws(self, inputs: np.ndarray, n_draws: int) -> list[np.ndarray] | None:
        """Answers of networks that are drawn from the posterior of the weights.

        Parameters
        ----------
        inputs : ndarray of shape (n_inputs, n)
            As :meth:`inputs` returns them.
        n_draws : int
            Number of draws.

        Returns
        -------
        list of ndarray of shape (n_answers, n), or None
            None where only torch can run the network.
        """
        posterior = self._fitted.posterior
        if posterior is None:
            return None
        if not posterior.members:  # without inputs
            return [self.compute(inputs)] * n_draws
        if self._network.mean is None:  # scaling is a part of the first layers
            inputs = posterior.scaler.transform(inputs.T).T
        outputs = posterior.draws(inputs.astype(np.float32), n_draws)
        return [self.answers(each) for each in outputs]

    def inputs_of_column(self, j: int) -> np.ndarray:
        """Which inputs of the network are made of a column of the table: a mask."""
        return self._network.encoding.column == j

    def members_of(self, name: str) -> np.ndarray:
        """The columns of the table that make up the blocks of a name, as indices."""
        return np.flatnonzero(self.names[self._of_column] == name)

    def column_of(self, player: int) -> int | None:
        """The column of the table that is a player; None if it has several."""
        found = np.flatnonzero(self._of_column == self.players[player])
        return int(found[0]) if len(found) == 1 else None

    def values_of(self, X: Any, j: int) -> tuple[np.ndarray, bool]:
        """Values of a column of a table, and whether they are a category.

        Parameters
        ----------
        X : {DataFrame, ndarray}
            Table.
        j : int
            Column of the table.

        Returns
        -------
        values : ndarray of shape (n,)
            Numbers, or levels with NaN for gaps.
        is_category : bool
            Whether the model takes them as levels.
        """
        is_category = j in self._fitted.reader.levels_
        if is_frame(X):
            series = column(X, j)
            if is_category:
                return levels_of(series), True
            of_numbers = kind_of(series) == "number"
            return (numbers_of if of_numbers else levels_of)(series), False
        if hasattr(X, "tocsc"):
            values = X.tocsc()[:, [j]].toarray()[:, 0]
        else:
            values = np.asarray(X)[:, j]
        return (values if is_category else values.astype(np.float64)), is_category

    def data(self, X: Any) -> pd.DataFrame:
        """A frame of the players' values: categories as they are, NaN for groups."""
        index = getattr(X, "index", None)
        parts = []
        for player in range(self.n_players):
            j = self.column_of(player)
            if j is None:
                parts.append(np.full(X.shape[0], np.nan))
            else:
                parts.append(self.values_of(X, j)[0])
        named = dict(enumerate(parts))
        frame = pd.DataFrame(
            named, index=index if isinstance(X, pd.DataFrame) else None
        )
        if not parts:
            frame = pd.DataFrame(index=range(X.shape[0]))
        return frame.set_axis(self.names[self.players], axis=1)


def as_table(X: Any) -> Any:
    """Lists as an array, of objects where not all are numbers; tables as they are."""
    if hasattr(X, "shape"):
        return X
    array = np.asarray(X)
    return array if array.dtype.kind in "fiub" else np.array(X, dtype=object)


def blocks_of(model: Predictor) -> tuple[np.ndarray, np.ndarray]:
    """The block of each column of a fitted model, and the names of the blocks."""
    fitted = model._fitted
    of_column, names = fitted.of_column, fitted.block_names
    if of_column is None:
        names = columns_of(model).labels
        of_column = np.arange(len(names))
    return of_column, np.asarray(names, dtype=object)
