"""Bounds on false picks: against the papers, and against the worst distribution."""

import math

import numpy as np
import pytest
from scipy.optimize import linprog

from sklearn_ard.selection.bounds import (
    bound_false_picks,
    round_threshold,
    smallest_threshold,
)


@pytest.mark.parametrize(
    ("bound", "q", "p", "threshold", "n_pairs", "expected"),
    [
        ("worst_case", 2, 20, 0.75, 10, 0.4),  # 4 / 20 / (1/2)
        ("worst_case", 30, 100, 1.0, 50, 9.0),  # 900 / 100 / 1
        ("unimodal", 2, 20, 0.7, 5, 1 / 3),  # C = 2 (0.4 - 0.1) = 0.6
        ("unimodal", 10, 1000, 0.6, 50, 0.1 / 0.38),  # C = 2 (0.2 - 0.01)
        ("unimodal", 2, 20, 0.75, 10, 0.2 / 0.9),  # C = 2 (0.5 - 0.05)
        ("unimodal", 2, 20, 0.8, 5, 0.2),  # C = 1.2 / (4 (0.2 + 0.1)) = 1
        ("unimodal", 10, 1000, 0.9, 50, 0.044 / 1.02),  # C = 1.02 / (4 (0.1 + 0.01))
        ("unimodal", 2, 20, 1.0, 5, 0.08 / 1.2),  # C = 1.2 / (4 * 0.1)
    ],
)
def test_values_by_hand(bound, q, p, threshold, n_pairs, expected):
    found = bound_false_picks(q, p, threshold, n_pairs, bound)
    assert found == pytest.approx(expected)


def worst_tail(mean, n_pairs, k, mode):
    """Largest P(G >= k) of integers G in 0..n_pairs, of some mean and with a mode.

    G is the number of pairs in both of whose halves a column is picked, of which the
    theorems need 2 * threshold - 1 for a column that is kept. Where `mode` is None G
    has any distribution.
    """
    values, rises = np.arange(n_pairs + 1), np.arange(n_pairs) < (mode or 0)
    unimodal = np.where(rises, 1, -1)[:, None] * -np.diff(np.eye(n_pairs + 1), axis=0)
    found = linprog(
        -1.0 * (values >= k),
        A_ub=None if mode is None else unimodal,
        b_ub=None if mode is None else np.zeros(n_pairs),
        A_eq=[np.ones(n_pairs + 1), values],
        b_eq=[1, mean * n_pairs],
    )
    return -found.fun if found.success else 0.0


@pytest.mark.parametrize("theta", [0.05, 0.3, 0.57, 0.6, 0.7])
@pytest.mark.parametrize(("n_pairs", "k"), [(5, 2), (5, 3), (5, 5), (12, 7), (12, 11)])
def test_bounds_hold_for_the_worst_distribution_and_no_less_would(theta, n_pairs, k):
    # of one column with selection probability theta, both halves pick it by theta ** 2
    threshold = 0.5 + k / (2 * n_pairs)
    share = bound_false_picks(theta, 1, threshold, n_pairs, "worst_case")
    worst = worst_tail(theta**2, n_pairs, k, None)
    assert worst == pytest.approx(min(share, 1))

    share = bound_false_picks(theta, 1, threshold, n_pairs, "unimodal")
    modes = range(n_pairs + 1)
    worst = max(worst_tail(theta**2, n_pairs, k, mode) for mode in modes)
    assert worst <= share + 1e-9
    lowest = 0.5 + min(theta**2, 1 / (2 * n_pairs) + 0.75 * theta**2)
    if theta < 1 / math.sqrt(3) and threshold > lowest:
        assert worst == pytest.approx(share)


def test_many_picks_have_the_bound_of_the_worst_case():
    # C of theorem 2 would give 0.36, which a unimodal distribution exceeds by 0.04
    found = bound_false_picks(0.6, 1, 0.8, 5, "unimodal")
    assert found == bound_false_picks(0.6, 1, 0.8, 5, "worst_case")
    assert max(worst_tail(0.36, 5, 3, mode) for mode in range(6)) > 0.399


def test_thresholds_are_whole_numbers_of_halves():
    assert round_threshold(0.75, 5) == 0.8
    assert round_threshold(0.7, 5) == 0.7
    assert round_threshold(0.51, 25) == 0.52
    assert smallest_threshold(25, "unimodal") == 0.54
    assert smallest_threshold(25, "worst_case") == 0.52
