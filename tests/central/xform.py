"""What Central reads in an XForm and in a submission: ids, fields, the files that are expected."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.etree import ElementTree
from xml.parsers import expat

from tests.central.problems import missing

KEY = "base64EncryptedKey"
XHTML = "{http://www.w3.org/1999/xhtml}"
XFORMS = "{http://www.w3.org/2002/xforms}"
JAVAROSA = "{http://openrosa.org/javarosa}"
MEDIA = re.compile(r"jr://(images|audio|video|file|file-csv)/([^/]+)")
KINDS = {"image": "image", "big-image": "image", "audio": "audio", "video": "video"}


@dataclass(frozen=True)
class Field:
    """A question, a group (``structure``) or a repeat."""

    path: str
    name: str
    type: str
    is_binary: bool
    is_multiple: bool

    @property
    def is_structural(self) -> bool:
        return self.type in ("structure", "repeat")


@dataclass(frozen=True)
class Schema:
    """An XForm as Central knows it."""

    form_id: str
    version: str
    name: str | None
    fields: dict[str, Field]
    """By path, in the order of the form."""
    media: dict[str, str]
    """Name to type of the files that the form needs."""

    def children(self, path: str) -> list[Field]:
        return [item for item in self.fields.values() if item.path.rpartition("/")[0] == path]


def read_xform(xml: bytes) -> Schema:
    """Read an XForm; raise Central's refusal where it is none."""
    try:
        html = ElementTree.fromstring(xml)
    except ElementTree.ParseError:
        raise missing("formId") from None
    model = html.find(f"{XHTML}head/{XFORMS}model")
    instance = model.find(f"{XFORMS}instance") if model is not None else None
    if model is None or instance is None or len(instance) == 0 or not instance[0].get("id"):
        raise missing("formId")
    root = instance[0]
    name = html.findtext(f"{XHTML}head/{XHTML}title")
    return Schema(root.attrib["id"], root.get("version", ""), name, _fields(html, model, root), _media(model))


def _fields(html: ElementTree.Element, model: ElementTree.Element, root: ElementTree.Element) -> dict[str, Field]:
    prefix = f"/{_local(root.tag)}"
    types = {bind.get("nodeset", ""): bind.get("type", "unknown") for bind in model.findall(f"{XFORMS}bind")}
    body = html.find(f"{XHTML}body")
    controls = list(body.iter()) if body is not None else []
    repeats = {item.get("nodeset") for item in controls if item.tag == f"{XFORMS}repeat"}
    multiple = {item.get("ref") for item in controls if item.tag == f"{XFORMS}select"}
    found: dict[str, Field] = {}

    def walk(node: ElementTree.Element, path: str) -> None:
        for child in node:
            name = _local(child.tag)
            place = f"{path}/{name}"
            whole = prefix + place
            kind = "repeat" if whole in repeats else "structure" if len(child) else types.get(whole, "unknown")
            found.setdefault(place, Field(place, name, kind, kind == "binary", whole in multiple))
            walk(child, place)

    walk(root, "")
    return found


def _media(model: ElementTree.Element) -> dict[str, str]:
    found: dict[str, str] = {}
    for instance in model.findall(f"{XFORMS}instance"):
        if match := MEDIA.fullmatch(instance.get("src", "").strip()):
            found.setdefault(match[2], "file")
    for value in model.iter(f"{XFORMS}value"):
        match = MEDIA.fullmatch((value.text or "").strip())
        if match and value.get("form") in KINDS:
            found.setdefault(match[2], KINDS[value.attrib["form"]])
    return found


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def with_version(xml: bytes, version: str) -> bytes:
    """Give an XForm another version, as publishing with ``?version=`` does."""
    old = read_xform(xml)
    id_then_version = re.compile(rb'(<[^>]*\bid="' + re.escape(old.form_id.encode()) + rb'"[^>]*\bversion=")[^"]*(")')
    return id_then_version.sub(rb"\g<1>" + version.encode() + rb"\g<2>", xml, count=1)


@dataclass
class Envelope:
    """The outside of a submission."""

    form_id: str
    version: str
    instance_id: str | None
    deprecated_id: str | None
    instance_name: str | None
    is_encrypted: bool


@dataclass
class Node:
    name: str
    attributes: dict[str, str]
    text: str = ""
    children: list[Node] = field(default_factory=list)


def read_envelope(xml: bytes) -> Envelope:
    """Read who a submission says it is. As the real one does, take what stands before a break in the XML."""
    root = parse(xml)
    if root is None or not root.attributes.get("id"):
        raise missing("form ID xml attribute")
    said: dict[str, str] = {}
    for node in root.children:
        for inner in node.children if node.name == "meta" else ():
            said.setdefault(inner.name, inner.text)
    return Envelope(
        root.attributes["id"],
        root.attributes.get("version", ""),
        said.get("instanceID") or None,
        said.get("deprecatedID") or None,
        said.get("instanceName") or None,
        any(node.name == KEY for node in root.children),
    )


def parse(xml: bytes) -> Node | None:
    """Parse up to the end, or to where the XML breaks."""
    stack = [Node("", {})]

    def start(name: str, attributes: dict[str, str]) -> None:
        node = Node(name.rpartition(":")[2], attributes)
        stack[-1].children.append(node)
        stack.append(node)

    def text(data: str) -> None:
        stack[-1].text += data

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    parser.EndElementHandler = lambda _name: stack.pop()
    parser.CharacterDataHandler = text
    top = stack[0]
    with contextlib.suppress(expat.ExpatError):
        parser.Parse(xml, True)
    return top.children[0] if top.children else None


def expected_files(schema: Schema, xml: bytes) -> list[str]:
    """Give the names of the files that a submission names; an encrypted one names those that hold its answers."""
    root = parse(xml)
    if root and any(node.name == KEY for node in root.children):
        files = [inner for node in root.children if node.name == "media" for inner in node.children]
        files += [node for node in root.children if node.name == "encryptedXmlFile"]
        return [node.text.strip() for node in files]

    def walk(node: Node, path: str) -> Iterator[str]:
        for child in node.children:
            place = f"{path}/{child.name}"
            known = schema.fields.get(place)
            if known and known.is_binary and child.text.strip():
                yield child.text.strip()
            yield from walk(child, place)

    return list(dict.fromkeys(walk(root, ""))) if root else []
