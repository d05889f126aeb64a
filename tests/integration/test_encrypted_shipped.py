"""The shipped study with a key, with all that is made of it: no file tells a mother's name or telephone number."""

from __future__ import annotations

import re

import pytest
from click.testing import CliRunner

from laktasi import pipeline
from laktasi.cli import main
from laktasi.paths import HOUSE, DataFolder
from laktasi.reproducing import analyse_as_of, moment_of
from laktasi.settings import Settings, read_settings
from laktasi.settings.key_file import make_key_file
from laktasi.store.warehouse import open_warehouse
from tests.scanning import holding

pytestmark = pytest.mark.slow

SAMPLE = tuple(HOUSE / "xlsforms" / "sample" / f"{form}.zip" for form in ("postpartum_visit", "back_check"))


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The sample, run with a key; and what people ask for after a run."""
    root = tmp_path_factory.mktemp("shipped")
    key = make_key_file(root / "key", root / "data", root / "project")
    settings = read_settings(data=root / "data", phones=SAMPLE, key_file=key)
    pipeline.walk(settings, pipeline.WAY, door="cli")
    with open_warehouse(settings.data_folder) as con:
        (until,) = con.execute("select max(landed_at) from raw.submissions").fetchone() or (None,)
    analyse_as_of(settings, moment_of(f"{until:%Y-%m-%dT%H:%M:%S.%f+00:00}"))
    for words in (("enumerators", "todo"), ("back-checks", "sample"), ("release",)):
        done = CliRunner().invoke(
            main, [*words, "--data", str(root / "data")], env={"LAKTASI_KEY_FILE": str(key)}, catch_exceptions=False
        )
        assert done.exit_code == 0, done.output
    return settings


def direct_answers(folder: DataFolder) -> set[str]:
    """Give what people answered to the questions that the form marks as direct identifiers, but codes and ids."""
    with open_warehouse(folder) as con:
        asked = con.execute(
            """
            select distinct table_name, column_name from staging.codebook
            where privacy = 'direct' and type = 'text' and not starts_with(column_name, 'meta__')
            """
        ).fetchall()
        found: set[str] = set()
        for table, column in asked:
            rows = con.execute(f'select "{column}" from answers."{table}" where "{column}" is not null').fetchall()
            found |= {answer for (answer,) in rows}
    return found


def test_no_file_tells_a_name_or_a_number(settings: Settings) -> None:
    answers = direct_answers(settings.data_folder)
    numbers = {answer for answer in answers if re.fullmatch(r"\+?\d{9,}", answer)}
    names = {answer for answer in answers if re.fullmatch(r"[A-Z]\w+ [A-Z]\w+ \d+", answer)}
    assert len(numbers) > 500
    assert len(names) > 500

    def has(text: str) -> bool:
        found = set(re.findall(r"\+?\d{9,}", text)) | set(re.findall(r"[A-Z]\w+ [A-Z]\w+ \d+", text))
        return not found.isdisjoint(numbers | names)

    assert holding(settings.data_folder.root, has) == set()
    # What the scan says is worth as much as what it would have found.
    plain = settings.data_folder.root.parent / "plain"
    plain.mkdir()
    (plain / "note.txt").write_text(f"call {min(numbers)}", encoding="utf-8")
    (plain / "wide.txt").write_text(f"call {min(names)}", encoding="utf-16")
    assert holding(plain, has) == {"note.txt", "wide.txt"}
    assert has(SAMPLE[0].read_bytes().decode("utf-8", "replace")) is False, "packed"
    assert holding(SAMPLE[0].parent, has) >= {SAMPLE[0].name}
