"""Options that several commands share."""

from typing import Annotated

import typer

Namespace = Annotated[
    str | None, typer.Option("--namespace", "-n", help="Namespace; default: MEMENTO_NAMESPACE or default.")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object per line on stdout, nothing else.")]
