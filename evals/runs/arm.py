"""Arms of an evaluation: a policy, and settings that differ from other arms."""

from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from memento.memory.errors import InvalidInput
from memento.memory.policies.registry import policy_named
from memento.nodes.context import RunSettings


class Arm(BaseModel):
    """One arm of an evaluation."""

    model_config = ConfigDict(frozen=True)

    name: str
    """As it was written, such as `advantage` or `similarity:k=8`."""
    policy: str
    settings: dict[str, Any] = {}
    """Fields of `Context` that are this arm's own."""

    @property
    def folder(self) -> str:
        """Name as part of a path and of a namespace."""
        return "".join(letter if letter.isalnum() else "-" for letter in self.name)


def parse_arm(text: str) -> Arm:
    """Parse an arm from `POLICY[:FIELD=VALUE,...]`, with fields of `Context`: `similarity:k=8,max_cycles=1`.

    Raises:
        InvalidInput: no such policy or field, or a value out of bounds.
    """
    policy, _, rest = text.strip().partition(":")
    policy_named(policy)
    pairs = [part.partition("=") for part in rest.split(",") if part.strip()]
    settings: dict[str, Any] = {name.strip(): value.strip() for name, _, value in pairs}
    try:
        checked = RunSettings.model_validate(settings | {"policy": policy})
    except ValidationError as error:
        first = error.errors()[0]
        raise InvalidInput(f"arm {text!r}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    return Arm(name=text.strip(), policy=policy, settings={name: getattr(checked, name) for name in settings})
