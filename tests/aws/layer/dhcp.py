"""A VPC begins with the region's default DHCP options.

See https://docs.aws.amazon.com/vpc/latest/userguide/DHCPOptionSetConcepts.html.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.ec2.models import EC2Backend
from moto.ec2.models.dhcp_options import DHCPOptionsSet

from layer.patching import around


def install() -> None:
    around(EC2Backend, "create_vpc")(create_vpc)


def create_vpc(original: Callable[..., Any], backend: EC2Backend, *args: Any, **kwargs: Any) -> Any:
    vpc = original(*args, **kwargs)
    vpc.dhcp_options = default_options(backend)
    return vpc


def default_options(backend: EC2Backend) -> DHCPOptionsSet:
    """The one set that all VPCs of an account and region begin with."""
    if not hasattr(backend, "default_dhcp_options"):
        region = backend.region_name
        domain = "ec2.internal" if region == "us-east-1" else f"{region}.compute.internal"
        backend.default_dhcp_options = backend.create_dhcp_options(
            domain_name_servers=["AmazonProvidedDNS"], domain_name=[domain]
        )
    return backend.default_dhcp_options
