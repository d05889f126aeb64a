"""Which column of a data file holds which question, in the spellings that exports use.

Four readings are tried one after the other: the whole path with any separator, the last name where it is unique, both
once more with every sign that is no letter or digit taken as the same, and both cut at the length that the kind of file
allows. What an earlier reading has found is not sought again. Columns that are called like what exports add come last,
so that a question `deviceid` is not mistaken for Central's `DeviceID`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from laktasi.questionnaire.model import Field, Questionnaire, ValueType

ENVELOPE = frozenset(
    (
        *("SubmissionDate", "SubmitterID", "SubmitterName", "AttachmentsPresent", "AttachmentsExpected", "Status"),
        *("ReviewState", "DeviceID", "Edits", "FormVersion", "KEY", "CompletionDate", "instanceID", "instanceName"),
        *("meta-instanceID", "meta-instanceName", "meta/instanceID", "meta/instanceName", "meta/rootUuid"),
        *("meta/deprecatedID", "formdef_version", "formhub/uuid", "__id", "__version__", "_version_", "_version"),
        *("_id", "_uuid", "_submission_time", "_validation_status", "_notes", "_status", "_submitted_by", "_tags"),
        *("_index", "_geolocation", "_xform_id_string", "_attachments", "_submission_id", "_row", "_form_version"),
    )
)
"""What exports add about a record: neither questions nor unknown. So is all that begins with ``__system``."""
VERSIONS = ("FormVersion", "__system/formVersion", "__version__", "_version_", "formdef_version", "_form_version")
"""Columns that hold the form version of a record."""
INSTANCE_ID = "meta/instanceID"
IDS = (INSTANCE_ID, "instanceID", "KEY", "__id", "_uuid", "_submission_id", "uuid")
"""Columns that tell records apart, the best first."""
_NAME = re.compile(r"(?=.*[^\W\d_])[\w/:.-]{1,64}")
_FEW = 4
"""Where fewer than one column in so many is known, the first line may be no header but a record."""
_PARTS = (("latitude", "lat"), ("longitude", "lon"), ("altitude", "alt"), ("accuracy", "acc", "precision"))


@dataclass(frozen=True, slots=True)
class Target:
    """What a column of a file can hold of a question."""

    path: str
    choice: str | None = None
    """One choice of several, as 0 and 1."""
    part: int | None = None
    """Of a place: 0 latitude, 1 longitude, 2 altitude, 3 accuracy."""
    offset: bool = False
    """Of a moment: minutes ahead of UTC."""


@dataclass(frozen=True, slots=True)
class Match:
    """Which column is what; columns by their number in the file."""

    whole: Mapping[str, int]
    """By path of a question: the column that holds its answer."""
    parts: Mapping[str, Mapping[Target, int]]
    """By path: the columns that hold a part of its answer."""
    claimed: tuple[tuple[str, tuple[str, ...]], ...]
    """Path of a question and the columns that could be it: none of them is used."""
    repeats: tuple[str, ...]
    """Columns of questions in repeats."""
    unknown: tuple[str, ...]
    """Columns that are neither of the form nor of what exports add."""
    id_column: int | None
    unsure: tuple[tuple[str, tuple[str, ...]], ...] = field(default=())
    """Column and the questions it could be: it is not used."""

    @property
    def is_of_form(self) -> bool:
        """Whether any column holds a question."""
        return bool(self.whole or self.parts)

    def tellable(self, names: Sequence[str], columns: int) -> tuple[str, ...]:
        """Give the names that can be told; in a file without a header they would be the first record's answers.

        Parameters
        ----------
        names
            Columns that nobody knows.
        columns
            How many the file has.
        """
        if not self.is_of_form or (columns - len(self.unknown)) * _FEW < columns:
            return ()
        return tuple(name for name in names if _NAME.fullmatch(name))


def match(questionnaire: Questionnaire, names: Sequence[str], *, limit: int | None, id_name: str | None) -> Match:
    """Match the columns of a file to the questions of a form.

    Parameters
    ----------
    names
        Columns of the file, in its order.
    limit
        Length at which this kind of file cuts names; None where it does not.
    id_name
        The column that tells records apart; None to look for one of :data:`IDS`.
    """
    form = questionnaire.tables[0].name
    repeated = {item.path for item in questionnaire.fields if item.table != form}
    targets = [(words, target) for item in questionnaire.fields for words, target in _targets(questionnaire, item)]
    found: dict[Target, int] = {}
    claimed: dict[Target, list[int]] = {}
    unsure: dict[int, list[Target]] = {}
    added = {at for at, name in enumerate(names) if name in ENVELOPE and not _is_question(targets, name)}
    own = [at for at in range(len(names)) if at not in added]
    # No row of a record is one of a repeat, and what begins with _ is always an export's own.
    could_be_own = [at for at in sorted(added) if not names[at].startswith("_")]
    of_records = [(words, target) for words, target in targets if target.path not in repeated]
    left = _seek(questionnaire.root, limit, targets, names, own, (found, claimed, unsure))
    left += _seek(questionnaire.root, limit, of_records, names, could_be_own, (found, claimed, unsure))
    if id_name is not None:
        id_column = _id_column(names, range(len(names)), [id_name])
    else:
        # A question that no column holds could still be meant by what is called like it.
        missed = {
            _plain(words[-1])
            for words, target in of_records
            if _is_whole(target) and target not in found and target.path != INSTANCE_ID
        }
        taken = {at for target, at in found.items() if target != Target(INSTANCE_ID)}
        taken |= {at for columns in claimed.values() for at in columns} | set(unsure)
        free = [
            at
            for at, name in enumerate(names)
            if at not in taken and (_plain(name) not in missed or (at in added and name.startswith("_")))
        ]
        id_column = _id_column(names, free, IDS)
        if id_column is not None and found.get(Target(INSTANCE_ID)) == id_column:
            del found[Target(INSTANCE_ID)]
    whole = {target.path: at for target, at in found.items() if _is_whole(target) and target.path not in repeated}
    parts: dict[str, dict[Target, int]] = {}
    for target, at in found.items():
        if not _is_whole(target) and target.path not in repeated:
            parts.setdefault(target.path, {})[target] = at
    return Match(
        whole,
        parts,
        tuple((target.path, tuple(names[at] for at in columns)) for target, columns in claimed.items()),
        tuple(names[at] for target, at in found.items() if target.path in repeated),
        tuple(
            names[at]
            for at in sorted(left)
            if at != id_column and names[at] not in ENVELOPE and not names[at].lower().startswith("__system")
        ),
        id_column,
        tuple((names[at], tuple(dict.fromkeys(target.path for target in could_be))) for at, could_be in unsure.items()),
    )


def _seek(
    root: str,
    limit: int | None,
    targets: Sequence[tuple[tuple[str, ...], Target]],
    names: Sequence[str],
    columns: Sequence[int],
    so_far: tuple[dict[Target, int], dict[Target, list[int]], dict[int, list[Target]]],
) -> list[int]:
    """Seek what columns hold, one reading after the other; add it to what was found so far, and give those left."""
    found, claimed, unsure = so_far
    left = list(columns)
    for reading in _readings(root, limit):
        by_spelling: dict[str, dict[Target, None]] = {}
        for spelling, target in reading.of_form(targets):
            if target not in found and target not in claimed:
                by_spelling.setdefault(spelling, {})[target] = None
        claims: dict[Target, list[int]] = {}
        for at in left:
            could_be = list(by_spelling.get(reading.of_file(names[at]), ()))
            # A question itself comes before what might be a part of another one.
            could_be = [item for item in could_be if _is_whole(item)] or could_be
            could_be = [item for item in could_be if _exact(item, names[at])] or could_be
            if len(could_be) == 1:
                claims.setdefault(could_be[0], []).append(at)
            elif could_be:
                unsure[at] = could_be
        for target, claiming in claims.items():
            if len(claiming) == 1:
                found[target] = claiming[0]
            else:
                claimed[target] = claiming
        taken = {at for claiming in claims.values() for at in claiming} | set(unsure)
        left = [at for at in left if at not in taken]
    return left


def _is_question(targets: Sequence[tuple[tuple[str, ...], Target]], name: str) -> bool:
    return any(_is_whole(target) and _exact(target, name) for _, target in targets)


def _targets(questionnaire: Questionnaire, item: Field) -> Iterator[tuple[tuple[str, ...], Target]]:
    """Give what columns can hold of a question, as the words that the column's name is made of."""
    place = tuple(item.path.split("/"))
    yield place, Target(item.path)
    if item.type in (ValueType.SELECT_MULTIPLE, ValueType.RANK):
        listed = questionnaire.choice_lists.get(item.list_name or "")
        for choice in listed.choices if listed else ():
            yield (*place, choice.value), Target(item.path, choice=choice.value)
    if item.type is ValueType.GEOPOINT:
        for at, words in enumerate(_PARTS):
            for word in words:
                yield (*place, word), Target(item.path, part=at)
    if item.type is ValueType.DATETIME:
        yield (*place, "offset"), Target(item.path, offset=True)


def _is_whole(target: Target) -> bool:
    return target == Target(target.path)


def _exact(target: Target, name: str) -> bool:
    words = target.path.split("/") + ([target.choice] if target.choice is not None else [])
    return any(name in (sign.join(words), words[-1]) for sign in ("/", "__", "-", ".", ":"))


def _id_column(names: Sequence[str], columns: Sequence[int], ids: Sequence[str]) -> int | None:
    for wanted in ids:
        exact = [at for at in columns if names[at] == wanted]
        found = exact or [at for at in columns if _plain(names[at]) == _plain(wanted)]
        if len(found) == 1:
            return found[0]
    return None


@dataclass(frozen=True, slots=True)
class _Reading:
    """One way to spell where a question stands, and to read the name of a column."""

    spell: Callable[[str], str]
    before: tuple[str, ...] = ()
    """What stands before every path."""
    last: bool = False
    """Only the last name of the path, where no other question has the same."""
    cut: int | None = None
    """Only names of this length, as what is left of longer ones."""

    def of_form(self, targets: Sequence[tuple[tuple[str, ...], Target]]) -> Iterator[tuple[str, Target]]:
        """Give the spellings of everything that a column can hold."""
        last_names = Counter(self.spell(words[-1]) for words, target in targets if _is_whole(target))
        for words, target in targets:
            named = (*self.before, *words)
            if self.last:
                named = words[target.path.count("/") :]
                if last_names[self.spell(named[0])] > 1:
                    continue
            if self.cut is None:
                yield self.spell("/".join(named)), target
                continue
            for sign in ("_", "__", ""):
                whole = re.sub(r"\W", "_", sign.join(named)).lower()
                if len(whole) > self.cut:
                    yield whole[: self.cut], target

    def of_file(self, name: str) -> str:
        """Give the spelling of a column's name; empty where this reading is not for it."""
        if self.cut is None:
            return self.spell(name)
        return name.lower() if len(name) == self.cut else ""


def _readings(root: str, limit: int | None) -> Iterator[_Reading]:
    for spell in (_plain, _squeezed):
        yield _Reading(spell)
        yield _Reading(spell, before=(root,))
        yield _Reading(spell, last=True)
    if limit is not None:
        yield _Reading(_plain, cut=limit)
        yield _Reading(_plain, cut=limit, last=True)


def _plain(name: str) -> str:
    """Read any separator of groups as the same; case counts for nothing."""
    return re.sub(r"__|[-/.:]", "/", name.strip().lower()).strip("/")


def _squeezed(name: str) -> str:
    """Read every sign that is no letter or digit as the same."""
    return re.sub(r"[\W_]+", "_", name.strip().lower()).strip("_")
