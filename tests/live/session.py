"""A stack with the controller beside it, driven as people do it: by kubectl, and in AWS.

Every wait is for a condition, with a deadline. What goes wrong on the way is a
SessionError that says so.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from live import terminal

REPOSITORY = Path(__file__).resolve().parents[2]
STACK = REPOSITORY / "tests" / "stack"
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target"))
QUICKSTART = REPOSITORY / "deploy" / "examples" / "quickstart.yaml"

POLL_SECONDS = 0.25
DEADLINE_SECONDS = 120
LOG_LINES = 30

T = TypeVar("T")


class SessionError(Exception):
    """Why it cannot go on."""


def program(profile: str) -> Path:
    """What SAGEVPC_BIN names, or cargo built with this profile."""
    return Path(os.environ.get("SAGEVPC_BIN", TARGET / profile / "sagevpc"))


class Session:
    """A stack in a folder of its own, the controller, and what has to be cleaned up after them."""

    def __init__(self, name: str, *, outlives_us: bool = False) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix=f"sagevpc-{name}-"))
        self.outlives_us = outlives_us
        self.environment: dict[str, str] = {}
        # The one that is waited with, and others that run beside it, by their names.
        self.controller: subprocess.Popen[bytes] | None = None
        self.controllers: dict[str, subprocess.Popen[bytes]] = {}

    def start_stack(self) -> None:
        tie = [] if self.outlives_us else [f"--parent={os.getpid()}"]
        if subprocess.run([STACK / "up", self.directory, *tie], check=False).returncode != 0:
            raise SessionError("the stack did not start; the cause is above")
        exported = shlex.split((self.directory / "env").read_text())
        # Neither this user's AWS settings nor a proxy get between us and our own servers.
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        self.environment = inherited | dict(word.split("=", 1) for word in exported if "=" in word)

    def start_controller(self, program: Path, listen: str = "127.0.0.1:0", name: str = "controller") -> None:
        """Starts a controller, the `name`d one of those that share the Lease. `listen` takes any free port by default."""
        if not os.access(program, os.X_OK):
            raise SessionError(f"{program} is not a program; build it with cargo, or name another in SAGEVPC_BIN")
        environment = self.environment | {
            "KUBECONFIG": self.environment["SAGEVPC_CONTROLLER_KUBECONFIG"],
            "SAGEVPC_LISTEN": listen,
            "SAGEVPC_LEASE_IDENTITY": name,
        }
        # In a session of its own, so that Ctrl-C reaches us alone and we end things in their order.
        started = subprocess.Popen(
            [STACK / "run", self.directory, name, program, "run"], env=environment, start_new_session=True
        )
        self.controllers[name] = started
        self.controller = self.controller or started

    def kill_controller(self, name: str) -> None:
        """Ends a controller by SIGKILL; from now on another one is waited with."""
        os.kill(int((self.directory / "pids" / name).read_text()), signal.SIGKILL)
        self.controllers.pop(name).wait()
        self.controller = next(iter(self.controllers.values()), None)

    def leader(self) -> str:
        """Who has the Lease."""
        lease = self.get("lease", "sagevpc", "--namespace=sagevpc-system", "--ignore-not-found")
        return str(lease["spec"].get("holderIdentity", "")) if lease else ""

    def kubectl(self, *arguments: str, stdin: str = "") -> str:
        done = subprocess.run(
            ["kubectl", *arguments],
            env=self.environment,
            input=stdin,
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            raise SessionError(f"kubectl {shlex.join(arguments)} failed: {done.stderr.strip()}")
        return done.stdout

    def get(self, *what: str) -> Any:
        return json.loads(self.kubectl("get", *what, "--output=json") or "null")

    def wait_until(self, what: str, condition: Callable[[], T], seconds: float = DEADLINE_SECONDS) -> T:
        """Waits until `condition` gives something true; fails if the controller or the time ends first."""
        deadline = time.monotonic() + seconds
        while True:
            value = condition()
            if value:
                return value
            if time.monotonic() > deadline:
                raise SessionError(f"waited {seconds:.0f} s in vain until {what}")
            self.see_that_it_runs(POLL_SECONDS)

    def see_that_it_runs(self, seconds: float = 0) -> None:
        """Fails if the controller ends within this time."""
        if self.controller is None:
            raise SessionError("the controller was not started")
        try:
            status = self.controller.wait(seconds)
        except subprocess.TimeoutExpired:
            return
        raise SessionError(f"the controller ended with status {status}")

    def clean_up(self, keep_logs: bool) -> None:
        """Ends all processes, and removes the folder unless its logs tell why something failed."""
        running = [controller for controller in self.controllers.values() if controller.poll() is None]
        for controller in running:
            controller.terminate()
        for controller in running:
            controller.wait()
        subprocess.run([STACK / "down", self.directory], check=False)
        if keep_logs:
            terminal.say(f"All processes were ended; their logs are in {self.directory}/logs")
        else:
            shutil.rmtree(self.directory)

    def show_controller_log(self) -> None:
        for log in sorted(self.directory / "logs" / f"{name}.log" for name in self.controllers):
            if not log.exists():
                continue
            terminal.say(f"The end of {log}:")
            terminal.output("\n".join(log.read_text(errors="replace").splitlines()[-LOG_LINES:]))


def play(session: Session, story: Callable[[], None], keep: bool = False) -> int:
    """Tells a story, cleans up after it however it ends, and gives the exit status.

    With `keep`, all is left running if the story came to its end.
    """
    for stop in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(stop, lambda number, _: sys.exit(128 + number))
    played = keep_logs = False
    try:
        story()
        played = True
    except (SessionError, BotoCoreError, ClientError) as error:
        keep_logs = True
        session.show_controller_log()
        terminal.bad(f"It failed: {error}")
        return 1
    except KeyboardInterrupt:
        terminal.say("\nInterrupted; cleaning up.")
        return 128 + signal.SIGINT
    finally:
        stops = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        before = [signal.signal(stop, signal.SIG_IGN) for stop in stops]
        if not (played and keep):
            session.clean_up(keep_logs)
        for stop, handler in zip(stops, before):
            signal.signal(stop, handler)
    return 0


def conditions(answer: Any) -> dict[str, Any]:
    """An object's conditions, by type."""
    return {condition["type"]: condition for condition in answer.get("status", {}).get("conditions", [])}


def is_ready(answer: Any) -> bool:
    """Whether an object is Ready, and that said of its present spec."""
    ready = conditions(answer).get("Ready", {})
    return (ready.get("status"), ready.get("observedGeneration")) == ("True", answer["metadata"]["generation"])
