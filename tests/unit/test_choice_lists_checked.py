"""``laktasi forms check`` refuses a file of choices that would show none of them on the phone, or blanks."""

from __future__ import annotations

from pathlib import Path

import pytest

from laktasi.questionnaire import check

FORM = """| survey |
| | type | name | label | parameters | calculation | bind::laktasi:privacy |
| | {kind} | house | House | {parameters} | | none |
| | text | street | Street | | | none |
| | calculate | looked_up | | | {calculation} | none |
| settings |
| | form_id | version | namespaces |
| | small | 1 | laktasi="urn:laktasi:privacy" |
"""
EMPTY = "media 'houses.csv' has no rows: its choices would be empty on the phone"


@pytest.fixture(autouse=True)
def without_java(monkeypatch: pytest.MonkeyPatch) -> None:
    """ODK Validate takes seconds, and is not what is tested here."""
    monkeypatch.setattr(check, "find_java", lambda: None)


def errors(
    folder: Path,
    content: bytes,
    *,
    name: str = "houses.csv",
    kind: str | None = None,
    parameters: str = "",
    calculation: str = "1 + 1",
) -> tuple[str, ...]:
    path = folder / "small.md"
    offered = kind or f"select_one_from_file {name}"
    path.write_text(FORM.format(kind=offered, parameters=parameters, calculation=calculation), encoding="utf-8")
    media = folder / "small-media"
    media.mkdir()
    (media / name).write_bytes(content)
    return check.check_form(path).errors


@pytest.mark.parametrize(
    ("content", "error"),
    [
        pytest.param(b"", EMPTY, id="nothing in it"),
        pytest.param(b"name,label\n", EMPTY, id="a header alone"),
        pytest.param(b"name,label\n,\n\n", EMPTY, id="empty rows"),
        pytest.param(
            b"code,label\nh1,One\n",
            "media 'houses.csv' has no column 'name', which its choices are made of (it has: code, label)",
            id="no values",
        ),
        pytest.param(
            b"name,title\nh1,One\n",
            "media 'houses.csv' has no column 'label', which its choices are made of (it has: name, title)",
            id="no labels",
        ),
        pytest.param(
            b"name,label\nh1;One\nh2;Two\n",
            "media 'houses.csv': 2 of 2 rows have nothing in the column 'label'",
            id="commas above semicolons",
        ),
        pytest.param(
            b"name,label\nh1,One\n,Two\n",
            "media 'houses.csv': 1 of 2 rows have nothing in the column 'name'",
            id="a row without a value",
        ),
    ],
)
def test_a_list_without_choices_is_an_error(tmp_path: Path, content: bytes, error: str) -> None:
    assert errors(tmp_path, content) == (error,)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"name,label\nh1,One\n", id="commas"),
        pytest.param(b"\xef\xbb\xbfname,label\nh1,One\n", id="a byte order mark"),
        pytest.param(b"name;label\r\nh1;One\r\n", id="semicolons, which phones read too"),
        pytest.param(b"code, name ,label,\n1,h1,One,\n", id="other columns, and one without a name"),
    ],
)
def test_what_phones_read_is_no_error(tmp_path: Path, content: bytes) -> None:
    assert errors(tmp_path, content) == ()


def test_the_columns_are_those_that_the_form_names(tmp_path: Path) -> None:
    (tmp_path / "right").mkdir()
    (tmp_path / "wrong").mkdir()
    named = "value=code label=title"
    assert errors(tmp_path / "right", b"code,title\nh1,One\n", parameters=named) == ()
    found = errors(tmp_path / "wrong", b"name,label\nh1,One\n", parameters=named)
    assert [error.partition(",")[0] for error in found] == [
        "media 'houses.csv' has no column 'code'",
        "media 'houses.csv' has no column 'title'",
    ]


def test_a_feature_without_a_title_is_no_error_and_one_without_an_id_is(tmp_path: Path) -> None:
    feature = b'{"type": "Feature", "properties": {%s}, "geometry": {"type": "Point", "coordinates": [1, 2]}}'
    whole = b'{"type": "FeatureCollection", "features": [%s]}'
    for folder in ("with", "without", "none"):
        (tmp_path / folder).mkdir()
    name = "places.geojson"
    assert errors(tmp_path / "with", whole % (feature % b'"id": "p1"'), name=name) == ()
    assert len(errors(tmp_path / "without", whole % (feature % b'"title": "One"'), name=name)) == 1
    assert len(errors(tmp_path / "none", whole % b"", name=name)) == 1


def test_a_file_that_is_only_looked_up_may_have_any_columns(tmp_path: Path) -> None:
    looked_up = "pulldata('houses', 'owner', 'number', ${street})"
    assert errors(tmp_path, b"number,owner\n1,x\n", kind="text", calculation=looked_up) == ()
