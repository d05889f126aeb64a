"""What a new version of a form changes for what has been collected is said, and what breaks it is told apart."""

from laktasi.questionnaire.compare import Change, clashes, compare
from laktasi.questionnaire.model import Questionnaire
from tests.questionnaire_fixture import read

CHOICES = ("| yn | yes | Yes |", "| yn | no | No |", "| yn | refused | Refused |")


def form(*rows: str, choices: tuple[str, ...] = CHOICES, version: str = "1", form_id: str = "visit") -> Questionnaire:
    """Read a form of rows ``type | name | privacy``."""
    survey = "".join(
        f"| | {kind} | {name} | {name} | {privacy} |\n"
        for kind, name, privacy in (tuple(part.strip() for part in row.split("|")) for row in rows)
    )
    listed = "".join(f"| {row}\n" for row in choices)
    return read(
        f"| survey |\n| | type | name | label | bind::laktasi:privacy |\n{survey}"
        f"| choices |\n| | list_name | name | label |\n{listed}"
        "| settings |\n| | form_id | version | namespaces |\n"
        f'| | {form_id} | {version} | laktasi="urn:laktasi:privacy" |'
    )


def said(new: Questionnaire, *fielded: Questionnaire) -> list[tuple[str, bool]]:
    return [(change.place, change.breaks) for change in compare(new, fielded)]


AGE = "integer | age | quasi"


def test_the_same_form_changes_nothing_and_a_first_one_neither() -> None:
    before = form(AGE, "select_one yn | milk | none")
    assert compare(form(AGE, "select_one yn | milk | none", version="2"), [before]) == []
    assert compare(before, []) == []


def test_a_new_question_or_choice_breaks_nothing() -> None:
    new = form(AGE, "text | name | direct", "select_one yn | milk | none", choices=(*CHOICES, "| yn | maybe | M |"))
    assert said(new, form(AGE, "select_one yn | milk | none")) == []


def test_a_type_that_shares_no_column_with_the_one_before_breaks() -> None:
    before = form(AGE, "select_one yn | milk | none", "text | seen | none", "decimal | weight | none")
    new = form(
        "decimal | age | quasi", "select_multiple yn | milk | none", "date | seen | none", "decimal | weight | none"
    )
    assert said(new, before) == [("age", True), ("milk", True), ("seen", True)]
    [age, *_] = compare(new, [before])
    assert "was integer and becomes decimal" in age.what
    assert "its column is no longer integer, for the old records too" in age.what


def test_a_type_kept_in_the_same_column_breaks_nothing() -> None:
    before = form("select_one yn | milk | none", "select_multiple yn | signs | none")
    assert said(form("text | milk | none", "rank yn | signs | none"), before) == []


def test_what_an_older_version_said_still_counts() -> None:
    oldest, newest = form("text | name | direct", AGE), form("text | name | none", version="2")
    # No longer asked by the version that people fill in now: told when it was dropped, and not again.
    assert said(form("text | name | none", version="3"), oldest, newest) == [("name", True)]
    assert said(form("text | name | direct", "text | age | quasi", version="3"), oldest, newest) == [("age", True)]


def test_privacy_that_is_loosened_breaks_and_one_that_is_tightened_does_not() -> None:
    before = form(AGE, "text | code | quasi")
    [change] = compare(form("integer | age | none", "text | code | direct"), [before])
    assert (change.place, change.breaks) == ("age", True)
    assert change.what.startswith("was quasi and says none")


def test_dropped_questions_are_told_once_and_renamed_groups_as_such() -> None:
    before = form("begin group | birth |", "date | day | none", "text | place | none", "end group | |", AGE)
    new = form("begin group | delivery |", "date | day | none", "text | place | none", "end group | |")
    changes = compare(new, [before])
    assert [(change.place, change.breaks) for change in changes] == [("birth", False), ("age", False)]
    assert changes[0].what.startswith("day, place stood in birth and now stands in delivery")
    assert "no longer asked" in changes[1].what


def test_a_group_that_becomes_a_repeat_breaks() -> None:
    before = form("begin group | infant |", "integer | weight | none", "end group | |")
    new = form("begin repeat | infant |", "integer | weight | none", "end repeat | |")
    assert said(new, before) == [("infant", True)]


def test_a_question_that_takes_the_column_of_another_breaks() -> None:
    before = form("begin group | a |", "integer | b | none", "end group | |")
    assert ("a__b", True) in said(form("integer | a__b | none"), before)
    # The warehouse sees no upper and lower case either.
    assert said(form("integer | Age | quasi"), form(AGE)) == [("age", False)]


def test_dropped_choices_carry_what_they_were_for_a_look_into_the_warehouse() -> None:
    before = form("select_one yn | milk | none")
    [change] = compare(form("select_one yn | milk | none", choices=CHOICES[:1]), [before])
    assert change == Change(
        "milk",
        "no longer offers no, refused: answers that have been given stay",
        field=before.by_path("milk"),
        choices=("no", "refused"),
    )


def test_many_dropped_choices_are_counted() -> None:
    many = tuple(f"| yn | c{number} | C |" for number in range(9))
    [change] = compare(
        form("select_one yn | milk | none", choices=many[:1]), [form("select_one yn | milk | none", choices=many)]
    )
    assert "no longer offers c1, c2, c3, c4, c5 and 3 more:" in change.what


def test_a_list_whose_file_is_not_at_hand_says_nothing_of_choices() -> None:
    houses = "select_one_from_file houses.csv | house | none"
    markdown = (
        f"| survey |\n| | type | name | label |\n| | {houses.rpartition('|')[0]}| House |\n"
        "| settings |\n| | form_id | version |\n| | visit | 1 |"
    )
    before = read(markdown, {"houses.csv": b"name,label\nh1,One\n"})
    assert [choice.value for choice in before.choice_lists["houses"].choices] == ["h1"]
    assert compare(read(markdown), [before]) == []


def test_two_forms_may_not_share_a_table() -> None:
    repeats = form("begin repeat | infant |", AGE, "end repeat | |")
    [change] = clashes(form(AGE, form_id="visit__infant"), [repeats])
    assert change.breaks
    assert "a table of the form visit too" in change.what
    assert clashes(form(AGE, version="2"), [form(AGE)]) == []
