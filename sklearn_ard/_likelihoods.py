"""Further likelihoods of regressors, by name.

Input: a likelihood in torch for training, and its noise in scipy for predictions.
Output: a value of the parameter `likelihood`. This is private, and may change in any
version.
"""

from dataclasses import fields

from sklearn_ard.data.noise import Noise
from sklearn_ard.data.targets import LIKELIHOODS
from sklearn_ard.inference.format import MODELS
from sklearn_ard.nn import likelihoods


def register_likelihood(
    likelihood: type[likelihoods.Likelihood], noise: type[Noise]
) -> None:
    """Make a likelihood known to regressors, and to the files of their models.

    Parameters
    ----------
    likelihood : type
        A subclass of :class:`sklearn_ard.nn.Likelihood`, made with the number of
        targets. Training minimises it.
    noise : type
        A dataclass, a subclass of `sklearn_ard.data.noise.Noise`: the distribution of
        predictions. Its `likelihood` is the name, and its fields are named as the
        parameters and buffers of the likelihood.

    Raises
    ------
    ValueError
        If there is something of that name already.
    """
    name = noise.likelihood
    if name in MODELS.types or name in (*LIKELIHOODS, "auto"):
        raise ValueError(
            "The 'noise' parameter of register_likelihood must have a 'likelihood' "
            f"that is a new name. Got {name!r} instead, which is taken."
        )
    likelihoods.LIKELIHOODS[name] = likelihood
    LIKELIHOODS[name] = (noise, None)
    MODELS.add(name, noise, " ".join(field.name for field in fields(noise)))
