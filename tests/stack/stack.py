"""A Kubernetes API server with its etcd, and an AWS server, to test and show sagevpc against.

The programs are what is released (see tests/tools/build), moto with a layer of
ours (tests/aws/layer), on loopback ports of their own; any number of stacks run
side by side. There is no kubelet, scheduler or controller manager: the
controller runs as a process beside the stack, and deleted namespaces and the
dependents of deleted objects stay. Everything that a stack keeps is in its
folder:

    env                     shell lines to source: endpoints and credentials
    kubeconfig              an administrator
    controller.kubeconfig   the controller's service account, with no rights but
                            those that the chart's roles give it
    logs/  pids/            one file for each process

`up`, `down` and `run` beside this file are the commands; each has a --help.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import secrets
import select
import shlex
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from supervisor import LEAVE, POLL_SECONDS, Lock, die_with_parent, fork_supervisor, run_while, stop_holder

REPOSITORY = Path(__file__).resolve().parents[2]
CHART = REPOSITORY / "charts" / "sagevpc"
# moto as released, with what AWS does and moto does not.
SERVE_MOTO = REPOSITORY / "tests" / "support" / "serve_moto.py"
NAMESPACE = "sagevpc-system"
RELEASE = "sagevpc"
SERVICE_ACCOUNT = "sagevpc"
REGION = "us-east-1"

# Many times what a step takes on two idle cores (see tests/README.md), for a
# build or other stacks may have the machine to themselves for a while.
DEADLINE_SECONDS = 180
LOG_LINES = 15

# The API server signs service account tokens with a key of its own. The standard
# library makes none, but moto's environment holds a library that does.
SIGNING_KEY_PROGRAM = """
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
key = ec.generate_private_key(ec.SECP256R1())
print(key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode())
"""


class StackError(Exception):
    """Why a stack could not be started, ended or used, and what to do about it."""


def up(directory: Path, parent: int | None, chart: bool) -> None:
    """Starts a stack in `directory` and installs the chart; ends it again if that fails."""
    parent_fd = None if parent is None else process_descriptor(parent)
    directory = directory.resolve()
    directory.mkdir(parents=True, exist_ok=True)
    lock = Lock(directory / "lock")
    if not lock.take():
        raise StackError(f"a stack is already running in {directory}; end it with: tests/stack/down {directory}")
    lock.sign()
    stack = Stack(directory, build_tools())
    pid, supervisor = fork_supervisor(directory, stack.commands(), directory / "etcd", lock, parent_fd)
    try:
        stack.start(supervisor)
        if chart:
            stack.install_chart()
        stack.write_env()
        supervisor.send(LEAVE.encode())
    except BaseException:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        supervisor.close()
        os.waitpid(pid, 0)  # so that nothing runs any more when we return
        raise


def process_descriptor(pid: int) -> int:
    try:
        return os.pidfd_open(pid)
    except ProcessLookupError:
        raise StackError(f"no process {pid} runs that the stack could be tied to") from None


def down(directory: Path) -> None:
    """Ends the stack in `directory` and what `run` runs beside it. Does nothing where none runs."""
    if not (directory / "lock").exists():
        return
    lock, guests = Lock(directory / "lock"), Lock(directory / "guests")
    if not stop_holder(lock, DEADLINE_SECONDS):
        raise StackError(f"the stack in {directory} did not end; its process ids are in {directory}/pids")
    fcntl.flock(guests.fd, fcntl.LOCK_EX)
    shutil.rmtree(directory / "etcd", ignore_errors=True)


def run(directory: Path, name: str, argv: list[str]) -> int:
    """Runs a command beside a stack and ends it with the stack; gives its exit status."""
    directory = directory.resolve()
    none_runs = StackError(f"no stack runs in {directory}; start one with: tests/stack/up {directory}")
    if not (directory / "lock").exists():
        raise none_runs
    lock, guests = Lock(directory / "lock"), Lock(directory / "guests")
    if not guests.take(fcntl.LOCK_SH) or lock.take():
        raise none_runs
    alive = lock.holder()
    if alive is None:
        raise none_runs
    return run_while(alive, directory, name, argv)


def build_tools() -> dict[str, str]:
    """The paths of the programs, which are built first where they are missing."""
    build = REPOSITORY / "tests" / "tools" / "build"
    built = subprocess.run([build], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    if built.returncode != 0:
        raise StackError("a program that a stack needs could not be built; the cause is above")
    return dict(line.split("=", 1) for line in shlex.split(built.stdout))


def reserve_port() -> socket.socket:
    """A free loopback port; until the socket is closed only a listener that names it can have it.

    Between our choosing a port and the server's listening on it, another stack could
    choose the same. A socket that is bound but does not listen keeps the port from being
    chosen again and, as both sides set SO_REUSEADDR, lets the server listen all the same.
    """
    reserved = socket.socket()
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    reserved.bind(("127.0.0.1", 0))
    return reserved


class Stack:
    """One stack: its addresses, its files and the steps of its start."""

    def __init__(self, directory: Path, tools: dict[str, str]) -> None:
        self.directory = directory
        self.tools = tools
        self.reserved = [reserve_port() for _ in range(4)]
        ports = [s.getsockname()[1] for s in self.reserved]
        self.api_port, self.aws_port = ports[2], ports[3]
        self.etcd_url = f"http://127.0.0.1:{ports[0]}"
        self.etcd_peer_url = f"http://127.0.0.1:{ports[1]}"
        self.api_url = f"https://127.0.0.1:{self.api_port}"
        self.aws_url = f"http://127.0.0.1:{self.aws_port}"
        self.certificate = directory / "certificates" / "apiserver.crt"
        self.admin_token, self.controller_token = secrets.token_hex(16), secrets.token_hex(16)
        for name in ("etcd", "logs", "pids", "certificates"):
            shutil.rmtree(directory / name, ignore_errors=True)
            (directory / name).mkdir(mode=0o700)
        self.write_identities()

    def write_identities(self) -> None:
        """The tokens that the API server accepts, and the key that it signs its own with."""
        user = f"system:serviceaccount:{NAMESPACE}:{SERVICE_ACCOUNT}"
        groups = f"system:serviceaccounts,system:serviceaccounts:{NAMESPACE}"
        write_secret(
            self.directory / "tokens.csv",
            f'{self.admin_token},admin,admin,"system:masters"\n{self.controller_token},{user},{user},"{groups}"\n',
        )
        program = [self.tools["MOTO_PYTHON"], "-c", SIGNING_KEY_PROGRAM]
        key = subprocess.run(program, stdout=subprocess.PIPE, text=True, check=True).stdout
        write_secret(self.directory / "service-account.key", key)

    def commands(self) -> dict[str, list[str]]:
        """The command line of each process, by name."""
        directory, key = self.directory, self.directory / "service-account.key"
        etcd = [
            self.tools["ETCD"],
            f"--data-dir={directory}/etcd",
            f"--listen-client-urls={self.etcd_url}",
            f"--advertise-client-urls={self.etcd_url}",
            f"--listen-peer-urls={self.etcd_peer_url}",
            f"--initial-advertise-peer-urls={self.etcd_peer_url}",
            f"--initial-cluster=default={self.etcd_peer_url}",
            "--log-level=warn",
            # The data need not outlive the process.
            "--unsafe-no-fsync",
        ]
        apiserver = [
            self.tools["KUBE_APISERVER"],
            f"--etcd-servers={self.etcd_url}",
            "--bind-address=127.0.0.1",
            f"--secure-port={self.api_port}",
            f"--cert-dir={directory}/certificates",
            "--authorization-mode=RBAC",
            f"--token-auth-file={directory}/tokens.csv",
            f"--service-account-issuer={self.api_url}",
            f"--service-account-signing-key-file={key}",
            f"--service-account-key-file={key}",
            "--service-cluster-ip-range=10.0.0.0/24",
            # It wants the token controller, which no one runs here.
            "--disable-admission-plugins=ServiceAccount",
            # A loopback address may not be published as the address of the API.
            "--endpoint-reconciler-type=none",
            # With one client after another, sharing out the server's time costs only its start.
            "--enable-priority-and-fairness=false",
        ]
        moto = [self.tools["MOTO_PYTHON"], "-B", str(SERVE_MOTO), f"--port={self.aws_port}"]
        return {"etcd": etcd, "kube-apiserver": apiserver, "moto": moto}

    def start(self, supervisor: socket.socket) -> None:
        """Has the supervisor start each process, and returns when all of them serve."""
        self.supervisor = supervisor
        supervisor.send(b"etcd")
        supervisor.send(b"moto")
        self.wait_for("etcd", lambda: http(f"{self.etcd_url}/readyz"))
        supervisor.send(b"kube-apiserver")
        self.wait_for("kube-apiserver", lambda: self.api("GET", "/readyz"))
        self.wait_for("moto", lambda: http(f"{self.aws_url}/moto-api/"))
        for reserved in self.reserved:
            reserved.close()
        self.write_kubeconfig("kubeconfig", "admin", self.admin_token)
        self.write_kubeconfig("controller.kubeconfig", SERVICE_ACCOUNT, self.controller_token)
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
        self.api("POST", "/api/v1/namespaces", namespace)

    def install_chart(self) -> None:
        """Installs the chart as users do, and returns when the API server serves its kinds.

        Nothing else is waited for: no pod ever runs here.
        """
        helm = [self.tools["HELM"], "upgrade", "--install", RELEASE, str(CHART), "--namespace", NAMESPACE]
        installed = subprocess.run(
            helm,
            env=os.environ | self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            preexec_fn=die_with_parent,
        )
        (self.directory / "logs" / "helm.log").write_text(installed.stdout)
        if installed.returncode != 0:
            raise StackError(f"helm could not install {CHART.relative_to(REPOSITORY)}:\n{installed.stdout.rstrip()}")
        self.wait_for("kube-apiserver", self.serves_every_kind, "serving the chart's kinds")

    def serves_every_kind(self) -> bool:
        """Whether discovery shows each served version of each custom resource."""
        definitions = self.api("GET", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions")["items"]
        for spec in (definition["spec"] for definition in definitions):
            for version in spec["versions"]:
                served = self.api("GET", f"/apis/{spec['group']}/{version['name']}") if version["served"] else None
                if served and spec["names"]["plural"] not in (kind["name"] for kind in served["resources"]):
                    return False
        return True

    def wait_for(self, process: str, condition: Callable[[], object], what: str = "ready") -> None:
        """Waits until `condition` holds. That a process ends, or the deadline, ends the wait with an error."""
        started = time.monotonic()
        seen = "it does not say so"
        while True:
            try:
                if condition():
                    break
            except (OSError, ValueError) as error:
                seen = str(error)
            # The supervisor speaks only when it had to stop.
            if select.select([self.supervisor], [], [], POLL_SECONDS)[0]:
                reason = self.supervisor.recv(1024).decode() or "the supervisor was killed"
                raise StackError(f"the stack stopped: {reason}\n{self.log_of(process)}")
            if time.monotonic() - started > DEADLINE_SECONDS:
                late = f"{process} was not {what} within {DEADLINE_SECONDS} s: {seen}"
                raise StackError(f"{late}\n{self.log_of(process)}")
        print(f"stack: {process} is {what} ({time.monotonic() - started:.1f} s)", file=sys.stderr)

    def log_of(self, process: str) -> str:
        log = self.directory / "logs" / f"{process}.log"
        lines = log.read_text(errors="replace").splitlines() if log.exists() else []
        return "\n".join([f"The end of {log}:", *(f"  {line}" for line in lines[-LOG_LINES:])])

    def api(self, method: str, path: str, body: object = None) -> Any:
        """What the API server answers an administrator: JSON, or text where it is not."""
        request = urllib.request.Request(
            self.api_url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.admin_token}", "Content-Type": "application/json"},
        )
        context = ssl.create_default_context(cafile=self.certificate)
        return http(request, urllib.request.HTTPSHandler(context=context))

    def write_kubeconfig(self, name: str, user: str, token: str) -> None:
        """A kubeconfig for one user. The server's certificate is its own authority."""
        write_secret(
            self.directory / name,
            f"""\
apiVersion: v1
kind: Config
clusters:
  - name: sagevpc
    cluster:
      server: {self.api_url}
      certificate-authority-data: {base64.b64encode(self.certificate.read_bytes()).decode()}
users:
  - name: {user}
    user:
      token: {token}
contexts:
  - name: sagevpc
    context:
      cluster: sagevpc
      user: {user}
current-context: sagevpc
""",
        )

    def environment(self) -> dict[str, str]:
        """The variables by which kubectl, helm, the AWS SDKs and the tests find the stack."""
        directory = self.directory
        no_proxy = ",".join(filter(None, [os.environ.get("NO_PROXY"), "127.0.0.1"]))
        return {
            "KUBECONFIG": f"{directory}/kubeconfig",
            "SAGEVPC_CONTROLLER_KUBECONFIG": f"{directory}/controller.kubeconfig",
            # Out of a pod it has to be said which namespace the lease is in. One name for all who run one after
            # the other: whoever is started again need not wait for the lease of the one that was killed.
            "SAGEVPC_LEASE_NAMESPACE": NAMESPACE,
            "SAGEVPC_LEASE_IDENTITY": "controller",
            "AWS_ENDPOINT_URL": self.aws_url,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "HELM": self.tools["HELM"],
            "MOTO_PYTHON": self.tools["MOTO_PYTHON"],
            # What belongs to this user's own clusters and accounts stays out of it.
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "KUBECACHEDIR": f"{directory}/kubectl",
            "HELM_CACHE_HOME": f"{directory}/helm",
            "HELM_CONFIG_HOME": f"{directory}/helm",
            "HELM_DATA_HOME": f"{directory}/helm",
            "NO_PROXY": no_proxy,
            "no_proxy": no_proxy,
        }

    def write_env(self) -> None:
        lines = (f"export {name}={shlex.quote(value)}\n" for name, value in self.environment().items())
        write_secret(self.directory / "env", "".join(lines))


def write_secret(path: Path, text: str) -> None:
    """Writes a file that only this user can read."""
    path.touch(mode=0o600)
    path.write_text(text)


def http(request: str | urllib.request.Request, *handlers: urllib.request.BaseHandler) -> Any:
    """The answer to a request that no proxy sees: JSON, or text where it is not."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), *handlers)
    with opener.open(request, timeout=10) as response:
        text = response.read().decode()
        return json.loads(text) if "json" in response.headers.get_content_type() else text
