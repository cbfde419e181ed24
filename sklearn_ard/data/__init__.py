"""From a table to batches: how columns are read, encoded, merged, scaled and cut.

Input: X as the user has it, checked y and weights. Output: a
:class:`~sklearn_ard.data.training_set.TrainingSet`. Read `training_set` first, and
`reader` and `encoding` for what a column becomes.
"""
