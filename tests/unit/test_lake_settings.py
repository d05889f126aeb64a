"""Where a lake is: read from the settings, with secrets from elsewhere, and never shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from laktasi.errors import SettingsError
from laktasi.settings import read_settings

WHOLE = """
warehouse = "ducklake"
[lake]
catalog = "postgres://ani@db.example.org:5433/health%20data?sslmode=require"
name = "round_two"
data = "s3://bucket/laktasi"
files = "shared"
s3_region = "id-1"
s3_use_ssl = false
"""


def write(folder: Path, text: str) -> Path:
    (folder / "laktasi.toml").write_text(text, encoding="utf-8")
    return folder


def test_a_lake_is_read_and_its_secrets_come_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAKTASI_LAKE__PASSWORD", "correct horse")
    monkeypatch.setenv("LAKTASI_LAKE__S3_SECRET", "battery staple")
    settings = read_settings(write(tmp_path, WHOLE))
    folder = settings.data_folder
    lake = folder.lake
    assert lake is not None
    assert lake.is_postgres
    assert lake.catalog == "host='db.example.org' port='5433' user='ani' dbname='health data' sslmode='require'"
    assert lake.data == "s3://bucket/laktasi/round_two"
    assert lake.password is not None
    assert lake.password.get_secret_value() == "correct horse"
    assert {
        name: value if isinstance(value, str | bool) else value.get_secret_value() for name, value in lake.s3.items()
    } == {
        "secret": "battery staple",
        "region": "id-1",
        "use_ssl": False,
    }
    assert folder.has_begun
    assert folder.attachments == tmp_path / "shared" / "attachments"
    assert folder.secret == tmp_path / "shared" / "secret.key"
    shown = repr(settings) + str(lake) + repr(folder) + settings.model_dump_json()
    assert "correct horse" not in shown
    assert "battery staple" not in shown


def test_without_the_setting_the_warehouse_is_a_file(tmp_path: Path) -> None:
    settings = read_settings(write(tmp_path, WHOLE.replace("ducklake", "duckdb")))
    assert settings.data_folder.lake is None
    assert not settings.data_folder.has_begun
    assert settings.data_folder.attachments == tmp_path / "data" / "attachments"


def test_a_catalogue_in_a_file_and_folders_lie_below_the_project(tmp_path: Path) -> None:
    text = 'warehouse = "ducklake"\n[lake]\ncatalog = "lake.catalogue"\ndata = "lake"\n'
    lake = read_settings(write(tmp_path, text)).data_folder.lake
    assert lake is not None
    assert not lake.is_postgres
    assert lake.catalog == str(tmp_path / "lake.catalogue")
    assert lake.data == str(tmp_path / "lake" / "laktasi")


def test_what_libpq_would_misread_is_quoted(tmp_path: Path) -> None:
    lake = read_settings(write(tmp_path, WHOLE.replace("ani@", "o%27ani%5C@"))).data_folder.lake
    assert lake is not None
    assert "user='o\\'ani\\\\'" in lake.catalog


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('warehouse = "ducklake"\n', "a lake needs lake.catalog and lake.data"),
        ('warehouse = "lake"\n', "setting 'warehouse'"),
        ('[lake]\ncatalog = "postgres://ani:geheim@db/x"\n', "the password has no place in it"),
        ('[lake]\ncatalog = "postgres://ani@db/x?password=geheim"\n', "the password has no place in it"),
        ('[lake]\ncatalog = "postgres://ani@db"\n', "no address of a database"),
        ('[lake]\ncatalog = "postgresql:///x"\n', "no address of a database"),
        ('[lake]\nname = "Two Words"\n', "setting 'lake.name'"),
        ('[lake]\npassword = "geheim"\n', "'lake.password' has no place in laktasi.toml"),
        ('[lake]\ns3_secret = "geheim"\n', "'lake.s3_secret' has no place in laktasi.toml"),
        ('[lake]\nplace = "x"\n', "lake.place"),
    ],
)
def test_a_mistake_is_told_without_secrets(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings(write(tmp_path, text))
    assert said in str(caught.value)
    assert "geheim" not in str(caught.value)
