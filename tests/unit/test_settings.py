"""Settings come from one file and the environment, and never show a secret."""

import os
from pathlib import Path

import pytest

from laktasi.errors import SettingsError
from laktasi.settings import CentralSettings, read_settings
from laktasi.settings.private_file import write_private_environment


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
    password = settings.central["central"].password
    assert password is not None
    assert password.get_secret_value() == "correct horse"
    assert "correct horse" not in repr(settings) + str(settings) + settings.model_dump_json()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('langauge = "id"\n', "langauge"),
        ('language = "fr"\n', "language"),
        ("language = \n", "not TOML"),
        ('[central]\nurl = "https://central.example.org"\nform = "tea"\n', "central.project"),
        ("phones = [1]\n", "setting 'phones'"),
        ('phones = "usb"\n', "setting 'phones'"),
        ('project = "elsewhere"\n', "setting 'project' has no place in laktasi.toml"),
    ],
)
def test_a_mistake_is_one_clear_error(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings(write(tmp_path, text))
    assert said in caught.value.what
    assert "laktasi.toml" in str(caught.value)


CENTRAL = '[central]\nurl = "https://central.example.org"\nproject = 1\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('langauge = "id"', "setting 'langauge', from laktasi.toml: there is no setting of this name"),
        ('language = "fr"', "it must be 'id' or 'en'"),
        ("data = 3", "it must be a folder or a file"),
        ('phones = "usb"', "it must be a list"),
        ('exact_max_n = "hunter2"', "it must be a whole number"),
        ("exact_max_n = 1.5", "it must be a whole number"),
        ("exact_max_n = 2", "it must be 3 or more"),
        ("exact_max_n = 100", "it must be 60 or less"),
        ('up = "hunter2"', "it must be a part"),
        ("central = 3", "it must be a part"),
        ('[up]\ntimezone = "hunter2"', "from laktasi.toml: no time zone"),
        ('[notify]\nby_hand = "hunter2"', "it must be true or false"),
        ('[lake]\nname = "Hunter2"', "it must begin with a small letter"),
        (f"{CENTRAL}email = 3", "it must be a text"),
        ("[central]\nproject = 1", "setting 'central.url': it is not given"),
    ],
)
def test_what_is_wrong_is_said_in_words_of_our_own(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings(write(tmp_path, text))
    assert said in caught.value.what
    assert "laktasi.toml" in caught.value.next_step
    assert not any(
        words in str(caught.value) for words in ("Input", "Value", "valid", "permitted", "hunter2", "unter2")
    )


def test_where_a_setting_stands_that_is_wrong_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    project = write(tmp_path, "[up]\nport = 4300\n")
    private = write_private_environment(project, {"LAKTASI_UP__PORT": "hunter2"})
    with pytest.raises(SettingsError, match=r"'up\.port', from LAKTASI_UP__PORT in ") as caught:
        read_settings(project)
    assert caught.value.next_step == f"correct LAKTASI_UP__PORT in {private.name}"
    monkeypatch.setenv("LAKTASI_UP", '{"port": "hunter2"}')
    monkeypatch.setenv("LAKTASI_UP__PORT", "hunter2")
    with pytest.raises(SettingsError, match="from LAKTASI_UP__PORT in the environment") as caught:
        read_settings(project)
    monkeypatch.delenv("LAKTASI_UP__PORT")
    with pytest.raises(SettingsError, match="from LAKTASI_UP in the environment") as caught:
        read_settings(project)
    assert "hunter2" not in str(caught.value)


def test_a_key_that_is_too_short_is_told_how_one_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKTASI_KEY", "hunter2")
    with pytest.raises(SettingsError) as caught:
        read_settings(tmp_path)
    what, next_step = str(caught.value).splitlines()
    assert what == "setting 'key', from LAKTASI_KEY in the environment: it has fewer than 32 letters"
    assert next_step.endswith("take out LAKTASI_KEY in the environment, then: laktasi key make FILE")


def test_a_password_in_the_file_is_refused_and_not_shown(tmp_path: Path) -> None:
    project = write(tmp_path, '[central]\nurl = "https://x"\nproject = 1\nform = "tea"\npassword = "correct horse"\n')
    with pytest.raises(SettingsError) as caught:
        read_settings(project)
    assert "'central.password' has no place in laktasi.toml" in caught.value.what
    assert "LAKTASI_CENTRAL__PASSWORD" in caught.value.next_step
    assert "correct horse" not in str(caught.value)


def test_a_file_in_another_encoding_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "laktasi.toml").write_bytes('data = "donn\xe9es"\n'.encode("latin-1"))
    with pytest.raises(SettingsError, match=r"laktasi\.toml: not UTF-8 text"):
        read_settings(tmp_path)
    (tmp_path / "laktasi.toml").write_bytes('data = "donn\xe9es"\n'.encode("utf-8-sig"))
    assert read_settings(tmp_path).data == Path("donn\xe9es")


def test_a_folder_in_its_place_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "laktasi.toml").mkdir()
    with pytest.raises(SettingsError, match=r"laktasi\.toml: cannot be opened"):
        read_settings(tmp_path)


def test_phones_in_the_file_lie_below_the_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    usb = (tmp_path / "usb").as_posix()
    project = write(tmp_path, f'phones = ["phones", "{usb}"]\n')
    assert read_settings(project).phones == (tmp_path / "phones", tmp_path / "usb")
    assert read_settings(project, phones=("here",)).phones == (Path("here"),)


@pytest.mark.parametrize(
    ("value", "folders"),
    [
        ("one", ("one",)),
        (os.pathsep.join(["one", "two words"]), ("one", "two words")),
        ('["one", "two words"]', ("one", "two words")),
        ("", ()),
    ],
)
def test_phones_in_the_environment_are_written_plainly_or_as_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str, folders: tuple[str, ...]
) -> None:
    monkeypatch.setenv("LAKTASI_PHONES", value)
    assert read_settings(write(tmp_path, 'phones = ["usb"]\n')).phones == tuple(map(Path, folders))


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("LAKTASI_PHONES", '["secret', "LAKTASI_PHONES in the environment is not JSON"),
        ("LAKTASI_CENTRAL", "secret", "LAKTASI_CENTRAL in the environment is not JSON"),
        ("LAKTASI_LANGUAGE", "secret", "LAKTASI_LANGUAGE"),
        ("LAKTASI_EXACT_MAX_N", "secret", "LAKTASI_EXACT_MAX_N"),
        ("LAKTASI_CENTRAL__PROJECT", "secret", "LAKTASI_CENTRAL__PROJECT"),
        ("LAKTASI_LANGAUGE", "secret", "did you mean LAKTASI_LANGUAGE?"),
        ("LAKTASI_CENTRAL_PASSWORD", "secret", "did you mean LAKTASI_CENTRAL__PASSWORD?"),
        ("LAKTASI_CENTRAL__PASWORD", "secret", "did you mean LAKTASI_CENTRAL__PASSWORD?"),
        ("LAKTASI_XYZ", "secret", "LAKTASI_XYZ in the environment is no setting"),
        ("LAKTASI_PROJECT", "secret", "--project FOLDER"),
    ],
)
def test_a_mistake_in_the_environment_names_the_variable_and_never_its_value(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    project = write(tmp_path, '[central]\nurl = "https://central.example.org"\nproject = 1\nform = "tea"\n')
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        read_settings(project)
    assert said in str(caught.value)
    assert caught.value.next_step
    assert "secret" not in str(caught.value)


def test_names_that_others_read_are_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKTASI_CHECKOUT", "x")
    monkeypatch.setenv("LAKTASI_TEST_KILLS", "8")
    assert read_settings(tmp_path).language == "en"


TWO = """
[central]
email = "manager@example.org"
[central.north]
url = "https://north.example.org"
project = 2
[central.south]
url = "https://south.example.org"
project = 3
form = "tea"
email = "south@example.org"
"""


def test_several_centrals_stand_side_by_side_and_share_what_is_said_above_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAKTASI_CENTRAL__SOUTH__PASSWORD", "correct horse")
    monkeypatch.setenv("LAKTASI_CENTRAL__NORTH__FORMS", "tea, coffee")
    central = read_settings(write(tmp_path, TWO)).central
    assert [(name, source.project, source.email, source.forms) for name, source in central.items()] == [
        ("north", 2, "manager@example.org", ("tea", "coffee")),
        ("south", 3, "south@example.org", ("tea",)),
    ]
    assert central["north"].password is None
    assert central["south"].password is not None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (TWO.replace("south.example", "north.example").replace("= 3", "= 2"), "are the same project"),
        (TWO.replace("https://south", "http://NORTH").replace("= 3", "= 2"), "are the same project"),
        (TWO.replace("south.example.org", "north.example.org:443/v1/").replace("= 3", "= 2"), "are the same project"),
        (TWO.replace("central.north]", 'central."N Orth"]'), "is no name of a source"),
        (TWO + 'password = "correct horse"\n', "LAKTASI_CENTRAL__SOUTH__PASSWORD"),
    ],
)
def test_a_mistake_in_several_centrals_is_one_clear_error(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings(write(tmp_path, text))
    assert said in str(caught.value)
    assert "correct horse" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "address", "source"),
    [
        ("https://ODK.example.org", "https://odk.example.org", "central:odk.example.org/1"),
        (" https://odk.example.org:443/v1/ ", "https://odk.example.org", "central:odk.example.org/1"),
        ("http://odk.example.org:443/", "http://odk.example.org:443", "central:odk.example.org:443/1"),
        ("http://10.0.0.5:8383", "http://10.0.0.5:8383", "central:10.0.0.5:8383/1"),
        ("http://[::1]:8383", "http://[::1]:8383", "central:[::1]:8383/1"),
    ],
)
def test_an_address_is_kept_in_one_way_of_writing(tmp_path: Path, url: str, address: str, source: str) -> None:
    central = read_settings(write(tmp_path, f'[central]\nurl = "{url}"\nproject = 1\n')).central["central"]
    assert (central.url, central.source) == (address, source)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("https://me:secret@odk.example.org", "user name and password have no place"),
        ("https://secret@odk.example.org", "user name and password have no place"),
        ("https://me:secret@odk:99999", "no address"),
        ("https://me:secret@[::1", "no address"),
        ("secret.example.org", "no address"),
        ("ftp://secret.example.org", "no address"),
        ("https://secret:odk", "no address"),
        ("https://.secret.example.org", "no address"),
        ("https://secret example.org", "no address"),
        ("https://", "no address"),
        ("https://secret.example.org/#!/projects/3", "address of a page"),
        ("https://secret.example.org/projects/3", "address of a page"),
    ],
)
@pytest.mark.parametrize("place", ["file", "environment"])
def test_what_is_no_address_of_a_server_is_refused_and_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, said: str, place: str
) -> None:
    project = write(tmp_path, "[central]\nproject = 1\n" + (f'url = "{url}"\n' if place == "file" else ""))
    if place == "environment":
        monkeypatch.setenv("LAKTASI_CENTRAL__URL", url)
    with pytest.raises(SettingsError, match=r"setting 'central\.url'") as caught:
        read_settings(project)
    assert said in caught.value.what
    assert "secret" not in str(caught.value)
    with pytest.raises(ValueError, match=said) as direct:
        CentralSettings(url=url, project=1)
    assert "secret" not in str(direct.value)


def test_one_password_is_not_sent_to_several_servers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKTASI_CENTRAL__PASSWORD", "correct horse")
    with pytest.raises(SettingsError, match="one password for several servers"):
        read_settings(write(tmp_path, TWO))


def test_who_is_told_stands_in_the_environment_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = write(tmp_path, '[notify]\nto = "mailtos://ani:correct-horse@example.org"\n')
    with pytest.raises(SettingsError, match="'notify\\.to' has no place") as caught:
        read_settings(project)
    assert "LAKTASI_NOTIFY__TO" in str(caught.value)
    assert "correct-horse" not in str(caught.value)
    write(tmp_path, '[notify]\non = ["daily"]\n')
    monkeypatch.setenv("LAKTASI_NOTIFY__TO", "mailtos://ani:correct-horse@example.org")
    settings = read_settings(project)
    assert settings.notify.on == ("daily",)
    assert "correct-horse" not in repr(settings) + settings.model_dump_json()
    monkeypatch.setenv("LAKTASI_NOTIFY__ON", "failure, gate")
    assert read_settings(project).notify.on == ("failure", "gate")
    monkeypatch.setenv("LAKTASI_NOTIFY__TOO", "mailtos://ani:correct-horse@example.org")
    with pytest.raises(SettingsError, match="LAKTASI_NOTIFY__TOO in the environment is no setting") as caught:
        read_settings(project)
    assert "correct-horse" not in str(caught.value)
