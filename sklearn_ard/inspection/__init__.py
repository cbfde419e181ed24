"""What a model has learned, and how far it can be trusted.

Functions of a fitted model, compact or not, which say how it predicts:

- :func:`shapley_values`: what each column adds to each prediction, and each pair.
- :func:`effect`: what a column or a pair does on average, with a band.
- :func:`variance_shares`: how much of the variance each of them explains.

Functions of an estimator and a table, which say what can be believed, in a frame with
a row per column:

- :func:`conditional_importance`: what each column adds to the others, with a p-value.
- :func:`knockoffs`: columns at a false discovery rate, if the inputs are normal.
- :func:`all_relevant`: all columns that say something, with those that they stand in
  for.

The first two of these draw columns by hidimstat
(``pip install 'sklearn-ard[inspection]'``). Read `shapley.py` first.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sklearn_ard.inspection.anova import VarianceShares, variance_shares
    from sklearn_ard.inspection.attributions import ShapleyValues
    from sklearn_ard.inspection.conditional import conditional_importance
    from sklearn_ard.inspection.effects import Effect, effect
    from sklearn_ard.inspection.knockoff import knockoffs
    from sklearn_ard.inspection.relevant import all_relevant
    from sklearn_ard.inspection.shapley import shapley_values

__all__ = [
    "Effect",
    "ShapleyValues",
    "VarianceShares",
    "all_relevant",
    "conditional_importance",
    "effect",
    "knockoffs",
    "shapley_values",
    "variance_shares",
]

# Imported on first access, so that compact models are explained without torch.
_MODULES = {
    "Effect": "effects",
    "ShapleyValues": "attributions",
    "VarianceShares": "anova",
    "all_relevant": "relevant",
    "conditional_importance": "conditional",
    "effect": "effects",
    "knockoffs": "knockoff",
    "shapley_values": "shapley",
    "variance_shares": "anova",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"sklearn_ard.inspection.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
