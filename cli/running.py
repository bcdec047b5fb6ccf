"""How every command runs: one event loop, named errors as one clear sentence, exit codes that scripts can rely on."""

import asyncio
import json
import sys
from collections.abc import Coroutine
from enum import IntEnum
from typing import Any


class ExitCode(IntEnum):
    """What the command's exit status means."""

    OK = 0
    FAILED = 1
    BAD_INPUT = 2
    INTERRUPTED = 130


def run_command(command: Coroutine[Any, Any, ExitCode], *, as_json: bool) -> ExitCode:
    """Run a command's coroutine to its exit code; errors become one sentence on stderr."""
    from pydantic import ValidationError

    from memento.graph.settings import load_env_file
    from memento.memory.errors import InvalidInput, MementoError

    _quiet_libraries()
    load_env_file()
    try:
        return asyncio.run(command)
    except InvalidInput as error:
        return _complain(str(error), ExitCode.BAD_INPUT, as_json=as_json)
    except ValidationError as error:
        return _complain(_settings_problem(error), ExitCode.BAD_INPUT, as_json=as_json)
    except MementoError as error:
        return _complain(str(error), ExitCode.FAILED, as_json=as_json)
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except BrokenPipeError:  # `memento cases export | head`: the reader has seen enough
        sys.stderr.close()
        return ExitCode.OK
    except OSError as error:
        return _complain(
            f"{error.strerror or error}: {error.filename or ''}".rstrip(": "), ExitCode.FAILED, as_json=as_json
        )


def finish(code: ExitCode) -> None:
    """Leave with this status."""
    import typer

    raise typer.Exit(code)


def print_json(value: object) -> None:
    """One JSON object on a line of stdout."""
    print(json.dumps(value, ensure_ascii=False, default=str), flush=True)  # noqa: T201  stdout is this command's product


def _complain(sentence: str, code: ExitCode, *, as_json: bool) -> ExitCode:
    if as_json:
        print_json({"event": "error", "error": sentence, "exit_code": int(code)})
    print(f"memento: {sentence}", file=sys.stderr)  # noqa: T201
    return code


def _settings_problem(error: Any) -> str:
    first = error.errors()[0]
    name = ".".join(map(str, first["loc"]))
    return f"{error.title}: {name}: {first['msg']} (given: {str(first.get('input'))[:80]!r})"


def _quiet_libraries() -> None:
    """Their warnings are for developers; a user's terminal shows our notices."""
    import logging
    import warnings

    warnings.filterwarnings("ignore")
    logging.basicConfig(level=logging.ERROR, format="%(name)s: %(message)s")
