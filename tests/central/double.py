"""The stand-in for ODK Central: a server on this machine, and what only a test can do to it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

from tests.central.faults import Faults
from tests.central.server import Seen, Server
from tests.central.state import State, Submission

EMAIL = "admin@example.org"
PASSWORD = "a-long-password"


class Double:
    """A Central with one administrator. Use it in a ``with``.

    Parameters
    ----------
    domain
        How the server was configured to call itself: addresses in its answers begin so, whatever the client called.
        None: as the client calls it.
    """

    def __init__(self, *, domain: str | None = "https://central.invalid") -> None:
        self.email, self.password = EMAIL, PASSWORD
        self.state = State(EMAIL, PASSWORD)
        self.clock = self.state.clock
        self.faults = Faults()
        self.requests: list[Seen] = []
        """What was asked, in the order of the answers. Clear it as you like."""
        self._server = Server(self.state, self.faults, self.requests, domain)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> Double:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.is_closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    # what nobody can do over HTTP

    @contextmanager
    def hold_commits(self) -> Iterator[None]:
        """Let writes within be stamped now, and seen by readers only after :meth:`release`.

        So a row that was stamped earlier becomes visible after rows that were stamped later.
        """
        with self.state.lock:
            self.state.is_holding = True
        try:
            yield
        finally:
            with self.state.lock:
                self.state.is_holding = False

    def release(self) -> None:
        """Let readers see what was held back."""
        with self.state.lock:
            self.state.release()

    def purge(self, form_id: str | None = None, submission_id: str | None = None) -> int:
        """Remove deleted submissions for good (one, those of a form, or all), as the server does after 30 days.

        Returns how many. In the log, the notes of their events are emptied, and what remains is how many were purged.
        """
        with self.state.lock:
            purged: set[int] = set()
            for project in self.state.projects.values():
                for form in project.forms.values():
                    if form_id in (None, form.form_id):
                        purged |= self._purge(form.submissions, form.owners, submission_id)
            for audit in self.state.audits:
                if audit.details.get("submissionId") in purged and audit.notes is not None:
                    audit.notes = ""
            if purged:
                self.state.log(None, "submission.purge", None, {"submissions_deleted": len(purged)})
            return len(purged)

    @staticmethod
    def _purge(rows: dict[str, Submission], owners: dict[str, Submission], submission_id: str | None) -> set[int]:
        gone = [row for row in rows.values() if row.deleted_at and submission_id in (None, row.instance_id)]
        for row in gone:
            del rows[row.instance_id]
            for version in row.versions:
                del owners[version.instance_id]
        return {row.id for row in gone}

    def purge_entities(self, list_name: str) -> int:
        """Remove the deleted entities of lists of this name for good. Returns how many."""
        with self.state.lock:
            count = 0
            for project in self.state.projects.values():
                dataset = project.datasets.get(list_name)
                for uuid in [item.uuid for item in dataset.entities.values() if item.deleted_at] if dataset else ():
                    assert dataset is not None
                    del dataset.entities[uuid]
                    count += 1
            return count

    def calm(self) -> None:
        """Let nothing go wrong any more, show what was held back, and forget what was asked."""
        self.faults.clear()
        self.release()
        self.requests.clear()

    def end_sessions(self) -> None:
        """End everybody's session: the next request is answered 401.2."""
        with self.state.lock:
            self.state.sessions.clear()
