"""What the commands of `memento learn` do."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from memento.cli.cases import opened
from memento.cli.learn_report import print_report
from memento.cli.printing import StderrConsole, print_table, tell
from memento.cli.running import ExitCode, print_json
from memento.memory.learning.offline import OnProgress
from memento.memory.learning.versions import PolicyVersion


async def judge_command(policy: str | None, namespace: str | None, seed: int, *, as_json: bool) -> ExitCode:
    """Judge other settings; a refusal is a result, not a failure."""
    async with opened(namespace) as memory:
        offline = memory.offline(policy)
        with _progress(as_json=as_json) as on_progress:
            version, report = await offline.learn(seed=seed, on_progress=on_progress)
        serving = (await offline.serving()).version
    written = version.version if report else None
    if as_json:
        shown = {"verdict": version.verdict, "reason": version.reason, "version": written, "serving": serving}
        figures = version.report if report else None
        print_json({"event": "learned", "estimator": version.estimator, **shown, "report": figures})
        return ExitCode.OK
    if report is not None:
        print_report(report)
    verdict = f"promoted as version {written}" if version.verdict == "promoted" else "refused"
    tell(f"{verdict}: {version.reason}")
    tell(f"version {serving} serves" if serving else "version 0, the built-in settings, serves")
    return ExitCode.OK


async def rebuild_command(policy: str | None, namespace: str | None, *, as_json: bool) -> ExitCode:
    """Rebuild all estimates; 1 when they differ from those that served."""
    async with opened(namespace) as memory:
        rebuilt = await memory.offline(policy).rebuild()
    if as_json:
        print_json({"event": "rebuilt", **rebuilt._asdict()})
    else:
        tell(f"{rebuilt.n_outcomes} outcomes were learned again, with the settings of version {rebuilt.version}")
        compared = f"{rebuilt.n_estimates} estimates of the {rebuilt.n_reads} newest reads"
        if rebuilt.n_estimates:
            tell(f"{compared} differ by at most {rebuilt.max_difference:g} from those that served")
        else:
            tell("evidence is too thin for estimates; there was nothing to compare")
        if rebuilt.max_difference:
            tell("the snapshot had gone astray; the estimates learned again have taken its place")
    return ExitCode.FAILED if rebuilt.max_difference else ExitCode.OK


async def history_command(policy: str | None, namespace: str | None, *, as_json: bool) -> ExitCode:
    """All versions of a namespace, oldest first."""
    async with opened(namespace) as memory:
        if policy is None:
            versions = await memory.versions.history(memory.namespace)
        else:
            versions = await memory.offline(policy).history()
        serving = {
            estimator: await memory.versions.serving_number(memory.namespace, estimator)
            for estimator in {version.estimator for version in versions}
        }
    if as_json:
        for version in versions:
            is_serving = version.version == serving[version.estimator]
            print_json(version.model_dump(mode="json") | {"is_serving": is_serving})
        return ExitCode.OK
    if not versions:
        tell(f"nothing was ever judged in namespace {memory.namespace!r}; the built-in settings serve")
        return ExitCode.OK
    print_table(_history_table(versions, serving))
    return ExitCode.OK


async def rollback_command(
    version: int | None, policy: str | None, namespace: str | None, *, as_json: bool
) -> ExitCode:
    """Serve an earlier version again."""
    async with opened(namespace) as memory:
        written = await memory.offline(policy).rollback(version)
    is_done = written.verdict == "rolled_back"
    if as_json:
        print_json({"event": "rolled_back", **written.model_dump(mode="json")})
        return ExitCode.OK if is_done else ExitCode.FAILED
    if not is_done:
        tell(f"refused: {written.reason}")
        return ExitCode.FAILED
    tell(f"version {written.version} serves: {written.reason}")
    tell(f"{_skipped(written)}; `memento learn rollback {written.replaces}` takes this back")
    return ExitCode.OK


def _history_table(versions: list[PolicyVersion], serving: dict[str, int]) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("version", "estimator", "verdict", "settings", "gain", "when", "why"):
        table.add_column(name, overflow="fold" if name == "why" else "ellipsis", no_wrap=name != "why")
    for version in versions:
        is_serving = version.version == serving[version.estimator]
        gain = version.report.get("gain")
        row = (
            f"{version.version}{' (serves)' if is_serving else ''}",
            version.estimator,
            version.verdict.replace("_", " "),
            settings_text(version.settings),
            f"{gain[0]:+.3f} [{gain[1]:+.3f}, {gain[2]:+.3f}]" if gain else "",
            version.created_at[:16].replace("T", " "),
            version.reason,
        )
        table.add_row(*map(Text, row))
    return table


def settings_text(settings: dict[str, float]) -> str:
    """What deviates from the built-in settings."""
    return ", ".join(f"{name} {value:g}" for name, value in settings.items()) or "built-in"


def _skipped(version: PolicyVersion) -> str:
    ranges = [f"{after + 1} to {until}" for after, until in version.skipped]
    return f"outcomes {' and '.join(ranges)} of the ledger count no more" if ranges else "every outcome counts"


@contextmanager
def _progress(*, as_json: bool) -> Iterator[OnProgress]:
    """A bar for each thing that is being done, on stderr; nothing in a pipe."""
    console = StderrConsole(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=as_json or not console.is_terminal) as progress:
        bar = progress.add_task("reading outcomes")

        def on_progress(doing: str, done: int, total: int) -> None:
            progress.update(bar, description=doing, completed=done, total=total)

        yield on_progress
