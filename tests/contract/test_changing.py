"""What edits, reviews, deletions and the rest do to a row, and what they leave as it is."""

from __future__ import annotations

from typing import Any

import pytest

from tests.central.acts import RefusedActError
from tests.contract.walk import FORM_ID, Central, xform, xml

PHOTO = "<photo>p.jpg</photo>"


@pytest.fixture
def row(central: Central) -> Central:
    central.acts.submit(xml("uuid:1", PHOTO), {"p.jpg": b"one"})
    return central


def changed(central: Central, before: dict[str, Any]) -> set[str]:
    after = central.system("uuid:1")
    return {name for name in before if before[name] != after[name]}


def edit(central: Central, old: str, new: str, body: str = PHOTO) -> None:
    central.acts.edit(FORM_ID, "uuid:1", xml(new, body, deprecated_id=old))


def test_an_edit_keeps_the_first_id_and_date_and_version_and_loses_an_approval(row: Central) -> None:
    row.acts.publish(xform("2"))
    row.acts.review(FORM_ID, "uuid:1", "approved")
    before = row.system("uuid:1")
    row.acts.edit(FORM_ID, "uuid:1", xml("uuid:1b", PHOTO, deprecated_id="uuid:1", version="2"))
    assert changed(row, before) == {"edits", "updatedAt", "reviewState"}
    assert row.system("uuid:1")["edits"] == 1
    assert row.system("uuid:1")["reviewState"] == "edited"
    assert row.submission("uuid:1")["currentVersion"]["instanceId"] == "uuid:1b"
    (listed,) = row.odata()
    assert (listed["__id"], listed["meta"]["instanceID"]) == ("uuid:1", "uuid:1b")


def test_collect_edits_by_naming_the_version_it_replaces(row: Central) -> None:
    assert row.acts.send(xml("uuid:1b", PHOTO, deprecated_id="uuid:1")).status_code == 201
    assert row.acts.send(xml("uuid:1b", PHOTO, deprecated_id="uuid:1")).status_code == 201
    assert row.acts.send(xml("uuid:1b", deprecated_id="uuid:1")).status_code == 409
    assert row.acts.send(xml("uuid:1c", deprecated_id="uuid:1")).status_code == 409
    assert row.acts.send(xml("uuid:1c", deprecated_id="uuid:unknown")).status_code == 404
    assert [version["instanceId"] for version in row.submission("uuid:1", "versions")] == ["uuid:1b", "uuid:1"]


def test_an_edit_names_the_current_version_under_the_first_id_and_brings_an_id_of_its_own(row: Central) -> None:
    row.acts.submit(xml("uuid:2"))
    edit(row, "uuid:1", "uuid:1b")
    for submission_id, body, code in [
        ("uuid:1", xml("uuid:1c", deprecated_id="uuid:1"), 409.9),
        ("uuid:1", xml("uuid:1c"), 400.19),
        ("uuid:1", xml("uuid:2", deprecated_id="uuid:1b"), 409.3),
        ("uuid:1", xml("uuid:1c", deprecated_id="uuid:1b", form="other"), 400.8),
        ("uuid:1b", xml("uuid:1c", deprecated_id="uuid:1b"), 404.1),
    ]:
        with pytest.raises(RefusedActError) as caught:
            row.acts.edit(FORM_ID, submission_id, body)
        assert caught.value.code == code


def test_every_version_can_be_read_by_the_first_id_and_its_own(row: Central) -> None:
    edit(row, "uuid:1", "uuid:1b")
    place = f"{row.rows}/uuid:1/versions"
    assert row.acts.do("GET", f"{place}/uuid:1.xml") == xml("uuid:1", PHOTO).encode()
    assert row.acts.do("GET", f"{place}/uuid:1b.xml") == row.acts.do("GET", f"{row.rows}/uuid:1.xml")
    moved = row.acts.ask("GET", f"{row.rows}/uuid:1b.xml")
    assert moved.status_code == 301
    assert moved.headers["Location"].endswith("/submissions/uuid%3A1/versions/uuid:1b.xml")


def test_versions_say_who_made_them_with_what_form_version(row: Central) -> None:
    edit(row, "uuid:1", "uuid:1b")
    path = f"{row.rows}/uuid:1/versions"
    versions = row.acts.do("GET", path, headers={"X-Extended-Metadata": "true"})
    assert [(item["instanceId"], item["current"]) for item in versions] == [("uuid:1b", True), ("uuid:1", False)]
    assert {item["submitter"]["displayName"] for item in versions} == {row.acts.email}
    assert {item["formVersion"] for item in versions} == {"1"}
    assert versions[1]["createdAt"] == row.system("uuid:1")["submissionDate"]


def test_only_edits_and_reviews_touch_updated_at(row: Central) -> None:
    before = row.system("uuid:1")
    assert before["updatedAt"] is None
    row.acts.comment(FORM_ID, "uuid:1", "hello")
    row.acts.attach(FORM_ID, "uuid:1", "p.jpg", b"two")
    assert changed(row, before) == set()
    row.acts.detach(FORM_ID, "uuid:1", "p.jpg")
    assert changed(row, before) == {"attachmentsPresent"}
    row.acts.delete(FORM_ID, "uuid:1")
    (deleted,) = row.odata(select="__system", filter="__system/deletedAt ne null")
    assert {name for name in before if before[name] != deleted["__system"][name]} == {"attachmentsPresent", "deletedAt"}
    row.acts.restore(FORM_ID, "uuid:1")
    assert changed(row, before) == {"attachmentsPresent"}
    row.acts.review(FORM_ID, "uuid:1", "hasIssues")
    assert changed(row, before) == {"attachmentsPresent", "updatedAt", "reviewState"}
    first = row.system("uuid:1")["updatedAt"]
    row.acts.review(FORM_ID, "uuid:1", "hasIssues")
    assert row.system("uuid:1")["updatedAt"] > first


def test_the_etag_changes_with_rows_and_not_with_comments_and_files(row: Central) -> None:
    acts = row.acts

    def acting(act: str) -> bool:
        before = row.etag(), row.etag(row.table)
        {
            "comment": lambda: acts.comment(FORM_ID, "uuid:1", "hello"),
            "replace": lambda: acts.attach(FORM_ID, "uuid:1", "p.jpg", b"two"),
            "remove": lambda: acts.detach(FORM_ID, "uuid:1", "p.jpg"),
            "late": lambda: acts.submit(xml("uuid:1", PHOTO), {"p.jpg": b"three"}),
            "review": lambda: acts.review(FORM_ID, "uuid:1", "approved"),
            "same review": lambda: acts.review(FORM_ID, "uuid:1", "approved"),
            "edit": lambda: edit(row, "uuid:1", "uuid:1b"),
            "new": lambda: acts.submit(xml("uuid:2")),
            "delete": lambda: acts.delete(FORM_ID, "uuid:1"),
            "restore": lambda: acts.restore(FORM_ID, "uuid:1"),
        }[act]()
        after = row.etag(), row.etag(row.table)
        assert (before[0] == after[0]) == (before[1] == after[1])
        return before != after

    assert row.etag().startswith('W/"eventhash:')
    assert {act for act in ("comment", "replace", "remove", "late") if acting(act)} == set()
    assert [act for act in ("review", "same review", "edit", "new", "delete", "restore") if not acting(act)] == []


def test_the_etag_is_that_of_the_chosen_rows_and_proves_that_they_are_the_same(row: Central) -> None:
    one = row.etag(row.table, **{"$filter": "__id eq 'uuid:1'"})
    all_of_them = row.etag()
    row.acts.submit(xml("uuid:2"))
    assert row.etag(row.table, **{"$filter": "__id eq 'uuid:1'"}) == one
    assert row.status("GET", row.rows, headers={"If-None-Match": all_of_them}) == 200
    now = row.etag()
    assert row.status("GET", row.rows, headers={"If-None-Match": now}) == 304
    assert row.status("GET", row.table, headers={"If-None-Match": now}) == 304
    assert row.etag(row.table, **{"$filter": "__id eq 'nobody'"}) == f'W/"eventhash:{"0" * 32}"'


def test_of_a_deleted_row_nothing_can_be_read_and_it_shows_only_to_who_asks(row: Central) -> None:
    row.acts.submit(xml("uuid:2"))
    row.acts.delete(FORM_ID, "uuid:1")
    for more in ("", ".xml", "/versions", "/versions/uuid:1.xml", "/attachments", "/audits", "/comments"):
        assert row.status("GET", f"{row.rows}/uuid:1{more}") == 404
    assert row.ids() == ["uuid:2"]
    assert row.ids("__id eq 'uuid:1'") == []
    assert row.ids("__system/deletedAt ne null") == ["uuid:1"]
    assert row.ids("not __system/deletedAt eq null") == ["uuid:1"]
    assert row.ids("__system/deletedAt eq null or __system/deletedAt ne null") == ["uuid:2", "uuid:1"]
    assert [item["instanceId"] for item in row.acts.do("GET", row.rows)] == ["uuid:2"]
    (listed,) = row.acts.do("GET", row.rows, params={"deleted": "true"})
    assert listed["instanceId"] == "uuid:1"
    assert listed["deletedAt"]
    for method, more in [("DELETE", ""), ("PATCH", ""), ("POST", "/comments")]:
        assert row.status(method, f"{row.rows}/uuid:1{more}", json={"reviewState": None, "body": "x"}) == 404
    row.acts.restore(FORM_ID, "uuid:1")
    assert row.status("POST", f"{row.rows}/uuid:1/restore") == 404


def test_a_restored_row_appears_in_no_delta_by_time(row: Central) -> None:
    row.acts.delete(FORM_ID, "uuid:1")
    row.acts.submit(xml("uuid:2"))
    since = row.system("uuid:2")["submissionDate"]
    row.acts.restore(FORM_ID, "uuid:1")
    names = ("submissionDate", "updatedAt", "deletedAt")
    assert row.ids(" or ".join(f"__system/{name} gt {since}" for name in names)) == []


@pytest.mark.parametrize("state", ["hasIssues", "edited", "approved", "rejected", None])
def test_reviews(row: Central, state: str | None) -> None:
    row.acts.review(FORM_ID, "uuid:1", "approved" if state != "approved" else "rejected")
    row.acts.review(FORM_ID, "uuid:1", state)
    assert row.system("uuid:1")["reviewState"] == state
    assert row.submission("uuid:1")["reviewState"] == state


def test_an_unknown_review_state_is_refused(row: Central) -> None:
    for state in ("received", "nonsense"):
        with pytest.raises(RefusedActError) as caught:
            row.acts.review(FORM_ID, "uuid:1", state)
        assert caught.value.code == 400.8


def test_the_log_of_a_submission_says_what_happened_with_the_notes_that_came_along(row: Central) -> None:
    row.acts.review(FORM_ID, "uuid:1", "hasIssues", notes="by laktasi: é")
    row.acts.review(FORM_ID, "uuid:1", None)
    row.acts.comment(FORM_ID, "uuid:1", "hello")
    edit(row, "uuid:1", "uuid:1b")
    row.acts.delete(FORM_ID, "uuid:1")
    row.acts.restore(FORM_ID, "uuid:1")
    log = row.submission("uuid:1", "audits")
    assert [(entry["action"], entry["notes"]) for entry in log] == [
        ("submission.restore", None),
        ("submission.delete", None),
        ("submission.update.version", None),
        ("submission.update", None),
        ("submission.update", "by laktasi: é"),
        ("submission.create", None),
    ]
    assert [entry["details"]["reviewState"] for entry in log[3:5]] == [None, "hasIssues"]
    assert log[2]["details"]["instanceId"] == "uuid:1b"
    assert {entry["actorId"] for entry in log} == {row.acts.myself()}
    times = [entry["loggedAt"] for entry in log]
    assert times == sorted(times, reverse=True)


def test_comments_come_newest_first(row: Central) -> None:
    for body in ("one", "two"):
        row.acts.comment(FORM_ID, "uuid:1", body)
    comments = row.submission("uuid:1", "comments")
    assert [(item["body"], item["actorId"]) for item in comments] == [
        (body, row.acts.myself()) for body in ("two", "one")
    ]
