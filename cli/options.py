"""Options that several commands share."""

from typing import Annotated

import typer

Namespace = Annotated[str | None, typer.Option("--namespace", "-n", help="Whose cases; MEMENTO_NAMESPACE or default.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object per line on stdout, nothing else.")]
