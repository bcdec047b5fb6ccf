"""`memento learn`: learns from all outcomes, judges what was learned, keeps its versions."""

from typing import Annotated

import typer

from memento.cli.options import Json, Namespace
from memento.cli.running import ExitCode, run_async
from memento.cli.streams import print_json, tell

learn = typer.Typer(help="Evaluate, promote and roll back what was learned from all outcomes.")

Policy = Annotated[
    str | None, typer.Option("--policy", "-p", help="Policy whose estimates to use; default: MEMENTO_POLICY.")
]


@learn.callback(invoke_without_command=True)
def judge_or_rebuild(
    context: typer.Context,
    *,
    from_scratch: Annotated[
        bool, typer.Option("--from-scratch", help="Only rebuild all estimates from the ledger and compare.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Random seed of folds, permutations, probes and intervals.", min=0)] = 0,
    policy: Policy = None,
    namespace: Namespace = None,
    as_json: Json = False,
) -> None:
    """Evaluate other settings on held-out outcomes; promote them only if better and free of leaks."""
    if context.invoked_subcommand is not None:
        return None
    if from_scratch:
        return _rebuild(policy=policy, namespace=namespace, as_json=as_json)
    return _judge(policy=policy, namespace=namespace, seed=seed, as_json=as_json)


@learn.command()
@run_async
async def history(*, policy: Policy = None, namespace: Namespace = None, as_json: Json = False) -> ExitCode:
    """Show every version: promoted, refused or rolled back, with its figures."""
    from memento.cli.learn_report import print_history
    from memento.cli.opening import opened

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
    print_history(versions, serving)
    return ExitCode.OK


@learn.command()
@run_async
async def rollback(
    version: Annotated[
        int | None, typer.Argument(help="Version to serve; default: the one before the serving one.", min=0)
    ] = None,
    *,
    policy: Policy = None,
    namespace: Namespace = None,
    as_json: Json = False,
) -> ExitCode:
    """Roll back to an earlier version's estimates, as it last had them. A later number reverts that."""
    from memento.cli.learn_report import skipped_outcomes
    from memento.cli.opening import opened

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
    tell(f"{skipped_outcomes(written)}; `memento learn rollback {written.replaces}` takes this back")
    return ExitCode.OK


@learn.command("set")
@run_async
async def set_settings(
    given: Annotated[list[str], typer.Argument(metavar="NAME=VALUE...", help="Settings; the others stay as they are.")],
    *,
    reason: Annotated[str, typer.Option(help="Reason, recorded with the version.", prompt="Why")],
    policy: Policy = None,
    namespace: Namespace = None,
    as_json: Json = False,
) -> ExitCode:
    """Let levels of guides' trials serve that you chose, with `--policy trial`; all other settings are judged."""
    from memento.cli.opening import opened

    settings = dict(map(_setting, given))
    async with opened(namespace) as memory:
        written = await memory.offline(policy).choose(settings, reason=reason)
    is_done = written.verdict == "promoted"
    if as_json:
        print_json({"event": "set", **written.model_dump(mode="json")})
    elif is_done:
        serve = ", ".join(f"{name} {value:g}" for name, value in written.settings.items())
        tell(f"version {written.version} serves: {serve}; all else is built in")
    else:
        tell(f"refused: {written.reason}")
    return ExitCode.OK if is_done else ExitCode.FAILED


def _setting(given: str) -> tuple[str, float]:
    from memento.memory.errors import InvalidInput

    name, _, value = given.partition("=")
    try:
        return name, float(value)
    except ValueError as error:
        raise InvalidInput(f"{given!r} is not NAME=NUMBER, such as trials=400") from error


@run_async
async def _judge(*, policy: str | None, namespace: str | None, seed: int, as_json: bool) -> ExitCode:
    """Judge other settings; exit code 0 also when they are refused."""
    from memento.cli.learn_report import learning_bar, print_report
    from memento.cli.opening import opened

    async with opened(namespace) as memory:
        offline = memory.offline(policy)
        with learning_bar(is_quiet=as_json) as on_progress:
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


@run_async
async def _rebuild(*, policy: str | None, namespace: str | None, as_json: bool) -> ExitCode:
    """Rebuild all estimates; 1 when they differ from those that served."""
    from memento.cli.opening import opened

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
