"""Trials of guides: verdicts by outcomes with and without them, corrected ones too; the memory's side of it."""

import json
from collections.abc import AsyncIterator
from functools import lru_cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from memento.memory.case import Case, question_hash
from memento.memory.case_memory import CaseMemory
from memento.memory.errors import InvalidInput
from memento.memory.estimators.port import CaseRows, Estimates, Example
from memento.memory.estimators.trials import GuideTrials
from memento.memory.experience import Experience
from memento.memory.explanation import explained_case, explained_event
from memento.memory.policies.port import Candidates, choose
from memento.memory.policies.trial import TrialPolicy
from memento.memory.stats.betting import lower_bound, upper_bound
from memento.testing import check_policy
from tests.node_parts import a_memory

NOTHING = np.empty(0, np.float32)
TASK = "add the salt to the soup"


def rows(*ids: str, similarity: float = 0.9) -> CaseRows:
    return CaseRows(ids, np.full(len(ids), similarity, np.float32), np.ones(len(ids), np.float32), {})


@lru_cache
def served(guide: str, propensity: float) -> tuple[CaseRows, NDArray[np.float64]]:
    return rows(guide), np.full(1, propensity)


NONE_SERVED = rows(), np.empty(0)


def lot(event: int, reward: float, *, is_shown: bool, guide: str = "g", propensity: float = 0.5) -> Example:
    cases, even = served(guide, propensity) if is_shown else NONE_SERVED
    withheld = None if is_shown else guide
    return Example(event, f"e{event}", None, "q", NOTHING, cases, even < 1, even, reward, 1.0, withheld)


def on_trial(effect: float, seed: int) -> tuple[str, int]:
    """Put a guide of this effect on trial until there is a verdict; it, and after how many outcomes."""
    chance, trials = np.random.default_rng(seed), GuideTrials()
    usual = chance.choice([0.3, 0.5, 0.7])
    for n in range(1, 201):
        is_shown = bool(chance.random() < 0.5)
        reward = float(chance.random() < usual + effect * is_shown)
        trials.learn(lot(n, reward, is_shown=is_shown))
        if n % 25 == 0 and (status := verdict(trials)) != "on trial":
            return status, n
    return "on trial", n


def verdict(trials: GuideTrials, guide: str = "g") -> str:
    estimates = trials.estimate(NOTHING, rows(guide))
    if estimates.value_C[0] > 0:
        return "kept"
    return "on trial" if estimates.is_eligible_C is not None and estimates.is_eligible_C[0] else "retired"


@pytest.mark.parametrize(("effect", "most_kept"), [(-0.1, 0.05), (0.0, 0.05), (0.1, 1.0)])
def test_useless_and_harmful_guides_are_retired_and_kept_as_seldom_as_stated(effect: float, most_kept: float) -> None:
    verdicts = [on_trial(effect, seed) for seed in range(60)]
    kept = np.mean([status == "kept" for status, _ in verdicts])
    assert {status for status, _ in verdicts} <= {"kept", "retired"}, "a trial has an end"
    assert kept <= most_kept
    early = np.mean([status == "retired" and n < 200 for status, n in verdicts])
    if effect < 0:
        assert early > 0.25, "before all trials are used up"
    elif effect > 0:
        assert kept > 0.1
        assert early <= 0.2


def test_a_guide_that_helps_much_is_kept_and_one_that_harms_much_is_gone_soon() -> None:
    assert all(status == "kept" for status, _ in (on_trial(0.3, seed) for seed in range(10)))
    assert all(status == "retired" and n <= 150 for status, n in (on_trial(-0.3, seed) for seed in range(10)))


def test_bounds_hold_at_every_look() -> None:
    chance, alpha, wrong = np.random.default_rng(3), 0.1, 0
    for _ in range(60):
        term_N = 2 * chance.choice([-1.0, 1.0], 200) * (chance.random(200) < 0.8).astype(float)
        weight_N = chance.choice([0.5, 1.0], 200)
        low, high = (bound(term_N, weight_N, alpha=alpha) for bound in (lower_bound, upper_bound))
        assert low <= high
        wrong += low > 0 or high < 0  # of all looks, since a bound never widens
    assert wrong / 60 <= 2 * alpha
    assert lower_bound(NOTHING.astype(float), NOTHING.astype(float), alpha=alpha) == -1


def taught(*examples: Example, **settings: float) -> GuideTrials:
    trials = GuideTrials(settings=settings)
    for example in examples:
        trials.learn(example)
    return trials


HELPS = [lot(n, float(n % 2), is_shown=n % 2 == 1) for n in range(40)]


def test_a_verdict_follows_from_the_outcomes_as_they_are_believed_now() -> None:
    trials = taught(*HELPS)
    assert trials.trial("g").status == "kept"
    assert (trials.trial("g").n_shown, trials.trial("g").n_withheld) == (20, 20)
    for example in HELPS:
        trials.learn(example)
    assert trials.trial("g") == taught(*HELPS).trial("g"), "the same outcome twice is one"
    corrected = [example._replace(reward=1 - example.reward) for example in HELPS]
    for example in corrected:
        trials.learn(example)
    assert trials.trial("g") == taught(*corrected).trial("g")
    assert trials.trial("g").status == "retired"
    for example in HELPS[1:]:
        assert trials.withdraw(example.event_id)
    assert not trials.withdraw("e1")
    assert trials.trial("g").status == "on trial"
    assert (trials.trial("g").low, trials.trial("g").high) == (-1, 1)


def test_only_fair_lots_count() -> None:
    always = [lot(n, 1.0, is_shown=True, propensity=1.0) for n in range(100, 160)]
    assert taught(*HELPS, *always).trial("g") == taught(*HELPS).trial("g")
    other = [lot(n, 0.0, is_shown=True, guide="other") for n in range(200, 240)]
    assert taught(*HELPS, *other).trial("g") == taught(*HELPS).trial("g")


def test_an_outcome_counts_for_as_much_as_it_is_believed() -> None:
    doubted = taught(*(example._replace(confidence=0.05) for example in HELPS))
    assert doubted.trial("g").status == "on trial"
    nothing = taught(*(example._replace(confidence=0.0) for example in HELPS))
    assert nothing.trial("g").difference is None


def test_a_snapshot_goes_on_as_the_original_and_one_of_other_settings_is_refused() -> None:
    trials, restored = taught(*HELPS), GuideTrials()
    stamp = json.loads(json.dumps(trials.stamp()))
    restored.restore(trials.tensors(), stamp, [])
    for one in (trials, restored):
        one.withdraw("e3")
        one.learn(lot(99, 0.0, is_shown=True))
    assert restored.trial("g") == trials.trial("g")
    with pytest.raises(ValueError, match="other settings"):
        GuideTrials(settings={"trials": 10}).restore(trials.tensors(), stamp, [])
    with pytest.raises(ValueError, match="zip"):
        GuideTrials().restore({"assignments": np.zeros((0, 2))}, stamp, [])
    with pytest.raises(InvalidInput):
        GuideTrials(settings={"tirals": 10})


def test_a_prediction_is_the_mean_of_the_same_side() -> None:
    trials = taught(*HELPS)
    assert trials.predict(lot(99, 0.0, is_shown=True)) == 1.0
    assert trials.predict(lot(99, 1.0, is_shown=False)) == 0.0
    assert trials.predict(lot(99, 1.0, is_shown=True, guide="new")) == 0.5
    assert GuideTrials().predict(HELPS[0]) == 0.5


def test_the_policy_conforms() -> None:
    check_policy(TrialPolicy())


def test_the_nearest_guide_that_is_not_retired_is_up() -> None:
    similarity_C = np.array([0.9, 0.8, 0.7], np.float32)
    is_eligible_C, kept_C = np.array([False, True, True]), np.array([0, 0, 1], np.float32)
    estimates = Estimates(kept_C, None, np.zeros(3, np.int64), is_eligible_C=is_eligible_C)
    candidates = Candidates(similarity_C, np.ones(3, np.float32), estimates, 3)
    drawn = {choose(TrialPolicy(), candidates, k=1, rng=np.random.default_rng(seed))[0] for seed in range(20)}
    assert {(one.candidate, one.withheld, one.propensity) for one in drawn} == {(1, None, 0.5), (None, 1, 0.5)}
    far = estimates._replace(is_eligible_C=np.zeros(3, np.bool_))
    (none,) = choose(TrialPolicy(), Candidates(similarity_C, similarity_C, far, 3), k=1, rng=np.random.default_rng())
    assert none == (None, 0.0, 1.0, False, None)


@pytest.fixture
async def memory() -> AsyncIterator[CaseMemory]:
    async with a_memory() as memory:
        yield memory


async def skill(memory: CaseMemory, *sources: str, state: str = TASK) -> str:
    written = Experience(
        state=state, action="taste, then add", reward=1.0, kind="skill", written_from=list(map(question_hash, sources))
    )
    return await memory.write(written) or ""


async def reading_of(memory: CaseMemory, task: str, *, part_of: str | None = None, seed: int | None = None) -> Any:
    key = question_hash(task)
    recall = await memory.recall(task, policy="trial", kind="skill", key=key, seed=seed)
    return await memory.select(recall._replace(part_of=part_of), k=1)


async def a_run(memory: CaseMemory, number: int, reward: float | None = 1.0, **fields: Any) -> tuple[Experience, Any]:
    task = f"{TASK} number {number}"
    event_id = (await memory.read(task)).event_id
    guide = await reading_of(memory, task, part_of=event_id, seed=number)
    given = {"state": task, "action": "p", "reward": reward, "evaluator": "exact"} | fields
    return Experience(**given, event_id=event_id, guides=[guide.event_id]), guide


async def test_outcomes_of_runs_reach_the_trial_once_and_corrections_replace_them(memory: CaseMemory) -> None:
    guide = await skill(memory)
    runs = [await a_run(memory, number) for number in range(6)]
    for run, _ in runs:
        await memory.write(run)
        await memory.write(run)
    shown = sum(bool(reading.cases) for _, reading in runs)
    (trial,) = await memory.trials([guide])
    assert 0 < shown < 6, "both sides of the lot"
    assert {slot.withheld for _, reading in runs for slot in reading.slots} == {None, guide}
    assert (trial.status, trial.n_shown, trial.n_withheld) == ("on trial", shown, 6 - shown)
    run, reading = next(one for one in runs if one[1].cases)
    await memory.feedback(run.event_id or "", 0.0)
    outcome = await memory.views.outcome(reading.event_id, namespace="default")
    assert outcome is not None
    assert (outcome.reward, outcome.evaluator) == (0.0, "human")
    (after,) = await memory.trials([guide])
    assert (after.n_shown, after.n_withheld) == (trial.n_shown, trial.n_withheld)
    assert after.difference is not None
    assert trial.difference is not None
    assert after.difference < trial.difference
    await memory.feedback(run.event_id or "", None)
    assert (await memory.trials([guide]))[0].n_shown == shown - 1
    await memory.feedback(reading.event_id, 1.0)
    await memory.feedback(run.event_id or "", 0.5)
    outcome = await memory.views.outcome(reading.event_id, namespace="default")
    assert outcome is not None
    assert outcome.reward == 1.0, "feedback on the reading itself stands"
    assert len([case async for case in memory.views.walk(namespace="default", kind="skill")]) == 1


async def test_levels_that_a_person_chose_serve_and_judge_what_was_seen_before(memory: CaseMemory) -> None:
    guide = await skill(memory)
    for number in range(4):
        run, _ = await a_run(memory, number)
        await memory.write(run)
    levels = memory.offline("trial")
    assert (await memory.trials([guide]))[0].status == "on trial"
    strict = await levels.choose({"trials": 4}, reason="few tasks")
    assert (strict.verdict, strict.settings, strict.reason) == ("promoted", {"trials": 4}, "chosen by hand: few tasks")
    (trial,) = await memory.trials([guide])
    assert (trial.status, trial.n_trials) == ("retired", 4)
    assert (await reading_of(memory, "add salt to a stew")).cases == []
    both = await levels.choose({"trials": 400, "keep_alpha": 0.1}, reason="more tasks")
    assert (both.settings, both.replaces) == ({"trials": 400, "keep_alpha": 0.1}, strict.version)
    (trial,) = await memory.trials([guide])
    assert (trial.status, trial.n_shown + trial.n_withheld) == ("on trial", 4), "every outcome counts as before"


@pytest.mark.parametrize(
    "refused",
    [{"keep_alpha": 0}, {"retire_alpha": 1}, {"trials": 0}, {"trials": 2.5}, {"least_similarity": 1.1}, {"alpha": 0.1}],
)
async def test_levels_that_make_no_sense_are_refused_and_nothing_is_written(
    memory: CaseMemory, refused: dict[str, float]
) -> None:
    levels = memory.offline("trial")
    with pytest.raises(InvalidInput, match=next(iter(refused))):
        await levels.choose(refused, reason="a slip")
    assert await levels.history() == []


async def test_settings_that_are_judged_are_not_set_by_hand(memory: CaseMemory) -> None:
    learned = memory.offline("advantage")
    with pytest.raises(InvalidInput, match="serve where they are judged better"):
        await learned.choose({"capacity": 0}, reason="less memory")
    assert await learned.history() == []


async def test_an_unknown_outcome_is_no_trial_until_it_is_known(memory: CaseMemory) -> None:
    guide = await skill(memory)
    run, reading = await a_run(memory, 1, reward=None)
    await memory.write(run)
    (trial,) = await memory.trials([guide])
    assert (trial.n_shown, trial.n_withheld, trial.difference) == (0, 0, None)
    await memory.feedback(run.event_id or "", 1.0)
    (trial,) = await memory.trials([guide])
    assert (trial.n_shown, trial.n_withheld) == ((1, 0) if reading.cases else (0, 1))


async def test_another_attempt_of_a_run_is_no_further_trial(memory: CaseMemory) -> None:
    guide = await skill(memory)
    run, reading = await a_run(memory, 1, reward=0.0)
    await memory.write_attempt(run)
    fork = Experience(**run.as_arguments() | {"reward": 1.0, "action": "another"})
    written = await memory.write_attempt(fork)
    await memory.feedback(written.event_id or "", 0.75)
    outcome = await memory.views.outcome(reading.event_id, namespace="default")
    assert outcome is not None
    assert outcome.reward == 0.0
    (trial,) = await memory.trials([guide])
    assert trial.n_shown + trial.n_withheld == 1


async def test_a_guide_is_never_shown_to_the_tasks_that_it_was_written_from(memory: CaseMemory) -> None:
    guide = await skill(memory, TASK, "boil the pasta")
    case = (await memory.views.cases([guide], namespace="default"))[guide]
    assert case.provenance.written_from == (question_hash(TASK), question_hash("boil the pasta"))
    other = await memory.recall("add the salt to the stew", policy="trial", kind="skill")
    assert [one.case_id for one in (await memory.select(other, k=1)).slots if one.withheld or one.case_id] != []
    for key in ("", question_hash(TASK)):
        own = await memory.recall(TASK, policy="trial", kind="skill", key=key)
        (slot,) = (await memory.select(own, k=1)).slots or [None]
        assert slot is None or (slot.case_id, slot.withheld) == (None, None)


async def test_an_imported_guide_is_not_shown_to_the_tasks_that_it_was_written_from(memory: CaseMemory) -> None:
    guide = await skill(memory, TASK)
    case = (await memory.views.cases([guide], namespace="default"))[guide]
    async with a_memory() as other:
        await other.keep([Case.model_validate(case.exported() | {"tally": None})])
        (kept,) = [one async for one in other.views.walk(namespace="default", kind="skill")]
    assert kept.provenance.written_from == case.provenance.written_from


async def test_other_estimators_learn_nothing_from_trials(memory: CaseMemory) -> None:
    await skill(memory)
    for number in range(4):
        run, _ = await a_run(memory, number)
        await memory.write(run)
    probe = await memory.read(f"{TASK} again", policy="memrl", k=1)
    assert probe.n_outcomes == 4, "each run's outcome once"
    report = await memory.evaluation().report(["random"])
    assert set(report.served) == {"similarity"}


async def test_only_readings_of_the_policy_are_trials(memory: CaseMemory) -> None:
    guides = [await skill(memory), await skill(memory, state=f"{TASK} slowly")]
    for number in range(4):
        reading = await memory.read(f"{TASK} {number}", policy="random", kind="skill", k=1)
        assert [slot.propensity for slot in reading.slots] == [0.5]
        await memory.write(state=f"{TASK} {number}", action="p", reward=1.0, event_id=reading.event_id)
    assert [one.n_shown + one.n_withheld for one in await memory.trials(guides)] == [0, 0]


async def test_what_is_no_trial_has_no_outcome_of_a_run_by_this_way(memory: CaseMemory) -> None:
    plain = (await memory.read("stir the soup")).event_id
    run, _ = await a_run(memory, 1)
    await memory.write(Experience(**run.as_arguments() | {"guides": [plain, "unknown"]}))
    assert await memory.views.outcome(plain, namespace="default") is None


async def test_erasing_a_run_erases_its_readings_of_guides(memory: CaseMemory) -> None:
    await skill(memory)
    run, reading = await a_run(memory, 1)
    await memory.write(run)
    await memory.lifecycle.erase(events=[run.event_id or ""])
    event = await memory.views.event(reading.event_id, namespace="default")
    assert event is not None
    assert event.erased_at
    assert TASK not in event.model_dump_json()


async def test_explanations_say_how_the_trial_stands(memory: CaseMemory) -> None:
    guide = await skill(memory)
    run, reading = await a_run(memory, 1, reward=0.0)
    await memory.write(run)
    (slot,) = (explained := await explained_event(memory, reading.event_id)).slots()
    (trial,) = await memory.trials([guide])
    assert slot["trial"] == trial._asdict()
    assert slot.get("withheld") == (None if reading.cases else guide)
    assert explained.facts()["part_of"] == run.event_id
    assert (await explained_event(memory, run.event_id or "")).facts()["guides"] == [reading.event_id]
    assert (await explained_case(memory, guide)).trial == trial
    figures = f"shown {trial.n_shown}, withheld {trial.n_withheld} of at most 200"
    assert trial.text == f"on trial: {figures}; difference {trial.difference:+.2f}, bounds [-1.00, +1.00]"
    plain = await memory.write(state="stir", action="a", reward=1.0)
    assert (await explained_case(memory, plain or "")).trial is None


async def test_an_own_policy_may_not_have_the_name_of_the_trials() -> None:
    with pytest.raises(InvalidInput, match="built-in policy"):
        CaseMemory.open(":memory:", policy=TrialPolicy())
