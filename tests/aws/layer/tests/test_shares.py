"""VPCs that are shared with another account."""

from __future__ import annotations

import boto3

from layer import shares
from layer.tests import REGION, WithVpc, client

OWNER = "123456789012"
PARTICIPANT = "444455556666"


class Shares(WithVpc):
    def setUp(self) -> None:
        super().setUp()
        role = {"RoleArn": f"arn:aws:iam::{PARTICIPANT}:role/sagevpc", "RoleSessionName": "test"}
        credentials = client("sts").assume_role(**role)["Credentials"]
        self.participant = boto3.client(
            "ec2",
            region_name=REGION,
            aws_access_key_id=credentials["AccessKeyId"],
            aws_secret_access_key=credentials["SecretAccessKey"],
            aws_session_token=credentials["SessionToken"],
        )

    def share(self) -> None:
        shares.share(OWNER, PARTICIPANT, REGION, self.vpc)

    def test_what_is_not_shared_is_not_seen(self) -> None:
        self.assert_refused("InvalidVpcID.NotFound", self.vpc, self.participant.describe_vpcs, VpcIds=[self.vpc])

    def test_what_is_shared_is_seen_with_its_owner(self) -> None:
        other = self.ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
        self.share()
        of_vpc = [{"Name": "vpc-id", "Values": [self.vpc, other]}]
        vpc = self.participant.describe_vpcs(VpcIds=[self.vpc])["Vpcs"][0]
        subnets = self.participant.describe_subnets(Filters=of_vpc)["Subnets"]
        tables = self.participant.describe_route_tables(Filters=of_vpc)["RouteTables"]
        acls = self.participant.describe_network_acls(Filters=of_vpc)["NetworkAcls"]
        self.assertEqual(vpc["OwnerId"], OWNER)
        self.assertEqual({subnet["SubnetId"] for subnet in subnets}, set(self.subnets))
        self.assertEqual([table["RouteTableId"] for table in tables], [self.table])
        self.assertEqual({acl["VpcId"] for acl in acls}, {self.vpc})

    def test_security_groups_are_the_account_s_that_made_them(self) -> None:
        self.share()
        theirs = self.group("owners")
        ours = self.participant.create_security_group(VpcId=self.vpc, GroupName="ours", Description="ours")["GroupId"]
        self.assert_refused("InvalidGroup.NotFound", ours, self.ec2.describe_security_groups, GroupIds=[ours])
        seen = {group["GroupId"] for group in self.participant.describe_security_groups()["SecurityGroups"]}
        self.assertIn(ours, seen)
        self.assertNotIn(theirs, seen)
