"""Make a data folder with an older laktasi, for tests of what today's makes of it. README.md says how.

``python tests/upgrades/make.py NAME FOLDER``: packs a small project and what some runs made of it into
``FOLDER/NAME.tar.xz``. What an older laktasi has not is left out: it asks which rooms there are.
"""

from __future__ import annotations

import importlib.util
import io
import sys
import tarfile
import tempfile
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any

from laktasi import pipeline
from laktasi.errors import LaktasiError
from laktasi.settings import Settings, read_settings
from laktasi.store import runs
from laktasi.workplace import opened
from tests import mini

PHOTO = "| | image | photo | Foto | Photo | | | | none |"
GATES = "stop: []\n"
TARGETS = "centre,target\nh1,4\nh2,4\nh3,4\n"
BACK_CHECKS = """
original: {form: tea, match: [code]}
back_check: {form: tea_again, match: [code], checker: taster}
variables: {age: {original: age, back_check: age, type: 1}}
alarms: {1: 0.1}
sample: {share: 0.5, seed: upgrades}
"""
DECISIONS = """
decisions:
  - {id: a, action: replace, form: tea, submission: 'uuid:tea-0001', question: cups, expected: few, value: many,
     reason: r, reporter: Ani, date: 2026-11-21}
  - {id: b, action: okay, form: tea, submission: 'uuid:bad', rule: milk.choice, question: milk, expected: perhaps,
     reason: r, reporter: Ani, date: 2026-11-21}
  - {id: c, action: drop, form: tea, submission: 'uuid:tea-0002', expected: 'uuid:tea-0002', reason: r,
     reporter: Ani, date: 2026-11-21}
"""
LATER = """
decisions:
  - {id: d, action: withdraw, withdraws: c, reason: r, reporter: Ani, date: 2026-11-21}
"""
PACKED = (
    *("project", "phone", "data/warehouse.duckdb", "data/attachments", "data/refused", "data/secret.key"),
    "data/manifests",
)
"""Not the research copy and the report, which any run makes anew, and not the sessions and locks of runs."""


def has(room: str) -> bool:
    """Say whether this laktasi has a module."""
    return importlib.util.find_spec(f"laktasi.{room}") is not None


def make_project(root: Path) -> None:
    """Make the project, with all that this laktasi knows of."""
    mini.make_project(root, extra=PHOTO)
    schemas = root / "schemas"
    if not has("back_checking"):
        return
    again = (root / "xlsforms" / "fielded" / "tea-1.xml").read_bytes().replace(b'id="tea"', b'id="tea_again"')
    (root / "xlsforms" / "fielded" / "tea_again-1.xml").write_bytes(again)
    for name, text in (("gates.yml", GATES), ("targets.csv", TARGETS), ("back_checks.yml", BACK_CHECKS)):
        (schemas / name).write_text(text, encoding="utf-8")
    (schemas / "corrections").mkdir()
    (schemas / "corrections" / "some.yml").write_text(DECISIONS, encoding="utf-8")


def fill_phone(phone: Path) -> None:
    """Put good records into a phone's folder, and some of each kind of trouble."""
    mini.fill_phone(phone, 12)
    mini.put(phone, "bad", mini.xml(mini.person(90, age=7, milk="perhaps"), "uuid:bad"))
    mini.put(phone, "twice", mini.xml(mini.person(5, house="h1"), "uuid:twice"))
    mini.put(phone, "later_form", mini.xml(mini.person(91), "uuid:later-form", version="2"))
    (phone / "instances" / "torn.xml").write_text("<data id='tea' version='1'><today>20", encoding="utf-8")
    if has("back_checking"):
        again = mini.xml(mini.person(4, age=30, taster="t2"), "uuid:again").replace('id="tea"', 'id="tea_again"')
        mini.put(phone, "again", again)


def second_day(root: Path) -> None:
    """Mend a record, make another bad, and decide otherwise, so that findings and decisions have a past."""
    mini.put(root / "phone", "mended", mini.xml(mini.person(90), "uuid:mended", deprecated_id="uuid:bad"))
    mini.put(root / "phone", "young", mini.xml(mini.person(3, age=5), "uuid:young", deprecated_id="uuid:tea-0003"))
    if has("back_checking"):
        later = root / "project" / "schemas" / "corrections" / "later.yml"
        later.write_text(LATER, encoding="utf-8")


def first_day_on_central(acts: Any) -> None:
    """Let phones send to a Central, and people work on it."""
    for number in range(20, 28):
        acts.submit(mini.xml(mini.person(number, photo="a.jpg"), f"uuid:tea-{number:04d}"), {"a.jpg": b"first"})
    acts.submit(mini.xml(mini.person(28, age=150), "uuid:tea-0028"))
    acts.edit("tea", "uuid:tea-0020", mini.xml(mini.person(20), "uuid:edited", deprecated_id="uuid:tea-0020"))
    acts.review("tea", "uuid:tea-0021", "approved")
    acts.make_list("people", "house")
    acts.make_entity("people", "00000000-0000-4000-8000-000000000001", "One", {"house": "h1"})


def second_day_on_central(acts: Any) -> None:
    """Delete, restate and change."""
    acts.delete("tea", "uuid:tea-0022")
    acts.review("tea", "uuid:tea-0023", "rejected")
    acts.attach("tea", "uuid:tea-0024", "a.jpg", b"second")
    acts.delete_entity("people", "00000000-0000-4000-8000-000000000001")


def walk_days(root: Path, acts: Any, site: dict[str, Any]) -> Settings:
    """Let two days pass; give the settings."""

    def settings() -> Settings:
        given: dict[str, Any] = {"phones": (root / "phone",), "data": root / "data", **site}
        return read_settings(root / "project", **given)

    pipeline.walk(settings(), pipeline.WAY, door="cli")
    if acts:
        from laktasi.feedback import give_feedback

        give_feedback(settings(), send=True)
        second_day_on_central(acts)
    if has("back_checking"):
        from laktasi.back_checking import sample

        sample(settings())
    second_day(root)
    pipeline.walk(settings(), pipeline.WAY, door="cli")

    def stumble(_run: pipeline.Run, _progress: pipeline.Progress) -> pipeline.Counts:
        raise LaktasiError("a run that fails")

    with suppress(LaktasiError):
        pipeline.walk(settings(), (pipeline.Step("stumble", stumble),), door="cli")
    with opened(settings().data_folder) as con:  # and one that was killed
        runs.begin(con, "cli")
    return settings()


def central() -> Any:
    """Give the stand-in for a Central, where this laktasi reads one."""
    if not has("mirror"):
        return nullcontext(None)
    from tests.central import Double

    return Double()


def make(name: str, folder: Path) -> None:
    """Make it and pack it."""
    with tempfile.TemporaryDirectory() as scratch, central() as double:
        root = Path(scratch)
        make_project(root / "project")
        fill_phone(root / "phone")
        site: dict[str, Any] = {}
        acts = None
        if double:
            from pydantic import SecretStr

            from laktasi.settings import CentralSettings
            from tests.central import Acts

            acts = Acts(double.url, double.email, double.password)
            acts.make_project()
            acts.publish((root / "project" / "xlsforms" / "fielded" / "tea-1.xml").read_bytes())
            first_day_on_central(acts)
            source = CentralSettings(
                url=acts.url, project=acts.project, email=acts.email, password=SecretStr(acts.password)
            )
            site = {"central": {"central": source}}
        walk_days(root, acts, site)
        pack(root, folder / f"{name}.tar.xz")


def pack(root: Path, target: Path) -> None:
    """Pack what a person would keep, without who made it and when."""

    def plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
        member.uid = member.gid = member.mtime = 0
        member.uname = member.gname = ""
        return member

    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:xz", preset=9) as archive:
        for name in PACKED:
            if (root / name).exists():
                archive.add(root / name, name, filter=plain)
    target.write_bytes(packed.getvalue())


if __name__ == "__main__":
    make(sys.argv[1], Path(sys.argv[2]))
