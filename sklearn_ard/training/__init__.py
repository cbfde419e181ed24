"""From batches to a network: which networks are trained, how long, on which columns.

Input: a frozen :class:`~sklearn_ard.training.task.Task`. Output: a
:class:`~sklearn_ard.training.trained.Trained`. Read `recipe` first, then `rounds`.
"""
