"""Plays the multi-turn part of BFCL with the benchmark's own simulators, and its own checks of each turn.

A turn passes when, as in the benchmark's multi_turn_checker, something was called in it, the simulators are in the
state to which the expected calls lead, and what the expected calls answer is among the answers so far. A turn for which
no call is expected, since a function or a value is missing, passes whatever is done in it; it counts for the score only
where it is the last.
"""

import copy
import inspect
import json
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import bfcl_eval
from bfcl_eval.constants.default_prompts import DEFAULT_USER_PROMPT_FOR_ADDITIONAL_FUNCTION_FC
from bfcl_eval.constants.executable_backend_config import MULTI_TURN_FUNC_DOC_FILE_MAPPING
from bfcl_eval.eval_checker.multi_turn_eval import multi_turn_utils
from bfcl_eval.eval_checker.multi_turn_eval.multi_turn_checker import response_checker, state_checker

from memento.evals.environments.worlds.function_calls import FunctionCall, NotACall, parse_call
from memento.evals.environments.worlds.world import Seen

END_TURN: Final = "end_turn"
EXPLAIN: Final = "explain"
_DATA: Final = Path(str(bfcl_eval.__file__)).parent / "data"
_TYPES: Final = {"integer": "int", "float": "float", "boolean": "bool", "array": "list", "dict": "dict"}
_ECHO_CHARS: Final = 200
_WORKLOAD: Final = ("exponent", "precision", "decimal_places")
_LARGEST_WORKLOAD: Final = 1_000
"""A power, or a root with so many digits, is computed at once; with a billion it takes hours."""


class BfclWorld:
    """All questions."""

    def __init__(self) -> None:
        self._question: dict[str, Any] = {}
        self._answers: list[list[str]] = []
        self._agent = Simulators([], {}, long_context=False)
        self._reference = self._agent
        self._offered: dict[str, dict[str, Any]] = {}
        self._turn = 0
        self._n_passed = 0
        self._has_called = False
        self._results: list[str] = []
        self._n_left = 0
        self._last: Seen | None = None

    def reset(self, key: str, max_steps: int) -> Seen:
        """Begin a conversation."""
        variant, _, number = key.rpartition("/")[2].partition("-")
        self._question = _rows(f"BFCL_v4_multi_turn_{variant}.json")[int(number)]
        self._answers = _rows(f"possible_answer/BFCL_v4_multi_turn_{variant}.json")[int(number)]["ground_truth"]
        classes, start = self._question["involved_classes"], self._question["initial_config"]
        self._agent = Simulators(classes, start, long_context=variant == "long_context")
        self._reference = Simulators(classes, start, long_context=variant == "long_context")
        held_out = {name for names in self._question.get("missed_function", {}).values() for name in names}
        self._offered = {name: doc for name, doc in self._agent.documents.items() if name not in held_out}
        self._turn, self._n_passed, self._has_called, self._results = 0, 0, False, []
        self._n_left = max_steps
        functions = [
            *map(line_of, self._offered.values()),
            f"{EXPLAIN}(function): Show all that is documented of a function",
            f"{END_TURN}(): Hand over to the user when all that can be done is done, or something is missing",
        ]
        return self._view("\n".join([self._said_by_user(), "", "Functions:", *functions]))

    def step(self, action: str) -> Seen:
        """Take one action; what is not a call is answered, and an episode that is over stays as it is."""
        if self._last is not None and self._last.is_over:
            return self._last
        self._n_left -= 1
        try:
            call = parse_call(action)
        except NotACall as fault:
            return self._view(str(fault))
        if call.name == END_TURN:
            return self._end_turn()
        if call.name == EXPLAIN:
            return self._view(self._explained(call))
        if call.name not in self._agent.documents:  # one that is offered later runs, as in the benchmark
            return self._view(f"There is no function {call.name!r}. There are: {', '.join(self._offered)}, {END_TURN}.")
        result = self._agent.run(call)
        self._results.append(result)
        self._has_called = True
        return self._view(f"{_echo(action)}\n{result}")

    def description(self) -> str:
        """What is wanted; the same for all."""
        return "Do what the user asks for, by one function call at a time, with literal arguments."

    def walkthrough(self, key: str) -> list[str]:
        """The expected calls, turn by turn."""
        self.reset(key, 0)
        return [action for calls in self._answers for action in (*calls, f"{END_TURN}()")]

    def _end_turn(self) -> Seen:
        expected = self._answers[self._turn]
        if not self._has_passed(expected):
            return self._view("The conversation is over: what the user asked for was not done.", is_over=True)
        self._n_passed += self._counts(self._turn)
        self._turn += 1
        self._has_called = False
        if self._turn == len(self._answers):
            return self._view("The conversation is over: all that the user asked for was done.", is_over=True)
        return self._view(self._said_by_user())

    def _has_passed(self, expected: list[str]) -> bool:
        wanted = [self._reference.run(parse_call(one)) for one in expected]
        if not expected:
            return True
        try:
            is_same = state_checker(self._agent.instances, self._reference.instances)["valid"]
        except Exception:  # noqa: BLE001  such as a folder that was copied into itself: no state that is expected
            return False
        return bool(self._has_called and is_same and response_checker(self._results, wanted, self._turn)["valid"])

    def _said_by_user(self) -> str:
        """The user's message of the turn, or what has come to be offered."""
        names = self._question.get("missed_function", {}).get(str(self._turn), [])
        new = {name: self._agent.documents[name] for name in names}
        self._offered |= new
        messages = [message["content"].strip() for message in self._question["question"][self._turn]]
        if new:
            messages += [DEFAULT_USER_PROMPT_FOR_ADDITIONAL_FUNCTION_FC, *map(line_of, new.values())]
        return "\n".join(["User: " + messages[0], *messages[1:]])

    def _explained(self, call: FunctionCall) -> str:
        name = next(iter([*call.args, *call.named.values()]), None)
        document = self._offered.get(name) if isinstance(name, str) else None
        if document is None:
            return f"There is no such function. There are: {', '.join(self._offered)}."
        parameters = document["parameters"]
        return "\n".join(
            [line_of(document, is_whole=True)]
            + [f"- {name}: {one.get('description', '')}" for name, one in parameters["properties"].items()]
        )

    def _counts(self, turn: int) -> bool:
        return bool(self._answers[turn]) or turn == len(self._answers) - 1

    def _view(self, text: str, *, is_over: bool = False) -> Seen:
        n_counted = sum(map(self._counts, range(len(self._answers))))
        is_won = self._turn == len(self._answers)
        self._last = Seen(text, [], self._n_passed / n_counted, is_over or self._n_left <= 0, is_won)
        return self._last


class Simulators:
    """The simulators of a question, in one state."""

    def __init__(self, classes: list[str], start: dict[str, Any], *, long_context: bool) -> None:
        self.instances: dict[str, Any]
        # The benchmark makes them, told to run no call: it would evaluate the text.
        _, self.instances = multi_turn_utils.execute_multi_turn_func_call(
            [], start, classes, "memento", "", long_context=long_context
        )
        for kept in [name for name in vars(multi_turn_utils) if name.startswith("memento_")]:
            delattr(multi_turn_utils, kept)  # it would give the same ones the next time
        self.documents: dict[str, dict[str, Any]] = {}
        self._owners: dict[str, Any] = {}
        for name, made in self.instances.items():
            for document in _rows(f"multi_turn_func_doc/{MULTI_TURN_FUNC_DOC_FILE_MAPPING[name]}"):
                self.documents[document["name"]] = document
                self._owners[document["name"]] = made

    def run(self, call: FunctionCall) -> str:
        """Run a call of a documented function; its answer, or what was wrong, as the benchmark words it."""
        method = getattr(self._owners[call.name], call.name)
        try:
            _check_workload(inspect.signature(method).bind(*call.args, **call.named).arguments)
            found = method(*copy.deepcopy(call.args), **copy.deepcopy(call.named))
            return found if isinstance(found, str) else _json(found) if isinstance(found, dict) else str(found)
        except Exception as error:  # noqa: BLE001  whatever a simulator raises is its answer
            return f"Error during execution: {str(error)[:1000]}"


def line_of(document: dict[str, Any], *, is_whole: bool = False) -> str:
    """A function in a line: its name, its parameters, those that are not text with their types, and what it does."""
    parameters = document["parameters"]
    shown = []
    for name, one in parameters["properties"].items():
        kind = f": {_TYPES[one['type']]}" if one["type"] in _TYPES else ""
        default = one.get("default")
        written = "None" if default in (None, "None") else repr(default)
        shown.append(f"{name}{kind}" + ("" if name in parameters["required"] else f"={written}"))
    said = document["description"].rpartition("Tool description:")[2].strip()
    return f"{document['name']}({', '.join(shown)}): {said if is_whole else said.partition('. ')[0].rstrip('.')}"


def _check_workload(arguments: dict[str, Any]) -> None:
    if arguments.keys().isdisjoint(_WORKLOAD):
        return
    for name, value in arguments.items():
        if not isinstance(value, int | float):  # text is read as a number, such as "1e999999999"
            raise TypeError(f"{name} must be a number")
        if name in _WORKLOAD and abs(value) > _LARGEST_WORKLOAD:
            raise ValueError(f"{name} must lie between -{_LARGEST_WORKLOAD} and {_LARGEST_WORKLOAD}")


def _echo(action: str) -> str:
    call = " ".join(action.split())
    return call if len(call) <= _ECHO_CHARS else f"{call[:_ECHO_CHARS]}..."


def _json(found: dict[str, Any]) -> str:
    try:
        return json.dumps(found)
    except (TypeError, ValueError):
        return str(found)


@lru_cache(maxsize=32)
def _rows(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (_DATA / name).read_text(encoding="utf-8").split("\n") if line]
