"""Runs a command: one event loop, errors as one sentence on stderr, exit codes that scripts can rely on."""

import asyncio
import inspect
import io
import sys
import tempfile
import traceback
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import IntEnum
from functools import wraps
from typing import Any, TypeVar, get_type_hints

from memento.cli.streams import (
    flushed,
    open_missing_streams,
    print_json,
    silence_broken_streams,
    tell,
    written_if_possible,
)

T = TypeVar("T")

_OPTIONS = {"run_max_cost_usd": "max_usd", "run_max_tokens": "max_tokens", "run_max_seconds": "max_seconds"}
"""Setting to option name, where they differ."""


class ExitCode(IntEnum):
    """What the command's exit status means."""

    OK = 0
    FAILED = 1
    BAD_INPUT = 2
    INTERRUPTED = 130


def run_async(command: Callable[..., Coroutine[Any, Any, ExitCode]]) -> Callable[..., None]:
    """Make a Typer command of a coroutine function; its exit code becomes the process's.

    A parameter that is a dataclass stands for an option per field, the fields of the class itself before inherited
    ones. A parameter or field `as_json` says how errors are printed.
    """
    signature = inspect.signature(command, eval_str=True)
    groups: dict[str, Any] = {
        name: one.annotation for name, one in signature.parameters.items() if is_dataclass(one.annotation)
    }
    parameters: list[inspect.Parameter] = []
    for name, parameter in signature.parameters.items():
        parameters += _options_of(groups[name]) if name in groups else [parameter]

    @wraps(command)
    def run(**given: Any) -> None:
        import typer

        as_json = bool(given.get("as_json"))
        for name, group in groups.items():
            given[name] = group(**{field.name: given.pop(field.name) for field in fields(group)})
        raise typer.Exit(run_command(command(**given), as_json=as_json))

    run.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return run


def run_command(command: Coroutine[Any, Any, ExitCode], *, as_json: bool) -> ExitCode:
    """Run a command's coroutine to its exit code; errors become one sentence on stderr."""
    from memento.graph.settings import Settings, load_env_file, process_environment
    from memento.graph.variables.names import unknown_variables
    from memento.memory.errors import InvalidInput, MementoError
    from memento.nodes.errors import ModelUnavailable

    open_missing_streams()
    _quiet_libraries()
    _print_anything()
    try:
        _load(load_env_file)
        _tell_unknown(unknown_variables(process_environment(), Settings.model_fields))
        return flushed(asyncio.run(command))
    except InvalidInput as error:
        return _complain(str(error), ExitCode.BAD_INPUT, as_json=as_json)
    except ModelUnavailable as error:
        return _complain(f"{error} (`memento doctor` says which model answers)", ExitCode.FAILED, as_json=as_json)
    except MementoError as error:
        return _complain(str(error), ExitCode.FAILED, as_json=as_json)
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except BrokenPipeError:  # `memento cases export | head`: the reader has seen enough
        silence_broken_streams()
        return ExitCode.OK
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return _complain(f"{where}{error.strerror or error}", ExitCode.FAILED, as_json=as_json)
    except Exception as error:  # noqa: BLE001  a person gets a sentence, whoever mends it gets the traceback
        return _complain(_bug(error), ExitCode.FAILED, as_json=as_json)
    finally:
        command.close()  # where it was never started


def parsed_options(parse: Callable[[], T]) -> T:
    """Parse options; errors name the option as it was typed.

    Raises:
        InvalidInput: one of them does not fit.
    """
    from pydantic import ValidationError

    from memento.nodes.misfit import misfit_of

    try:
        return parse()
    except ValidationError as error:
        raise misfit_of(error, lambda name: f"--{_OPTIONS.get(name, name).replace('_', '-')}") from error


def reward_of(text: str) -> float | None:
    """Parse a typed reward; None for `unknown`.

    Raises:
        InvalidInput: it is no number from 0 to 1, nor `unknown`.
    """
    from memento.memory.errors import InvalidInput

    if text.strip().lower() in ("unknown", "none"):
        return None
    try:
        value = float(text)
    except ValueError as error:
        raise InvalidInput(f"a reward is a number from 0 to 1, or `unknown`, not {text!r}") from error
    if not 0 <= value <= 1:
        raise InvalidInput(f"a reward lies between 0 and 1, not {text}")
    return value


def _options_of(group: Any) -> list[inspect.Parameter]:
    """A parameter for each field of a dataclass."""
    annotations = get_type_hints(group, include_extras=True)
    own_first = dict.fromkeys(name for of_class in group.__mro__ for name in inspect.get_annotations(of_class))
    of = {field.name: field for field in fields(group)}
    kind = inspect.Parameter.KEYWORD_ONLY
    return [
        inspect.Parameter(name, kind, default=_default(of[name]), annotation=annotations[name]) for name in own_first
    ]


def _default(field: "Field[Any]") -> Any:
    if field.default is not MISSING:
        return field.default
    return inspect.Parameter.empty if field.default_factory is MISSING else field.default_factory()


def _load(load_env_file: Any) -> None:
    from memento.memory.errors import InvalidInput

    try:
        load_env_file()
    except UnicodeDecodeError as error:
        raise InvalidInput(f"the .env file of this folder is not UTF-8 text (byte {error.start})") from error


def _tell_unknown(variables: Mapping[str, str]) -> None:
    for name, meant in variables.items():
        advice = f"did you mean {meant}?" if meant else "`memento doctor` says more"
        tell(f"memento: {name} is not a setting, nothing reads it; {advice}")


def _complain(sentence: str, code: ExitCode, *, as_json: bool) -> ExitCode:
    from memento.graph.settings import environment_secrets
    from memento.nodes.redaction import make_redact

    sentence = make_redact(environment_secrets)(sentence)
    if as_json:
        with written_if_possible(sys.stdout):
            print_json({"event": "error", "error": sentence, "exit_code": int(code)})
    tell(f"memento: {sentence}")
    return code


def _bug(error: Exception) -> str:
    name, said = type(error).__name__, str(error).partition("\n")[0][:200]
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="memento-", suffix=".txt", delete=False, encoding="utf-8", errors="backslashreplace"
        ) as file:
            file.write("".join(traceback.format_exception(error)))
    except OSError as why:
        return f"unexpected error: {name}: {said} (its traceback cannot be saved: {why.strerror})"
    return f"unexpected error: {name}: {said} (please report it with {file.name})"


def _print_anything() -> None:
    """Print characters that the locale cannot show as their numbers instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _quiet_libraries() -> None:
    """Their warnings are for developers; a user's terminal shows our notices."""
    import logging
    import warnings

    warnings.filterwarnings("ignore")
    logging.basicConfig(level=logging.ERROR, format="%(name)s: %(message)s")
