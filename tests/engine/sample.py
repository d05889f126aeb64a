"""Make the shipped sample: ``python -m tests.engine.sample`` writes xlsforms/sample/ anew, the same for the same seed.

The zip holds what was copied from eight phones; planted.json says what was planted where, so that tests can hold every
finding against it: each planted one must be found, and none besides.
"""

from __future__ import annotations

import io
import json
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from tests.engine import faults
from tests.engine.collect import FORM_NAME, Instance, folder_name, instances_db, make
from tests.engine.engine import Form
from tests.engine.manifest import manifest
from tests.engine.mothers import Centre, read_centres
from tests.engine.plan import PHONES_WITH_ONLY_INSTANCES, PHONES_WITHOUT_LIST, Item, by_phone, plan
from tests.engine.visits import LATE_PHONES, OFFSETS, OLD_VERSION, VERSION

XLSFORMS = Path(__file__).parents[2] / "xlsforms"
WORKBOOK = XLSFORMS / "postpartum_visit.xlsx"
MEDIA = XLSFORMS / "postpartum_visit-media"
OLD_XFORM = XLSFORMS / "fielded" / f"postpartum_visit-{OLD_VERSION}.xml"
SAMPLE = XLSFORMS / "sample"
ARCHIVE = SAMPLE / "postpartum_visit.zip"
PLANTED = SAMPLE / "planted.json"

PHONES_WITHOUT_AUDIT_LOG = (4, 7)
PLACES = {5: "phone-05/Android/data/org.odk.collect.android/files/projects/DEMO", 8: "phone-08"}
"""What people copy: all of the phone's storage, one project, or only ``instances/``."""
BROKEN_ON = 6
NOTICE = """DATA CONTOH / SYNTHETIC DATA

Semua kiriman di dalam arsip ini dibuat oleh program. Tidak ada ibu, bayi, petugas, nomor telepon, atau puskesmas yang
nyata di dalamnya, kecuali nama Puskesmas Mopuya, yang angkanya meniru Tabel 1-6 artikel Rahayu dkk. (2025). Sebagian
kiriman sengaja dibuat salah atau rusak.

Every submission in this archive was made by a program. No mother, infant, enumerator, phone number or health centre in
it is real but for the name of Mopuya, whose counts follow Tables 1-6 of Rahayu et al. (2025). Some submissions are
wrong or broken on purpose.
"""


@dataclass(frozen=True, slots=True)
class Forms:
    """Both fielded versions, as text for the phones' folders and loaded in the engine."""

    xforms: Mapping[str, bytes]
    loaded: Mapping[str, Form]


def fielded_forms() -> Forms:
    """Convert the workbook, take the older version as it was fielded, and load both."""
    from pyxform.xls2xform import convert

    xforms = {VERSION: convert(xlsform=WORKBOOK).xform.encode(), OLD_VERSION: OLD_XFORM.read_bytes()}
    loaded = {}
    with tempfile.TemporaryDirectory() as folder:
        for version, xform in xforms.items():
            path = Path(folder) / f"{version}.xml"
            path.write_bytes(xform)
            loaded[version] = Form.load(path, MEDIA)
    return Forms(xforms, loaded)


def centres() -> tuple[Centre, ...]:
    """Give the sample's health centres."""
    return read_centres(MEDIA / "health_centres.csv")


def instance_of(item: Item, forms: Mapping[str, Form]) -> Instance:
    """Fill one item and plant its faults."""
    visit = item.visit
    made = make(forms[visit.version], visit, clock=item.clock)
    name = f"{made.folder}.xml"
    xml = made.files[name]
    by_name = {fault.name: fault for fault in faults.FAULTS}
    for fault in visit.faults:
        if fault in by_name:
            xml = faults.apply(by_name[fault], visit, xml)
        elif fault == faults.WAITING:
            xml = faults.make_unknown_version(xml)
    files = {**made.files, name: xml}
    if item.phone in PHONES_WITHOUT_AUDIT_LOG:
        del files["audit.csv"]
    return replace(made, files=files)


def place_of(phone: int) -> str:
    """Give the folder of a phone's project inside the archive."""
    return PLACES.get(phone, f"phone-{phone:02d}/projects/DEMO")


def files_of_phone(phone: int, items: Sequence[Item], forms: Forms) -> Iterator[tuple[str, bytes]]:
    """Give every file copied from a phone, by its path inside the archive."""
    place = place_of(phone)
    instances = [instance_of(item, forms.loaded) for item in items]
    if phone == BROKEN_ON:
        instances += list(broken(instances[0]))
    folders = [instance.folder for instance in instances]
    assert len(set(folders)) == len(folders), "two instances in one folder"
    for instance in instances:
        for name, content in instance.files.items():
            yield f"{place}/instances/{instance.folder}/{name}", content
    if phone in PHONES_WITH_ONLY_INSTANCES:
        return
    versions = (OLD_VERSION, VERSION) if phone in LATE_PHONES else (VERSION,)
    for version, suffix in zip(versions, ("", "_1"), strict=False):
        yield f"{place}/forms/{FORM_NAME}{suffix}.xml", forms.xforms[version]
        for media in sorted(MEDIA.iterdir()):
            yield f"{place}/forms/{FORM_NAME}{suffix}-media/{media.name}", media.read_bytes()
    if phone not in PHONES_WITHOUT_LIST:
        yield f"{place}/metadata/instances.db", instances_db(instances)


def broken(whole: Instance) -> Iterator[Instance]:
    """Give folders whose XML can be no submission, and one that is another form's."""
    xml = whole.files[f"{whole.folder}.xml"]
    contents = {faults.TORN: xml[: len(xml) // 2], **faults.REFUSED_FILES}
    at = datetime.fromisoformat(f"2026-10-20T18:00:00{OFFSETS[BROKEN_ON]}")
    for position, content in enumerate(contents.values()):
        folder = folder_name(at.replace(second=position))
        yield Instance(folder, {f"{folder}.xml": content}, "complete", at, VERSION)
    folder = folder_name(at, "Stok obat")
    yield Instance(folder, {f"{folder}.xml": faults.OTHER_FORM}, "complete", at, "3", form_id="stok_obat")


def archive(files: Iterable[tuple[str, bytes]]) -> bytes:
    """Zip files, sorted and with one fixed time, so that the same files give the same archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as opened:
        for name, content in sorted(files):
            info = zipfile.ZipInfo(name, (2026, 11, 21, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            opened.writestr(info, content)
    return buffer.getvalue()


def write() -> None:
    """Make the sample and its list of what was planted."""
    forms = fielded_forms()
    items = plan(centres())
    files: list[tuple[str, bytes]] = [("BACA SAYA - READ ME.txt", NOTICE.encode())]
    for phone, held in by_phone(items).items():
        files += files_of_phone(phone, held, forms)
        sys.stdout.write(f"phone {phone}: {len(held)} instances\n")
    SAMPLE.mkdir(exist_ok=True)
    ARCHIVE.write_bytes(archive(files))
    PLANTED.write_text(json.dumps(manifest(items), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    sys.stdout.write(f"{ARCHIVE.name}: {ARCHIVE.stat().st_size / 1e6:.2f} MB\n")


if __name__ == "__main__":
    write()
