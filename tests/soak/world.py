"""What people do to a Central, at random: the schedule of one seed."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache

from laktasi.questionnaire.xlsform import convert_markdown
from tests.central import Acts, Double
from tests.central.acts import RefusedActError

FORM = "pot"
LIST = "houses"
SURVEY = """
| survey | | | |
| | type | name | label |
| | text | kind | Kind |
{question}
| | image | photo | Photo |
| | file | paper | Paper |
| | begin repeat | cup | Cup |
| | integer | size | Size |
| | end repeat | | |
| settings | | |
| | form_id | version |
| | pot | {version} |
"""
QUESTIONS = {"1": "| | integer | sugar | Sugar |", "2": "| | decimal | honey | Honey |"}
"""The second version drops a question and asks another."""
ROWS_AT_MOST = 25


@cache
def xform(version: str) -> bytes:
    """Give the XForm of a version of the form."""
    return convert_markdown(SURVEY.format(question=QUESTIONS[version], version=version)).xform


@dataclass
class Row:
    """What the people in the schedule remember of a submission, so that what they do next makes sense."""

    submission_id: str
    instance_id: str
    files: list[str]
    is_deleted: bool = False


@dataclass
class World:
    """One seed: its people, and what they remember."""

    seed: int
    acts: Acts
    double: Double | None
    dice: random.Random = field(init=False)
    rows: list[Row] = field(default_factory=list)
    entities: dict[str, int] = field(default_factory=dict)
    deleted_entities: list[str] = field(default_factory=list)
    version: str = "1"
    made: int = 0
    told: list[str] = field(default_factory=list)
    """What happened, for the person who looks into a seed."""

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)
        self.acts.publish(xform("1"))
        self.acts.make_list(LIST, "roof", "rooms")

    def live(self) -> list[Row]:
        return [row for row in self.rows if not row.is_deleted]

    def act(self) -> None:
        """Do one thing that makes sense now."""
        what = self.dice.choices(list(ACTIONS), weights=list(ACTIONS.values()))[0]
        self.told.append(what.__name__)
        # A person's browser is refused now and then, too: a stale edit, a file that the version does not name.
        with suppress(RefusedActError):
            what(self)

    def xml(self, instance_id: str, files: list[str], deprecated_id: str | None = None) -> str:
        """Write what a phone would send."""
        question = {"1": "sugar", "2": "honey"}[self.version]
        value = self.dice.choice(["", "7", "12.70", "9007199254740993", "abc"])
        cups = "".join(f"<cup><size>{self.dice.randrange(9)}</size></cup>" for _ in range(self.dice.randrange(4)))
        deprecated = f"<deprecatedID>{deprecated_id}</deprecatedID>" if deprecated_id else ""
        photo, paper = (name if name in files else "" for name in ("photo.jpg", "a b.pdf"))
        return (
            f'<data id="{FORM}" version="{self.version}"><kind>k{self.dice.randrange(1000)}</kind>'
            f"<{question}>{value}</{question}><photo>{photo}</photo><paper>{paper}</paper>{cups}"
            f"<meta><instanceID>{instance_id}</instanceID>{deprecated}</meta></data>"
        )

    def next_id(self) -> str:
        self.made += 1
        return f"uuid:s{self.seed}-{self.made}-{self.dice.randrange(10**9)}"

    def content(self) -> bytes:
        return b"file %d" % self.dice.randrange(10**6)


def submit(world: World) -> None:
    for _ in range(world.dice.randrange(1, 5)):
        if len(world.rows) < ROWS_AT_MOST:
            _submit_one(world)


def _submit_one(world: World) -> None:
    files = [name for name in ("photo.jpg", "a b.pdf") if world.dice.random() < 0.4]
    sent = {name: world.content() for name in files if world.dice.random() < 0.5}
    row = Row(world.next_id(), "", files)
    row.instance_id = row.submission_id
    world.acts.submit(world.xml(row.submission_id, files), sent, device_id="phone-1")
    world.rows.append(row)


def submit_unseen(world: World) -> None:
    """Send one that is stamped now, and becomes visible only after later ones."""
    if world.double is None or len(world.rows) >= ROWS_AT_MOST:
        return
    with world.double.hold_commits():
        _submit_one(world)


def become_visible(world: World) -> None:
    if world.double is not None:
        world.double.release()


def edit(world: World) -> None:
    if rows := world.live():
        row = world.dice.choice(rows)
        instance_id = world.next_id()
        files = [name for name in row.files if world.dice.random() < 0.7]
        world.acts.edit(FORM, row.submission_id, world.xml(instance_id, files, row.instance_id))
        row.instance_id, row.files = instance_id, files


def review(world: World) -> None:
    if rows := world.live():
        state = world.dice.choice(["hasIssues", "approved", "rejected", "edited", None])
        world.acts.review(FORM, world.dice.choice(rows).submission_id, state)


def comment(world: World) -> None:
    if rows := world.live():
        world.acts.comment(FORM, world.dice.choice(rows).submission_id, "please look again")


def delete(world: World) -> None:
    if rows := world.live():
        row = world.dice.choice(rows)
        world.acts.delete(FORM, row.submission_id)
        row.is_deleted = True


def restore(world: World) -> None:
    if rows := [row for row in world.rows if row.is_deleted]:
        row = world.dice.choice(rows)
        world.acts.restore(FORM, row.submission_id)
        row.is_deleted = False


def purge(world: World) -> None:
    if world.double is not None:
        world.double.purge()
        world.double.purge_entities(LIST)


def attach(world: World) -> None:
    """Bring a file late, or put another in its place."""
    if rows := [row for row in world.live() if row.files]:
        row = world.dice.choice(rows)
        world.acts.attach(FORM, row.submission_id, world.dice.choice(row.files), world.content())


def detach(world: World) -> None:
    if rows := [row for row in world.live() if row.files]:
        row = world.dice.choice(rows)
        world.acts.detach(FORM, row.submission_id, world.dice.choice(row.files))


def publish(world: World) -> None:
    if world.version == "1":
        world.acts.publish(xform("2"))
        world.version = "2"


def make_entity(world: World) -> None:
    if len(world.entities) < ROWS_AT_MOST:
        number = world.dice.getrandbits(32)
        entity_id = f"00000000-0000-4000-8000-{world.seed % 10**4:04d}{number % 10**8:08d}"
        world.acts.make_entity(LIST, entity_id, f"House {number}", {"roof": "tin"})
        world.entities[entity_id] = 1


def update_entity(world: World) -> None:
    if world.entities:
        entity_id = world.dice.choice(sorted(world.entities))
        world.acts.update_entity(LIST, entity_id, world.entities[entity_id], data={"rooms": str(world.dice.random())})
        world.entities[entity_id] += 1


def delete_entity(world: World) -> None:
    if world.entities:
        entity_id = world.dice.choice(sorted(world.entities))
        world.acts.delete_entity(LIST, entity_id)
        del world.entities[entity_id]


def end_sessions(world: World) -> None:
    if world.double is not None:
        world.double.end_sessions()
        world.acts.log_in()


ACTIONS: dict[Callable[[World], None], int] = {
    submit: 6,
    submit_unseen: 3,
    become_visible: 2,
    edit: 5,
    review: 4,
    comment: 1,
    delete: 3,
    restore: 3,
    purge: 1,
    attach: 4,
    detach: 1,
    publish: 1,
    make_entity: 2,
    update_entity: 2,
    delete_entity: 1,
    end_sessions: 1,
}
