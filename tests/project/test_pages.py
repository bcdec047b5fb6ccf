"""Pages are true: links lead somewhere, files and targets that they name are there, forms and workflows can be read."""

import importlib.util
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.markdown_pages import ROOT, anchors, links, named_paths, pages, spans

DECISIONS = sorted((ROOT / "docs" / "adr").glob("[0-9]*.md"))
CHECKED = [
    *DECISIONS,
    *(ROOT / name for name in ("CONTRIBUTING.md", "SECURITY.md", "docs/versions.md", "docs/adr/README.md")),
]
"""Pages whose code spans are looked up in the repository."""
GITHUB = ROOT / ".github"
FORMS = sorted(path for path in (GITHUB / "ISSUE_TEMPLATE").glob("*.yml") if path.name != "config.yml")
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))


def by_name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def parsed(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def test_links_of_every_page_lead_to_a_file_and_a_heading() -> None:
    found = [link for page in pages() for link in links(page)]
    assert len(found) > 60
    lost = []
    for link in found:
        target = (link.page.parent / link.path).resolve() if link.path else link.page
        if not target.exists() or not target.is_relative_to(ROOT):
            lost.append(f"{by_name(link.page)}: {link.path}")
        elif link.anchor and target.suffix == ".md" and link.anchor not in anchors(target.read_text(encoding="utf-8")):
            lost.append(f"{by_name(link.page)}: {link.path}#{link.anchor}")
    assert lost == []


@pytest.mark.parametrize("page", CHECKED, ids=by_name)
def test_what_a_page_names_is_in_the_repository(page: Path) -> None:
    paths = set(named_paths(page))
    assert [path for path in sorted(paths) if not any(ROOT.glob(path.rstrip("/")))] == []
    targets = set(re.findall(r"^([\w-]+):.*##", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert {found for span in spans(page) for found in re.findall(r"\bmake ([a-z-]+)", span)} <= targets
    modules = {found for span in spans(page) for found in re.findall(r"\bpython -m (benchmarks\.[a-z]\w*)", span)}
    homes = [ROOT.joinpath(*module.split(".")) for module in sorted(modules)]
    assert [home for home in homes if not (home.with_suffix(".py").is_file() or (home / "__main__.py").is_file())] == []


def test_names_of_files_are_found_and_other_code_is_not(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    text = "`memory/case.py`, `memroy/x.py`, `memory/NAME.py`, `docs/adr/`, `pyproject.toml`, `a/b`, `case.id`"
    text += ", `.venv/bin`, `out/site`"  # what commands make is there or not
    page.write_text(f"{text}\n\n```\n`tools/x.py`\n```\n", encoding="utf-8")
    assert list(named_paths(page)) == ["memory/case.py", "memroy/x.py", "docs/adr/", "pyproject.toml"]
    assert anchors("# A `b` c\n## A b: c!\n## x [y](z)\n") == {"a-b-c", "a-b-c-1", "x-y"}


def test_decisions_are_numbered_listed_and_of_one_shape() -> None:
    listed = re.findall(r"\| (\d+) \| \[([^\]]+)\]\(([^)]+)\) \|", (ROOT / "docs/adr/README.md").read_text("utf-8"))
    assert len(DECISIONS) >= 12
    assert [number for number, _, _ in listed] == [str(number + 1) for number in range(len(DECISIONS))]
    for path, (number, title, target) in zip(DECISIONS, listed, strict=True):
        text = path.read_text(encoding="utf-8")
        assert (path.name, text.partition("\n")[0]) == (target, f"# {number}. {title}")
        assert path.name.startswith(f"{int(number):04d}-")
        assert re.findall(r"(?m)^## (.+)$", text) == [
            *("Context", "Decision", "Consequences", "What was tried instead", "In the code"),
        ]


def test_each_release_says_what_still_loads() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    releases = dict(re.findall(r"(?ms)^## (\S+) \(.*?\)\n(.*?)(?=^## |\Z)", changelog))
    assert set(releases) >= {path.name.partition("-")[0] for path in (ROOT / "tests" / "releases").glob("*.tar.xz")}
    assert [version for version, text in releases.items() if text.count("**Still loads:**") != 1] == []


def release_notes() -> Callable[..., str]:
    spec = importlib.util.spec_from_file_location("release_notes", ROOT / ".ci" / "release_notes.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    notes: Callable[..., str] = module.notes
    return notes


def test_notes_are_those_of_the_version_that_is_tagged_and_dated() -> None:
    notes = release_notes()
    dated = "# Changelog\n\n## 1.1.0 (2026-12-01)\n\n**Still loads:** all.\n\n- New.\n\n## 1.0.0 (2026-11)\n\nOld.\n"
    assert notes(dated, "1.1.0", tag="v1.1.0") == "**Still loads:** all.\n\n- New."
    with pytest.raises(ValueError, match=r"tag v1\.1\.0"):
        notes(dated, "1.1.0", tag="v1.2.0")
    with pytest.raises(ValueError, match="the day of the release"):
        notes(dated.replace("2026-12-01", "unreleased"), "1.1.0", tag="v1.1.0")
    with pytest.raises(ValueError, match="no heading"):
        notes(dated, "1.2.0")
    with pytest.raises(ValueError, match="still loads"):
        notes(dated, "1.0.0")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert notes((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), project["version"])


@pytest.mark.parametrize("path", FORMS, ids=by_name)
def test_a_form_asks_for_something_that_must_be_answered(path: Path) -> None:
    form = parsed(path)
    assert set(form) == {"name", "description", "labels", "body"}
    asked = [part for part in form["body"] if part["type"] != "markdown"]
    assert {part["type"] for part in asked} <= {"textarea", "input", "dropdown", "checkboxes"}
    assert all(part["attributes"]["label"] for part in asked)
    names = [part["id"] for part in asked]
    assert len(set(names)) == len(names)
    assert any(part.get("validations", {}).get("required") for part in asked)


@pytest.mark.parametrize("path", WORKFLOWS, ids=by_name)
def test_a_workflow_has_few_rights_an_end_and_needs_jobs_that_exist(path: Path) -> None:
    workflow = parsed(path)
    assert workflow["permissions"] == {"contents": "read"}
    for name, job in workflow["jobs"].items():
        assert job["timeout-minutes"] <= 60, name
        needed = job.get("needs", [])
        assert set([needed] if isinstance(needed, str) else needed) <= set(workflow["jobs"]), name
        for step in job["steps"]:
            used = step.get("uses", "")
            assert re.fullmatch(r"[\w.-]+/[\w./-]+@(release/)?v\d+", used) or (step["run"] and not used)
            if used.startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False


def test_nothing_is_published_without_a_tag_an_approval_and_all_checks() -> None:
    jobs = parsed(GITHUB / "workflows" / "release.yml")["jobs"]
    publishing = {name: job for name, job in jobs.items() if "permissions" in job}
    assert set(publishing) == {name for name in jobs if name.startswith("publish-")}
    checks = set(jobs) - set(publishing)
    for name in ("publish-pypi", "publish-image"):
        assert publishing[name]["if"] == "github.ref_type == 'tag'"
        assert publishing[name]["environment"]
        assert set(publishing[name]["needs"]) == checks
    assert set(publishing["publish-notes"]["needs"]) == {"publish-pypi", "publish-image"}


def test_checks_before_a_commit_have_the_pinned_versions() -> None:
    pinned = dict(re.findall(r"(?m)^([\w.-]+)==(\S+)$", (ROOT / "constraints.txt").read_text(encoding="utf-8")))
    repositories = parsed(ROOT / ".pre-commit-config.yaml")["repos"]
    versions = {one["repo"]: one["rev"] for one in repositories if one["repo"] != "local"}
    assert versions == {"https://github.com/astral-sh/ruff-pre-commit": f"v{pinned['ruff']}"}
