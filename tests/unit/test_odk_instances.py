"""The door for phones: what is recognised in a copied folder, and what is refused while the rest goes on."""

import os
import sqlite3
import zipfile
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from laktasi import scratch
from laktasi.errors import SourceError
from laktasi.odk.instances import Item, read_folder
from laktasi.records import Attachment, FieldedForm, Refused, Status, Submission
from tests.phones import fill, list_instances, payload, xform


def content(attachment: Attachment) -> bytes:
    assert attachment.path is not None
    return scratch.read(attachment.path)


def submissions(items: Iterable[Item]) -> list[Submission]:
    return [item for item in items if isinstance(item, Submission)]


def refusals(items: Iterable[Item]) -> dict[str, str]:
    return {item.name: item.reason for item in items if isinstance(item, Refused)}


def zipped(folder: Path, archive: Path) -> Path:
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as opened:
        for path in sorted(folder.rglob("*")):
            opened.write(path, path.relative_to(folder))
    return archive


@pytest.fixture
def phone(tmp_path: Path) -> Path:
    """Give a phone's project folder with a draft, a sent and an unlisted instance."""
    project = tmp_path / "card" / "phone 1" / "files" / "projects" / "0a1b"
    fill(project, "Visit_1", payload("uuid:1"), files={"audit.csv": b"event", "1.jpg": b"photo"})
    fill(project, "Visit_2", payload("uuid:2", deprecated_id="uuid:1"))
    fill(project, "Visit_3", payload("uuid:3"))
    list_instances(project, {"Visit_1": ("submitted", 1_700_000_000_123), "Visit_2": ("newEdit", 1_700_000_100_000)})
    return project


def test_reads_instances_with_status_time_and_attachments(phone: Path, tmp_path: Path) -> None:
    first, second, third = submissions(read_folder(tmp_path / "card"))
    assert (first.form_id, first.form_version, first.instance_id, first.deprecated_id) == ("visit", "3", "uuid:1", None)
    assert first.payload == (phone / "instances/Visit_1/Visit_1.xml").read_bytes()
    assert first.source == second.source == "phones"
    assert (first.status, first.changed_at) == (Status.FINALISED, datetime(2023, 11, 14, 22, 13, 20, 123000, UTC))
    assert [(item.name, content(item)) for item in first.attachments] == [
        ("1.jpg", b"photo"),
        ("audit.csv", b"event"),
    ]
    assert (second.deprecated_id, second.status) == ("uuid:1", Status.DRAFT)
    assert (third.status, third.changed_at) == (Status.UNKNOWN, None)


@pytest.mark.parametrize(
    ("collects", "ours"),
    [
        ("incomplete", Status.DRAFT),
        ("invalid", Status.DRAFT),
        ("valid", Status.DRAFT),
        ("newEdit", Status.DRAFT),
        ("complete", Status.FINALISED),
        ("submitted", Status.FINALISED),
        ("submissionFailed", Status.FINALISED),
        ("invented later", Status.UNKNOWN),
    ],
)
def test_knows_collects_statuses(tmp_path: Path, collects: str, ours: Status) -> None:
    fill(tmp_path, "V", payload("uuid:1"))
    # Before it had projects, Collect kept absolute paths.
    list_instances(tmp_path, {"V": (collects, 1)}, root="/storage/emulated/0/odk/instances/")
    assert [item.status for item in submissions(read_folder(tmp_path))] == [ours]


@pytest.mark.parametrize("below", ["", "instances", "instances/Visit_1"])
def test_the_list_is_found_wherever_in_the_project_the_import_starts(phone: Path, below: str) -> None:
    statuses = {item.instance_id: item.status for item in submissions(read_folder(phone / below))}
    assert statuses["uuid:1"] is Status.FINALISED


def test_one_phones_list_says_nothing_of_another_phones_instances(tmp_path: Path) -> None:
    outer, inner = tmp_path / "a", tmp_path / "a" / "copy of b"
    fill(outer, "V", payload("uuid:outer"))
    fill(inner, "V", payload("uuid:inner"))
    list_instances(outer, {"V": ("incomplete", 1)})
    statuses = {item.instance_id: item.status for item in submissions(read_folder(tmp_path))}
    assert statuses == {"uuid:outer": Status.DRAFT, "uuid:inner": Status.UNKNOWN}


def test_a_change_that_is_still_in_the_journal_is_seen_and_left_there(tmp_path: Path) -> None:
    fill(tmp_path, "V", payload("uuid:1"))
    database = list_instances(tmp_path, {"V": ("incomplete", 1)})
    con = sqlite3.connect(database)
    con.execute("pragma journal_mode = wal")
    con.execute("pragma wal_autocheckpoint = 0")
    con.execute("update instances set status = 'complete'")
    con.commit()
    before = {path.name: path.read_bytes() for path in database.parent.iterdir() if not path.name.endswith("-shm")}
    assert len(before["instances.db-wal"]) > 0
    assert [item.status for item in submissions(read_folder(tmp_path))] == [Status.FINALISED]
    after = {path.name: path.read_bytes() for path in database.parent.iterdir() if not path.name.endswith("-shm")}
    con.close()
    assert after == before


@pytest.mark.parametrize("damage", ["torn", "noise", "other table", "empty", "endless"])
def test_a_list_that_cannot_be_read_is_said_once_and_nothing_is_guessed(tmp_path: Path, damage: str) -> None:
    for number in range(3):
        # Something below an instance leads away from the list and back to it.
        fill(tmp_path / "instances" / f"V{number}", "odd", payload(f"uuid:odd{number}"))
        fill(tmp_path, f"V{number}", payload(f"uuid:{number}"))
    database = list_instances(tmp_path, {f"V{n}": ("complete", 1) for n in range(300)})
    content = database.read_bytes()
    if damage in ("other table", "endless"):
        con = sqlite3.connect(database)
        con.execute("drop table instances")
        if damage == "endless":
            con.execute(
                "create view instances as with recursive n(i) as (select 1 union all select i + 1 from n)"
                " select '' || i as instanceFilePath, 'complete' as status, 1 as date from n where i < 0"
            )
        con.commit()
        con.close()
    else:
        database.write_bytes({"torn": content[: len(content) // 2], "noise": os.urandom(5000), "empty": b""}[damage])
    items = list(read_folder(tmp_path))
    assert {item.status for item in submissions(items)} == {Status.UNKNOWN}
    assert len(submissions(items)) == 6
    lines = [item.reason for item in items if isinstance(item, Refused) and item.name == "metadata/instances.db"]
    assert len(lines) == 1
    assert "drafts is not known" in lines[0]


def test_what_cannot_be_a_submission_is_refused_and_the_rest_goes_on(tmp_path: Path) -> None:
    whole = payload("uuid:1")
    fill(tmp_path, "A_whole", whole)
    fill(tmp_path, "B_torn", whole[:80], files={"photo.jpg": b"x"})
    fill(tmp_path, "C_empty", b"")
    fill(tmp_path, "D_foreign", b"<svg/>")
    fill(tmp_path, "E_bomb", b'<!DOCTYPE d [<!ENTITY a "aaaa">]><d id="f">&a;</d>')
    with fill(tmp_path, "F_noise", b"").open("r+b") as file:
        file.truncate(100 * 2**20)
    (tmp_path / "instances" / "G_partly").mkdir()
    (tmp_path / "instances" / "G_partly" / "photo.jpg").write_bytes(b"x")
    fill(tmp_path, "H_whole", payload("uuid:2"))
    items = list(read_folder(tmp_path))
    assert [item.instance_id for item in submissions(items)] == ["uuid:1", "uuid:2"]
    told = refusals(items)
    assert list(told) == [
        "instances/B_torn/B_torn.xml",
        "instances/B_torn/photo.jpg",
        "instances/C_empty/C_empty.xml",
        "instances/D_foreign/D_foreign.xml",
        "instances/E_bomb/E_bomb.xml",
        "instances/F_noise/F_noise.xml",
        "instances/G_partly/photo.jpg",
    ]
    assert "torn" in told["instances/B_torn/B_torn.xml"]
    assert told["instances/F_noise/F_noise.xml"] == "larger than 16 MB"
    assert "missing or was refused" in told["instances/G_partly/photo.jpg"]


def test_links_pipes_and_tricky_names_are_refused(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    fill(outside, "Secret", payload("uuid:secret"))
    phone = tmp_path / "phone"
    folder = fill(phone, "V", payload("uuid:1"), files={"ok.jpg": b"x"}).parent
    (folder / "linked.jpg").symlink_to(outside / "instances/Secret/Secret.xml")
    (folder / "..\\..\\up.jpg").write_bytes(b"x")
    (folder / "gpj.\u202eevil.jpg").write_bytes(b"x")
    (folder / "line\nbreak.jpg").write_bytes(b"x")
    Path(os.fsdecode(os.fsencode(folder) + b"/undecodable\xff.jpg")).write_bytes(b"x")
    (phone / "instances" / "linked").symlink_to(outside / "instances" / "Secret")
    (phone / "instances" / "linked.xml").symlink_to(outside / "instances/Secret/Secret.xml")
    list_instances(outside, {"V": ("complete", 1)})
    (phone / "metadata").symlink_to(outside / "metadata")
    os.mkfifo(phone / "pipe.xml")
    items = list(read_folder(phone))
    (only,) = submissions(items)
    assert (only.instance_id, [item.name for item in only.attachments]) == ("uuid:1", ["ok.jpg"])
    assert only.status is Status.UNKNOWN
    told = refusals(items)
    assert told["instances/linked.xml"] == "a link to another place, not a file"
    assert told["pipe.xml"] == "not a plain file"
    assert set(told) == {
        "metadata",
        "pipe.xml",
        "instances/linked",
        "instances/linked.xml",
        "instances/V/linked.jpg",
        "instances/V/..\\..\\up.jpg",
        "instances/V/gpj.\\u202eevil.jpg",
        "instances/V/line\\u000abreak.jpg",
        "instances/V/undecodable\\udcff.jpg",
    }


def test_lone_files_take_only_the_attachments_they_name(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_bytes(payload("uuid:a", body="<photo>a.jpg</photo>"))
    (tmp_path / "b.XML").write_bytes(payload("uuid:b", body="<photo>b.jpg</photo>", encoding="utf-16"))
    for name in ("a.jpg", "b.jpg", "notes.docx"):
        (tmp_path / name).write_bytes(b"x")
    items = list(read_folder(tmp_path))
    assert [(item.instance_id, [file.name for file in item.attachments]) for item in submissions(items)] == [
        ("uuid:a", ["a.jpg"]),
        ("uuid:b", ["b.jpg"]),
    ]
    assert refusals(items) == {}


def test_a_renamed_instance_folder_keeps_its_attachments(tmp_path: Path) -> None:
    fill(tmp_path, "renamed by hand", payload("uuid:1"), file="Visit_1.xml", files={"audit.csv": b"x"})
    (only,) = submissions(read_folder(tmp_path))
    assert [file.name for file in only.attachments] == ["audit.csv"]


def test_an_xml_beside_an_instance_is_a_submission_or_an_attachment(tmp_path: Path) -> None:
    beside = {"submission.xml": payload("uuid:1"), "drawing.xml": b"<svg/>"}
    fill(tmp_path, "V", payload("uuid:1"), files=beside)
    items = submissions(read_folder(tmp_path))
    assert [(item.instance_id, [file.name for file in item.attachments]) for item in items] == [
        ("uuid:1", ["drawing.xml"]),
        ("uuid:1", []),
    ]


def test_forms_come_with_their_media_and_without_what_collect_wrote_there(tmp_path: Path) -> None:
    forms = tmp_path / "forms"
    media = forms / "Visit-media"
    media.mkdir(parents=True)
    (forms / "Visit.xml").write_bytes(xform())
    (media / "centres.csv").write_bytes(b"name,label")
    # The answers last given, which are a mother's; and Collect's own copy of the CSV.
    (media / "last-saved.xml").write_bytes(payload("uuid:someone"))
    (media / "centres.db").write_bytes(b"x")
    (media / ".nomedia").write_bytes(b"")
    (media / "leak.csv").symlink_to("/etc/hostname")
    items = list(read_folder(tmp_path))
    assert [item for item in items if isinstance(item, FieldedForm)] == [
        FieldedForm(xform(), {"centres.csv": b"name,label"}, "phones")
    ]
    assert submissions(items) == []
    assert list(refusals(items)) == ["forms/Visit-media/leak.csv"]


def test_hidden_and_system_files_are_passed_by(tmp_path: Path) -> None:
    folder = fill(
        tmp_path, "V", payload("uuid:1"), files={".DS_Store": b"x", "Thumbs.db": b"x", "._V.xml": b"x"}
    ).parent
    (folder / ".cache").mkdir()
    (folder / ".cache" / "V.xml").write_bytes(payload("uuid:savepoint"))
    (item,) = read_folder(tmp_path)
    assert isinstance(item, Submission)
    assert item.attachments == ()


def test_a_zip_reads_like_its_folder_and_cleans_up(
    phone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    plain = submissions(read_folder(tmp_path / "card"))
    archive = zipped(tmp_path / "card", tmp_path / "card.zip")
    packed = []
    for item in read_folder(archive):
        assert isinstance(item, Submission)
        packed.append((item.instance_id, item.payload, item.status, [content(file) for file in item.attachments]))
    assert packed == [
        (item.instance_id, item.payload, item.status, [content(file) for file in item.attachments]) for item in plain
    ]
    assert list(scratch.iterdir()) == []


def test_zips_in_a_folder_are_opened_once_deep(phone: Path, tmp_path: Path) -> None:
    desk = tmp_path / "desk"
    desk.mkdir()
    inner = zipped(phone, tmp_path / "inner.zip")
    with zipfile.ZipFile(desk / "phone.zip", "w") as opened:
        opened.write(inner, "old/inner.zip")
        opened.writestr("instances/Z/Z.xml", payload("uuid:z"))
    (desk / "torn.zip").write_bytes(inner.read_bytes()[:-30])
    items = list(read_folder(desk))
    assert [item.instance_id for item in submissions(items)] == ["uuid:z"]
    assert set(refusals(items)) == {"phone.zip/old/inner.zip", "torn.zip"}


def test_members_that_would_leave_the_folder_are_refused(tmp_path: Path) -> None:
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr("instances/V/V.xml", payload("uuid:1"))
        opened.writestr("instances/V/../../../slip.xml", payload("uuid:slip"))
        opened.writestr("/absolute.xml", payload("uuid:absolute"))
        opened.writestr("C:/drive.xml", payload("uuid:drive"))
        opened.writestr("back\\slash.xml", payload("uuid:back"))
        link = zipfile.ZipInfo("instances/V/link.jpg")
        link.external_attr = 0o120777 << 16
        opened.writestr(link, "/etc/passwd")
    kept = {}
    items = []
    for item in read_folder(archive):
        items.append(item)
        if isinstance(item, Refused):
            kept[item.name] = scratch.read(item.path)
    assert [item.instance_id for item in submissions(items)] == ["uuid:1"]
    assert set(kept) == {
        "instances/V/../../../slip.xml",
        "/absolute.xml",
        "C:/drive.xml",
        "back\\slash.xml",
        "instances/V/link.jpg",
    }
    assert kept["/absolute.xml"] == payload("uuid:absolute")  # aside, not lost
    assert not list(tmp_path.rglob("slip.xml"))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_member_damaged_in_the_zip_is_refused_alone(tmp_path: Path) -> None:
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr("instances/A/A.xml", payload("uuid:a"))
        opened.writestr("instances/B/B.xml", payload("uuid:b"))
        opened.writestr("instances/B/B.xml", payload("uuid:b2"))
    archive.write_bytes(archive.read_bytes().replace(b"uuid:a", b"uuid:x"))  # the checksum no longer fits
    items = list(read_folder(archive))
    assert [item.instance_id for item in submissions(items)] == ["uuid:b"]
    assert "torn" in refusals(items)["instances/A/A.xml"]
    assert "twice" in refusals(items)["instances/B/B.xml"]


@pytest.mark.parametrize("where", ["alone", "in a folder"])
def test_a_bomb_is_not_unpacked(tmp_path: Path, where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("laktasi.odk.archive.FREE_BYTES", 2**20)
    desk = tmp_path / "desk"
    desk.mkdir()
    with zipfile.ZipFile(desk / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr("instances/V/V.xml", b"\0" * 8 * 2**20)
    if where == "alone":
        with pytest.raises(SourceError, match="may be an attack"):
            list(read_folder(desk / "bomb.zip"))
    else:
        (line,) = refusals(read_folder(desk)).values()
        assert "may be an attack" in line


def test_says_what_is_wrong_with_a_source(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="does not exist"):
        read_folder(tmp_path / "nowhere")
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(SourceError, match="neither a folder nor a zip"):
        read_folder(tmp_path / "notes.txt")
    with pytest.raises(SourceError, match="nothing like a submission"):
        list(read_folder(tmp_path))
    (tmp_path / "not.zip").write_bytes(b"x" * 100)
    with pytest.raises(SourceError, match="not a zip"):
        list(read_folder(tmp_path / "not.zip"))


def test_progress_counts_items(phone: Path) -> None:
    told: list[tuple[str, int, int | None]] = []
    list(read_folder(phone, progress=lambda what, done, total: told.append((what, done, total))))
    assert [done for _, done, _ in told] == [1, 2, 3]
