"""VPCs that their owner shares with another account, as AWS Resource Access Manager does.

    POST /layer/shares
    {"owner": "111122223333", "participant": "444455556666", "region": "us-east-1", "vpc": "vpc-0123456789abcdef0"}

has the participant see the VPC with its subnets, route tables, network ACLs and DHCP options. What is made there
later belongs to whoever makes it: neither sees the other's security groups and interfaces, though AWS lets the owner
see a participant's.

See https://docs.aws.amazon.com/vpc/latest/userguide/vpc-sharing.html.
"""

from __future__ import annotations

from typing import Any

from moto.ec2.models import ec2_backends


def install() -> None:
    """Nothing of moto is changed: what is shared stands in both accounts."""


def share(owner: str, participant: str, region: str, vpc: str) -> None:
    """Shares a VPC of one account with another."""
    theirs, ours = ec2_backends[owner][region], ec2_backends[participant][region]
    shared = theirs.vpcs[vpc]
    ours.vpcs[vpc] = shared
    for zone, subnets in theirs.subnets.items():
        ours.subnets[zone].update(of_vpc(subnets, vpc))
    ours.route_tables.update(of_vpc(theirs.route_tables, vpc))
    ours.network_acls.update(of_vpc(theirs.network_acls, vpc))
    if shared.dhcp_options is not None:
        ours.dhcp_options_sets[shared.dhcp_options.id] = shared.dhcp_options


def of_vpc(resources: dict[str, Any], vpc: str) -> dict[str, Any]:
    return {key: resource for key, resource in resources.items() if resource.vpc_id == vpc}
