"""Neural networks that pick their own inputs, for scikit-learn.

The public API consists of the names in this module, in :mod:`sklearn_ard.inspection`
and in :mod:`sklearn_ard.nn`. The other folders are private and may change in any
version. Data pass through them in the order `data`, `training`, `inference`,
`selection`, `inspection`, `plotting`; the docstring of each `__init__` names the file
to read first.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sklearn_ard._classifier import ARDClassifier
    from sklearn_ard._cv import ARDClassifierCV, ARDRegressorCV
    from sklearn_ard._regressor import ARDRegressor
    from sklearn_ard.inference.compact import CompactClassifier, CompactRegressor
    from sklearn_ard.plotting.attributions import ShapleyDisplay
    from sklearn_ard.plotting.effects import EffectDisplay
    from sklearn_ard.plotting.interactions import InteractionDisplay
    from sklearn_ard.plotting.model import RelevanceDisplay, SparsityDisplay
    from sklearn_ard.plotting.path import CVPathDisplay, RegularizationPathDisplay
    from sklearn_ard.plotting.stability import StabilityDisplay
    from sklearn_ard.selection.path import ard_path
    from sklearn_ard.selection.points import ARDPath
    from sklearn_ard.selection.stability import StabilitySelection
    from sklearn_ard.selection.threshold import threshold_curve

__version__ = "0.15.0"

__all__ = [
    "ARDClassifier",
    "ARDClassifierCV",
    "ARDPath",
    "ARDRegressor",
    "ARDRegressorCV",
    "CVPathDisplay",
    "CompactClassifier",
    "CompactRegressor",
    "EffectDisplay",
    "InteractionDisplay",
    "RegularizationPathDisplay",
    "RelevanceDisplay",
    "ShapleyDisplay",
    "SparsityDisplay",
    "StabilityDisplay",
    "StabilitySelection",
    "ard_path",
    "threshold_curve",
]

_PACKAGES = ("inspection", "nn")

# Imported on first access, so that a compact model can be loaded without torch.
_MODULES = {
    "ARDClassifier": "_classifier",
    "ARDClassifierCV": "_cv",
    "ARDPath": "selection.points",
    "ARDRegressor": "_regressor",
    "ARDRegressorCV": "_cv",
    "CVPathDisplay": "plotting.path",
    "CompactClassifier": "inference.compact",
    "CompactRegressor": "inference.compact",
    "EffectDisplay": "plotting.effects",
    "InteractionDisplay": "plotting.interactions",
    "RegularizationPathDisplay": "plotting.path",
    "RelevanceDisplay": "plotting.model",
    "ShapleyDisplay": "plotting.attributions",
    "SparsityDisplay": "plotting.model",
    "StabilityDisplay": "plotting.stability",
    "StabilitySelection": "selection.stability",
    "ard_path": "selection.path",
    "threshold_curve": "selection.threshold",
}


def __getattr__(name: str) -> Any:
    if name in _PACKAGES:
        return import_module(f"sklearn_ard.{name}")
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"sklearn_ard.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__, *_PACKAGES]
