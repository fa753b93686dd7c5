"""Keeps child processes for exactly as long as they are wanted, and no longer.

Linux gives what is needed for that to hold however a process ends, and all of it
is used here: a child asks the kernel to be killed when its parent dies
(PR_SET_PDEATHSIG), a process is waited for by a descriptor that cannot come to
mean another one (pidfd), and a lock on a file goes when its last holder does, so
that "is it running?" is never answered by a stale process id.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
import traceback
from pathlib import Path

PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None, use_errno=True)

# What a launcher says once the processes may live on without it.
LEAVE = "leave"

# How long a process that was asked to end may take before it is killed.
GRACE_SECONDS = 10

# How often to look again where nothing tells us of a change.
POLL_SECONDS = 0.05


def die_with_parent() -> None:
    """Runs in a child between fork and exec: it is killed when its parent dies."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Lock:
    """A lock on a file that also tells who holds it."""

    def __init__(self, path: Path) -> None:
        self.fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)

    def take(self, operation: int = fcntl.LOCK_EX) -> bool:
        """Takes the lock if that is possible at once."""
        try:
            fcntl.flock(self.fd, operation | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def sign(self) -> None:
        """Writes this process down as the holder. A fork that inherits the lock signs again."""
        os.ftruncate(self.fd, 0)
        os.pwrite(self.fd, str(os.getpid()).encode(), 0)

    def holder(self) -> int | None:
        """A descriptor of the process that signed last, or None if that process is gone."""
        try:
            return os.pidfd_open(int(os.pread(self.fd, 20, 0)))
        except (ValueError, ProcessLookupError):
            return None


def spawn(directory: Path, name: str, argv: list[str]) -> subprocess.Popen[bytes]:
    """Starts a child that dies with us, with its output in logs/NAME.log and its id in pids/NAME."""
    with open(directory / "logs" / f"{name}.log", "ab") as log:
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=die_with_parent)
    (directory / "pids" / name).write_text(f"{process.pid}\n")
    return process


def fork_supervisor(
    directory: Path, commands: dict[str, list[str]], data: Path, lock: Lock, parent: int | None
) -> tuple[int, socket.socket]:
    """Starts the process that owns `commands`; gives its id and the launcher's end of a socket.

    By that socket the launcher says which command to start next, and at last LEAVE.
    If the supervisor has to stop, it says why and closes its end. In the end it
    removes `data`, which is worth nothing without the processes, and large.
    """
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    pid = os.fork()
    if pid:
        theirs.close()
        return pid, ours
    try:
        detach(directory / "logs" / "supervisor.log", keep={theirs.fileno(), lock.fd, parent})
        lock.sign()
        (directory / "pids" / "supervisor").write_text(f"{os.getpid()}\n")
        reason = supervise(directory, commands, theirs, parent)
        shutil.rmtree(data, ignore_errors=True)
        print(f"stopped: {reason}", flush=True)
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(0)


def detach(log: Path, keep: set[int | None]) -> None:
    """Cuts this process off from its launcher's terminal, signals and open files."""
    os.setsid()
    null, out = os.open(os.devnull, os.O_RDONLY), os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for fd, source in enumerate((null, out, out)):
        os.dup2(source, fd)
    for fd in map(int, os.listdir("/proc/self/fd")):
        if fd > 2 and fd not in keep:
            with contextlib.suppress(OSError):  # the listing's own descriptor is closed already
                os.close(fd)


def supervise(directory: Path, commands: dict[str, list[str]], launcher: socket.socket, parent: int | None) -> str:
    """Runs `commands` as the launcher asks for them, until there is a reason to end them all."""
    running: dict[int, tuple[str, subprocess.Popen[bytes]]] = {}
    reason = "an error in the supervisor, see logs/supervisor.log"
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("it was told to"))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        reason = reason_to_stop(directory, commands, launcher, parent, running)
    except SystemExit as stop:
        reason = str(stop)
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        # Their state is thrown away with them, so nothing is gained by asking nicely.
        for _, process in running.values():
            process.kill()
        for name, process in running.values():
            process.wait()
            (directory / "pids" / name).unlink(missing_ok=True)
        (directory / "pids" / "supervisor").unlink(missing_ok=True)
        if launcher.fileno() >= 0:
            with contextlib.suppress(OSError):  # it may be gone, which is a reason to stop
                launcher.send(reason.encode())
    return reason


def reason_to_stop(
    directory: Path,
    commands: dict[str, list[str]],
    launcher: socket.socket,
    parent: int | None,
    running: dict[int, tuple[str, subprocess.Popen[bytes]]],
) -> str:
    """Starts what the launcher asks for, adds it to `running`, and returns when that has to end."""
    poll = select.poll()
    poll.register(launcher, select.POLLIN)
    if parent is not None:
        poll.register(parent, select.POLLIN)
    while True:
        [(fd, _), *_] = poll.poll()
        if fd == parent:
            return "the process that the stack was tied to ended"
        if fd in running:
            name, process = running[fd]
            return f"{name} exited with status {process.wait()}"
        message = launcher.recv(64).decode()
        if not message:
            return "the command that was starting the stack ended half way"
        if message == LEAVE:
            poll.unregister(launcher)
            launcher.close()
        else:
            process = spawn(directory, message, commands[message])
            pidfd = os.pidfd_open(process.pid)
            running[pidfd] = (message, process)
            poll.register(pidfd, select.POLLIN)


def run_while(alive: int, directory: Path, name: str, argv: list[str]) -> int:
    """Runs a command in the foreground until it ends, we are told to, or `alive` (a pidfd) ends.

    Gives the command's exit status, as a shell would.
    """

    def stop(*_: object) -> None:
        raise InterruptedError

    process = spawn(directory, name, argv)
    try:
        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        poll = select.poll()
        poll.register(alive, select.POLLIN)
        poll.register(os.pidfd_open(process.pid), select.POLLIN)
        poll.poll()
    except InterruptedError:
        pass
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        end(process)
        (directory / "pids" / name).unlink(missing_ok=True)
    return process.returncode if process.returncode >= 0 else 128 - process.returncode


def end(process: subprocess.Popen[bytes]) -> None:
    """Asks a process to end, and kills it if it does not."""
    process.terminate()
    try:
        process.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def stop_holder(lock: Lock, deadline_seconds: float) -> bool:
    """Ends whoever holds `lock` and takes it; false if that did not succeed in time."""
    deadline = time.monotonic() + deadline_seconds
    while not lock.take():
        if time.monotonic() > deadline:
            return False
        holder = lock.holder()
        if holder is None:  # it is about to sign, or to let go
            select.select([], [], [], POLL_SECONDS)
            continue
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(holder, signal.SIGTERM)
        select.select([holder], [], [], deadline_seconds)
        os.close(holder)
    return True
