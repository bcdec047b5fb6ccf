"""Memory as tools for any agent: recall_cases, remember_case, give_feedback, why_case, as plain async functions.

They know no agent framework: `memento mcp --memory` serves them, and a host can bind them as it binds its own. The
docstrings are what a model reads. A memory's namespace is fixed where it is opened; no argument can name another.

An agent that reports its own outcome is the evaluator `agent`, with a confidence of 0.5: enough for its cases to be
served, and less than what a person, a test or an exact comparison says. Its word never replaces theirs.
"""

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from memento.integrations.memory_tool_texts import kept_text, recalled_text, state_text, why_text
from memento.integrations.own_judgement import AGENT, AGENT_CONFIDENCE
from memento.memory.case import PLAN, Case, CaseKind, case_id, storable
from memento.memory.case_memory import CaseMemory
from memento.memory.errors import InvalidInput
from memento.memory.event import Outcome
from memento.memory.experience import Experience
from memento.memory.explanation import explained_case, explained_event
from memento.memory.task_keys import checked_key, checked_kind
from memento.memory.text_limits import MAX_ACTION_CHARS, MAX_ANSWER_CHARS, MAX_LESSON_CHARS, MAX_STATE_CHARS
from memento.nodes.memory_calls import MemoryFailed, of_memory
from memento.nodes.redaction import Redact
from memento.tools.errors import ToolInputError, ToolUnavailable
from memento.tools.registry import ToolFunction

MAX_CASES: Final = 10
"""Cases that one recall can ask for."""

_SECONDS: Final = 60.0
_MAX_TOKENS: Final = 6_000
_MAX_ID_CHARS: Final = 200

T = TypeVar("T")


class MemoryTools:
    """The four tools over one memory; every method but `functions` is a tool."""

    def __init__(
        self,
        *,
        memory: Callable[[], Awaitable[CaseMemory]],
        redact: Redact,
        confidence: float = AGENT_CONFIDENCE,
        max_tokens: int = _MAX_TOKENS,
    ) -> None:
        """Bind; opens nothing.

        Args:
            memory: gives the open memory, whose namespace is the only one that is read and written.
            redact: takes secrets out of every text on its way in, and out of errors.
            confidence: of outcomes that the agent reports, in [0, 1]; below the memory's `min_confidence` their cases
                wait in quarantine.
            max_tokens: of all cases of one recall together, estimated.
        """
        self._memory = memory
        self._redact = redact
        self._confidence = confidence
        self._max_tokens = max_tokens

    def functions(self) -> dict[str, ToolFunction]:
        """The tools by name."""
        return {one.__name__: one for one in (self.recall_cases, self.remember_case, self.give_feedback, self.why_case)}

    async def recall_cases(self, task: str, max_cases: int = 4, task_key: str = "", kind: CaseKind = PLAN) -> str:
        """Recall cases of earlier tasks that are like this one: what was tried, and whether it worked.

        Call it before you begin a task. The result ends with an event_id: give it to remember_case when the task is
        done, so that the memory learns which cases help.

        Args:
            task: The task in words, complete in itself.
            max_cases: How many cases at most, 1 to 10.
            task_key: The task's own key, where many tasks have the same text; its own cases are then left out by it.
            kind: What the cases are of: plan (whole tasks), or another kind where the memory has it.
        """
        task = self._text("task", task, MAX_STATE_CHARS, is_needed=True)
        if not 1 <= max_cases <= MAX_CASES:
            raise ToolInputError(f"`max_cases` is {max_cases}; it must be from 1 to {MAX_CASES}")

        async def ask(memory: CaseMemory) -> str:
            reading = await memory.read(task, k=max_cases, key=checked_key(task_key), kind=checked_kind(kind))
            n_cases = 0 if reading.cases else (await memory.views.counts(namespace=memory.namespace)).cases
            return recalled_text(reading, n_cases=n_cases, redact=self._redact, max_tokens=self._max_tokens)

        return await self._asked(ask)

    async def remember_case(
        self,
        task: str,
        action: str,
        reward: float | None = None,
        lesson: str = "",
        answer: str = "",
        event_id: str | None = None,
        task_key: str = "",
    ) -> str:
        """Remember what you did for a task and how it went, so that it is recalled in similar tasks.

        Leave `reward` out where you do not know the outcome: that never counts as a failure, and give_feedback can tell
        it later. Never put secrets into the texts.

        Args:
            task: The task in words, as you gave it to recall_cases.
            action: What you did, step by step, in a form that can be reused.
            reward: How it went, from 0.0 (failed) to 1.0 (worked); leave it out where that is not known.
            lesson: In a sentence: what made it work, or why it failed.
            answer: The result, if there is one in words.
            event_id: The event_id that recall_cases gave for this task, if you called it.
            task_key: The task's own key, as you gave it to recall_cases, if you gave one.
        """
        task = self._text("task", task, MAX_STATE_CHARS, is_needed=True)
        action = self._text("action", action, MAX_ACTION_CHARS, is_needed=True)
        lesson = self._text("lesson", lesson, MAX_LESSON_CHARS)
        answer = self._text("answer", answer, MAX_ANSWER_CHARS)
        given = _checked_id("event_id", event_id or "") or None

        async def ask(memory: CaseMemory) -> str:
            key = checked_key(task_key) or await _key_of(memory, given)
            known = await _known(memory, task, action, key)
            if known is not None and reward is not None:
                if self._is_surer(known):
                    return await self._told_of_known(memory, known, reward, given)
                if given is None and _says(known, reward, lesson):
                    return f"Remembered already: case {known.id}, event_id: {known.provenance.event_id}."
            # without a reading, later feedback could not name this attempt
            event = given or (await memory.read(task, policy="none", key=key)).event_id
            experience = Experience(
                state=task,
                action=action,
                reward=reward,
                lesson=lesson,
                answer=answer,
                event_id=event,
                evaluator=AGENT,
                confidence=self._confidence,
                key=key,
            )
            kept = await memory.write(experience)
            told = kept_text(await _found(memory, kept), positive_from=await memory.positive_line())
            return f"{told}\nevent_id: {event}"

        return await self._asked(ask)

    async def give_feedback(self, event_id: str, reward: float | None, lesson: str = "") -> str:
        """Report how a task went after it was remembered, or correct what you reported before.

        The same feedback twice is one feedback. What a person or a test has judged is not replaced by your judgement.

        Args:
            event_id: The event_id that recall_cases or remember_case gave.
            reward: From 0.0 (failed) to 1.0 (worked); null withdraws an earlier report of yours.
            lesson: In a sentence: what made it work, or why it failed.
        """
        event = _checked_id("event_id", event_id, is_needed=True)
        lesson = self._text("lesson", lesson, MAX_LESSON_CHARS)

        async def ask(memory: CaseMemory) -> str:
            before = await memory.views.outcome(event, namespace=memory.namespace)
            if before is not None and self._is_settled(before):
                said = "withdrawn" if before.reward is None else f"reward {before.reward:g}"
                raise InvalidInput(
                    f"the outcome of event {event} was given by {before.evaluator!r} ({said}); your report does not "
                    "replace it. Tell the user if you think that it is wrong"
                )
            kept = await memory.feedback(event, reward, lesson=lesson, evaluator=AGENT, confidence=self._confidence)
            case = await _found(memory, kept)
            if case is None:
                return (
                    f"The outcome of event {event} is recorded. No attempt is remembered for it: call remember_case "
                    "with this event_id to keep what you did."
                )
            return f"Recorded. {state_text(case, positive_from=await memory.positive_line())}"

        return await self._asked(ask)

    async def why_case(self, case_id: str, event_id: str | None = None) -> str:
        """Explain a case: who judged it, how it did when it was recalled, and why it was chosen.

        Args:
            case_id: The id of the case, as recall_cases gave it.
            event_id: The event_id of the recall, to be told why the case was chosen in it.
        """
        case = _checked_id("case_id", case_id, is_needed=True)
        event = _checked_id("event_id", event_id or "")

        async def ask(memory: CaseMemory) -> str:
            explained = await explained_event(memory, event) if event else None
            line = await memory.positive_line()
            return why_text(
                await explained_case(memory, case),
                explained,
                max_tokens=self._max_tokens,
                positive_from=line,
                redact=self._redact,
            )

        return await self._asked(ask)

    async def _told_of_known(self, memory: CaseMemory, known: Case, reward: float, event: str | None) -> str:
        """Record the outcome for the cases served; the case itself stays as somebody surer has judged it."""
        credited = ""
        if event is not None:
            before = await memory.views.outcome(event, namespace=memory.namespace)
            if before is None or not self._is_settled(before):
                await memory.feedback(event, reward, evaluator=AGENT, confidence=self._confidence)
                credited = " Your outcome counts for the cases that you were given."
        said = state_text(known, positive_from=await memory.positive_line())
        return f"Known already, and left as it is. {said}{credited}"

    def _is_surer(self, case: Case) -> bool:
        return case.provenance.evaluator != AGENT and case.confidence > self._confidence

    def _is_settled(self, outcome: Outcome) -> bool:
        """Whether somebody else has judged, or a person has withdrawn what was believed."""
        if outcome.evaluator == AGENT or outcome.confidence <= self._confidence:
            return False
        return outcome.reward is not None or outcome.evaluator == "human"

    def _text(self, name: str, text: str, max_chars: int, *, is_needed: bool = False) -> str:
        """The text as it may be kept.

        Raises:
            ToolInputError: too long, or empty where it is needed.
        """
        if is_needed and not text.strip():
            raise ToolInputError(f"`{name}` is empty; say it in words")
        if len(text) > max_chars:
            raise ToolInputError(
                f"`{name}` has {len(text):,} characters; at most {max_chars:,} are kept. Nothing was stored: shorten it"
            )
        return self._redact(storable(text.replace("\x00", "")))  # no Postgres takes those

    async def _asked(self, ask: Callable[[CaseMemory], Awaitable[T]]) -> T:
        """Ask the memory.

        Raises:
            ToolInputError: the caller's mistake.
            ToolUnavailable: the memory cannot be opened, read or written.
        """
        try:
            memory = await of_memory(self._memory, self._redact)
        except (MemoryFailed, InvalidInput) as error:
            reason = self._redact(str(error))
            raise ToolUnavailable(f"the memory cannot be opened: {reason}; go on without it") from error
        try:
            return await of_memory(lambda: ask(memory), self._redact, seconds=_SECONDS)
        except InvalidInput as error:
            raise ToolInputError(self._redact(str(error))) from error
        except MemoryFailed as error:
            if isinstance(error.__cause__, InvalidInput):
                raise ToolInputError(f"{error}; give an id that recall_cases or remember_case returned") from error
            raise ToolUnavailable(f"the memory did not do it: {error}; go on without it") from error


async def _key_of(memory: CaseMemory, event_id: str | None) -> str:
    """The key of a reading's task, which is that of its attempt; empty where it has none, or there is no reading."""
    event = None if event_id is None else await memory.views.event(event_id, namespace=memory.namespace)
    return "" if event is None else event.key


async def _known(memory: CaseMemory, task: str, action: str, key: str) -> Case | None:
    """The case of this very attempt, if it is there."""
    own = case_id(memory.namespace, task, action, key=key)
    return (await memory.views.cases([own], namespace=memory.namespace)).get(own)


async def _found(memory: CaseMemory, kept: str | None) -> Case | None:
    return None if kept is None else (await explained_case(memory, kept)).case


def _says(case: Case, reward: float, lesson: str) -> bool:
    is_same = case.reward == reward and (case.lesson == lesson or not lesson)
    return is_same and case.provenance.evaluator == AGENT and case.provenance.event_id is not None


def _checked_id(name: str, given: str, *, is_needed: bool = False) -> str:
    """The id without blanks around it.

    Raises:
        ToolInputError: it cannot be one.
    """
    text = given.strip()
    if is_needed and not text:
        raise ToolInputError(f"`{name}` is empty; give the one that recall_cases returned")
    if len(text) > _MAX_ID_CHARS or not text.isprintable() or len(text.split()) > 1:
        raise ToolInputError(f"`{name}` is not an id: an id has up to {_MAX_ID_CHARS} characters without blanks")
    return text
