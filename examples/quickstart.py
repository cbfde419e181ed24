"""Who survived the Titanic? Nine columns, with categories and gaps, as they are.

Says which columns an ARDClassifier keeps, scores it beside boosted trees and a logistic
regression on passengers that were held out, and draws the relevance of the columns to
quickstart.png. It ends in about a minute on one core.

The 1,309 passengers were collected by Thomas Cason and Frank Harrell. Their table is
that of fetch_openml(data_id=40945), from the copy that scikit-learn ships for tests:
no network is needed. Four columns are left out: names and tickets, which tell single
passengers, and boats and bodies, which were known only afterwards.
"""

from importlib.resources import files
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import pandas as pd
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from sklearn_ard import ARDClassifier, RelevanceDisplay

HERE = Path(__file__).parent

# %% The table
table = pd.read_csv(
    files("sklearn.datasets.tests.data.openml.id_40945")
    / "data-v1-dl-16826755.arff.gz",
    compression="gzip",
    skiprows=17,  # the header
    names="pclass survived name sex age sibsp parch ticket fare cabin embarked boat "
    "body home.dest".split(),
    na_values="?",
    escapechar="\\",
)
y = table["survived"]
X = table.drop(columns=["survived", "name", "ticket", "boat", "body"])
gaps = X.isna().sum()
print(f"{len(X):,} passengers, {X.shape[1]} columns")
print("gaps:        ", gaps[gaps > 0].to_dict())

# %% What the network uses
model = ARDClassifier(random_state=0).fit(X, y)
print("kept columns:", ", ".join(model.get_feature_names_out()))
print(f"sparsity:     {model.sparsity_:.1%} of the weights are pruned")

# %% Compare on held-out passengers
is_text = make_column_selector(dtype_exclude="number")
is_number = make_column_selector(dtype_include="number")
encoded = make_column_transformer(
    (OneHotEncoder(min_frequency=10, handle_unknown="ignore"), is_text),
    (make_pipeline(SimpleImputer(), StandardScaler()), is_number),
)
models = {
    "ARDClassifier": (ARDClassifier(random_state=0), X),
    "boosted trees": (
        HistGradientBoostingClassifier(random_state=0),
        X.astype(dict.fromkeys(is_text(X), "category")).drop(columns="home.dest"),
    ),
    "logistic regression": (
        make_pipeline(encoded, LogisticRegression(max_iter=1000)),
        X,
    ),
}
folds = StratifiedKFold(3, shuffle=True, random_state=0)
metrics = {"accuracy": "accuracy", "log loss": "neg_log_loss"}
print("held-out passengers, mean of three folds:")
for name, (estimator, data) in models.items():
    scores = cross_validate(estimator, data, y, cv=folds, scoring=metrics)
    accuracy, loss = (abs(scores[f"test_{metric}"].mean()) for metric in metrics)
    print(f"  {name:19s} accuracy {accuracy:.3f}, log loss {loss:.3f}")

# %% The picture
display = RelevanceDisplay.from_estimator(model)
picture = HERE / "quickstart.png"
display.figure_.savefig(picture, dpi=120)
print("picture:     ", picture)
