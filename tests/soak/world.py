"""What people do to a Central, at random: the schedule of one seed."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from pathlib import Path

from laktasi.questionnaire.xlsform import convert_markdown
from tests.central import Acts, Double
from tests.central.acts import RefusedActError

FORMS = ("pot", "jar")
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
| | {form} | {version} |
"""
QUESTIONS = {"1": "| | integer | sugar | Sugar |", "2": "| | decimal | honey | Honey |"}
"""The second version drops a question and asks another."""
ROWS_AT_MOST = 25


@cache
def xform(form: str, version: str) -> bytes:
    """Give the XForm of a version of a form."""
    return convert_markdown(SURVEY.format(form=form, question=QUESTIONS[version], version=version)).xform


@dataclass
class Row:
    """What the people in the schedule remember of a submission, so that what they do next makes sense."""

    form: str
    submission_id: str
    instance_id: str
    files: list[str]
    is_deleted: bool = False
    is_held: bool = False
    """Somebody's change of it is under way, so nobody else's can be."""


@dataclass
class House:
    """What they remember of an entity."""

    version: int = 1
    is_deleted: bool = False
    is_held: bool = False


@dataclass
class World:
    """One seed: its people, and what they remember.

    `phone` is a folder that was copied from a phone; some of what is sent lies there, too.
    """

    seed: int
    acts: Acts
    double: Double | None
    phone: Path
    dice: random.Random = field(init=False)
    rows: list[Row] = field(default_factory=list)
    purged: list[Row] = field(default_factory=list)
    sent_again: set[str] = field(default_factory=set)
    """Submissions whose first instanceID came twice, with other answers, the first one having been purged."""
    houses: dict[str, House] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=lambda: dict.fromkeys(FORMS, "1"))
    made: int = 0
    told: list[str] = field(default_factory=list)
    """What happened, for the person who looks into a seed."""

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)
        for form in FORMS:
            self.acts.publish(xform(form, "1"))
        self.acts.make_list(LIST, "roof", "rooms")
        for begin in (submit, submit, make_entity):
            begin(self)

    def live(self) -> list[Row]:
        """Give the submissions that somebody may change now."""
        return [row for row in self.rows if not row.is_deleted and not row.is_held]

    def living(self) -> list[str]:
        """Give the entities that somebody may change now."""
        return sorted(name for name, house in self.houses.items() if not house.is_deleted and not house.is_held)

    def deserted(self) -> list[str]:
        return sorted(name for name, house in self.houses.items() if house.is_deleted)

    def act(self) -> None:
        """Do one thing that makes sense now."""
        what = self.dice.choices(list(ACTIONS), weights=list(ACTIONS.values()))[0]
        self.told.append(what.__name__)
        # A person's browser is refused now and then, too: a stale edit, a file that the version does not name.
        with suppress(RefusedActError):
            what(self)

    def xml(self, form: str, instance_id: str, files: list[str], deprecated_id: str | None = None) -> str:
        """Write what a phone would send."""
        version = self.versions[form]
        question = {"1": "sugar", "2": "honey"}[version]
        value = self.dice.choice(["", "7", "12.70", "9007199254740993", "abc"])
        cups = "".join(f"<cup><size>{self.dice.randrange(9)}</size></cup>" for _ in range(self.dice.randrange(4)))
        deprecated = f"<deprecatedID>{deprecated_id}</deprecatedID>" if deprecated_id else ""
        photo, paper = (name if name in files else "" for name in ("photo.jpg", "a b.pdf"))
        return (
            f'<data id="{form}" version="{version}"><kind>k{self.dice.randrange(10**6)}</kind>'
            f"<{question}>{value}</{question}><photo>{photo}</photo><paper>{paper}</paper>{cups}"
            f"<meta><instanceID>{instance_id}</instanceID>{deprecated}</meta></data>"
        )

    def next_id(self) -> str:
        self.made += 1
        return f"uuid:s{self.seed}-{self.made}-{self.dice.randrange(10**9)}"

    def content(self) -> bytes:
        return b"file %d" % self.dice.randrange(10**6)

    def commit(self) -> None:
        """Let everybody see what was held back."""
        if self.double is not None:
            self.double.release()
        for row in self.rows:
            row.is_held = False
        for house in self.houses.values():
            house.is_held = False


def submit(world: World) -> None:
    for _ in range(world.dice.randrange(1, 5)):
        if len(world.rows) < ROWS_AT_MOST:
            name = world.next_id()
            _send(world, Row(world.dice.choice(FORMS), name, name, []))


def _send(world: World, row: Row) -> None:
    row.files = [name for name in ("photo.jpg", "a b.pdf") if world.dice.random() < 0.4]
    sent = {name: world.content() for name in row.files if world.dice.random() < 0.5}
    text = world.xml(row.form, row.submission_id, row.files)
    world.acts.submit(text, sent, device_id="phone-1")
    world.rows.append(row)
    if world.dice.random() < 0.25:
        _keep_on_phone(world, row, text, sent)


def _keep_on_phone(world: World, row: Row, text: str, sent: dict[str, bytes]) -> None:
    """Put what was sent into the folder that was copied from a phone."""
    folder = world.phone / "instances" / row.instance_id.replace(":", "-")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{folder.name}.xml").write_text(text, encoding="utf-8")
    for name, content in sent.items():
        (folder / name).write_bytes(content)


def send_again(world: World) -> None:
    """Send one that was purged, if need be just now: a phone still had it, with other answers."""
    if world.double is None:
        return
    if not world.purged and (rows := world.live()):
        row = world.dice.choice(rows)
        world.acts.delete(row.form, row.submission_id)
        world.double.purge(row.form, row.submission_id)
        world.rows.remove(row)
        world.purged.append(row)
    if world.purged and len(world.rows) < ROWS_AT_MOST:
        row = world.purged.pop(world.dice.randrange(len(world.purged)))
        world.sent_again.add(row.submission_id)
        _send(world, Row(row.form, row.submission_id, row.submission_id, []))


def commit_late(world: World) -> None:
    """Do something that is stamped now, and becomes visible only after later things."""
    if world.double is None:
        return
    rows, houses = list(world.rows), {name: house.version for name, house in world.houses.items()}
    instances = {row.submission_id: row.instance_id for row in rows}
    with world.double.hold_commits():
        world.dice.choice((submit, submit, edit, make_entity, update_entity))(world)
    for row in world.rows:
        row.is_held |= instances.get(row.submission_id) != row.instance_id
    for name, house in world.houses.items():
        house.is_held |= houses.get(name) != house.version


def become_visible(world: World) -> None:
    world.commit()


def pass_time(world: World) -> None:
    """Let minutes or hours go by on the server: no overlap reaches back over hours."""
    if world.double is not None:
        world.double.clock.advance(timedelta(minutes=world.dice.choice((1, 8, 15, 300))))
        world.acts.log_in()


def edit(world: World) -> None:
    if rows := world.live():
        row = world.dice.choice(rows)
        instance_id = world.next_id()
        files = [name for name in row.files if world.dice.random() < 0.7]
        text = world.xml(row.form, instance_id, files, row.instance_id)
        world.acts.edit(row.form, row.submission_id, text)
        row.instance_id, row.files = instance_id, files
        if world.dice.random() < 0.1:
            _keep_on_phone(world, row, text, {})


def review(world: World) -> None:
    if rows := world.live():
        row = world.dice.choice(rows)
        state = world.dice.choice(["hasIssues", "approved", "rejected", "edited", None])
        world.acts.review(row.form, row.submission_id, state)


def comment(world: World) -> None:
    if rows := world.live():
        row = world.dice.choice(rows)
        world.acts.comment(row.form, row.submission_id, "please look again")


def delete(world: World) -> None:
    if rows := world.live():
        row = world.dice.choice(rows)
        world.acts.delete(row.form, row.submission_id)
        row.is_deleted = True


def restore(world: World) -> None:
    if rows := [row for row in world.rows if row.is_deleted]:
        row = world.dice.choice(rows)
        world.acts.restore(row.form, row.submission_id)
        row.is_deleted = False


def purge(world: World) -> None:
    """Let the server forget what was deleted: submissions, and entities too."""
    if world.double is not None:
        world.commit()
        world.double.purge()
        world.double.purge_entities(LIST)
        world.purged += [row for row in world.rows if row.is_deleted]
        world.rows = [row for row in world.rows if not row.is_deleted]
        world.houses = {name: house for name, house in world.houses.items() if not house.is_deleted}


def attach(world: World) -> None:
    """Bring a file late, or put another in its place."""
    if rows := [row for row in world.live() if row.files]:
        row = world.dice.choice(rows)
        world.acts.attach(row.form, row.submission_id, world.dice.choice(row.files), world.content())


def detach(world: World) -> None:
    if rows := [row for row in world.live() if row.files]:
        row = world.dice.choice(rows)
        world.acts.detach(row.form, row.submission_id, world.dice.choice(row.files))


def publish(world: World) -> None:
    if forms := [form for form, version in world.versions.items() if version == "1"]:
        form = world.dice.choice(forms)
        world.acts.publish(xform(form, "2"))
        world.versions[form] = "2"


def make_entity(world: World) -> None:
    if len(world.houses) < ROWS_AT_MOST:
        number = world.dice.getrandbits(32)
        entity_id = f"00000000-0000-4000-8000-{world.seed % 10**4:04d}{number % 10**8:08d}"
        world.acts.make_entity(LIST, entity_id, f"House {number}", {"roof": "tin"})
        world.houses[entity_id] = House()


def update_entity(world: World) -> None:
    if names := world.living():
        name = world.dice.choice(names)
        house = world.houses[name]
        world.acts.update_entity(LIST, name, house.version, data={"rooms": str(world.dice.random())})
        house.version += 1


def delete_entity(world: World) -> None:
    if names := world.living():
        name = world.dice.choice(names)
        world.acts.delete_entity(LIST, name)
        world.houses[name].is_deleted = True


def restore_entity(world: World) -> None:
    if names := world.deserted():
        name = world.dice.choice(names)
        world.acts.restore_entity(LIST, name)
        world.houses[name].is_deleted = False


def restore_entities(world: World) -> None:
    """Restore all at once, which leaves no time behind."""
    if names := world.deserted():
        world.acts.restore_entities(LIST, *names)
        for name in names:
            world.houses[name].is_deleted = False


def end_sessions(world: World) -> None:
    if world.double is not None:
        world.double.end_sessions()
        world.acts.log_in()


ACTIONS: dict[Callable[[World], None], int] = {
    submit: 6,
    commit_late: 4,
    become_visible: 2,
    pass_time: 1,
    send_again: 2,
    edit: 5,
    review: 4,
    comment: 1,
    delete: 4,
    restore: 3,
    purge: 2,
    attach: 4,
    detach: 1,
    publish: 1,
    make_entity: 2,
    update_entity: 3,
    delete_entity: 2,
    restore_entity: 1,
    restore_entities: 1,
    end_sessions: 1,
}
