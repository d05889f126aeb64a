"""schemas/study.yml: what is read, and how a mistake in it is said."""

from pathlib import Path

import pytest

from laktasi.errors import StudyError
from laktasi.study import read_study

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
    ],
)
def test_a_mistake_is_one_clear_error(tmp_path: Path, was: str, is_now: str, said: str) -> None:
    assert was in GOOD
    with pytest.raises(StudyError) as caught:
        read_study(write(tmp_path, GOOD.replace(was, is_now)))
    assert said in caught.value.what
    assert "study.yml" in caught.value.what
    assert caught.value.next_step
