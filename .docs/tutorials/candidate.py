"""A further candidate of noise, which held-out rows may choose: Student's t."""

import numpy as np

from sklearn_ard import ARDRegressor
from sklearn_ard.training import candidates

if __name__ == "__main__":
    # asked where the skew t, which comes first, is better than normal noise
    candidates.FURTHER = (*candidates.FURTHER, "student_t")

    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 10))
    y = np.abs(X[:, 3]) + X[:, 7] + 0.3 * rng.standard_t(2, size=300)
    model = ARDRegressor(n_bins=0, max_iter=200, random_state=0).fit(X, y)
    columns = ["likelihood", "log_density", "gain", "std_error", "chosen"]
    print(model.candidates_[columns].round(3).to_string(index=False))
    print("kept:", model.get_support(indices=True))
