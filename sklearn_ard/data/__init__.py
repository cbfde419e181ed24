"""From a table to batches: how rows are merged, ordered, scaled and cut.

Input: checked arrays X, y and weights. Output: a
:class:`~sklearn_ard.data.training_set.TrainingSet`. Read `training_set` first.
"""
