"""A form version that was fielded once stays: that it lacks a question asked for later stops no run, and is said."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from laktasi import back_checking, inclusion
from laktasi.errors import CheckError, QuestionnaireError
from laktasi.paths import Project
from laktasi.questionnaire.model import Questionnaire
from laktasi.questionnaire.predicates import lacking, predicate_over
from laktasi.questionnaire.xform import parse
from tests.warehouse_fixture import FORM, STUDY, form

NEW = parse(form("2").xform, {})
OLD = replace(
    NEW, version="1", fields=tuple(item for item in NEW.fields if item.column not in ("massage", "mother__age"))
)
BOTH = {(FORM, "1"): OLD, (FORM, "2"): NEW}
SCHEMAS = {
    "study.yml": {
        "study": "example",
        "title": {"en": "Milk"},
        "form": FORM,
        "roles": {"centre": "centre", "enumerator": "enumerator"},
        "variables": {},
        "analyses": [],
    },
    "back_checks.yml": {
        "original": {"form": FORM, "match": ["weight"], "where": "${mother/age} > 17"},
        "back_check": {"form": "again", "match": ["weight"], "checker": "enumerator", "where": "${massage} = 'yes'"},
        "variables": {"weight": {"original": "weight", "back_check": "weight", "type": 1}},
        "alarms": {1: 0.1},
        "sample": {"share": 0.2, "seed": 1},
    },
}


def asks_of(version: str, select: str | None) -> bool:
    """Say whether a select reads records of a form version."""
    return f"'{version}'" in str(select)


def test_a_name_is_lacking_where_it_stands_for_no_node() -> None:
    names = "${mother/age} ${age} ${mother__age} ${mother} ${massage} ${massage}"
    assert lacking(NEW, names) == ()
    assert lacking(OLD, names) == ("mother/age", "age", "mother__age", "massage")


def test_versions_that_have_the_questions_are_asked() -> None:
    assert predicate_over([OLD, NEW], "${massage} = 'yes'") == predicate_over([NEW], "${massage} = 'yes'")
    assert predicate_over([OLD, NEW], "${centre} = 'c1'").count("UNION ALL") == 1
    with pytest.raises(QuestionnaireError, match=r"version '2'.*massag"):
        predicate_over([OLD, NEW], "${massag} = 'yes'")


def test_who_counts_is_asked_of_the_versions_that_tell() -> None:
    study = replace(STUDY, include="${massage} = 'yes'")
    select = inclusion.included(study, BOTH)
    assert asks_of("2", select)
    assert not asks_of("1", select)
    assert inclusion.left_out(study, BOTH) == ["visit 1 ('include' in study.yml asks for massage)"]
    assert inclusion.left_out(replace(STUDY, include="${centre} = 'c1'"), BOTH) == []
    assert inclusion.left_out(STUDY, BOTH) == inclusion.left_out(None, BOTH) == []


def project(root: Path) -> Project:
    (root / "schemas").mkdir()
    for name, content in SCHEMAS.items():
        (root / "schemas" / name).write_text(yaml.safe_dump(content), encoding="utf-8")
    return Project(root)


def again(item: Questionnaire) -> Questionnaire:
    table = item.tables[0].name
    return replace(
        item,
        form_id="again",
        fields=tuple(replace(one, table=one.table.replace(table, "again")) for one in item.fields),
        tables=tuple(replace(one, name=one.name.replace(table, "again")) for one in item.tables),
    )


def test_back_checks_are_asked_of_the_versions_that_tell(tmp_path: Path) -> None:
    folder = project(tmp_path)
    forms = BOTH | {("again", item.version): again(item) for item in BOTH.values()}
    found = back_checking.comparison_of(folder, forms)
    assert found is not None
    for select in (found.original_where, found.back_check_where):
        assert asks_of("2", select)
        assert not asks_of("1", select)
    assert back_checking.left_out(folder, forms) == [
        "visit 1 ('where' in back_checks.yml asks for mother/age)",
        "again 1 ('where' in back_checks.yml asks for massage)",
    ]
    with pytest.raises(CheckError, match="'where' of 'back_check' cannot be used"):
        back_checking.comparison_of(folder, forms | {("again", "2"): again(replace(OLD, version="2"))})
