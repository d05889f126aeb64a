"""Central's own refusals: a status, a code of its own, a sentence."""

from __future__ import annotations

from typing import Any


class Problem(Exception):  # noqa: N818  (Central's own word, in its answers too)
    """A refusal. `code` is Central's (409.1); its whole part is the HTTP status."""

    def __init__(self, code: float, message: str, details: Any = None) -> None:
        super().__init__(message)
        self.code = code
        self.status = int(code)
        self.message = message
        self.details = details

    def as_json(self) -> dict[str, Any]:
        said: dict[str, Any] = {"message": self.message, "code": self.code}
        return said | ({"details": self.details} if self.details is not None else {})


class FaultOfOursError(Exception):
    """A client's mistake that Central does not foresee: it answers 500."""


def not_found() -> Problem:
    return Problem(404.1, "Could not find the resource you were looking for.")


def no_rights() -> Problem:
    return Problem(403.1, "The authentication you provided does not have rights to perform that action.")


def no_login() -> Problem:
    return Problem(401.2, "Could not authenticate with the provided credentials.")


def missing(field: str) -> Problem:
    return Problem(400.2, f"Required parameter {field} missing.", {"field": field})


def unexpected(field: str, value: Any, reason: str) -> Problem:
    details = {"field": field, "value": value, "reason": reason}
    return Problem(400.8, f"Unexpected {field} value {value}; {reason}", details)


def wrong_type(field: str, expected: str) -> Problem:
    details = {"field": field, "expected": expected}
    return Problem(400.11, f"Invalid input data type: expected ({field}) to be ({expected})", details)


def taken(table: str, fields: list[str], values: list[Any]) -> Problem:
    said = f"A resource already exists with {','.join(fields)} value(s) of {','.join(str(value) for value in values)}."
    return Problem(409.3, said, {"fields": fields, "values": values, "table": table})


def outdated(deprecated_id: str | None) -> Problem:
    return Problem(
        409.9,
        f"You tried to update a submission, but the copy you were editing ({deprecated_id or 'undefined'}) is now out "
        "of date. Please get the new version that has been submitted, and make your edits again.",
        {"deprecatedId": deprecated_id} if deprecated_id else None,
    )


def other_xml() -> Problem:
    return Problem(
        409.1,
        "A submission already exists with this ID, but with different XML. Resubmissions to attach additional "
        "multimedia must resubmit an identical xml_submission_file.",
    )
