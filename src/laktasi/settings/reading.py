"""How the settings are read: laktasi.toml, the private file, the environment and the command line become one object."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource

from laktasi.errors import SettingsError
from laktasi.paths import HOUSE, Project
from laktasi.settings.environment import Environment, refuse_unknown
from laktasi.settings.key_file import read_key_file
from laktasi.settings.lake import IN_ENVIRONMENT
from laktasi.settings.models import PREFIX, Settings
from laktasi.settings.private_file import private_environment, read_private_environment
from laktasi.settings.refusing import refused


def read_settings(project: Path | None = None, **given: Any) -> Settings:
    """Read the settings of a project, and the key of its data folder from wherever it is kept.

    Parameters
    ----------
    project, given
        As :func:`read_settings_alone`.

    Raises
    ------
    SettingsError
        As :func:`read_settings_alone`; or the file with the key cannot be used, or two keys are given that differ.
    """
    settings = read_settings_alone(project, **given)
    if settings.key_file is None:
        return settings
    key = read_key_file(settings.key_file, settings.data_folder.root)
    if settings.key is not None and settings.key.get_secret_value().strip() != key.get_secret_value():
        raise SettingsError(
            f"{PREFIX}KEY is another key than the one in {settings.key_file}",
            why="It would be chance with which of them something is encrypted.",
            next_step=f"unset {PREFIX}KEY, or take key_file out of {Project(settings.project).settings_file.name}",
        )
    return settings.model_copy(update={"key": key})


def read_settings_alone(project: Path | None = None, **given: Any) -> Settings:
    """Read the settings of a project, without looking into the file that ``key_file`` names.

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
    private = read_private_environment(root)
    refuse_unknown(private, private_environment(root).name if private else "")
    refuse_unknown(name for name in os.environ if name.upper().startswith(PREFIX))

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
            return (
                init_settings,
                Environment(settings_cls, private, has_file=path.exists()),
                InitSettingsSource(settings_cls, in_file),
            )

    try:
        return ProjectSettings(project=root, **{key: value for key, value in given.items() if value is not None})
    except ValidationError as error:
        raise refused(error, path.name, {private_environment(root).name: private}) from None


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
    if "key" in settings:
        raise SettingsError(
            f"setting 'key' has no place in {path.name}, which is copied and shared",
            next_step=f"take it out of {path.name}, and keep the key in a file of its own: laktasi key make FILE",
        )
    if isinstance(file := settings.get("key_file"), str):
        settings["key_file"] = path.parent / Path(file).expanduser()
    central, phones = settings.get("central"), settings.get("phones")
    if isinstance(central, dict):
        named = {name: part for name, part in central.items() if isinstance(part, dict)}
        for name, part in {"": central, **named}.items():
            if "password" in part:
                dotted = ".".join(filter(None, ("central", name, "password")))
                raise SettingsError(
                    f"setting {dotted!r} has no place in {path.name}, which is copied and shared",
                    next_step=f"take it out of {path.name}, and set {PREFIX}{dotted.upper().replace('.', '__')}"
                    " in the environment",
                )
    lake = settings.get("lake")
    for name in IN_ENVIRONMENT:
        if isinstance(lake, dict) and name in lake:
            raise SettingsError(
                f"setting 'lake.{name}' has no place in {path.name}, which is copied and shared",
                next_step=f"take it out of {path.name}, and set {PREFIX}LAKE__{name.upper()} in the environment",
            )
    notify = settings.get("notify")
    if isinstance(notify, dict) and "to" in notify:
        raise SettingsError(
            f"setting 'notify.to' has no place in {path.name}, which is copied and shared: addresses hold passwords",
            next_step=f"take it out of {path.name}, and set {PREFIX}NOTIFY__TO in the environment or the private file",
        )
    if isinstance(phones, list):
        settings["phones"] = [path.parent / folder if isinstance(folder, str) else folder for folder in phones]
    return settings
