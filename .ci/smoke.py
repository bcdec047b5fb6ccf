"""Tries an installed package where there is no checkout: its public names, and a memory that two processes open.

python -P .ci/smoke.py
"""

import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import memento
from memento import CaseMemory, Experience

READ = """
import sys
from memento import CaseMemory

with CaseMemory.open_sync(sys.argv[1]) as memory:
    print([scored.case.action for scored in memory.read("What is the capital of Orotina Canton?", k=4).cases])
"""


def main() -> None:
    """Write a case, read it in another process, and give feedback."""
    for name in memento.__all__:
        getattr(memento, name)
    with tempfile.TemporaryDirectory() as folder:
        with CaseMemory.open_sync(folder) as memory:
            event_id = memory.read("What is the capital of Columbia County?").event_id
            task = "What is the capital of Columbia County?"
            memory.write(Experience(state=task, action="look it up", reward=1.0, event_id=event_id))
            memory.feedback(event_id, reward=0.5)
        done = subprocess.run([sys.executable, "-P", "-c", READ, folder], capture_output=True, text=True, check=True)
    if done.stdout.strip() != "['look it up']":
        sys.exit(f"another process read {done.stdout.strip()}, and not the case that was written")
    print(f"memento-langgraph {version('memento-langgraph')} works, from {Path(memento.__file__).parent}")


if __name__ == "__main__":
    main()
