"""How each system is told to keep `laktasi up` running: what is written for it, and where. Texts only, no side effects.

No secret is in any of them: passwords and keys stand in the private file that every command reads.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import escape

DEFAULT_NAME = "laktasi"
STOP_SECONDS = 90
"""How long `laktasi up` has to end everything it started."""
NAME = re.compile(r"[a-z][a-z0-9-]{0,40}")


def command(project: Path, data: Path, phones: Sequence[Path], port: int | None) -> list[str]:
    """Give the command line that a system is to keep running."""
    program = Path(sys.executable).with_name("laktasi.exe" if sys.platform == "win32" else "laktasi")
    start = [str(program)] if program.exists() else [sys.executable, "-c", "from laktasi.cli import main; main()"]
    line = [*start, "up", "--project", str(project), "--data", str(data)]
    for folder in phones:
        line += ["--phones", str(folder)]
    return [*line, *(() if port is None else ("--port", str(port)))]


def is_about(text: str, data: Path) -> bool:
    """Say whether a text that was written by this module is about a data folder."""
    from subprocess import list2cmdline

    xml = escape(str(data))
    told = (f'"--data" {_quoted(str(data))}', f"<string>{xml}</string>", escape(f"--data {list2cmdline([str(data)])}"))
    return any(re.search(re.escape(words) + r"(?=\s|<|$)", text) for words in told)


def systemd_folder() -> Path:
    """Give the folder of the user's own systemd units."""
    named = os.environ.get("XDG_CONFIG_HOME", "")
    base = Path(named) if Path(named).is_absolute() else Path("~/.config").expanduser()
    return base / "systemd" / "user"


def systemd_unit(line: Sequence[str], project: Path) -> str:
    """Give the systemd user unit."""
    return f"""\
# Written by laktasi service install; laktasi service remove takes it away.
[Unit]
Description=laktasi: the daily runs of {_specifiers(project.name)}
StartLimitIntervalSec=0

[Service]
ExecStart={" ".join(map(_quoted, line))}
WorkingDirectory={_specifiers(str(project))}
Restart=always
RestartSec=15
# Only laktasi up is asked to end, and ends the others in order; what is left after that is killed.
KillMode=mixed
TimeoutStopSec={STOP_SECONDS}

[Install]
WantedBy=default.target
"""


def launchd_file(name: str) -> Path:
    """Give the place of the user's own launchd agent."""
    return Path("~/Library/LaunchAgents").expanduser() / f"{launchd_label(name)}.plist"


def launchd_label(name: str) -> str:
    """Give what launchd calls it."""
    return f"local.{name}"


def launchd_agent(name: str, line: Sequence[str], project: Path) -> str:
    """Give the launchd agent, which runs while its user is logged in."""
    words = "\n".join(f"    <string>{escape(word)}</string>" for word in line)
    return f"""\
<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>Label</key>
  <string>{escape(launchd_label(name))}</string>
  <key>ProgramArguments</key>
  <array>
{words}
  </array>
  <key>WorkingDirectory</key>
  <string>{escape(str(project))}</string>
  <key>RunAtLoad</key>
  <true/>
  <key>KeepAlive</key>
  <true/>
  <key>ThrottleInterval</key>
  <integer>15</integer>
  <key>ExitTimeOut</key>
  <integer>{STOP_SECONDS}</integer>
</dict>
</plist>
"""


def windows_task(line: Sequence[str], project: Path, user: str) -> str:
    """Give the task for Windows' Task Scheduler, which runs while its user is logged in."""
    from subprocess import list2cmdline

    return f"""\
<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.3" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo>
    <Description>{escape(f"laktasi: the daily runs of {project.name}")}</Description>
  </RegistrationInfo>
  <Triggers>
    <LogonTrigger>
      <Enabled>true</Enabled>
      <UserId>{escape(user)}</UserId>
    </LogonTrigger>
  </Triggers>
  <Principals>
    <Principal id="Author">
      <UserId>{escape(user)}</UserId>
      <LogonType>InteractiveToken</LogonType>
      <RunLevel>LeastPrivilege</RunLevel>
    </Principal>
  </Principals>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <StartWhenAvailable>true</StartWhenAvailable>
    <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>
    <RestartOnFailure>
      <Interval>PT1M</Interval>
      <Count>999</Count>
    </RestartOnFailure>
  </Settings>
  <Actions Context="Author">
    <Exec>
      <Command>{escape(line[0])}</Command>
      <Arguments>{escape(list2cmdline(line[1:]))}</Arguments>
      <WorkingDirectory>{escape(str(project))}</WorkingDirectory>
    </Exec>
  </Actions>
</Task>
"""


def _specifiers(text: str) -> str:
    """Keep systemd from reading a ``%`` as a word of its own, and a line end as the next line."""
    return " ".join(text.split("\n")).replace("%", "%%")


def _quoted(word: str) -> str:
    """Quote a word of a command line for systemd, which also reads ``$`` and ``%``."""
    word = _specifiers(word).replace("\\", "\\\\").replace('"', '\\"').replace("$", "$$")
    return f'"{word}"'
