"""`memento feedback`: late and better knowledge about a run."""

from memento.cli.cases import opened
from memento.cli.running import ExitCode, print_json, reward_of
from memento.memory.errors import UnknownEvent


async def feedback_command(
    event_id: str, reward: str, lesson: str, correction: str, namespace: str | None, *, as_json: bool
) -> ExitCode:
    """Replace an event's outcome; with a correction, keep the right plan as a case of its own."""
    value = reward_of(reward)
    async with opened(namespace) as memory:
        event = await memory.views.event(event_id, namespace=memory.namespace)
        if event is None:
            raise UnknownEvent(event_id, memory.namespace)
        case_id = await memory.feedback(event_id, value, lesson=lesson)
        corrected = None
        if correction:
            corrected = await memory.write(state=event.asked, action=correction, reward=1.0, evaluator="human")
    if as_json:
        print_json(
            {"event": "feedback", "event_id": event_id, "reward": value, "case_id": case_id, "correction": corrected}
        )
        return ExitCode.OK
    kept = f"case {case_id} now says {reward}" if case_id else "the outcome is kept; the run left no case"
    print(kept if not corrected else f"{kept}; the correction is case {corrected}")  # noqa: T201
    return ExitCode.OK
