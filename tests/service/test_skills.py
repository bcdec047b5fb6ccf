"""Skills: written from alike cases that worked, once; exported as SKILL.md, and as a tool where code passes checks."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from memento.memory.case import Case
from memento.memory.case_memory import CaseMemory
from memento.memory.errors import InvalidInput
from memento.nodes.structured import StructuredCaller
from memento.service.skill_code import code_of, failed_checks, skill_tool
from memento.service.skill_files import export_skill, skill_markdown
from memento.service.skills import SKILL_SYSTEM, WrittenSkill, skill_name, skills_of, written_skills
from memento.tools.sandbox.monty import MontySandbox
from tests.commands import invoke, serving
from tests.node_parts import a_memory, scripted
from tests.scripted import ScriptedServer

REFUNDS = [f"Refund the order of customer {name} please." for name in ("Ada", "Bob", "Cyd", "Dan")]
SECRET = "sk-very-secret-0123456789"
CODE = 'import math\n\n\ndef area(radius: float) -> float:\n    """Area of a circle."""\n    return math.pi * radius**2'
CHECKS = "assert 3.1 < area(1.0) < 3.2\nassert area(0.0) == 0"


def draft(**fields: str) -> str:
    given = {"name": "Refund an order!", "description": "Refund the order\nof a customer.", "procedure": "1. Look up."}
    return json.dumps(given | {"code": "", "checks": ""} | fields)


@pytest.fixture
async def memory() -> AsyncIterator[CaseMemory]:
    async with a_memory() as memory:
        for task in REFUNDS:
            await memory.write(state=task, action=f"refund: {task}", reward=1.0, answer="sent")
        await memory.write(state=REFUNDS[0].replace("Ada", "Eve"), action="give up", reward=0.0)
        for task in ("Bake a cake.", "Count the sheep."):
            await memory.write(state=task, action="just do", reward=1.0)
        yield memory


async def written(memory: CaseMemory, *replies: str, **options: Any) -> tuple[list[WrittenSkill], Any]:
    model, given = scripted(*replies), {"alike": 0.6} | options
    return [one async for one in written_skills(memory, model, caller=StructuredCaller(), **given)], model


async def test_a_skill_is_written_from_alike_cases_that_worked_and_only_once(memory: CaseMemory) -> None:
    (one,), model = await written(memory, draft(procedure=f"1. Use {SECRET}."), redact=lambda t: t.replace(SECRET, "*"))
    (skill,) = await skills_of(memory)
    assert (one.case_id, one.name, one.n_cases) == (skill.case.id, "refund-an-order", 4)
    assert (skill.case.state, skill.case.action) == ("Refund the order of a customer.", "1. Use *.")
    plans = [case async for case in memory.views.walk(namespace="default", kind="plan")]
    questions = {case.question for case in plans if case.state in REFUNDS}
    assert set(skill.case.provenance.written_from) == questions
    assert (skill.case.kind, skill.case.reward, skill.trial.status) == ("skill", 1.0, "on trial")
    system, human = model.calls[0].messages[:2]
    assert system.text == SKILL_SYSTEM
    assert human.text.count("<case>") == 4
    assert "give up" not in human.text
    again, _ = await written(memory, draft())
    assert again == [], "these tasks are in a skill already"
    await memory.write(state=REFUNDS[0].replace("Ada", "Fay"), action="refund", reward=1.0)
    assert (await written(memory, draft(), least=2))[0] == [], "one new case is no group"


async def test_more_cases_may_be_asked_for_than_a_skill_is_shown_by_default(memory: CaseMemory) -> None:
    for name in ("Gus", "Hal", "Ivy", "Jon"):
        await memory.write(state=REFUNDS[0].replace("Ada", name), action="refund", reward=1.0)
    (one,), _ = await written(memory, draft(), least=8)
    assert one.n_cases == 8
    for wrong in ({"least": 0}, {"most": 2.5}, {"limit": -1}):
        with pytest.raises(InvalidInput):
            await written(memory, draft(), **wrong)


async def test_a_model_that_gives_no_skill_costs_nothing_but_the_calls(memory: CaseMemory) -> None:
    (one,), _ = await written(memory, "no", "still no")
    assert (one.case_id, one.n_cases) == (None, 4)
    assert one.problem
    assert not await skills_of(memory)


async def test_a_limit_counts_what_was_asked_and_no_secret_of_a_case_is_shown(memory: CaseMemory) -> None:
    await memory.write(state=f"Send {SECRET} by post.", action=f"post {SECRET}", reward=1.0)
    found, model = await written(memory, *["no"] * 12, least=1, limit=2, redact=lambda text: text.replace(SECRET, "*"))
    assert [one.case_id for one in found] == [None, None]
    assert "post *" in model.calls[0].text, "the newest case is first"
    assert SECRET not in "".join(call.text for call in model.calls)


@pytest.mark.allow_blocking("reads the files that it has written")
async def test_a_skill_is_exported_in_the_agent_skills_format(memory: CaseMemory, tmp_path: Path) -> None:
    await written(memory, draft(description='Say "refund": yes\n---\nname: other'))
    (skill,) = await skills_of(memory)
    folder = export_skill(skill, tmp_path)
    text = (folder / "SKILL.md").read_text()
    _, front, body = text.split("---\n", 2)
    head = yaml.safe_load(front)
    assert (folder.name, head["name"]) == ("refund-an-order", "refund-an-order")
    assert head["description"] == 'Say "refund": yes --- name: other'
    assert head["metadata"]["memento-case"] == skill.case.id
    assert head["metadata"]["memento-trial"].startswith("on trial: shown 0, withheld 0")
    assert body.strip() == "# Refund an order\n\n1. Look up."
    assert text == skill_markdown(skill)
    with pytest.raises(InvalidInput, match="is there already"):
        export_skill(skill, tmp_path)
    export_skill(skill, tmp_path, is_replacing=True)
    assert not (folder / "scripts").exists()


def a_skill(code: str = CODE, checks: str = CHECKS) -> Case:
    action = f"1. Calculate.\n\n```python\n{code}\n```\n\nChecks:\n\n```python\n{checks}\n```"
    return Case(id="s", namespace="default", state="Areas of circles.", action=action, reward=1.0, kind="skill")


async def test_code_that_passes_its_checks_is_a_tool_that_runs_in_the_sandbox() -> None:
    tool = await skill_tool(a_skill(), MontySandbox())
    assert (tool.name, tool.description) == ("area", "Area of a circle.")
    assert (await tool.ainvoke({"radius": 2.0})).startswith("12.56")
    inverse = "def inverse(x: float) -> float:\n    return 1 / x"
    tool = await skill_tool(a_skill(inverse, "assert inverse(2.0) == 0.5"), MontySandbox())
    assert "ZeroDivisionError" in await tool.ainvoke({"x": 0.0}), "told to the model, not raised"


async def test_a_secret_in_a_skill_is_told_by_no_tool() -> None:
    secret = "sk-very-secret-0123456789"
    code = f'def key_of(name: str) -> str:\n    """Use {secret}."""\n    return {{"me": "{secret}"}}[name]'
    tool = await skill_tool(a_skill(code, "assert key_of('me')"), MontySandbox(), secrets=lambda: [secret])
    assert tool.description == "Use ***."
    assert (await tool.ainvoke({"name": "me"})).strip() == "***"
    failed = await tool.ainvoke({"name": secret})
    assert "KeyError" in failed
    assert secret not in failed


@pytest.mark.parametrize(
    ("code", "checks"),
    [
        (CODE, "assert area(1.0) == 3"),
        (CODE.replace("return", "raise SystemExit(0) or"), CHECKS),
        (CODE.replace("math.pi", "missing"), CHECKS),
    ],
)
async def test_code_whose_checks_fail_is_no_tool(code: str, checks: str) -> None:
    given = code_of(a_skill(code, checks))
    assert given is not None
    assert await failed_checks(given, MontySandbox())
    with pytest.raises(InvalidInput, match="checks fail"):
        await skill_tool(a_skill(code, checks), MontySandbox())


@pytest.mark.parametrize(
    ("code", "checks"),
    [
        (CODE, "print(area(1.0))"),
        (CODE, "assert True"),
        (CODE.replace(": float)", ")"), CHECKS),
        (f"{CODE}\n\n\nprint('at the top')", CHECKS),
        (f"{CODE}\n\n\ndef other(x: int) -> int:\n    return x", CHECKS),
        ("def area(:", CHECKS),
    ],
)
async def test_what_is_no_single_function_with_checks_is_no_tool(code: str, checks: str) -> None:
    assert code_of(a_skill(code, checks)) is None
    with pytest.raises(InvalidInput, match="is no tool"):
        await skill_tool(a_skill(code, checks), MontySandbox())


@pytest.mark.parametrize(
    ("text", "name"), [("Refund an Order", "refund-an-order"), ("--Ü--", "skill"), ("a" * 99, "a" * 64)]
)
def test_names_are_those_of_the_format(text: str, name: str) -> None:
    assert skill_name(text) == name


@pytest.mark.slow
@pytest.mark.allow_blocking("a command has its event loop to itself")
def test_the_commands_write_list_show_export_and_retire(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    cases = tmp_path / "cases.jsonl"
    rows = [{"state": task, "action": "refund", "reward": 1.0} for task in REFUNDS]
    cases.write_text("\n".join(map(json.dumps, rows)))
    assert invoke("cases", "import", str(cases)).code == 0
    monkeypatch.setenv("MEMENTO_SANDBOX", "monty")
    assert "no skills yet" in invoke("skills", "list").err
    with serving(ScriptedServer(lambda _body: draft(code=CODE, checks=CHECKS))) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        (made,) = invoke("skills", "write", "--json").lines
        assert "nothing to write" in invoke("skills", "write").err
    assert (made["event"], made["name"], made["n_cases"]) == ("skill", "refund-an-order", 4)
    (listed,) = invoke("skills", "list", "--json").lines
    assert (listed["case_id"], listed["status"], listed["n_shown"]) == (made["case_id"], "on trial", 0)
    assert "refund-an-order" in invoke("skills", "list").out
    assert invoke("skills", "show", "refund-an-order").out.startswith("---\nname: refund-an-order\n")
    assert "`memento skills list` lists them" in invoke("skills", "show", "nothing").err
    (exported,) = invoke("skills", "export", made["case_id"][:8], str(tmp_path), "--json").lines
    assert (exported["script"], exported["problem"]) == ("scripts/area.py", "")
    assert (tmp_path / "refund-an-order" / "scripts" / "area.py").read_text().strip() == CODE
    shown = invoke("cases", "show", made["case_id"], "--json").lines[0]
    assert shown["trial"]["status"] == "on trial"
    assert invoke("skills", "retire", "refund-an-order", "--reason", "wrong").code == 0
    assert invoke("skills", "list", "--json").lines[0]["case_status"] == "retired"
    assert invoke("skills", "show", "unknown").code != 0
