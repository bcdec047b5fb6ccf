"""Policies of one memory: the built-in ones by name, and the policy object that the memory was opened with."""

from typing import get_args

from memento.memory.errors import InvalidInput, UnknownPolicy
from memento.memory.estimators.port import EstimatorName
from memento.memory.guides import TRIAL
from memento.memory.policies.port import Pool, RetrievalPolicy
from memento.memory.policies.registry import POLICY_NAMES, policy_named

_MAX_NAME_CHARS = 64


class Policies:
    """Finds policies by name."""

    def __init__(self, policy: str | RetrievalPolicy) -> None:
        """Set the default.

        Args:
            policy: a name, or a policy of the caller's own.

        Raises:
            UnknownPolicy: no built-in policy of that name.
            InvalidInput: the object is not a policy, or has the name of a built-in one.
        """
        self.default = policy_named(policy) if isinstance(policy, str) else _checked(policy)
        """The policy where a call names none."""

    def named(self, name: str) -> RetrievalPolicy:
        """The policy of this name.

        Raises:
            UnknownPolicy: there is none.
        """
        if name == self.default.name:
            return self.default
        if name not in (*POLICY_NAMES, TRIAL):
            raise UnknownPolicy(name, tuple(dict.fromkeys((*POLICY_NAMES, self.default.name))))
        return policy_named(name)


def _checked(policy: RetrievalPolicy) -> RetrievalPolicy:
    """The policy, if it has what a policy has."""
    missing = [part for part in ("name", "pool", "estimator", "distribution") if not hasattr(policy, part)]
    if missing:
        raise InvalidInput(
            f"the policy is a {type(policy).__name__} without {', '.join(missing)}; give a name, or an object with "
            "what docs/policies.md lists"
        )
    name: object = policy.name
    if not isinstance(name, str) or not name.strip() or len(name) > _MAX_NAME_CHARS:
        raise InvalidInput(
            f"the name of a policy is a text of 1 to {_MAX_NAME_CHARS} characters, which events are logged with; "
            f"that of {type(policy).__name__} is {name!r}"
        )
    if name in (*POLICY_NAMES, TRIAL):
        raise InvalidInput(
            f"{name!r} is a built-in policy, and events are logged by name; give {type(policy).__name__} another name"
        )
    if policy.pool not in get_args(Pool):
        raise InvalidInput(f"pool of policy {name!r} is one of: {', '.join(get_args(Pool))}; not {policy.pool!r}")
    if policy.estimator not in (None, *get_args(EstimatorName)):
        raise InvalidInput(
            f"estimator of policy {name!r} is None or one of: {', '.join(get_args(EstimatorName))}; "
            f"not {policy.estimator!r}"
        )
    return policy
