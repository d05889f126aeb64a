"""A project with very many synthetic submissions, landed and not yet read, and a list of the faults planted in them.

Payloads are those of the shipped sample that hold no fault, with other ids, study codes and health centres: what the
phone's own engine wrote, in the number that a benchmark needs. Texts are put together by DuckDB, in batches.
"""

from __future__ import annotations

import json
import re
import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import yaml

from laktasi.paths import HOUSE
from laktasi.pipeline import LANDING, walk
from laktasi.settings import Settings
from laktasi.store.warehouse import open_warehouse

SEED = 20260301
CENTRES = 10_000
FAULTY = 0.01
"""Share of the submissions with a planted fault."""
TEMPLATES_A_FAULT = 40
BATCH = 50_000
DUPLICATE = "duplicate_mother"
ABOUT_COPIES = ("same_phone", "nearly_the_same_interview")

FAULTS = {
    "mother__education.required": (r"<education>\w+</education>", "<education />"),
    "obstetric__delivery_mode.required": (r"<delivery_mode>\w+</delivery_mode>", ""),
    "massage__minutes.constraint": (r"<minutes>\d+</minutes>", "<minutes>600</minutes>"),
    "massage__provider.choice": (r"<provider>(?!other)\w+</provider>", "<provider>nenek</provider>"),
    "massage__provider.relevant": (r"<performed>no</performed>", r"\g<0><provider>husband</provider>"),
    "mother__age_group.calculation": (r"<age_group>(under_20|from_20_to_35)<", "<age_group>over_35<"),
    "infant__days_postpartum.calculation": (r"<days_postpartum>\d+<", "<days_postpartum>399<"),
    # where the massage was taught that day, that would be a fault of its own
    "harm_reported": (r"(?s)\A(?!.*<taught_today>yes)(.*)<harm>none</harm>", r"\g<1><harm>pain</harm>"),
    "postpartum_visit.unknown_node": (r"<education>", r"<nickname>Contoh</nickname>\g<0>"),
}
"""By the rule that must find it: what is changed in a payload, and into what. Each breaks no other rule."""


@dataclass(frozen=True, slots=True)
class Template:
    """A payload with placeholders, and the rule that it breaks."""

    version: str
    text: str
    rule_id: str | None = None


def make(project: Path, rows: int) -> Settings:
    """Make a project in an empty folder, land its forms, and put `rows` submissions into raw.submissions.

    ``planted.parquet`` in `project` lists what must be found: `submission_id`, `rule_id`.

    Returns
    -------
    Settings
        Of the new project.
    """
    shutil.copytree(HOUSE / "schemas", project / "schemas", ignore=shutil.ignore_patterns("targets.csv", "corrections"))
    _leave_out_copies(project / "schemas" / "checks.yml")
    shutil.copytree(HOUSE / "xlsforms", project / "xlsforms", ignore=shutil.ignore_patterns("sample"))
    places = _places(project)
    settings = Settings(project=project)
    walk(settings, LANDING, door="import")
    with open_warehouse(settings.data_folder) as con:
        _land(con, rows, places)
        con.execute("copy planted to $file (format parquet)", {"file": str(project / "planted.parquet")})
    return settings


def _leave_out_copies(checks: Path) -> None:
    """Take out what looks for copies of a whole interview: these payloads are copies of some hundred."""
    data = yaml.safe_load(checks.read_text(encoding="utf-8"))
    data["checks"] = [one for one in data["checks"] if one["id"] not in ABOUT_COPIES]
    checks.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")


def _places(project: Path) -> pa.Table:
    """Give every form version 10,000 health centres, spread over the places that the form knows."""
    shipped = (HOUSE / "xlsforms" / "postpartum_visit-media" / "health_centres.csv").read_text(encoding="utf-8")
    head, *lines = shipped.splitlines()
    known = sorted({tuple(line.split(",")[2:4]) for line in lines})
    places = [(f"contoh_{number:05}", *known[number % len(known)]) for number in range(CENTRES)]
    csv = [head, *(f"{code},Puskesmas {code} (contoh/sample),{where},{what},yes" for code, where, what in places)]
    for form in ((project / "xlsforms").glob("*.xlsx"), (project / "xlsforms").glob("fielded/*.xml")):
        for path in form:
            media = path.with_name(f"{path.stem}-media")
            media.mkdir(exist_ok=True)
            (media / "health_centres.csv").write_text("\n".join(csv) + "\n", encoding="utf-8")
    names = ("centre", "province", "district")
    return pa.table(dict(zip(names, map(list, zip(*places, strict=True)), strict=True)))


def _templates() -> list[Template]:
    """Take the sound first visits of the shipped sample, and make faulty ones of some."""
    sample = HOUSE / "xlsforms" / "sample"
    planted = json.loads((sample / "planted.json").read_text(encoding="utf-8"))
    text = json.dumps({key: planted[key] for key in ("findings", "drafts", "waiting", "edits", "copies")})
    special = set(re.findall(r"uuid:[0-9a-f-]{36}", text))
    sound = []
    with zipfile.ZipFile(sample / "postpartum_visit.zip") as archive:
        for name in sorted(archive.namelist()):
            if "/instances/" not in name or not name.endswith(".xml"):
                continue
            payload = archive.read(name).decode(errors="replace")
            instance = re.search("<instanceID>(.+)</instanceID>", payload)
            is_first = "<round>first</round>" in payload and payload.endswith("</data>")
            if instance and is_first and instance[1] not in special and "deprecatedID" not in payload:
                sound.append(_template(payload))
    faulty = []
    for rule_id, (pattern, replacement) in FAULTS.items():
        fitting = [one for one in sound if len(re.findall(pattern, one.text)) == 1][:TEMPLATES_A_FAULT]
        assert fitting, f"no template can have the fault {rule_id}"
        faulty += [Template(one.version, re.sub(pattern, replacement, one.text), rule_id) for one in fitting]
    return sound + faulty


def _template(payload: str) -> Template:
    """Put placeholders where submissions differ."""
    version = re.search(r'version="(\d+)"', payload)
    code = re.search("<study_code>(.+)</study_code>", payload)
    assert version
    assert code
    text = payload.replace(code[1], "{code}")
    for node, placeholder in (
        ("instanceID", "instance"),
        ("centre", "centre"),
        ("province", "province"),
        ("district", "district"),
    ):
        text, times = re.subn(f"<{node}>[^<]+</{node}>", f"<{node}>{{{placeholder}}}</{node}>", text)
        assert times == 1, f"{node} stands {times} times"
    return Template(version[1], text)


def _land(con: duckdb.DuckDBPyConnection, rows: int, places: pa.Table) -> None:
    """Fill raw.submissions, and the temporary table `planted`."""
    rng = np.random.default_rng(SEED)
    templates = _templates()
    sound = [place for place, one in enumerate(templates) if one.rule_id is None]
    faulty = [place for place, one in enumerate(templates) if one.rule_id is not None]
    weight = rng.uniform(0.1, 1.9, CENTRES)
    chosen = {
        "template": np.where(rng.random(rows) < FAULTY, rng.choice(faulty, rows), rng.choice(sound, rows)),
        "place": rng.choice(CENTRES, rows, p=weight / weight.sum()),
        "number": np.arange(1, rows + 1),
    }
    # Study codes must not come twice, but in every thousandth submission that is sound, as is the one before it.
    is_sound = np.isin(chosen["template"], sound)
    twice = (chosen["number"] % 1000 == 0) & is_sound & np.roll(is_sound, 1)
    chosen["serial"] = chosen["number"] - twice
    for name, table in (
        ("places", places.append_column("place", pa.array(range(CENTRES)))),
        ("templates", pa.table({
            "template": list(range(len(templates))),
            "version": [one.version for one in templates],
            "text": [one.text for one in templates],
            "rule_id": pa.array([one.rule_id for one in templates], pa.string()),
        })),
    ):  # fmt: skip
        con.register("made", table)
        con.execute(f"create or replace temp table {name} as from made")
    con.execute("create or replace temp table planted (submission_id varchar, rule_id varchar)")
    for start in range(0, rows, BATCH):
        batch = slice(start, start + BATCH)
        con.register("made", pa.table({name: values[batch] for name, values in chosen.items()}))
        con.execute(_MAKE)
        con.execute(_LAND)
        con.execute(_PLANT, {"duplicate": DUPLICATE})
    con.unregister("made")


# ISO 7064 MOD 97-10: the code with its two check digits leaves 1 when divided by 97.
_MAKE = """
    create or replace temp table batch as
    with
    named as (
        select *, md5(number::varchar) as digits, lpad(serial::varchar, 8, '0') as code_stem,
            lpad((98 - serial * 100 % 97)::varchar, 2, '0') as check_digits
        from made
    )
    select number, serial, rule_id, version, 'uuid:' || concat_ws(
            '-', digits[1:8], digits[9:12], '4' || digits[14:16], 'a' || digits[18:20], digits[21:32]
        ) as instance_id,
        replace(replace(replace(replace(replace(
            text, '{instance}', instance_id), '{code}', code_stem || check_digits),
            '{centre}', centre), '{province}', province), '{district}', district) as payload
    from named join templates using (template) join places using (place)
    order by number
"""
_LAND = """
    insert into raw.submissions by name
    select 'postpartum_visit' as form_id, version as form_version, instance_id, sha256(payload) as payload_sha256,
        encode(payload) as payload, 'finalised' as status, 'phones' as source,
        timestamptz '2026-12-01 00:00:00+00' + to_microseconds(number) as landed_at, 'synthetic' as run_id
    from batch order by number
"""
_PLANT = """
    insert into planted
    select instance_id, rule_id from batch where rule_id is not null
    union all
    select instance_id, $duplicate from batch semi join (
        select serial from batch group by serial having count(*) > 1
    ) using (serial)
"""
