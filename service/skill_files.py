"""Exports a skill as a folder of the Agent Skills format: SKILL.md, and its code as a script where that passes."""

import json
from pathlib import Path
from typing import Final

from memento.memory.errors import InvalidInput
from memento.service.skill_code import SkillCode
from memento.service.skills import Skill, skill_name

SKILL_FILE: Final = "SKILL.md"


def skill_markdown(skill: Skill) -> str:
    """Return the text of SKILL.md: name and description as YAML, then the procedure."""
    case, name = skill.case, skill_name(skill.name)
    front = [
        f"name: {name}",
        f"description: {_quoted(' '.join(case.state.split()))}",
        "metadata:",
        f"  memento-case: {_quoted(case.id)}",
        f"  memento-trial: {_quoted(skill.trial.text)}",
        f"  written-from: {_quoted(f'{len(case.provenance.written_from)} cases')}",
    ]
    title = name.replace("-", " ").capitalize()
    return "\n".join(["---", *front, "---", "", f"# {title}", "", case.action.strip(), ""])


def export_skill(skill: Skill, folder: Path, *, code: SkillCode | None = None, is_replacing: bool = False) -> Path:
    """Write a skill into a folder of its name.

    Args:
        skill: the skill.
        folder: that its folder is made in.
        code: code that has passed its checks, written as a script.
        is_replacing: whether a SKILL.md of that name may be replaced.

    Returns:
        The skill's folder.

    Raises:
        InvalidInput: there is such a file, or it cannot be written.
    """
    target = folder / skill_name(skill.name)
    file = target / SKILL_FILE
    try:
        if file.exists() and not is_replacing:
            raise InvalidInput(f"{file} is there already; --force replaces it")
        target.mkdir(parents=True, exist_ok=True)
        file.write_text(skill_markdown(skill), encoding="utf-8")
        if code is not None:
            scripts = target / "scripts"
            scripts.mkdir(exist_ok=True)
            (scripts / f"{code.name}.py").write_text(code.source + "\n", encoding="utf-8")
    except OSError as error:
        raise InvalidInput(f"{file} cannot be written: {error.strerror or error}") from error
    return target


def _quoted(text: str) -> str:
    """A YAML string in double quotes, of which JSON's are a part."""
    return json.dumps(text, ensure_ascii=False)
