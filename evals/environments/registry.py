"""The environments that there are, by name."""

from collections.abc import Mapping
from functools import cache, partial
from typing import Final

from memento.evals.environments import baby_ai, bfcl, science_world, textworld_express
from memento.evals.environments.port import EnvironmentSpec
from memento.evals.environments.remote import LIMIT_S, RemoteEnvironment
from memento.memory.errors import InvalidInput

PROGRAMS: Final = (textworld_express.PROGRAM, science_world.PROGRAM, baby_ai.PROGRAM, bfcl.PROGRAM)


def environment_names() -> tuple[str, ...]:
    """The names that `find_environment` knows; nothing need be installed for that."""
    return tuple(_specs())


def find_environment(name: str) -> EnvironmentSpec:
    """Find an environment; starts nothing.

    Raises:
        InvalidInput: there is none of this name; the message lists the names.
    """
    if name not in _specs():
        raise InvalidInput(f"there is no environment {name!r}; choose one of: {', '.join(environment_names())}")
    return _specs()[name]


def open_program(program: str, *, limit_s: float = LIMIT_S) -> RemoteEnvironment:
    """Make an environment that plays all tasks of a program; its child process is started by the first reset.

    Args:
        program: the `program` of a specification.
        limit_s: for each reset and step; the child is then killed.
    """
    return RemoteEnvironment(program, partial(_specs_of, program), limit_s=limit_s)


def _specs_of(program: str) -> Mapping[str, EnvironmentSpec]:
    return {name: spec for name, spec in _specs().items() if spec.program == program}


@cache
def _specs() -> Mapping[str, EnvironmentSpec]:
    games = [
        EnvironmentSpec(
            name=name,
            description=game.description,
            max_steps=game.max_steps,
            keys=partial(textworld_express.game_keys, name),
            start=partial(open_program, textworld_express.PROGRAM),
            missing=textworld_express.missing,
            program=textworld_express.PROGRAM,
        )
        for name, game in textworld_express.GAMES.items()
    ]
    others = [
        EnvironmentSpec(
            name=science_world.NAME,
            description=science_world.DESCRIPTION,
            max_steps=science_world.MAX_STEPS,
            keys=science_world.variation_keys,
            start=partial(open_program, science_world.PROGRAM),
            missing=science_world.missing,
            program=science_world.PROGRAM,
        ),
        EnvironmentSpec(
            name=baby_ai.NAME,
            description=baby_ai.DESCRIPTION,
            max_steps=baby_ai.MAX_STEPS,
            keys=baby_ai.level_keys,
            start=partial(open_program, baby_ai.PROGRAM),
            missing=baby_ai.missing,
            program=baby_ai.PROGRAM,
        ),
        EnvironmentSpec(
            name=bfcl.NAME,
            description=bfcl.DESCRIPTION,
            max_steps=bfcl.MAX_STEPS,
            keys=bfcl.question_keys,
            start=partial(open_program, bfcl.PROGRAM),
            missing=bfcl.missing,
            program=bfcl.PROGRAM,
        ),
    ]
    return {spec.name: spec for spec in [*games, *others]}
