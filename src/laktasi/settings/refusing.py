"""What is wrong with a setting, in words of ours: where it stands, what it must be, and never its value."""

from __future__ import annotations

import os
from collections.abc import Mapping

from pydantic import ValidationError

from laktasi.errors import SettingsError
from laktasi.settings.models import ALONE, PREFIX

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


def refused(error: ValidationError, file: str, private: Mapping[str, Mapping[str, str]]) -> SettingsError:
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
