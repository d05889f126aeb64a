"""Faults on demand: what goes wrong between a client and Central, and when."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from typing import Literal

Kind = Literal["hang", "reset", "truncated", "html", "401", "404", "429", "500", "502", "503", "slow"]
"""
hang: nothing comes, until the client gives up or the server is closed; reset: the connection breaks; truncated: half
of the answer comes, then the connection ends; html: a login page with status 200; 404: as of
something that is not there; slow: the answer drips in.
"""
When = Literal["before", "after"]


@dataclass
class Fault:
    """One thing that goes wrong.

    Parameters
    ----------
    pattern
        A regular expression, searched in ``path?query`` below ``/v1/``, unquoted.
    kind
        What goes wrong.
    times
        How many requests it befalls.
    method
        Of requests with this method only.
    when
        Before the request has an effect, or after it: a write took place, and the client does not hear so.
    skip
        How many requests that fit are let pass first.
    seconds
        What Retry-After says; how long a slow answer takes.
    """

    pattern: str
    kind: Kind
    times: int = 1
    method: str | None = None
    when: When = "before"
    skip: int = 0
    seconds: float = 1.0

    def fits(self, method: str, path: str) -> bool:
        return self.times > 0 and self.method in (None, method) and re.search(self.pattern, path) is not None


class Faults:
    """The faults that are to come, in the order in which they were asked for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[Fault] = []

    def next(
        self,
        pattern: str,
        kind: Kind,
        times: int = 1,
        *,
        method: str | None = None,
        when: When = "before",
        skip: int = 0,
        seconds: float = 1.0,
    ) -> Fault:
        """Let the next requests that fit go wrong; see :class:`Fault`."""
        fault = Fault(pattern, kind, times, method, when, skip, seconds)
        with self._lock:
            self._waiting.append(fault)
        return fault

    def clear(self) -> None:
        with self._lock:
            self._waiting.clear()

    def take(self, method: str, path: str) -> Fault | None:
        """Give the fault that befalls this request, if any, and use it up."""
        with self._lock:
            for fault in self._waiting:
                if fault.fits(method, path):
                    if fault.skip:
                        fault.skip -= 1
                        continue
                    fault.times -= 1
                    return fault
        return None
