"""Files of cases: both schemas of the reference and our own, and what is wrong with a line, by its number."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from memento.memory.case import Case, Provenance, case_id
from memento.memory.case_memory import CaseMemory
from memento.memory.errors import InvalidInput
from memento.memory.interchange import MAX_LINE_CHARS, read_cases
from tests.hashing_encoder import HashingEncoder
from tests.memories import imported_case, imported_line

RECORDED = Path(__file__).parents[2].parent / "shared" / "data" / "memory.jsonl"
PLAN = '{"plan": [{"id": 1, "description": "Search."}, {"id": 2, "description": "Answer."}]}'


def parsed(**row: Any) -> Case:
    return imported_case(json.dumps(row))


@pytest.mark.parametrize(("label", "reward"), [("positive", 1.0), ("negative", 0.0)])
def test_case_is_made_when_the_line_has_a_label(label: str, reward: float) -> None:
    case = parsed(case="Who?", plan=PLAN, case_label=label)
    assert (case.state, case.action, case.reward) == ("Who?", "1. Search.\n2. Answer.", reward)
    assert case.id == case_id("default", "Who?", case.action)
    assert case.provenance.evaluator == "import"


@pytest.mark.parametrize("plan", [PLAN, json.loads(PLAN), json.loads(PLAN)["plan"], "just do it", "[1, 2]"])
def test_case_is_made_when_the_line_has_a_reward(plan: Any) -> None:
    case = parsed(question="Who?", plan=plan, reward=1)
    assert case.reward == 1.0
    assert case.action in ("1. Search.\n2. Answer.", "just do it", "[1, 2]")


def test_case_is_the_same_when_exported_and_imported() -> None:
    case = Case(
        id=case_id("default", "s", "a"),
        namespace="default",
        state="s",
        action="a",
        reward=0.5,
        answer="x",
        confidence=0.7,
        lesson="l",
        error_class="tool",
        status="quarantined",
        trust=0.3,
        provenance=Provenance(event_id="e", models={"planner": "m"}, evaluator="judge"),
        version=4,
    )
    read = imported_case(case.model_dump_json())
    outside = {"trust", "version", "created_at"}  # what no file decides
    assert read.model_dump(exclude=outside) == case.model_dump(exclude=outside)
    assert (read.trust, read.version) == (1.0, 1)
    assert imported_case(case.model_dump_json(), namespace="other").id == case_id("other", "s", "a")


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("{", "not JSON: .* at column 2"),
        ("[1]", "not a JSON object"),
        ("{}", "no `state`"),
        ('{"task": "t"}', "among its keys: task"),
        ('{"case": "", "plan": "p", "case_label": "positive"}', "`case` is missing or empty"),
        ('{"case": 7, "plan": "p", "case_label": "positive"}', "`case` is missing or empty"),
        ('{"case": "c", "plan": "p"}', "`case_label` must be positive or negative, not None"),
        ('{"case": "c", "plan": "p", "case_label": ["positive"]}', "`case_label` must be"),
        ('{"case": "c", "plan": " ", "case_label": "positive"}', "`plan` is missing or empty"),
        ('{"question": "q", "plan": "p", "reward": true}', "`reward` must be a number"),
        ('{"question": "q", "plan": "p", "reward": NaN}', "`reward` must be a number"),
        ('{"question": "q", "plan": "p", "reward": "1"}', "`reward` must be a number"),
        ('{"question": "q", "plan": "p", "reward": ' + "9" * 5000 + "}", "JSON that cannot be parsed"),
        ("[" * 100_000, "JSON that cannot be parsed"),
        ('{"state": "s", "action": "a", "reward": 2}', "`reward` must be a number in"),
        ('{"state": "s", "action": "a", "reward": 1, "provenance": {"models": 3}}', "`provenance.models`"),
        ('{"state": "s", "reward": 1}', "`action` is missing"),
        ('"' + "x" * MAX_LINE_CHARS + '"', "characters, at most 2,500,000 are read"),
    ],
)
def test_reason_is_given_when_a_line_is_no_case(line: str, problem: str) -> None:
    read = imported_line(line)
    assert read.case is None
    assert re.search(problem, read.problem)


@pytest.mark.parametrize("schema", ["case", "question", "state"])
def test_half_a_surrogate_pair_does_not_stop_an_import(schema: str) -> None:
    fields = {"plan": "p\ud83d", "action": "p\ud83d", "case_label": "positive", "reward": 1.0}
    case = parsed(**{schema: "who \ud83d", **fields})
    assert (case.state, case.action) == ("who ?", "p?")


def test_lines_keep_their_numbers_when_some_are_bad(tmp_path: Path) -> None:
    good = json.dumps({"question": "Wer schläft?", "plan": "p", "reward": 1}, ensure_ascii=False).encode()
    huge = b'{"question": "' + b"x" * (MAX_LINE_CHARS + 1) + b'"}'
    lines = [b"\xef\xbb\xbf" + good, b"", b"{bad", good + b"\r", b"\xff\xfe", huge, b"  ", good]
    file = tmp_path / "cases.jsonl"
    file.write_bytes(b"\n".join(lines))
    read = list(read_cases(file, namespace="default"))
    assert [(line.number, line.case is not None) for line in read] == [
        (1, True),
        (3, False),
        (4, True),
        (5, False),
        (6, False),
        (8, True),
    ]
    assert len({line.case.id for line in read if line.case}) == 1
    assert read[3].problem == "not UTF-8 at byte 0"
    assert sum(line.n_bytes for line in read) == file.stat().st_size - len(b"\n  \n")


def test_file_is_named_when_it_cannot_be_read(tmp_path: Path) -> None:
    for path in (tmp_path / "missing.jsonl", tmp_path):
        with pytest.raises(InvalidInput, match=str(path)):
            list(read_cases(path, namespace="default"))


async def test_nothing_is_added_when_imported_again(recorded: list[Case]) -> None:
    async with CaseMemory.open(":memory:", encoder=HashingEncoder()) as memory:
        n_new = await memory.keep(recorded)
        assert n_new == len({case.id for case in recorded})
        assert await memory.keep(recorded) == 0
        assert (await memory.views.counts(namespace="default")).cases == n_new
        await memory.bank.project_all()
        assert await memory.bank.count() == n_new


@pytest.fixture
def recorded() -> list[Case]:
    if not RECORDED.exists():
        pytest.skip("the reference's recorded cases are not here")
    lines = list(read_cases(RECORDED, namespace="default"))
    assert len(lines) > 1000
    assert [line.problem for line in lines if line.problem] == []
    cases = [line.case for line in lines if line.case]
    assert {case.reward for case in cases} == {0.0, 1.0}
    assert not any(case.action.startswith("{") for case in cases)
    return cases
