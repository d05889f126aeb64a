"""The mirror: what a Central says stands in the warehouse, and nothing is missing."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.central import Acts
from tests.contract.walk import Central
from tests.contract.warehouse import FORM_ID, Mirrored, make_settings, mirrored, publish, true_line, xml


@pytest.fixture
def acts(empty_central: Central, template: Path, tmp_path: Path) -> Acts:
    publish(empty_central.acts, template, tmp_path)
    return empty_central.acts


@pytest.fixture
def here(acts: Acts, tmp_path: Path) -> Iterator[Mirrored]:
    with mirrored(make_settings(acts, tmp_path)) as here:
        yield here


def test_edits_deletions_and_restored_rows_follow(acts: Acts, here: Mirrored) -> None:
    for number in range(3):
        acts.submit(xml(number, f"uuid:{number}"))
    assert here.line() == true_line(3)
    acts.edit(FORM_ID, "uuid:0", edited := xml(0, "uuid:0b", deprecated_id="uuid:0", age=55))
    acts.delete(FORM_ID, "uuid:1")
    assert here.line() == true_line(2)
    assert here.states() == {"uuid:0": "uuid:0b", "uuid:1": "deleted", "uuid:2": "uuid:2"}
    assert here.payloads()["uuid:0b"] == edited
    acts.restore(FORM_ID, "uuid:1")
    assert here.line() == true_line(3)
    assert here.states() == {"uuid:0": "uuid:0b", "uuid:1": "uuid:1", "uuid:2": "uuid:2"}
    assert here.payloads().keys() == {"uuid:0", "uuid:0b", "uuid:1", "uuid:2"}


def test_who_made_each_version_and_what_reviewers_say_stands_beside_the_answers(acts: Acts, here: Mirrored) -> None:
    _, token = acts.app_user("phone 7", FORM_ID)
    acts.submit(xml(0, "uuid:0"), token=token, device_id="collect:7")
    acts.edit(FORM_ID, "uuid:0", xml(0, "uuid:0b", deprecated_id="uuid:0"))
    acts.review(FORM_ID, "uuid:0", "hasIssues")
    here.pull()
    said = "select review_state, submitter_name, device_id, edits from raw.latest_submission_states"
    assert here.rows(said) == [("hasIssues", "phone 7", "collect:7", 1)]
    makers = here.rows("select instance_id, submitter_name from raw.submission_versions order by created_at")
    assert makers == [("uuid:0", "phone 7"), ("uuid:0b", acts.email)]
    acts.review(FORM_ID, "uuid:0", None)
    here.pull()
    assert here.rows(said) == [(None, "phone 7", "collect:7", 1)]


def send_with_photos(acts: Acts) -> None:
    for number, files in enumerate([{}, {"p.jpg": b"one"}]):
        acts.submit(xml(number, f"uuid:{number}", photo="p.jpg"), files)


def change_photos(acts: Acts) -> None:
    acts.submit(xml(0, "uuid:0", photo="p.jpg"), {"p.jpg": b"late"})
    acts.attach(FORM_ID, "uuid:1", "p.jpg", b"two")
    acts.submit(xml(2, "uuid:2", photo="p.jpg"), {"p.jpg": b"other"})


CHANGED = {("uuid:0", "p.jpg"): b"late", ("uuid:1", "p.jpg"): b"two", ("uuid:2", "p.jpg"): b"other"}


def test_late_replaced_and_removed_files_are_found_and_land_nothing_twice(acts: Acts, here: Mirrored) -> None:
    send_with_photos(acts)
    here.pull()
    assert here.files() == {("uuid:1", "p.jpg"): b"one"}
    change_photos(acts)
    here.pull()
    assert here.files() == CHANGED
    acts.detach(FORM_ID, "uuid:1", "p.jpg")
    assert here.line(thorough=True) == true_line(3)
    assert here.files() == CHANGED | {("uuid:1", "p.jpg"): None}
    assert here.payloads().keys() == {"uuid:0", "uuid:1", "uuid:2"}


def test_a_viewer_finds_files_without_the_log(acts: Acts, tmp_path: Path, stranger: Acts) -> None:
    acts.do("POST", f"{acts.place()}/assignments/viewer/{stranger.myself()}")
    with mirrored(make_settings(stranger, tmp_path)) as here:
        send_with_photos(acts)
        here.pull()
        change_photos(acts)
        assert here.line() == true_line(3)
        assert here.files() == CHANGED


def test_entities_follow(acts: Acts, here: Mirrored) -> None:
    name = str(uuid.uuid4())
    acts.make_list("mothers", "village", "age")
    acts.make_entity("mothers", name, "M1", {"village": "A"})
    here.pull()
    acts.update_entity("mothers", name, 1, data={"age": "30"})
    here.pull()
    acts.delete_entity("mothers", name)
    here.pull()
    acts.restore_entities("mothers", name)  # in bulk: no time says so
    line = here.pull()[-1]
    assert (line.form_id, line.server, line.warehouse, line.is_true) == ("mothers", 1, 1, True)
    seen = here.rows("select version, properties, deleted_at is not null from raw.entities order by landed_at")
    assert [(version, is_deleted) for version, _, is_deleted in seen] == [(1, False), (2, False), (2, True), (2, False)]
    assert seen[-1][1] == {"village": "A", "age": "30"}


ENCRYPTED = (
    '<data xmlns="http://opendatakit.org/submissions" encrypted="yes" id="tea" version="1">'
    "<base64EncryptedKey>a2V5</base64EncryptedKey>"
    '<meta xmlns="http://openrosa.org/xforms"><instanceID>uuid:secret</instanceID></meta>'
    "<encryptedXmlFile>submission.xml.enc</encryptedXmlFile></data>"
)


def test_what_cannot_be_a_submission_is_refused_and_counted(acts: Acts, here: Mirrored) -> None:
    acts.submit(xml(0, "uuid:0"))
    acts.submit(xml(1, "uuid:torn")[: -len("</orx:meta></data>")])
    acts.submit(ENCRYPTED)
    for refused in (2, 0):
        assert here.line() == "server 3, warehouse 1, refused 2, missing 0, extra 0"
        assert here.told["refused"] == refused


def test_ids_that_are_awkward_in_addresses_and_filters_land(acts: Acts, here: Mirrored) -> None:
    names = {"a b", "a/b", "ä", "a'b", "a+b%"}
    for name in names:
        acts.submit(xml(0, name))
    assert here.line() == true_line(5)
    assert here.payloads().keys() == names
    acts.delete(FORM_ID, "a/b")
    assert here.line() == true_line(4)


def test_a_new_version_that_drops_a_question_takes_no_answer_away(acts: Acts, here: Mirrored, tmp_path: Path) -> None:
    acts.submit(xml(0, "uuid:0", photo="p.jpg"))
    here.pull()
    fielded = (tmp_path / "project" / "xlsforms" / "fielded" / "tea-1.xml").read_bytes()
    dropped = fielded.replace(b'version="1"', b'version="2"').replace(b"<photo/>", b"")
    dropped = dropped.replace(b'<bind nodeset="/data/photo" type="binary"/>', b"")
    acts.publish(dropped)
    acts.submit(xml(1, "uuid:1").replace('version="1"', 'version="2"'))
    assert here.line() == true_line(2)
    assert here.rows("select count(*) from raw.forms") == [(2,)]
    assert "<photo>p.jpg</photo>" in here.payloads()["uuid:0"]
