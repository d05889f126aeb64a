"""What a phone fills by itself (clock, identifiers), fixed, so that a filled form is the same at every making."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.engine import jvm


@dataclass(frozen=True, slots=True)
class Meta:
    """The phone's clock and identifiers during one interview; times as ISO 8601 with offset."""

    start: str = "2026-11-21T08:00:00.000+08:00"
    end: str = "2026-11-21T08:30:00.000+08:00"
    today: str = "2026-11-21"
    instance_id: str = "uuid:00000000-0000-4000-8000-000000000000"
    device_id: str = "collect:sample00000000000"
    username: str = ""


def preloader(meta: Meta) -> Any:
    """Make the engine's preloader with handlers that answer from `meta`."""
    import jpype

    dates = jvm.java("org.javarosa.core.model.utils.DateUtils")
    date_data = jvm.java("org.javarosa.core.model.data.DateData")
    moment_data = jvm.java("org.javarosa.core.model.data.DateTimeData")
    text_data = jvm.java("org.javarosa.core.model.data.StringData")
    properties = {"deviceid": meta.device_id, "username": meta.username}

    def moment(text: str) -> Any:
        return moment_data(dates.parseDateTime(text))

    def timestamp(parameter: str) -> Any:
        return moment(meta.start) if parameter == "start" else None

    def day(parameter: str) -> Any:
        return date_data(dates.parseDate(meta.today)) if parameter == "today" else None

    def stored(parameter: str) -> Any:
        return text_data(properties[parameter]) if properties.get(parameter) else None

    def identifier(_: str) -> Any:
        return text_data(meta.instance_id)

    @jpype.JImplements("org.javarosa.core.model.utils.IPreloadHandler")
    class Handler:
        def __init__(self, name: str, give: Any) -> None:
            self.name = name
            self.give = give

        @jpype.JOverride
        def preloadHandled(self) -> str:  # noqa: N802 - Java's name
            return self.name

        @jpype.JOverride
        def handlePreload(self, parameter: str) -> Any:  # noqa: N802
            return self.give(str(parameter))

        @jpype.JOverride
        def handlePostProcess(self, node: Any, parameter: str) -> bool:  # noqa: N802
            if self.name == "timestamp" and parameter == "end":
                node.setAnswer(moment(meta.end))
                return True
            return False

    made = jvm.java("org.javarosa.core.model.utils.QuestionPreloader")()
    for name, give in (("timestamp", timestamp), ("date", day), ("property", stored), ("uid", identifier)):
        made.addPreloadHandler(Handler(name, give))
    return made
