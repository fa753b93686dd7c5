"""A VPC as a platform team would offer it, a census of all that AWS holds, and someone who changes things by hand."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import boto3

# Each sagevpc resource carries it: see crates/sagevpc-core/src/types/tags.rs.
OWNER_TAG = "sagevpc.dev/vpc"

# The describe calls of the census, and the list in each answer. The regional
# catalogue (prefix lists, endpoint services, zones) is nobody's to change.
CENSUS = {
    "describe_vpcs": "Vpcs",
    "describe_subnets": "Subnets",
    "describe_route_tables": "RouteTables",
    "describe_network_acls": "NetworkAcls",
    "describe_security_groups": "SecurityGroups",
    "describe_vpc_endpoints": "VpcEndpoints",
    "describe_network_interfaces": "NetworkInterfaces",
    "describe_dhcp_options": "DhcpOptions",
    "describe_internet_gateways": "InternetGateways",
    "describe_nat_gateways": "NatGateways",
    "describe_addresses": "Addresses",
    "describe_flow_logs": "FlowLogs",
}
DNS_ATTRIBUTES = {"enableDnsSupport": "EnableDnsSupport", "enableDnsHostnames": "EnableDnsHostnames"}

# How SageMaker describes the network interfaces that it makes.
JOB = "[Do not delete] Network Interface created by SageMaker for training job fraud-2026-11"

FULL_ACCESS = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}],
}


@dataclass(frozen=True)
class Network:
    """What was made, by id."""

    vpc: str
    subnets: dict[str, str]  # zone to subnet
    route_tables: list[str]


def role_arn(account: str) -> str:
    """The role by which an account is reached."""
    return f"arn:aws:iam::{account}:role/sagevpc"


class Aws:
    """EC2 and S3, where AWS_ENDPOINT_URL says it is: in the account of the environment's credentials, or in another."""

    def __init__(self, environment: dict[str, str], account: str | None = None) -> None:
        url = environment["AWS_ENDPOINT_URL"]
        session = boto3.Session(
            aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
            region_name=environment["AWS_REGION"],
        )
        if account is not None:
            sts: Any = session.client("sts", endpoint_url=url)
            assumed = sts.assume_role(RoleArn=role_arn(account), RoleSessionName="someone-else")["Credentials"]
            session = boto3.Session(
                aws_access_key_id=assumed["AccessKeyId"],
                aws_secret_access_key=assumed["SecretAccessKey"],
                aws_session_token=assumed["SessionToken"],
                region_name=environment["AWS_REGION"],
            )
        self.ec2: Any = session.client("ec2", endpoint_url=url)
        self.s3: Any = session.client("s3", endpoint_url=url)

    def make_network(self) -> Network:
        """A locked-down VPC: private subnets in three zones, two route tables, no way out."""

        def named(kind: str, name: str, **tags: str) -> list[dict[str, Any]]:
            return [{"ResourceType": kind, "Tags": [{"Key": k, "Value": v} for k, v in {"Name": name, **tags}.items()]}]

        ec2 = self.ec2
        vpc = ec2.create_vpc(CidrBlock="10.20.0.0/16", TagSpecifications=named("vpc", "research"))["Vpc"]["VpcId"]
        # AWS turns resolution on and host names off.
        ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
        tables = [
            ec2.create_route_table(VpcId=vpc, TagSpecifications=named("route-table", f"private-{n}"))["RouteTable"][
                "RouteTableId"
            ]
            for n in (1, 2)
        ]
        zones = [zone["ZoneName"] for zone in ec2.describe_availability_zones()["AvailabilityZones"]][:3]
        subnets = {}
        for n, zone in enumerate(zones):
            subnets[zone] = ec2.create_subnet(
                VpcId=vpc,
                AvailabilityZone=zone,
                CidrBlock=f"10.20.{n * 16}.0/20",
                TagSpecifications=named("subnet", f"private-{zone}", tier="private"),
            )["Subnet"]["SubnetId"]
            ec2.associate_route_table(RouteTableId=tables[min(n, 1)], SubnetId=subnets[zone])
        return Network(vpc, subnets, tables)

    def census(self) -> Any:
        """All that there is, written so that equal meaning gives an equal value."""
        found: dict[str, Any] = {}
        for call, key in CENSUS.items():
            if self.ec2.can_paginate(call):
                found[key] = [x for page in self.ec2.get_paginator(call).paginate() for x in page[key]]
            else:
                found[key] = getattr(self.ec2, call)()[key]
        # AWS shows a deleted endpoint for a while.
        found["VpcEndpoints"] = [e for e in found["VpcEndpoints"] if e["State"].lower() not in ("deleting", "deleted")]
        for endpoint in found["VpcEndpoints"]:
            endpoint["PolicyDocument"] = json.loads(endpoint["PolicyDocument"])
        for vpc in found["Vpcs"]:
            for attribute, field in DNS_ATTRIBUTES.items():
                answer = self.ec2.describe_vpc_attribute(VpcId=vpc["VpcId"], Attribute=attribute)
                vpc[field] = answer[field]["Value"]
        return canonical(found)

    def ours(self, vpc: str) -> tuple[str, str]:
        """The ids of the S3 endpoint and of the workloads' security group that the controller made."""
        mine = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "tag-key", "Values": [OWNER_TAG]}]
        [endpoint] = self.ec2.describe_vpc_endpoints(Filters=mine)["VpcEndpoints"]
        [group] = self.ec2.describe_security_groups(Filters=mine)["SecurityGroups"]
        return endpoint["VpcEndpointId"], group["GroupId"]

    def run_job(self, network: Network) -> str:
        """The network interface that SageMaker makes for a job, in the first subnet."""
        _, group = self.ours(network.vpc)
        subnet = next(iter(network.subnets.values()))
        made = self.ec2.create_network_interface(SubnetId=subnet, Groups=[group], Description=JOB)
        return str(made["NetworkInterface"]["NetworkInterfaceId"])

    def end_job(self, interface: str) -> None:
        """SageMaker takes its interface away."""
        self.ec2.delete_network_interface(NetworkInterfaceId=interface)

    def breakages(self, network: Network) -> list[Breakage]:
        """Three changes by hand, each of which would make a SageMaker job fail or let it do too much."""
        endpoint, group = self.ours(network.vpc)
        egress = self.ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"][0]["IpPermissionsEgress"]
        rule = next(permission for permission in egress if permission["PrefixListIds"])
        rule_json = json.dumps([{key: value for key, value in rule.items() if value}])
        table = network.route_tables[0]
        return [
            Breakage(
                "revokes the security group's rule that lets workloads reach S3",
                f"aws ec2 revoke-security-group-egress --group-id {group} --ip-permissions '{rule_json}'",
                lambda: self.ec2.revoke_security_group_egress(GroupId=group, IpPermissions=[rule]),
            ),
            Breakage(
                "takes a route table off the S3 endpoint, and with it the subnets that use the table",
                f"aws ec2 modify-vpc-endpoint --vpc-endpoint-id {endpoint} --remove-route-table-ids {table}",
                lambda: self.ec2.modify_vpc_endpoint(VpcEndpointId=endpoint, RemoveRouteTableIds=[table]),
            ),
            Breakage(
                "replaces the endpoint's policy by one that lets package repositories through",
                f"aws ec2 modify-vpc-endpoint --vpc-endpoint-id {endpoint} "
                f"--policy-document '{json.dumps(FULL_ACCESS)}'",
                lambda: self.ec2.modify_vpc_endpoint(VpcEndpointId=endpoint, PolicyDocument=json.dumps(FULL_ACCESS)),
            ),
        ]


@dataclass(frozen=True)
class Breakage:
    """A change by hand behind the controller's back."""

    title: str
    command: str
    do: Callable[[], object]


def canonical(value: Any) -> Any:
    """The same JSON value with lists in a fixed order, for AWS keeps none."""
    if isinstance(value, dict):
        return {key: canonical(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return sorted((canonical(x) for x in value), key=lambda x: json.dumps(x, default=str))
    return value


def differences(before: Any, after: Any) -> list[str]:
    """The lines that differ between two censuses."""
    old, new = (json.dumps(x, indent=1, default=str).splitlines() for x in (before, after))
    return [line for line in difflib.unified_diff(old, new, "before", "after", lineterm="")]
