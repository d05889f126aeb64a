"""Settings, from one file (laktasi.toml in the project) and the environment (LAKTASI_…), read in one place.

The environment wins over the file. Secrets are ``SecretStr``: they print as stars.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from laktasi.errors import SettingsError
from laktasi.paths import HOUSE, DataFolder, Project


class CentralSettings(BaseModel):
    """One form on one ODK Central server. User name and password come from the environment, never from the file."""

    model_config = ConfigDict(extra="forbid")

    url: str
    project: int
    form: str
    email: str | None = None
    password: SecretStr | None = Field(default=None, description="LAKTASI_CENTRAL__PASSWORD")


class Settings(BaseSettings):
    """What a run needs to know."""

    model_config = SettingsConfigDict(env_prefix="LAKTASI_", env_nested_delimiter="__", extra="forbid")

    project: Path = Field(default=HOUSE, description="Folder with xlsforms/ and schemas/.")
    data: Path = Field(default=Path("data"), description="Folder for the warehouse and the report, below the project.")
    phones: tuple[Path, ...] = Field(default=(), description="Folders copied from phones, taken in at every run.")
    central: CentralSettings | None = Field(default=None, description="A form on ODK Central to pull from.")
    language: Literal["id", "en"] = Field(default="en", description="Language of messages and lists.")
    exact_max_n: int = Field(default=30, ge=3, le=60, description="Largest n for which the exact p is computed.")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the signature is pydantic's
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let the command line win over the environment, and the environment over the file."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)

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
        The file is not TOML, or a setting is unknown or has a value that cannot be used.
    """
    import tomllib

    root = (project or HOUSE).resolve()
    path = Project(root).settings_file

    class ProjectSettings(Settings):
        model_config = SettingsConfigDict(toml_file=path)

    try:
        return ProjectSettings(project=root, **{key: value for key, value in given.items() if value is not None})
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        name = ".".join(str(part) for part in first["loc"])
        raise SettingsError(
            f"setting {name!r}: {first['msg']}",
            why=f"Settings are read from {path.name} and from LAKTASI_… in the environment.",
            next_step=f"correct {name!r} in {path.name} or LAKTASI_{name.upper().replace('.', '__')}",
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path.name}: not TOML: {error}", next_step=f"edit {path.name}") from error
