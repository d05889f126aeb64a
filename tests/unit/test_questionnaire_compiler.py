"""The rules that a form implies: which there are, what they find, and what is said to be unverifiable."""

from __future__ import annotations

import duckdb
import pytest

from laktasi.errors import QuestionnaireError
from laktasi.questionnaire.compiler import DeclaredRule, Unverified, compile_form
from laktasi.questionnaire.predicates import predicate_sql
from laktasi.questionnaire.xform import parse
from tests.questionnaire_fixture import Row, fill, findings, judge, read, survey

COLUMNS = " required | relevant | constraint | calculation | choice_filter | bind::type |"
CHOICES = ("yn | yes | Yes |", "yn | no | No |", "town | a | A | north", "town | b | B | south")


def declared(expression: str, rule_id: str = "plausible") -> DeclaredRule:
    return DeclaredRule(rule_id, expression, "warning", {"id": "Aneh.", "en": "Odd."})


def test_type() -> None:
    form = read(survey("integer | n | n |", "date | d | d |", "text | t | t |"))
    assert findings(form, {"n": "12", "d": "2026-11-21", "t": "anything"}) == set()
    assert findings(form, {}) == set()
    assert findings(form, {"n": "12.5", "d": "21 Nov"}) == {"n.type", "d.type"}


def test_required_is_asked_of_relevant_questions_only() -> None:
    form = read(
        survey(
            "select_one yn | s | s |",
            "text | always | a | yes",
            "text | often | o | ${s} != 'no'",
            "text | gated | g | yes | ${s} = 'yes'",
            "note | shown | Read this. | yes",
            columns=COLUMNS,
            choices=CHOICES,
        )
    )
    assert findings(form, {"s": "yes"}) == {"always.required", "often.required", "gated.required"}
    # nothing chosen is not 'no', so the answer is required: two values, not three
    assert findings(form, {}) == {"always.required", "often.required"}
    assert findings(form, {"s": "no", "always": "x"}) == set()


def test_relevance_is_that_of_the_groups_around_too() -> None:
    form = read(
        survey(
            "integer | n | n |",
            "begin_group | outer | o | | ${n} > 1",
            "begin_group | inner | i | | ${n} < 5",
            "text | deep | d | yes | ${n} != 3",
            "end_group | |",
            "end_group | |",
            columns=COLUMNS,
        )
    )
    rule = "outer__inner__deep.relevant"
    good = {n: judge(form, {"n": n, "outer__inner__deep": "x"})[rule] for n in ("0", "2", "3", "5")}
    assert good == {"0": False, "2": True, "3": False, "5": False}
    assert not judge(form, {"outer__inner__deep": "x"})[rule]
    assert judge(form, {"n": "2"})["outer__inner__deep.required"] is False
    assert judge(form, {"n": "3"})["outer__inner__deep.required"] is True


def test_an_irrelevant_answer_counts_as_empty_for_the_others() -> None:
    form = read(
        survey(
            "integer | n | n |",
            "integer | hidden | h | | ${n} = 1",
            "text | after | a | yes | ${hidden} = ''",
            "calculate | sum | | | | | coalesce(${hidden}, 0) + 1 | | int",
            columns=COLUMNS,
        )
    )
    answers: Row = {"n": "2", "hidden": "9", "sum": "1"}
    assert findings(form, answers) == {"hidden.relevant", "after.required"}
    assert findings(form, {**answers, "n": "1", "sum": "10"}) == set()


def test_constraint_is_asked_only_of_relevant_answers_of_the_right_type() -> None:
    form = read(
        survey(
            "integer | n | n | | | . > 3",
            "integer | gated | g | | ${n} > 10 | . > 3",
            "calculate | never | | | | . > 3 | 1",
            columns=COLUMNS,
        )
    )
    assert "never.constraint" not in judge(form)
    assert findings(form, {"never": "1"}) == set()
    assert findings(form, {"n": "3", "never": "1"}) == {"n.constraint"}
    assert findings(form, {"n": "x", "never": "1"}) == {"n.type"}
    assert findings(form, {"n": "4", "gated": "1", "never": "1"}) == {"gated.relevant"}


def test_choices_are_those_of_the_list_and_of_its_filter() -> None:
    form = read(
        survey(
            "text | where | w |",
            "select_one town | town | t | | | | | region = ${where}",
            "select_multiple yn | many | m |",
            "select_one_from_file c.csv | centre | c |",
            columns=COLUMNS,
            choices=CHOICES,
        ),
        {"c.csv": b"name,label\nc1,One\n"},
    )
    assert findings(form, {"where": "north", "town": "a", "many": "no yes", "centre": "c1"}) == set()
    assert findings(form, {"where": "north", "town": "b"}) == {"town.choice"}
    assert findings(form, {"town": "a", "many": "yes maybe", "centre": "c2"}) == {
        "town.choice",
        "many.choice",
        "centre.choice",
    }
    # a choice is a whole token, never a part of one
    assert findings(form, {"many": "ye"}) == {"many.choice"}


def test_each_version_has_its_own_choices() -> None:
    old = read(survey("select_one yn | s | s |", choices=("yn | yes | Yes |",)))
    new = read(survey("select_one yn | s | s |", choices=("yn | no | No |",)).replace("| small | 1 |", "| small | 2 |"))
    with duckdb.connect() as con:
        for form in (old, new):
            fill(con, form, {"small": [{"_submission_id": f"uuid:{form.version}", "s": "yes"}]})
        sql = {form.version: compile_form(form).checks_sql("small") for form in (old, new)}
        assert con.execute(sql["1"]).fetchall() == [("uuid:1", "", True)]
        assert con.execute(sql["2"]).fetchall() == [("uuid:2", "", False)]


@pytest.mark.parametrize(
    ("calculation", "bind", "stored", "good"),
    [
        ("${n} * 1.1", "decimal", "3.3000000000000003", True),
        ("${n} * 1.1", "decimal", "3.3", True),  # another engine may add in another order
        ("${n} * 1.1", "decimal", "3.30001", False),
        ("${n} * 1.1", "int", "3", True),
        ("${n} + 0", "", "3", True),
        ("${n} + 0", "", "4", False),
        ("${n} + 0", "", "three", False),
        ("${n} + 0", "", None, False),
        ("${n} div 0", "", "7", False),
        ("${n} div 0", "", "Infinity", True),
        ("${gap} + 1", "", None, True),  # NaN is stored as nothing
        ("${gap} + 1", "", "1", False),
        ("concat('a', ${n})", "", "a3", True),
        ("concat('a', ${n})", "", "A3", False),
        ("concat('a', ${n})", "", "a3 ", True),
        ("${n} > 2", "", "1", True),
        ("${n} > 2", "", "true", True),
        ("${n} > 2", "", "7", False),
        ("if(${n} > 2, 'many', ${n})", "", "many", True),
        ("if(${n} > 3, 'many', ${n})", "", "3.0", True),
        ("if(${n} > 3, 'many', ${n})", "", "many", False),
        ("date('2024-02-28') + 1", "date", "2024-02-29", False),  # a number of days in a date's node
        ("date('2024-02-28')", "date", "2024-02-28", True),
        ("date('2024-02-28')", "date", "2024-02-289", False),
        ("date('2024-02-28')", "", "2024-02-28T00:00:00.000+08:00", True),
    ],
)
def test_calculation(calculation: str, bind: str, stored: str | None, good: bool) -> None:
    form = read(
        survey(
            "integer | n | n |",
            "text | gap | g |",
            f"calculate | c | | | | | {calculation} | | {bind}",
            columns=COLUMNS,
        )
    )
    assert judge(form, {"n": "3", "c": stored})["c.calculation"] is good


def test_a_rule_sees_the_recomputed_calculation_not_the_stored_one() -> None:
    form = read(
        survey(
            "integer | n | n |",
            "calculate | twice | | | | | ${n} * 2 | | int",
            "text | why | w | yes | ${twice} > 5",
            columns=COLUMNS,
        )
    )
    assert findings(form, {"n": "3", "twice": "1"}) == {"twice.calculation", "why.required"}


def test_repeats_look_at_their_own_instance_and_at_the_form() -> None:
    form = read(
        survey(
            "integer | most | m |",
            "begin_repeat | kid | k |",
            "integer | age | a | yes | | . <= ${most}",
            "begin_repeat | toy | t |",
            "integer | price | p | | ${age} > 1",
            "end_repeat | |",
            "calculate | spent | | | | | sum(${price}) | | int",
            "end_repeat | |",
            "calculate | total | | | | | sum(${age}) | | int",
            "calculate | toys | | | | | count(${toy}) | | int",
            columns=COLUMNS,
        )
    )
    assert [table.name for table in form.tables] == ["small", "small__kid", "small__kid__toy"]
    rows: dict[str, list[Row]] = {
        "small__kid": [
            {"_row": "1", "age": "5", "spent": "7"},
            {"_row": "2", "age": "9", "spent": "0"},
            {"_row": "3", "spent": "0"},
        ],
        "small__kid__toy": [
            {"_row": "1.1", "price": "3"},
            {"_row": "1.2", "price": "4"},
            {"_row": "3.1", "price": "8"},
        ],
    }
    assert findings(form, {"most": "6", "total": "14", "toys": "3"}, rows=rows) == {
        "kid__age.constraint@2",
        "kid__age.required@3",
        "kid__toy__price.relevant@3.1",
    }


def test_the_same_words_inside_and_outside_a_repeat_mean_all_instances() -> None:
    """JavaRosa computes them once; alone in the repeat they mean the instance they stand in (seen in 5.1)."""
    inside = (
        "begin_repeat | kid | k |",
        "text | a | a |",
        "calculate | n | | | | | count(/data/kid) | | int",
        "end_repeat | |",
    )
    outside = "calculate | all | | | | | count(/data/kid) | | int"
    rows: dict[str, list[Row]] = {"small__kid": [{"_row": "1", "n": "1"}, {"_row": "2", "n": "1"}]}
    alone = read(survey(*inside, columns=COLUMNS))
    assert findings(alone, rows=rows) == set()
    both = read(survey(*inside, outside, columns=COLUMNS))
    assert findings(both, {"all": "2"}, rows=rows) == {"kid__n.calculation@1", "kid__n.calculation@2"}


def test_the_clock_is_the_phones() -> None:
    form = read(
        survey(
            "start | start | |",
            "end | end | |",
            "date | birth | b | | | . <= today()",
            "calculate | age | | | | | today() - ${birth} | | int",
            "calculate | made | | | | | now()",
            columns=COLUMNS,
        )
    )
    assert compile_form(form).unverified == (
        Unverified("made", "calculation", "now()", "now() was another moment when it was computed"),
    )
    one_day: Row = {"start": "2026-11-21T08:00:00.000+08:00", "end": "2026-11-21T09:00:00.000+08:00"}
    assert findings(form, {**one_day, "birth": "2026-11-21", "age": "0"}) == set()
    assert findings(form, {**one_day, "birth": "2026-11-22", "age": "-1"}) == {"birth.constraint"}
    assert findings(form, {**one_day, "birth": "2026-11-20", "age": "2"}) == {"age.calculation"}
    # over midnight the age may be of either day, and the constraint is asked again at the end
    two_days: Row = {**one_day, "start": "2026-11-20T23:00:00.000+08:00"}
    assert findings(form, {**two_days, "birth": "2026-11-19", "age": "1"}) == set()
    assert findings(form, {**two_days, "birth": "2026-11-21", "age": "0"}) == set()


def test_what_cannot_be_verified_is_listed_with_its_reason() -> None:
    form = read(
        survey(
            "text | t | t |",
            "calculate | once | | | | | once(random())",
            "calculate | lost | | | | | pulldata('c', 'x', 'name', ${t})",
            "text | open | o | | | | concat(${t}, '!')",
            "date | d | d | | | . < today()",
            "text | gate | g | | no-such(${t})",
            "text | behind | b | yes | no-such(${t})",
            columns=COLUMNS,
        )
    )
    reasons = {(item.field, item.kind): item.reason for item in compile_form(form).unverified}
    assert set(reasons) == {
        ("once", "calculation"),
        ("lost", "calculation"),
        ("open", "calculation"),
        ("d", "constraint"),
        ("gate", "relevant"),
        ("behind", "relevant"),
        ("behind", "required"),
    }
    assert reasons["lost", "calculation"] == "the file c.csv of this form version is not at hand"
    assert reasons["d", "constraint"].startswith("the form keeps no time of its interviews")
    assert reasons["behind", "required"].startswith("whether it was asked cannot be told")


def test_a_triggered_calculation_and_choices_from_a_repeat_are_not_guessed() -> None:
    form = read(
        survey(
            "begin_repeat | kid | k |",
            "text | called | c |",
            "end_repeat | |",
            "select_one ${called} | which | w |",
            "calculate | when | | | | | now() | | | ${which}",
            columns=f"{COLUMNS} trigger |",
        )
    )
    kinds = {(item.field, item.kind) for item in compile_form(form).unverified}
    assert kinds == {("which", "choice"), ("when", "calculation")}


def test_no_verdict_is_ever_null() -> None:
    form = read(
        survey(
            "start | start | |",
            "integer | n | n | ${m} > 1 | ${d} > today() | . > ${m} and not(. = ${t})",
            "decimal | m | m |",
            "text | t | t | | | regex(., '[a-z]+')",
            "date | d | d | | | . > date(${m})",
            "geopoint | g | g |",
            "select_one town | town | t | | | | | region = ${t}",
            "calculate | c | | | | | if(${n} > 1, ${m}, ${t}) = ${d}",
            columns=COLUMNS,
            choices=CHOICES,
        )
    )
    everything = ("", None, "0", "-1.5", "abc", "2024-02-30", "2024-02-29", "1 2", "a", "NaN", "Infinity", "9" * 400)
    for text in everything:
        answers = dict.fromkeys(("start", "n", "m", "t", "d", "g", "town", "c"), text)
        assert None not in judge(form, answers).values(), text


def test_rule_ids_are_the_columns_and_messages_the_forms_own() -> None:
    form = read(
        "| survey |\n"
        "| | type | name | label::Indonesia (id) | constraint | constraint_message::Indonesia (id) |\n"
        "| | begin_group | mother | Ibu |\n"
        "| | integer | age | Umur | . > 14 | Terlalu muda |\n"
        "| | end_group |\n"
        "| settings |\n| | form_id | version |\n| | small | 1 |"
    )
    rules = {rule.rule_id: rule for rule in compile_form(form).rules}
    assert set(rules) == {"mother__age.type", "mother__age.constraint"}
    rule = rules["mother__age.constraint"]
    assert (rule.field, rule.column, rule.expression) == ("mother__age", "mother__age__constraint", ". > 14")
    assert rule.messages["id"] == "Terlalu muda"
    assert rule.messages["en"] == "The answer is outside what the questionnaire allows."
    assert set(rules["mother__age.type"].messages) == {"id", "en"}


def test_calculations_of_metadata_only_warn() -> None:
    form = read(survey("text | t | t |", settings="").replace("| version |", "| version | instance_name |") + "${t} |")
    severities = {rule.rule_id: rule.severity for rule in compile_form(form).rules}
    assert severities == {"meta__instanceName.calculation": "warning"}


def test_declared_rules() -> None:
    form = read(
        survey(
            "integer | a | a |",
            "begin_group | g | g |",
            "integer | b | b |",
            "end_group | |",
            "begin_repeat | kid | k |",
            "integer | w | w |",
            "end_repeat | |",
        )
    )
    asked = [declared("${a} >= ${b}"), declared("${w} > ${a}", "heavy"), declared("${gone} = 1", "absent")]
    compiled = compile_form(form, [*asked, declared("count(${kid}) < 3", "few")])
    rules = {rule.rule_id: rule for rule in compiled.rules if rule.kind == "declared"}
    assert {name: rule.table for name, rule in rules.items()} == {
        "plausible": "small",
        "heavy": "small__kid",
        "few": "small",
    }
    assert (rules["heavy"].severity, rules["heavy"].field, rules["heavy"].expression) == (
        "warning",
        None,
        "${w} > ${a}",
    )
    assert [(item.field, item.kind) for item in compiled.unverified] == [("absent", "declared")]
    assert "gone" in compiled.unverified[0].reason
    rows: dict[str, list[Row]] = {"small__kid": [{"_row": "1", "w": "1"}, {"_row": "2", "w": "5"}]}
    assert findings(form, {"a": "2", "g__b": "3"}, rows=rows, compiled=compiled) == {"plausible", "heavy@1"}


def test_predicate_selects_submissions_of_its_version() -> None:
    form = read(survey("text | consent | c |", "integer | age | a |"))
    rows: list[Row] = [
        {"_submission_id": "uuid:1", "consent": "yes", "age": "20"},
        {"_submission_id": "uuid:2", "consent": "yes"},
        {"_submission_id": "uuid:3", "consent": "no", "age": "20"},
        {"_submission_id": "uuid:4", "consent": "yes", "age": "20", "_form_version": "0"},
    ]
    with duckdb.connect() as con:
        fill(con, form, {"small": rows})
        sql = predicate_sql(form, "${consent} = 'yes' and ${age} > 15")
        assert con.execute(sql).fetchall() == [("uuid:1",)]


@pytest.mark.parametrize("expression", ["${gone} = 1", "${age} >", "random() > 0.5"])
def test_a_predicate_that_cannot_be_asked_is_an_error(expression: str) -> None:
    form = read(survey("integer | age | a |"))
    with pytest.raises(QuestionnaireError, match="small") as caught:
        predicate_sql(form, expression)
    assert caught.value.next_step


def test_a_quote_in_a_form_is_text_not_sql() -> None:
    form = read(
        survey(
            'text | t | t | | | . != "it\'s"',
            "select_one yn | s | s |",
            columns=COLUMNS,
            choices=("yn | yes | Yes |",),
        ).replace("| small | 1 |", "| small | 1'; drop table x; -- |")
    )
    assert form.version == "1'; drop table x; --"
    assert findings(form, {"t": "it's", "s": "no"}) == {"t.constraint", "s.choice"}


def test_calculations_that_read_each_other_in_a_long_row_are_listed() -> None:
    count = 300
    nodes = "".join(f"<c{number}/>" for number in range(count))
    binds = "".join(
        f'<bind nodeset="/data/c{number}" type="int" calculate="/data/c{number + 1} + 1"/>'
        for number in range(count - 1)
    )
    xform = (
        '<h:html xmlns="http://www.w3.org/2002/xforms" xmlns:h="http://www.w3.org/1999/xhtml"><h:head><h:title/><model>'
        f'<instance><data id="long" version="1">{nodes}</data></instance>{binds}</model></h:head><h:body/></h:html>'
    )
    compiled = compile_form(parse(xform.encode()))
    calculated = {rule.field for rule in compiled.rules if rule.kind == "calculation"}
    listed = {item.field for item in compiled.unverified if item.kind == "calculation"}
    assert calculated | listed == {f"c{number}" for number in range(count - 1)}
    assert "c0" in listed
    assert "c298" in calculated
    assert {item.reason for item in compiled.unverified} == {"too many calculations read each other in a row"}
