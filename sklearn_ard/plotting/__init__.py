"""Plots as scikit-learn displays.

Input: fitted models, explanations, paths over `reg_factor`, stability selections.
Output: displays on matplotlib axes. Read `model.py` first; colours and axes are in
`style.py`.
"""
