"""The `memento` command: its groups, none of which imports anything heavy before one of its commands runs."""

import typer

from memento.cli.ask import ask
from memento.cli.cases import cases
from memento.cli.demo import demo
from memento.cli.doctor import doctor
from memento.cli.eval import evaluation
from memento.cli.feedback import feedback
from memento.cli.hook import hook
from memento.cli.import_records import import_records
from memento.cli.keys import keys
from memento.cli.learn import learn
from memento.cli.mcp import mcp
from memento.cli.policy import policy
from memento.cli.running import ExitCode, run_command
from memento.cli.skills import skills
from memento.cli.streams import open_missing_streams, silence_broken_streams
from memento.cli.threads import threads
from memento.cli.tools import tools

app = typer.Typer(
    name="memento",
    help="An agent that gets better with use: it remembers cases and learns which of them help.",
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback()
def _greeting(context: typer.Context) -> None:
    """An agent that gets better with use: it remembers cases and learns which of them help."""
    if context.invoked_subcommand is None:
        from memento.cli.greeting import greet

        raise typer.Exit(run_command(greet(), as_json=False))


for command in (ask, feedback, doctor, mcp, demo):
    app.command()(command)
app.command("import")(import_records)
app.add_typer(cases, name="cases")
app.add_typer(evaluation, name="eval")
app.add_typer(keys, name="keys")
app.add_typer(hook, name="hook")
app.add_typer(learn, name="learn")
app.add_typer(policy, name="policy")
app.add_typer(skills, name="skills")
app.add_typer(threads, name="threads")
app.add_typer(tools, name="tools")


def main() -> None:
    """Entry point of the `memento` command."""
    open_missing_streams()
    try:
        app()
    except KeyboardInterrupt:
        raise SystemExit(ExitCode.INTERRUPTED) from None
    except OSError as error:  # of `--help`: commands name theirs themselves
        silence_broken_streams()
        raise SystemExit(f"memento: {error.strerror or error}") from None
