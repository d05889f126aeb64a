"""Data files as exports write them: what is read, which column is which question, and what a phone would write."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyreadstat
import pytest

from laktasi.anyfile.columns import Match, Target, match
from laktasi.anyfile.phonetext import from_flags, from_parts, whole, with_offset
from laktasi.anyfile.reading import DataColumn, DataFile, read_data
from laktasi.errors import SourceError
from laktasi.questionnaire.model import Field
from tests.questionnaire_fixture import read, survey

FORM = read(
    survey(
        "start | start | |",
        "begin_group | mother | Mother |",
        "integer | age | Age |",
        "text | code | Code |",
        "date | seen | Seen |",
        "end_group | |",
        "begin_group | child | Child |",
        "integer | age | Age |",
        "end_group | |",
        "select_one yn | milk | Milk |",
        "select_multiple harm | harm | Harm |",
        "geopoint | place | Place |",
        "decimal | weight_of_the_child_on_the_day_of_birth | Weight |",
        "begin_repeat | visit | Visit |",
        "text | note | Note |",
        "end_repeat | |",
        choices=(
            "yn | 1 | Yes |",
            "yn | 0 | No |",
            "harm | pain | It hurts |",
            "harm | bruise | A bruise |",
            "harm | none | None |",
        ),
    )
)


def data_of(file: DataFile) -> dict[str, list[str | None]]:
    return {column.name: column.values.to_pylist() for column in file.columns}


def matched(*names: str, limit: int | None = None, id_name: str | None = None) -> Match:
    return match(FORM, names, limit=limit, id_name=id_name)


def written(path: str, *values: str | None, labels: dict[str, str] | None = None) -> list[str | None]:
    item: Field = FORM.by_path(path)
    column = DataColumn("x", pa.array(values, pa.string()), labels or {})
    return list(whole(item, FORM.choice_lists.get(item.list_name or ""), column).values.to_pylist())


# Reading


@pytest.mark.parametrize(
    ("name", "content", "encoding"),
    [
        ("a.csv", 'code,text\n007,"one, two"\n,"a\nb"\n', "utf-8"),
        ("b.csv", 'code;text\r\n007;"one, two"\r\n;"a\nb"\r\n', "utf-8-sig"),
        ("c.csv", 'code;text\r\n007;"one, two"\r\n;"a\nb"\r\n', "utf-16"),
        ("d.tsv", 'code\ttext\n007\t"one, two"\n\t"a\nb"\n', "utf-8"),
        ("e.csv", 'code,text,\n007,"one, two",\n,"a\nb",\n', "utf-8"),
    ],
)
def test_csv_is_read_as_text(tmp_path: Path, name: str, content: str, encoding: str) -> None:
    path = tmp_path / name
    path.write_bytes(content.encode(encoding))
    file = read_data(path)
    assert data_of(file) == {"code": ["007", None], "text": ["one, two", "a\nb"]}
    assert (file.kind, file.rows, file.first_line) == ("csv", 2, 2)


@pytest.mark.parametrize("end", ["\n", "", "\r\n", "\n\n"])
def test_a_csv_with_a_header_alone_has_no_rows(tmp_path: Path, end: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(f"code,text{end}".encode())
    assert read_data(path).rows == 0


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_are_those_of_a_spreadsheet(tmp_path: Path, end: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(end.join(["", "code,text", "", '1,"two', "", 'more"', "2,x", "", "", "3,y", "", ""]).encode())
    file = read_data(path)
    assert [file.line(row) for row in range(file.rows)] == [4, 5, 8]
    path.write_bytes(end.join(["code,text", "1,x", "2,y", ""]).encode())
    assert [read_data(path).line(row) for row in range(2)] == [2, 3]
    path.write_bytes(end.join(["code,text", "", "1,x", "2,y,z", ""]).encode())
    with pytest.raises(SourceError, match="row 4 has 3 values"):
        read_data(path)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", b"", "is empty"),
        ("a.csv", b"code,text\nx,y\nx,SECRET,z\n", "row 3 has 3 values, and the header has 2"),
        ("a.csv", "code\ncafé\n".encode("latin-1"), "not UTF-8"),
        ("a.parquet", b"SECRET", "cannot be read as Parquet"),
        ("a.sav", b"SECRET", "cannot be read as SPSS"),
        ("a.dta", b"SECRET", "cannot be read as Stata"),
        ("a.xls", b"SECRET", "must end in .csv"),
    ],
)
def test_what_cannot_be_read_is_said_without_an_answer(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(SourceError) as error:
        read_data(path)
    assert said in str(error.value)
    assert "SECRET" not in str(error.value)


def test_parquet_values_as_a_phone_writes_them(tmp_path: Path) -> None:
    at = dt.datetime(2026, 11, 21, 8, 0, 0, 123000)
    values: dict[str, Any] = {
        "whole": pa.array([1, None]),
        "float": pa.array([3.0, 2.5]),
        "small": pa.array([0.1, float("nan")], pa.float32()),
        "great": pa.array([3e9, -0.0]),
        "money": pa.array([Decimal("2.50"), None]),
        "day": pa.array([dt.date(2026, 11, 21), None]),
        "naive": pa.array([at, None]),
        "there": pa.array([at, None], pa.timestamp("ms", "Asia/Makassar")),
        "time": pa.array([dt.time(8, 30), None]),
        "truth": pa.array([True, False]),
        "words": pa.array([["pain", "bruise"], []]),
        "kind": pa.array(["007", ""]).dictionary_encode(),
        "record": pa.array([{"a": 1}, None]),
    }
    pq.write_table(pa.table(values), tmp_path / "a.parquet")
    file = read_data(tmp_path / "a.parquet")
    assert data_of(file) == {
        "whole": ["1", None],
        "float": ["3", "2.5"],
        "small": ["0.1", None],
        "great": ["3000000000", "0"],
        "money": ["2.50", None],
        "day": ["2026-11-21", None],
        "naive": ["2026-11-21T08:00:00.123", None],
        "there": ["2026-11-21T16:00:00.123+08:00", None],
        "time": ["08:30:00.000", None],
        "truth": ["true", "false"],
        "words": ["pain bruise", None],
        "kind": ["007", None],
    }
    assert file.unreadable == ("record",)


def test_a_moment_out_of_range_is_said(tmp_path: Path) -> None:
    pq.write_table(pa.table({"seen": pa.array([2**62], pa.timestamp("us"))}), tmp_path / "a.parquet")
    with pytest.raises(SourceError, match=r"a\.parquet: column 'seen' holds what cannot be written as text") as error:
        read_data(tmp_path / "a.parquet")
    assert str(2**62) not in str(error.value)


def test_spss_and_stata_values_as_a_phone_writes_them(tmp_path: Path) -> None:
    at = dt.datetime(2026, 11, 21, 8, 0, 0, 123000)
    frame = pd.DataFrame(
        {"n": [1.0, 98.0, 99.0], "x": [2.5, None, 3.0], "s": ["007", "", "a "], "d": [at.date(), None, at.date()]}
    )
    frame["t"] = [at, at, at]
    labels = {"n": {1.0: "Yes", 99.0: "Refused"}}
    pyreadstat.write_sav(frame, tmp_path / "a.sav", variable_value_labels=labels, missing_ranges={"n": [99]})
    file = read_data(tmp_path / "a.sav")
    moment = "2026-11-21T08:00:00.123"
    assert data_of(file) == {
        "n": ["1", "98", None],
        "x": ["2.5", None, "3"],
        "s": ["007", None, "a"],
        "d": ["2026-11-21", None, "2026-11-21"],
        "t": [moment, moment, moment],
    }
    assert file.columns[0].labels == {"1": "Yes", "99": "Refused"}
    assert [column.declared_missing for column in file.columns] == [1, 0, 0, 0, 0]
    stata = pd.DataFrame({"n": [1.0, "a", None], "s": ["007", "a", ""], "t": [at, at, at]})
    pyreadstat.write_dta(stata, tmp_path / "a.dta", missing_user_values={"n": ["a"]})
    file = read_data(tmp_path / "a.dta")
    assert data_of(file) == {"n": ["1", None, None], "s": ["007", "a", None], "t": [moment, moment, moment]}
    assert [column.declared_missing for column in file.columns] == [1, 0, 0]


def test_numbers_that_have_been_through_32_bits(tmp_path: Path) -> None:
    frame = pd.DataFrame({"short": [0.1, 16777218.0], "half": [0.5, 2.0], "long": [0.1, 0.25]})
    frame["short"] = frame["short"].astype("float32")
    pyreadstat.write_sav(frame, tmp_path / "a.sav")
    file = read_data(tmp_path / "a.sav")
    assert data_of(file) == {"short": ["0.1", "16777218"], "half": ["0.5", "2"], "long": ["0.1", "0.25"]}
    assert [column.is_single for column in file.columns] == [True, False, False]


# Matching


@pytest.mark.parametrize(
    "name",
    [
        "mother/age",
        "mother-age",
        "mother__age",
        "mother.age",
        "mother:age",
        "Mother-Age",
        "mother_age",
        "data/mother/age",
    ],
)
def test_every_spelling_of_a_path(name: str) -> None:
    found = matched(name)
    assert (found.whole, found.unknown) == ({"mother/age": 0}, ())


def test_a_last_name_alone_must_be_unique() -> None:
    found = matched("code", "age", "MILK", "status")
    assert found.whole == {"mother/code": 0, "milk": 2}
    assert found.unknown == ("age", "status")


def test_a_path_comes_before_a_last_name() -> None:
    found = matched("code", "mother-code")
    assert (found.whole, found.unknown, found.claimed) == ({"mother/code": 1}, ("code",), ())


def test_two_columns_that_claim_one_question_are_said_and_not_used() -> None:
    found = matched("mother-code", "mother.code", "milk")
    assert found.whole == {"milk": 2}
    assert found.claimed == (("mother/code", ("mother-code", "mother.code")),)


def test_names_that_were_cut() -> None:
    name = "weight_of_the_child_on_the_day_of_birth"
    assert matched(name[:32], limit=32).whole == {name: 0}
    assert matched(name[:32]).unknown == (name[:32],)


@pytest.mark.parametrize("sign", ["/", "__", ".", "-", ":", "_"])
def test_one_column_for_each_choice_and_parts_of_a_place(sign: str) -> None:
    found = matched(f"harm{sign}pain", f"harm{sign}none", f"place{sign}Latitude", f"place{sign}lon")
    assert found.parts == {
        "harm": {Target("harm", choice="pain"): 0, Target("harm", choice="none"): 1},
        "place": {Target("place", part=0): 2, Target("place", part=1): 3},
    }
    assert found.unknown == ()


def test_columns_of_repeats_and_of_exports() -> None:
    found = matched("visit/note", "SubmissionDate", "_notes", "__system/reviewState", "KEY", "more")
    assert (found.repeats, found.id_column, found.unknown) == (("visit/note",), 4, ("more",))


def test_the_column_that_tells_records_apart() -> None:
    assert matched("KEY", "meta-instanceID").id_column == 1
    assert matched("_UUID", "milk").id_column == 0
    assert matched("KEY", "mother-code", id_name="mother-code").id_column == 1
    assert matched("KEY", id_name="nothing").id_column is None


def test_what_tells_records_apart_is_checked_where_it_is_a_question() -> None:
    found = matched("KEY", "mother-code", id_name="mother-code")
    assert (found.id_column, found.whole, found.unknown) == (1, {"mother/code": 1}, ())
    found = matched("milk", "study_number", id_name="study_number")
    assert (found.id_column, found.whole, found.unknown) == (1, {"milk": 0}, ())


OWN_WORDS = read(
    survey(
        "text | key | Key |",
        "text | uuid | Uuid |",
        "text | status | Status |",
        "text | id | Id |",
        "text | deviceid | Device |",
        "begin_repeat | child | Child |",
        "text | edits | Edits |",
        "end_repeat | |",
    )
)


def own_words(*names: str) -> Match:
    return match(OWN_WORDS, names, limit=None, id_name=None)


def test_a_question_comes_before_a_guess_at_what_tells_records_apart() -> None:
    found = own_words("key", "uuid", "status")
    assert (found.id_column, found.whole) == (None, {"key": 0, "uuid": 1, "status": 2})
    assert own_words("Key", "UUID").id_column is None
    assert own_words("key", "KEY", "_uuid").id_column == 1
    assert own_words("key", "_uuid", "__id").id_column == 2
    found = own_words("key", "instanceID", "uuid")
    assert (found.id_column, found.whole) == (1, {"key": 0, "uuid": 2})
    # a question in two groups, called like a column of Central: it may be either, and is not shown
    two = read(survey("begin_group | a | A |", "text | KEY | Key |", "end_group | |", "text | key | Key |"))
    assert match(two, ["KEY"], limit=None, id_name=None).id_column is None


def test_a_column_spelt_as_the_question_comes_before_one_that_exports_add() -> None:
    found = own_words("deviceid", "status", "id", "KEY", "DeviceID", "Status", "Edits", "__id", "_status")
    assert found.whole == {"deviceid": 0, "status": 1, "id": 2, "key": 3}
    assert (found.claimed, found.unsure, found.unknown, found.repeats) == ((), (), (), ())
    assert own_words("DeviceID", "_status").whole == {"deviceid": 0}


def test_columns_are_named_only_where_they_cannot_be_answers() -> None:
    record = ("milk", "Siti", "S. Rahasia", "08123456789", "2026-11-21", "E1", "yes", "x")
    found = matched(*record)
    assert (found.whole, found.tellable(found.unknown, len(record))) == ({"milk": 0}, ())
    found = matched("Siti", "E1")
    assert (found.is_of_form, found.tellable(found.unknown, 2)) == (False, ())
    names = ("milk", "mother-code", "extra_1", "S. Rahasia", "08123456789", "x" * 65)
    found = matched(*names)
    assert found.tellable(found.unknown, len(names)) == ("extra_1",)


# Values


def test_values_by_type() -> None:
    assert written("mother/age", "3.0", "3", "3.5", "007", "x", None) == ["3", "3", "3.5", "007", "x", None]
    assert written("mother/code", "3.0", "007") == ["3.0", "007"]
    days = written("mother/seen", "2026-11-21", "2026-11-21 00:00:00", "2026-11-21T00:00:00.000Z", "2026-11-21 09:00")
    assert days == ["2026-11-21", "2026-11-21", "2026-11-21", "2026-11-21 09:00"]
    moments = written("start", "2026-11-21 08:00:00", "2026-11-21T08:00:00.000+08:00", "soon")
    assert moments == ["2026-11-21T08:00:00Z", "2026-11-21T08:00:00.000+08:00", "soon"]
    moments = written("start", "2026-11-21 08:00", "2026-11-21T08:00", "2026-11-21 08:00+08:00", "2026-11-21T08:00Z")
    minute = "2026-11-21T08:00:00.000"
    assert moments == [f"{minute}Z", f"{minute}Z", f"{minute}+08:00", f"{minute}Z"]


def test_codes_stay_where_the_form_has_them_and_else_go_by_their_label() -> None:
    assert written("milk", "1.0", "0", "7", labels={"1": "No", "0": "Yes", "7": "Seven"}) == ["1", "0", "7"]
    assert written("milk", "2", "3", "4", labels={"2": "yes", "3": " No ", "4": "Perhaps"}) == ["1", "0", "4"]
    assert written("harm", "pain  bruise", " ", labels={}) == ["pain bruise", None]


@pytest.mark.parametrize(
    ("labels", "is_said"),
    [
        ({"1": "no", "0": "Yes"}, True),
        ({"1": "Yes", "0": "yes"}, True),
        ({"1": "Yes", "0": "No"}, False),
        ({"1": "Ya", "0": "0", "2": "Yes"}, False),
    ],
)
def test_labels_that_contradict_the_form_are_said(labels: dict[str, str], is_said: bool) -> None:
    item = FORM.by_path("milk")
    found = whole(item, FORM.choice_lists[item.list_name or ""], DataColumn("milk", pa.array(["1"]), labels))
    said = "the file calls its codes what the form calls other choices; the codes count, not the labels"
    assert (found.values.to_pylist(), found.remarks) == (["1"], (said,) if is_said else ())


def test_flags_become_words() -> None:
    def flags(*values: str | None) -> DataColumn:
        return DataColumn("x", pa.array(values, pa.string()))

    found = from_flags(
        FORM.choice_lists["harm"],
        {
            Target("harm", choice="bruise"): flags("1", "0", None, "True", "2"),
            Target("harm", choice="pain"): flags("1.0", "0", None, None, "1"),
        },
    )
    assert found.values.to_pylist() == ["pain bruise", None, None, "bruise", "pain"]
    assert found.wrong == (4,)
    assert found.remarks == ("no column for none, so nobody counts as having chosen that",)


def test_a_place_of_parts() -> None:
    def part(*values: str | None) -> DataColumn:
        return DataColumn("x", pa.array(values, pa.string()))

    found = from_parts(
        {Target("place", part=1): part("124.1", None, "1"), Target("place", part=0): part("0.5", None, None)}
    )
    assert found.values.to_pylist() == ["0.5 124.1 0 0", None, "? 1 0 0"]


def test_moments_in_utc_move_to_the_phone() -> None:
    item = FORM.by_path("start")
    moments = whole(item, None, DataColumn("start", pa.array(["2026-11-20 23:00:00+00", "2026-11-20T23:00:00Z", None])))
    assert moments.remarks == ("its moments are in UTC, so rules about the day go by the day there",)
    moved = with_offset(moments, DataColumn("start__offset", pa.array(["480", None, "480"])))
    assert moved.values.to_pylist() == ["2026-11-21T07:00:00.000+08:00", "2026-11-20T23:00:00Z", None]
