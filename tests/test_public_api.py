"""Every public name, with its parameters, methods and attributes, as last released."""

import inspect
import re
from difflib import ndiff
from importlib import import_module
from textwrap import wrap

API = """
sklearn_ard.ARDClassifier(hidden_layer_sizes=(64, 64), *, activation='relu',
        skip_connection=True, input_shape=None, conv_channels=(), kernel_size=3,
        stride=1, padding='same', pool_size=2, module=None, prior='log_uniform',
        n_bins='auto', categorical_features='from_dtype', feature_groups=None,
        feature_cost='auto', alpha=0.1, required_features=None, reg_factor=1.0,
        max_iter='auto', dense_iter=0, shrink=True, n_networks=1, batch_size='auto',
        learning_rate_init=0.01, random_state=None, warm_start=False, verbose=0,
        device='cpu', class_weight=None, callbacks=None, checkpoint=None)
    has compact(), compression_report(), fit(X, y, sample_weight=None), fit_transform,
        get_feature_names_out, get_params, get_support, inverse_transform(X),
        load(path), partial_fit(X, y, classes=None, sample_weight=None), predict(X),
        predict_log_proba(X), predict_proba(X), save(path), score, set_output,
        set_params, set_threshold(threshold), to_onnx(path, *, dtype=<class
        'numpy.float64'>), transform(X)
    sets candidates_, classes_, elbo_, feature_importances_, feature_names_in_,
        n_features_in_, n_iter_, net_, sparsity_
sklearn_ard.ARDClassifierCV(hidden_layer_sizes=(64, 64), *, reg_factors=None,
        feature_costs=None, cv=None, scoring=None, selection='best',
        n_features_to_select=None, target_sparsity=None, activation='relu',
        skip_connection=True, input_shape=None, conv_channels=(), kernel_size=3,
        stride=1, padding='same', pool_size=2, module=None, prior='log_uniform',
        n_bins='auto', categorical_features='from_dtype', feature_groups=None,
        feature_cost='auto', alpha=0.1, required_features=None, max_iter='auto',
        dense_iter=0, shrink=True, n_networks=1, batch_size='auto',
        learning_rate_init=0.01, random_state=None, verbose=0, device='cpu',
        class_weight=None, callbacks=None, n_jobs=None)
    has compact(), compression_report(), fit(X, y, sample_weight=None, **params),
        fit_transform, get_feature_names_out, get_params, get_support,
        inverse_transform(X), load(path), partial_fit, predict(X), predict_log_proba(X),
        predict_proba(X), reg_factor, save(path), score, set_output, set_params,
        set_threshold(threshold), to_onnx(path, *, dtype=<class 'numpy.float64'>),
        transform(X)
    sets best_index_, best_score_, cv_results_, feature_cost_, n_splits_, path_,
        reg_factor_
sklearn_ard.ARDPath(reg_factors, support, relevance, sparsity, elbo, train_score,
        feature_names, models=None, groups=None)
    has groups, models, n_features, to_frame()
    sets elbo, feature_names, groups, models, reg_factors, relevance, sparsity, support,
        train_score
sklearn_ard.ARDRegressor(hidden_layer_sizes=(64, 64), *, activation='relu',
        skip_connection=True, input_shape=None, conv_channels=(), kernel_size=3,
        stride=1, padding='same', pool_size=2, module=None, prior='log_uniform',
        likelihood='auto', n_bins='auto', categorical_features='from_dtype',
        feature_groups=None, feature_cost='auto', alpha=0.1, required_features=None,
        reg_factor=1.0, max_iter='auto', dense_iter=0, shrink=True, n_networks=1,
        batch_size='auto', learning_rate_init=0.01, random_state=None, warm_start=False,
        verbose=0, device='cpu', callbacks=None, checkpoint=None)
    has compact(), compression_report(), fit(X, y, sample_weight=None), fit_transform,
        get_feature_names_out, get_params, get_support, inverse_transform(X),
        load(path), log_density(X, y), partial_fit(X, y, sample_weight=None), predict(X,
        return_std=False), predict_quantiles(X, quantiles=(0.05, 0.5, 0.95)),
        save(path), score, set_output, set_params, set_threshold(threshold),
        to_onnx(path, *, dtype=<class 'numpy.float64'>), transform(X)
    sets candidates_, elbo_, feature_importances_, feature_names_in_, likelihood_,
        n_features_in_, n_iter_, net_, noise_std_, sparsity_
sklearn_ard.ARDRegressorCV(hidden_layer_sizes=(64, 64), *, reg_factors=None,
        feature_costs=None, cv=None, scoring=None, selection='best',
        n_features_to_select=None, target_sparsity=None, activation='relu',
        skip_connection=True, input_shape=None, conv_channels=(), kernel_size=3,
        stride=1, padding='same', pool_size=2, module=None, prior='log_uniform',
        likelihood='auto', n_bins='auto', categorical_features='from_dtype',
        feature_groups=None, feature_cost='auto', alpha=0.1, required_features=None,
        max_iter='auto', dense_iter=0, shrink=True, n_networks=1, batch_size='auto',
        learning_rate_init=0.01, random_state=None, verbose=0, device='cpu',
        callbacks=None, n_jobs=None)
    has compact(), compression_report(), fit(X, y, sample_weight=None, **params),
        fit_transform, get_feature_names_out, get_params, get_support,
        inverse_transform(X), load(path), log_density(X, y), partial_fit, predict(X,
        return_std=False), predict_quantiles(X, quantiles=(0.05, 0.5, 0.95)),
        reg_factor, save(path), score, set_output, set_params, set_threshold(threshold),
        to_onnx(path, *, dtype=<class 'numpy.float64'>), transform(X)
    sets best_index_, best_score_, cv_results_, feature_cost_, n_splits_, path_,
        reg_factor_
sklearn_ard.CVPathDisplay(cv_results, reg_factor, scoring='score')
    has from_estimator(estimator, *, ax=None), plot(*, ax=None)
    sets ax_, figure_, n_features_ax_
sklearn_ard.CompactClassifier()
    has fit(X, y, *args, **kwargs), fit_transform, get_feature_names_out, get_params,
        get_support, inverse_transform(X), load(path), predict(X), predict_log_proba(X),
        predict_proba(X), save(path), score, set_output, set_params, to_onnx(path, *,
        dtype=<class 'numpy.float64'>), transform(X)
sklearn_ard.CompactRegressor()
    has fit(X, y, *args, **kwargs), fit_transform, get_feature_names_out, get_params,
        get_support, inverse_transform(X), load(path), log_density(X, y), predict(X,
        return_std=False), predict_quantiles(X, quantiles=(0.05, 0.5, 0.95)),
        save(path), score, set_output, set_params, to_onnx(path, *, dtype=<class
        'numpy.float64'>), transform(X)
sklearn_ard.EffectDisplay(effect)
    has from_estimator(estimator, columns, X, *, target=None, only_interaction=False,
        ax=None, **options), plot(*, target=None, only_interaction=False, ax=None)
    sets ax_, figure_
sklearn_ard.InteractionDisplay(shares)
    has from_estimator(estimator, X, *, target=None, max_features=15, ax=None,
        **options), plot(*, target=None, max_features=15, ax=None)
    sets ax_, figure_
sklearn_ard.RegularizationPathDisplay(path)
    has from_estimator(estimator, X=None, y=None, *, max_names=10, ax=None), plot(*,
        max_names=10, ax=None)
    sets ax_, figure_, n_features_ax_, score_ax_
sklearn_ard.RelevanceDisplay(relevance, support, feature_names, levels=None)
    has from_estimator(estimator, *, max_features=30, levels_of=None, X=None,
        target=None, ax=None), plot(*, max_features=30, target=None, ax=None)
    sets ax_, figure_, levels_ax_
sklearn_ard.ShapleyDisplay(values)
    has from_estimator(estimator, X, background=None, *, kind='beeswarm', row=0,
        target=None, max_features=20, ax=None, **options), plot(*, kind='beeswarm',
        row=0, target=None, max_features=20, ax=None)
    sets ax_, figure_
sklearn_ard.SparsityDisplay(log_alphas, masks, names, threshold)
    has from_estimator(estimator, *, ax=None), plot(*, ax=None)
    sets axes_, figure_
sklearn_ard.StabilityDisplay(values, probabilities, support, threshold, feature_names,
        param='reg_factor')
    has from_estimator(estimator, *, max_names=15, ax=None), plot(*, max_names=15,
        ax=None)
    sets ax_, figure_
sklearn_ard.StabilitySelection(estimator=None, *, param='reg_factor', values=None,
        threshold=0.75, n_pairs=25, bound='unimodal', random_state=None, n_jobs=None,
        verbose=0)
    has fit(X, y, sample_weight=None, groups=None), fit_transform,
        get_feature_names_out, get_params, get_support, inverse_transform, set_output,
        set_params, transform
    sets estimator_, expected_false_picks_, feature_names_in_, max_probabilities_,
        n_features_in_, n_picked_, probabilities_, threshold_, values_
sklearn_ard.ard_path(X, y, *, estimator=None, reg_factors=None, points_per_decade=6,
        sample_weight=None, scoring=None, return_models=False)
sklearn_ard.threshold_curve(estimator, X, y, *, thresholds=None, scoring=None)
sklearn_ard.inspection.Effect(*, names, grid, is_category, values, std, interaction,
        share, base_value, data, output_names, unit)
    has to_frame()
    sets base_value, data, grid, interaction, is_category, names, output_names, share,
        std, unit, values
sklearn_ard.inspection.ShapleyValues(*, names, players, base_value, data, output_names,
        unit, of_players, of_pairs, error_of_players)
    has interactions, numbers(), std_error, to_explanation(), to_frame(), values
    sets base_value, data, error_of_players, names, of_pairs, of_players, output_names,
        players, unit
sklearn_ard.inspection.VarianceShares(*, names, players, main, pairs, rest, variance,
        output_names)
    has to_frame()
    sets main, names, output_names, pairs, players, rest, variance
sklearn_ard.inspection.all_relevant(estimator, X, y, *, sample_weight=None,
        max_rounds=None)
sklearn_ard.inspection.conditional_importance(estimator, X, y, *, cv=None, groups=None,
        fdr=0.1, fdr_control='bh', n_draws=20, regressor=None, classifier=None,
        random_state=None, n_jobs=None)
sklearn_ard.inspection.effect(model, columns, X, *, sample_weight=None, output='auto',
        grid_resolution=None, n_draws=100, random_state=0)
sklearn_ard.inspection.knockoffs(estimator, X, y, *, fdr=0.1, n_draws=1,
        random_state=None, n_jobs=None)
sklearn_ard.inspection.shapley_values(model, X, background=None, *,
        background_weight=None, output='auto', method='auto', interactions=False,
        n_permutations=100, random_state=None, verbose=1)
sklearn_ard.inspection.variance_shares(model, X, *, sample_weight=None, output='auto',
        random_state=0)
sklearn_ard.nn.ARD(threshold=3.0)
    has keep(weight, log_sigma2, mask, groups=1), kl(weight, log_sigma2, mask,
        groups=1), name, slope(square, log_sigma2, sigma2)
sklearn_ard.nn.ARDMixin(*args, **kwargs)
    has deterministic, draw_noise(like), extra_repr(), forward(x), generator, keep(),
        kl(), leaves_inputs(inputs), log_alpha, mask_inputs_(live), mask_outputs_(live),
        per_input(values), prune_(), reset_parameters(generator=None),
        reset_variances(), sample(mean, variance)
    sets deterministic, generator, log_sigma2, mask, prior, weight
sklearn_ard.nn.CategoricalLikelihood(*args, **kwargs)
    has average_(others), forward(output, target), gradient(output, target,
        sample_weight)
sklearn_ard.nn.Compacted(network, inputs, layers)
    has inputs, layers, network
    sets inputs, layers, network
sklearn_ard.nn.Conv1dARD(in_channels, out_channels, kernel_size, stride=1, padding=0,
        dilation=1, groups=1, bias=True, padding_mode='zeros', *, prior='log_uniform',
        generator=None, device=None, dtype=None)
    has deterministic, draw_noise(like), extra_repr(), forward(x), generator, keep(),
        kl(), leaves_inputs(inputs), log_alpha, mask_inputs_(live), mask_outputs_(live),
        per_input(values), prune_(), reset_parameters(generator=None),
        reset_variances(), sample(mean, variance)
sklearn_ard.nn.Conv2dARD(in_channels, out_channels, kernel_size, stride=1, padding=0,
        dilation=1, groups=1, bias=True, padding_mode='zeros', *, prior='log_uniform',
        generator=None, device=None, dtype=None)
    has deterministic, draw_noise(like), extra_repr(), forward(x), generator, keep(),
        kl(), leaves_inputs(inputs), log_alpha, mask_inputs_(live), mask_outputs_(live),
        per_input(values), prune_(), reset_parameters(generator=None),
        reset_variances(), sample(mean, variance)
sklearn_ard.nn.Conv3dARD(in_channels, out_channels, kernel_size, stride=1, padding=0,
        dilation=1, groups=1, bias=True, padding_mode='zeros', *, prior='log_uniform',
        generator=None, device=None, dtype=None)
    has deterministic, draw_noise(like), extra_repr(), forward(x), generator, keep(),
        kl(), leaves_inputs(inputs), log_alpha, mask_inputs_(live), mask_outputs_(live),
        per_input(values), prune_(), reset_parameters(generator=None),
        reset_variances(), sample(mean, variance)
sklearn_ard.nn.ConvARD(input_shape, n_outputs, conv_channels=(16, 32), kernel_size=3,
        hidden_layer_sizes=(64,), activation='relu', prior='log_uniform', *, stride=1,
        padding='same', pool_size=2, generator=None, device=None, dtype=None)
    has forward(x)
sklearn_ard.nn.DenseARD(n_inputs, n_outputs, hidden_layer_sizes=(64, 64),
        activation='relu', prior='log_uniform', *, generator=None, device=None,
        dtype=None)
sklearn_ard.nn.ELBOLoss(model, num_data, likelihood='gaussian', reg_factor=1.0)
    has forward(output, target, sample_weight=None, model=None), kl_factor
    sets beta, kl_, nll_
sklearn_ard.nn.Ensemble(networks)
    has forward(x)
sklearn_ard.nn.GaussianLikelihood(n_outputs=1, log_noise_variance=None)
    has average_(others), forward(output, target), gradient(output, target,
        sample_weight, log_noise_variance)
    sets log_noise_variance
sklearn_ard.nn.GroupARD(threshold=3.0)
    has keep(weight, log_sigma2, mask, groups=1), kl(weight, log_sigma2, mask,
        groups=1), name
sklearn_ard.nn.HeteroscedasticLikelihood(n_outputs=1, log_scale2=None,
        least_scale2=None)
    has average_(others), forward(output, target), gradient(output, target,
        sample_weight, log_scale2, *shapes), has_spread, standard(z)
sklearn_ard.nn.KLWarmup(start=0.05, stop=0.4, first=0.0)
sklearn_ard.nn.Likelihood(*args, **kwargs)
    has average_(others), forward(output, target), gradient(output, target,
        sample_weight, *parameters)
sklearn_ard.nn.LinearARD(in_features, out_features, bias=True, *, prior='log_uniform',
        generator=None, device=None, dtype=None)
    has deterministic, draw_noise(like), extra_repr(), forward(x), generator, keep(),
        kl(), leaves_inputs(inputs), log_alpha, mask_inputs_(live), mask_outputs_(live),
        per_input(values), prune_(), reset_parameters(generator=None),
        reset_variances(), sample(mean, variance)
sklearn_ard.nn.LocationScale(n_outputs=1, log_scale2=None, least_scale2=None)
    has average_(others), forward(output, target), gradient(output, target,
        sample_weight, log_scale2, *shapes), has_spread, standard(z, *shapes)
    sets log_scale2
sklearn_ard.nn.LogUniform(threshold=3.0)
    has keep(weight, log_sigma2, mask, groups=1), kl(weight, log_sigma2, mask,
        groups=1), name, slope(square, log_sigma2, sigma2)
sklearn_ard.nn.Prior(threshold=3.0)
    has keep(weight, log_sigma2, mask, groups=1), kl(weight, log_sigma2, mask, groups=1)
sklearn_ard.nn.SkewTLikelihood(n_outputs=1, log_scale2=None, least_scale2=None)
    has average_(others), forward(output, target), gradient(output, target,
        sample_weight, log_scale2, *shapes), has_spread, standard(z, logit_left,
        logit_right)
    sets logit_left, logit_right
sklearn_ard.nn.SkipARD(network, n_inputs, n_outputs, prior='log_uniform', *,
        generator=None, device=None, dtype=None)
    has forward(x)
sklearn_ard.nn.StudentTLikelihood(n_outputs=1, log_scale2=None, least_scale2=None)
    has average_(others), forward(output, target), gradient(output, target,
        sample_weight, log_scale2, *shapes), has_spread, standard(z, logit_df)
    sets logit_df
sklearn_ard.nn.ard_layers(model)
sklearn_ard.nn.compact(model)
sklearn_ard.nn.deterministic(model)
sklearn_ard.nn.elbo(model, criterion, x, target, sample_weight=None, *, generator=None)
sklearn_ard.nn.input_layers(model, x)
sklearn_ard.nn.kl_divergence(model)
sklearn_ard.nn.live_inputs(layers)
sklearn_ard.nn.log_alpha(weight, log_sigma2)
sklearn_ard.nn.mask_unread_units_(model)
sklearn_ard.nn.noise_from(model, generator)
sklearn_ard.nn.output_variance(model, x, n_draws=100, generator=None)
sklearn_ard.nn.prune_(model)
sklearn_ard.nn.sparsity(model)
sklearn_ard.nn.to_ard(module, prior='log_uniform', *, exclude=())
sklearn_ard.nn.weigh_inputs(model, criterion, x, target, sample_weight=None, *,
        cost=None, groups=None, generator=None)
""".strip()

POLICY = (
    "The public API has changed (- as listed in tests/test_public_api.py, + now):\n\n"
    "{}\n\nA name, parameter or default that users have goes only after two minor "
    "versions with a FutureWarning, see .github/CONTRIBUTING.md. If that is done, or "
    "something was added, write it into the list, and into what is new for users."
)
MODULES = "sklearn_ard", "sklearn_ard.inspection", "sklearn_ard.nn"
# methods that scikit-learn's version decides about
OF_SKLEARN = re.compile(r"set_\w+_request|get_metadata_routing|set_callbacks")


def parameters(obj):
    """The signature without self and annotations."""
    signature = inspect.signature(obj)
    empty = inspect.Signature.empty
    kept = [
        each.replace(annotation=empty)
        for each in signature.parameters.values()
        if each.name != "self"
    ]
    return str(signature.replace(parameters=kept, return_annotation=empty))


def members(cls):
    """Public methods with their parameters and class attributes, less torch's."""
    ours = [c for c in cls.__mro__ if c.__module__.startswith("sklearn")]
    names = {name for c in ours for name in vars(c) if not name.startswith("_")}
    for name in sorted(name for name in names if not OF_SKLEARN.fullmatch(name)):
        member = getattr(cls, name)
        home = getattr(member, "__module__", "")
        is_ours = callable(member) and home.startswith("sklearn_ard")
        yield name + parameters(member) if is_ours else name


def attributes(cls):
    """What the section Attributes of the docstring lists."""
    text = re.split(r"^ *Attributes\n *-+\n", inspect.getdoc(cls), flags=re.M)[1:]
    section = re.split(r"\n\n\w[\w ]*\n-+\n", text[0])[0] if text else ""
    names = re.findall(r"^(\w[\w, ]*?) ?:", section, flags=re.M)
    return sorted(name for line in names for name in line.split(", "))


def entry(module, name):
    obj = getattr(import_module(module), name)
    lines = [f"{module}.{name}{parameters(obj)}"]
    if inspect.isclass(obj):
        for label, names in {"has": members(obj), "sets": attributes(obj)}.items():
            if names := ", ".join(names):
                lines.append(f"    {label} {names}")
    return [
        piece
        for line in lines
        for piece in wrap(line, 88, subsequent_indent=" " * 8, break_on_hyphens=False)
    ]


def test_no_public_name_parameter_or_attribute_goes_unannounced():
    now = [
        line
        for module in MODULES
        for name in sorted(import_module(module).__all__)
        for line in entry(module, name)
    ]
    changes = [line for line in ndiff(API.splitlines(), now) if line[0] in "-+"]
    assert not changes, POLICY.format("\n".join(changes))
