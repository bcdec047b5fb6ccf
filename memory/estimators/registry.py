"""Estimators by name. Importing it imports torch."""

from memento.memory.estimators.advantage import Advantage
from memento.memory.estimators.cascade import NeuralLinLogUCB
from memento.memory.estimators.cross_entropy import CrossEntropyQ
from memento.memory.estimators.kernel_control import KernelControl
from memento.memory.estimators.memrl import MemRLUtilities
from memento.memory.estimators.port import Estimator, EstimatorName
from memento.memory.estimators.romerl import RoMeRLUtilities
from memento.memory.estimators.settings import EstimatorSettings
from memento.memory.estimators.trials import GuideTrials
from memento.memory.estimators.uplift import SetUplift


def make_estimator(name: EstimatorName, *, dim: int, seed: int, settings: EstimatorSettings | None = None) -> Estimator:
    """Make an untrained estimator by name.

    Args:
        name: which one.
        dim: dimension of the encoder's vectors.
        seed: of whatever is random in it.
        settings: what deviates from its built-in settings.

    Raises:
        InvalidInput: it has no such setting, or the value is beyond its range.
    """
    match name:
        case "cross_entropy":
            return CrossEntropyQ(dim=dim, seed=seed, settings=settings)
        case "kernel":
            return KernelControl(dim=dim, seed=seed, settings=settings)
        case "advantage":
            return Advantage(dim=dim, seed=seed, settings=settings)
        case "memrl":
            return MemRLUtilities(dim=dim, seed=seed, settings=settings)
        case "romerl":
            return RoMeRLUtilities(dim=dim, seed=seed, settings=settings)
        case "cascade":
            return NeuralLinLogUCB(dim=dim, seed=seed, settings=settings)
        case "uplift":
            return SetUplift(dim=dim, seed=seed, settings=settings)
        case "trials":
            return GuideTrials(dim=dim, seed=seed, settings=settings)
