"""What is planned to be checked: which form versions a declared check fits, and that none of it looks at nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from laktasi.errors import CheckError
from laktasi.quality import plan as plan_module
from laktasi.quality.declared import DeclaredCheck, make_check
from laktasi.quality.plan import Gap, make_plan
from laktasi.questionnaire.compiler import CompiledForm, DeclaredRule, Rule, Unverified
from laktasi.questionnaire.model import Field, Privacy, Questionnaire, Table, ValueType

MESSAGES = {"id": "Ganda.", "en": "Twice."}


def form(version: str, *paths: str, form_id: str = "visit") -> Questionnaire:
    """Make a form version; a path that starts with ``infants/`` stands in a repeat."""
    tables = (Table(form_id, "", None), Table(f"{form_id}__infants", "infants", form_id))
    fields = tuple(
        Field(
            path=path,
            column=path.removeprefix("infants/").replace("/", "__"),
            table=tables[path.startswith("infants/")].name,
            type=ValueType.TEXT,
            labels={},
            hints={},
            privacy=Privacy.NONE,
        )
        for path in paths
    )
    return Questionnaire(form_id, version, "", ("id", "en"), "", "data", fields, (), tables, {}, {})


def by_key(*forms: Questionnaire) -> dict[tuple[str, str], Questionnaire]:
    return {(item.form_id, item.version): item for item in forms}


def declare(kind: str, check_id: str, **more: Any) -> DeclaredCheck:
    return make_check({"id": check_id, "kind": kind, "severity": "error", "message": MESSAGES, **more})


def row(check_id: str, expression: str, **more: Any) -> DeclaredCheck:
    return declare("row", check_id, expression=expression, **more)


def unique(check_id: str, *questions: str, **more: Any) -> DeclaredCheck:
    return declare("unique", check_id, questions=list(questions), **more)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[str]]]:
    """Stand in for the compiler; gives which declared rules each form version was compiled with."""
    seen: list[tuple[str, list[str]]] = []

    def compile_form(
        questionnaire: Questionnaire, declared: Sequence[DeclaredRule] = (), only: str | None = None
    ) -> CompiledForm:
        seen.append((questionnaire.version, [item.id for item in declared]))
        table = questionnaire.tables[0].name
        rules = [Rule("age.required", "required", "age", table, "error", MESSAGES, "true()", "age.required")]
        unverified = [Unverified("place", "constraint", "pulldata(…)", "reads a file that is not at hand")]
        for item in declared:
            if "(((" in item.expression:
                unverified.append(Unverified(item.id, "declared", item.expression, "not XPath"))
            else:
                rules.append(Rule(item.id, "declared", None, table, "error", MESSAGES, item.expression, item.id))
        form_id, version = questionnaire.form_id, questionnaire.version
        return CompiledForm(form_id, version, tuple(rules), tuple(unverified), {table: "SELECT 1"})

    monkeypatch.setattr(plan_module, "compile_form", compile_form)
    return seen


def test_a_row_check_is_asked_of_the_versions_that_have_its_questions(asked: list[tuple[str, list[str]]]) -> None:
    old, new = form("1", "age"), form("2", "age", "danger")
    plan = make_plan(by_key(old, new), [row("danger_seen", "${danger} != 'yes'"), row("adult", "${age} >= 18")])
    assert asked == [("1", ["adult"]), ("2", ["danger_seen", "adult"])]
    reason = "this version does not ask 'danger'"
    assert Gap("visit", "1", "danger_seen", "declared", "${danger} != 'yes'", reason) in plan.gaps
    assert Gap("visit", "2", "place", "constraint", "pulldata(…)", "reads a file that is not at hand") in plan.gaps
    assert len(plan.gaps) == 3
    assert [(item.version, [rule.rule_id for rule in item.rules]) for item in plan.batches] == [
        ("1", ["age.required", "adult"]),
        ("2", ["age.required", "danger_seen", "adult"]),
    ]
    assert len({item.name for item in plan.batches}) == 2


@pytest.mark.usefixtures("asked")
@pytest.mark.parametrize(
    "check", [row("typo", "${agee} >= 18"), unique("typo", "age", "agee"), unique("typo", "age", where="${agee} = 1")]
)
def test_a_check_that_fits_no_form_version_is_an_error(check: DeclaredCheck) -> None:
    with pytest.raises(CheckError, match=r"checks\.yml: check 'typo' asks for 'agee'"):
        make_plan(by_key(form("1", "age"), form("2", "age")), [check])


@pytest.mark.usefixtures("asked")
def test_a_name_that_could_be_two_questions_is_an_error() -> None:
    with pytest.raises(CheckError, match=r"check 'adult': 'age' could be any of mother/age, infant/age"):
        make_plan(by_key(form("1", "mother/age", "infant/age")), [row("adult", "${age} >= 18")])


def test_a_check_of_another_form_is_not_asked_here(asked: list[tuple[str, list[str]]]) -> None:
    checks = [row("here", "${age} > 1", form="visit"), row("elsewhere", "${age} > 1", form="census")]
    forms = by_key(form("1", "age"), form("2", "age", form_id="census"))
    assert [gap for gap in make_plan(forms, checks).gaps if gap.kind == "declared"] == []
    assert asked == [("1", ["here"]), ("2", ["elsewhere"])]


@pytest.mark.usefixtures("asked")
def test_a_check_of_a_form_that_nobody_knows_is_an_error_once_forms_are_known() -> None:
    check = row("elsewhere", "${age} > 1", form="cenus")
    reason = "no version of this form is known yet"
    assert make_plan({}, [check]).gaps == (Gap("cenus", None, "elsewhere", "declared", "${age} > 1", reason),)
    forms = by_key(form("1", "age"), form("1", "age", form_id="census"))
    with pytest.raises(CheckError, match=r"check 'elsewhere' is about the form 'cenus', of which no version") as raised:
        make_plan(forms, [check])
    assert raised.value.why.endswith("Known are: census, visit.")


@pytest.mark.usefixtures("asked")
def test_a_unique_check_is_one_batch_over_all_versions_of_each_form() -> None:
    forms = by_key(form("1", "code"), form("2", "code"), form("1", "code", form_id="census"))
    batches = [item for item in make_plan(forms, [unique("once", "code")]).batches if item.is_set]
    assert [(item.form_id, item.version, item.table) for item in batches] == [
        ("visit", None, "visit"),
        ("census", None, "census"),
    ]
    assert [item.select.count("UNION ALL") for item in batches] == [1, 0]
    assert [(rule.rule_id, rule.kind, rule.severity) for item in batches for rule in item.rules] == [
        ("once", "set", "error"),
        ("once", "set", "error"),
    ]


@pytest.mark.usefixtures("asked")
def test_questions_of_different_tables_cannot_be_compared_together() -> None:
    with pytest.raises(CheckError, match=r"check 'once' compares questions of different tables: visit, visit__infants"):
        make_plan(by_key(form("1", "code", "infants/name")), [unique("once", "code", "name")])


@pytest.mark.usefixtures("asked")
def test_a_where_that_cannot_be_compiled_is_an_error_that_names_the_check() -> None:
    with pytest.raises(CheckError, match=r"check 'once': its 'where' cannot be used: the expression '\${code}\) = 1'"):
        make_plan(by_key(form("1", "code")), [unique("once", "code", where="${code}) = 1")])


@pytest.mark.usefixtures("asked")
def test_an_expression_that_compiles_for_no_version_is_an_error() -> None:
    with pytest.raises(CheckError, match=r"check 'adult' cannot be asked: not XPath"):
        make_plan(by_key(form("1", "age"), form("2", "age")), [row("adult", "(((${age}")])


@pytest.mark.usefixtures("asked")
def test_no_form_at_hand_is_nothing_to_check() -> None:
    assert make_plan({}, [row("adult", "${age} >= 18")]).batches == ()


@pytest.mark.usefixtures("asked")
def test_row_batches_come_first_and_measures_last() -> None:
    checks = [
        declare("share", "few", of="${age} = ''", at_most=0.1),
        declare("near_others", "near", question="age", at_most=1, by="all"),
        unique("once", "code"),
        row("adult", "${age} >= 18"),
    ]
    number = replace(form("1", "age", "code"), fields=(*_numbers("age"), *form("1", "code").fields))
    batches = make_plan(by_key(number), checks).batches
    assert [(item.shape, item.is_set, item.rules[-1].rule_id, item.rules[-1].kind) for item in batches] == [
        ("rows", False, "adult", "declared"),
        ("verdicts", True, "near", "set"),
        ("unique", True, "once", "set"),
        ("measures", True, "few", "group"),
    ]
    assert [(item.low, item.high) for item in batches] == [(None, None)] * 3 + [(None, 0.1)]
    assert [item.rules[-1].field for item in batches] == [None, "age", None, None]
    assert all(item.version is None for item in batches[1:])


def _numbers(*paths: str) -> tuple[Field, ...]:
    return tuple(replace(item, type=ValueType.INTEGER) for item in form("1", *paths).fields)


@pytest.mark.usefixtures("asked")
def test_a_version_that_lacks_a_question_is_a_gap_of_a_check_over_the_set_too() -> None:
    check = declare("same_as_earlier", "fixed", questions=["born"], subject="code")
    plan = make_plan(by_key(form("1", "code"), form("2", "code", "born")), [check])
    (gap,) = [gap for gap in plan.gaps if gap.field == "fixed"]
    assert (gap.version, gap.kind, gap.reason) == ("1", "set", "this version does not ask 'born'")
    (batch,) = [item for item in plan.batches if item.is_set]
    assert "'2'" in batch.select
    assert "'1'" not in batch.select


@pytest.mark.usefixtures("asked")
@pytest.mark.parametrize("kind", ["clock", "outdated_version", "near_duplicate"])
def test_a_check_that_names_no_question_names_its_form(kind: str) -> None:
    with pytest.raises(ValueError, match=r"it asks for no question; .* or say which 'form' it is about"):
        declare(kind, "x")
    assert declare(kind, "x", form="visit").form == "visit"


@pytest.mark.usefixtures("asked")
def test_what_the_set_cannot_be_asked_names_the_check() -> None:
    checks = (
        (declare("clock", "x", form="visit"), "check 'x': the form 'visit' keeps neither start nor end"),
        (declare("outlier", "x", question="age"), "check 'x': 'age' is of type text, and a number is needed"),
        (declare("matches", "x", question="age", in_form="v"), "check 'x' compares with the form 'v', of which no"),
        (declare("listed", "x", question="age", list="a.csv"), "check 'x': schemas/a.csv: a check needs this file"),
    )
    for check, said in checks:
        with pytest.raises(CheckError) as raised:
            make_plan(by_key(form("1", "age")), [check])
        assert raised.value.what.startswith(f"checks.yml: {said}")


@pytest.mark.usefixtures("asked")
def test_groups_without_a_study_are_questions_called_so() -> None:
    check = declare("share", "x", of="${age} = ''", at_most=0.1, by="centre")
    with pytest.raises(CheckError, match="check 'x': no version of the form 'visit' asks 'centre'"):
        make_plan(by_key(form("1", "age")), [check])
    (batch,) = [item for item in make_plan(by_key(form("1", "age", "centre")), [check]).batches if item.is_set]
    assert 'r."centre"' in batch.select
    secret = replace(
        form("1", "age"), fields=tuple(replace(f, privacy=Privacy.DIRECT) for f in form("1", "age", "centre").fields)
    )
    with pytest.raises(CheckError, match="check 'x': groups by 'centre', which is marked as a direct identifier"):
        make_plan(by_key(secret), [check])
