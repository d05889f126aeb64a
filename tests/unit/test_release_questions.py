"""What a name in study.yml means: the same question, however it is spelt, in every version of the form."""

from __future__ import annotations

import pytest

from laktasi.questionnaire.model import ValueType
from laktasi.release.questions import Question, questions_of


def question(path: str, *versions: str) -> Question:
    column = path.replace("/", "__")
    return Question(path, column, ValueType.SELECT_ONE, "quasi", {}, None, None, versions or ("1",))


FORM = (question("school"), question("own/age"), question("own/date"), question("visit/date"))


@pytest.mark.parametrize(
    ("name", "paths"),
    [
        ("own/age", ["own/age"]),
        ("own__age", ["own/age"]),
        ("age", ["own/age"]),
        ("school", ["school"]),
        # no such name; and one that could be either, so that what is withheld of one is withheld
        ("ag", []),
        ("date", ["own/date", "visit/date"]),
    ],
)
def test_a_question_is_found_by_path_column_and_last_part(name: str, paths: list[str]) -> None:
    assert [found.path for found in questions_of(FORM, name)] == paths


def test_a_question_that_moved_is_found_where_each_version_has_it() -> None:
    form = (question("school", "1"), question("own/school", "2", "3"), question("other/school", "4"))
    assert [found.path for found in questions_of(form, "school")] == ["school", "own/school", "other/school"]
    assert [found.path for found in questions_of(form, "own__school")] == ["own/school"]
    both = (question("school"), question("own/school"))
    assert [found.path for found in questions_of(both, "school")] == ["school"]
