"""Runs the notebooks of examples/ and writes what they print into them: `python docs/notebooks.py`.

The outputs are in the files, because that is what readers of a repository see; a test runs them again.
"""

import os
import sys
import tempfile
from pathlib import Path
from typing import Final

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

NOTEBOOKS: Final = sorted((Path(__file__).resolve().parent.parent / "examples" / "notebooks").glob("*.ipynb"))
_CELL_S = 300


def executed(path: Path) -> NotebookNode:
    """Run a notebook in a fresh kernel and an empty folder; an error in a cell is raised.

    Args:
        path: of the file, which stays as it is.
    """
    notebook = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "MEMENTO_HOME": f"{folder}/home", "IPYTHONDIR": f"{folder}/ipython"}
        where = {"metadata": {"path": folder}}
        client = NotebookClient(notebook, kernel_name="python3", timeout=_CELL_S, resources=where, record_timing=False)
        kernel = client.create_kernel_manager()
        kernel.transport, kernel.connection_file = "ipc", f"{folder}/kernel.json"  # no port that others could reach
        client.execute(env=environment)
    for cell in notebook.cells:
        cell.metadata.clear()
    return notebook


def printed(notebook: NotebookNode) -> list[str]:
    """What each cell printed, in order."""
    return [
        "".join(output.get("text", "") for output in cell.outputs)
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]


if __name__ == "__main__":
    for notebook in NOTEBOOKS:
        nbformat.write(executed(notebook), notebook)
        sys.stdout.write(f"{notebook.name}\n")
