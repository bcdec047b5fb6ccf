"""`memento doctor`: checks configuration, services and data, and suggests fixes."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from memento.cli.options import Json
from memento.cli.running import ExitCode, run_async
from memento.cli.streams import print_json

if TYPE_CHECKING:
    from memento.cli.doctor_finding import Finding

_COLOURS = {"ok": "green", "note": "yellow", "bad": "red"}


@run_async
async def doctor(
    *,
    every_row: Annotated[
        bool, typer.Option("--ledger", help="Check every row of the ledger: a minute or so per million.")
    ] = False,
    as_json: Json = False,
) -> ExitCode:
    """Check what is configured, reachable or missing, and suggest fixes."""
    import contextlib

    from memento.cli.doctor_checks import examine
    from memento.graph.app import Application

    app = Application()
    findings = []
    try:
        async for finding in examine(app, every_row=every_row):
            findings.append(finding)
            if as_json:
                print_json(finding._asdict())
    finally:
        with contextlib.suppress(Exception):  # what failed has been found, and does not become well by closing
            await app.aclose()
    if not as_json:
        _print_findings(findings)
    return ExitCode.FAILED if any(finding.status == "bad" for finding in findings) else ExitCode.OK


def _print_findings(findings: "Sequence[Finding]") -> None:
    """Print one line per finding, then each piece of advice once."""
    import textwrap

    from rich.table import Table
    from rich.text import Text

    from memento.cli.printing import StdoutConsole

    console = StdoutConsole(highlight=False)
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    advice: dict[str, list[str]] = {}
    for finding in findings:
        table.add_row(finding.what, Text(finding.status, _COLOURS[finding.status]), Text(finding.found))
        if finding.fix:
            advice.setdefault(finding.fix, []).append(finding.what)
    console.print(table)
    for fix, subjects in advice.items():
        console.print()
        console.print(Text(f"{', '.join(dict.fromkeys(subjects))}:", style="bold"))
        console.print(Text(textwrap.indent(fix, "  ")), soft_wrap=not console.is_terminal)
