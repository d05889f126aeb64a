"""schemas/study.yml: what is read, and how a mistake in it is said."""

from pathlib import Path

import pytest

from laktasi.errors import StudyError
from laktasi.study import PairedMeasure, read_study

GOOD = """
study: tea
title: {en: Tea}
form: tea
roles: {centre: house, consent: {question: agrees, value: "yes"}}
variables:
  milk: {question: milk, levels: ["no", "yes"]}
  cups: {question: cups, levels: [few, some, many], labels: {en: Cups a day}}
analyses: [{exposure: milk, outcome: cups}]
tables: [milk, cups]
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "study.yml"
    path.write_text(text, encoding="utf-8")
    return path


def test_reads_roles_variables_and_pairs(tmp_path: Path) -> None:
    study = read_study(write(tmp_path, GOOD))
    assert study is not None
    assert (study.form_id, study.roles.centre, study.roles.consent, study.consent_value) == (
        "tea",
        "house",
        "agrees",
        "yes",
    )
    assert study.variables["cups"].levels == ("few", "some", "many")
    assert [(pair.exposure, pair.outcome) for pair in study.analyses] == [("milk", "cups")]


def test_reads_which_choices_are_no_answer(tmp_path: Path) -> None:
    given = "special: {dont_know: [unknown, dk], other: [other]}\n"
    study = read_study(write(tmp_path, GOOD + given))
    assert study is not None
    assert study.special == {"dont_know": ("unknown", "dk"), "other": ("other",)}
    plain = read_study(write(tmp_path, GOOD))
    assert plain is not None
    assert plain.special == {}


PAIRED = """
paired:
  - {name: heat, before: hot, after: cold, unit: scale, labels: {en: Heat}}
  - {name: w2, before: a, after: b}
"""


def test_reads_what_is_held_equal_and_what_was_measured_twice(tmp_path: Path) -> None:
    text = GOOD.replace("centre: house", "centre: house, position: garden") + "adjust_for: [cups, age]\n" + PAIRED
    text = text.replace("variables:", "variables:\n  age: {question: age, levels: [young, old]}")
    study = read_study(write(tmp_path, text))
    assert study is not None
    assert study.roles.position == "garden"
    assert study.adjust_for == ("cups", "age")
    # What is itself the outcome cannot be held equal.
    assert [study.covariates(pair) for pair in study.analyses] == [("age",)]
    assert study.paired == (
        PairedMeasure("heat", "hot", "cold", "scale", {"en": "Heat"}),
        PairedMeasure("w2", "a", "b", None, {}),
    )
    plain = read_study(write(tmp_path, GOOD))
    assert plain is not None
    assert (plain.roles.position, plain.adjust_for, plain.paired) == (None, (), ())


def test_a_project_without_a_study_has_none(tmp_path: Path) -> None:
    assert read_study(tmp_path / "study.yml") is None


@pytest.mark.parametrize(
    ("was", "is_now", "said"),
    [
        ('levels: ["no", "yes"]', "levels: [no, yes]", "write 'yes' and 'no' in quotes"),
        ('levels: ["no", "yes"]', 'levels: ["no"]', "two or more"),
        ("levels: [few, some, many]", "levels: [few, few]", "each once"),
        ("outcome: cups}", "outcome: spoons}", "'spoons' is analysed or tabulated"),
        ("tables: [milk, cups]", "tables: [sugar]", "'sugar' is analysed or tabulated"),
        ("study: tea", "studdy: tea", "unknown key 'studdy'"),
        ("centre: house", "center: house", "unknown role 'center'"),
        ("form: tea\n", "", "'form' is missing"),
        ("title: {en: Tea}", "title: {en: [", "not YAML"),
        ("variables:", "variables: 3\nignored:", "unknown key 'ignored'"),
        ("form: tea\n", "form: tea\nspecial: {dunno: [dk]}\n", "'special': unknown key 'dunno'"),
        ("form: tea\n", "form: tea\nspecial: {other: [no]}\n", "write 'yes' or 'no' in quotes"),
        ("form: tea\n", "form: tea\nspecial: {other: other}\n", "'other' of 'special' must be a list"),
        ("form: tea\n", "form: tea\nspecial: {other: [x], refused: [x]}\n", "'x' stands twice under 'special'"),
        ("title: {en: Tea}", "title: Tea", "'title' must be texts by language"),
        ("title: {en: Tea}", "title: {en: 7}", "'title' in 'en' must be text"),
        ("form: tea", "form: 0123", "'form' must be text: write it in quotes"),
        ("roles: {centre: house,", "roles: [centre]\nrest: {", "unknown key 'rest'"),
        ('roles: {centre: house, consent: {question: agrees, value: "yes"}}', "roles: [centre]", "'roles' must be a m"),
        ("centre: house, ", "", "'roles': 'centre' is missing"),
        ("centre: house", "centre: ", "role 'centre' must be text: there is none"),
        ('consent: {question: agrees, value: "yes"}', "consent: agrees", "role 'consent' must be a mapping"),
        ('consent: {question: agrees, value: "yes"}', "consent: ", "role 'consent' must be a mapping"),
        ('value: "yes"', "value: yes", "the value of role 'consent' must be text: write 'yes' or 'no' in quotes"),
        (', value: "yes"', "", "role 'consent': 'value' is missing"),
        ('value: "yes"', 'value: "yes", when: now', "role 'consent': unknown key 'when'"),
        ("tables:", "population: {includes: x}\ntables:", "'population': unknown key 'includes'"),
        ("tables:", "population: {include: }\ntables:", "'include' of 'population' must be text: there is none"),
        ("labels: {en: Cups a day}", "labels: x", "'labels' of variable 'cups' must be texts by language"),
        ("labels: {en: Cups a day}", "label: {en: x}", "variable 'cups': unknown key 'label'"),
        ("question: cups, ", "", "variable 'cups': 'question' is missing"),
        ("levels: [few, some, many]", "levels: few", "levels of 'cups' must be a list"),
        ("levels: [few, some, many]", "levels: [1, 2]", "levels of 'cups' must be text"),
        ("  cups: {", "  milk: {", "'milk' stands twice (line 8)"),
        ("  cups: {", "  Milk: {", "variables 'milk' and 'Milk' differ in great and small letters only"),
        ("  cups: {", "  no: {", "the key False must be text"),
        ("outcome: cups}", "outcome: milk}", "analysis number 1 sets 'milk' against itself"),
        ("outcome: cups}", "outcome: cups, by: age}", "analysis number 1: unknown key 'by'"),
        (", outcome: cups}", "}", "analysis number 1: 'outcome' is missing"),
        ("outcome: cups}]", "outcome: cups}, {exposure: milk, outcome: cups}]", "analysis number 2 stands there twice"),
        ("analyses: [{exposure: milk, outcome: cups}]", "analyses: milk", "'analyses' must be a list of pairs"),
        ("tables: [milk, cups]", "tables: milk", "'tables' must be a list of names"),
        ("tables: [milk, cups]", "tables: [[milk]]", "an entry of 'tables' must be text"),
        ("tables: [milk, cups]", "citation: 2026-13-45", "a value cannot be read"),
        ("tables:", "adjust_for: milk\ntables:", "'adjust_for' must be a list of names"),
        ("tables:", "adjust_for: [age]\ntables:", "'adjust_for' names 'age', which is not among the variables"),
        ("tables:", "adjust_for: [milk, milk]\ntables:", "'adjust_for' names 'milk' twice"),
        ("tables:", "paired: {name: w}\ntables:", "'paired' must be a list"),
        ("tables:", "paired: [w]\ntables:", "paired measure number 1 must be a mapping"),
        ("tables:", "paired: [{name: w, before: a}]\ntables:", "paired measure number 1: 'after' is missing"),
        (
            "tables:",
            "paired: [{name: 7, before: a, after: b}]\ntables:",
            "'name' of paired measure number 1 must be text",
        ),
        ("tables:", "paired: [{name: w 1, before: a, after: b}]\ntables:", "the name 'w 1' of paired measure number 1"),
        (
            "tables:",
            "paired: [{name: Milk, before: a, after: b}]\ntables:",
            "called 'Milk', and there is 'milk' already",
        ),
        (
            "tables:",
            "paired: [{name: w, before: a, after: b}, {name: W, before: a, after: b}]\ntables:",
            "paired measure number 2 is called 'W', and there is 'w' already",
        ),
        ("tables:", "paired: [{name: w, before: a, after: a}]\ntables:", "'w' compares 'a' with itself"),
        (
            "tables:",
            "paired: [{name: w, before: a, after: b, unit: }]\ntables:",
            "'unit' of paired measure 'w' must be",
        ),
        ("tables:", "paired: [{name: w, before: a, after: b, labels: x}]\ntables:", "'labels' of paired measure 'w'"),
        ("tables:", "paired: [{name: w, before: a, after: b, units: u}]\ntables:", "unknown key 'units'"),
    ],
)
def test_a_mistake_is_one_clear_error(tmp_path: Path, was: str, is_now: str, said: str) -> None:
    assert was in GOOD
    with pytest.raises(StudyError) as caught:
        read_study(write(tmp_path, GOOD.replace(was, is_now)))
    assert said in caught.value.what
    assert "study.yml" in caught.value.what
    assert caught.value.next_step


def test_a_file_in_another_encoding_is_one_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "study.yml"
    path.write_bytes(GOOD.replace("Cups", "Th\xe9").encode("latin-1"))
    with pytest.raises(StudyError, match=r"study\.yml: not UTF-8 text"):
        read_study(path)


def test_a_folder_in_its_place_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "study.yml").mkdir()
    with pytest.raises(StudyError, match=r"study\.yml: cannot be opened"):
        read_study(tmp_path / "study.yml")
