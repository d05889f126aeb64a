"""Sessions, rights, app users."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.central import Acts
from tests.central.acts import RefusedActError, code_of
from tests.contract.walk import FORM_ID, Central, xform, xml

XML = {"Content-Type": "application/xml"}
EXTENDED = {"X-Extended-Metadata": "true"}


def test_a_wrong_password_is_401_and_none_at_all_400(central: Central) -> None:
    for given, code in [
        ({"email": central.acts.email, "password": "no"}, 401.2),
        ({"email": central.acts.email}, 400.3),
    ]:
        assert code_of(central.acts.ask("POST", "sessions", json=given)) == code


def test_a_session_that_ended_is_401_2(central: Central) -> None:
    other = Acts(central.acts.url, central.acts.email, central.acts.password)
    assert other.myself() == central.acts.myself()
    other.do("DELETE", "sessions/current")
    other.session.cookies.clear()
    assert code_of(other.ask("GET", "users/current")) == 401.2
    other.log_in()
    assert other.myself() == central.acts.myself()
    other.do("DELETE", "sessions/current")
    other.close()


def test_a_session_lasts_a_day(central: Central) -> None:
    given = {"email": central.acts.email, "password": central.acts.password}
    session = central.acts.do("POST", "sessions", json=given)
    assert session.keys() >= {"token", "expiresAt", "createdAt"}
    assert session["createdAt"][:10] < session["expiresAt"][:10]
    assert session["createdAt"][10:] == session["expiresAt"][10:]


READS = ("", "/versions", "/submissions", "/submissions?deleted=true", ".svc/Submissions", "/submissions/uuid:1.xml")
WRITES: list[tuple[str, str, dict[str, Any]]] = [
    ("PATCH", "/submissions/uuid:1", {"json": {"reviewState": "approved"}}),
    ("DELETE", "/submissions/uuid:1", {}),
    ("POST", "/submissions/uuid:1/restore", {}),
    ("POST", "/submissions", {"data": xml("uuid:2"), "headers": XML}),
    ("POST", "/submissions/uuid:1/attachments/p.jpg", {"data": b"x"}),
    ("POST", "/draft", {"data": xform("2"), "headers": XML}),
]


def test_a_viewer_reads_and_comments_and_changes_nothing(central: Central, viewer: Acts) -> None:
    central.acts.submit(xml("uuid:1", "<photo>p.jpg</photo>"))
    for more in (*READS, "/submissions/uuid:1/audits", "/submissions/uuid:1/versions", "/submissions/uuid:1/comments"):
        assert viewer.ask("GET", f"{central.form}{more}").status_code == 200
    for method, more, given in WRITES:
        assert viewer.ask(method, f"{central.form}{more}", **given).status_code == 403
    for path in ("audits", f"{central.acts.place()}/app-users"):
        assert viewer.ask("GET", path).status_code == 403
    viewer.comment(FORM_ID, "uuid:1", "hello")
    assert central.submission("uuid:1", "comments")[0]["actorId"] == viewer.myself()


def test_an_administrator_may_read_the_log_as_long_as_one_is(central: Central, viewer: Acts) -> None:
    actor_id = viewer.myself()
    assert viewer.ask("POST", f"assignments/admin/{actor_id}").status_code == 403
    central.acts.promote(actor_id)
    assert viewer.ask("GET", "audits", params={"limit": 1}).status_code == 200
    central.acts.demote(actor_id)
    assert viewer.ask("GET", "audits", params={"limit": 1}).status_code == 403
    assert viewer.ask("GET", central.rows).status_code == 200


def test_a_project_says_what_one_may_do_there(central: Central, viewer: Acts) -> None:
    for person, may_review in [(central.acts, True), (viewer, False)]:
        verbs = person.do("GET", central.acts.place(), headers=EXTENDED)["verbs"]
        assert "submission.read" in verbs
        assert ("submission.update" in verbs) is may_review
    assert central.acts.do("GET", central.acts.place())["keyId"] is None


def test_a_stranger_may_nothing_and_what_is_not_there_is_404(central: Central, viewer: Acts) -> None:
    central.acts.do("DELETE", f"{central.acts.place()}/assignments/viewer/{viewer.myself()}")
    assert viewer.ask("GET", central.rows).status_code == 403
    assert viewer.ask("GET", f"{central.acts.place()}/forms/none/submissions").status_code == 404
    assert central.status("GET", "projects/999999999/forms") == 404


# app users


def app_users(central: Central) -> list[dict[str, object]]:
    return list(central.acts.do("GET", f"{central.acts.place()}/app-users", headers=EXTENDED))


def test_app_users_are_listed_newest_first_with_their_tokens_until_they_are_deleted(central: Central) -> None:
    made = [central.acts.app_user(name) for name in ("phone 1", "phone 2", "phone 1")]
    listed = app_users(central)
    assert [(user["id"], user["token"]) for user in listed] == made[::-1]
    assert [user["displayName"] for user in listed] == ["phone 1", "phone 2", "phone 1"]
    assert all(re.fullmatch(r"[A-Za-z0-9!$]{64}", str(user["token"])) for user in listed)
    central.acts.revoke(made[0][0])
    assert len(app_users(central)) == 2
    with pytest.raises(RefusedActError) as caught:
        central.acts.revoke(made[0][0])
    assert caught.value.status == 404


def test_assignments_say_who_may_send_which_form(central: Central) -> None:
    actor, _ = central.acts.app_user("phone 1", FORM_ID)
    path = f"{central.form}/assignments/app-user/{actor}"
    listed = f"{central.acts.place()}/assignments/forms/app-user"
    assert [(row["actorId"], row["xmlFormId"]) for row in central.acts.do("GET", listed)] == [(actor, FORM_ID)]
    assert [row["id"] for row in central.acts.do("GET", f"{central.form}/assignments/app-user")] == [actor]
    assert central.status("POST", path) == 409
    assert [central.status("DELETE", path) for _ in range(2)] == [200, 404]
    assert central.acts.do("GET", listed) == []


def test_the_form_list_for_a_phone_has_what_was_assigned_and_is_open(central: Central) -> None:
    _, token = central.acts.app_user("phone 1", FORM_ID)
    central.acts.publish(xform().replace(b'id="walk"', b'id="other"'))
    path, headers = f"key/{token}/{central.acts.place()}/formList", {"X-OpenRosa-Version": "1.0"}

    def forms() -> list[str]:
        answer = central.acts.ask("GET", path, headers=headers | {"Authorization": None})
        return re.findall("<formID>(.*?)</formID>", answer.text)

    assert forms() == [FORM_ID]
    central.acts.set_form_state(FORM_ID, "closing")
    assert forms() == []
