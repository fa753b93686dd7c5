"""Each test says one thing that AWS does, and that moto with the layer does as well."""

from __future__ import annotations

import functools
import os
import unittest
from typing import Any

import boto3
from botocore.exceptions import ClientError
from moto import mock_aws

import layer

REGION = "us-east-1"
ZONES = ["us-east-1a", "us-east-1b", "us-east-1c"]

layer.install()
# What belongs to this user's own accounts, or to a stack, stays out of it.
os.environ.pop("AWS_PROFILE", None)
os.environ.update(
    AWS_ACCESS_KEY_ID="testing",
    AWS_SECRET_ACCESS_KEY="testing",
    AWS_CONFIG_FILE=os.devnull,
    AWS_SHARED_CREDENTIALS_FILE=os.devnull,
    AWS_IGNORE_CONFIGURED_ENDPOINT_URLS="true",
    AWS_EC2_METADATA_DISABLED="true",
)


@functools.cache
def client(service: str) -> Any:
    """A client of a service, which takes longer to make than most tests do."""
    return boto3.client(service, region_name=REGION)


class WithVpc(unittest.TestCase):
    """A VPC with a subnet in each of three zones, in an AWS of the test's own."""

    def setUp(self) -> None:
        self.aws = mock_aws()
        self.aws.start()
        self.addCleanup(self.aws.stop)
        self.ec2 = client("ec2")
        self.vpc = self.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        self.subnets = [
            self.ec2.create_subnet(VpcId=self.vpc, CidrBlock=f"10.0.{n}.0/24", AvailabilityZone=zone)["Subnet"]["SubnetId"]
            for n, zone in enumerate(ZONES)
        ]
        self.table = self.ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [self.vpc]}])["RouteTables"][0][
            "RouteTableId"
        ]

    def group(self, name: str) -> str:
        return self.ec2.create_security_group(VpcId=self.vpc, GroupName=name, Description=name)["GroupId"]

    def routes(self, table: str | None = None) -> list[dict[str, Any]]:
        return self.ec2.describe_route_tables(RouteTableIds=[table or self.table])["RouteTables"][0]["Routes"]

    def free_addresses(self, subnet: str) -> int:
        return self.ec2.describe_subnets(SubnetIds=[subnet])["Subnets"][0]["AvailableIpAddressCount"]

    def turn_names_on(self) -> None:
        self.ec2.modify_vpc_attribute(VpcId=self.vpc, EnableDnsHostnames={"Value": True})

    def assert_refused(self, code: str, words: str, call: Any, **parameters: Any) -> None:
        with self.assertRaises(ClientError) as refused:
            call(**parameters)
        error = refused.exception.response["Error"]
        self.assertEqual(error["Code"], code)
        self.assertIn(words, error["Message"])
