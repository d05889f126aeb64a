"""The documentation says what is so: commands, options, make targets, settings, links, and the form's own words."""

from __future__ import annotations

import ast
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from laktasi.cli import main
from laktasi.paths import HOUSE
from laktasi.settings import Settings, read_settings

PLACES = ("*.md", "docs/**/*.md", "xlsforms/*.md", "tests/**/*.md")
PAGES = sorted(path for place in PLACES for path in HOUSE.glob(place))
ENUMERATORS = (HOUSE / "docs" / "enumerators.md").read_text(encoding="utf-8")
FORM = (HOUSE / "xlsforms" / "postpartum_visit.md").read_text(encoding="utf-8")


def code_of(page: Path) -> Iterator[str]:
    """Give what stands as code in a page: lines of its blocks, and inline code."""
    text = page.read_text(encoding="utf-8")
    for block in re.findall(r"^```\w*\n(.*?)^```", text, flags=re.M | re.S):
        yield from block.splitlines()
    prose = re.sub(r"^```\w*\n.*?^```", "", text, flags=re.M | re.S)
    yield from re.findall(r"^    (\S.*)$", prose, flags=re.M)
    yield from re.findall(r"`([^`\n]+)`", re.sub(r"^    \S.*$", "", prose, flags=re.M))


def command_lines() -> list[tuple[str, str]]:
    """Give every line of code that calls laktasi, as page and the words after the program's name."""
    found = []
    for page in PAGES:
        for line in code_of(page):
            if match := re.match(r"(?:\S*[\\/])?laktasi +(\S.*)", line):
                # What stands further to the right explains; what comes after > or # is not the command's.
                words = re.split(r" {2,}| [>#] ", match[1])[0]
                found.append((page.name, words))
    return found


def commands(group: click.Group, *above: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, *above, name)
        if not isinstance(command, click.Group) or command.invoke_without_command:
            yield (*above, name), command  # after what is below it: the longest name that fits is meant


COMMANDS = dict(commands(main))


def test_every_command_is_documented() -> None:
    shown = {words for _, line in command_lines() for words in [tuple(line.split())]}
    missing = [" ".join(path) for path in COMMANDS if not any(words[: len(path)] == path for words in shown)]
    assert missing == []


@pytest.mark.parametrize(("page", "line"), sorted(set(command_lines())))
def test_every_command_line_shown_is_one(page: str, line: str) -> None:
    words = shlex.split(line)
    path = next((path for path in COMMANDS if tuple(words[: len(path)]) == path), None)
    assert path is not None, f"{page}: there is no command like this"
    command = COMMANDS[path]
    context = click.Context(command, info_name=" ".join(path))
    given, rest, _ = command.make_parser(context).parse_args(words[len(path) :])  # unknown options raise
    assert rest == []
    for parameter in command.get_params(context):
        value = given.get(parameter.name or "")
        if isinstance(parameter.type, click.Choice) and value is not None:
            parameter.type.convert(value, parameter, context)
        if parameter.required and len(words) > len(path):  # a bare name in prose only names the command
            typed = value if isinstance(value, tuple | list) else [value]
            assert [item for item in typed if isinstance(item, str)], f"{page}: {parameter.name} is missing"


def test_every_next_step_in_the_code_names_a_command() -> None:
    groups = {path[0] for path in COMMANDS}
    wrong = []
    for path in sorted((HOUSE / "src").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.keyword) and node.arg == "next_step":
                texts = [
                    item.value
                    for item in ast.walk(node.value)
                    if isinstance(item, ast.Constant) and isinstance(item.value, str)
                ]
                named = [match[1] for text in texts for match in re.finditer(r"(?:^|: )laktasi ([\w-]+)", text)]
                wrong += [f"{path.name}: laktasi {name}" for name in named if name not in groups]
    assert wrong == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(HOUSE).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8"))
    inside = [link.partition("#")[0] for link in links if not re.match(r"https?:|mailto:|#", link)]
    assert [link for link in inside if not (page.parent / link).exists()] == []


def test_make_targets_named_in_the_pages_exist() -> None:
    makefile = (HOUSE / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, flags=re.M))
    lines = [(page.name, line) for page in PAGES for line in code_of(page)]
    named = {(page, word) for page, line in lines for word in re.findall(r"^make ([a-z]+)", line)}
    assert {"demo", "test", "check", "bench"} <= {word for _, word in named}
    assert sorted((page, word) for page, word in named if word not in targets) == []
    for target in re.findall(r"^@?\S*echo \"make (\w+)", makefile, flags=re.M):
        assert target in targets


def test_settings_shown_to_data_managers_can_be_read(tmp_path: Path) -> None:
    page = (HOUSE / "docs" / "data-managers.md").read_text(encoding="utf-8")
    one, several = re.findall(r"^```toml\n(.*?)^```", page, flags=re.M | re.S)
    (tmp_path / "laktasi.toml").write_text(one, encoding="utf-8")
    settings = read_settings(tmp_path)
    assert settings.phones
    assert list(settings.central) == ["central"]
    (tmp_path / "laktasi.toml").write_text(several, encoding="utf-8")
    assert list(read_settings(tmp_path).central) == ["north", "south"]


def test_environment_variables_in_the_pages_are_read_somewhere() -> None:
    others = [path for path in tracked_files() if path.suffix != ".md"]
    code = "".join(path.read_text(encoding="utf-8", errors="replace") for path in others)
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    named = set(re.findall(r"\bLAKTASI_(?!TEST_)[A-Z_]+\b", text))
    settings = {name for name in named if name.removeprefix("LAKTASI_").split("__")[0].lower() in Settings.model_fields}
    assert "LAKTASI_CENTRAL__PASSWORD" in settings
    assert sorted(name for name in named - settings if name not in code) == []


def tracked_files() -> list[Path]:
    git = shutil.which("git")
    if git is None or not (HOUSE / ".git").exists():
        pytest.skip("not a git checkout: what is tracked cannot be told")
    told = subprocess.run([git, "-C", str(HOUSE), "ls-files", "-z"], capture_output=True, text=True, check=True).stdout
    return [path for name in told.split("\0") if name and (path := HOUSE / name).is_file()]


def test_no_tracked_file_names_a_place_on_one_machine_or_a_registry() -> None:
    a_home = re.compile(r"(?<![\w.~/)*-])/(?:work|root|home|Users)/\w")
    # Written in two parts, or this file would name them.
    names = ("pypi" + ".org", "python" + "hosted", "npmjs" + ".org", "artifact" + "ory")
    a_registry = re.compile("|".join(map(re.escape, names)))
    wrong = []
    for path in tracked_files():
        text = path.read_text(encoding="utf-8", errors="replace")
        found = [match[0] for pattern in (a_home, a_registry) if (match := pattern.search(text))]
        wrong += [f"{path.relative_to(HOUSE)}: {what}" for what in found]
        if path.name == "requirements.lock":
            assert "://" not in text
    assert wrong == []


# What enumerators read


def test_the_page_for_enumerators_quotes_the_form_as_it_is() -> None:
    filling = ENUMERATORS.split("\n## 2")[1].split("\n## ")[0]
    in_one_line = " ".join(re.sub(r"^> ?", "", filling, flags=re.M).split())
    quoted = set(re.findall(r"(?<!\*)\*([^*`]+)\*(?!\*)", in_one_line))
    assert len(quoted) > 10
    assert sorted(text for text in quoted if text.lower() not in FORM.lower()) == []


def test_the_page_for_enumerators_promises_an_edit_only_where_the_form_allows_it() -> None:
    settings = FORM.split("## settings")[1]
    assert ("tidak bisa diubah lagi di HP" in " ".join(ENUMERATORS.split())) == ("client_editable" not in settings)


def test_both_languages_say_as_much() -> None:
    for part in ENUMERATORS.split("\n## ")[1:]:
        lines = part.splitlines()[1:]
        count = {
            language: sum(bool(re.match(r"(- |\d\. )", line)) for line in of_language)
            for language, of_language in (
                ("id", [line for line in lines if not line.startswith(">")]),
                ("en", [line.removeprefix("> ") for line in lines if line.startswith(">")]),
            )
        }
        assert count["id"] == count["en"] > 0, part.splitlines()[0]
