"""Runs a file of `examples/` as a user would: in a process and a folder of its own, with a provider's URL."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples"


def run_example(
    name: str, folder: Path, *arguments: str, base_url: str = "", seconds: float = 100, **environment: str
) -> str:
    """Run one and return what it printed.

    Args:
        name: of the file, without `.py`.
        folder: it runs in, with its bank and its home below.
        arguments: of its command line.
        base_url: of the provider that its models ask (`tests.provider_server`).
        seconds: it may take.
        environment: more variables.
    """
    ours = {
        "HOME": str(folder),
        "MEMENTO_HOME": str(folder / "home"),
        "PYTHONWARNINGS": "error::DeprecationWarning:__main__",
    }
    if base_url:
        ours |= {"OPENAI_BASE_URL": base_url, "OPENAI_API_KEY": "sk-of-a-test"}
    foreign = {key: value for key, value in os.environ.items() if not key.startswith(("MEMENTO_", "OPENAI_", "LANG"))}
    done = subprocess.run(
        [sys.executable, EXAMPLES / f"{name}.py", *arguments],
        cwd=folder,
        env=foreign | ours | environment,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    assert done.returncode == 0, f"examples/{name}.py: exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout
