"""StabilitySelection: the columns that a selector picks on most halves of the rows.

Input: a selector, X and y. Output: the share of the halves in which each column is
picked, the columns that are kept, and a bound on the number of false ones.
"""

from numbers import Integral, Real
from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import (
    BaseEstimator,
    MetaEstimatorMixin,
    _fit_context,
    clone,
    is_classifier,
)
from sklearn.feature_selection import SelectorMixin
from sklearn.utils import Tags, check_random_state, get_tags, indexable
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.parallel import delayed
from sklearn.utils.validation import (
    _check_sample_weight,
    check_is_fitted,
    has_fit_parameter,
    validate_data,
)
from tqdm.auto import tqdm

from sklearn_ard._base import BaseARD
from sklearn_ard._callbacks import CallbackSupportMixin, FitTask, fit_task
from sklearn_ard._naming import naming
from sklearn_ard._regressor import ARDRegressor
from sklearn_ard._typing import MatrixLike
from sklearn_ard._validation import check_reg_factors, refuse_sparse
from sklearn_ard.selection.bounds import (
    bound_false_picks,
    round_threshold,
    smallest_threshold,
)
from sklearn_ard.selection.halves import check_groups, halve, last_step, pick_on_half
from sklearn_ard.selection.jobs import results_of
from sklearn_ard.selection.path import default_estimator

_VALUES = (0.5, 1.0, 2.0)  # of reg_factor, by default


class StabilitySelection(
    CallbackSupportMixin, MetaEstimatorMixin, SelectorMixin, BaseEstimator
):
    """Columns that a selector picks on most halves of the data.

    The rows are split repeatedly into two random halves (complementary pairs), the
    selector is fitted on each half at several values of its regularisation parameter,
    and the share of halves in which a column is picked is its selection probability.
    A column is kept if its largest probability over the values reaches a threshold. For
    any selector there is an upper bound on the expected number of kept columns that are
    no better than chance; see the Notes.

    Parameters
    ----------
    estimator : selector, default=None
        With `fit` and `get_support` (or `coef_`, whose nonzero columns are then picked)
        and the parameter `param`. None is an ``ARDClassifier()`` for labels and two
        classes, an ``ARDRegressor()`` for floats.
    param : str, default="reg_factor"
        Name of the regularisation parameter, such as ``"alpha"`` of a Lasso or
        ``"lasso__alpha"`` of one in a pipeline whose last step selects.
    values : array-like of float, default=None
        Of the parameter. None is (0.5, 1, 2), for a `reg_factor` only.
    threshold : float, default=0.75
        Share of halves (over 0.5, at most 1) that a kept column is picked in.
    n_pairs : int, default=25
        Number of times that the rows are split.
    bound : {"unimodal", "worst_case"}, default="unimodal"
        Which bound on the expected number of false picks to compute; see the Notes.
    random_state : int, RandomState instance or None, default=None
        Draws the halves, and seeds the clones of the estimator.
    n_jobs : int, default=None
        Number of halves that are fitted at the same time.
    verbose : int, default=0
        1 shows a progress bar.

    Attributes
    ----------
    estimator_ : selector
        The selector that was cloned for every half.
    values_ : ndarray of shape (n_values,)
        Values of the parameter.
    probabilities_ : ndarray of shape (n_values, n_features)
        Share of the halves in which each column was picked, 0 to 1.
    max_probabilities_ : ndarray of shape (n_features,)
        The largest one over the values.
    threshold_ : float
        The threshold, as a whole number of halves.
    n_picked_ : float
        Mean number of columns that are picked on a half at any of the values, the q of
        the bounds.
    expected_false_picks_ : float
        Upper bound on the expected number of kept columns that are picked with less
        than the mean probability `n_picked_` / n_features.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns; defined only if X has names that are all strings.

    See Also
    --------
    StabilityDisplay : Draws the probabilities.
    sklearn.feature_selection.SelectFromModel : Picks columns by a single fit.

    Notes
    -----
    With q of p columns picked on average (at any of the values), a threshold of π and B
    pairs, the bound "worst_case" is q² / ((2π - 1) p), Meinshausen &
    Bühlmann's, for which complementary pairs need no assumption on exchangeability
    (Shah & Samworth, theorem 1 with θ = q / p). "unimodal" is their theorem 2,
    q² / (C(π, B) p), for which the share of pairs in both of whose halves a column
    below θ is picked has to have a unimodal distribution, as it has in practice:

    - C = 2 (2π - 1 - 1/(2B)) for min(1/2 + θ², 1/2 + 1/(2B) + 3θ²/4) < π ≤ 3/4,
    - C = (1 + 1/B) / (4 (1 - π + 1/(2B))) for 3/4 < π ≤ 1.

    Theorem 2 holds for θ ≤ 1/√3; for larger θ "unimodal" is theorem 1. Both bounds
    count columns as false that are picked less often than the mean; a column that is
    correlated with a relevant one is picked often, and is not counted.

    References
    ----------
    Meinshausen, Bühlmann (2010). Stability selection. J. R. Stat. Soc. B 72.

    Shah, Samworth (2013). Variable selection with error control: another look at
    stability selection. J. R. Stat. Soc. B 75.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import Lasso
    >>> from sklearn_ard import StabilitySelection
    >>> X = np.random.default_rng(0).normal(size=(200, 10))
    >>> y = X[:, 3] + X[:, 7]
    >>> lasso = StabilitySelection(Lasso(), param="alpha", values=[0.2], random_state=0)
    >>> lasso.fit(X, y).get_support(indices=True)
    array([3, 7])
    """

    _parameter_constraints: dict = {
        "estimator": [object, None],
        "param": [str],
        "values": ["array-like", None],
        "threshold": [Interval(Real, 0.5, 1, closed="right")],
        "n_pairs": [Interval(Integral, 2, None, closed="left")],
        "bound": [StrOptions({"unimodal", "worst_case"})],
        "random_state": ["random_state"],
        "n_jobs": [Integral, None],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        estimator: BaseEstimator | None = None,
        *,
        param: str = "reg_factor",
        values: ArrayLike | None = None,
        threshold: float = 0.75,
        n_pairs: int = 25,
        bound: str = "unimodal",
        random_state: int | np.random.RandomState | None = None,
        n_jobs: int | None = None,
        verbose: int = 0,
    ):
        self.estimator = estimator
        self.param = param
        self.values = values
        self.threshold = threshold
        self.n_pairs = n_pairs
        self.bound = bound
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(
        self,
        X: MatrixLike,
        y: ArrayLike | None,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
    ) -> Self:
        """Fit the selector on all halves.

        Parameters
        ----------
        X : {DataFrame, array-like, sparse matrix} of shape (n_samples, n_features)
            Inputs.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets. For classifiers the halves are stratified by class.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights, for the last step of a pipeline. Halves are of as many rows,
            whatever their weights.
        groups : array-like of shape (n_samples,), default=None
            Rows with the same label (visits of a patient, say) come into the same half.
            Halves are then of as many groups (or one more), and not stratified. None is
            every row for itself.

        Returns
        -------
        self
            The fitted selector.

        Raises
        ------
        ValueError
            If the estimator does not have the parameter, or has neither `get_support`
            nor `coef_` after `fit`; if a parameter is invalid, also of an estimator of
            this package; if there are weights that the estimator does not take, or
            fewer than two groups; or if the bound is not below the number of columns
            that the selector picks. The selector is then unchanged.
        """
        with fit_task(self, X, y, sample_weight) as whole:
            self._check_estimator()
            refuse_sparse(y)
            with naming("X or y", X):
                validate_data(
                    self,
                    X,
                    y,
                    accept_sparse=True,
                    dtype=None,
                    ensure_all_finite=False,
                    ensure_min_samples=4,
                    multi_output=True,
                )
                X, y, groups = indexable(X, y, groups)
            groups = groups if groups is None else check_groups(groups)
            self.estimator_ = self._make_template(y)
            if sample_weight is not None:
                sample_weight = self._check_weight(sample_weight, X)
            self.values_ = self._check_values()
            self.threshold_ = self._check_threshold()
            picked = self._pick(X, y, sample_weight, groups, whole)
            self.probabilities_ = picked.mean(axis=0)
            self.max_probabilities_ = self.probabilities_.max(axis=0)
            self.n_picked_ = float(picked.any(axis=1).sum(axis=1).mean())
            self.expected_false_picks_ = self._bound_false_picks()
        return self

    def _check_estimator(self) -> None:
        """Raise an error if the estimator cannot be cloned and fitted."""
        given = self.estimator
        needed = ("fit", "get_params", "__sklearn_tags__")
        if given is None or (
            not isinstance(given, type) and all(hasattr(given, a) for a in needed)
        ):
            return
        raise TypeError(
            f"The 'estimator' parameter of {type(self).__name__} must be a "
            f"scikit-learn estimator that selects columns. Got {given!r} instead."
        )

    def _make_template(self, y: ArrayLike) -> BaseEstimator:
        """The selector that is cloned for every half."""
        default = self.estimator is None
        template = default_estimator(y) if default else clone(self.estimator)
        if self.param not in template.get_params():
            raise ValueError(
                f"The 'param' parameter of {type(self).__name__} must name a parameter "
                f"of {type(template).__name__}. Got {self.param!r} instead. It has "
                f"{sorted(template.get_params())}."
            )
        if isinstance(template, BaseARD):
            template._validate_params()
        return template

    def _check_weight(
        self, sample_weight: ArrayLike | None, X: MatrixLike
    ) -> np.ndarray | None:
        """Weights for a selector that takes them."""
        last = last_step(self.estimator_)
        if not has_fit_parameter(last, "sample_weight"):
            raise ValueError(
                f"The 'estimator' parameter of {type(self).__name__} must take "
                f"sample_weight, if there are weights. Got a {type(last).__name__}, "
                "which does not."
            )
        with naming("sample_weight", sample_weight):
            return _check_sample_weight(sample_weight, X, ensure_non_negative=True)

    def _check_values(self) -> np.ndarray:
        """The values of the regularisation parameter, as they were given."""
        if self.values is None and self.param != "reg_factor":
            raise ValueError(
                f"The 'values' parameter of {type(self).__name__} must be given for "
                f"param={self.param!r}. Got None instead."
            )
        values = np.asarray(_VALUES if self.values is None else self.values)
        if values.ndim != 1 or not len(values) or values.dtype.kind not in "fiu":
            raise ValueError(
                f"The 'values' parameter of {type(self).__name__} must be a list of "
                f"numbers, at least one. Got {self.values!r} instead."
            )
        if self.param == "reg_factor":
            return check_reg_factors(values, type(self).__name__, "values")
        return values

    def _check_threshold(self) -> float:
        """The threshold, as a whole number of halves."""
        threshold = round_threshold(self.threshold, self.n_pairs)
        lowest = smallest_threshold(self.n_pairs, self.bound)
        if threshold < lowest:
            raise ValueError(
                f"The 'threshold' parameter of {type(self).__name__} must be at least "
                f"{lowest:g} with n_pairs={self.n_pairs}: below, there is no bound on "
                f"the false picks. Got {self.threshold} instead. Raise one of the two."
            )
        return threshold

    def _pick(
        self,
        X: MatrixLike,
        y: ArrayLike,
        sample_weight: np.ndarray | None,
        groups: np.ndarray | None,
        whole: FitTask,
    ) -> np.ndarray:
        """Which columns are picked on every half.

        Returns
        -------
        bool ndarray of shape (2 · n_pairs, n_values, n_features)
            Halves of a pair follow each other.
        """
        rng = check_random_state(self.random_state)
        stratify = is_classifier(self.estimator_)
        halves = [
            half
            for _ in range(self.n_pairs)
            for half in halve(y, stratify, groups, rng)
        ]
        seeds = rng.randint(np.iinfo(np.int32).max, size=len(halves)).tolist()
        jobs = [
            delayed(pick_on_half)(
                self.estimator_,
                (X, y, sample_weight),
                half,
                self.param,
                self.values_,
                seed,
            )
            for half, seed in zip(halves, seeds, strict=True)
        ]
        fits = results_of(jobs, self.n_jobs, whole, "half")
        fits = tqdm(fits, total=len(halves), unit="half", disable=not self.verbose)
        picked = np.stack(list(fits))
        if picked.shape[2] != self.n_features_in_:
            raise ValueError(
                f"The 'estimator' parameter of {type(self).__name__} must select among "
                f"the {self.n_features_in_} columns of X. Got a "
                f"{type(self.estimator_).__name__} that selects among "
                f"{picked.shape[2]}. The steps of a pipeline before the last must keep "
                "all columns."
            )
        return picked

    def _bound_false_picks(self) -> float:
        """The bound on the number of false picks; an error if it is useless."""
        q, n_features = self.n_picked_, self.n_features_in_
        bound = bound_false_picks(
            q, n_features, self.threshold_, self.n_pairs, self.bound
        )
        if q > 0 and bound >= q:
            raise ValueError(
                f"{type(self.estimator_).__name__} picks {q:.1f} of the {n_features} "
                f"columns on average with {self.param} in {self.values_.tolist()}. "
                f"With threshold={self.threshold} the bound on the expected number of "
                f"false picks is {bound:.1f}, no fewer than it picks. Choose 'values' "
                "that pick fewer columns, or raise the 'threshold'."
            )
        return bound

    def _get_support_mask(self) -> np.ndarray:
        check_is_fitted(self)
        return self.max_probabilities_ >= self.threshold_ - 1e-9

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        estimator = ARDRegressor() if self.estimator is None else self.estimator
        inner = get_tags(estimator).input_tags
        tags.input_tags.sparse = inner.sparse
        tags.input_tags.allow_nan = inner.allow_nan
        tags.target_tags.required = True
        return tags
