"""Upper bounds on the expected number of false picks of stability selection.

Input: threshold, number of pairs of halves, mean number of columns that are picked.
Output: a number of columns. The theorems are those of Shah & Samworth (2013), Variable
selection with error control, J. R. Stat. Soc. B 75, arXiv:1105.5578.
"""

import math


def round_threshold(threshold: float, n_pairs: int) -> float:
    """The smallest share of a whole number of halves that reaches a threshold."""
    n_halves = 2 * n_pairs
    # rounded before, so that 0.7 * 10 = 7.000000000000001 is 7 halves and not 8
    return math.ceil(round(threshold * n_halves, 9)) / n_halves


def smallest_threshold(n_pairs: int, bound: str) -> float:
    """The smallest threshold that a bound is stated for."""
    return 0.5 + (1 if bound == "unimodal" else 0.5) / n_pairs


def bound_false_picks(
    n_picked: float, n_features: int, threshold: float, n_pairs: int, bound: str
) -> float:
    """Upper bound on the expected number of kept columns no better than chance.

    Parameters
    ----------
    n_picked : float
        Mean number of columns that are picked on a half.
    n_features : int
        Number of columns.
    threshold : float
        Share of the halves that a kept column is picked in, a whole number of halves.
    n_pairs : int
        Number of complementary pairs of halves.
    bound : {"unimodal", "worst_case"}
        Theorem 2, or theorem 1. The latter is taken as well where theorem 2 does not
        hold.

    Returns
    -------
    float
        Number of columns.
    """
    theta = n_picked / n_features
    factor = 1 / (2 * threshold - 1)
    if bound == "unimodal" and theta <= 1 / math.sqrt(3):
        step = 1 / (2 * n_pairs)  # between thresholds
        lowest = 0.5 + min(theta**2, step + 0.75 * theta**2)
        if threshold > 0.75:
            factor = 4 * (1 - threshold + step) / (1 + 2 * step)
        elif threshold > lowest:
            factor = 1 / (2 * (2 * threshold - 1 - step))
    return factor * theta * n_picked
