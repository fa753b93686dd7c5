"""sagevpc's main job, shown on a real API server, a real etcd and an AWS server.

    make demo            runs the whole story and removes all traces of it
    make demo KEEP=1     stops before the deletion, leaves everything running, and says how to reach it

Every wait is for a condition, with a deadline; any step that fails ends the demo
with the reason and a status that is not zero. SAGEVPC_BIN names another
controller than target/debug/sagevpc.
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

import terminal
from aws import Aws, Breakage, differences

REPOSITORY = Path(__file__).resolve().parents[2]
STACK = REPOSITORY / "tests" / "stack"
QUICKSTART = REPOSITORY / "deploy" / "examples" / "quickstart.yaml"
PLACEHOLDER_VPC = "vpc-0123456789abcdef0"

# The objects in the quickstart.
VPC = ["sagemakervpc/research"]
PROFILE = ["sagemakervpcprofile/fraud", "--namespace=ml-fraud"]

POLL_SECONDS = 0.25
DEADLINE_SECONDS = 120
LOG_LINES = 30

T = TypeVar("T")


class DemoError(Exception):
    """Why the demo cannot go on."""


class Demo:
    """The story, and what has to be cleaned up after it."""

    def __init__(self, directory: Path, keep: bool) -> None:
        self.directory = directory
        self.keep = keep
        self.environment: dict[str, str] = {}
        self.controller: subprocess.Popen[bytes] | None = None

    def play(self) -> None:
        self.start_stack()
        aws = Aws(self.environment)
        network = self.make_network(aws)
        before = aws.census()
        self.start_controller()
        self.apply_quickstart(network.vpc)
        self.wait_for_ready()
        self.show_result()
        self.shorten_resync()
        settled = aws.census()
        for breakage in aws.breakages(network):
            self.break_and_watch(breakage, aws, settled)
        terminal.say()
        self.show_kubectl("get", "events", "--all-namespaces", "--field-selector=reason=DriftRepaired")
        if self.keep:
            self.show_how_to_reach()
        else:
            self.delete_everything()
            self.compare_with_before(aws, before)

    def start_stack(self) -> None:
        terminal.step("A control plane and an AWS of our own, with the chart installed")
        terminal.explain("kube-apiserver, etcd and moto as released; CRDs and RBAC from charts/sagevpc, by helm")
        tie = [] if self.keep else [f"--parent={os.getpid()}"]
        if subprocess.run([STACK / "up", self.directory, *tie], check=False).returncode != 0:
            raise DemoError("the stack did not start; the cause is above")
        exported = shlex.split((self.directory / "env").read_text())
        # Neither this user's AWS settings nor a proxy get between us and our own servers.
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        self.environment = inherited | dict(word.split("=", 1) for word in exported if "=" in word)
        self.show_kubectl("get", "customresourcedefinitions,clusterroles", "--selector=app.kubernetes.io/name=sagevpc")

    def make_network(self, aws: Aws) -> Any:
        terminal.step("A locked-down VPC: three private subnets in three zones, two route tables, no way to S3")
        network = aws.make_network()
        terminal.item(network.vpc)
        for zone, subnet in network.subnets.items():
            terminal.item(f"{subnet} in {zone}")
        for table in network.route_tables:
            terminal.item(table)
        return network

    def start_controller(self) -> None:
        terminal.step("The controller, under the ClusterRole that the chart ships")
        target = Path(os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target"))
        binary = Path(os.environ.get("SAGEVPC_BIN", target / "debug" / "sagevpc"))
        if not os.access(binary, os.X_OK):
            raise DemoError(f"{binary} is not a program; build it with: make build")
        environment = self.environment | {
            "KUBECONFIG": self.environment["SAGEVPC_CONTROLLER_KUBECONFIG"],
            "SAGEVPC_LISTEN": "127.0.0.1:0",  # any port that is free
        }
        terminal.command(f"{binary.name} run")
        # In a session of its own, so that Ctrl-C reaches us alone and we end things in their order.
        self.controller = subprocess.Popen(
            [STACK / "run", self.directory, "controller", binary, "run"], env=environment, start_new_session=True
        )

    def apply_quickstart(self, vpc: str) -> None:
        terminal.step("The platform team offers the VPC, a team declares its workloads")
        manifest = QUICKSTART.read_text()
        if PLACEHOLDER_VPC not in manifest:
            raise DemoError(f"{QUICKSTART} has no vpcId: {PLACEHOLDER_VPC} to put the new VPC's id in place of")
        quickstart = self.directory / QUICKSTART.name
        quickstart.write_text(manifest.replace(PLACEHOLDER_VPC, vpc))
        terminal.explain(f"with vpcId: {vpc}")
        self.show_kubectl("apply", f"--filename={quickstart}")

    def wait_for_ready(self) -> None:
        terminal.step("Ready?")
        shown: dict[tuple[str, str], tuple[str, str]] = {}

        def ready() -> bool:
            found = [self.get(*which) for which in (VPC, PROFILE)]
            for answer in found:
                self.show_changes(answer, shown)
            return all(is_ready(answer) for answer in found)

        self.wait_until("the VPC and the profile are Ready", ready)

    @staticmethod
    def show_changes(answer: Any, shown: dict[tuple[str, str], tuple[str, str]]) -> None:
        """Prints the conditions of an object that are not as they were last shown."""
        for kind, condition in conditions(answer).items():
            key, value = (answer["kind"], kind), (condition["status"], condition["reason"])
            if shown.get(key) != value:
                shown[key] = value
                show = {"True": terminal.good, "False": terminal.bad}.get(condition["status"], terminal.item)
                show(f"{answer['kind']:<19} {kind}={value[0]} ({value[1]}) {condition['message']}")

    def show_result(self) -> None:
        terminal.step("What the team sees")
        self.show_kubectl("get", *PROFILE)
        terminal.say()
        self.show_kubectl("describe", *PROFILE)
        terminal.say()
        terminal.explain("What the platform team sees:")
        self.show_kubectl("get", *VPC, "--output=wide")

    def shorten_resync(self) -> None:
        terminal.step("Someone changes AWS behind the controller's back")
        terminal.explain("spec.resyncInterval has AWS compared every 60 s; every 5 s for now, so that nobody waits")
        self.show_kubectl("patch", *VPC, "--type=merge", '--patch={"spec":{"resyncInterval":"5s"}}')
        self.wait_until("the new interval is taken up", lambda: is_ready(self.get(*VPC)))

    def break_and_watch(self, breakage: Breakage, aws: Aws, settled: Any) -> None:
        """Breaks something, and waits until it was found, repaired, and AWS is as it was."""
        terminal.say()
        terminal.item(f"Someone {breakage.title}:", terminal.RED, "✗")
        terminal.command(breakage.command)
        known = {self.mark(event) for event in self.events()}
        broken_at = time.monotonic()
        breakage.do()
        if aws.census() == settled:
            raise DemoError("the change by hand changed nothing in AWS, so its repair would show nothing")
        for reason in ("DriftDetected", "DriftRepaired"):
            for event in self.wait_for_event(reason, known):
                about = event["involvedObject"]
                terminal.item(f"{reason}  {about['kind']}/{about['name']}: {event['message']}")
        self.wait_until("AWS is as it was before the change", lambda: aws.census() == settled)
        self.wait_until("the profile is in sync and Ready", self.profile_in_sync)
        terminal.good(f"found and repaired {time.monotonic() - broken_at:.1f} s after the change; AWS is as declared")

    def delete_everything(self) -> None:
        terminal.step("The profile and the VPC object go, and with them what was made for them")
        for which in (PROFILE, VPC):
            self.show_kubectl("delete", *which, f"--timeout={DEADLINE_SECONDS}s")

    def compare_with_before(self, aws: Aws, before: Any) -> None:
        terminal.step("Is AWS as it was before?")
        after = aws.census()
        if after != before:
            terminal.output("\n".join(differences(before, after)))
            raise DemoError("AWS is not as it was before; the differences are above")
        counts = ", ".join(f"{len(found)} {kind}" for kind, found in after.items() if found)
        terminal.good(f"Nothing was left behind and nothing else was touched: {counts}, each field as before")

    def show_how_to_reach(self) -> None:
        terminal.step("Left running")
        exports = ["KUBECONFIG", *(name for name in self.environment if name.startswith("AWS_"))]
        for name in exports:
            terminal.say(f"export {name}={shlex.quote(self.environment[name])}")
        terminal.explain(f"The controller's log is {self.directory}/logs/controller.log. To end everything:")
        terminal.command(f"tests/stack/down {self.directory} && rm -r {self.directory}")

    # What the steps are made of.

    def kubectl(self, *arguments: str) -> str:
        done = subprocess.run(
            ["kubectl", *arguments], env=self.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True
        )
        if done.returncode != 0:
            raise DemoError(f"kubectl {shlex.join(arguments)} failed: {done.stderr.strip()}")
        return done.stdout

    def show_kubectl(self, *arguments: str) -> None:
        terminal.command(f"kubectl {shlex.join(arguments)}")
        terminal.output(self.kubectl(*arguments))

    def get(self, *what: str) -> Any:
        return json.loads(self.kubectl("get", *what, "--output=json"))

    def events(self) -> list[Any]:
        return list(self.get("events", "--all-namespaces")["items"])

    @staticmethod
    def mark(event: Any) -> tuple[str, str]:
        """What changes when an event is new or happened again."""
        return event["metadata"]["uid"], event["metadata"]["resourceVersion"]

    def wait_for_event(self, reason: str, known: set[tuple[str, str]]) -> list[Any]:
        """The events of this reason that are not `known`, once there are any."""

        def news() -> list[Any]:
            return [event for event in self.events() if event["reason"] == reason and self.mark(event) not in known]

        return self.wait_until(f"an event says {reason}", news)

    def profile_in_sync(self) -> bool:
        answer = self.get(*PROFILE)
        return is_ready(answer) and conditions(answer)["InSync"]["status"] == "True"

    def wait_until(self, what: str, condition: Callable[[], T]) -> T:
        """Waits until `condition` gives something true; fails if the controller or the time ends first."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while True:
            value = condition()
            if value:
                return value
            if time.monotonic() > deadline:
                raise DemoError(f"waited {DEADLINE_SECONDS} s in vain until {what}")
            try:
                assert self.controller is not None
                status = self.controller.wait(POLL_SECONDS)
            except subprocess.TimeoutExpired:
                continue
            raise DemoError(f"the controller ended with status {status}")

    def clean_up(self, keep_logs: bool) -> None:
        """Ends all processes, and removes the folder unless its logs tell why the demo failed."""
        if self.controller is not None and self.controller.poll() is None:
            self.controller.terminate()
            self.controller.wait()
        subprocess.run([STACK / "down", self.directory], check=False)
        if keep_logs:
            terminal.say(f"All processes were ended; their logs are in {self.directory}/logs")
        else:
            shutil.rmtree(self.directory)

    def show_controller_log(self) -> None:
        log = self.directory / "logs" / "controller.log"
        if log.exists():
            terminal.say(f"The end of {log}:")
            terminal.output("\n".join(log.read_text(errors="replace").splitlines()[-LOG_LINES:]))


def conditions(answer: Any) -> dict[str, Any]:
    """An object's conditions, by type."""
    return {condition["type"]: condition for condition in answer.get("status", {}).get("conditions", [])}


def is_ready(answer: Any) -> bool:
    """Whether an object is Ready, and that said of its present spec."""
    ready = conditions(answer).get("Ready", {})
    return (ready.get("status"), ready.get("observedGeneration")) == ("True", answer["metadata"]["generation"])


def main() -> int:
    keep = os.environ.get("KEEP", "") not in ("", "0")
    demo = Demo(Path(tempfile.mkdtemp(prefix="sagevpc-demo-")), keep)
    for stop in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(stop, lambda number, _: sys.exit(128 + number))
    played = keep_logs = False
    try:
        demo.play()
        played = True
    except (DemoError, BotoCoreError, ClientError) as error:
        keep_logs = True
        demo.show_controller_log()
        terminal.bad(f"The demo failed: {error}")
        return 1
    except KeyboardInterrupt:
        terminal.say("\nInterrupted; cleaning up.")
        return 128 + signal.SIGINT
    finally:
        for stop in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(stop, signal.SIG_IGN)
        if not (played and keep):
            demo.clean_up(keep_logs)
    return 0


if __name__ == "__main__":
    sys.exit(main())
