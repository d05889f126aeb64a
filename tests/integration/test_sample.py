"""The shipped sample is what it says it is: read here straight from its XML, with none of the pipeline's code."""

from __future__ import annotations

import json
import re
import sqlite3
import xml.etree.ElementTree as ET
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.engine import faults, sample
from tests.engine.judge import judge
from tests.engine.manifest import manifest
from tests.engine.mothers import MOPUYA
from tests.engine.plan import Item, by_phone, plan
from tests.engine.visits import OLD_VERSION, VERSION


@dataclass(frozen=True)
class Record:
    """A submission in the archive."""

    name: str
    xml: bytes
    instance_id: str
    deprecated_id: str | None
    version: str
    answers: Mapping[str, str]


@pytest.fixture(scope="module")
def archive() -> Iterator[zipfile.ZipFile]:
    with zipfile.ZipFile(sample.ARCHIVE) as opened:
        yield opened


@pytest.fixture(scope="module")
def planted() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(sample.PLANTED.read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="module")
def forms() -> sample.Forms:
    return sample.fielded_forms()


@pytest.fixture(scope="module")
def records(archive: zipfile.ZipFile) -> list[Record]:
    found = []
    for name in archive.namelist():
        if "/instances/" in name and name.endswith(".xml"):
            xml = archive.read(name)
            if re.search(rb'<data id="postpartum_visit" version="[0-9]+" xmlns', xml) and xml.endswith(b"</data>"):
                found.append(read(name, xml))
    return found


def read(name: str, xml: bytes) -> Record:
    root = ET.fromstring(xml)
    answers = {}
    for group in root:
        for node in group.iter():
            if len(node) == 0:
                answers[f"{group.tag}/{node.tag}" if node is not group else node.tag] = node.text or ""
    return Record(
        name=name,
        xml=xml,
        instance_id=answers["meta/instanceID"],
        deprecated_id=answers.get("meta/deprecatedID"),
        version=root.attrib["version"],
        answers=answers,
    )


@pytest.fixture(scope="module")
def current(records: list[Record], planted: dict[str, Any]) -> dict[str, Record]:
    """By the first instance ID of each chain: the version that nothing replaces; neither drafts nor waiting ones."""
    by_id = {record.instance_id: record for record in records}
    replaced = {record.deprecated_id for record in records if record.deprecated_id}
    found = {}
    for record in by_id.values():
        if record.instance_id not in replaced:
            first = record
            while first.deprecated_id in by_id:
                first = by_id[first.deprecated_id]
            found[first.deprecated_id or first.instance_id] = record
    aside = {*planted["drafts"], *planted["waiting"]}
    return {key: record for key, record in found.items() if key not in aside}


@pytest.fixture(scope="module")
def mopuya(current: dict[str, Record]) -> list[Mapping[str, str]]:
    return [
        record.answers
        for record in current.values()
        if record.answers["visit/centre"] == MOPUYA and record.answers.get("visit/round") == "first"
    ]


# --- Mopuya is the paper's


def test_tables_1_to_5_are_the_papers(mopuya: list[Mapping[str, str]]) -> None:
    # Rahayu, Ilmiah, Maulina (2025), Tables 1 to 5
    ages = [int(a["mother/age"]) for a in mopuya]
    assert len(ages) == 25
    assert sum(age < 20 for age in ages) == 3
    assert sum(age > 35 for age in ages) == 2
    assert Counter("primi" if a["obstetric/gravida"] == "1" else "multi" for a in mopuya) == {"primi": 11, "multi": 14}
    assert Counter(a["mother/education"] for a in mopuya) == {
        "elementary": 2,
        "junior_high": 8,
        "senior_high": 12,
        "college": 3,
    }
    assert Counter(a["massage/performed"] for a in mopuya) == {"yes": 14, "no": 11}
    assert Counter(a["milk/production"] for a in mopuya) == {"good": 6, "enough": 12, "not_enough": 7}


def test_the_joint_table_gives_the_papers_coefficient(mopuya: list[Mapping[str, str]]) -> None:
    table = Counter((a["massage/performed"], a["milk/production"]) for a in mopuya)
    assert table == {("yes", "good"): 6, ("yes", "enough"): 8, ("no", "enough"): 4, ("no", "not_enough"): 7}
    level = {"not_enough": 0, "enough": 1, "good": 2}
    pairs = [(a["massage/performed"] == "yes", level[a["milk/production"]]) for a in mopuya]
    signs = [(one[0] - two[0], one[1] - two[1]) for i, one in enumerate(pairs) for two in pairs[:i]]
    s = sum((x > 0) - (x < 0) if y > 0 else (x < 0) - (x > 0) if y < 0 else 0 for x, y in signs)
    untied = sum(x != 0 for x, _ in signs) * sum(y != 0 for _, y in signs)
    assert s / untied**0.5 == pytest.approx(0.698661601623117, abs=1e-15)  # printed as .699 in Table 6


def test_groups_are_computed_from_what_was_asked(mopuya: list[Mapping[str, str]]) -> None:
    assert Counter(a["mother/age_group"] for a in mopuya) == {"under_20": 3, "from_20_to_35": 20, "over_35": 2}
    assert Counter(a["obstetric/gravida_group"] for a in mopuya) == {"primigravida": 11, "multigravida": 14}


def test_nothing_is_planted_in_mopuya(current: dict[str, Record], planted: dict[str, Any]) -> None:
    wrong = {finding["submission"] for finding in planted["findings"]}
    assert not {key for key in wrong if current[key].answers["visit/centre"] == MOPUYA}


# --- the whole


def test_counts_are_those_that_are_listed(
    archive: zipfile.ZipFile, current: dict[str, Record], planted: dict[str, Any]
) -> None:
    counts = planted["counts"]
    assert counts["folders"] == len({name.split("/")[-2] + name for name in archive.namelist() if is_main(name)})
    assert len(current) == counts["staged"]
    assert counts["submissions"] == counts["staged"] + counts["drafts"] + counts["waiting"]
    assert 1_500 <= counts["folders"] <= 1_800


def is_main(name: str) -> bool:
    return "/instances/" in name and name.endswith(".xml")


def test_about_forty_centres_of_varied_size(current: dict[str, Record], planted: dict[str, Any]) -> None:
    kinds: dict[str, Counter[str]] = {}
    for record in current.values():
        centre = record.answers["visit/centre"]
        kinds.setdefault(centre, Counter())[record.answers.get("visit/round", "refused")] += 1
    stray = kinds.pop("puskesmas_baru")  # planted: a centre that is in no list
    assert stray.total() == 1
    listed = planted["centres"]
    assert set(kinds) == set(listed)
    assert len(listed) == 40
    differing = {centre for centre in kinds if any(kinds[centre][kind] != n for kind, n in listed[centre].items())}
    assert len(differing) == 1
    firsts = sorted(counted["first"] for counted in listed.values())
    assert firsts[0] == 2
    assert firsts[1] >= 10
    assert firsts[-1] <= 80
    assert sum(counted["refused"] for counted in listed.values()) > 30
    assert sum(counted["follow_up"] for counted in listed.values()) > 100


def test_one_centre_gave_the_same_answer_throughout(current: dict[str, Record]) -> None:
    by_centre: dict[str, set[str]] = {}
    for record in current.values():
        if record.answers.get("visit/round") == "first":
            by_centre.setdefault(record.answers["visit/centre"], set()).add(record.answers["massage/performed"])
    assert {centre for centre, answers in by_centre.items() if answers == {"yes"}} == {"contoh_38"}


def test_no_real_person_is_in_it(records: list[Record]) -> None:
    names = {record.answers["mother/name"] for record in records if "mother/name" in record.answers}
    assert all(re.fullmatch(r"Ibu Contoh [0-9]{5}", name) for name in names)
    phones = {record.answers.get("mother/phone") or "0800000" for record in records}
    assert all(phone.startswith("0800000") for phone in phones)  # no mobile number begins so


def test_it_says_in_both_languages_that_it_is_synthetic(archive: zipfile.ZipFile) -> None:
    notice = archive.read("BACA SAYA - READ ME.txt").decode()
    assert "DATA CONTOH / SYNTHETIC DATA" in notice
    assert "Tidak ada ibu" in notice
    assert "was made by a program" in notice
    assert sample.ARCHIVE.stat().st_size < 3_200_000


# --- the phones


def test_phones_are_laid_out_as_collect_does(archive: zipfile.ZipFile) -> None:
    names = set(archive.namelist())
    phones = {name.split("/")[0] for name in names if "/" in name}
    assert len(phones) == 8
    with_list = {name.split("/")[0] for name in names if name.endswith("/metadata/instances.db")}
    assert len(with_list) == 5
    for name in filter(is_main, names):
        folder, file = name.split("/")[-2:]
        assert file == f"{folder}.xml"
        assert re.fullmatch(r"(Kunjungan ibu nifas|Stok obat)_\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d", folder)
    for phone in sorted(phones - {"phone-08"}):
        own = [name for name in names if name.startswith(f"{phone}/")]
        assert any(name.endswith("/forms/Kunjungan ibu nifas.xml") for name in own)
        assert any(name.endswith("/forms/Kunjungan ibu nifas-media/health_centres.csv") for name in own)


def test_collects_list_names_every_instance_and_its_state(
    archive: zipfile.ZipFile, planted: dict[str, Any], records: list[Record], tmp_path: Path
) -> None:
    ids = {record.name: record.instance_id for record in records}
    drafts = set()
    edits = []
    for name in archive.namelist():
        if not name.endswith("/metadata/instances.db"):
            continue
        path = tmp_path / name.replace("/", "_")
        path.write_bytes(archive.read(name))
        with sqlite3.connect(path) as con:
            assert con.execute("pragma user_version").fetchone() == (10,)
            rows = con.execute("select instanceFilePath, status, editOf, editNumber from instances").fetchall()
        place = name.removesuffix("/metadata/instances.db") + "/instances/"
        assert {place + row[0] for row in rows} == {
            held for held in archive.namelist() if held.startswith(place) and is_main(held)
        }
        drafts |= {ids[place + row[0]] for row in rows if row[1] == "incomplete"}
        edits += [row[3] for row in rows if row[2]]
    assert drafts == set(planted["drafts"])
    assert sorted(edits) == [1, 1, 1, 1, 2]  # the source of a sixth edit was deleted from the phone


def test_edits_name_what_they_replace(records: list[Record], planted: dict[str, Any]) -> None:
    found = {(record.instance_id, record.deprecated_id) for record in records if record.deprecated_id}
    assert found == {(edit["instance"], edit["replaces"]) for edit in planted["edits"]}
    held = {record.instance_id for record in records}
    assert len([replaced for _, replaced in found if replaced not in held]) == 1


def test_only_a_form_that_allows_it_was_edited(records: list[Record], forms: sample.Forms) -> None:
    editable = {version for version, xform in forms.xforms.items() if b'odk:client-editable="true"' in xform}
    assert {record.version for record in records if record.deprecated_id} == editable == {VERSION}


def test_an_edit_keeps_when_the_interview_began_and_goes_on_in_its_audit_log(
    archive: zipfile.ZipFile, records: list[Record]
) -> None:
    by_id = {record.instance_id: record for record in records}
    held = [(record, by_id[record.deprecated_id]) for record in records if record.deprecated_id in by_id]
    assert len(held) == 5
    for edit, replaced in held:
        assert edit.answers["start"] == replaced.answers["start"]
        assert edit.answers["end"] > replaced.answers["end"]
        log, before = (archive.read(f"{record.name.rpartition('/')[0]}/audit.csv") for record in (edit, replaced))
        assert log.startswith(before)
        events = [line.split(",") for line in log.removeprefix(before).decode().splitlines()]
        assert [event[0] for event in (events[0], events[-1])] == ["form resume", "form finalize"]
        asked = [event[1] for event in events if event[0] in ("question", "group questions")]
        assert asked == ["/data/infant", "/data/closing/comment"]
        moments = [int(event[2]) for event in (line.split(",") for line in log.decode().splitlines()[1:])]
        assert moments == sorted(moments)


def test_copies_lie_byte_for_byte_on_two_phones(records: list[Record], planted: dict[str, Any]) -> None:
    copies: dict[str, list[Record]] = {}
    for record in records:
        copies.setdefault(record.instance_id, []).append(record)
    twice = {key: held for key, held in copies.items() if len(held) > 1}
    assert set(twice) == set(planted["copies"])
    for held in twice.values():
        assert len({record.xml for record in held}) == 1
        assert len({record.name.split("/")[0] for record in held}) == 2


def test_an_older_version_was_fielded_too(records: list[Record], archive: zipfile.ZipFile) -> None:
    versions = Counter(record.version for record in records)
    assert versions[OLD_VERSION] > 100
    assert versions["2026083001"] == 2
    old = [record for record in records if record.version == OLD_VERSION]
    consented = [record for record in old if record.answers["consent/given"] == "yes"]
    assert all("obstetric/delivery_place" in record.answers for record in consented)
    assert not any("infant/feeding" in record.answers for record in consented)
    for phone in {record.name.split("/")[0] for record in old}:
        both = [archive.read(name) for name in archive.namelist() if re.match(rf"{phone}/.*/forms/[^/]*\.xml", name)]
        assert len(both) == 2


def test_three_time_zones(records: list[Record]) -> None:
    assert {record.answers["end"][-6:] for record in records} == {"+07:00", "+08:00", "+09:00"}


# --- what is planted


def test_a_dozen_kinds_of_fault_at_least(planted: dict[str, Any]) -> None:
    kinds = {finding["fault"] for finding in planted["findings"]} | set(planted["refused_files"])
    assert len(kinds) >= 24
    assert {finding["kind"] for finding in planted["findings"]} == {
        "type",
        "required",
        "relevant",
        "constraint",
        "choice",
        "calculation",
        "declared",
        "set",
        "unknown_node",
    }
    names = {fault.name for fault in faults.FAULTS}
    assert names < kinds


@pytest.mark.slow
def test_the_phones_engine_finds_what_is_planted_and_nothing_else(
    current: dict[str, Record], planted: dict[str, Any], forms: sample.Forms
) -> None:
    expected: dict[str, set[tuple[str, str]]] = {}
    for finding in planted["findings"]:
        if finding["field"]:
            expected.setdefault(finding["submission"], set()).add((finding["kind"], finding["field"]))
    # every record that is wrong, and each tenth of those that are not: all of them takes twenty seconds
    asked = {*expected, *sorted(current)[::10]}
    for key in asked:
        found = judge(forms.loaded[current[key].version], current[key].xml)
        assert found == expected.get(key, set()), key


def test_declared_faults_are_there(current: dict[str, Record], planted: dict[str, Any]) -> None:
    def listed(fault: str) -> set[str]:
        return {finding["submission"] for finding in planted["findings"] if finding["fault"] == fault}

    answers = {key: record.answers for key, record in current.items()}
    assert listed("contraindicated_massage") == {
        key
        for key, given in answers.items()
        if given.get("screening/contraindicated") == "yes" and given["massage/performed"] == "yes"
    }
    assert listed("harm_reported") == {
        key for key, given in answers.items() if given.get("massage/harm", "none") != "none"
    }
    assert listed("phone_clock") == {key for key, given in answers.items() if given["today"] < "2026-10-01"}
    assert listed("taught_despite_harm") == {
        key for key in listed("harm_reported") if answers[key].get("massage/taught_today") == "yes"
    }
    assert listed("massage_against_protocol") == {
        key
        for key, given in answers.items()
        if given.get("massage/pressure") == "strong" and given["massage/region"] != "neck_to_t12"
    }
    firsts = {key: given for key, given in answers.items() if given.get("visit/round") == "first"}
    for fault, node in (("duplicate_mother", "mother/study_code"), ("same_phone", "mother/phone")):
        count = Counter(given[node] for given in firsts.values() if given.get(node))
        assert listed(fault) == {key for key, given in firsts.items() if count[given.get(node, "")] > 1}
    codes = {given["mother/study_code"] for given in firsts.values()}
    assert listed("follow_up_without_first") == {
        key
        for key, given in answers.items()
        if given.get("visit/round") == "follow_up" and given["mother/study_code"] not in codes
    }
    for key in (twice := listed("nearly_the_same_interview")):
        same = {other for other in twice if answers[other]["mother/study_code"] == answers[key]["mother/study_code"]}
        asked = [path for path in answers[key] if path.split("/")[0] in ("obstetric", "infant", "massage", "milk")]
        (other,) = same - {key}
        assert sum(answers[key][path] == answers[other].get(path) for path in asked) >= 0.9 * len(asked)


def test_broken_files_are_broken(archive: zipfile.ZipFile, records: list[Record], planted: dict[str, Any]) -> None:
    good = {record.name for record in records}
    rest = [archive.read(name) for name in archive.namelist() if is_main(name) and name not in good]
    assert sum(b'id="stok_obat"' in content for content in rest) == 1
    assert len(rest) == len(planted["refused_files"]) + 1 == planted["counts"]["refused_files"] + 1
    assert {b"", *faults.REFUSED_FILES.values()} < set(rest)
    assert sum(content.startswith(b"<?xml") and not content.rstrip().endswith(b">") for content in rest) == 1


# --- making it anew


@pytest.mark.slow
def test_a_part_made_anew_equals_the_shipped_one(archive: zipfile.ZipFile, forms: sample.Forms, tmp_path: Path) -> None:
    phones = by_phone(plan(sample.centres()))
    made = dict(sample.files_of_phone(3, phones[3], forms))
    shipped = {name: archive.read(name) for name in archive.namelist() if name.startswith("phone-03/")}
    assert set(made) == set(shipped)
    lists = {name for name in made if name.endswith(".db")}
    # another version of SQLite may write the same rows into other bytes
    assert [rows(made[name], tmp_path) for name in lists] == [rows(shipped[name], tmp_path) for name in lists]
    assert {name for name in made if made[name] != shipped[name]} <= lists


def rows(database: bytes, folder: Path) -> list[tuple[object, ...]]:
    path = folder / "list.db"
    path.write_bytes(database)
    with sqlite3.connect(path) as con:
        return con.execute("select * from instances order by _id").fetchall()


@pytest.mark.slow
def test_what_is_special_made_anew_equals_the_shipped_one(archive: zipfile.ZipFile, forms: sample.Forms) -> None:
    items = plan(sample.centres())
    special = [item for item in items if is_special(item)]
    assert len(special) > 70
    for item in special:
        instance = sample.instance_of(item, forms.loaded)
        place = f"{sample.place_of(item.phone)}/instances/{instance.folder}"
        assert archive.read(f"{place}/{instance.folder}.xml") == instance.files[f"{instance.folder}.xml"]


def is_special(item: Item) -> bool:
    is_mopuya = item.visit.mother.centre.code == MOPUYA
    return bool(is_mopuya or item.visit.faults or item.visit.replaces or item.clock or item.is_copy)


def test_the_list_of_what_is_planted_is_that_of_the_plan(planted: dict[str, Any]) -> None:
    assert manifest(plan(sample.centres())) == planted
