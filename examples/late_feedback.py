"""Late feedback: a web hook or a thumbs button tells, by the event id, how good an answer was; also twice, also later.

    pip install memento-langgraph
    python examples/late_feedback.py

Until then the attempt waits: an unknown outcome is no failure, and nothing is learned from it. A graph's result has the
same id (`result["event_id"]`). No model, no key and no network.
"""

from memento import CaseMemory
from memento.memory.errors import UnknownEvent
from memento.memory.sync_case_memory import SyncCaseMemory

THUMBS = {"up": 1.0, "down": 0.0, "taken back": None}


def answer(memory: SyncCaseMemory, question: str) -> str:
    """Answer a question; the page keeps the id that is returned beside its buttons."""
    reading = memory.read(question, k=4)
    memory.write(state=question, action="Look in the handbook", reward=None, event_id=reading.event_id)
    return reading.event_id


def hook(memory: SyncCaseMemory, event_id: str, thumb: str, lesson: str = "") -> str:
    """Take what a button or a web hook sends; hooks may be delivered twice, and out of order of the answers."""
    try:
        case_id = memory.feedback(event_id, THUMBS[thumb], evaluator="thumbs", lesson=lesson)
    except UnknownEvent as error:
        return f"404: {error}"
    found = memory.run(lambda opened: opened.views.cases([case_id or ""], namespace=opened.namespace))
    return "200: " + ", ".join(f"case {case.state!r}, reward {case.reward:g}, {case.status}" for case in found.values())


def main() -> None:
    """Two answers, and what is said of them afterwards."""
    with CaseMemory.open_sync("./bank", seed=0) as memory:
        first = answer(memory, "How many days of leave are left?")
        second = answer(memory, "Who signs a travel request?")
        print("before: ", memory.n_outcomes(), "outcomes, no case")
        print("up:     ", hook(memory, first, "up", lesson="page 12 has the table"))
        print("again:  ", hook(memory, first, "up", lesson="page 12 has the table"))
        print("down:   ", hook(memory, second, "down"))
        print("changed:", hook(memory, second, "up"))
        print("undone: ", hook(memory, second, "taken back"))
        print("unknown:", hook(memory, "of-another-memory", "up"))
        recalled = [scored.case.lesson for scored in memory.read("How many leave days do I have?", k=4).cases]
        print("lessons of the cases that are served:", recalled)


if __name__ == "__main__":
    main()
