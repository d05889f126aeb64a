"""schemas/checks.yml: what is read, and that nothing that is not understood gets by."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from laktasi.errors import CheckError
from laktasi.quality.declared import DeclaredCheck, read_checks

GOOD = """
checks:
  - id: massage_in_spite
    kind: row
    expression: not(${danger} = 'yes' and ${ massage/performed } = 'yes')
    severity: error
    message:
      id: Ada tanda bahaya, tetapi pijat tetap dilakukan.
      en: A danger sign was recorded and the massage was given all the same.
  - id: one_visit_each
    kind: unique
    form: visit
    questions: [mother_code, visit_number]
    where: ${consent} = 'yes'
    severity: warning
    message: {id: Ganda., en: Twice.}
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "checks.yml"
    path.write_text(dedent(text), encoding="utf-8")
    return path


def test_both_kinds_are_read_as_they_stand(tmp_path: Path) -> None:
    row, unique = read_checks(written(tmp_path, GOOD))
    assert row == DeclaredCheck(
        id="massage_in_spite",
        kind="row",
        severity="error",
        messages={
            "id": "Ada tanda bahaya, tetapi pijat tetap dilakukan.",
            "en": "A danger sign was recorded and the massage was given all the same.",
        },
        parameters={"expression": "not(${danger} = 'yes' and ${ massage/performed } = 'yes')"},
        names=("danger", "massage/performed"),
    )
    assert row.expression == "not(${danger} = 'yes' and ${ massage/performed } = 'yes')"
    assert unique == DeclaredCheck(
        id="one_visit_each",
        kind="unique",
        severity="warning",
        messages={"id": "Ganda.", "en": "Twice."},
        form="visit",
        where="${consent} = 'yes'",
        parameters={"questions": ("mother_code", "visit_number")},
        names=("mother_code", "visit_number", "consent"),
    )
    assert unique.expression == "unique(questions: mother_code visit_number) where ${consent} = 'yes'"


def test_a_check_may_tell_of_an_adverse_event_unless_it_is_about_groups(tmp_path: Path) -> None:
    row, unique = read_checks(written(tmp_path, GOOD.replace("kind: row", "kind: row\n    adverse_event: true")))
    assert row.is_adverse_event
    assert not unique.is_adverse_event
    silent = """
    checks:
      - {id: quiet, kind: silent, form: visit, by: centre, at_most: 30, severity: warning, adverse_event: true,
         message: {id: Sepi., en: Silent.}}
    """
    with pytest.raises(CheckError, match="check 'quiet': 'adverse_event' is about a record"):
        read_checks(written(tmp_path, silent))


@pytest.mark.parametrize("text", ["checks: []", "checks:"])
def test_no_checks_are_no_checks(tmp_path: Path, text: str) -> None:
    assert read_checks(written(tmp_path, text)) == ()
    assert read_checks(tmp_path / "absent.yml") == ()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("kind: row", "kind: rwo", "check 'massage_in_spite': unknown kind 'rwo'; known are row, "),
        ("    kind: row\n", "", "check 'massage_in_spite': 'kind' is missing"),
        ("severity: error", "severity: fatal", "check 'massage_in_spite': unknown severity 'fatal'"),
        ("    severity: error\n", "", "check 'massage_in_spite': 'severity' is missing"),
        ("kind: row", "kind: row\n    mostly: 0.9", "check 'massage_in_spite': unknown key 'mostly'"),
        (
            "kind: row",
            "kind: row\n    questions: [x]",
            "check 'massage_in_spite': unknown key 'questions'; a row check knows id, kind, form, where, severity,"
            " message, adverse_event, expression",
        ),
        ("    kind: unique\n", "    kind: unique\n    kind: row\n", "'kind' stands twice"),
        ("id: one_visit_each", "id: massage_in_spite", "check 'massage_in_spite' stands there twice"),
        ("id: massage_in_spite", "id: Massage in spite", "check number 1 needs an id"),
        (
            "message: {id: Ganda., en: Twice.}",
            "message: {en: Twice.}",
            "check 'one_visit_each': its message is missing in id",
        ),
        ("    message: {id: Ganda., en: Twice.}\n", "", "check 'one_visit_each': its message is missing in id and en"),
        ("en: Twice.", "'en': 'Twice: ${mother_code}'", "check 'one_visit_each': its message quotes an answer"),
        ("[mother_code, visit_number]", "[]", "check 'one_visit_each': 'questions' must be a list of one or more"),
        (
            "[mother_code, visit_number]",
            "mother_code",
            "check 'one_visit_each': 'questions' must be a list of one or more",
        ),
        ("[mother_code, visit_number]", "[a, a]", "check 'one_visit_each': 'questions' must name each once"),
        (
            "    questions: [mother_code, visit_number]\n",
            "",
            "check 'one_visit_each': a unique check needs 'questions'",
        ),
        ("where: ${consent} = 'yes'", "where: yes", "check 'one_visit_each': 'where' must be text"),
        (
            "kind: row",
            "kind: row\n    adverse_event: 'yes'",
            "check 'massage_in_spite': 'adverse_event' must be true or false",
        ),
        (
            "not(${danger} = 'yes' and ${ massage/performed } = 'yes')",
            "true()",
            "check 'massage_in_spite': it asks for no question",
        ),
    ],
)
def test_what_is_not_understood_is_an_error_that_names_file_and_check(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    assert old in GOOD
    path = written(tmp_path, GOOD.replace(old, new))
    with pytest.raises(CheckError) as raised:
        read_checks(path)
    assert raised.value.what.startswith("checks.yml: ")
    assert said in raised.value.what
    assert str(path) in raised.value.next_step


@pytest.mark.parametrize("text", ["- id: x", "checks: {a: 1}", "rules: []", "checks: [}", "checks: [x]"])
def test_a_file_of_another_shape_is_an_error(tmp_path: Path, text: str) -> None:
    with pytest.raises(CheckError, match=r"checks\.yml: "):
        read_checks(written(tmp_path, text))


def test_a_file_in_another_encoding_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "checks.yml"
    path.write_bytes(GOOD.replace("Twice", "Th\xe9").encode("latin-1"))
    with pytest.raises(CheckError, match=r"checks\.yml: not UTF-8 text"):
        read_checks(path)
