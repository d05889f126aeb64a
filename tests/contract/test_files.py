"""Files of submissions, and the log that alone tells of them."""

from __future__ import annotations

import hashlib

import pytest

from tests.central import Acts
from tests.contract.walk import FORM_ID, Central, xml

PHOTO = "<photo>p.jpg</photo>"
EVENT = "submission.attachment.update"


@pytest.fixture
def row(central: Central) -> Central:
    central.acts.submit(xml("uuid:1", PHOTO), {"p.jpg": b"one"})
    return central


def log(central: Central, **params: str) -> list[dict[str, object]]:
    entries = central.acts.do("GET", "audits", params={"action": EVENT, **params})
    actee = central.submission("uuid:1", "audits")[0]["acteeId"]
    return [entry["details"] for entry in entries if entry["acteeId"] == actee]


def test_a_files_etag_is_its_md5(row: Central) -> None:
    path = f"{row.rows}/uuid:1/attachments/p.jpg"
    answer = row.acts.ask("GET", path)
    assert answer.content == b"one"
    assert answer.headers["ETag"] == f'"{hashlib.md5(b"one", usedforsecurity=False).hexdigest()}"'
    assert "Content-Disposition" in answer.headers
    again = row.acts.ask("GET", path, headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    row.acts.attach(FORM_ID, "uuid:1", "p.jpg", b"two")
    again = row.acts.ask("GET", path, headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.content) == (200, b"two")


def test_what_is_missing_or_unexpected_is_404(row: Central) -> None:
    row.acts.detach(FORM_ID, "uuid:1", "p.jpg")
    assert row.submission("uuid:1", "attachments") == [{"name": "p.jpg", "exists": False}]
    place = f"{row.rows}/uuid:1/attachments"
    for method, name in [("GET", "p.jpg"), ("GET", "q.jpg"), ("POST", "q.jpg"), ("DELETE", "q.jpg")]:
        assert row.status(method, f"{place}/{name}", data=b"x" if method == "POST" else None) == 404


def test_the_table_counts_files_that_are_there_and_expected(row: Central) -> None:
    row.acts.submit(xml("uuid:2", PHOTO))
    row.acts.submit(xml("uuid:3"))
    counts = [
        (system["attachmentsPresent"], system["attachmentsExpected"])
        for system in (row.system(f"uuid:{number}") for number in (1, 2, 3))
    ]
    assert counts == [(1, 1), (0, 1), (0, 0)]


def test_an_edit_takes_files_along_by_name_and_older_versions_keep_theirs(row: Central) -> None:
    row.acts.edit(FORM_ID, "uuid:1", xml("uuid:1b", PHOTO, deprecated_id="uuid:1"))
    row.acts.attach(FORM_ID, "uuid:1", "p.jpg", b"two")
    place = f"{row.rows}/uuid:1"
    assert row.acts.do("GET", f"{place}/attachments/p.jpg") == b"two"
    assert row.acts.do("GET", f"{place}/versions/uuid:1b/attachments/p.jpg") == b"two"
    assert row.acts.do("GET", f"{place}/versions/uuid:1/attachments/p.jpg") == b"one"
    row.acts.edit(FORM_ID, "uuid:1", xml("uuid:1c", "<photo>q.jpg</photo>", deprecated_id="uuid:1b"))
    assert row.submission("uuid:1", "attachments") == [{"name": "q.jpg", "exists": False}]
    assert row.submission("uuid:1", "versions", "uuid:1", "attachments") == [{"name": "p.jpg", "exists": True}]


def test_the_log_names_the_version_or_the_submission_whichever_was_spoken_to(row: Central) -> None:
    row.acts.attach(FORM_ID, "uuid:1", "p.jpg", b"two")
    row.acts.detach(FORM_ID, "uuid:1", "p.jpg")
    row.acts.submit(xml("uuid:1", PHOTO), {"p.jpg": b"three"})
    row.acts.edit(FORM_ID, "uuid:1", xml("uuid:1b", PHOTO, deprecated_id="uuid:1"))
    row.acts.attach(FORM_ID, "uuid:1", "p.jpg", b"four")
    row.acts.submit(xml("uuid:1b", PHOTO, deprecated_id="uuid:1"), {"p.jpg": b"five"})
    entries = log(row, limit="50")
    assert [entry["instanceId"] for entry in entries] == [
        "uuid:1b",  # late, through Collect: the version
        "uuid:1",  # by a manager: the submission
        "uuid:1b",  # taken along by the edit
        "uuid:1",
        "uuid:1",
        "uuid:1",
        "uuid:1",
    ]
    assert {entry["name"] for entry in entries} == {"p.jpg"}


def test_the_same_bytes_again_are_no_event_from_a_phone_and_one_from_a_manager(row: Central) -> None:
    before = len(log(row, limit="50"))
    row.acts.submit(xml("uuid:1", PHOTO), {"p.jpg": b"one"})
    assert len(log(row, limit="50")) == before
    row.acts.attach(FORM_ID, "uuid:1", "p.jpg", b"one")
    assert len(log(row, limit="50")) == before + 1


def test_the_log_is_read_from_a_moment_on_in_pages_newest_first(row: Central) -> None:
    for number in range(3):
        row.acts.attach(FORM_ID, "uuid:1", "p.jpg", str(number).encode())
    entries = row.acts.do("GET", "audits", params={"action": EVENT, "limit": "3"})
    times = [entry["loggedAt"] for entry in entries]
    assert times == sorted(times, reverse=True)
    pages = [
        row.acts.do("GET", "audits", params={"action": EVENT, "limit": "1", "offset": str(number)})[0]
        for number in range(3)
    ]
    assert pages == entries
    from_the_second = row.acts.do("GET", "audits", params={"action": EVENT, "start": times[1]})
    assert from_the_second == entries[:2]
    assert row.acts.do("GET", "audits", params={"action": EVENT, "start": times[0], "end": times[0]}) == []


def test_a_moment_that_is_none_makes_the_log_fail_as_if_the_server_were_ill(row: Central) -> None:
    assert row.status("GET", "audits", params={"start": "nonsense"}) == 500


def test_a_viewer_reads_files_and_not_the_log(row: Central, viewer: Acts) -> None:
    assert viewer.do("GET", f"{row.rows}/uuid:1/attachments/p.jpg") == b"one"
    assert viewer.ask("GET", "audits").status_code == 403
