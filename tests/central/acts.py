"""What people do to a Central: managers in their browser, phones with Collect. Over HTTP only, so on any Central."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

import requests

TIMEOUT = 60
XHTML = "{http://www.w3.org/1999/xhtml}"
XFORMS = "{http://www.w3.org/2002/xforms}"
VIEWER = "viewer"
COLLECTOR = "app-user"


class RefusedActError(Exception):
    """Central did not do it. `status` is HTTP's, `code` Central's own (409.1), where it gave one."""

    def __init__(self, status: int, code: float | None, what: str) -> None:
        super().__init__(f"{what}: {status} ({code})")
        self.status = status
        self.code = code


class Acts:
    """One person at one Central, and the project that this person works in.

    Methods raise :class:`RefusedActError` where Central refuses; those whose refusal is the point of a test have a
    way to see it: ``ask`` gives the whole answer, whatever it is.
    """

    def __init__(self, url: str, email: str, password: str, project: int = 0) -> None:
        self.url = url.rstrip("/")
        self.email = email
        self.password = password
        self.project = project
        self.session = requests.Session()
        self.log_in()

    def log_in(self) -> None:
        """Begin a session; an old one is forgotten."""
        self.session.headers.pop("Authorization", None)
        answer = self.do("POST", "sessions", json={"email": self.email, "password": self.password})
        self.session.headers["Authorization"] = f"Bearer {answer['token']}"

    def close(self) -> None:
        self.session.close()

    # asking

    def ask(self, method: str, path: str, **given: Any) -> requests.Response:
        """Send a request below ``/v1/`` and give the answer, whatever it is."""
        return self.session.request(
            method, f"{self.url}/v1/{path}", timeout=TIMEOUT, **({"allow_redirects": False} | given)
        )

    def do(self, method: str, path: str, **given: Any) -> Any:
        """Send a request, and give its JSON, or its bytes where it is something else."""
        answer = self.ask(method, path, **given)
        if answer.status_code >= 300:
            raise RefusedActError(answer.status_code, code_of(answer), f"{method} {path}")
        return answer.json() if "json" in answer.headers.get("Content-Type", "") else answer.content

    def place(self, *parts: str) -> str:
        """Give the path of something in the project; each part is quoted."""
        return "/".join([f"projects/{self.project}", *(quote(part, safe="") for part in parts)])

    # projects and people

    def make_project(self, name: str = "laktasi test") -> int:
        """Make a project; everything after happens in it."""
        self.project = int(self.do("POST", "projects", json={"name": name})["id"])
        return self.project

    def delete_project(self) -> None:
        self.do("DELETE", f"projects/{self.project}")

    def myself(self) -> int:
        """Give the id of this person as an actor."""
        return int(self.do("GET", "users/current")["id"])

    def make_account(self, email: str, password: str, role: str | None = VIEWER) -> Acts:
        """Make another person's account, with a role in this project, and log in as that person."""
        actor = self.do("POST", "users", json={"email": email, "password": password})["id"]
        if role:
            self.do("POST", f"{self.place()}/assignments/{role}/{actor}")
        return Acts(self.url, email, password, self.project)

    def promote(self, actor_id: int) -> None:
        """Make somebody an administrator of the whole server."""
        self.do("POST", f"assignments/admin/{actor_id}")

    def demote(self, actor_id: int) -> None:
        """Take an administrator's rights away; roles in projects stay."""
        self.do("DELETE", f"assignments/admin/{actor_id}")

    def delete_account(self, actor_id: int) -> None:
        self.do("DELETE", f"users/{actor_id}")

    def app_user(self, name: str, *forms: str) -> tuple[int, str]:
        """Make an app user that may send these forms; give its actor id and token."""
        made = self.do("POST", f"{self.place()}/app-users", json={"displayName": name})
        for form in forms:
            self.do("POST", f"{self.place('forms', form)}/assignments/{COLLECTOR}/{made['id']}")
        return int(made["id"]), str(made["token"])

    def revoke(self, actor_id: int) -> None:
        """Take an app user's right to send away, for good."""
        self.do("DELETE", f"{self.place()}/app-users/{actor_id}")

    # forms

    def publish(self, xform: bytes, media: Mapping[str, bytes] | None = None) -> str:
        """Publish a form, or a new version of it, with its media; give its form id."""
        form = form_id_of(xform)
        exists = self.ask("GET", self.place("forms", form)).status_code == 200
        path = f"{self.place('forms', form)}/draft" if exists else f"{self.place()}/forms"
        # A question that is dropped is something Central warns of.
        params = {"ignoreWarnings": "true"}
        self.do("POST", path, params=params, data=xform, headers={"Content-Type": "application/xml"})
        for name, content in (media or {}).items():
            self.do("POST", f"{self.place('forms', form, 'draft', 'attachments', name)}", data=content)
        self.do("POST", f"{self.place('forms', form)}/draft/publish")
        return form

    def set_form_state(self, form: str, state: str) -> None:
        """Make a form ``open``, ``closing`` or ``closed``."""
        self.do("PATCH", self.place("forms", form), json={"state": state})

    # submissions

    def send(
        self,
        xml: str | bytes,
        files: Mapping[str, bytes] | None = None,
        *,
        token: str | None = None,
        device_id: str | None = None,
    ) -> requests.Response:
        """Send a submission as Collect does, with its files, and give the answer, whatever it is.

        Sending the same again with another file is how Collect brings a late attachment.
        """
        content = xml.encode() if isinstance(xml, str) else xml
        parts = {"xml_submission_file": ("submission.xml", content, "text/xml")}
        parts |= {name: (name, data, "application/octet-stream") for name, data in (files or {}).items()}
        door = f"key/{token}/" if token else ""
        headers: dict[str, Any] = {"X-OpenRosa-Version": "1.0"}
        if token:
            headers["Authorization"] = None  # the token in the address is all that Collect has
        given: dict[str, Any] = {"params": {"deviceID": device_id}} if device_id else {}
        return self.ask("POST", f"{door}{self.place()}/submission", files=parts, headers=headers, **given)

    def submit(
        self,
        xml: str | bytes,
        files: Mapping[str, bytes] | None = None,
        *,
        token: str | None = None,
        device_id: str | None = None,
    ) -> None:
        """Send a submission as Collect does; raise where it is refused."""
        answer = self.send(xml, files, token=token, device_id=device_id)
        if answer.status_code != 201:
            raise RefusedActError(answer.status_code, None, "submission")

    def edit(self, form: str, submission_id: str, xml: str | bytes) -> Any:
        """Replace a submission's current version, which the XML names as deprecatedID."""
        content = xml.encode() if isinstance(xml, str) else xml
        path = self.place("forms", form, "submissions", submission_id)
        return self.do("PUT", path, data=content, headers={"Content-Type": "application/xml"})

    def review(self, form: str, submission_id: str, state: str | None, *, notes: str | None = None) -> None:
        """Set the review state; None is received."""
        headers = {"X-Action-Notes": quote(notes)} if notes else {}
        path = self.place("forms", form, "submissions", submission_id)
        self.do("PATCH", path, json={"reviewState": state}, headers=headers)

    def comment(self, form: str, submission_id: str, body: str) -> None:
        self.do("POST", f"{self.place('forms', form, 'submissions', submission_id)}/comments", json={"body": body})

    def delete(self, form: str, submission_id: str) -> None:
        self.do("DELETE", self.place("forms", form, "submissions", submission_id))

    def restore(self, form: str, submission_id: str) -> None:
        self.do("POST", f"{self.place('forms', form, 'submissions', submission_id)}/restore")

    def attach(self, form: str, submission_id: str, name: str, content: bytes) -> None:
        """Upload or replace a file that the current version names."""
        path = self.place("forms", form, "submissions", submission_id, "attachments", name)
        self.do("POST", path, data=content, headers={"Content-Type": "application/octet-stream"})

    def detach(self, form: str, submission_id: str, name: str) -> None:
        """Remove a file; its name stays expected."""
        self.do("DELETE", self.place("forms", form, "submissions", submission_id, "attachments", name))

    # entities

    def make_list(self, name: str, *properties: str) -> None:
        self.do("POST", f"{self.place()}/datasets", json={"name": name})
        for item in properties:
            self.do("POST", f"{self.place('datasets', name)}/properties", json={"name": item})

    def make_entity(self, list_name: str, entity_id: str, label: str, data: Mapping[str, str]) -> Any:
        given = {"uuid": entity_id, "label": label, "data": dict(data)}
        return self.do("POST", f"{self.place('datasets', list_name)}/entities", json=given)

    def update_entity(
        self,
        list_name: str,
        entity_id: str,
        base_version: int,
        *,
        label: str | None = None,
        data: Mapping[str, str] | None = None,
    ) -> Any:
        """Change an entity that is thought to be at a version; a stale one is refused with 409."""
        given = {key: value for key, value in {"label": label, "data": data and dict(data)}.items() if value}
        path = self.place("datasets", list_name, "entities", entity_id)
        return self.do("PATCH", path, params={"baseVersion": base_version}, json=given)

    def delete_entity(self, list_name: str, entity_id: str) -> None:
        self.do("DELETE", self.place("datasets", list_name, "entities", entity_id))

    def restore_entity(self, list_name: str, entity_id: str) -> None:
        self.do("POST", f"{self.place('datasets', list_name, 'entities', entity_id)}/restore")

    def restore_entities(self, list_name: str, *entity_ids: str) -> None:
        """Restore several at once, as Central's page does: unlike one alone, they are not marked as updated."""
        self.do("POST", f"{self.place('datasets', list_name, 'entities')}/bulk-restore", json={"ids": entity_ids})


def code_of(answer: requests.Response) -> float | None:
    """Give Central's own code of a refusal (409.1), where it says one."""
    try:
        said = json.loads(answer.content)
    except ValueError:
        return None
    return said.get("code") if isinstance(said, dict) else None


def form_id_of(xform: bytes) -> str:
    """Read the form id of an XForm."""
    instance = ElementTree.fromstring(xform).find(f"{XHTML}head/{XFORMS}model/{XFORMS}instance")
    assert instance is not None
    return instance[0].attrib["id"]
