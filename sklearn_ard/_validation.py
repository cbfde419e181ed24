"""Checks of data and parameters.

Input: X, y, weights and parameters from the user. Output: arrays to compute with, or an
error that names the parameter, the expected value, the given value and a remedy.
"""

import math
import sys
import warnings
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_X_y
from sklearn.utils.validation import validate_data

from sklearn_ard._naming import naming
from sklearn_ard._typing import Frame, Matrix, MatrixLike
from sklearn_ard._weights import checked_weight
from sklearn_ard.data.columns import Columns
from sklearn_ard.data.frames import is_frame
from sklearn_ard.data.levels import MIN_ROWS
from sklearn_ard.data.reader import OF_NUMBERS, Reader, name_strings
from sklearn_ard.data.targets import Targets

if TYPE_CHECKING:  # it imports torch
    from sklearn_ard.data.training_set import TrainingSet

LARGEST_FACTOR = 1e30  # of the KL divergence, and price of a column


def check_training_data(
    estimator: BaseEstimator,
    X: MatrixLike,
    y: Any,
    sample_weight: ArrayLike | None,
    *,
    reader: Reader | None = None,
    **y_kind: Any,
) -> tuple[Matrix, np.ndarray, np.ndarray, Reader]:
    """Check the data of a fit, and read them as numbers; infinite ones are refused.

    Parameters
    ----------
    estimator : estimator
        Stores the number and names of the columns, or compares them.
    X, y, sample_weight
        As in `fit`.
    reader : Reader, default=None
        That of an earlier chunk; None makes a new one for these columns.
    **y_kind : dict
        Further options of :func:`sklearn.utils.check_X_y`, for y and number of rows.

    Returns
    -------
    X : {ndarray, csr_array} of shape (n_samples, n_features)
        Numbers and codes of levels, of type float32 or float64.
    y : ndarray
        As given, or of type float64 where it has to be numeric.
    weight : ndarray of shape (n_samples,)
        Of type float64, none negative and some positive.
    reader : Reader
        Has read X.
    """
    given = estimator.categorical_features
    has_categories = not (given is None or isinstance(given, str))
    if reader is not None:
        has_categories = reader.has_categories
    X = _check_table(estimator, X, reset=reader is None, has_categories=has_categories)
    weight = checked_weight(sample_weight, X)
    if reader is None:
        columns = columns_of(estimator)
        reader = Reader(columns, _check_categories(estimator, columns))
        X = reader.fit_read(X, weight)
        _warn_of_rare_levels(reader)
    else:
        X = reader.read(X, np.arange(estimator.n_features_in_))
    refuse_sparse(y)
    with naming("y", y):
        X, y = check_X_y(X, y, estimator=estimator, **OF_NUMBERS, **y_kind)
        if y_kind.get("y_numeric"):
            y = y.astype(np.float64)
    if sp.issparse(X):
        X = sp.csr_array(X)
        if not X.has_canonical_format:
            X = X.copy()  # leave the user's arrays unchanged
            X.sum_duplicates()
    return X, y, weight, reader


def check_rows(
    estimator: BaseEstimator, X: MatrixLike, reader: Reader, columns: np.ndarray
) -> tuple[Matrix, bool]:
    """Check rows to predict, and read them as numbers; infinite ones are refused.

    Parameters
    ----------
    estimator : estimator
        Fitted.
    X : {DataFrame, array-like, sparse matrix} of shape (n_samples, n_features)
        Inputs.
    reader : Reader
        Of the columns.
    columns : ndarray of int
        Columns that are read; in a data frame only these are checked.

    Returns
    -------
    X : {ndarray, csr_array}
        Numbers and codes.
    selected : bool
        Whether X has only the columns that are read.
    """
    has_categories = reader.has_categories
    X = _check_table(estimator, X, reset=False, has_categories=has_categories)
    selected = is_frame(X) or has_categories
    return reader.read(X, columns) if selected else X, selected


def _check_table(
    estimator: BaseEstimator, X: Any, *, reset: bool, has_categories: bool
) -> Frame | Matrix:
    """X as data frame or array, whose columns are those of an estimator."""
    refuse_images(X)
    if is_frame(X):
        validate_data(estimator, X, reset=reset, skip_check_array=True)
        if not all(X.shape):
            raise ValueError(
                "X must have at least one row and one column. Got a data frame of "
                f"shape {X.shape} instead."
            )
        return X
    if isinstance(X, np.ndarray) and X.dtype == object:
        X = np.where(pd.isna(X), np.nan, X)  # None and pd.NA
    if has_categories and not sp.issparse(X):
        options: dict[str, Any] = {"dtype": None, "ensure_all_finite": False}
        with naming("X", X):
            if not hasattr(X, "__array__"):
                X = np.array(X, dtype=object)  # numpy would make all of it strings
            return validate_data(estimator, X, reset=reset, **options)
    options = {**OF_NUMBERS, "ensure_min_features": 1}
    try:
        with naming("X", X):
            return validate_data(estimator, X, reset=reset, **options)
    except ValueError as error:
        name_strings(error, X, type(estimator).__name__)
        raise


def _warn_of_rare_levels(reader: Reader) -> None:
    """Warn of categories that are left out, since none of their levels is frequent."""
    for j, levels in reader.levels_.items():
        if levels.are_rare_:
            warnings.warn(
                f"{reader.name(j)} of X is a category without any level in at least "
                f"{MIN_ROWS} rows: it is left out. If it is a number, convert it by "
                "X[column].astype(float), and do not name it in "
                "'categorical_features'.",
                UserWarning,
                stacklevel=6,
            )


def columns_of(estimator: BaseEstimator) -> Columns:
    """The columns that an estimator has seen."""
    names = getattr(estimator, "feature_names_in_", None)
    return Columns(estimator.n_features_in_, names, type(estimator).__name__)


def _check_categories(estimator: BaseEstimator, columns: Columns) -> np.ndarray | None:
    """The `categorical_features` parameter as indices; None where dtypes decide."""
    given = estimator.categorical_features
    if isinstance(given, str) and given == "from_dtype":
        return None
    given = () if given is None else given
    return columns.indices(given, "categorical_features")


def refuse_sparse(y: object) -> None:
    """Raise an error for sparse targets."""
    if sp.issparse(y):
        raise TypeError("y must be dense. Got a sparse matrix. Pass y.toarray().")


def refuse_images(X: object) -> None:
    """Raise an error that explains how to pass images."""
    shape = getattr(X, "shape", ())
    if len(shape) > 2:
        images = (1, *shape[1:]) if len(shape) == 3 else tuple(shape[1:])
        raise ValueError(
            "X must be 2-D, one flattened image per row. Got an array of shape "
            f"{tuple(shape)} instead. Reshape your data: pass X.reshape(len(X), -1), "
            "and set the 'input_shape' parameter to the shape of one image, (channels, "
            f"height, width), here input_shape={images}."
        )


def check_varies(estimator: BaseEstimator, data: "TrainingSet") -> None:
    """Raise an error if a required block of columns is constant."""
    blocks = data.blocks
    lost = blocks.required & ~blocks.having(~data.scaler.constant_)
    if lost.any():
        j = int(np.flatnonzero(lost[blocks.of_column])[0])
        raise ValueError(
            f"The 'required_features' parameter of {type(estimator).__name__} must "
            f"name columns that vary. Got {data.reader.columns.name(j)} among them, "
            "which is constant. Leave it out."
        )


def check_input_shape(estimator: BaseEstimator, reader: Reader) -> None:
    """Raise an error if images of the `input_shape` do not fit the columns."""
    shape, n_features = estimator.input_shape, estimator.n_features_in_
    if shape is not None and estimator.feature_groups:
        raise ValueError(
            "The 'feature_groups' parameter must be None where 'input_shape' is given: "
            "the channels of images are groups. Got "
            f"{estimator.feature_groups!r} instead."
        )
    if shape is not None and reader.levels_:
        name = reader.columns.name(next(iter(reader.levels_)))
        raise ValueError(
            "The 'input_shape' parameter needs columns that are numbers, the pixels of "
            f"images. Got {name}, which is a category. Set input_shape=None."
        )
    if shape is None:
        if len(estimator.conv_channels) and estimator.module is None:
            raise ValueError(
                "The 'conv_channels' parameter needs the 'input_shape' parameter, "
                "such as (1, 28, 28) for (channels, height, width). Got conv_channels="
                f"{estimator.conv_channels!r} and input_shape=None."
            )
    elif not all(map(_is_size, shape)):
        raise ValueError(
            "The 'input_shape' parameter must hold positive integers, such as "
            f"(1, 28, 28). Got {tuple(shape)!r} instead."
        )
    elif math.prod(shape) != n_features:
        raise ValueError(
            f"The 'input_shape' parameter must multiply to the {n_features} columns "
            f"of X. Got {tuple(shape)!r} instead, which multiplies to "
            f"{math.prod(shape)}."
        )


def other_noise(estimator: BaseEstimator, targets: Targets, what: str) -> str:
    """What to say of noise other than that of a model that is trained further."""
    owner = type(estimator).__name__
    return (
        f"{owner} was fitted with {targets.likelihood!r} noise, and {what} goes on "
        f"with it. Got likelihood={estimator.likelihood!r} instead. Fit a new {owner} "
        "for other noise."
    )


def check_positive(estimator: BaseEstimator, y: np.ndarray) -> None:
    """Refuse targets of which there is no logarithm."""
    least = np.min(y, initial=np.inf)
    if not least > 0:
        raise ValueError(
            f"likelihood='lognormal' of {type(estimator).__name__} needs positive "
            f"targets. Got y with {least} instead. Use likelihood='yeo-johnson', which "
            "takes any numbers."
        )


def check_quantiles(estimator: BaseEstimator, quantiles: ArrayLike) -> np.ndarray:
    """Quantiles as an array of one dimension."""
    try:
        levels = np.atleast_1d(np.asarray(quantiles, dtype=np.float64))
    except (TypeError, ValueError):
        levels = np.array([np.nan])
    inside = (levels > 0) & (levels < 1)
    if levels.ndim != 1 or not len(levels) or not inside.all():
        raise ValueError(
            f"The 'quantiles' of {type(estimator).__name__}.predict_quantiles must be "
            f"numbers between 0 and 1, in one dimension. Got {quantiles!r} instead."
        )
    return levels


def check_n_bins(estimator: BaseEstimator) -> None:
    """Raise an error if bins are asked for where numbers are not encoded."""
    n_bins, owner = estimator.n_bins, type(estimator).__name__
    if n_bins == "auto" or n_bins == 0:
        return
    given = "module" if estimator.module is not None else "input_shape"
    if getattr(estimator, given) is not None:
        raise ValueError(
            f"The 'n_bins' parameter of {owner} must be 'auto' or 0 where '{given}' is "
            f"given: such networks read the numbers as they are. Got {n_bins!r} "
            "instead."
        )


def check_sizes(estimator: BaseEstimator, name: str) -> tuple[int, ...]:
    """A parameter that holds positive integers, as a tuple."""
    value = getattr(estimator, name)
    sizes = (value,) if isinstance(value, Integral) else tuple(value)
    if not all(_is_size(size) for size in sizes):
        raise ValueError(
            f"The {name!r} parameter of {type(estimator).__name__} must hold positive "
            f"integers. Got {value!r} instead."
        )
    return tuple(int(size) for size in sizes)


def _is_size(value: object) -> bool:
    """Whether a value is a positive integer, and no truth value."""
    return (
        isinstance(value, Integral) and not isinstance(value, bool) and int(value) > 0
    )


def check_learning_rate(estimator: BaseEstimator) -> float:
    """The learning rate as a float."""
    rate = estimator.learning_rate_init
    if rate > sys.float_info.max:
        raise ValueError(
            f"The 'learning_rate_init' parameter of {type(estimator).__name__} must be "
            f"a finite number. Got {rate!r} instead."
        )
    return float(rate)


def check_callbacks(estimator: BaseEstimator) -> tuple[Any, ...]:
    """The callbacks of the user, which must be skorch callbacks."""
    callbacks = tuple(estimator.callbacks or ())
    for callback in callbacks:
        is_named = isinstance(callback, tuple) and callback
        named = callback[-1] if is_named else callback
        if not hasattr(named, "on_epoch_end"):
            raise ValueError(
                f"The 'callbacks' parameter of {type(estimator).__name__} must hold "
                f"skorch callbacks. Got {callback!r} instead."
            )
    return callbacks


def needs_one_network(estimator: BaseEstimator, what: str) -> str:
    """Error message for what an ensemble cannot do."""
    return (
        f"The 'n_networks' parameter of {type(estimator).__name__} must be 1 for "
        f"{what}, which trains one network. Got {estimator.n_networks} instead. For an "
        "ensemble, call fit with warm_start=False."
    )


def trains_one_network(estimator: BaseEstimator) -> bool:
    """Whether an estimator can continue its training; for `available_if`."""
    if estimator.n_networks > 1:
        raise AttributeError(needs_one_network(estimator, "partial_fit"))
    return True


def check_reg_factors(values: Any, owner: str, name: str = "reg_factors") -> np.ndarray:
    """The values of reg_factor from the user, ascending and distinct."""
    try:
        factors = np.asarray(values, dtype=np.float64)
    except (OverflowError, TypeError, ValueError):
        factors = np.array(np.nan)
    if (
        factors.ndim != 1
        or not len(factors)
        or not ((factors >= 0) & (factors <= LARGEST_FACTOR)).all()
    ):
        raise ValueError(
            f"The {name!r} parameter of {owner} must be a list of numbers, none "
            f"negative or above {LARGEST_FACTOR:g}, and at least one. Got {values!r} "
            "instead."
        )
    return np.unique(factors)


def check_threshold(estimator: BaseEstimator, threshold: object) -> None:
    """Raise an error if a threshold of log alpha is not a number."""
    if not isinstance(threshold, Real) or math.isnan(threshold):
        raise ValueError(
            f"The 'threshold' of {type(estimator).__name__}.set_threshold must be a "
            f"number, the largest log alpha of a weight to keep. Got {threshold!r} "
            "instead."
        )


def warn_of_training(
    estimator: BaseEstimator, trained: Any, targets: Targets | None = None
) -> None:
    """Warn of an interrupted training, of an empty model, and of one worse than that.

    The last needs the `targets`; after a chunk of data it would come too early.
    """
    if trained.interrupted:
        warnings.warn(
            f"Training was interrupted after {estimator.n_iter_} epochs: the model is "
            "usable, but not fully trained.",
            UserWarning,
            stacklevel=4,
        )
    if not trained.support.any():
        warnings.warn(
            f"No input is worth its price at reg_factor={estimator.reg_factor} and "
            f"feature_cost={estimator.feature_cost!r}: the model is empty, and "
            "predicts what it would predict without any inputs. Lower these "
            "parameters to keep more inputs.",
            UserWarning,
            stacklevel=4,
        )
    elif targets is not None and targets.vary and not trained.interrupted:
        nll_of_nothing = trained.net.criterion_.num_data * targets.empty_nll_
        objective = trained.elbo + (1 - estimator.reg_factor) * trained.kl
        if objective < -nll_of_nothing:
            warnings.warn(
                f"After {estimator.n_iter_} epochs the evidence lower bound is still "
                "below that of a model without inputs, which may well predict better. "
                "Raise 'max_iter', or lower 'learning_rate_init'.",
                ConvergenceWarning,
                stacklevel=4,
            )
