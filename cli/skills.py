"""`memento skills`: writes skills from cases, shows how their trials stand, exports and retires them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from memento.cli.options import Json, Namespace
from memento.cli.running import ExitCode, run_async
from memento.cli.streams import print_json, tell

if TYPE_CHECKING:
    from memento.graph.app import Application
    from memento.memory.case_memory import CaseMemory
    from memento.service.skills import Skill

skills = typer.Typer(
    help="Write procedures from several cases, and see which of them prove to be worth their place.",
    no_args_is_help=True,
)

SkillId = Annotated[str, typer.Argument(help="Case id of a skill, a unique prefix of one, or its name.")]


@skills.command()
@run_async
async def write(
    *,
    limit: Annotated[
        int, typer.Option(help="Groups of cases to write a skill from at most, one model call each.", min=1)
    ] = 5,
    least: Annotated[int, typer.Option(help="Least number of cases that a skill is written from.", min=2)] = 3,
    alike: Annotated[
        float, typer.Option(help="Least cosine between the tasks that a skill is written from.", min=-1, max=1)
    ] = 0.5,
    model: Annotated[
        str | None, typer.Option(help="Model that writes, as provider:model; default: the planner's.")
    ] = None,
    namespace: Namespace = None,
    as_json: Json = False,
) -> ExitCode:
    """Write skills from groups of alike cases that worked and are in no skill yet. They start on trial."""
    from memento.cli.opening import application
    from memento.nodes.redaction import make_redact
    from memento.nodes.structured import StructuredCaller
    from memento.service.skills import written_skills

    n_written = n_failed = 0
    async with application(namespace) as app:
        memory, redact = await app.memory(), make_redact(app.deps().secrets)
        writing = written_skills(
            memory,
            await app.get("planner", model),
            caller=StructuredCaller(redact=redact),
            redact=redact,
            limit=limit,
            least=least,
            alike=alike,
        )
        async for one in writing:
            n_written += one.case_id is not None
            n_failed += one.case_id is None
            if as_json:
                print_json({"event": "skill", **one._asdict()})
            elif one.case_id is None:
                tell(f"no skill from {one.n_cases} cases: {one.problem}")
            else:
                tell(f"skill {one.case_id[:8]} {one.name}, from {one.n_cases} cases")
        name = memory.namespace
    if not n_written and not n_failed:
        tell(
            f"nothing to write: namespace {name!r} has no {least} cases that worked, are alike and in no skill yet; "
            "a lower --alike or --least finds more"
        )
    return ExitCode.FAILED if n_failed and not n_written else ExitCode.OK


@skills.command("list")
@run_async
async def list_skills(*, namespace: Namespace = None, as_json: Json = False) -> ExitCode:
    """List skills, newest first, with what their trials say."""
    from memento.cli.opening import opened
    from memento.cli.printing import TextTable, print_table
    from memento.service.skills import skills_of

    async with opened(namespace) as memory:
        found, name = await skills_of(memory), memory.namespace
    if as_json:
        for one in found:
            print_json(_facts(one))
        return ExitCode.OK
    if not found:
        tell(f"no skills yet in namespace {name!r}; `memento skills write` makes them from cases")
        return ExitCode.OK
    table = TextTable(expand=True)
    for column in ("id", "name", "status", "shown", "withheld", "difference", "bounds"):
        table.add_column(column, no_wrap=True)
    table.add_column("for", no_wrap=True, overflow="ellipsis", ratio=1)
    for one in found:
        trial = one.trial
        table.add_texts(
            one.case.id[:8],
            one.name,
            trial.status if one.case.status == "active" else one.case.status,
            str(trial.n_shown),
            str(trial.n_withheld),
            "" if trial.difference is None else f"{trial.difference:+.2f}",
            f"[{trial.low:+.2f}, {trial.high:+.2f}]",
            " ".join(one.case.state.split()),
        )
    print_table(table)
    return ExitCode.OK


@skills.command()
@run_async
async def show(skill: SkillId, *, namespace: Namespace = None, as_json: Json = False) -> ExitCode:
    """Print a skill as SKILL.md."""
    from memento.cli.opening import opened
    from memento.service.skill_files import skill_markdown
    from memento.tools.text import without_controls

    async with opened(namespace) as memory:
        one = await _found(memory, skill)
    if as_json:
        print_json(_facts(one) | {"procedure": one.case.action})
    else:
        print(without_controls(skill_markdown(one)), end="")  # noqa: T201 - the command's result
    return ExitCode.OK


@skills.command()
@run_async
async def export(
    skill: SkillId,
    folder: Annotated[Path, typer.Argument(help="Folder in which the skill's own folder is made.")],
    *,
    force: Annotated[bool, typer.Option("--force", help="Replace a skill of that name.")] = False,
    namespace: Namespace = None,
    as_json: Json = False,
) -> ExitCode:
    """Export a skill as a folder with SKILL.md; its code, where it passes its checks in the sandbox, as a script."""
    import asyncio
    from functools import partial

    from memento.cli.opening import application
    from memento.service.skill_code import code_of, failed_checks
    from memento.service.skill_files import export_skill

    async with application(namespace) as app:
        one = await _found(await app.memory(), skill)
        code = code_of(one.case)
        problem = "" if code is None else await failed_checks(code, await _sandbox(app))
    checked = None if problem else code
    writing = partial(export_skill, one, folder, code=checked, is_replacing=force)
    target = await asyncio.to_thread(writing)
    if as_json:
        script = None if checked is None else f"scripts/{checked.name}.py"
        print_json({"event": "exported", "folder": str(target), "script": script, "problem": problem})
        return ExitCode.OK
    tell(f"exported to {target}")
    if problem:
        tell(f"without its code, whose checks fail: {problem}")
    return ExitCode.OK


@skills.command()
@run_async
async def retire(
    skill: SkillId,
    *,
    reason: Annotated[str, typer.Option(help="Reason, recorded in the audit trail.", prompt="Why")],
    namespace: Namespace = None,
    as_json: Json = False,
) -> ExitCode:
    """Never show a skill again, whatever its trial says. `memento cases restore` brings it back."""
    from memento.cli.cases_lifecycle_report import show_report
    from memento.cli.opening import opened

    async with opened(namespace) as memory:
        one = await _found(memory, skill)
        report = await memory.lifecycle.retire(one.case.id, reason=reason)
        await memory.bank.project_all()
    show_report("retire", report, as_json=as_json)
    return ExitCode.OK


async def _found(memory: "CaseMemory", skill: str) -> "Skill":
    """Find a skill by its name, its id or a unique prefix of that.

    Raises:
        InvalidInput: there is none, or several have that name, or begin so.
    """
    from memento.memory.errors import InvalidInput
    from memento.service.skills import skills_of

    known = await skills_of(memory)
    found = [one for one in known if one.name == skill] or [one for one in known if one.case.id.startswith(skill)]
    if not found:
        raise InvalidInput(
            f"no skill in namespace {memory.namespace!r} has the name {skill!r}, or an id that begins so; "
            "`memento skills list` lists them"
        )
    if len(found) > 1:
        raise InvalidInput(f"{len(found)} skills are named {skill!r} or have an id that begins so; give a longer id")
    return found[0]


async def _sandbox(app: "Application") -> Any:
    import asyncio

    from memento.graph.built_in_tools import sandbox_options
    from memento.tools.sandbox.choice import make_sandbox

    return await make_sandbox(app.settings.sandbox, **await asyncio.to_thread(sandbox_options, app.settings))


def _facts(skill: "Skill") -> dict[str, Any]:
    case = skill.case
    return {
        "event": "skill",
        "case_id": case.id,
        "name": skill.name,
        "description": case.state,
        "case_status": case.status,
        "written_from": len(case.provenance.written_from),
        **{name: value for name, value in skill.trial._asdict().items() if name != "case_id"},
    }
