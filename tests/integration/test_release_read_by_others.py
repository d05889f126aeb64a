"""What somebody who means no good tries with the files of a release, and does not find."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date
from pathlib import Path

import duckdb
import pyreadstat
import pytest

from laktasi import releasing
from laktasi.release.documents import SUMS, files_of
from laktasi.release.pseudonyms import pseudonyms
from laktasi.release.rule import read_rule
from laktasi.secret import key_of
from laktasi.settings import Settings
from tests import release_world
from tests.release_fixture import rows, with_rule
from tests.release_world import DEVICE, NAME, REMARK, people

pytestmark = pytest.mark.slow

K = 3
BANDS = ("< 20", "20–29", "30–39", "≥ 40")


def test_no_id_code_name_remark_or_position_is_in_any_byte(released_world: Settings, released: Path) -> None:
    secret = key_of(released_world.data_folder)
    wanted = [NAME, REMARK, DEVICE, "taster-71", "taster-72", "Rahasia", secret.hex()]
    for person in people():
        wanted += [person.instance.removeprefix("uuid:"), person.answers["code"], person.answers["place"].split()[0]]
    wanted_bytes = [text.encode() for text in wanted] + [secret]
    for path in [*files_of(released), released / SUMS]:
        content = path.read_bytes()
        assert [text for text in wanted_bytes if text in content] == [], path.name
    with duckdb.connect(str(released / "study.duckdb"), read_only=True) as con:
        for (table,) in con.execute("select schema_name || '.' || table_name from duckdb_tables()").fetchall():
            text = repr(con.execute(f"from {table}").fetchall())
            assert [word for word in wanted if word in text] == [], table


def true_people(released_world: Settings) -> dict[str, dict[str, str]]:
    """Find the answers behind each record, as only the owner of the key can."""
    rule = read_rule(released_world.folders.release)
    everybody = people()
    key, salt = key_of(released_world.data_folder), release_world.salt(released_world, rule)
    named = pseudonyms(key, salt, "record", [person.instance for person in everybody])
    return {name or "": person.answers for name, person in zip(named, everybody, strict=True)}


def test_who_knows_all_quasi_identifiers_still_has_k_to_choose_from(released_world: Settings, released: Path) -> None:
    """Look for each respondent by what is true of her: at least k records fit as well as her own."""
    manifest = json.loads((released / "manifest.json").read_text(encoding="utf-8"))
    quasi = [column["name"] for column in manifest["columns"] if column["is_quasi"]]
    assert quasi == ["area", "age", "school", "children", "first"]
    written = rows(released / "records.csv")
    found = Counter(tuple((row[name], name in row["withheld"].split()) for name in quasi) for row in written)
    assert min(found.values()) >= K
    truth = true_people(released_world)
    withheld = 0
    for row in written:
        answers = truth[row["record"]]
        lost = row["withheld"].split()
        withheld += len(set(lost) & set(quasi))
        for name in ("area", "school", "children", "first"):
            assert row[name] == ("" if name in lost else answers[name])
        age = answers["age"]
        band = BANDS[sum(int(age) >= point for point in (20, 30, 40))] if age else ""
        assert row["age"] == ("" if "age" in lost else band)
    told = manifest["disclosure"]
    assert withheld == sum(column["withheld"] for column in told["quasi"]) > 0


def test_no_true_date_stands_there_and_days_between_hold(released_world: Settings, released: Path) -> None:
    truth = true_people(released_world)
    moved = set()
    for row in rows(released / "records.csv"):
        days = {
            (date.fromisoformat(row[name]) - date.fromisoformat(truth[row["record"]][name])).days
            for name in ("met", "born")
            if name not in row["withheld"].split()
        }
        assert len(days) <= 1
        moved |= days
    assert 0 not in moved
    assert max(map(abs, moved)) <= 60
    assert len(moved) > 40


def test_the_order_of_records_tells_nothing(released_world: Settings, released: Path) -> None:
    written = [row["record"] for row in rows(released / "records.csv")]
    assert written == sorted(written)
    truth = true_people(released_world)
    arrived = [truth[name]["code"] for name in written]
    assert arrived != sorted(arrived)


def test_no_subtraction_gives_back_a_withheld_centre(released_world: Settings, released: Path) -> None:
    """Take the tables that are shown away from what the rows count, in all and in each area."""
    shown = {line["centre_code"] for line in rows(released / "results" / "kendall.csv")}
    # h5 and h6 are too small; h2 and h4 go with them, since each would be alone in its area
    assert shown == {"h1", "h3"}
    told = Counter(
        {
            (line["centre_code"], line["exposure_rank"], line["outcome_rank"]): int(line["n"])
            for line in rows(released / "results" / "contingency.csv")
        }
    )
    truth = Counter((p.answers["house"], p.answers["milk"], p.answers["cups"]) for p in people())
    ranks = {"no": "1", "yes": "2", "few": "1", "some": "2", "many": "3"}
    assert told == {(house, ranks[milk], ranks[cups]): n for (house, milk, cups), n in truth.items() if house in shown}
    assert min(told.values()) >= K
    for area, hidden in (("north", ("h2", "h6")), ("south", ("h4", "h5"))):
        counted = Counter((row["milk"], row["cups"]) for row in rows(released / "records.csv") if row["area"] == area)
        mine = [house for house in shown if release_world.AREAS[house] == area]
        rest = {
            (milk, cups): n - sum(told[house, ranks[milk], ranks[cups]] for house in mine)
            for (milk, cups), n in counted.items()
        }
        for centre in hidden:
            alone = {cell[1:]: n for cell, n in truth.items() if cell[0] == centre}
            assert rest != alone
        assert sum(rest.values()) == sum(release_world.SIZES[house] for house in hidden)


def test_rows_name_a_centre_only_where_its_table_may_be_counted(released_world: Settings, tmp_path: Path) -> None:
    settings = with_rule(
        released_world, tmp_path, release_world.RULE.replace("area: keep", "area: keep\n  own/house: keep")
    )
    made = releasing.release(settings, to=tmp_path / "out").path
    assert made is not None
    named = Counter(row["house"] for row in rows(made / "records.csv"))
    shown = {line["centre_code"] for line in rows(made / "results" / "kendall.csv")}
    assert set(named) == {"", *shown}
    assert {"h1", "h3"} <= shown <= {"h1", "h2", "h3", "h4"}
    assert all(named[house] == release_world.SIZES[house] for house in shown)
    _, meta = pyreadstat.read_sav(made / "records.sav")
    assert len(meta.variable_value_labels["house"]) == len(shown)
    assert all("house" in row["withheld"].split() for row in rows(made / "records.csv") if not row["house"])


def test_what_is_pooled_over_few_withheld_centres_stays_in(released: Path) -> None:
    """Two withheld centres in an area: a stratified estimate or tau2 would single their tables out."""
    assert {line["method"] for line in rows(released / "results" / "pooled.csv")} == {"naive"}
    assert not (released / "results" / "random_effects.csv").exists()
    assert not (released / "results" / "leave_one_out.csv").exists()
    assert all(not line["p_holm"] and not line["p_bh"] for line in rows(released / "results" / "kendall.csv"))
    # a count over all of an answer that is withheld in some would give these back
    assert {line["variable"] for line in rows(released / "results" / "frequencies.csv")} == {"milk", "cups"}


def test_two_releases_by_different_rules_cannot_be_joined_by_pseudonym(
    released_world: Settings, released: Path, tmp_path: Path
) -> None:
    again = releasing.release(released_world, to=tmp_path / "again").path
    changed = with_rule(released_world, tmp_path, release_world.RULE.replace("area: keep", "area: drop"))
    other = releasing.release(changed, to=tmp_path / "other").path
    assert again is not None
    assert other is not None
    records = [{row["record"] for row in rows(made / "records.csv")} for made in (released, again, other)]
    assert records[0] == records[1]
    assert records[0].isdisjoint(records[2])
    assert (released / "records.csv").read_bytes() == (again / "records.csv").read_bytes()
