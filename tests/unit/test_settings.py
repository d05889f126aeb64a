"""Settings come from one file and the environment, and never show a secret."""

from pathlib import Path

import pytest

from laktasi.errors import SettingsError
from laktasi.settings import read_settings


def write(folder: Path, text: str) -> Path:
    (folder / "laktasi.toml").write_text(text, encoding="utf-8")
    return folder


def test_the_command_line_wins_over_the_environment_over_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = write(tmp_path, 'language = "id"\nexact_max_n = 10\ndata = "one"\n')
    assert read_settings(project).language == "id"
    monkeypatch.setenv("LAKTASI_LANGUAGE", "en")
    monkeypatch.setenv("LAKTASI_EXACT_MAX_N", "20")
    settings = read_settings(project, exact_max_n=40)
    assert (settings.language, settings.exact_max_n) == ("en", 40)
    assert settings.data_folder.warehouse == tmp_path / "one" / "warehouse.duckdb"


def test_a_secret_does_not_print(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = write(tmp_path, '[central]\nurl = "https://central.example.org"\nproject = 1\nform = "tea"\n')
    monkeypatch.setenv("LAKTASI_CENTRAL__PASSWORD", "correct horse")
    settings = read_settings(project)
    assert settings.central is not None
    assert settings.central.password is not None
    assert settings.central.password.get_secret_value() == "correct horse"
    assert "correct horse" not in repr(settings) + str(settings) + settings.model_dump_json()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('langauge = "id"\n', "langauge"),
        ('language = "fr"\n', "language"),
        ("language = \n", "not TOML"),
        ('[central]\nurl = "https://central.example.org"\nform = "tea"\n', "central.project"),
    ],
)
def test_a_mistake_is_one_clear_error(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings(write(tmp_path, text))
    assert said in caught.value.what
    assert "laktasi.toml" in str(caught.value)
