"""Reading the YAML files of a project: every slip is one error, none a traceback or a value lost in silence."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from laktasi.errors import CheckError, LaktasiError

if TYPE_CHECKING:
    from collections.abc import Hashable

    import yaml


def refuse_unread(folder: Path, known: Collection[str]) -> None:
    """Refuse a folder with a YAML file that nothing reads: what it declares would be missing without a word.

    Parameters
    ----------
    known
        Names of the files that are read.

    Raises
    ------
    CheckError
        There is one; names the file that may be meant.
    """
    found = sorted(path.name for path in folder.glob("*") if path.suffix.lower() in (".yml", ".yaml"))
    for name in found:
        if name not in known and not name.startswith((".", "~")):
            (meant,) = difflib.get_close_matches(name, known, n=1, cutoff=0)
            raise CheckError(
                f"{folder.name}/{name} is read by nothing",
                why=f"What it declares would not hold. Read are {', '.join(sorted(known))} and corrections/.",
                next_step=f"rename it ({meant}?), or take it out of {folder.name}/",
            )


def read_yaml(path: Path, wrong: Callable[[Path, str], LaktasiError], *, as_written: bool = False) -> Any:
    """Read a YAML file, as UTF-8.

    Parameters
    ----------
    wrong
        Makes the error to raise, of the path and what is wrong with it.
    as_written
        The file holds answers: every value is the text that stands there (``0012``, ``1e3`` and ``no`` too; None
        where nothing stands, not even quotes), and no error quotes it.

    Raises
    ------
    LaktasiError
        As `wrong` makes it: the file cannot be opened, is not UTF-8 text or not YAML, is nested too deeply,
        or has a key twice in one mapping, of which YAML would drop the first without a word.
    """
    import yaml

    base: Any = yaml.BaseLoader if as_written else yaml.SafeLoader

    def construct_mapping(self: Any, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Refuse a key that stands twice."""
        keys = [key for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        for number, key in enumerate(keys):
            if any(key.value == other.value for other in keys[:number]):
                name = "a key" if as_written else repr(key.value)
                raise wrong(path, f"{name} stands twice (line {key.start_mark.line + 1})")
        made: dict[Hashable, Any] = base.construct_mapping(self, node, deep)
        return made

    def construct_scalar(self: Any, node: yaml.ScalarNode) -> Any:
        """Tell nothing from a written empty text."""
        return None if as_written and not node.value and not node.style else base.construct_scalar(self, node)

    loader = type("Loader", (base,), {"construct_mapping": construct_mapping, "construct_scalar": construct_scalar})
    try:
        return yaml.load(path.read_text(encoding="utf-8"), loader)  # noqa: S506 - a SafeLoader, or less
    except yaml.YAMLError as error:
        if not as_written:
            raise wrong(path, f"not YAML: {' '.join(str(error).split())}") from error
        mark = getattr(error, "problem_mark", None)
        raise wrong(path, "not YAML" + (f": see line {mark.line + 1}" if mark else "")) from None
    except RecursionError:
        raise wrong(path, "nested too deeply to be read") from None
    except UnicodeDecodeError:
        raise wrong(path, "not UTF-8 text: save it again with the encoding UTF-8") from None
    except OSError as error:
        raise wrong(path, f"cannot be opened ({error.strerror})") from None
    except ValueError as error:  # such as a date that is none
        raise wrong(path, f"a value cannot be read ({error})") from error
