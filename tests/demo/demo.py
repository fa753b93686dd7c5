"""sagevpc's main job, shown on a real API server, a real etcd and an AWS server.

    make demo            runs the whole story and removes all traces of it
    make demo KEEP=1     stops before the deletion, leaves everything running, and says how to reach it

Every wait is for a condition, with a deadline; any step that fails ends the demo
with the reason and a status that is not zero. SAGEVPC_BIN names another
controller than target/debug/sagevpc.
"""

from __future__ import annotations

import os
import shlex
import sys
import time
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).resolve().parents[1]))

from live import terminal
from live.aws import Aws, Breakage, differences
from live.session import DEADLINE_SECONDS, QUICKSTART, Session, SessionError, conditions, is_ready, play, program

PLACEHOLDER_VPC = "vpc-0123456789abcdef0"

# The objects in the quickstart.
VPC = ["sagemakervpc/research"]
PROFILE = ["sagemakervpcprofile/fraud", "--namespace=ml-fraud"]

# The controllers, as pods of one Deployment would be named.
FIRST, SECOND = "sagevpc-1", "sagevpc-2"


class Demo(Session):
    """The story."""

    def __init__(self, keep: bool) -> None:
        super().__init__("demo", outlives_us=keep)
        self.keep = keep

    def play(self) -> None:
        self.show_stack()
        aws = Aws(self.environment)
        network = self.make_network(aws)
        before = aws.census()
        self.show_controllers()
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
            interface = self.delete_what_runs(aws, network)
            self.kill_the_leader()
            self.let_the_deletion_go_on(aws, interface)
            self.compare_with_before(aws, before)

    def show_stack(self) -> None:
        terminal.step("A control plane and an AWS of our own, with the chart installed")
        terminal.explain("kube-apiserver and etcd as released, moto with our layer; CRDs and RBAC from charts/sagevpc, by helm")
        self.start_stack()
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

    def show_controllers(self) -> None:
        terminal.step("Two controllers, under the ClusterRole that the chart ships; one works, one stands by")
        controller = program("debug")
        for name in (FIRST, SECOND):
            terminal.command(f"{controller.name} run  # {name}")
            self.start_controller(controller, name=name)
            self.wait_until(f"{FIRST} leads", lambda: self.leader() == FIRST)
        self.show_kubectl("get", "lease", "sagevpc", "--namespace=sagevpc-system")

    def apply_quickstart(self, vpc: str) -> None:
        terminal.step("The platform team offers the VPC, a team declares its workloads")
        manifest = QUICKSTART.read_text()
        if PLACEHOLDER_VPC not in manifest:
            raise SessionError(f"{QUICKSTART} has no vpcId: {PLACEHOLDER_VPC} to put the new VPC's id in place of")
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
            raise SessionError("the change by hand changed nothing in AWS, so its repair would show nothing")
        for reason in ("DriftDetected", "DriftRepaired"):
            for event in self.wait_for_event(reason, known):
                about = event["involvedObject"]
                terminal.item(f"{reason}  {about['kind']}/{about['name']}: {event['message']}")
        self.wait_until("AWS is as it was before the change", lambda: aws.census() == settled)
        self.wait_until("the profile is in sync and Ready", self.profile_in_sync)
        terminal.good(f"found and repaired {time.monotonic() - broken_at:.1f} s after the change; AWS is as declared")

    def delete_what_runs(self, aws: Aws, network: Any) -> str:
        """Deletes the profile while a job runs, and shows what its deletion waits for."""
        terminal.step("The team deletes its profile while a job still runs")
        interface = aws.run_job(network)
        terminal.item(f"SageMaker runs a training job, with {interface} in the VPC")
        known = {self.mark(event) for event in self.events()}
        for which in (PROFILE, VPC):
            self.show_kubectl("delete", *which, "--wait=false")
        self.wait_for_event("DeletionBlocked", known)

        def names_it() -> bool:
            return interface in conditions(self.get(*PROFILE)).get("Reconciling", {}).get("message", "")

        self.wait_until(f"the profile's condition names {interface}", names_it)
        self.show_kubectl("describe", *PROFILE)
        endpoint, group = aws.ours(network.vpc)
        terminal.good(f"{group} and {endpoint}, by which the job reaches S3, are still there")
        return interface

    def kill_the_leader(self) -> None:
        terminal.step("The controller that works is killed")
        leader = self.leader()
        terminal.command(f"kill -9 {leader}")
        killed_at = time.monotonic()
        self.kill_controller(leader)
        self.wait_until("the other one leads", lambda: self.leader() not in ("", leader))
        self.show_kubectl("get", "lease", "sagevpc", "--namespace=sagevpc-system")
        terminal.good(f"{self.leader()} took over {time.monotonic() - killed_at:.1f} s later; the lease is 12 s")

    def let_the_deletion_go_on(self, aws: Aws, interface: str) -> None:
        terminal.step("The job ends, and the deletion goes on")
        aws.end_job(interface)
        terminal.item(f"SageMaker takes {interface} away")
        ended_at = time.monotonic()
        for which in (PROFILE, VPC):
            self.show_kubectl("wait", *which, "--for=delete", f"--timeout={DEADLINE_SECONDS}s")
        terminal.good(f"both objects are gone {time.monotonic() - ended_at:.1f} s later")
        self.show_kubectl("get", "events", "--all-namespaces", "--field-selector=reason=Deleted")

    def compare_with_before(self, aws: Aws, before: Any) -> None:
        terminal.step("Is AWS as it was before?")
        after = aws.census()
        if after != before:
            terminal.output("\n".join(differences(before, after)))
            raise SessionError("AWS is not as it was before; the differences are above")
        counts = ", ".join(f"{len(found)} {kind}" for kind, found in after.items() if found)
        terminal.good(f"Nothing was left behind and nothing else was touched: {counts}, each field as before")

    def show_how_to_reach(self) -> None:
        terminal.step("Left running")
        exports = ["KUBECONFIG", *(name for name in self.environment if name.startswith("AWS_"))]
        for name in exports:
            terminal.say(f"export {name}={shlex.quote(self.environment[name])}")
        terminal.explain(f"The controllers' logs are in {self.directory}/logs. To end everything:")
        terminal.command(f"tests/stack/down {self.directory} && rm -r {self.directory}")

    # What the steps are made of.

    def show_kubectl(self, *arguments: str) -> None:
        terminal.command(f"kubectl {shlex.join(arguments)}")
        terminal.output(self.kubectl(*arguments))

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


def main() -> int:
    keep = os.environ.get("KEEP", "") not in ("", "0")
    demo = Demo(keep)
    return play(demo, demo.play, keep)


if __name__ == "__main__":
    sys.exit(main())
