"""What a model has learned, and how far it can be trusted.

Functions take an estimator and a table, and return a frame with a row per column:

- :func:`conditional_importance`: what each column adds to the others, with a p-value.
- :func:`knockoffs`: columns at a false discovery rate, if the inputs are normal.
- :func:`all_relevant`: all columns that say something, with those that they stand in
  for.

The first two draw columns by hidimstat (``pip install 'sklearn-ard[inspection]'``).
Read `conditional.py` first.
"""

from sklearn_ard.inspection.conditional import conditional_importance
from sklearn_ard.inspection.knockoff import knockoffs
from sklearn_ard.inspection.relevant import all_relevant

__all__ = ["all_relevant", "conditional_importance", "knockoffs"]
