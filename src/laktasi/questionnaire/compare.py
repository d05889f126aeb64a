"""What a new version of a form changes for the records that older versions brought in, and for their tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from laktasi.questionnaire.model import Field, Privacy, Questionnaire, ValueType

_AS_TEXT = (ValueType.TEXT, ValueType.SELECT_ONE, ValueType.MEDIA, ValueType.GEOTRACE, ValueType.GEOSHAPE)
_AS_LIST = (ValueType.SELECT_MULTIPLE, ValueType.RANK)
NAMED = 5
"""Names that one sentence gives before it counts the rest."""
_STRICTNESS = (Privacy.NONE, Privacy.QUASI, Privacy.DIRECT)


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that a new version does differently."""

    place: str
    """The question, list or table it is about."""
    what: str
    """What changes and what follows, in words."""
    breaks: bool = False
    """It changes what has been collected, or what is known of it, and not only what comes."""
    field: Field | None = None
    """The question as it was, where `choices` were dropped from it."""
    choices: tuple[str, ...] = ()
    """Values that may have been given and are no longer offered."""


def compare(new: Questionnaire, fielded: Sequence[Questionnaire]) -> list[Change]:
    """Say what a version of a form changes against the versions that are in the field.

    Parameters
    ----------
    new
        The version that is to go to the field.
    fielded
        The versions of the same form that were there before, the oldest first. The version that stands last is what
        people fill in now; a question that only an older one asked was dropped before, and is not told again.

    Returns
    -------
    list of Change
        Those that break come first.
    """
    if not fielded:
        return []
    before = fielded[-1]
    moved = _moved(new, before)
    found = [
        *_types(new, fielded),
        *_privacy(new, fielded),
        *_columns(new, before),
        *_places(new, before),
        *_moves(moved),
        *_dropped(new, before, moved),
        *_choices(new, fielded),
    ]
    return sorted(found, key=lambda change: not change.breaks)


def clashes(new: Questionnaire, others: Sequence[Questionnaire]) -> list[Change]:
    """Say which tables of a form another form has already.

    Parameters
    ----------
    others
        Other forms of the study. Two that share a table cannot both stand in the warehouse.
    """
    owners = {
        table.name.lower(): other.form_id for other in others if other.form_id != new.form_id for table in other.tables
    }
    return [
        Change(
            table.name,
            f"is a table of the form {owners[table.name.lower()]} too: the warehouse would set this form aside",
            breaks=True,
        )
        for table in new.tables
        if table.name.lower() in owners
    ]


def asks_the_same(one: Questionnaire, other: Questionnaire) -> bool:
    """Say whether two forms ask the same, whichever pyxform wrote them and whatever their files hold."""
    return _asked(one) == _asked(other)


def _asked(questionnaire: Questionnaire) -> Questionnaire:
    lists = {
        name: listed if listed.media is None else replace(listed, choices=())
        for name, listed in questionnaire.choice_lists.items()
    }
    return replace(questionnaire, sha256="", media={}, missing_media=(), choice_lists=lists)


def stored_as(kind: ValueType) -> str:
    """Give what typed staging makes of a type, in words; types with the same word can follow each other."""
    if kind in _AS_TEXT:
        return "text"
    return "list of choices" if kind in _AS_LIST else kind.value


def _types(new: Questionnaire, fielded: Sequence[Questionnaire]) -> Iterator[Change]:
    for item in new.fields:
        earlier = [field for version in fielded if (field := _at(version, item.path)) is not None]
        if not earlier or stored_as(earlier[-1].type) == stored_as(item.type):
            continue
        was, now = stored_as(earlier[-1].type), stored_as(item.type)
        column = "" if was == "text" else f"; its column is no longer {was}, for the old records too"
        yield Change(
            item.path,
            f"was {earlier[-1].type.value} and becomes {item.type.value}: {was} and {now} share no column but text"
            f"{column}. A new question with another name keeps both",
            breaks=True,
        )


def _privacy(new: Questionnaire, fielded: Sequence[Questionnaire]) -> Iterator[Change]:
    for item in new.fields:
        earlier = [field.privacy for version in fielded if (field := _at(version, item.path)) is not None]
        strictest = max(earlier, key=_STRICTNESS.index, default=item.privacy)
        if _STRICTNESS.index(item.privacy) < _STRICTNESS.index(strictest):
            yield Change(
                item.path,
                f"was {strictest.value} and says {item.privacy.value}: people answered under the stricter word, which "
                "goes on to hold for the column",
                breaks=True,
            )


def _columns(new: Questionnaire, before: Questionnaire) -> Iterator[Change]:
    """Give columns that another question takes: old answers of one would stand under the other."""
    asked = {(item.table.lower(), item.column.lower()): item for item in before.fields}
    for item in new.fields:
        old = asked.get((item.table.lower(), item.column.lower()))
        if old is not None and old.path.lower() != item.path.lower():  # Age and age are one column anyway
            yield Change(
                item.path,
                f"takes the column {item.column} of {old.path}: answers to two questions would stand in one column",
                breaks=True,
            )


def _places(new: Questionnaire, before: Questionnaire) -> Iterator[Change]:
    """Give what was a question and is a group, or was a group and is a repeat, or the other way round."""
    kinds_before, kinds = _kinds(before), _kinds(new)
    for place, kind in kinds.items():
        was = kinds_before.get(place, kind)
        if was != kind:
            yield Change(
                place, f"was a {was} and becomes a {kind}: what it holds moves to other columns or tables", breaks=True
            )


def _kinds(questionnaire: Questionnaire) -> dict[str, str]:
    groups = {group.path: "repeat" if group.is_repeat else "group" for group in questionnaire.groups}
    return groups | {item.path: "question" for item in questionnaire.fields}


def _moved(new: Questionnaire, before: Questionnaire) -> dict[str, str]:
    """Give questions that are gone from one place and stand at another under the same name, where that is unique."""
    gone = _by_name(item.path for item in before.fields if _at(new, item.path) is None)
    come = _by_name(item.path for item in new.fields if _at(before, item.path) is None)
    return {
        places[0]: come[name][0] for name, places in gone.items() if len(places) == 1 and len(come.get(name, ())) == 1
    }


def _moves(moved: Mapping[str, str]) -> Iterator[Change]:
    """Say what has moved, once for all that has left one group for another: a renamed group moves all it holds."""
    ways: dict[tuple[str, str], list[str]] = {}
    for old, place in moved.items():
        ways.setdefault((old.rpartition("/")[0], place.rpartition("/")[0]), []).append(old.rpartition("/")[2])
    for (out_of, into), names in ways.items():
        yield Change(
            out_of or names[0],
            f"{_few(names)} stood {f'in {out_of}' if out_of else 'outside groups'} and now stands "
            f"{f'in {into}' if into else 'outside groups'}: other columns hold it from now on",
        )


def _few(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"{', '.join(names[:NAMED])}{more}"


def _by_name(places: Iterator[str]) -> dict[str, list[str]]:
    named: dict[str, list[str]] = {}
    for place in places:
        named.setdefault(place.rpartition("/")[2], []).append(place)
    return named


def _dropped(new: Questionnaire, before: Questionnaire, moved: Mapping[str, str]) -> Iterator[Change]:
    for item in before.fields:
        if _at(new, item.path) is None and item.path not in moved:
            yield Change(item.path, "is no longer asked: its answers stay, and new records have none")


def _choices(new: Questionnaire, fielded: Sequence[Questionnaire]) -> Iterator[Change]:
    for item in new.fields:
        old = _at(fielded[-1], item.path)
        if old is None or not item.list_name or not old.list_name:
            continue
        offered = {choice.value for choice in new.choice_lists[item.list_name].choices}
        before = [choice.value for choice in fielded[-1].choice_lists[old.list_name].choices]
        dropped = tuple(dict.fromkeys(value for value in before if value not in offered))
        # A list whose file is not at hand here is another matter, and an error of its own.
        if dropped and offered:
            yield Change(
                item.path,
                f"no longer offers {_few(dropped)}: answers that have been given stay",
                field=old,
                choices=dropped,
            )


def _at(questionnaire: Questionnaire, place: str) -> Field | None:
    return next((item for item in questionnaire.fields if item.path == place), None)
