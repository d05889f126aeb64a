"""Reading rows: what may be asked for, in what order it comes, how answers are written, where pages end."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.central.acts import code_of
from tests.contract.walk import FORM_ID, Central, xform, xml


@pytest.fixture
def rows(central: Central) -> Central:
    """Give three rows, the oldest uuid:1."""
    for number in (1, 2, 3):
        central.acts.submit(xml(f"uuid:{number}"))
    return central


def token(instance_id: str) -> str:
    return "01" + base64.b64encode(json.dumps({"instanceId": instance_id}).encode()).decode()


# what may be asked for


def test_rows_come_newest_first_in_both_listings(rows: Central) -> None:
    newest_first = ["uuid:3", "uuid:2", "uuid:1"]
    assert rows.ids() == newest_first
    assert [row["instanceId"] for row in rows.acts.do("GET", rows.rows)] == newest_first
    assert [row["instanceId"] for row in rows.acts.do("GET", rows.rows, params={"limit": 1, "offset": 1})] == ["uuid:2"]


def test_the_delta_asks_for_what_came_changed_or_was_deleted(rows: Central) -> None:
    since = rows.system("uuid:3")["submissionDate"]
    delta = " or ".join(f"__system/{name} gt {since}" for name in ("submissionDate", "updatedAt", "deletedAt"))
    assert rows.ids(delta) == []
    rows.acts.review(FORM_ID, "uuid:1", "approved")
    rows.acts.delete(FORM_ID, "uuid:2")
    rows.acts.submit(xml("uuid:4"))
    assert rows.ids(delta) == ["uuid:4", "uuid:2", "uuid:1"]


def test_rows_can_be_asked_for_by_name(rows: Central) -> None:
    assert rows.ids("__id eq 'uuid:1' or __id eq 'uuid:3' or __id eq 'nobody'") == ["uuid:3", "uuid:1"]


@pytest.mark.parametrize(
    ("filter", "expected"),
    [
        ("__system/submissionDate ge {second}", ["uuid:3", "uuid:2"]),
        ("__system/submissionDate lt {second}", ["uuid:1"]),
        ("__system/submissionDate le {second} and not __id eq 'uuid:1'", ["uuid:2"]),
        ("(__id eq 'uuid:1' or __id eq 'uuid:2') and __id ne 'uuid:2'", ["uuid:1"]),
        ("__system/updatedAt eq null", ["uuid:3", "uuid:2", "uuid:1"]),
        ("__system/updatedAt gt 2020-01-01T00:00:00Z", []),
        ("__system/reviewState eq null and __id eq 'uuid:1'", ["uuid:1"]),
        ("__system/reviewState eq 'hasIssues'", []),
        ("__system/submitterId eq 0", []),
        ("__system/submissionDate gt 2020-01-01T00:00:00.000+07:00", ["uuid:3", "uuid:2", "uuid:1"]),
        ("__system/submissionDate gt 2020-01-01", ["uuid:3", "uuid:2", "uuid:1"]),
        ("$root/Submissions/__id eq 'uuid:1'", ["uuid:1"]),
    ],
)
def test_filters(rows: Central, filter: str, expected: list[str]) -> None:
    assert rows.ids(filter.format(second=rows.system("uuid:2")["submissionDate"])) == expected


@pytest.mark.parametrize(
    ("options", "status", "code"),
    [
        ({"$filter": "place eq 'x'"}, 501, 501.5),
        ({"$filter": "__system/edits eq 0"}, 501, 501.5),
        ({"$filter": "__system/attachmentsPresent lt 1"}, 501, 501.5),
        ({"$filter": "contains(__id,'1')"}, 501, 501.4),
        ({"$filter": "__system/submissionDate gt 2026-01-01T00:00:00"}, 400, 400.18),
        ({"$filter": "__system/submissionDate gt 2026-13-01T00:00:00Z"}, 400, 400.18),
        ({"$filter": "__id eq"}, 400, 400.18),
        ({"$filter": "__id eq 'a/b'"}, 400, 400.18),
        ({"$filter": "__system/submissionDate gt 'x'"}, 500, None),
        ({"$filter": "__system/submissionDate lt now()"}, 500, None),
        ({"$top": "-1"}, 500, None),
        ({"$skip": "-1"}, 500, None),
        ({"$top": "x"}, 400, 400.11),
        ({"$skiptoken": "x"}, 400, 400.35),
        ({"$orderby": "place"}, 501, 501.5),
        ({"$orderby": "__id", "$skiptoken": token("uuid:1")}, 501, 501.1),
        ({"$select": "nothing"}, 400, 400.23),
        ({"$select": "__id", "$expand": "*"}, 501, 501.11),
        ({"$expand": "rest"}, 501, 501.6),
        ({"$apply": "x"}, 501, 501.1),
    ],
    ids=str,
)
def test_what_the_table_refuses_and_how(central: Central, options: dict[str, str], status: int, code: float) -> None:
    answer = central.acts.ask("GET", central.table, params=options)
    assert (answer.status_code, code_of(answer)) == (status, code)


def test_a_plus_in_an_offset_must_be_encoded(central: Central) -> None:
    filter = "__system/submissionDate gt 2026-01-01T00:00:00+07:00"
    assert central.status("GET", f"{central.table}?$filter={filter.replace(' ', '%20')}") == 400
    assert central.status("GET", central.table, params={"$filter": filter}) == 200


def test_a_quote_within_an_id_cannot_be_asked_for(central: Central) -> None:
    central.acts.submit(xml("a'b"))
    assert central.ids("__id eq 'a''b'") == []


def test_parts_of_a_row_can_be_chosen(rows: Central) -> None:
    assert rows.odata(select="__id,__system/edits", filter="__id eq 'uuid:1'") == [
        {"__id": "uuid:1", "__system": {"edits": 0}}
    ]
    (row,) = rows.odata(select="place,notes/note_1", filter="__id eq 'uuid:1'")
    assert row == {"place": None, "notes": {"note_1": None}}


# where pages end


def next_token(answer: dict[str, Any]) -> str:
    return str(parse_qs(urlsplit(answer["@odata.nextLink"]).query)["$skiptoken"][0])


def test_a_page_names_its_last_row_and_the_last_page_has_no_next(rows: Central) -> None:
    first = rows.acts.do("GET", rows.table, params={"$top": 2, "$select": "__id", "$count": "true"})
    assert [row["__id"] for row in first["value"]] == ["uuid:3", "uuid:2"]
    assert first["@odata.count"] == 3
    assert json.loads(base64.b64decode(next_token(first)[2:])) == {"instanceId": "uuid:2"}
    link = urlsplit(first["@odata.nextLink"])
    assert link.path == f"/v1/{rows.table}"
    assert parse_qs(link.query).keys() == {"$top", "$select", "$count", "$skiptoken"}
    last = rows.acts.do("GET", rows.table, params={"$top": 2, "$select": "__id", "$skiptoken": next_token(first)})
    assert [row["__id"] for row in last["value"]] == ["uuid:1"]
    assert "@odata.nextLink" not in last


def test_a_token_survives_what_happens_to_other_rows_and_the_deletion_of_its_own(rows: Central) -> None:
    rows.acts.delete(FORM_ID, "uuid:2")
    rows.acts.submit(xml("uuid:4"))
    assert [row["__id"] for row in rows.odata(select="__id", skiptoken=token("uuid:2"))] == ["uuid:1"]


def test_a_token_that_names_nobody_ends_without_an_end(rows: Central) -> None:
    answer = rows.acts.do("GET", rows.table, params={"$skiptoken": token("uuid:gone"), "$select": "__id", "$top": "1"})
    assert answer.keys() == {"value", "@odata.context"}
    assert answer["value"] == []


def test_skipping_past_the_end_names_a_next_page_that_names_nobody(rows: Central) -> None:
    answer = rows.acts.do("GET", rows.table, params={"$skip": "9", "$select": "__id"})
    assert answer["value"] == []
    assert json.loads(base64.b64decode(next_token(answer)[2:])) == {"instanceId": None}


def test_no_page_size_gives_everything_and_no_rows_give_the_count(rows: Central) -> None:
    whole = rows.acts.do("GET", rows.table, params={"$select": "__id"})
    assert len(whole["value"]) == 3
    assert "@odata.nextLink" not in whole
    counted = rows.acts.do("GET", rows.table, params={"$top": "0", "$count": "true"})
    assert (counted["value"], counted["@odata.count"]) == ([], 3)
    rows.acts.delete(FORM_ID, "uuid:1")
    assert rows.acts.do("GET", rows.table, params={"$top": "0", "$count": "true"})["@odata.count"] == 2


# how answers are written


ANSWERS = (
    "<place>a &amp; b</place><steps>12.7</steps><weight>3.50</weight><spot>-6.2 106.8 10 5</spot>"
    "<began>2026-11-01T10:00:00.000+07</began><sky>sun  rain</sky><notes><note-1>n</note-1></notes>"
)


def test_the_table_types_answers_as_javascript_does_and_the_xml_keeps_them(central: Central) -> None:
    central.acts.submit(xml("uuid:1", ANSWERS))
    (row,) = central.odata()
    assert {name: row[name] for name in row if name not in ("meta", "__id", "__system")} == {
        "place": "a & b",
        "steps": 12,
        "weight": 3.5,
        "spot": {"type": "Point", "coordinates": [106.8, -6.2, 10], "properties": {"accuracy": 5}},
        "began": "2026-11-01T10:00:00.000+07:00",
        "sky": "sun  rain",
        "town": None,
        "photo": None,
        "dropped": None,
        "notes": {"note_1": "n"},
    }
    assert central.acts.do("GET", f"{central.rows}/uuid:1.xml") == xml("uuid:1", ANSWERS).encode()
    (row,) = central.odata(wkt="true")
    assert row["spot"] == "POINT (106.8 -6.2 10)"


@pytest.mark.parametrize(("typed", "given"), [("abc", None), ("9007199254740993", 9007199254740992), ("-7", -7)])
def test_integers_pass_through_a_parse(central: Central, typed: str, given: int | None) -> None:
    central.acts.submit(xml("uuid:1", f"<steps>{typed}</steps>"))
    assert central.odata()[0]["steps"] == given


def test_a_repeats_id_is_its_position(central: Central) -> None:
    two = "<rest><minutes>1</minutes></rest><rest><minutes>2</minutes></rest>"
    central.acts.submit(xml("uuid:1", two))
    table = f"{central.form}.svc/Submissions.rest"
    first, second = central.acts.do("GET", table)["value"]
    assert [(item["minutes"], item["__Submissions-id"]) for item in (first, second)] == [(1, "uuid:1"), (2, "uuid:1")]
    (row,) = central.odata(expand="*")
    assert [(item["__id"], item["minutes"]) for item in row["rest"]] == [(first["__id"], 1), (second["__id"], 2)]
    central.acts.edit(FORM_ID, "uuid:1", xml("uuid:1b", two[len(two) // 2 :], deprecated_id="uuid:1"))
    (left,) = central.acts.do("GET", table)["value"]
    assert (left["__id"], left["minutes"]) == (first["__id"], 2)


def test_without_repeats_there_is_no_key_for_them(rows: Central) -> None:
    (row,) = rows.odata(expand="*", filter="__id eq 'uuid:1'")
    assert "rest" not in row


def test_the_table_shows_what_the_current_version_asks(central: Central) -> None:
    central.acts.submit(xml("uuid:1", "<dropped>x</dropped><steps>7</steps>"))
    assert central.odata()[0]["dropped"] == "x"
    central.acts.publish(xform("2", "| | text | added | Added |"))
    (row,) = central.odata()
    assert "dropped" not in row
    assert row["added"] is None
    assert b"<dropped>x</dropped>" in central.acts.do("GET", f"{central.rows}/uuid:1.xml")


def test_a_number_may_become_text_for_every_row_and_never_a_number_again(central: Central) -> None:
    central.acts.submit(xml("uuid:1", "<steps>12.7</steps>"))
    as_text = xform("2").replace(b'nodeset="/data/steps" type="int"', b'nodeset="/data/steps" type="string"')
    central.acts.publish(as_text)
    assert central.odata()[0]["steps"] == "12.7"
    headers = {"Content-Type": "application/xml"}
    answer = central.acts.ask("POST", f"{central.form}/draft", data=xform("3"), headers=headers)
    assert code_of(answer) == 400.17


ENCRYPTED = (
    '<data xmlns="http://opendatakit.org/submissions" encrypted="yes" id="walk" version="1">'
    "<base64EncryptedKey>a2V5</base64EncryptedKey>"
    '<meta xmlns="http://openrosa.org/xforms"><instanceID>uuid:secret</instanceID></meta>'
    "<media><file>p.jpg.enc</file></media><encryptedXmlFile>submission.xml.enc</encryptedXmlFile>"
    "<base64EncryptedElementSignature>c2ln</base64EncryptedElementSignature></data>"
)


def test_an_encrypted_submission_has_no_answers_and_says_so(central: Central) -> None:
    central.acts.submit(ENCRYPTED)
    (row,) = central.odata()
    assert row.keys() == {"__id", "__system"}
    assert row["__system"]["status"] == "missingEncryptedFormData"
    assert {file["name"] for file in central.submission("uuid:secret", "attachments")} == {
        "p.jpg.enc",
        "submission.xml.enc",
    }
    central.acts.submit(ENCRYPTED, {"submission.xml.enc": b"answers", "p.jpg.enc": b"photo"})
    system = central.system("uuid:secret")
    assert (system["status"], system["attachmentsPresent"], system["attachmentsExpected"]) == ("notDecrypted", 2, 2)
    assert central.acts.do("GET", f"{central.rows}/uuid:secret.xml") == ENCRYPTED.encode()


# exactly what is in an answer


SYSTEM = {
    *("submissionDate", "updatedAt", "submitterId", "submitterName", "attachmentsPresent", "attachmentsExpected"),
    *("status", "reviewState", "deviceId", "edits", "formVersion", "deletedAt"),
}
SUBMISSION = {
    *("instanceId", "submitterId", "deviceId", "createdAt", "updatedAt", "reviewState", "userAgent", "deletedAt"),
    "currentVersion",
}
VERSION = {"instanceId", "instanceName", "createdAt", "submitterId", "deviceId", "userAgent", "current"}


def test_what_each_listing_says_of_a_row(rows: Central) -> None:
    assert rows.system("uuid:1").keys() == SYSTEM
    listed = rows.acts.do("GET", rows.rows)[0]
    assert listed.keys() == SUBMISSION
    assert listed["currentVersion"].keys() == VERSION
    assert rows.submission("uuid:3") == listed
    (version,) = rows.submission("uuid:3", "versions")
    assert version == listed["currentVersion"]
    assert rows.system("uuid:3")["submissionDate"] == listed["createdAt"] == version["createdAt"]
