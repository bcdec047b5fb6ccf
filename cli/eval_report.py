"""`memento eval report`: writes the page of a run and says where it is."""

import asyncio
import webbrowser
from pathlib import Path

from memento.cli.printing import tell
from memento.cli.running import ExitCode, print_json
from memento.evals.report.report import write_report


async def report_command(folder: Path, *, is_opened: bool, as_json: bool) -> ExitCode:
    """Write the report, as far as the run has come."""
    written = await write_report(folder)
    if as_json:
        print_json(
            {
                "event": "report",
                "page": str(written.page),
                "pictures": [str(path) for path in written.pictures],
                "is_complete": written.is_complete,
                "n_results": written.n_results,
            }
        )
    else:
        print(written.page)  # noqa: T201  the command's product
        if not written.is_complete:
            tell(f"the run is not finished: the page shows its {written.n_results:,} results so far, and says so")
    if is_opened and not await asyncio.to_thread(webbrowser.open, written.page.resolve().as_uri()):
        tell("there is no browser to show it in")
    return ExitCode.OK
