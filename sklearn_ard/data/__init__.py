"""From a table to batches: how rows are merged, ordered, scaled and cut.

In come checked arrays X, y and weights; out goes a
:class:`~sklearn_ard.data.training_set.TrainingSet`. Read `training_set` first.
"""
