"""Settings, from one file (laktasi.toml in the project) and the environment (LAKTASI_…), read in one place.

The environment wins over the file. Secrets are ``SecretStr``: they print as stars.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from laktasi.errors import SettingsError
from laktasi.paths import HOUSE, DataFolder, Project

PREFIX = "LAKTASI_"
NOT_SETTINGS = ("LAKTASI_CHECKOUT", "LAKTASI_TEST_")
"""Beginnings of names that others read: prefect.yaml, and the tests."""


class CentralSettings(BaseModel):
    """One form on one ODK Central server. The password comes from the environment, never from the file."""

    model_config = ConfigDict(extra="forbid")

    url: str
    project: int
    form: str
    email: str | None = None
    password: SecretStr | None = Field(default=None, description="LAKTASI_CENTRAL__PASSWORD")


class Settings(BaseSettings):
    """What a run needs to know."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_nested_delimiter="__", extra="forbid")

    project: Path = Field(default=HOUSE, description="Folder with xlsforms/ and schemas/. Given, never read.")
    data: Path = Field(default=Path("data"), description="Folder for the warehouse and the report, below the project.")
    phones: tuple[Path, ...] = Field(default=(), description="Folders copied from phones, taken in at every run.")
    central: CentralSettings | None = Field(default=None, description="A form on ODK Central to pull from.")
    language: Literal["id", "en"] = Field(default="en", description="Language of messages and lists.")
    exact_max_n: int = Field(default=30, ge=3, le=60, description="Largest n for which the exact p is computed.")

    @property
    def folders(self) -> Project:
        """The project's folders."""
        return Project(self.project)

    @property
    def data_folder(self) -> DataFolder:
        """The data folder, resolved below the project."""
        return DataFolder(self.project / self.data)


def read_settings(project: Path | None = None, **given: Any) -> Settings:
    """Read the settings of a project.

    Parameters
    ----------
    project
        Folder of the project; the checkout itself when not given.
    given
        Settings that the command line sets; None means not given.

    Raises
    ------
    SettingsError
        The file is not TOML, a setting is unknown or has a value that cannot be used, or a password stands in the file.
        Values are never shown.
    """
    root = (project or HOUSE).resolve()
    path = Project(root).settings_file
    in_file = _read_file(path)
    _refuse_unknown_variables()

    class ProjectSettings(Settings):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the signature is pydantic's
            dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
            file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            """Let the command line win over the environment, and the environment over the file."""
            return init_settings, _Environment(settings_cls), InitSettingsSource(settings_cls, in_file)

    try:
        return ProjectSettings(project=root, **{key: value for key, value in given.items() if value is not None})
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        name = ".".join(part for part in first["loc"] if isinstance(part, str))
        raise SettingsError(
            f"setting {name!r}: {first['msg']}",
            why=f"Settings are read from {path.name} and from {PREFIX}… in the environment.",
            next_step=f"correct {name!r} in {path.name} or {PREFIX}{name.upper().replace('.', '__')}",
        ) from None


def _read_file(path: Path) -> dict[str, Any]:
    """Read laktasi.toml; relative folders in it lie below the project, whatever folder a command is started in."""
    import tomllib

    try:
        settings = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        return {}
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path.name}: not TOML: {error}", next_step=f"edit {path.name}") from error
    except UnicodeDecodeError:
        raise SettingsError(
            f"{path.name}: not UTF-8 text", next_step=f"save {path.name} again with the encoding UTF-8"
        ) from None
    except OSError as error:
        raise SettingsError(
            f"{path.name}: cannot be opened ({error.strerror})", next_step=f"see that {path} is a file you may read"
        ) from None
    if "project" in settings:
        raise SettingsError(
            f"setting 'project' has no place in {path.name}: it lies in the project already",
            next_step=f"take it out of {path.name}; --project FOLDER names another project",
        )
    central, phones = settings.get("central"), settings.get("phones")
    if isinstance(central, dict) and "password" in central:
        raise SettingsError(
            f"setting 'central.password' has no place in {path.name}, which is copied and shared",
            next_step=f"take it out of {path.name}, and set LAKTASI_CENTRAL__PASSWORD in the environment",
        )
    if isinstance(phones, list):
        settings["phones"] = [path.parent / folder if isinstance(folder, str) else folder for folder in phones]
    return settings


class _Environment(EnvSettingsSource):
    """Reads settings from the environment; what is not a single value is JSON, and folders may be written plainly."""

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:
        if field_name == "phones" and not value.lstrip().startswith("["):
            return [Path(folder) for folder in value.split(os.pathsep) if folder]
        try:
            return super().decode_complex_value(field_name, field, value)
        except ValueError:
            name = f"{PREFIX}{field_name.upper()}"
            plainly = {
                "phones": f"write one folder, or several with {os.pathsep} between them",
                "central": f"write its parts one by one, as {name}__URL and so on",
            }
            raise SettingsError(
                f"{name} in the environment is not JSON", next_step=plainly.get(field_name, f"correct {name}")
            ) from None


def _refuse_unknown_variables() -> None:
    """Refuse names in the environment that look like settings and are none; pydantic passes over them in silence."""
    from difflib import get_close_matches

    known = [f"{PREFIX}{name.upper()}" for name in Settings.model_fields if name != "project"]
    known += [f"{PREFIX}CENTRAL__{name.upper()}" for name in CentralSettings.model_fields]
    for name in sorted(os.environ):
        upper = name.upper()  # pydantic reads either
        if upper.startswith(PREFIX) and upper not in known and not upper.startswith(NOT_SETTINGS):
            if upper == f"{PREFIX}PROJECT":
                next_step = f"unset {name}, and name the project by --project FOLDER"
            elif near := get_close_matches(upper, known, n=1):
                next_step = f"did you mean {near[0]}? Else unset {name}"
            else:
                next_step = f"unset {name}; known are {', '.join(known)}"
            raise SettingsError(f"{name} in the environment is no setting", next_step=next_step)
