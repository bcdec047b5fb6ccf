"""How every command runs: one event loop, named errors as one clear sentence, exit codes that scripts can rely on."""

import asyncio
import io
import json
import sys
import tempfile
import traceback
from collections.abc import Callable, Coroutine, Mapping
from enum import IntEnum
from typing import Any, TypeVar

from memento.cli.streams import flushed, open_missing_streams, silence_broken_streams, written_if_possible

T = TypeVar("T")

_OPTIONS = {"run_max_cost_usd": "max_usd", "run_max_tokens": "max_tokens", "run_max_seconds": "max_seconds"}
"""Options whose name is not that of the setting."""


class ExitCode(IntEnum):
    """What the command's exit status means."""

    OK = 0
    FAILED = 1
    BAD_INPUT = 2
    INTERRUPTED = 130


def run_command(command: Coroutine[Any, Any, ExitCode], *, as_json: bool) -> ExitCode:
    """Run a command's coroutine to its exit code; errors become one sentence on stderr."""
    from memento.graph.settings import Settings, load_env_file, process_environment
    from memento.graph.variables import unknown_variables
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


def finish(code: ExitCode) -> None:
    """Leave with this status."""
    import typer

    raise typer.Exit(code)


def print_json(value: object) -> None:
    """One JSON object on a line of stdout."""
    is_unicode = sys.stdout.encoding.lower().replace("-", "") == "utf8"
    print(json.dumps(value, ensure_ascii=not is_unicode, default=str), flush=True)  # noqa: T201  this command's product


def parsed_options(parse: Callable[[], T]) -> T:
    """What a command makes of its options: those that do not fit are named as they were typed.

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
    """A reward as a person types it; None for an unknown one.

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


def _load(load_env_file: Any) -> None:
    from memento.memory.errors import InvalidInput

    try:
        load_env_file()
    except UnicodeDecodeError as error:
        raise InvalidInput(f"the .env file of this folder is not UTF-8 text (byte {error.start})") from error


def _tell_unknown(variables: Mapping[str, str]) -> None:
    for name, meant in variables.items():
        advice = f"did you mean {meant}?" if meant else "`memento doctor` says more"
        with written_if_possible(sys.stderr):
            print(f"memento: {name} is not a setting, nothing reads it; {advice}", file=sys.stderr)  # noqa: T201


def _complain(sentence: str, code: ExitCode, *, as_json: bool) -> ExitCode:
    from memento.graph.settings import environment_secrets
    from memento.nodes.redaction import make_redact

    sentence = make_redact(environment_secrets)(sentence)
    if as_json:
        with written_if_possible(sys.stdout):
            print_json({"event": "error", "error": sentence, "exit_code": int(code)})
    with written_if_possible(sys.stderr):
        print(f"memento: {sentence}", file=sys.stderr)  # noqa: T201
    return code


def _bug(error: Exception) -> str:
    name, said = type(error).__name__, str(error).partition("\n")[0][:200]
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="memento-", suffix=".txt", delete=False, encoding="utf-8", errors="backslashreplace"
        ) as file:
            file.write("".join(traceback.format_exception(error)))
    except OSError as why:
        return f"this should not have happened: {name}: {said} (its traceback cannot be saved: {why.strerror})"
    return f"this should not have happened: {name}: {said} (please report it with {file.name})"


def _print_anything() -> None:
    """Where the locale cannot show a character, show its number instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _quiet_libraries() -> None:
    """Their warnings are for developers; a user's terminal shows our notices."""
    import logging
    import warnings

    warnings.filterwarnings("ignore")
    logging.basicConfig(level=logging.ERROR, format="%(name)s: %(message)s")
