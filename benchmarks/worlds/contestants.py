"""A policy with its estimator, named on the command line.

advantage                    as the product has it
advantage:landmarks=16       with changed settings of its estimator
package.module:function      what function(dim=..., seed=...) returns: a policy and an estimator, or None for that
"""

import importlib
from typing import NamedTuple, Protocol

from memento.memory.errors import InvalidInput
from memento.memory.estimators.port import Estimator
from memento.memory.estimators.registry import make_estimator
from memento.memory.policies.port import RetrievalPolicy
from memento.memory.policies.registry import policy_named


class Contestant(NamedTuple):
    """What plays."""

    policy: RetrievalPolicy
    estimator: Estimator | None
    modules: tuple[str, ...]
    """Whose source decides what it does."""


class MakeContestant(Protocol):
    """A function that is named on the command line."""

    def __call__(self, *, dim: int, seed: int) -> tuple[RetrievalPolicy, Estimator | None]:
        """Make a policy and what it ranks by."""
        ...


def make_contestant(name: str, *, dim: int, seed: int) -> Contestant:
    """Make an untrained contestant.

    Args:
        name: in one of the module's three forms.
        dim: of the vectors.
        seed: of whatever is random in the estimator.

    Raises:
        UnknownPolicy: no policy has this name.
        InvalidInput: its estimator has no such setting, or it has no estimator.
        ImportError, AttributeError: there is no such function.
        ValueError: a setting's value is not a number.
    """
    first, colon, rest = name.partition(":")
    if colon and "=" not in rest:
        make: MakeContestant = getattr(importlib.import_module(first), rest)
        policy, estimator = make(dim=dim, seed=seed)
        return _contestant(policy, estimator, first)
    policy = policy_named(first)
    if policy.estimator is None:
        if rest:
            raise InvalidInput(f"{first} has no estimator whose settings could be changed to {rest}")
        return _contestant(policy, None)
    settings = {key: float(value) for key, _, value in (pair.partition("=") for pair in rest.split(",") if pair)}
    return _contestant(policy, make_estimator(policy.estimator, dim=dim, seed=seed, settings=settings))


def _contestant(policy: RetrievalPolicy, estimator: Estimator | None, *modules: str) -> Contestant:
    made = [type(part).__module__ for part in (policy, estimator) if part is not None]
    return Contestant(policy, estimator, (*made, *modules))
