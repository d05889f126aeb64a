"""Reading the YAML files of a project: every slip is one error, none a traceback or a value lost in silence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from laktasi.errors import LaktasiError

if TYPE_CHECKING:
    from collections.abc import Hashable

    import yaml


def read_yaml(path: Path, wrong: Callable[[Path, str], LaktasiError]) -> Any:
    """Read a YAML file, as UTF-8.

    Parameters
    ----------
    wrong
        Makes the error to raise, of the path and what is wrong with it.

    Raises
    ------
    LaktasiError
        As `wrong` makes it: the file cannot be opened, is not UTF-8 text or not YAML, or has a key twice in one
        mapping, of which YAML would drop the first without a word.
    """
    import yaml

    class Loader(yaml.SafeLoader):
        """Refuses a key that stands twice."""

        def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
            keys = [key for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
            for number, key in enumerate(keys):
                if any(key.value == other.value for other in keys[:number]):
                    raise wrong(path, f"{key.value!r} stands twice (line {key.start_mark.line + 1})")
            return super().construct_mapping(node, deep=deep)

    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader)  # noqa: S506 - a SafeLoader
    except yaml.YAMLError as error:
        raise wrong(path, f"not YAML: {' '.join(str(error).split())}") from error
    except UnicodeDecodeError:
        raise wrong(path, "not UTF-8 text: save it again with the encoding UTF-8") from None
    except OSError as error:
        raise wrong(path, f"cannot be opened ({error.strerror})") from None
    except ValueError as error:  # such as a date that is none
        raise wrong(path, f"a value cannot be read ({error})") from error
