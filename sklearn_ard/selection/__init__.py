"""From many fits to a choice: paths over `reg_factor`, cross-validation, stability.

In come an estimator's task or a selector, and data; out come the models of a path, the
chosen point, or the share of fits that pick a column. Read `walk` first.
"""
