"""Weight of the KL divergence in the objective during training.

The completed share of the training comes in; a weight from 0 to 1 goes out.
"""


class KLWarmup:
    """Weight of the KL divergence during training: 0, then a rise, then 1.

    With the KL at full weight from the first step, any prior prunes all weights before
    they have fitted the data.

    Parameters
    ----------
    start, stop : float, default=0.05, 0.4
        Shares of the training (0 to 1) at which the weight leaves 0 and reaches 1.
    first : float, default=0.0
        0 for a straight line from `start` to `stop`. Otherwise the weight at `start`,
        from where it rises geometrically: much longer under small weights, so that the
        network fits the data before it is pruned.

    Examples
    --------
    >>> from sklearn_ard.nn import KLWarmup
    >>> warmup = KLWarmup(start=0.0, stop=0.5)
    >>> [warmup(progress) for progress in (0.0, 0.25, 0.5, 1.0)]
    [0.0, 0.5, 1.0, 1.0]
    >>> warmup = KLWarmup(start=0.0, stop=0.5, first=0.01)
    >>> [round(warmup(progress), 3) for progress in (0.0, 0.25, 0.5, 1.0)]
    [0.01, 0.1, 1.0, 1.0]
    """

    def __init__(self, start: float = 0.05, stop: float = 0.4, first: float = 0.0):
        if start > stop:
            raise ValueError(
                "'start' of KLWarmup must be at most 'stop'. Got "
                f"start={start!r} and stop={stop!r} instead."
            )
        self.start = start
        self.stop = stop
        self.first = first

    def __call__(self, progress: float) -> float:
        """Weight (0 to 1) after that share of the training (0 to 1)."""
        if progress >= self.stop:
            return 1.0
        if progress < self.start:
            return 0.0
        share = (progress - self.start) / (self.stop - self.start)
        return share if self.first == 0 else self.first ** (1 - share)
