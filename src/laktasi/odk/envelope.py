"""What a document says of itself before anyone looks at its answers: which form, which version, which instance.

Documents come from outside, so nothing in them is believed: no DTD and no entities, a cap on size, depth and number of
elements, and no tree is built. Reasons for refusing one say what is wrong and never quote it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from xml.parsers import expat

MAX_BYTES = 16 * 2**20
"""A submission's XML is some kilobytes; a form with every village of a country stays below this too."""
MAX_DEPTH = 100
MAX_ELEMENTS = 200_000
MAX_ID = 500
"""Characters of a form id, version or instance id."""

OPENROSA = "http://openrosa.org/xforms"
XHTML = "http://www.w3.org/1999/xhtml"
TORN = {
    expat.errors.codes[message]
    for message in (
        expat.errors.XML_ERROR_NO_ELEMENTS,
        expat.errors.XML_ERROR_UNCLOSED_TOKEN,
        expat.errors.XML_ERROR_UNCLOSED_CDATA_SECTION,
        expat.errors.XML_ERROR_PARTIAL_CHAR,
    )
}


class RefusedError(Exception):
    """A document or file cannot be taken in.

    Parameters
    ----------
    reason
        One line, in words, without any of its content.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Envelope:
    """What a submission says of itself."""

    form_id: str
    form_version: str
    """Empty where it names none."""
    instance_id: str
    deprecated_id: str | None


@dataclass(frozen=True, slots=True)
class FormHead:
    """What an XForm says of itself."""

    form_id: str
    form_version: str


def read_envelope(payload: bytes, *, known_as: str | None = None) -> Envelope:
    """Read the envelope of a submission.

    Parameters
    ----------
    payload
        The submission XML in any encoding that its XML declaration names and expat knows (UTF-8, UTF-16 …).
    known_as
        The instance id under which its source keeps it. Used only where the payload has none: Central then invents one.

    Raises
    ------
    RefusedError
        It is empty, torn, too large, hostile, encrypted, not a submission, or has no instance id.
    """
    document = read_document(payload, known_as=known_as)
    if isinstance(document, FormHead):
        raise RefusedError("a form, not a submission")
    return document


def read_document(payload: bytes, *, known_as: str | None = None) -> Envelope | FormHead:
    """Read what a submission or an XForm says of itself; see :func:`read_envelope`."""
    head = _parse(payload)
    if head.root == f"{{{XHTML}}}html":
        if not head.form.get("id", "").strip():
            raise RefusedError("a web page, or a form without an id")
        return FormHead(_short(head.form["id"]), _short(head.form.get("version", "")))
    if head.attributes.get("encrypted") == "yes":
        raise RefusedError("encrypted on the phone: only the server that holds the key can open it")
    form_id = _short(head.attributes.get("id", ""))
    if not form_id:
        raise RefusedError("not a submission: its root names no form")
    instance_id = _short(head.meta.get("instanceID", "")) or _short(known_as or "")
    if not instance_id:
        raise RefusedError("it has no instanceID, so it could not be told from another")
    return Envelope(
        form_id=form_id,
        form_version=_short(head.attributes.get("version", "")),
        instance_id=instance_id,
        deprecated_id=_short(head.meta.get("deprecatedID", "")) or None,
    )


def _short(text: str) -> str:
    text = text.strip()
    if len(text) > MAX_ID:
        raise RefusedError(f"an id or version in it is longer than {MAX_ID} characters")
    if not text.isprintable():
        raise RefusedError("an id or version in it has characters that cannot be seen")
    return text


def _parse(payload: bytes) -> _Head:
    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import DefusedXMLParser, ParseError

    if len(payload) > MAX_BYTES:
        raise RefusedError(f"larger than {MAX_BYTES >> 20} MB: no submission is")
    if not payload.strip():
        raise RefusedError("empty: probably not copied to the end")
    head = _Head()
    parser = DefusedXMLParser(target=head, forbid_dtd=True)
    try:
        parser.feed(payload)
        parser.close()
    except DefusedXmlException:
        raise RefusedError(
            "it defines entities or a document type: no submission does, and it may be an attack"
        ) from None
    except ParseError as error:
        # Its message may quote the document; its code and line do not.
        if error.code in TORN:
            raise RefusedError("torn: it ends in the middle, probably not copied to the end") from None
        raise RefusedError(f"not XML: {expat.ErrorString(error.code)}, line {error.position[0]}") from None
    except (LookupError, ValueError):
        raise RefusedError("its text encoding is unknown or broken") from None
    return head


class _Head:
    """Target of the parser: keeps the root's attributes and what stands in ``meta``, and forgets the rest."""

    def __init__(self) -> None:
        self.root = ""
        self.attributes: Mapping[str, str] = {}
        self.meta: dict[str, str] = {}
        self.form: Mapping[str, str] = {}
        self._path: list[str] = []
        self._elements = 0
        self._reading: str | None = None

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        self._path.append(tag)
        self._elements += 1
        depth = len(self._path)
        if depth > MAX_DEPTH:
            raise RefusedError(f"elements nested more than {MAX_DEPTH} deep: no submission is")
        if depth == 1:
            self.root, self.attributes = tag, attributes
        elif self.root == f"{{{XHTML}}}html":
            # html/head/model/instance/<root of the primary instance>: the first one only.
            if (
                depth == 5
                and not self.form
                and [_local(part) for part in self._path[1:4]] == ["head", "model", "instance"]
            ):
                self.form = attributes
        elif self._elements > MAX_ELEMENTS:
            raise RefusedError(f"more than {MAX_ELEMENTS} elements: no submission has")
        elif (
            depth == 3
            and self._is_meta()
            and _local(tag) in ("instanceID", "deprecatedID")
            and _local(tag) not in self.meta
        ):
            self._reading = _local(tag)
            self.meta[self._reading] = ""

    def end(self, tag: str) -> None:  # noqa: ARG002 - the signature is the parser's
        self._path.pop()
        self._reading = None

    def data(self, text: str) -> None:
        # One character more than allowed is enough to see that it is too long.
        if self._reading and len(self.meta[self._reading]) <= MAX_ID:
            self.meta[self._reading] += text

    def close(self) -> None:
        """Nothing to give: the parser's owner reads this object."""

    def _is_meta(self) -> bool:
        tag = self._path[1]
        allowed = {OPENROSA, "", _namespace(self._path[0])}
        return _local(tag) == "meta" and {_namespace(tag), _namespace(self._path[2])} <= allowed


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _namespace(tag: str) -> str:
    return tag[1:].partition("}")[0] if tag.startswith("{") else ""
