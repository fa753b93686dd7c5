"""Destinations of flow logs as ARNs: a folder of a bucket, a log group.

See https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateFlowLogs.html.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.ec2.exceptions import FlowLogAlreadyExists
from moto.ec2.models import EC2Backend

from layer.patching import around


def install() -> None:
    around(EC2Backend, "create_flow_logs")(create)


def create(original: Callable[..., Any], backend: EC2Backend, **asked: Any) -> Any:
    destination = asked["log_destination"]
    if destination is None:
        return original(**asked)
    if any(log.resource_id in asked["resource_ids"] and log.log_destination == destination for log in logs(backend)):
        raise FlowLogAlreadyExists()
    if asked["log_destination_type"] == "s3":
        asked["log_destination"] = destination.split("/", 1)[0]
    elif asked["log_group_name"] is None:
        asked["log_group_name"] = destination.split(":")[6]
    made, unsuccessful = original(**asked)
    for log in made:
        log.log_destination = destination
    return made, unsuccessful


def logs(backend: EC2Backend) -> list[Any]:
    return backend.describe_flow_logs()
