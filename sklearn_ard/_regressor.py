"""ARDRegressor: regression targets and the standard deviation of their noise."""

from collections.abc import Callable, Collection, Mapping, Sequence
from os import PathLike
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import ArrayLike
from sklearn.base import RegressorMixin, _fit_context
from sklearn.utils import Tags
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.metaestimators import available_if

from sklearn_ard._base import BaseARD
from sklearn_ard._typing import MatrixLike
from sklearn_ard._validation import check_positive, other_noise, trains_one_network
from sklearn_ard.data.targets import LIKELIHOODS, NumericTargets
from sklearn_ard.inference.compact import CompactRegressor
from sklearn_ard.inference.compression import FittedModel
from sklearn_ard.inference.distribution import DistributionPredictor
from sklearn_ard.nn.priors import Prior


class ARDRegressor(DistributionPredictor, RegressorMixin, BaseARD):
    """Neural network regressor that picks its own inputs.

    A network whose weights have posterior distributions is trained to maximise the
    evidence lower bound. Weights and inputs that the data do not support are pruned,
    and `transform` keeps the remaining columns. The noise of the targets is learned,
    too; held-out rows choose its kind (`likelihood`).

    Parameters
    ----------
    hidden_layer_sizes : int or tuple of int, default=(64, 64)
        Units per hidden layer; ``()`` for a linear model.
    activation : str, default="relu"
        One of "relu", "tanh", "logistic", "silu", "gelu", "identity".
    skip_connection : bool, default=True
        Whether to add a linear map from inputs to outputs, parallel to the hidden
        layers; not for images or with `module`.
    input_shape : tuple of int, default=None
        Shape of an image of which a row of X is the flattened form: (channels, length),
        (channels, height, width) or (channels, depth, height, width). All pixels of a
        channel share a mean and a scale.
    conv_channels : tuple of int, default=()
        Channels per convolution, in front of the hidden layers; needs `input_shape`.
    kernel_size : int or tuple of int, default=3
        Width of the kernels, of all convolutions or of each.
    stride : int or tuple of int, default=1
        Step of the kernels, of all convolutions or of each.
    padding : "same", "valid", int or tuple of these, default="same"
        Zeros around the images: as many as keep their size, none, or a number on each
        side; of all convolutions or of each.
    pool_size : int or tuple of int, default=2
        Width of the max pooling after all convolutions or after each; 1 for none.
    module : torch.nn.Module or callable, default=None
        A network in place of the parameters above. A Module, trained or not, is copied,
        and every network of a fit starts from such a copy. It receives the rows of X
        unscaled (as images, with `input_shape`), and returns outputs in units of y. A
        callable makes a network for standardised columns: it is called with the number
        of inputs (or `input_shape`) and the number of outputs, and returns a Module
        that takes a batch of flat rows. A network without any ARD layer is converted by
        :func:`sklearn_ard.nn.to_ard`. Random weights that it makes, and the noise of
        its dropout, come from `random_state`, whatever seed is set in it.
    prior : {"log_uniform", "ard", "group_ard"} or Prior, default="log_uniform"
        Prior over the weights; see :mod:`sklearn_ard.nn`.
    likelihood : str, default="auto"
        Noise of the targets, around what the network predicts:

        - "gaussian": normal, with the same standard deviation everywhere;
        - "heteroscedastic": normal, with one that depends on the inputs (Nix and
          Weigend 1994);
        - "student_t": Student's t with learned scale and degrees of freedom, the same
          everywhere, for outliers (Lange et al. 1989);
        - "skew_t": Jones and Faddy's skew t (2003), whose scale depends on the inputs,
          and with learned degrees of freedom of either tail: for targets that are
          skewed, heavy-tailed, or both;
        - "lognormal": normal around the logarithm of y, which must be positive;
        - "yeo-johnson": normal around the transform of Yeo and Johnson (2000) of y,
          with the power (0 to 2) and the unit of y that make y most nearly normal.

        "auto" compares all but "student_t" and "lognormal" by held-out rows, see
        `candidates_`; with images, `module` or less than 50 distinct rows, and in
        `partial_fit`, it is "gaussian". `predict` gives the mean under each, several
        outputs have noise of the same kind, independent of each other. Where the spread
        depends on the inputs, a network has two outputs per target: the locations of
        all targets, then what is added to the logarithms of their squared scales; that
        of `module` has to have as many. After a transform, outputs of a given Module
        are those of transformed targets; `partial_fit` keeps the transform of the first
        chunk. Where a share p of the targets has the same value, scales are p² standard
        deviations at least, and those of rounded targets at least that of the rounding.
    n_bins : int or "auto", default="auto"
        Bins of the piecewise linear encoding (Gorishniy et al. 2022, eq. 1) of numbers,
        which a network reads beside their values: with it, it learns steps, waves and
        steep functions of a column. Edges are quantiles; a column with ties has fewer.
        0 is the value alone. "auto" compares 0, 8, 16, up to 128 by held-out rows, see
        `candidates_`. Not for images or with `module`; `partial_fit` takes a number,
        and "auto" as 0.
    categorical_features : array-like, "from_dtype" or None, default="from_dtype"
        Which columns are categories, as in
        :class:`sklearn.ensemble.HistGradientBoostingRegressor`: names, positions or a
        mask; None for none. "from_dtype" takes the columns of a data frame of type
        category, string, or object with strings in it; bool is a number. See the Notes.
    feature_groups : list of lists or dict of str to list, default=None
        Names or indices of columns that are kept or dropped as one, and share one price
        and one relevance: the columns of a one-hot encoding, the lags of a signal. Not
        for images.
    feature_cost : float, "auto", array-like or dict, default="auto"
        Price in nats that a column (a group; for images, a channel) has to be worth;
        "auto" is log(d / (alpha · k)), where k of d columns or groups are kept, see
        `alpha`. 0 is the rule of Molchanov et al. (2017): an input is dropped only if
        all its weights are pruned. An array has a price for every column, a dict (or a
        Series) for columns or groups by their names; those that are not in it cost
        "auto". A group costs what its columns cost together. Fits of fewer than 200
        steps are too short to weigh columns, whatever they cost.
    alpha : float, default=0.1
        What `feature_cost="auto"` allows, between 0 and 1, as in
        :class:`sklearn.feature_selection.SelectFdr`: the share of tables without any
        signal on which a column is kept, and of false columns among the kept ones
        elsewhere. See the Notes.
    required_features : array-like, default=None
        Names, indices or a mask of columns that are always in the support, whatever
        they are worth. Their weights are pruned as others are: a column without any has
        a relevance of 0.
    reg_factor : float, default=1.0
        Weight of the KL divergence and of the price: 1 is the evidence lower bound
        itself, smaller keeps more, larger prunes more.
    max_iter : int or "auto", default="auto"
        Epochs of the whole training; "auto" gives 3,000 steps, but at least 10 and at
        most 1,000 epochs. `n_iter_` says how many these are: three times as long a
        training is ``max_iter=3 * model.n_iter_``.
    dense_iter : int, default=0
        Epochs of dense training, without noise and prior, before the training of every
        network; not included in `max_iter`. See the Notes. Used by `fit` alone.
    shrink : bool, default=True
        Whether to train dense networks no wider than necessary, within
        `hidden_layer_sizes`: the first one with at most 256 units per layer, later ones
        with twice the units that the one before used, but at least 64; and whether to
        remove units, channels and columns during training when log alpha of every
        weight that reads them exceeds the threshold by 4, twice in a row, where this
        saves time. Every chunk of `partial_fit` starts with all columns again. A
        network with branches, batch norm or frozen weights (`module`) keeps its size
        while it trains.
    n_networks : int, default=1
        Number of networks in a deep ensemble, which predicts with their mean. The first
        one is the network of ``n_networks=1`` and selects the inputs; each further one
        is trained from scratch on these, for three fifths of the steps. See the Notes.
        Not for `partial_fit` and `warm_start`.
    batch_size : int or "auto", default="auto"
        Rows per step; "auto" is 64, on tables of at least 1,536 distinct rows 128, from
        3,072 rows 256, from 24,576 rows 512, from 65,536 rows 1,024 (not for images,
        with `module` or in `partial_fit`).
    learning_rate_init : float, default=0.01
        Learning rate of Adam at its peak.
    random_state : int, RandomState instance or None, default=None
        Seeds the initial weights, the noise and the batches; torch's global state is
        neither read nor changed. With an int, fits on the same machine with the same
        number of threads are identical bit for bit, also in parallel threads and
        processes.
    warm_start : bool, default=False
        Whether `fit` starts from the weights of the last fit, with all pruned weights
        and inputs active again, and numbers encoded as there.
    verbose : int, default=0
        1 shows a progress bar with loss, NLL, KL and sparsity.
    device : str, default="cpu"
        Device to train on, as in torch; "auto" is an accelerator if one is available.
        The compact model predicts on the CPU.
    callbacks : list of skorch callbacks, default=None
        Called in the training of every network of a fit, but not of candidates. With
        callbacks for every batch or gradient (`on_batch_begin`, `on_batch_end`,
        `on_grad_computed`), dense networks are trained by autograd, which takes about
        four times as long.
    checkpoint : str or path-like, default=None
        A folder, in which `fit` stores its state after every training and every ten
        seconds. If the process is killed, `fit` with the same data and parameters goes
        on from there, to the same model bit for bit; with others it is refused. The
        folder is removed when `fit` has ended. Needs an int as `random_state`, no
        `callbacks` and no `warm_start`; not for searches, whose fits would share it.

    Attributes
    ----------
    sparsity_ : float
        Share of all prunable weights that are pruned, 0 to 1. Biases do not count.
    feature_importances_ : ndarray of shape (n_features,)
        Relevance of each input: nats that the evidence lower bound would lose without
        it. 0 for a dropped one; pixels share the relevance of their channel.
    likelihood_ : str
        Noise of the fitted model: `likelihood`, or what was chosen.
    noise_std_ : float or ndarray of shape (n_outputs,)
        Standard deviation of the noise, in units of y. Where it depends on the inputs
        (all but "gaussian" and "student_t"), the root of its mean square over the rows
        of the training. Infinite if the noise has no variance: a tail with two degrees
        of freedom or less.
    candidates_ : DataFrame
        What `fit` compared for ``likelihood="auto"`` and then, with the noise that was
        chosen, for ``n_bins="auto"``; one row per candidate, the simplest first:
        `likelihood` and `n_bins`; `n_features`, columns that it kept; `n_rows` that
        were held out; `log_density`, their mean in nats and in units of y; `gain` over
        the first on the same rows, with its standard error `std_error`; `error`, the
        mean squared error over the variance of y; `chosen`. Every candidate is trained
        for half of `max_iter` on four fifths of the rows (of 50,000 where there are
        more), on three such parts if the gain of the best is between -1 and 2 standard
        errors. The noise of the largest log-density is chosen, if that is more than a
        standard error above the Gaussian's; noise whose squared error is larger than
        the smallest one by more than two standard errors is not, since `predict` has to
        be a mean. Bins have to gain more than a standard error over none, and more than
        16 over fewer; after one that is worse than none by that, or no better than the
        one before, no further ones are tried. Empty if there was no choice: both were
        given, a warm start, less than 800 steps, or less than 50 distinct rows; bins
        are compared from 200 distinct rows on, if a column has three different numbers,
        and up to 5,000 inputs of the network.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns; defined only if X has names that are all strings.
    n_iter_ : int
        Epochs that were run.
    elbo_ : float
        Evidence lower bound of the whole training set in nats, whatever the
        `reg_factor` and in units of y.
    net_ : ARDNet
        The :class:`skorch.NeuralNet` that was trained last, with its ``history`` and
        ``module_``. Its network reads the standardised columns that remained when its
        training began. For an ensemble, ``module_`` holds the `networks`.

    See Also
    --------
    ARDClassifier : The same for classes.
    sklearn.linear_model.ARDRegression : Automatic relevance determination for a linear
        model.

    Notes
    -----
    Three networks are trained one after the other (one, if there are fewer than 800
    steps), each from scratch and on the inputs that the one before kept. For the third
    the weight of the KL divergence rises geometrically, so that it fits the data before
    it is pruned; it is then trained further at half the learning rate. After each
    training but the last, weights are pruned by their prior, and inputs by evidence: an
    input is dropped if NLL + reg_factor · KL over the training set rises by less than
    its price when all its weights are removed. Before each restart, dropped columns are
    readmitted if the residuals depend on them (a score test at twice the price). Of
    more than 20,000 columns only those are offered to the first network that such a
    test, against the model without inputs, finds worth half a price (1,000 at least): a
    column that matters in an interaction alone may be missed there.

    Training starts from scratch by default, or from a trained network (`module`). On
    200 digits of another scanner (``examples/plot_04_finetune_pretrained.py``) the two
    reach an accuracy of 0.89 and 0.90 with 99 % of the weights pruned; the trained
    network itself has 0.61 there. Molchanov et al. (2017) advise dense training first
    (`dense_iter`) for networks that otherwise become empty or inaccurate. On 1,347
    digits it made no difference, neither with two hidden layers (accuracy 0.968
    without, 0.967 with) nor with six (0.964, 0.967; two seeds each, with the recipe of
    version 0.3).

    An ensemble (`n_networks`) mostly has a smaller error than a single network: on
    twenty splits of UCI's concrete an :class:`ARDRegressorCV` has a test RMSE of 5.00
    with one network and of 4.48 with five; on yacht 0.77 and 0.79. `elbo_`,
    `feature_importances_` and the variance of the noise are means over the networks.

    A column of X makes one or several inputs of the network, which are standardised,
    priced and dropped together; the parts of one that is kept have to be worth its
    price as well. A number that is missing (NaN, None, pd.NA) counts as the mean (each
    of its bins as its own), and an indicator of that is an input of its own if at
    least 10 rows are missing in training. A category has one input for each level
    that at least 10 rows have (255 levels at most), one for all other levels
    together, and one for missing values, both again with at least 10 rows; of two
    inputs, one is left out. What is not known at prediction (another level, or a
    gap where training had too few) changes nothing: all inputs of the column are
    then 0, their mean. Rows count by their weights. With `input_shape` or a Module
    there are no indicators.

    The price "auto" is the step-up rule of Benjamini and Hochberg (1995) in nats: k is
    the largest number of columns that are worth log(d / (alpha · k)) each. A column
    that says nothing gains more than c nats of evidence with a probability of the order
    of exp(-c), so that the best of d gains the price of a single one with a probability
    of about `alpha`. That is theory for independent columns and a network that sees
    each of them as one test; what was measured is in the handbook. Neither holds for
    strongly correlated columns, which stand in for each other.

    Identical rows are merged and their order does not matter. The objective's
    `N` is the sum of the sample weights.

    References
    ----------
    Molchanov, Ashukha, Vetrov (2017). Variational Dropout Sparsifies Deep Neural
    Networks. arXiv:1701.05369.

    Kharitonov, Molchanov, Vetrov (2018). Variational Dropout via Empirical Bayes.
    arXiv:1811.00596.

    Jones, Faddy (2003). A skew extension of the t-distribution, with applications.
    JRSS B 65.

    Lakshminarayanan, Pritzel, Blundell (2017). Simple and Scalable Predictive
    Uncertainty Estimation using Deep Ensembles. arXiv:1612.01474.

    Benjamini, Hochberg (1995). Controlling the false discovery rate: a practical and
    powerful approach to multiple testing. JRSS B 57.

    Chen, Chen (2008). Extended Bayesian information criteria for model selection with
    large model spaces. Biometrika 95. Prices that grow with log(d) are of this kind.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ard import ARDRegressor
    >>> X = np.random.default_rng(0).normal(size=(200, 10))
    >>> y = np.abs(X[:, 3]) + X[:, 7]
    >>> ARDRegressor(random_state=0).fit(X, y).get_support(indices=True)
    array([3, 7])
    """

    _parameter_constraints: dict = {
        **BaseARD._parameter_constraints,
        "likelihood": [StrOptions({"auto"}), StrOptions(LIKELIHOODS.keys())],
    }
    _compact_class = CompactRegressor
    _y_options = {"multi_output": True, "y_numeric": True}

    def __init__(
        self,
        hidden_layer_sizes: int | Sequence[int] = (64, 64),
        *,
        activation: str = "relu",
        skip_connection: bool = True,
        input_shape: Sequence[int] | None = None,
        conv_channels: Sequence[int] = (),
        kernel_size: int | Sequence[int] = 3,
        stride: int | Sequence[int] = 1,
        padding: str | int | Sequence[str | int] = "same",
        pool_size: int | Sequence[int] = 2,
        module: Callable[..., Any] | None = None,
        prior: str | Prior = "log_uniform",
        likelihood: str = "auto",
        n_bins: int | str = "auto",
        categorical_features: ArrayLike | None = "from_dtype",
        feature_groups: Collection[ArrayLike] | Mapping[Any, ArrayLike] | None = None,
        feature_cost: ArrayLike | Mapping[Any, float] = "auto",
        alpha: float = 0.1,
        required_features: ArrayLike | None = None,
        reg_factor: float = 1.0,
        max_iter: int | str = "auto",
        dense_iter: int = 0,
        shrink: bool = True,
        n_networks: int = 1,
        batch_size: int | str = "auto",
        learning_rate_init: float = 0.01,
        random_state: int | np.random.RandomState | None = None,
        warm_start: bool = False,
        verbose: int = 0,
        device: str | torch.device = "cpu",
        callbacks: Sequence[Any] | None = None,
        checkpoint: str | PathLike | None = None,
    ):
        super().__init__(
            hidden_layer_sizes,
            activation=activation,
            skip_connection=skip_connection,
            input_shape=input_shape,
            conv_channels=conv_channels,
            kernel_size=kernel_size,
            stride=stride,
            padding=padding,
            pool_size=pool_size,
            module=module,
            prior=prior,
            n_bins=n_bins,
            categorical_features=categorical_features,
            feature_groups=feature_groups,
            feature_cost=feature_cost,
            alpha=alpha,
            required_features=required_features,
            reg_factor=reg_factor,
            max_iter=max_iter,
            dense_iter=dense_iter,
            shrink=shrink,
            n_networks=n_networks,
            batch_size=batch_size,
            learning_rate_init=learning_rate_init,
            random_state=random_state,
            warm_start=warm_start,
            verbose=verbose,
            device=device,
            callbacks=callbacks,
            checkpoint=checkpoint,
        )
        self.likelihood = likelihood

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    @available_if(trains_one_network)
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self, X: MatrixLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Train on a chunk of the data: one pass over it.

        The first chunk sets the scale of the columns, the levels of categories, and
        which columns have an indicator of missing values. The number of training
        samples, by which the KL divergence is divided, is the sum of the weights of all
        rows so far.
        Nothing is pruned permanently: `sparsity_` and the support describe the model as
        if no further chunk followed.

        Parameters
        ----------
        X : {DataFrame, array-like, sparse matrix} of shape (n_samples, n_features)
            Inputs.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights, as in :meth:`fit`.

        Returns
        -------
        self
            The fitted estimator.
        """
        return self._partial_fit(X, y, sample_weight)

    def _check_targets(
        self, y: np.ndarray, weight: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, NumericTargets]:
        if self.likelihood == "lognormal":
            check_positive(self, y[weight > 0])
        n_outputs = 1 if y.ndim == 1 else y.shape[1]
        targets = NumericTargets(n_outputs, y.ndim == 1, self._standardizes)
        return y.reshape(len(y), -1), weight, targets

    def _check_more_targets(
        self, y: np.ndarray, weight: np.ndarray, targets: NumericTargets
    ) -> tuple[np.ndarray, np.ndarray, NumericTargets]:
        n_outputs = 1 if y.ndim == 1 else y.shape[1]
        if n_outputs != targets.n_targets:
            raise ValueError(
                f"y must have the {targets.n_targets} outputs that it had in the first "
                f"call to partial_fit. Got {n_outputs} instead."
            )
        if self.likelihood not in ("auto", targets.likelihood):
            raise ValueError(other_noise(self, targets, "partial_fit"))
        if targets.likelihood == "lognormal":
            check_positive(self, y[weight > 0])
        return y.reshape(len(y), -1), weight, targets

    def _set_fitted(self, fitted: FittedModel) -> None:
        super()._set_fitted(fitted)
        noise, targets = fitted.noise_std, fitted.targets
        assert noise is not None and isinstance(targets, NumericTargets)
        self.likelihood_ = targets.likelihood
        self.noise_std_ = float(noise[0]) if targets.is_1d else noise
