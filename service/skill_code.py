"""Code of a skill: a Python function that is checked and run in the sandbox only, as a LangChain tool."""

import ast
import asyncio
import inspect
import json
import re
import shutil
import tempfile
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from langchain_core.tools import BaseTool, StructuredTool, ToolException
from pydantic import ConfigDict, create_model

from memento.graph.settings import environment_secrets
from memento.memory.case import Case
from memento.memory.errors import InvalidInput
from memento.nodes.redaction import make_redact
from memento.nodes.sources import Secrets
from memento.tools.sandbox.port import Execution, Sandbox, SandboxLimits
from memento.tools.text import without_controls, without_middle

_BLOCK: Final = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_TYPES: Final[dict[str, type]] = {"str": str, "int": int, "float": float, "bool": bool}
_LIMITS: Final = SandboxLimits(wall_s=10, memory_bytes=500_000_000, workspace_bytes=10_000_000, n_files=50)
_RESULT_CHARS: Final = 12_000


@dataclass(frozen=True, kw_only=True)
class SkillCode:
    """The function of a skill, with its checks."""

    name: str
    source: str
    checks: str
    description: str
    """Its docstring, or what the skill says of itself."""
    parameters: dict[str, type]


def code_of(case: Case) -> SkillCode | None:
    """Return the code of a skill; None where it has none, or what it has is no single function with checks."""
    blocks = _BLOCK.findall(case.action)
    if len(blocks) != 2:
        return None
    source, checks = (block.strip() for block in blocks)
    try:
        functions = [node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)]
        asserts = [node for node in ast.parse(checks).body if isinstance(node, ast.Assert)]
    except (SyntaxError, ValueError, RecursionError):
        return None
    public = [node for node in functions if not node.name.startswith("_")]
    if len(public) != 1 or not asserts or len(functions) != len(ast.parse(source).body) - _n_imports(source):
        return None
    function = public[0]
    parameters = _parameters(function)
    is_called = any(
        isinstance(node, ast.Name) and node.id == function.name for one in asserts for node in ast.walk(one)
    )
    if parameters is None or not is_called:
        return None
    described = ast.get_docstring(function) or case.state
    return SkillCode(name=function.name, source=source, checks=checks, description=described, parameters=parameters)


async def failed_checks(code: SkillCode, sandbox: Sandbox) -> str:
    """Run the checks of a skill's code in the sandbox; return what went wrong, empty where all passed."""
    reached = uuid.uuid4().hex  # code that ends the interpreter by itself has passed nothing
    execution = await _executed(f"{code.source}\n\n{code.checks}\n\nprint({reached!r})\n", sandbox)
    if _is_well(execution) and not execution.output.rstrip().endswith(reached):
        return "they were not carried out to the end"
    return "" if _is_well(execution) else _told(execution)


async def skill_tool(case: Case, sandbox: Sandbox, *, secrets: Secrets | None = environment_secrets) -> BaseTool:
    """Make a LangChain tool of a skill's code. Each call runs in the sandbox, in an empty folder.

    Args:
        case: the skill.
        sandbox: where its checks and calls run; see `tools.sandbox.choice.make_sandbox`.
        secrets: taken out of what the tool says of itself and answers; the environment's keys and passwords by default.

    Raises:
        InvalidInput: the skill has no code with checks, or its checks fail.
        ToolUnavailable: the sandbox cannot run.
    """
    code = code_of(case)
    if code is None:
        raise InvalidInput(
            f"skill {case.id!r} is no tool: its procedure has no Python function with annotated parameters and checks"
        )
    if problem := await failed_checks(code, sandbox):
        raise InvalidInput(f"skill {case.id!r} is no tool: its checks fail: {problem}")

    redact = make_redact(secrets)

    async def call(**given: Any) -> str:
        literal = json.dumps(json.dumps(given))
        source = f"{code.source}\n\nimport json\n\nprint({code.name}(**json.loads({literal})))\n"
        execution = await _executed(source, sandbox)
        if not _is_well(execution):
            raise ToolException(redact(_told(execution)))
        return redact(_shown(execution))

    fields: dict[str, Any] = {name: (kind, ...) for name, kind in code.parameters.items()}
    schema = create_model(code.name, __config__=ConfigDict(extra="forbid"), **fields)
    return StructuredTool.from_function(
        coroutine=call,
        name=code.name,
        description=redact(inspect.cleandoc(code.description)),
        args_schema=schema,
        handle_tool_error=True,
    )


def _parameters(function: ast.FunctionDef) -> dict[str, type] | None:
    """The parameters of a function by name; None where they are not all plain, annotated with a known type."""
    given = function.args
    if given.vararg or given.kwarg or given.posonlyargs or function.decorator_list:
        return None
    found: dict[str, type] = {}
    for one in (*given.args, *given.kwonlyargs):
        if not isinstance(one.annotation, ast.Name) or one.annotation.id not in _TYPES:
            return None
        found[one.arg] = _TYPES[one.annotation.id]
    return found


def _n_imports(source: str) -> int:
    return sum(isinstance(node, ast.Import | ast.ImportFrom) for node in ast.parse(source).body)


async def _executed(source: str, sandbox: Sandbox) -> Execution:
    folder = await asyncio.to_thread(tempfile.mkdtemp, prefix="memento-skill-")
    try:
        return await sandbox.run("python", source, folder=Path(folder), limits=_LIMITS)
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


def _is_well(execution: Execution) -> bool:
    return execution.ended_by == "exit" and execution.exit_code == 0


def _told(execution: Execution) -> str:
    ending = "" if execution.ended_by == "exit" else f" (stopped: {execution.ended_by})"
    return f"{_shown(execution) or 'no output'}{ending}"


def _shown(execution: Execution) -> str:
    return without_middle(without_controls(execution.output).strip(), _RESULT_CHARS)
