"""What tells of what: by the form's words, and by the numbers of a place."""

from __future__ import annotations

import numpy as np
import pytest

from laktasi.questionnaire.xform import parse
from laktasi.questionnaire.xlsform import convert_markdown
from laktasi.release.depends import ANYTHING, CLOCK, depends
from laktasi.release.telling import hide_days, one_centre

FORM = """
| survey | | | | | | |
| | type | name | label | relevant | calculation | default |
| | text | name | Name | | | |
| | integer | age | Age | | | |
| | select_one yn | old | Old | {relevant} | | |
| | begin_group | grp | Group | ${{age}} > 40 | | |
| | select_one yn | inside | Inside | today() > date('2026-01-01') | | |
| | end_group | | | | | |
| | calculate | half | | | ${{age}} div 2 | |
| | calculate | word | | | if(${{name}} = 'x', 'a', 'b') | |
| | calculate | copied | | | concat('-', coalesce(${{name}}, 'none')) | |
| | calculate | twice | | | substr(${{copied}}, 0, 3) | |
| | calculate | drawn | | | random() | |
| | text | plain | Plain | | | some words |
| choices | | | |
| | list_name | name | label |
| | yn | yes | Yes |
| settings | | |
| | form_id | version |
| | f | {version} |
"""


def test_every_version_counts() -> None:
    versions = [
        parse(convert_markdown(FORM.format(relevant=relevant, version=version)).xform)
        for version, relevant in enumerate(("", "${age} > 30"), 1)
    ]
    assert depends(versions[:1]).on("old") == set()
    assert depends(versions).on("old") == {"age"}


def test_what_depends_on_what() -> None:
    found = depends([parse(convert_markdown(FORM.format(relevant="", version=1)).xform)])
    assert found.on("grp/inside") == {"age", CLOCK}
    assert found.on("half") == {"age"}
    assert found.on("plain") == set()
    assert found.made_of("twice") == {"copied", "name"}
    assert found.typed == {"copied", "twice", "drawn"}
    assert {"half", "word"} <= found.computed
    assert "drawn" not in found.computed
    everything = {"name", "age", "old", "half", "word", "grp/inside", "plain"}
    assert found.as_they_are(everything) == everything - {"grp/inside"}
    assert found.as_they_are(everything - {"age"}) == {"name", "old", "word", "plain"}
    assert ANYTHING not in found.on("old")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ([9, 0, 0], True),
        ([9, 1, 0], True),
        ([9, 4, 0], False),
        ([4, 0, 0], False),  # too few to say
    ],
)
def test_an_answer_of_one_centre(given: list[int], told: bool) -> None:
    sizes = 20
    centres = np.repeat(np.arange(3), sizes)
    codes = np.concatenate([np.arange(sizes) < times for times in given]).astype(np.int64)
    groups = np.zeros(len(codes), dtype=np.int64)
    assert one_centre(codes, centres, groups) is told
    # the same where there is no answer, and in one of two places
    assert one_centre(-codes, centres, groups) is told
    assert one_centre(np.tile(codes, 2), np.concatenate([centres, centres + 3]), np.repeat([0, 1], 60)) is told


def test_the_only_centre_of_a_place_is_named_anyway() -> None:
    codes = np.array([1] * 10 + [0] * 30)
    centres = np.array([0] * 10 + [1] * 15 + [2] * 15)
    assert one_centre(codes, centres, np.zeros(40, dtype=np.int64))
    assert not one_centre(codes, centres, np.array([0] * 10 + [1] * 30))


def test_a_large_centre_does_not_tell_by_being_large() -> None:
    codes = np.array([1] * 5 + [0] * 95)
    centres = np.array([0] * 90 + [1] * 10)
    assert not one_centre(codes, centres, np.zeros(100, dtype=np.int64))


def test_withheld_days_help_the_others() -> None:
    none = np.iinfo(np.int64).min
    true = np.array([0, 1, 2, 3, 900, none])
    shown = np.array([5, -5, 7, 9, 905, none])
    groups, persons = np.zeros(6, dtype=np.int64), np.arange(6)
    hidden = hide_days(true, shown, 10, persons, groups, 3)
    assert hidden.tolist() == [True, False, False, False, True, True]
    # two records of one person are one
    assert hide_days(true[:3], shown[:3], 10, np.array([0, 0, 1]), groups[:3], 2).tolist() == [False] * 3
