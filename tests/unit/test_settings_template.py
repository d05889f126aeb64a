"""laktasi.toml as `laktasi init` writes it has every setting there is, and no secret."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel, SecretStr

from laktasi.errors import SettingsError
from laktasi.setting_up.template import GIVEN_OTHERWISE, settings_text, toml_value
from laktasi.setting_up.writing import check_settings
from laktasi.settings import Settings, read_settings_alone


def all_settings(model: type[BaseModel], *above: str) -> Iterator[tuple[tuple[str, ...], bool]]:
    """Give the path of every single setting, and whether it is a secret: found here without the code that is tested."""
    for name, field in model.model_fields.items():
        kinds = (field.annotation, *get_args(field.annotation))
        tables = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)]
        if tables:
            yield from all_settings(tables[0], *above, name)
        elif (*above, name) not in {(given,) for given in GIVEN_OTHERWISE}:
            yield (*above, name), SecretStr in kinds


ALL = tuple(all_settings(Settings))


def parts(text: str) -> dict[tuple[str, ...], str]:
    """Give the text of each part of the file by the name of its table."""
    found: dict[tuple[str, ...], str] = {}
    for piece in re.split(r"^(?=\[)", text, flags=re.M):
        heading = re.match(r"\[([\w.]+)\]", piece)
        found[tuple(heading[1].split(".")) if heading else ()] = piece
    return found


def uncommented(text: str) -> str:
    """Take the # away from every setting, those of a second Central left as they are."""
    before, _, after = text.partition("#[central.north]")
    return re.sub(r"^#(?=\w+ = )", "", before + after.partition("#project = 2\n")[2], flags=re.M)


def test_there_are_settings_and_secrets() -> None:
    assert {("language",), ("central", "url"), ("feedback", "send")} <= {path for path, _ in ALL}
    assert {("key",), ("central", "password")} <= {path for path, is_secret in ALL if is_secret}


@pytest.mark.parametrize(
    ("path", "is_secret"), ALL, ids=lambda value: ".".join(value) if isinstance(value, tuple) else ""
)
def test_every_setting_stands_in_it_with_a_remark(path: tuple[str, ...], is_secret: bool) -> None:
    *table, name = path
    part = parts(settings_text({}))[tuple(table)]
    if is_secret:
        in_one_line = part.replace("\n# ", " ")
        assert re.search(rf" {name}\b[^=]*? never stands here: LAKTASI_{'__'.join(path).upper()} ", in_one_line)
        assert not re.search(rf"^#?{name} =", part, flags=re.M)
    else:
        assert re.search(rf"^# \S.*\n#{name} = \S", part, flags=re.M)


def test_as_it_is_written_everything_is_by_default(tmp_path: Path) -> None:
    (tmp_path / "laktasi.toml").write_text(settings_text({}), encoding="utf-8")
    assert read_settings_alone(tmp_path).model_dump() == Settings(project=tmp_path).model_dump()


def test_without_its_marks_it_can_be_read_and_defaults_are_what_they_are(tmp_path: Path) -> None:
    text = uncommented(settings_text({}))
    given = tomllib.loads(text)
    (tmp_path / "laktasi.toml").write_text(text, encoding="utf-8")
    settings = read_settings_alone(tmp_path)
    for path in [path for path, is_secret in ALL if not is_secret]:
        place: Any = given
        for name in path:
            place = place[name]
    for name in ("language", "seed", "exact_max_n", "feedback", "data"):
        assert getattr(settings, name) == Settings.model_fields[name].default


AWKWARD = {
    "language": "id",
    "phones": ["/media/usb/a b", 'quote"d', "back\\slash", "é\x7f"],
    "seed": 7,
    "central": {
        "email": "me@example.org",
        "north": {"url": "https://north.example.org", "project": 2, "forms": ["a", "b"]},
        "south": {"url": "https://south.example.org", "project": 3, "email": "south@example.org"},
    },
    "feedback": {"send": True, "severities": ["error", "warning"]},
}


def test_what_is_given_is_what_is_read_back() -> None:
    assert tomllib.loads(settings_text(AWKWARD)) | {"backup": {}} == AWKWARD | {
        name: {} for name in tomllib.loads(settings_text({})) if name not in AWKWARD
    }


@pytest.mark.parametrize("value", [True, 3, 2.5, "", "a\nb\t\x00", ["a", 1], {"a b": [1], "c": "d"}])
def test_values_are_written_as_toml_reads_them(value: object) -> None:
    assert tomllib.loads(f"a = {toml_value(value)}") == {"a": value}
    assert tomllib.loads(f"a = {toml_value(Path('x/y'))}") == {"a": "x/y"}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"language": "fr"}, "language"),
        ({"central": {"url": "https://x/page", "project": 1}}, "central.url"),
        ({"central": {"url": "https://x"}}, "central.project"),
    ],
)
def test_what_cannot_be_read_is_refused_before_it_is_written(given: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        check_settings(given)
