"""Endpoint services as an account of a test is to see them: in some zones only, or such as have ended elsewhere.

    POST /layer/endpoint-services
    {"account": "111122223333", "region": "us-east-1", "service": "elastic-inference.runtime", "zones": ["us-east-1a"]}

offers `com.amazonaws.<region>.<service>` to the account, in these zones, in place of what moto offers.
"""

from __future__ import annotations

from typing import Any

from moto.core.base_backend import BaseBackend
from moto.ec2.models.vpcs import VPCBackend

# Elastic Inference ended in 2024.
ENDED = ("elastic-inference.runtime",)

OFFERED: dict[tuple[str, str], dict[str, dict[str, Any]]] = {}


def install() -> None:
    original = VPCBackend._collect_default_endpoint_services

    def collect(account: str, region: str) -> list[dict[str, Any]]:
        offered = OFFERED.get((account, region), {})
        left_out = {*offered, *(f"com.amazonaws.{region}.{service}" for service in ENDED)}
        others = (service for service in original(account, region) if service["ServiceName"] not in left_out)
        return [with_address_types(service) for service in [*others, *offered.values()]]

    VPCBackend._collect_default_endpoint_services = staticmethod(collect)


def with_address_types(service: dict[str, Any]) -> dict[str, Any]:
    return {"SupportedIpAddressTypes": ["ipv4"], **service}


def offer(account: str, region: str, service: str, zones: list[str]) -> None:
    """Offers a service to an account, in these zones."""
    for details in BaseBackend.default_vpc_endpoint_service_factory(region, zones, service):
        OFFERED.setdefault((account, region), {})[details["ServiceName"]] = details
