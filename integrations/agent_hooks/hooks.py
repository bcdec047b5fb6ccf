"""What a coding agent's hooks do: recall cases for a prompt, take a person's verdict, capture the attempt.

    prompt submitted   recall_for_prompt   a reading whose event id follows from session and prompt: once, however often
                                           the hook runs; a verdict (`/memento:worked`, `/memento:failed`) is feedback
    turn ended         capture_turn        the attempt is written for that event, with an unknown outcome unless the
                                           configured test command tells it

A person's verdict has the evaluator `human`, a test's `tests` with a confidence of 0.8.
"""

import asyncio
import uuid
from pathlib import Path
from typing import Final

from memento.integrations.agent_hooks.attempts import CodingAttempt, attempt_of
from memento.integrations.agent_hooks.hook_input import HookInput, HookOptions, Rating, prompt_hash
from memento.integrations.agent_hooks.transcripts import TranscriptTurn, read_turn
from memento.integrations.agent_hooks.turn_files import HookTurn, TurnFile
from memento.integrations.case_texts import format_cases
from memento.integrations.memory_tool_texts import RECORDS
from memento.memory.case_memory import CaseMemory
from memento.memory.errors import InvalidInput
from memento.memory.experience import Experience
from memento.memory.reading import Reading
from memento.memory.text_limits import MAX_LESSON_CHARS, bounded
from memento.nodes.redaction import Redact

TESTS: Final = "tests"
"""Evaluator of outcomes that a test command's exit status told."""
TESTS_CONFIDENCE: Final = 0.8
"""Tests that pass need not be about the task."""
MAX_CONTEXT_CHARS: Final = 9_000
"""Claude Code takes 10,000 characters of a hook's output into the context."""

_MAX_PROMPT_CHARS: Final = 20_000
_LOOKED_AT_CHARS: Final = 200_000
"""Of a longer text, the middle is dropped before secrets are looked for: it is not kept anyway."""
_CASE_TOKENS: Final = 2_000
_LEAST_TOKENS: Final = 100
_EVENTS: Final = uuid.UUID("0d9a6b5e-6d5c-5a55-8f0c-9a4f8c1d7c21")


async def recall_for_prompt(
    given: HookInput, memory: CaseMemory, turns: TurnFile, *, redact: Redact, options: HookOptions
) -> str:
    """Recall cases for a prompt, or record the verdict that it is.

    Returns:
        What the agent is told; empty for a prompt that is neither.
    """
    if (rating := given.rating) is not None:
        return await _rated(rating, memory, turns, redact)
    if not given.is_task:
        return ""
    turn = await asyncio.to_thread(_turn_of, given, turns, memory.namespace)
    prompt = await asyncio.to_thread(redact, bounded(given.prompt, _LOOKED_AT_CHARS))
    recall = await memory.recall(bounded(prompt, _MAX_PROMPT_CHARS), policy=options.policy)
    reading = await memory.select(recall._replace(event_id=turn.event_id), k=options.k)
    if not turn.is_captured:
        await asyncio.to_thread(turns.keep, turn)
    return await asyncio.to_thread(_context, reading, redact)


async def capture_turn(
    given: HookInput, memory: CaseMemory, turns: TurnFile, *, redact: Redact, options: HookOptions
) -> str:
    """Write the attempt of a turn for its event, once.

    Returns:
        What was done, for a log; empty where there was nothing to capture.
    """
    turn = await asyncio.to_thread(turns.find, given.ended_turn, memory.namespace)
    if turn is None or turn.is_captured:
        return ""
    event = await memory.views.event(turn.event_id, namespace=memory.namespace)
    if event is None or event.erased_at is not None:
        return f"event {turn.event_id} is gone; its attempt is not captured"
    attempt = await asyncio.to_thread(
        attempt_of,
        await asyncio.to_thread(_read_turn, given.transcript_path, turn.prompt_hash),
        cwd=given.cwd,
        last_message=given.last_message,
        test_command=options.test_command or "",
        redact=redact,
    )
    if attempt is None:
        return ""
    experience = Experience(
        state=event.asked,
        action=attempt.action,
        answer=attempt.answer,
        reward=attempt.reward,
        event_id=turn.event_id,
        namespace=memory.namespace,
        evaluator="unknown" if attempt.reward is None else TESTS,
        confidence=1.0 if attempt.reward is None else TESTS_CONFIDENCE,
    )
    try:
        await memory.write(experience)
        told = "captured"
    except InvalidInput:  # the agent has called remember_case for it: its own words are better
        told = "remembered by the agent itself"
    await _told_by_tests(memory, turn, attempt)
    await asyncio.to_thread(turns.captured, turn)
    return f"event {turn.event_id}: {told}, reward {'unknown' if attempt.reward is None else f'{attempt.reward:g}'}"


async def _rated(rating: Rating, memory: CaseMemory, turns: TurnFile, redact: Redact) -> str:
    turn = await asyncio.to_thread(turns.find, "", memory.namespace)
    if turn is None:
        return "The memory plugin knows no task of this session that could be rated. Say so to the user."
    lesson = bounded(redact(bounded(rating.lesson, _LOOKED_AT_CHARS)), MAX_LESSON_CHARS)
    await memory.feedback(turn.event_id, rating.reward, lesson=lesson, namespace=memory.namespace)
    how = "worked" if rating.reward else "failed"
    return f"The memory plugin has recorded the user's verdict: the last task {how} (event_id: {turn.event_id})."


def _turn_of(given: HookInput, turns: TurnFile, namespace: str) -> HookTurn:
    """The turn that a prompt begins; the same one when the same hook runs again."""
    known, digest = turns.of(namespace), prompt_hash(given.prompt)
    key = given.turn_id
    if not key and known and known[-1].prompt_hash == digest and not known[-1].is_captured:
        key = known[-1].key
    key = key or f"{digest}:{uuid.uuid4()}"
    found = next((one for one in known if one.key == key), None)
    name = "\x1f".join((namespace, given.session_id, key)).encode(errors="replace").decode()
    return found or HookTurn(key=key, event_id=str(uuid.uuid5(_EVENTS, name)), namespace=namespace, prompt_hash=digest)


def _read_turn(path: str, digest: str) -> TranscriptTurn:
    """What the transcript shows; nothing where it cannot be read."""
    try:
        return read_turn(Path(path), digest)
    except (OSError, ValueError):
        return TranscriptTurn([], "", is_whole=False)


async def _told_by_tests(memory: CaseMemory, turn: HookTurn, attempt: CodingAttempt) -> None:
    """Replace what the agent said of its own work by what the tests said."""
    outcome = await memory.views.outcome(turn.event_id, namespace=memory.namespace)
    is_less_sure = outcome is not None and outcome.evaluator != TESTS and outcome.confidence < TESTS_CONFIDENCE
    if attempt.reward is not None and is_less_sure:
        await memory.feedback(
            turn.event_id,
            attempt.reward,
            confidence=TESTS_CONFIDENCE,
            evaluator=TESTS,
            namespace=memory.namespace,
        )


def _context(reading: Reading, redact: Redact) -> str:
    """What the agent is told: the cases, as far as they fit, and how to report the outcome."""
    report = (
        f"The memory plugin captures what you do for this task (event_id: {reading.event_id}). If you find out whether "
        "it worked, call the memory's give_feedback with this event_id and the reward: 1.0 worked, 0.0 failed."
    )
    if not reading.cases:
        return report
    max_tokens = _CASE_TOKENS
    while max_tokens >= _LEAST_TOKENS:
        shown = format_cases(reading.cases, max_tokens=max_tokens, positive_from=reading.positive_from, redact=redact)
        parts = ["Cases of earlier tasks of this project.", RECORDS, shown]
        text = "\n\n".join([*parts, report])
        if len(text) <= MAX_CONTEXT_CHARS:
            return text
        max_tokens //= 2
    return report
