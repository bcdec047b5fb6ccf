"""`memento feedback`: corrects the reward of an event."""

from typing import Annotated

import typer

from memento.cli.options import Json, Namespace
from memento.cli.running import ExitCode, reward_of, run_async
from memento.cli.streams import print_json


@run_async
async def feedback(
    event_id: Annotated[str, typer.Argument(help="The event_id that `ask` printed.")],
    reward: Annotated[str, typer.Argument(help="Reward: 0 (wrong) to 1 (right), or `unknown` to withdraw it.")],
    *,
    lesson: Annotated[str, typer.Option(help="Lesson: what worked, or why it failed.")] = "",
    correction: Annotated[
        str, typer.Option(help="The plan that would have been right; stored as a case of its own.")
    ] = "",
    namespace: Namespace = None,
    as_json: Json = False,
) -> ExitCode:
    """Record how good an answer was, now or later."""
    from memento.cli.opening import opened
    from memento.memory.explanation import find_event

    value = reward_of(reward)
    async with opened(namespace) as memory:
        event = await find_event(memory, event_id)
        case_id = await memory.feedback(event_id, value, lesson=lesson)
        corrected = None
        if correction:
            corrected = await memory.write(
                state=event.asked,
                action=correction,
                reward=1.0,
                evaluator="human",
                thread_id=f"feedback:{event_id}",  # given again, it is the same correction
            )
    if as_json:
        print_json(
            {"event": "feedback", "event_id": event_id, "reward": value, "case_id": case_id, "correction": corrected}
        )
        return ExitCode.OK
    kept = f"case {case_id} now says {reward}" if case_id else "the outcome is recorded; the run wrote no case"
    print(kept if not corrected else f"{kept}; the correction is case {corrected}")  # noqa: T201
    return ExitCode.OK
