"""
A real table, as it is
======================

3,772 patients, and 28 columns: hormones as numbers with gaps, answers and sources as
categories. Which of them tell who has an underactive thyroid? `ARDClassifier` takes
the data frame as it is: there is nothing to encode, to fill or to scale. A category,
or a number with gaps, is kept or dropped as one column, under its own name.
The data are fetched from OpenML.
"""

# %%
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import pandas as pd
from sklearn.datasets import fetch_openml
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split

from sklearn_ard import ARDClassifier, RelevanceDisplay

X, y = fetch_openml("hypothyroid", version=1, return_X_y=True, as_frame=True)
X = X.dropna(axis="columns", how="all")  # boosting refuses a column without a value
X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)
gaps = X.isna().sum()
print("categories:", X.select_dtypes("category").shape[1], "of", X.shape[1], "columns")
print("gaps:", gaps[gaps > 0].to_dict())

# %%
# Five columns matter. `feature_importances_` is in nats: what the data would lose
# without the column.
model = ARDClassifier(random_state=0).fit(X_train, y_train)
print("kept:", ", ".join(model.get_feature_names_out()))

# %%
# Boosted trees on the same frame, which read all of the columns.
boosting = HistGradientBoostingClassifier(random_state=0).fit(X_train, y_train)
scores = []
for name, fitted in {"ARDClassifier": model, "boosting": boosting}.items():
    accuracy = fitted.score(X_test, y_test)
    loss = log_loss(y_test, fitted.predict_proba(X_test), labels=fitted.classes_)
    scores.append(f"{name} {accuracy:.3f} (log loss {loss:.3f})")
print("accuracy:", ", ".join(scores))

# %%
# A patient, and the same one with a level that the training set does not have, which
# counts as "nothing known", and with a gap, which counts as those of the training set.
ill = X_test[y_test == "primary_hypothyroid"].head(1)
question = X[model.get_feature_names_out()].select_dtypes("category").columns[0]
unsure = ill.astype({question: "str"})
unsure[[question, "FTI"]] = "not asked", float("nan")
rows = {"complete": ill, "with a gap": unsure}
answers = [model.predict_proba(row)[0] for row in rows.values()]
print(pd.DataFrame(answers, index=rows, columns=model.classes_).round(2).T)

# %%
display = RelevanceDisplay.from_estimator(model, max_features=15)
display.figure_.savefig(Path(__file__).with_suffix(".png"), dpi=120)

# %%
# Dates and dirty strings need an encoder. With skrub's, the outputs of a column are a
# group, so that it is still columns of the table that are kept, dropped and drawn::
#
#     encoder = TableVectorizer().fit(X_train)
#     names = set(encoder.get_feature_names_out())  # it drops columns without a value
#     outputs = encoder.input_to_outputs_.items()
#     groups = {column: out for column, out in outputs if names.issuperset(out)}
#     model = ARDClassifier(feature_groups=groups, random_state=0)
#     make_pipeline(encoder, model).fit(X_train, y_train)
#     RelevanceDisplay.from_estimator(model)
