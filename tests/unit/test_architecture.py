"""The rooms stand in an order, and none imports a later one."""

import ast
from pathlib import Path

import pytest

from laktasi.paths import HOUSE

SRC = HOUSE / "src" / "laktasi"
COMMON = {
    "back_checks",
    "durable",
    "errors",
    "paths",
    "records",
    "scratch",
    "sealing",
    "secret",
    "settings",
    "study",
    "targets",
    "yamlfile",
}
JOINERS = {
    *("forms", "inclusion"),
    *("pipeline", "analysing", "reproducing", "releasing", "mirror", "back_checking", "feedback", "publishing"),
    *("fieldkit", "workplace", "summary", "notifying", "backing_up"),
    *("setting_up", "doctor", "service"),
    *("anyfile", "desk", "cli", "forgetting", "moving"),
}
MAY_IMPORT = {
    "questionnaire": COMMON | {"questionnaire"},
    "odk": COMMON | {"odk"},
    "store": COMMON | {"questionnaire", "store"},
    "quality": COMMON | {"questionnaire", "store", "quality"},
    "analysis": {"analysis"},
    "report": COMMON | {"report"},
    "release": COMMON | {"questionnaire", "store", "report", "release"},
}


def imported(path: Path) -> set[str]:
    """Give the full names of all modules that a file imports, wherever in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def rooms_of(names: set[str]) -> set[str]:
    return {name.split(".")[1] for name in names if name.startswith("laktasi.")}


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_no_room_imports_a_later_one(room: str) -> None:
    files = sorted((SRC / room).rglob("*.py"))
    assert files
    wrong = {
        str(path.relative_to(SRC)): sorted(extra)
        for path in files
        if (extra := rooms_of(imported(path)) & set(MAY_IMPORT) - MAY_IMPORT[room] | rooms_of(imported(path)) & JOINERS)
    }
    assert wrong == {}


def test_everything_is_a_room_a_joiner_or_for_all() -> None:
    there = {path.stem for path in SRC.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert there - {"__init__"} == COMMON | JOINERS | set(MAY_IMPORT)


def test_only_the_command_that_starts_a_flow_knows_prefect() -> None:
    knows = {
        str(path.relative_to(SRC))
        for path in SRC.rglob("*.py")
        for name in imported(path)
        if name.startswith("prefect")
    }
    assert knows <= {"cli/run.py"}


def test_nothing_in_the_code_knows_the_study_by_name() -> None:
    words = ("mopuya", "oxytocin", "postpartum", "massage", "oksitosin")
    told = {"cli/run.py"}  # the demo names the sample it ships
    wrong = []
    for path in SRC.rglob("*.py"):
        if str(path.relative_to(SRC)) not in told:
            said = "".join(_strings_and_names(path)).lower()
            wrong += [f"{path.relative_to(SRC)}: {word}" for word in words if word in said]
    assert wrong == []


def _strings_and_names(path: Path) -> list[str]:
    """Give what runs: names and strings, docstrings (where an example may name the study) left out."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    docs = {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    return [
        node.id if isinstance(node, ast.Name) else str(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) or (isinstance(node, ast.Constant) and id(node) not in docs)
    ]
