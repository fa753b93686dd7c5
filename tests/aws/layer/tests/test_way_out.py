"""NAT gateways, their addresses and routes."""

from __future__ import annotations

from layer.tests import WithVpc

TAGS = [{"Key": "sagevpc.dev/cluster", "Value": "test"}]


class Addresses(WithVpc):
    def test_an_address_keeps_the_tags_that_it_was_made_with(self) -> None:
        tags = [{"ResourceType": "elastic-ip", "Tags": TAGS}]
        id = self.ec2.allocate_address(Domain="vpc", TagSpecifications=tags)["AllocationId"]
        self.ec2.allocate_address(Domain="vpc")
        found = self.ec2.describe_addresses(Filters=[{"Name": "tag-key", "Values": ["sagevpc.dev/cluster"]}])
        self.assertEqual([(address["AllocationId"], address["Tags"]) for address in found["Addresses"]], [(id, TAGS)])

    def test_an_address_in_use_is_not_released(self) -> None:
        id = self.ec2.allocate_address(Domain="vpc")["AllocationId"]
        gateway = self.ec2.create_nat_gateway(SubnetId=self.subnets[0], AllocationId=id)["NatGateway"]["NatGatewayId"]
        self.assert_refused("InvalidIPAddress.InUse", id, self.ec2.release_address, AllocationId=id)
        self.ec2.delete_nat_gateway(NatGatewayId=gateway)
        self.ec2.release_address(AllocationId=id)
        self.assert_refused("InvalidAllocationID.NotFound", id, self.ec2.release_address, AllocationId=id)


class NatGateways(WithVpc):
    def make(self) -> str:
        address = self.ec2.allocate_address(Domain="vpc")["AllocationId"]
        tags = [{"ResourceType": "natgateway", "Tags": TAGS}]
        made = self.ec2.create_nat_gateway(SubnetId=self.subnets[0], AllocationId=address, TagSpecifications=tags)
        return made["NatGateway"]["NatGatewayId"]

    def test_gateways_are_found_by_id_and_tag_and_not_otherwise(self) -> None:
        id = self.make()
        for name, value, found in [
            ("tag:sagevpc.dev/cluster", "test", [id]),
            ("tag:sagevpc.dev/cluster", "other", []),
            ("nat-gateway-id", id, [id]),
            ("nat-gateway-id", "nat-0123456789abcdef0", []),
            ("vpc-id", self.vpc, [id]),
        ]:
            gateways = self.ec2.describe_nat_gateways(Filter=[{"Name": name, "Values": [value]}])["NatGateways"]
            self.assertEqual([gateway["NatGatewayId"] for gateway in gateways], found, (name, value))

    def test_a_deleted_gateway_is_shown_and_leaves_its_routes_as_blackholes(self) -> None:
        id = self.make()
        self.ec2.create_route(RouteTableId=self.table, DestinationCidrBlock="0.0.0.0/0", NatGatewayId=id)
        state = {"State": "active", "NatGatewayId": id}
        self.assertEqual({key: self.routes()[1][key] for key in state}, state)
        self.ec2.delete_nat_gateway(NatGatewayId=id)
        self.assertEqual(self.ec2.describe_nat_gateways()["NatGateways"][0]["State"], "deleted")
        self.assertEqual({key: self.routes()[1][key] for key in state}, state | {"State": "blackhole"})
        self.assertEqual(self.ec2.describe_network_interfaces()["NetworkInterfaces"], [])

    def test_a_gateway_that_is_gone_is_not_found(self) -> None:
        id = self.make()
        self.ec2.delete_nat_gateway(NatGatewayId=id)
        self.assert_refused("NatGatewayNotFound", id, self.ec2.delete_nat_gateway, NatGatewayId=id)
        route = {"RouteTableId": self.table, "DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": id}
        self.assert_refused("InvalidNatGatewayID.NotFound", id, self.ec2.create_route, **route)

    def test_a_gateways_interface_is_the_services(self) -> None:
        id = self.make()
        interface = self.ec2.describe_network_interfaces()["NetworkInterfaces"][0]
        self.assertEqual(interface["InterfaceType"], "nat_gateway")
        self.assertEqual(interface["Description"], f"Interface for NAT Gateway {id}")

    def test_a_regional_gateway_takes_an_internet_gateway_and_no_subnet(self) -> None:
        regional = {"AvailabilityMode": "regional", "VpcId": self.vpc}
        self.assert_refused("Gateway.NotAttached", self.vpc, self.ec2.create_nat_gateway, **regional)
        internet = self.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        self.ec2.attach_internet_gateway(InternetGatewayId=internet, VpcId=self.vpc)
        with_subnet = regional | {"SubnetId": self.subnets[0]}
        self.assert_refused("InvalidParameterCombination", "subnet", self.ec2.create_nat_gateway, **with_subnet)
        id = self.ec2.create_nat_gateway(**regional)["NatGateway"]["NatGatewayId"]
        shown = self.ec2.describe_nat_gateways(Filter=[{"Name": "vpc-id", "Values": [self.vpc]}])["NatGateways"]
        self.assertEqual([(one["NatGatewayId"], one["AvailabilityMode"]) for one in shown], [(id, "regional")])
        self.assertNotIn("SubnetId", shown[0])
        self.ec2.delete_nat_gateway(NatGatewayId=id)
        self.assertEqual(self.ec2.describe_nat_gateways()["NatGateways"][0]["State"], "deleted")
