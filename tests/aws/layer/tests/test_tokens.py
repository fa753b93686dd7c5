"""Client tokens."""

from __future__ import annotations

import secrets
from typing import Any

from layer.tests import REGION, WithVpc


class Tokens(WithVpc):
    def endpoint(self, token: str, **parameters: Any) -> str:
        made = self.ec2.create_vpc_endpoint(
            VpcEndpointType="Gateway",
            VpcId=self.vpc,
            ServiceName=f"com.amazonaws.{REGION}.s3",
            ClientToken=token,
            **parameters,
        )
        return made["VpcEndpoint"]["VpcEndpointId"]

    def test_a_request_that_comes_again_makes_nothing_again(self) -> None:
        token = secrets.token_hex()
        first = self.endpoint(token, RouteTableIds=[self.table])
        self.assertEqual(self.endpoint(token, RouteTableIds=[self.table]), first)
        self.assertEqual(len(self.ec2.describe_vpc_endpoints()["VpcEndpoints"]), 1)

    def test_another_request_with_the_same_token_is_refused(self) -> None:
        token = secrets.token_hex()
        self.endpoint(token, RouteTableIds=[self.table])
        self.assert_refused("IdempotentParameterMismatch", token, self.endpoint, token=token)

    def test_a_nat_gateway_is_made_once(self) -> None:
        address = self.ec2.allocate_address(Domain="vpc")["AllocationId"]
        asked = {"SubnetId": self.subnets[0], "AllocationId": address, "ClientToken": secrets.token_hex()}
        ids = {self.ec2.create_nat_gateway(**asked)["NatGateway"]["NatGatewayId"] for _ in range(2)}
        self.assertEqual(len(ids), 1)

    def test_what_was_refused_can_be_asked_for_again(self) -> None:
        token = secrets.token_hex()
        taken = self.endpoint(secrets.token_hex(), RouteTableIds=[self.table])
        again = {"token": token, "RouteTableIds": [self.table]}
        self.assert_refused("RouteAlreadyExists", self.table, self.endpoint, **again)
        self.ec2.delete_vpc_endpoints(VpcEndpointIds=[taken])
        self.assertNotEqual(self.endpoint(**again), taken)
