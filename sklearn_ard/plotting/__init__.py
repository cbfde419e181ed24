"""Pictures as scikit-learn displays.

In: fitted models, paths over `reg_factor`, stability selections. Out: displays on
matplotlib axes. Read `model.py` first; colours and axes are in `style.py`.
"""
