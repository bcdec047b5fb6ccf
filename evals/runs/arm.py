"""Arms of an evaluation: a policy, settings of its runs, and controls that change what its memory sees or is told."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from memento.evals.environments.actors import ActorName
from memento.memory.errors import InvalidInput
from memento.memory.policies.registry import POLICY_NAMES
from memento.nodes.context import RunSettings

NO_MEMORY = "none"
"""The policy that serves no case."""


class ArmControls(BaseModel):
    """Controls of an arm: experiments on its memory, which no user of the product needs."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    context: int | None = Field(default=None, ge=200, le=200_000)
    """Instead of retrieval: all earlier attempts of the stream in the prompt, the newest first, up to this many
    tokens."""
    lesson: Literal["none", "fresh"] = "none"
    """fresh: before each task the planner's model writes a lesson for it, which is thrown away afterwards."""
    outcomes: Literal["true", "shuffled"] = "true"
    """shuffled: the memory is told other tasks' outcomes; the results keep the true ones."""
    blanked: float = Field(default=0.0, ge=0.0, le=0.9)
    """Share of cases that are served without their text, chosen by their question."""
    fixed: int | None = Field(default=None, ge=1, le=32)
    """Instead of retrieval: so many demonstrations of the subject's, the same for all tasks; one draw per order."""
    successes: Literal["chosen", "random"] = "chosen"
    """random: instead of retrieval, k random attempts of the stream that worked, corrections included."""
    filled: bool = False
    """Whether random successes are added until k cases that worked are shown."""
    actor: ActorName = "model"
    """Who acts in an environment: the executor's model; replay (the best case word for word), nearest (the best case,
    each action as the valid one that is most like it) or random (valid actions)."""

    @property
    def depends_on_journal(self) -> bool:
        """Whether what a task sees or teaches follows from the results of earlier ones, beside the memory."""
        return self.context is not None or self.outcomes == "shuffled" or self.shows_successes

    @property
    def shows_successes(self) -> bool:
        """Whether random successes are shown."""
        return self.filled or self.successes == "random"


class Arm(BaseModel):
    """One arm of an evaluation."""

    model_config = ConfigDict(frozen=True)

    name: str
    """As it was written, such as `advantage` or `similarity:k=8`."""
    policy: str
    settings: dict[str, Any] = {}
    """Fields of `Context` that are this arm's own."""
    controls: ArmControls = ArmControls()

    @property
    def folder(self) -> str:
        """Name as part of a path and of a namespace."""
        return "".join(letter if letter.isalnum() else "-" for letter in self.name)

    @property
    def has_memory(self) -> bool:
        """Whether anything of earlier tasks reaches the planner, by retrieval or as they are."""
        instead = self.controls.context is not None or self.controls.successes == "random"
        return self.policy != NO_MEMORY or instead

    @property
    def acts_without_model(self) -> bool:
        """Whether a run of it in an environment asks no model: to act, or for a lesson."""
        return self.controls.actor != "model" and self.controls.lesson == "none"

    @property
    def is_plain_control(self) -> bool:
        """Whether it is the agent without memory, with nothing in its place."""
        is_changed = self.controls.lesson != "none" or self.controls.fixed is not None or self.controls.actor != "model"
        return not self.has_memory and not is_changed


_SHORT: dict[str, tuple[str, dict[str, str]]] = {
    "context": (NO_MEMORY, {}),
    "fresh_lesson": (NO_MEMORY, {"lesson": "fresh"}),
    "shuffled_outcomes": ("advantage", {"outcomes": "shuffled"}),
    "failures_shown": ("advantage", {"failures": "shown"}),
    "failures_hidden": ("advantage", {"failures": "hidden"}),
    "fixed": (NO_MEMORY, {}),
    "random_successes": (NO_MEMORY, {"successes": "random"}),
    "replay": ("similarity_reward", {"actor": "replay"}),
    "nearest_valid": ("similarity_reward", {"actor": "nearest"}),
    "random_actions": (NO_MEMORY, {"actor": "random"}),
}
"""Controls that can be written like a policy: the policy and settings that they stand for."""


def parse_arm(text: str) -> Arm:
    """Parse an arm from `POLICY[:NAME=VALUE,...]`, or from a control by its own name.

    A name is a field of `Context` (`similarity:k=8,max_cycles=1`, `advantage:failures=hidden`) or of `ArmControls`
    (`none:lesson=fresh`, `advantage:outcomes=shuffled`, `advantage:blanked=0.1`). Controls with a name of their own, to
    which settings can be added: `context:8000`, `fresh_lesson`, `shuffled_outcomes`, `failures_shown` and
    `failures_hidden`; the last three are arms of `advantage`. `fixed:4` shows the same demonstrations for all tasks,
    `random_successes` random attempts that worked. In environments `replay` and `nearest_valid` act by the best case,
    and `random_actions` by chance, all without a model.

    Raises:
        InvalidInput: no such policy, control or field, a value out of bounds, or parts that do not go together.
    """
    name = text.strip()
    head, _, rest = name.partition(":")
    parts = [part.strip() for part in rest.split(",") if part.strip()]
    policy, given = _SHORT.get(head, (head, {}))
    if head in _COUNTED:
        given = {head: _count(name, head, parts)}
        parts = parts[1:]
    elif head not in _SHORT and head not in POLICY_NAMES:
        raise _unknown(name, head)
    pairs = _pairs(name, parts, given)
    if "context" in pairs:
        raise InvalidInput(
            f"arm {name!r}: all earlier attempts take the place of retrieval, so that no policy chooses; "
            f"write context:{pairs['context']}"
        )
    given = given | pairs
    controls = {key: value for key, value in given.items() if key in ArmControls.model_fields}
    settings = {key: value for key, value in given.items() if key not in controls}
    try:
        checked = RunSettings.model_validate(settings | {"policy": policy})
        arm = Arm(
            name=name,
            policy=policy,
            settings={key: getattr(checked, key) for key in settings},
            controls=ArmControls.model_validate(controls),
        )
    except ValidationError as error:
        first = error.errors()[0]
        raise InvalidInput(f"arm {text!r}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    if why := _misfit(arm):
        raise InvalidInput(f"arm {text!r}: {why}")
    return arm


_COUNTED = {
    "context": "say how many tokens of earlier attempts the prompt may hold: context:8000",
    "fixed": "say how many demonstrations are shown: fixed:4",
}


def _count(name: str, head: str, parts: list[str]) -> str:
    """Return N of `context:N` or `fixed:N`."""
    if not parts or "=" in parts[0]:
        raise InvalidInput(f"arm {name!r}: {_COUNTED[head]}")
    return parts[0]


def _unknown(name: str, head: str) -> InvalidInput:
    """Return the error for an arm that begins with no policy and no control."""
    if head.partition("=")[0] in {*ArmControls.model_fields, *RunSettings.model_fields}:
        return InvalidInput(f"arm {name!r} begins with a setting; write a policy first, such as advantage:{head}")
    controls = ", ".join(f"{one}:N" if one in _COUNTED else one for one in _SHORT)
    return InvalidInput(
        f"arm {name!r}: unknown policy {head!r}; choose a policy ({', '.join(POLICY_NAMES)}) or a control ({controls})"
    )


def _pairs(name: str, parts: list[str], taken: dict[str, str]) -> dict[str, str]:
    """Return the settings of an arm as they are written."""
    found: dict[str, str] = {}
    for part in parts:
        key, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals:
            raise InvalidInput(f"arm {name!r}: {key}: it has no value; write {key}=VALUE")
        if key == "policy":
            raise InvalidInput(f"arm {name!r}: the policy of an arm is its first word; write {value}:... instead")
        if key in found or key in taken:
            raise InvalidInput(f"arm {name!r}: {key} is given twice; leave one out")
        found[key] = value
    return found


def _misfit(arm: Arm) -> str:
    """Return why an arm's parts do not go together; empty when they do."""
    controls = arm.controls
    if controls.context is not None and "max_case_tokens" in arm.settings:
        return "context says how many tokens the attempts may take; leave max_case_tokens out"
    if controls.outcomes == "shuffled" and not arm.has_memory:
        return "outcomes=shuffled changes what a memory is told, and none has no memory; name another policy"
    instead = [name for name in ("context", "fixed") if getattr(controls, name) is not None]
    instead += ["successes"] if controls.successes == "random" else []
    if len(instead) > 1:
        return f"{' and '.join(instead)} each take the place of retrieval; leave one out"
    if instead and arm.policy != NO_MEMORY:
        return f"{instead[0]} takes the place of retrieval, so that no policy chooses; write none:{instead[0]}=..."
    if controls.filled and (arm.policy == NO_MEMORY or instead):
        return "filled adds to cases that a policy chooses, and here none does; name another policy"
    if controls.blanked and arm.policy == NO_MEMORY:
        return "blanked takes the text from cases that are served, and none serves no case; name another policy"
    return ""
