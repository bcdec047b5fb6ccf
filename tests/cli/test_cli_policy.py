"""`memento policy`: what policies would have earned, on a real memory with several policies logged."""

import asyncio

import pytest

from memento.cli.policy_report import verdict
from memento.graph.app import Application
from memento.memory.case_memory import CaseMemory
from memento.memory.minilm.encoder import MiniLmEncoder
from memento.memory.offpolicy.off_policy import Estimate, Evaluation
from memento.memory.offpolicy.service import Difference, PolicyReport
from memento.memory.policies.registry import POLICY_NAMES
from tests.commands import invoke
from tests.hashing_encoder import HashingEncoder
from tests.memories import filled

pytestmark = pytest.mark.allow_blocking("a command has its event loop to itself")

N = 36


async def lived() -> None:
    """Two policies log; the one by lot finds the good cases now and then."""
    quick = HashingEncoder(dim=MiniLmEncoder.dim, name=MiniLmEncoder.name)  # the command finds every task encoded
    async with CaseMemory.open(Application().settings.folder, encoder=quick, seed=0) as memory:
        await filled(memory, 2)
        for number in range(2 * N):
            policy = "random" if number < N else "similarity"
            reading = await memory.read(f"task {number} of the capital", policy=policy, k=1)
            case = reading.cases[0].case
            await memory.feedback(reading.event_id, case.reward)
        await memory.read("a task that nobody judged", k=1)


@pytest.mark.slow
def test_policies_are_judged_from_the_log_and_the_controls_stand_beside_them() -> None:
    asyncio.run(lived())
    done = invoke("policy", "evaluate", "--policy", "similarity", "-p", "random", "--json")
    assert done.code == 0
    served = {line["policy"]: line["n_events"] for line in done.lines if line["event"] == "served"}
    assert served == {"random": N, "similarity": N, None: 2 * N}
    estimates = {(line["policy"], line["estimator"]): line for line in done.lines if line["event"] == "estimate"}
    assert len(estimates) == 8
    assert estimates["similarity", "dr"]["effective"] > 25
    hidden = estimates["random", "dr"]
    assert (hidden["value"], hidden["low"], hidden["high"]) == (None, None, None)
    assert "no overlap" in hidden["abstains"]
    assert sum(line["event"] == "difference" for line in done.lines) == 3
    verdicts = [line for line in done.lines if line["event"] == "verdict"]
    assert [line["left_out"] for line in verdicts] == [{"unknown": 1, "imported": 0, "not_recalled": 0}] * 2
    assert "cannot tell" in verdicts[1]["verdict"]
    _as_a_table()


def _as_a_table() -> None:
    done = invoke("policy", "evaluate", "-p", "none", "--k", "1", "--logged-by", "similarity")
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert lines[0].split("  ")[0] == "policy"
    assert lines[0].rstrip().endswith("95 % interval  effective  events  cannot tell because")
    assert lines[1].startswith("similarity  as served")
    assert [line.split()[1] for line in lines[2:6]] == ["IPS", "SNIPS", "DM", "DR"]
    assert "none: cannot tell: no overlap: the log holds about 0%" in done.out
    assert done.out.endswith("left out: 1 events that were degraded or whose outcome is not known\n")


def test_it_cannot_be_told_when_nothing_was_logged() -> None:
    done = invoke("policy", "evaluate", "-p", "similarity")
    assert done.code == 0
    assert "similarity: cannot tell: too few events: no known outcome" in done.out


@pytest.mark.parametrize("words", ["-p best", "-p none --logged-by best", "-p none -n  "])
def test_a_sentence_says_why_when_the_input_is_bad(words: str) -> None:
    done = invoke("policy", "evaluate", *words.split(" "))
    assert (done.code, done.out) == (2, "")
    assert done.err


def test_every_policy_is_listed_with_what_it_is() -> None:
    listed = invoke("policy", "list", "--json").lines
    assert [line["policy"] for line in listed] == list(POLICY_NAMES)
    assert all(line["what"].endswith(".") for line in listed)
    assert sum(line["is_default"] for line in listed) == 1
    shown = invoke("policy", "list").out.splitlines()
    assert len(shown) == len(POLICY_NAMES)
    assert sum(line.rstrip().endswith("(the default here)") for line in shown) == 1


def figure(value: float, half: float, abstains: str | None = None) -> Estimate:
    return Estimate(value, value - half, value + half, 100, 100, abstains)


@pytest.mark.parametrize(
    ("difference", "adjusted_p", "said"),
    [
        (figure(0.1, 0.05), 0.03, "better than none by +0.100 [+0.050, +0.150]"),
        (figure(-0.1, 0.05), 0.05, "worse than none by -0.100 [-0.150, -0.050]"),
        (
            *(figure(0.1, 0.05), 0.06),
            "not told apart from none once all comparisons are counted: +0.100 [+0.050, +0.150]",
        ),
        (figure(0.1, 0.2), 0.3, "not told apart from none: +0.100 [-0.100, +0.300]"),
        (figure(0.1, 0.2, "why"), None, "against none: cannot tell"),
    ],
)
def test_the_verdict_says_what_holds_for_all_comparisons(
    difference: Estimate, adjusted_p: float | None, said: str
) -> None:
    value = figure(0.5, 0.1)
    report = PolicyReport(
        served={"none": value},
        all_served=value,
        policies={"similarity": Evaluation(value, value, value, value, 1.0)},
        differences=[Difference("similarity", "none", difference, adjusted_p)],
        n_unknown=0,
        n_imported=0,
        n_not_recalled=0,
    )
    assert verdict(report, "similarity") == f"similarity: would have earned 0.500 [0.400, 0.600]; {said}"


def test_the_verdict_names_a_way_out_when_some_events_were_drawn_by_lot() -> None:
    value, missing = figure(0.5, 0.1), figure(0.5, 0.1, "no overlap: the log holds about 3%")
    report = PolicyReport(
        served={"random": value, "similarity": value},
        all_served=value,
        policies={"soft": Evaluation(missing, missing, value, missing, 0.03)},
        differences=[],
        n_unknown=0,
        n_imported=0,
        n_not_recalled=0,
    )
    assert "try --logged-by random" in verdict(report, "soft")
    assert "--logged-by" not in verdict(report._replace(served={"random": value}), "soft")
