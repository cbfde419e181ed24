"""Selection by many fits: paths over `reg_factor`, cross-validation, stability.

Input: an estimator's task or a selector, and data. Output: the models of a path, the
chosen point, or the share of fits that pick a column. Read `walk` first.
"""
