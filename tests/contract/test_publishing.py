"""Forms: drafts, media, versions."""

from __future__ import annotations

import hashlib
import io
import uuid

import pytest
from openpyxl import Workbook

from tests.central.acts import RefusedActError, code_of
from tests.contract.walk import FORM_ID, TOWNS, Central, xform

XML = {"Content-Type": "application/xml"}
XLSX = {"Content-Type": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}


def test_a_draft_is_a_form_of_its_own_until_it_is_published(empty_central: Central) -> None:
    acts, central = empty_central.acts, empty_central
    made = acts.do("POST", f"{acts.place()}/forms", data=xform(), headers=XML)
    assert (made["xmlFormId"], made["version"], made["publishedAt"]) == (FORM_ID, "1", None)
    assert acts.do("GET", f"{central.form}/versions") == []
    assert [form["publishedAt"] for form in acts.do("GET", f"{acts.place()}/forms")] == [None]
    assert central.status("GET", central.table) == 404
    assert acts.do("GET", central.rows) == []
    acts.do("POST", f"{central.form}/draft/publish")
    assert central.status("GET", f"{central.form}/draft") == 404
    (version,) = acts.do("GET", f"{central.form}/versions")
    assert version["publishedAt"]
    assert acts.do("GET", f"{central.form}.xml") == xform()


def test_versions_come_newest_first_and_name_their_xform_by_hash(central: Central) -> None:
    central.acts.publish(xform("2"))
    versions = central.acts.do("GET", f"{central.form}/versions")
    assert [version["version"] for version in versions] == ["2", "1"]
    for version in versions:
        xml = central.acts.do("GET", f"{central.form}/versions/{version['version']}.xml")
        assert xml == xform(version["version"])
        assert version["sha256"] == hashlib.sha256(xml).hexdigest()
        assert version["hash"] == hashlib.md5(xml, usedforsecurity=False).hexdigest()
    assert central.acts.do("GET", f"{central.acts.place()}/forms")[0]["version"] == "2"


def test_a_version_that_is_empty_is_addressed_with_three_underscores(empty_central: Central) -> None:
    nameless = xform().replace(b'version="1"', b'version=""')
    empty_central.acts.publish(nameless)
    assert empty_central.acts.do("GET", f"{empty_central.form}/versions")[0]["version"] == ""
    assert empty_central.acts.do("GET", f"{empty_central.form}/versions/___.xml") == nameless


def test_a_version_is_published_once(central: Central) -> None:
    with pytest.raises(RefusedActError) as caught:
        central.acts.publish(xform("1", "| | text | other | Other |"))
    assert caught.value.code == 409.6
    assert central.status("DELETE", f"{central.form}/draft") == 200
    assert central.status("DELETE", f"{central.form}/draft") == 404


def test_a_form_id_is_given_once_also_from_the_trash_only_with_a_warning(central: Central) -> None:
    path = f"{central.acts.place()}/forms"
    assert code_of(central.acts.ask("POST", path, data=xform(), headers=XML)) == 409.3
    central.acts.do("DELETE", central.form)
    assert central.acts.do("GET", path) == []
    (trashed,) = central.acts.do("GET", path, params={"deleted": "true"})
    assert trashed["xmlFormId"] == FORM_ID
    assert central.status("GET", central.rows) == 404
    assert code_of(central.acts.ask("POST", path, data=xform(), headers=XML)) == 400.16
    assert central.status("POST", f"{path}/{trashed['id']}/restore") == 200
    assert central.acts.do("GET", central.rows) == []


def test_dropping_a_question_is_warned_of(central: Central) -> None:
    without = xform("2", "| | text | other | Other |")
    path = f"{central.form}/draft"
    answer = central.acts.ask("POST", path, data=without, headers=XML)
    assert code_of(answer) == 400.16
    assert answer.json()["details"]["warnings"] == {
        "workflowWarnings": [{"type": "structureChanged", "details": ["dropped"]}]
    }
    assert central.status("POST", path, params={"ignoreWarnings": "true"}, data=without, headers=XML) == 200


def test_what_is_no_form_is_refused(empty_central: Central) -> None:
    path = f"{empty_central.acts.place()}/forms"
    assert code_of(empty_central.acts.ask("POST", path, data=b"<x/>", headers=XML)) == 400.2
    assert code_of(empty_central.acts.ask("POST", path, data=b"no workbook", headers=XLSX)) == 400.15


def test_a_workbook_is_converted(empty_central: Central) -> None:
    book = Workbook()
    sheets: dict[str, list[tuple[str, ...]]] = {
        "survey": [("type", "name", "label"), ("text", "place", "Place")],
        "settings": [("form_id", "version"), ("café", "1")],
    }
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    del book["Sheet"]
    content = io.BytesIO()
    book.save(content)
    params = {"ignoreWarnings": "true", "publish": "false"}
    path = f"{empty_central.acts.place()}/forms"
    made = empty_central.acts.do("POST", path, params=params, data=content.getvalue(), headers=XLSX)
    assert (made["xmlFormId"], made["version"]) == ("café", "1")


# media


def media(central: Central, *place: str) -> list[tuple[str, bool, str | None]]:
    listed = central.acts.do("GET", "/".join([central.form, *place, "attachments"]))
    return [(file["name"], file["exists"], file["hash"]) for file in listed]


def test_a_form_names_its_media_and_takes_no_other(empty_central: Central) -> None:
    acts = empty_central.acts
    acts.do("POST", f"{acts.place()}/forms", data=xform(), headers=XML)
    place = f"{empty_central.form}/draft/attachments"
    assert media(empty_central, "draft") == [("towns.csv", False, None)]
    assert empty_central.status("POST", f"{place}/other.csv", data=b"x") == 404
    md5 = hashlib.md5(TOWNS, usedforsecurity=False).hexdigest()
    made = acts.do("POST", f"{place}/towns.csv", data=TOWNS)
    assert (made["name"], made["exists"], made["hash"], made["datasetExists"]) == ("towns.csv", True, md5, False)
    acts.do("POST", f"{empty_central.form}/draft/publish")
    assert media(empty_central) == media(empty_central, "versions", "1") == [("towns.csv", True, md5)]
    answer = acts.ask("GET", f"{empty_central.form}/versions/1/attachments/towns.csv")
    assert (answer.content, answer.headers["ETag"]) == (TOWNS, f'"{md5}"')


def test_an_entity_list_stands_in_for_a_file_of_its_name_and_changes_with_its_entities(empty_central: Central) -> None:
    acts = empty_central.acts
    name = str(uuid.uuid4())
    acts.make_list("towns", "size")
    acts.make_entity("towns", name, 'T "1", x', {"size": "3"})
    acts.publish(xform())
    (listed,) = acts.do("GET", f"{empty_central.form}/attachments")
    assert (listed["exists"], listed["datasetExists"], listed["hash"]) == (True, True, None)
    path = f"{empty_central.form}/versions/1/attachments/towns.csv"
    answer = acts.ask("GET", path)
    assert answer.text == f'name,label,__version,size\n{name},"T ""1"", x",1,3\n'
    assert empty_central.status("GET", path, headers={"If-None-Match": answer.headers["ETag"]}) == 304
    acts.update_entity("towns", name, 1, data={"size": "4"})
    again = acts.ask("GET", path, headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.text[-5:]) == (200, ",2,4\n")
    acts.delete_entity("towns", name)
    assert acts.do("GET", path) == b"name,label,__version,size\n"


def test_media_go_along_to_the_next_version_and_do_not_change_the_last(central: Central) -> None:
    central.acts.publish(xform("2"))
    assert central.acts.do("GET", f"{central.form}/versions/2/attachments/towns.csv") == TOWNS
    central.acts.publish(xform("3"), {"towns.csv": b"name,label\n"})
    assert central.acts.do("GET", f"{central.form}/versions/2/attachments/towns.csv") == TOWNS
    assert central.acts.do("GET", f"{central.form}/attachments/towns.csv") == b"name,label\n"
