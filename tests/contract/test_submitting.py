"""What Central answers to phones, and what it keeps of what they send."""

from __future__ import annotations

import uuid

import pytest
import requests

from tests.contract.walk import FORM_ID, Central, xform, xml

PHOTO = "<photo>p.jpg</photo>"


def send(central: Central, xml: str, **files: bytes) -> int:
    return central.acts.send(xml, {f"{name}.jpg": content for name, content in files.items()}).status_code


def test_the_same_again_and_late_files_are_taken_and_other_xml_is_refused(central: Central) -> None:
    assert [send(central, xml("uuid:1", PHOTO)) for _ in range(2)] == [201, 201]
    assert send(central, xml("uuid:1")) == 409
    assert central.submission("uuid:1", "attachments") == [{"name": "p.jpg", "exists": False}]
    assert send(central, xml("uuid:1", PHOTO), p=b"one") == 201
    assert central.submission("uuid:1", "attachments") == [{"name": "p.jpg", "exists": True}]
    assert central.ids() == ["uuid:1"]


def test_a_file_that_nobody_expects_is_dropped_in_silence(central: Central) -> None:
    for _ in range(2):
        assert send(central, xml("uuid:1", PHOTO), other=b"x") == 201
    assert central.submission("uuid:1", "attachments") == [{"name": "p.jpg", "exists": False}]


def test_what_was_edited_or_deleted_cannot_be_sent_again(central: Central) -> None:
    central.acts.submit(xml("uuid:1"))
    central.acts.edit(FORM_ID, "uuid:1", xml("uuid:1b", deprecated_id="uuid:1"))
    assert send(central, xml("uuid:1")) == 409
    central.acts.submit(xml("uuid:2"))
    central.acts.delete(FORM_ID, "uuid:2")
    assert send(central, xml("uuid:2")) == 409


def test_without_an_instance_id_each_sending_is_a_new_row_named_without_uuid(central: Central) -> None:
    assert [send(central, xml(None)) for _ in range(2)] == [201, 201]
    ids = central.ids()
    assert len(set(ids)) == 2
    assert all(str(uuid.UUID(name)) == name for name in ids)


@pytest.mark.parametrize(
    ("changed", "status"),
    [({"form": "unknown"}, 404), ({"version": "9"}, 404), ({"version": ""}, 404)],
    ids=["unknown form", "unknown version", "no version"],
)
def test_an_unknown_form_or_version_is_refused(central: Central, changed: dict[str, str], status: int) -> None:
    assert send(central, xml("uuid:1", **changed)) == status


def test_what_is_no_submission_is_refused_and_a_torn_one_is_taken(central: Central) -> None:
    assert send(central, "no xml") == 400
    assert send(central, "<data/>") == 400
    torn = xml("uuid:torn")[: -len("</orx:meta></data>")]
    assert send(central, torn) == 201
    assert central.acts.do("GET", f"{central.rows}/uuid:torn.xml") == torn.encode()


def test_the_protocols_version_must_be_said(central: Central) -> None:
    files = {"xml_submission_file": ("s.xml", xml("uuid:1").encode(), "text/xml")}
    assert central.status("POST", f"{central.acts.place()}/submission", files=files) == 400


def test_a_form_that_closes_takes_submissions_until_it_is_closed(central: Central) -> None:
    central.acts.set_form_state(FORM_ID, "closing")
    assert send(central, xml("uuid:1")) == 201
    central.acts.set_form_state(FORM_ID, "closed")
    assert send(central, xml("uuid:2")) == 409


def test_two_forms_may_have_the_same_instance_id(central: Central) -> None:
    central.acts.publish(xform().replace(b'id="walk"', b'id="other"'))
    assert send(central, xml("uuid:1")) == 201
    assert send(central, xml("uuid:1", form="other")) == 201


def test_an_app_user_sends_what_it_was_assigned_until_it_is_revoked(central: Central) -> None:
    actor, token = central.acts.app_user("phone 1")
    assert central.acts.send(xml("uuid:1"), token=token).status_code == 401
    central.acts.do("POST", f"{central.form}/assignments/app-user/{actor}")
    assert central.acts.send(xml("uuid:1"), token=token, device_id="d1").status_code == 201
    assert {key: central.system("uuid:1")[key] for key in ("submitterId", "submitterName", "deviceId")} == {
        "submitterId": str(actor),
        "submitterName": "phone 1",
        "deviceId": "d1",
    }
    central.acts.revoke(actor)
    assert central.acts.send(xml("uuid:2"), token=token).status_code == 403
    assert central.acts.send(xml("uuid:2"), token="a" * 64).status_code == 403
    assert central.acts.send(xml("uuid:2"), token="no-token").status_code == 401


def test_a_phone_may_ask_whether_the_address_is_right(central: Central) -> None:
    _, token = central.acts.app_user("phone 1", FORM_ID)
    path = f"{central.acts.url}/v1/key/{token}/{central.acts.place()}/submission"
    assert requests.head(path, headers={"X-OpenRosa-Version": "1.0"}, timeout=10).status_code == 204


def test_instance_ids_may_hold_nearly_anything(central: Central) -> None:
    names = ["a b", "a/b", "ä", "a'b", "a+b%", " uuid:spaces ", "."]
    for name in names:
        central.acts.submit(xml(name))
    assert central.ids() == names[::-1]
    for name in names[:5]:
        assert central.submission(name)["instanceId"] == name


def test_the_log_says_when_an_app_user_last_sent_something(central: Central) -> None:
    _, token = central.acts.app_user("phone 1", FORM_ID)
    path, extended = f"{central.acts.place()}/app-users", {"X-Extended-Metadata": "true"}
    assert central.acts.do("GET", path, headers=extended)[0]["lastUsed"] is None
    central.acts.submit(xml("uuid:1"), token=token)
    assert central.acts.do("GET", path, headers=extended)[0]["lastUsed"] >= central.system("uuid:1")["submissionDate"]
