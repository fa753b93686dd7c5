"""A rule for a protocol without ports (such as 50) names none.

See https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_IpPermission.html.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.ec2.models.security_groups import SecurityGroupRule

from layer.patching import around

WITH_PORTS = {"tcp", "6", "udp", "17", "icmp", "1", "icmpv6", "58"}


def install() -> None:
    around(SecurityGroupRule, "__init__")(make)


def make(
    original: Callable[..., Any],
    rule: SecurityGroupRule,
    ec2_backend: Any,
    ip_protocol: str,
    group_id: str,
    from_port: str | None,
    to_port: str | None,
    *args: Any,
    **kwargs: Any,
) -> None:
    if str(ip_protocol) in WITH_PORTS or from_port is not None:
        original(ec2_backend, ip_protocol, group_id, from_port, to_port, *args, **kwargs)
        return
    original(ec2_backend, ip_protocol, group_id, "-1", "-1", *args, **kwargs)
    rule.from_port = rule.to_port = None
