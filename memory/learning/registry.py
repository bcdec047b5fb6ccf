"""Estimators by name. Importing it imports torch."""

from memento.memory.learning.cross_entropy import CrossEntropyQ
from memento.memory.learning.estimator import Estimator, EstimatorName


def make_estimator(name: EstimatorName, *, dim: int, seed: int) -> Estimator:
    """An estimator that knows nothing yet.

    Args:
        name: which one.
        dim: dimension of the encoder's vectors.
        seed: of whatever is random in it.
    """
    match name:
        case "cross_entropy":
            return CrossEntropyQ(dim=dim, seed=seed)
        case _:
            raise NotImplementedError(name)
