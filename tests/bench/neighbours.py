"""Neighbours that nobody wishes for: as large as the API server takes them, and written all the time."""

from __future__ import annotations

import http.client
import json
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from live.session import SessionError, conditions
from process import NAMESPACE, Measured

GROUP = "/apis/sagevpc.dev/v1alpha1"
OUTSIDE = "outsiders"
OUTSIDERS = 400
WRITES_A_SECOND = 10
# Of annotations, by kube-apiserver's limit for all of them together.
ANNOTATION_BYTES = 256 * 1024 - 64

WORKLOADS, BUCKETS, SERVICES, DESTINATIONS, PRINCIPALS = 32, 64, 32, 32, 8


def long(prefix: str, number: int, length: int) -> str:
    return f"{prefix}{number:0{length - len(prefix)}}"


def largest(name: str, namespace: str, vpc: str) -> dict[str, Any]:
    """As much in every list as the schema takes, and no less in annotations."""
    arn = "arn:aws:iam::111122223333:role/"
    exempt = {"exempt": {"principals": [long(arn, number, 256) for number in range(PRINCIPALS)]}}
    return {
        "apiVersion": "sagevpc.dev/v1alpha1",
        "kind": "SageMakerVpcProfile",
        "metadata": {"name": name, "namespace": namespace, "annotations": {"note": "x" * ANNOTATION_BYTES}},
        "spec": {
            "vpcRef": {"name": vpc},
            "workloads": [
                {"name": long("w", number, 63), "kind": "Training", "roleArn": long(arn, number, 256)}
                for number in range(WORKLOADS)
            ],
            "buckets": [
                {"name": long("b", number, 63), "requireVpcEndpoint": exempt} for number in range(BUCKETS)
            ],
            "services": [long("s", number, 128) for number in range(SERVICES)],
            "destinations": [{"host": long("h", number, 253 - 8) + ".example"} for number in range(DESTINATIONS)],
        },
    }


def busiest(name: str, vpc: str) -> dict[str, Any]:
    """One that is admitted and granted all that it names, and has as much of it as the schema takes."""
    profile = largest(name, NAMESPACE, vpc)
    workloads = [{"name": long("w", number, 63), "kind": "Training"} for number in range(WORKLOADS)]
    buckets = [{"name": long("fraud-", number, 40)} for number in range(BUCKETS)]
    profile["spec"] = {"vpcRef": {"name": vpc}, "workloads": workloads, "buckets": buckets}
    return profile


class Api:
    """The API server by way of `kubectl proxy`, for more writes than there can be processes of kubectl."""

    def __init__(self, session: Measured) -> None:
        self.proxy = subprocess.Popen(
            ["kubectl", "proxy", "--port=0"], env=session.environment, stdout=subprocess.PIPE, text=True
        )
        assert self.proxy.stdout is not None
        # Starting to serve on 127.0.0.1:40123
        self.address = self.proxy.stdout.readline().split()[-1]

    def request(self, method: str, path: str, body: Any, kind: str = "application/json") -> None:
        connection = http.client.HTTPConnection(self.address, timeout=30)
        try:
            connection.request(method, GROUP + path, json.dumps(body), {"Content-Type": kind})
            response = connection.getresponse()
            answer = response.read().decode()
            if response.status >= 300:
                raise SessionError(f"{method} {path}: {response.status} {answer[:500]}")
        finally:
            connection.close()

    def close(self) -> None:
        self.proxy.terminate()
        self.proxy.wait()


@contextmanager
def api(session: Measured) -> Iterator[Api]:
    opened = Api(session)
    try:
        yield opened
    finally:
        opened.close()


@contextmanager
def written_all_the_time(session: Measured, name: str, vpc: str) -> Iterator[list[float]]:
    """Such a profile, whose spec changes ten times a second. Gives when it was written so far."""
    path = f"/namespaces/{NAMESPACE}/sagemakervpcprofiles/{name}"
    stop = threading.Event()
    writes: list[float] = []
    failures: list[Exception] = []

    def write(server: Api) -> None:
        due = time.monotonic()
        try:
            while not stop.wait(max(0.0, due - time.monotonic())):
                due += 1 / WRITES_A_SECOND
                first = {"op": "replace", "path": "/spec/workloads/0/instances", "value": 1 + len(writes) % 2}
                server.request("PATCH", path, [first], "application/json-patch+json")
                writes.append(time.monotonic())
        except Exception as failure:
            failures.append(failure)

    with api(session) as server:
        server.request("POST", path.rpartition("/")[0], busiest(name, vpc))
        writer = threading.Thread(target=write, args=(server,))
        writer.start()
        try:
            yield writes
        finally:
            stop.set()
            writer.join()
    if failures:
        raise SessionError(f"the neighbour could not be written any more: {failures[0]}")


def is_ready(session: Measured, name: str) -> bool:
    """Whether it can run, said of any of its specs."""
    profile = session.get("sagemakervpcprofile", name, f"--namespace={NAMESPACE}")
    return conditions(profile).get("Ready", {}).get("status") == "True"


def crowd(session: Measured, vpc: str) -> int:
    """Many of the largest, of a namespace that is not admitted. Gives their bytes."""
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": OUTSIDE}}
    session.kubectl("apply", "--filename=-", stdin=json.dumps(namespace))
    size = 0
    with api(session) as server:
        for number in range(OUTSIDERS):
            profile = largest(f"outsider-{number}", OUTSIDE, vpc)
            size += len(json.dumps(profile))
            server.request("POST", f"/namespaces/{OUTSIDE}/sagemakervpcprofiles", profile)
    return size
