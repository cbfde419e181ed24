"""A Laplace prior: the Bayesian Lasso, for every weight of a network."""

import math

import torch
from sklearn.datasets import make_friedman1

from sklearn_ard import ARDRegressor
from sklearn_ard.nn import Prior


class Laplace(Prior):
    """p(w) = exp(-|w| / scale) / (2 scale)."""

    name = "laplace"

    def __init__(self, scale=0.2, threshold=3.0):
        super().__init__(threshold)
        self.scale = scale

    def kl(self, weight, log_sigma2, mask, groups=1):
        z = weight * torch.exp(-0.5 * log_sigma2)  # in standard deviations
        folded = math.sqrt(2 / math.pi) * torch.exp(-0.5 * z * z)
        size = torch.exp(0.5 * log_sigma2) * (folded + z * torch.erf(z / math.sqrt(2)))
        entropy = 0.5 * (math.log(2 * math.pi * math.e) + log_sigma2)
        return (size / self.scale + math.log(2 * self.scale) - entropy) * mask


if __name__ == "__main__":
    X, y = make_friedman1(300, n_features=15, noise=1.0, random_state=0)
    options = {"likelihood": "gaussian", "n_bins": 0, "max_iter": 250}
    model = ARDRegressor(prior=Laplace(), random_state=0, **options).fit(X, y)
    print("kept:", model.get_support(indices=True))  # 0 to 4 are those that matter
    print(f"pruned: {model.sparsity_:.1%}")
