"""The controller as a process that can be measured: VPCs to give it, what it counts, the memory it takes."""

from __future__ import annotations

import copy
import json
import re
import time
import urllib.request
from collections import Counter
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import yaml
from distance import aws_from_afar
from live.aws import Aws, Network, role_arn
from live.session import QUICKSTART, Session, SessionError, is_ready, program
from stack import reserve_port

NAMESPACE = "ml-fraud"
KINDS = "sagemakervpcs,sagemakervpcprofiles"

# Rounds of observation have to be this far apart for one to be told from the next: a round over 20 VPCs takes a
# fraction of a second, also where cores are shared.
ROUND_SECONDS = 20
QUIET_SECONDS = 4

# With the S3 endpoint, a flow log and the security groups of workloads and endpoints: nine resources.
SERVICES = ["sagemaker.api", "sagemaker.runtime", "sts", "logs", "ecr.api"]

# 20 VPCs of one account take about a minute, for AWS allows no more: see src/aws/quotas.rs.
READY_SECONDS = 300

SAMPLE = re.compile(r"^(?P<name>\w+)(?:\{(?P<labels>.*)\})? (?P<value>\S+)$")
LABEL = re.compile(r'(\w+)="([^"]*)"')


@dataclass(frozen=True)
class Offer:
    """A VPC of AWS and the two objects that declare it: a SageMakerVpc and a profile of three workloads."""

    name: str
    aws: Aws
    network: Network
    objects: list[Any]


@dataclass(frozen=True)
class Metrics:
    """What the controller has counted."""

    samples: dict[tuple[str, tuple[tuple[str, str], ...]], float]

    def by(self, metric: str, label: str) -> Counter[str]:
        """A counter's values, summed by one of its labels."""
        sums: Counter[str] = Counter()
        for (name, labels), value in self.samples.items():
            if name == metric:
                sums[dict(labels)[label]] += int(value)
        return sums

    def calls(self) -> Counter[str]:
        """Attempts at calls to AWS, by action."""
        return self.by("sagevpc_aws_calls_total", "action")

    def passes(self) -> Counter[str]:
        """Passes over a SageMakerVpc, by how they ended."""
        return self.by("sagevpc_passes_total", "result")

    def writes(self) -> int:
        """Writes to our objects in Kubernetes."""
        return self.by("sagevpc_kubernetes_writes_total", "outcome").total()


def mutating(calls: Counter[str]) -> int:
    """How many of the calls change something."""
    read = ("Describe", "Get", "List", "AssumeRole")
    return sum(count for action, count in calls.items() if not action.startswith(read))


@dataclass(frozen=True)
class Round:
    """What one round of observation cost in which nothing was to be done."""

    calls: Counter[str]
    writes: int
    # Objects whose resourceVersion is not as before, whoever wrote them.
    written: int

    def mutating(self) -> int:
        """How many of the calls change something."""
        return mutating(self.calls)


def listed(objects: Iterable[Any]) -> str:
    """Objects as one text that kubectl reads."""
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})


class Measured(Session):
    """A fresh stack, with a controller whose metrics and memory can be read."""

    def start(self) -> None:
        self.start_stack()
        reserved = reserve_port()
        self.address = "127.0.0.1:%d" % reserved.getsockname()[1]
        self.start_controller(program("release"), self.address)
        self.wait_until("the controller is ready", self.is_ready)
        reserved.close()
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
        namespace["metadata"]["labels"] = {"sagevpc.dev/vpc": "research"}
        self.kubectl("apply", "--filename=-", stdin=json.dumps(namespace))

    def http(self, path: str) -> str:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(f"http://{self.address}{path}", timeout=10) as response:
                return response.read().decode()
        except OSError as error:
            raise SessionError(f"the controller does not answer {path}: {error}") from error

    def is_ready(self) -> bool:
        try:
            return bool(self.http("/readyz"))
        except SessionError:
            return False

    # What it is given.

    def offer(
        self, name: str, account: str | None = None, interval: str = "60s", with_services: bool = False
    ) -> Offer:
        """Makes a VPC, in an account that the controller reaches by a role or in its own, and the objects for it.

        The objects are those of the quickstart under another name; `with_services` has them ask for interface endpoints
        and a flow log as well.
        """
        aws = Aws(self.environment, account)
        network = aws.make_network()
        objects = {entry["kind"]: copy.deepcopy(entry) for entry in yaml.safe_load_all(QUICKSTART.read_text())}
        vpc, profile = objects["SageMakerVpc"], objects["SageMakerVpcProfile"]
        vpc["metadata"]["name"] = profile["metadata"]["name"] = profile["spec"]["vpcRef"]["name"] = name
        vpc["spec"] |= {"vpcId": network.vpc, "resyncInterval": interval}
        if with_services:
            bucket = f"flow-logs-{name}"
            aws.s3.create_bucket(Bucket=bucket)
            vpc["spec"] |= {"services": SERVICES}
            vpc["spec"] |= {"flowLogs": {"logDestinationType": "s3", "logDestination": f"arn:aws:s3:::{bucket}"}}
        if account is not None:
            vpc["spec"]["credentials"] = {"network": {"roleArn": role_arn(account)}}
        return Offer(name, aws, network, [vpc, profile])

    def seconds_to_ready(self, offers: list[Offer]) -> float:
        """From `kubectl apply` of the objects to all of them Ready."""
        objects = listed(entry for offer in offers for entry in offer.objects)
        began = time.monotonic()
        self.kubectl("apply", "--filename=-", stdin=objects)
        self.kubectl("wait", "--filename=-", "--for=condition=Ready", f"--timeout={READY_SECONDS}s", stdin=objects)
        took = time.monotonic() - began
        self.see_that_it_runs()
        items = self.get(KINDS, "--all-namespaces")["items"]
        if len(items) != 2 * len(offers) or not all(is_ready(item) for item in items):
            raise SessionError("what was Ready did not stay so")
        return took

    def delete(self, offer: Offer) -> None:
        """Takes the objects away again, and waits until the controller has undone what it did for them."""
        self.kubectl("delete", "--filename=-", f"--timeout={READY_SECONDS}s", stdin=listed(offer.objects))

    # What it costs.

    def metrics(self) -> Metrics:
        samples = {}
        for line in self.http("/metrics").splitlines():
            if sample := SAMPLE.match(line):
                samples[sample["name"], tuple(LABEL.findall(sample["labels"] or ""))] = float(sample["value"])
        return Metrics(samples)

    def when_quiet(self) -> Metrics:
        """The metrics once no pass has ended for some seconds, which is far less than from one round to the next."""
        seen, since = self.metrics(), time.monotonic()

        def quiet() -> bool:
            nonlocal seen, since
            now = self.metrics()
            if now.passes() != seen.passes():
                seen, since = now, time.monotonic()
            return time.monotonic() - since > QUIET_SECONDS

        self.wait_until("no pass ends any more", quiet)
        return seen

    def rounds(self, vpcs: int, count: int) -> list[Round]:
        """Whole rounds one after the other, in each of which each VPC was passed over exactly once.

        The VPCs' resyncInterval has to be ROUND_SECONDS, so that a VPC has no second pass before all is quiet again.
        """
        rounds = []
        before = self.when_quiet()
        for _ in range(count):
            versions = self.resource_versions()
            due = before.passes().total() + vpcs
            self.wait_until("each VPC was passed over", lambda: self.metrics().passes().total() >= due)
            after = self.when_quiet()
            passes = after.passes() - before.passes()
            if passes != Counter(Settled=vpcs):
                raise SessionError(f"a round in which nothing was to be done had passes that ended {dict(passes)}")
            written = len(versions.items() ^ self.resource_versions().items())
            this = Round(after.calls() - before.calls(), after.writes() - before.writes(), written)
            if this.mutating() or this.writes or this.written:
                raise SessionError(f"nothing was to be done, and something was changed: {this}")
            rounds.append(this)
            before = after
        return rounds

    def resource_versions(self) -> dict[str, str]:
        """What changes with any write to our objects, whoever writes."""
        items = self.get(KINDS, "--all-namespaces")["items"]
        return {item["metadata"]["uid"]: item["metadata"]["resourceVersion"] for item in items}

    def memory_mib(self) -> tuple[float, float]:
        """Resident memory now, and the most that it ever was.

        See https://docs.kernel.org/filesystems/proc.html for VmRSS and VmHWM.
        """
        pid = (self.directory / "pids" / "controller").read_text().strip()
        with open(f"/proc/{pid}/status") as status:
            kib = {line.partition(":")[0]: line.split()[1] for line in status if line.startswith("Vm")}
        return int(kib["VmRSS"]) / 1024, int(kib["VmHWM"]) / 1024


class MeasuredFromAfar(Measured):
    """The same, with an AWS that takes longer for each call, as it does in life."""

    CALL_SECONDS = 0.05

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.distance = ExitStack()

    def start_stack(self) -> None:
        super().start_stack()
        nearby = self.environment["AWS_ENDPOINT_URL"]
        self.environment["AWS_ENDPOINT_URL"] = self.distance.enter_context(aws_from_afar(nearby, self.CALL_SECONDS))

    def clean_up(self, keep_logs: bool) -> None:
        super().clean_up(keep_logs)
        self.distance.close()
