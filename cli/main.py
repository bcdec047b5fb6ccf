"""The `memento` command. Everything heavy is imported by the command that needs it, so that `--help` is quick."""

from pathlib import Path
from typing import Annotated

import typer

from memento.cli.eval import evaluation
from memento.cli.learn import learn
from memento.cli.lifecycle import lifecycle
from memento.cli.options import Json, Namespace
from memento.cli.policy import policy
from memento.cli.running import ExitCode, finish, run_command
from memento.cli.streams import open_missing_streams, silence_broken_streams
from memento.cli.threads import threads
from memento.cli.tools import tools
from memento.cli.why import why

app = typer.Typer(
    name="memento",
    help="An agent that gets better with use: it remembers cases and learns which of them help.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
cases = typer.Typer(help="Look into the case memory, fill it, empty it into a file.", no_args_is_help=True)
app.add_typer(cases, name="cases")
cases.add_typer(lifecycle)
cases.add_typer(why)
app.add_typer(evaluation, name="eval")
app.add_typer(learn, name="learn")
app.add_typer(policy, name="policy")
app.add_typer(threads, name="threads")
app.add_typer(tools, name="tools")


@app.command()
def ask(
    task: Annotated[str | None, typer.Argument(help="What to do. Not needed with --resume.")] = None,
    *,
    reference: Annotated[
        list[str] | None, typer.Option("--reference", "-r", help="A right answer; may be given several times.")
    ] = None,
    attach: Annotated[
        list[Path] | None, typer.Option("--attach", "-a", help="A file to work with; may be given several times.")
    ] = None,
    policy: Annotated[str | None, typer.Option(help="How cases are chosen: advantage, similarity, none, ...")] = None,
    k: Annotated[int | None, typer.Option(help="How many cases at most.", min=0, max=32)] = None,
    max_cycles: Annotated[int | None, typer.Option(help="How many times to plan.", min=1, max=10)] = None,
    model: Annotated[
        str | None, typer.Option(help="provider:model for every role; `local` is the packaged 135M model.")
    ] = None,
    planner: Annotated[str | None, typer.Option(help="provider:model of the planner.")] = None,
    executor: Annotated[str | None, typer.Option(help="provider:model of the executor.")] = None,
    judge: Annotated[str | None, typer.Option(help="provider:model of the judge.")] = None,
    second_judge: Annotated[str | None, typer.Option(help="provider:model of the second one, with judges.")] = None,
    evaluator: Annotated[
        str | None,
        typer.Option(help="auto, exact, f1, gaia, judge, judges, rubric (needs no reference), human or none."),
    ] = None,
    scorer: Annotated[
        str | None, typer.Option(help="package.module:function that gives the reward of a task, answer, references.")
    ] = None,
    max_usd: Annotated[float | None, typer.Option(help="What the run may cost, in US dollars.")] = None,
    max_tokens: Annotated[int | None, typer.Option(help="What the run may read and write, in tokens.", min=1)] = None,
    max_seconds: Annotated[float | None, typer.Option(help="How long the run may plan and work.")] = None,
    approve_plan: Annotated[bool, typer.Option("--approve-plan", help="Ask before a plan is carried out.")] = False,
    thread: Annotated[str | None, typer.Option(help="Name of the conversation; a new one by default.")] = None,
    resume: Annotated[str | None, typer.Option(help="Go on with an interrupted thread.")] = None,
    reply: Annotated[str | None, typer.Option(help="With --resume: approve, reject, or a reward from 0 to 1.")] = None,
    namespace: Namespace = None,
    as_json: Json = False,
) -> None:
    """Work on a task, with the cases that memory has for it."""
    from memento.cli.ask import AskOptions, ask_command

    settings = {
        "policy": policy,
        "k": k,
        "max_cycles": max_cycles,
        "planner": planner or model,
        "executor": executor or model,
        "judge": judge or model,
        "second_judge": second_judge,
        "evaluator": evaluator,
        "run_max_cost_usd": max_usd,
        "run_max_tokens": max_tokens,
        "run_max_seconds": max_seconds,
        "approve_plan": approve_plan or None,
    }
    options = AskOptions(
        task=task,
        references=reference or [],
        attach=attach or [],
        scorer=scorer,
        settings={name: value for name, value in settings.items() if value is not None},
        thread=thread,
        resume=resume,
        reply=reply,
        namespace=namespace,
        as_json=as_json,
    )
    finish(run_command(ask_command(options), as_json=as_json))


@app.command()
def feedback(
    event_id: Annotated[str, typer.Argument(help="The event_id that `ask` printed.")],
    reward: Annotated[str, typer.Argument(help="0 (wrong) to 1 (right), or `unknown` to withdraw.")],
    *,
    lesson: Annotated[str, typer.Option(help="What worked, or why it failed.")] = "",
    correction: Annotated[
        str, typer.Option(help="The plan that would have been right; kept as a case of its own.")
    ] = "",
    namespace: Namespace = None,
    as_json: Json = False,
) -> None:
    """Say, now or later, how good an answer was."""
    from memento.cli.feedback import feedback_command

    finish(
        run_command(feedback_command(event_id, reward, lesson, correction, namespace, as_json=as_json), as_json=as_json)
    )


@app.command()
def doctor(*, as_json: Json = False) -> None:
    """Say what is configured, reachable or missing, and how to mend it."""
    from memento.cli.doctor import doctor_command

    finish(run_command(doctor_command(as_json=as_json), as_json=as_json))


@app.command()
def mcp(
    *,
    http: Annotated[bool, typer.Option("--http", help="On an address of this machine; otherwise over stdio.")] = False,
    host: Annotated[str, typer.Option(help="With --http: where to listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="With --http: where to listen.", min=0, max=65535)] = 8765,
    allow_code: Annotated[
        bool, typer.Option("--allow-code", help="With --http: serve run_python and run_shell.")
    ] = False,
    token: Annotated[
        str | None,
        typer.Option(help="With --http: what clients must send; MEMENTO_MCP_TOKEN, or a fresh one by default."),
    ] = None,
    no_token: Annotated[
        bool, typer.Option("--no-token", help="With --http: let whoever reaches the address use the tools.")
    ] = False,
    workspace: Annotated[Path | None, typer.Option(help="Folder that the tools work in.")] = None,
    tool: Annotated[
        list[str] | None, typer.Option(help="Serve this tool and no others; may be given several times.")
    ] = None,
) -> None:
    """Serve our tools to other programs, as an MCP server."""
    from memento.cli.mcp_command import HttpOptions, mcp_command

    options = HttpOptions(host, port, allow_code, token, no_token) if http else None
    finish(run_command(mcp_command(tool or [], workspace, options), as_json=False))


@app.command()
def demo(
    *,
    tasks: Annotated[int, typer.Option(help="Length of the stream.", min=6, max=500)] = 45,
    seed: Annotated[int, typer.Option(help="Which stream.")] = 0,
    out: Annotated[Path, typer.Option(help="Folder for the picture and the figures.")] = Path("out"),
    as_json: Json = False,
) -> None:
    """Watch a real frozen 135M model learn from memory: no key, no network."""
    from memento.cli.demo import demo_command

    finish(run_command(demo_command(tasks, seed, out, as_json=as_json), as_json=as_json))


@cases.command("import")
def import_cases(
    file: Annotated[
        Path, typer.Argument(help="JSON lines: our export, or the reference's memory files or retrieval log.")
    ],
    *,
    quarantine: Annotated[
        bool, typer.Option("--quarantine", help="Serve none of them before `cases release`.")
    ] = False,
    namespace: Namespace = None,
    as_json: Json = False,
) -> None:
    """Read cases from a file. Again is harmless: what is there already is left alone."""
    from memento.cli.cases import import_command

    finish(run_command(import_command(file, namespace, is_trusted=not quarantine, as_json=as_json), as_json=as_json))


@cases.command("export")
def export_cases(
    file: Annotated[Path | None, typer.Argument(help="Where to; stdout by default.")] = None,
    *,
    namespace: Namespace = None,
) -> None:
    """Write all cases of a namespace as JSON lines."""
    from memento.cli.cases import export_command

    finish(run_command(export_command(file, namespace), as_json=False))


@cases.command("list")
def list_cases(
    *,
    limit: Annotated[int, typer.Option(help="How many, newest first.", min=1)] = 20,
    namespace: Namespace = None,
    as_json: Json = False,
) -> None:
    """Show the newest cases."""
    from memento.cli.cases import list_command

    finish(run_command(list_command(limit, namespace, as_json=as_json), as_json=as_json))


@cases.command("show")
def show_case(
    case_id: Annotated[str, typer.Argument(help="Id of a case, or its beginning.")],
    *,
    namespace: Namespace = None,
    as_json: Json = False,
) -> None:
    """Show one case whole, with how often it was served and what came of it."""
    from memento.cli.cases import show_command

    finish(run_command(show_command(case_id, namespace, as_json=as_json), as_json=as_json))


@cases.command()
def stats(*, namespace: Namespace = None, as_json: Json = False) -> None:
    """Count cases, events and outcomes."""
    from memento.cli.cases import stats_command

    finish(run_command(stats_command(namespace, as_json=as_json), as_json=as_json))


@cases.command()
def reindex(*, as_json: Json = False) -> None:
    """Encode every case again and rebuild the search index: after a change of encoder, or when in doubt."""
    from memento.cli.cases import reindex_command

    finish(run_command(reindex_command(as_json=as_json), as_json=as_json))


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
