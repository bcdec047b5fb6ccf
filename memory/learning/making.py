"""Creates learners and estimators with the serving settings. Torch is imported here, in its own thread."""

from collections.abc import Callable
from functools import partial

from memento.memory.case import PLAN, CaseKind
from memento.memory.estimators.port import Estimator, EstimatorName
from memento.memory.learning.learner import Learner
from memento.memory.storage import Storage


async def make_learner(
    storage: Storage, namespace: str, estimator: EstimatorName, seed: int, kind: CaseKind = PLAN
) -> Learner:
    """A learner of one namespace and kind of case. The first one imports torch, which takes a second, in a thread."""

    def make() -> Learner:
        from memento.memory.estimators import registry

        return Learner(
            namespace=namespace,
            make=partial(registry.make_estimator, estimator, dim=storage.texts.encoder.dim, seed=seed),
            views=storage.views,
            versions=storage.versions,
            texts=storage.texts,
            thread=storage.torch,
            folder=storage.weights,
            kind=kind,
        )

    return await storage.compute(make)


async def learned_kinds(storage: Storage, namespace: str) -> list[CaseKind]:
    """Kinds of case that a namespace has learners for: plans, and those that it has cases of."""
    return list(dict.fromkeys([PLAN, *await storage.views.n_of_kinds(namespace=namespace)]))


async def estimator_factory(
    storage: Storage, namespace: str, estimator: EstimatorName, seed: int
) -> Callable[[], Estimator]:
    """Factory of untrained estimators, with the settings that serve in a namespace.

    Returns:
        A function to call within `Storage.compute`.
    """
    settings = (await storage.versions.serving(namespace, estimator)).settings

    def make() -> Estimator:
        from memento.memory.estimators import registry

        return registry.make_estimator(estimator, dim=storage.texts.encoder.dim, seed=seed, settings=settings)

    return make
