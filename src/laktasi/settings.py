"""Settings, from one file (laktasi.toml in the project) and the environment (LAKTASI_…), read in one place.

The environment wins over the project's private file (:func:`private_environment`), and that over laktasi.toml. Secrets
are ``SecretStr``: they print as stars.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, get_args
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from laktasi.errors import SettingsError
from laktasi.key_file import SHORTEST, read_key_file
from laktasi.lake_settings import IN_ENVIRONMENT, LakeSettings
from laktasi.paths import HOUSE, DataFolder, Project
from laktasi.private_environment import private_environment as private_environment
from laktasi.private_environment import read_private_environment

PREFIX = "LAKTASI_"
NOT_SETTINGS = ("LAKTASI_CHECKOUT", "LAKTASI_TEST_")
"""Beginnings of names that others read: prefect.yaml, and the tests."""


ALONE = "central"
"""Name of the source that ``[central]`` itself describes, where it has no named ones."""
NAME = re.compile(r"[a-z][a-z0-9_]*")
PORTS = {"http": 80, "https": 443}


def address_of(url: str) -> str:
    """Give the address of a Central in one way of writing: scheme, host in small letters, and a port that is not usual.

    Raises
    ------
    ValueError
        It is no address of a server, or holds more than that: a user, a page. The error's text never holds it.
    """
    try:
        parts = urlsplit(url.strip())
        scheme, host, port = parts.scheme, parts.hostname or "", parts.port
        host.encode("idna")  # refuses a name with a part that is empty or too long
    except ValueError:
        scheme = host = ""
    if scheme not in PORTS or not host or any(map(str.isspace, host)):
        raise ValueError("no address of a server; write one like https://central.example.org")
    if "@" in parts.netloc:
        raise ValueError("user name and password have no place in it; they come from the environment")
    if parts.path.rstrip("/") not in ("", "/v1") or parts.query or parts.fragment:
        raise ValueError("the address of a page; write the server's alone, like https://central.example.org")
    host = f"[{host}]" if ":" in host else host
    return f"{scheme}://{host}" + ("" if port in (None, PORTS[scheme]) else f":{port}")


class CentralSettings(BaseModel):
    """One project on one ODK Central server. The password comes from the environment, never from the file."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    url: str = Field(description="Address of the server alone.")
    project: int = Field(description="Number of the project; it stands in the address of its page.")
    forms: tuple[str, ...] = Field(default=(), description="Form ids; every published form of the project, if none.")
    email: str | None = Field(default=None, description="Of the account that reads. Its password never stands here.")
    password: SecretStr | None = Field(default=None, description="LAKTASI_CENTRAL__PASSWORD")

    @property
    def host(self) -> str:
        """The server's name, without a port."""
        return urlsplit(self.url).hostname or ""

    @property
    def source(self) -> str:
        """The source's name in the warehouse: ``central:<host[:port]>/<project>``."""
        return f"central:{self.url.partition('://')[2]}/{self.project}"

    @field_validator("url")
    @classmethod
    def _address(cls, given: str) -> str:
        return address_of(given)

    @model_validator(mode="before")
    @classmethod
    def _plainly(cls, given: Any) -> Any:
        """Read ``form = "x"`` as ``forms = ["x"]``, and forms in the environment with commas between them."""
        if not isinstance(given, dict):
            return given
        given = {("forms" if name == "form" else name): value for name, value in given.items()}
        if isinstance(given.get("forms"), str):
            given["forms"] = tuple(filter(None, (name.strip() for name in given["forms"].split(","))))
        return given


class FeedbackSettings(BaseModel):
    """What is said back to Central about findings."""

    model_config = ConfigDict(extra="forbid")

    severities: tuple[Literal["error", "warning"], ...] = Field(default=("error",), description="Findings to send.")
    at_most: int = Field(default=200, ge=1, description="Records written to in one run; the rest wait for the next.")
    send: bool = Field(default=False, description="Let scheduled runs write; otherwise they only say what they would.")


class UpSettings(BaseModel):
    """What `laktasi up` brings up on this machine."""

    model_config = ConfigDict(extra="forbid")

    port: int = Field(default=4200, ge=1024, le=65535, description="Port of Prefect's page, on this machine only.")
    timezone: str | None = Field(default=None, description="Of all times in prefect.yaml, if not as they say.")

    @field_validator("timezone")
    @classmethod
    def _known(cls, given: str | None) -> str | None:
        from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

        try:
            return given if given is None else ZoneInfo(given).key
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError("no time zone; write one like Asia/Jakarta") from None


Matter = Literal["failure", "gate", "adverse", "silent", "unreached", "backup", "daily"]
"""What people are told of, see docs/notifications.md."""


class BackupSettings(BaseModel):
    """Where backups go, and how many of them stay there."""

    model_config = ConfigDict(extra="forbid")

    folder: Path | None = Field(default=None, description="Folder for backups: on another disk, a stick, a server.")
    keep: int = Field(default=14, ge=1, description="Newest backups that stay; beside them one of each of 12 months.")


class NotifySettings(BaseModel):
    """Who is told of what, without asking. Addresses hold passwords, so they never stand in the file."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    to: SecretStr | None = Field(default=None, description="LAKTASI_NOTIFY__TO: addresses, with spaces between them.")
    on: tuple[Matter, ...] = Field(default=get_args(Matter), description="What to tell of.")
    by_hand: bool = Field(default=False, description="Tell after runs that somebody started by hand, too.")
    unreached_days: int = Field(default=3, ge=1, description="Days without reaching a source before it is told.")
    backup_days: int = Field(default=7, ge=1, description="Age in days at which the newest backup is told as too old.")


class Settings(BaseSettings):
    """What a run needs to know."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", extra="forbid", hide_input_in_errors=True
    )

    project: Path = Field(default=HOUSE, description="Folder with xlsforms/ and schemas/. Given, never read.")
    data: Path = Field(default=Path("data"), description="Folder for the warehouse and the report, below the project.")
    key: SecretStr | None = Field(
        default=None, min_length=SHORTEST, description="LAKTASI_KEY: what the data folder is encrypted with."
    )
    key_file: Path | None = Field(default=None, description="File with that key, kept apart from the data folder.")
    phones: tuple[Path, ...] = Field(default=(), description="Folders copied from phones, taken in at every run.")
    central: dict[str, CentralSettings] = Field(default={}, description="Projects on ODK Central, by a name of yours.")
    feedback: FeedbackSettings = Field(default=FeedbackSettings(), description="What is said back to Central.")
    backup: BackupSettings = Field(default=BackupSettings(), description="Where backups go, and how many stay.")
    warehouse: Literal["duckdb", "ducklake"] = Field(
        default="duckdb", description="A file in the data folder, or a lake that several workers share."
    )
    lake: LakeSettings = Field(default=LakeSettings(), validate_default=True, description="Where that lake is.")
    up: UpSettings = Field(default=UpSettings(), description="What runs every day by itself.")
    notify: NotifySettings = Field(default=NotifySettings(), description="Who is told of what, without asking.")
    language: Literal["id", "en"] = Field(default="en", description="Language of messages and lists.")
    exact_max_n: int = Field(
        default=30, ge=3, le=60, description="Largest n for which p is exact even where that takes a while."
    )
    monte_carlo_draws: int = Field(
        default=10_000, ge=1_000, le=1_000_000, description="Arrangements to sample where p is not exact."
    )
    seed: int = Field(default=20260301, ge=0, description="Whatever is drawn by chance in an analysis rests on it.")

    @field_validator("central", mode="before")
    @classmethod
    def _named(cls, given: Any) -> Any:
        """Give ``[central]`` as named sources: what stands beside the names holds for each of them."""
        if not isinstance(given, dict):
            return given
        named = {name: value for name, value in given.items() if isinstance(value, dict | CentralSettings)}
        shared = {name: value for name, value in given.items() if name not in named}
        if not named:
            return {ALONE: shared} if shared else {}
        return {
            name: value if isinstance(value, CentralSettings) else {**shared, **value} for name, value in named.items()
        }

    @field_validator("central")
    @classmethod
    def _apart(cls, central: dict[str, CentralSettings]) -> dict[str, CentralSettings]:
        """Refuse what would be read twice, and a password that would go to a server it is not for."""
        for name in central:
            if not NAME.fullmatch(name):
                raise ValueError(f"{name!r} is no name of a source: small letters, digits and _")
        seen: dict[str, str] = {}
        for name, one in central.items():
            if one.source in seen:
                raise ValueError(f"{name} and {seen[one.source]} are the same project; name its forms in one of them")
            seen[one.source] = name
        hosts: dict[str, set[str]] = {}
        for one in central.values():
            if one.password is not None:
                hosts.setdefault(one.password.get_secret_value(), set()).add(one.url.partition("://")[2])
        if any(len(several) > 1 for several in hosts.values()):
            raise ValueError("one password for several servers; set LAKTASI_CENTRAL__<NAME>__PASSWORD for each")
        return central

    @field_validator("lake")
    @classmethod
    def _somewhere(cls, lake: LakeSettings, info: ValidationInfo) -> LakeSettings:
        """Refuse a lake of which nobody said where it is."""
        if info.data.get("warehouse") == "ducklake" and (lake.catalog is None or lake.data is None):
            raise ValueError("a lake needs lake.catalog and lake.data, see docs/ducklake.md")
        return lake

    def with_accounts(self, accounts: Mapping[str, Mapping[str, str]]) -> Settings:
        """Give these settings with accounts for some of the Centrals.

        Parameters
        ----------
        accounts
            By name of the source: ``email`` and ``password``.

        Raises
        ------
        SettingsError
            An account lacks one of them. Values are never shown.
        """
        central = dict(self.central)
        for name, account in accounts.items():
            if not (isinstance(account, Mapping) and account.keys() >= {"email", "password"}):
                raise SettingsError(
                    f"the account for {name!r} lacks email or password",
                    next_step='save it as {"email": "…", "password": "…"}',
                )
            given = {"email": account["email"], "password": SecretStr(account["password"])}
            central[name] = central[name].model_copy(update=given)
        return self.model_copy(update={"central": central})

    def centrals(self, name: str | None = None) -> dict[str, CentralSettings]:
        """Give the Centrals by name: all of them, or the one of this name.

        Raises
        ------
        SettingsError
            There is none, or none of that name.
        """
        if not self.central:
            raise SettingsError(
                "no Central is set up",
                next_step="set central.url and central.project in laktasi.toml",
            )
        if name is None:
            return dict(self.central)
        if name not in self.central:
            raise SettingsError(f"no Central is called {name!r}", next_step=f"name one of: {', '.join(self.central)}")
        return {name: self.central[name]}

    @property
    def folders(self) -> Project:
        """The project's folders."""
        return Project(self.project)

    @property
    def data_folder(self) -> DataFolder:
        """The data folder, resolved below the project."""
        lake = self.lake.place(self.project) if self.warehouse == "ducklake" else None
        return DataFolder(self.project / self.data, key=self.key, lake=lake)


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
    _refuse_unknown_variables(private, private_environment(root).name if private else "")
    _refuse_unknown_variables(name for name in os.environ if name.upper().startswith(PREFIX))

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
                _Environment(settings_cls, private, has_file=path.exists()),
                InitSettingsSource(settings_cls, in_file),
            )

    try:
        return ProjectSettings(project=root, **{key: value for key, value in given.items() if value is not None})
    except ValidationError as error:
        raise _refused(error, path.name, {private_environment(root).name: private}) from None


_WORDS: Mapping[str, str] = {
    "missing": "it is not given",
    "extra_forbidden": "there is no setting of this name",
    "literal_error": "it must be {expected}",
    "greater_than_equal": "it must be {ge} or more",
    "less_than_equal": "it must be {le} or less",
    "too_short": "it has fewer than {min_length} letters",
    "tuple_type": 'it must be a list, like ["one", "two"]',
    "path_type": "it must be a folder or a file, in quotation marks",
    "string_type": "it must be a text, in quotation marks",
    "string_pattern_mismatch": "it must begin with a small letter, and hold small letters, digits and _ alone",
    **dict.fromkeys(("int_type", "int_parsing", "int_parsing_size", "int_from_float"), "it must be a whole number"),
    **dict.fromkeys(("bool_type", "bool_parsing"), "it must be true or false"),
    **dict.fromkeys(("dict_type", "model_type"), "it must be a part: a line with its name in [], its settings below"),
}
"""What is wrong with a setting, by the type of pydantic's error; in braces what that tells of its limits."""


def _refused(error: ValidationError, file: str, private: Mapping[str, Mapping[str, str]]) -> SettingsError:
    """Say in our own words what is wrong with the first setting that cannot be used, and where it stands.

    Parameters
    ----------
    file
        Name of the settings file.
    private
        What the private file holds, by the name of that file.
    """
    first = error.errors(include_input=False, include_url=False)[0]
    name = ".".join(part for part in first["loc"] if isinstance(part, str)).replace(f"central.{ALONE}.", "central.")
    parts = name.upper().split(".")
    variables = [PREFIX + "__".join(parts[:count]) for count in range(len(parts), 0, -1)]
    found = [
        f"{variable} in {place}"
        for place, given in {"the environment": os.environ, **private}.items()
        for variable in variables
        if variable in map(str.upper, given)
    ]
    words = _WORDS.get(first["type"])
    wrong = words.format(**first.get("ctx", {})) if words else first["msg"].removeprefix("Value error, ")
    where = found[0] if found else file
    if first["type"] == "missing":
        return SettingsError(
            f"setting {name!r}: {wrong}", next_step=f"set {name!r} in {file}, or {variables[0]} in the environment"
        )
    next_step = f"correct {found[0] if found else f'{name!r} in {file}'}"
    if name == "key":
        next_step = f"give the whole key; where there is none yet, take out {where}, then: laktasi key make FILE"
    return SettingsError(f"setting {name!r}, from {where}: {wrong}", next_step=next_step)


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


def _is_account_alone(central: Mapping[str, Any]) -> bool:
    """Say whether this is an account, or several, for Centrals that nothing describes."""
    return all(
        _is_account_alone(value) if isinstance(value, dict) else name in ("email", "password")
        for name, value in central.items()
    )


class _Environment(EnvSettingsSource):
    """Reads settings from the environment, and where they are not there from the project's private file.

    What is not a single value is JSON, and folders may be written plainly.
    """

    def __init__(self, settings_cls: type[BaseSettings], private: Mapping[str, str], *, has_file: bool) -> None:
        self._has_file = has_file
        self._private = {name.lower(): value for name, value in private.items()}
        super().__init__(settings_cls)

    def _load_env_vars(self) -> Mapping[str, str | None]:
        return {**self._private, **super()._load_env_vars()}

    def explode_env_vars(self, field_name: str, field: FieldInfo, env_vars: Any) -> dict[str, Any]:
        """Read LAKTASI_CENTRAL__PART and LAKTASI_CENTRAL__NAME__PART as plain words."""
        if field_name != "central":
            return super().explode_env_vars(field_name, field, env_vars)
        found: dict[str, Any] = {}
        for name, value in env_vars.items():
            beginning, *parts = name.lower().removeprefix(PREFIX.lower()).split("__")
            if beginning == field_name and parts:
                place = found
                for part in parts[:-1]:
                    place = place.setdefault(part, {})
                place[parts[-1]] = value
        if not self._has_file and _is_account_alone(found):
            return {}  # the private file outlived its project: nothing is lost yet, a backup may bring that back
        return found

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:
        if field_name == "phones" and not value.lstrip().startswith("["):
            return [Path(folder) for folder in value.split(os.pathsep) if folder]
        if field_name in ("on", "severities") and not value.lstrip().startswith("["):
            return [name.strip() for name in value.split(",") if name.strip()]
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


def _refuse_unknown_variables(names: Iterable[str], file: str = "") -> None:
    """Refuse names in the environment, or in a private file, that are no settings; pydantic passes over them."""
    from difflib import get_close_matches

    known = [f"{PREFIX}{name.upper()}" for name in Settings.model_fields if name != "project"]
    parts = [name.upper() for name in (*CentralSettings.model_fields, "form")]
    known += [f"{PREFIX}CENTRAL__{part}" for part in parts]
    known += [f"{PREFIX}FEEDBACK__{name.upper()}" for name in FeedbackSettings.model_fields]
    known += [f"{PREFIX}BACKUP__{name.upper()}" for name in BackupSettings.model_fields]
    known += [f"{PREFIX}LAKE__{name.upper()}" for name in LakeSettings.model_fields]
    known += [f"{PREFIX}UP__{name.upper()}" for name in UpSettings.model_fields]
    known += [f"{PREFIX}NOTIFY__{name.upper()}" for name in NotifySettings.model_fields]
    of_one = re.compile(rf"{PREFIX}CENTRAL__[A-Z0-9]\w*?__({'|'.join(parts)})")
    where, without = (file, f"take {{}} out of {file}") if file else ("the environment", "unset {}")
    for name in sorted(names):
        upper = name.upper()  # pydantic reads either
        if of_one.fullmatch(upper):
            continue
        if upper not in known and not upper.startswith(NOT_SETTINGS):
            away = without.format(name)
            if upper == f"{PREFIX}PROJECT":
                next_step = f"{away}, and name the project by --project FOLDER"
            elif near := get_close_matches(upper, known, n=1):
                next_step = f"did you mean {near[0]}? Else {away}"
            else:
                next_step = f"{away}; known are {', '.join(known)}"
            raise SettingsError(f"{name} in {where} is no setting", next_step=next_step)
