"""VPC endpoints, and the services behind them."""

from __future__ import annotations

from typing import Any

from layer import endpoint_services
from layer.tests import REGION, ZONES, WithVpc

STS = f"com.amazonaws.{REGION}.sts"
S3 = f"com.amazonaws.{REGION}.s3"
ACCOUNT = "123456789012"


class InterfaceEndpoints(WithVpc):
    def make(self, **parameters: Any) -> dict[str, Any]:
        asked = {"SubnetIds": self.subnets[:2], "PrivateDnsEnabled": False} | parameters
        return self.ec2.create_vpc_endpoint(
            VpcEndpointType="Interface", VpcId=self.vpc, ServiceName=STS, **asked
        )["VpcEndpoint"]

    def endpoint(self, id: str) -> dict[str, Any]:
        return self.ec2.describe_vpc_endpoints(VpcEndpointIds=[id])["VpcEndpoints"][0]

    def interfaces(self, id: str) -> list[tuple[str, str, list[str]]]:
        """The subnet, address and groups of each interface of an endpoint."""
        ids = self.endpoint(id)["NetworkInterfaceIds"]
        found = self.ec2.describe_network_interfaces(NetworkInterfaceIds=ids)["NetworkInterfaces"]
        return [
            (each["SubnetId"], each["PrivateIpAddress"], [group["GroupId"] for group in each["Groups"]])
            for each in found
        ]

    def test_it_has_an_interface_in_each_subnet_which_takes_an_address(self) -> None:
        group = self.group("endpoints")
        id = self.make(SecurityGroupIds=[group])["VpcEndpointId"]
        self.assertEqual(
            self.interfaces(id), [(self.subnets[0], "10.0.0.4", [group]), (self.subnets[1], "10.0.1.4", [group])]
        )
        self.assertEqual([self.free_addresses(subnet) for subnet in self.subnets], [250, 250, 251])
        kinds = {interface["InterfaceType"] for interface in self.ec2.describe_network_interfaces()["NetworkInterfaces"]}
        self.assertEqual(kinds, {"vpc_endpoint"})

    def test_without_a_group_it_has_the_vpcs_default_one(self) -> None:
        groups = self.ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [self.vpc]}])["SecurityGroups"]
        self.assertEqual([group["GroupId"] for group in self.make()["Groups"]], [groups[0]["GroupId"]])

    def test_a_change_moves_its_interfaces_and_groups(self) -> None:
        before, after = self.group("before"), self.group("after")
        id = self.make(SecurityGroupIds=[before])["VpcEndpointId"]
        self.ec2.modify_vpc_endpoint(
            VpcEndpointId=id,
            AddSubnetIds=[self.subnets[2]],
            RemoveSubnetIds=[self.subnets[0]],
            AddSecurityGroupIds=[after],
            RemoveSecurityGroupIds=[before],
        )
        self.assertEqual(
            self.interfaces(id), [(self.subnets[1], "10.0.1.4", [after]), (self.subnets[2], "10.0.2.4", [after])]
        )
        self.assertEqual([self.free_addresses(subnet) for subnet in self.subnets], [251, 250, 250])

    def test_it_is_found_by_its_id(self) -> None:
        made = self.make()["VpcEndpointId"]
        for id, count in [(made, 1), ("vpce-0123456789abcdef0", 0)]:
            by_id = [{"Name": "vpc-endpoint-id", "Values": [id]}]
            self.assertEqual(len(self.ec2.describe_vpc_endpoints(Filters=by_id)["VpcEndpoints"]), count)

    def test_its_interfaces_go_with_it(self) -> None:
        id = self.make()["VpcEndpointId"]
        self.ec2.delete_vpc_endpoints(VpcEndpointIds=[id])
        self.assertEqual(self.ec2.describe_network_interfaces()["NetworkInterfaces"], [])

    def test_a_zone_has_one_subnet_of_it(self) -> None:
        same_zone = self.ec2.create_subnet(VpcId=self.vpc, CidrBlock="10.0.9.0/24", AvailabilityZone=ZONES[0])
        second = same_zone["Subnet"]["SubnetId"]
        both = [self.subnets[0], second]
        self.assert_refused("DuplicateSubnetsInSameZone", second, self.make, SubnetIds=both)
        id = self.make()["VpcEndpointId"]
        modify = self.ec2.modify_vpc_endpoint
        self.assert_refused("DuplicateSubnetsInSameZone", second, modify, VpcEndpointId=id, AddSubnetIds=[second])

    def test_private_dns_needs_names_in_the_vpc_and_one_endpoint_has_it(self) -> None:
        self.assert_refused("InvalidParameter", "enableDnsHostnames", self.make, PrivateDnsEnabled=True)
        self.turn_names_on()
        first = self.make(PrivateDnsEnabled=True)["VpcEndpointId"]
        second = self.make()["VpcEndpointId"]
        self.assert_refused("InvalidParameter", "conflicting DNS domain", self.make, PrivateDnsEnabled=True)
        turn_on = {"VpcEndpointId": second, "PrivateDnsEnabled": True}
        self.assert_refused("InvalidParameter", "conflicting DNS domain", self.ec2.modify_vpc_endpoint, **turn_on)
        self.ec2.delete_vpc_endpoints(VpcEndpointIds=[first])
        self.ec2.modify_vpc_endpoint(**turn_on)
        self.assertTrue(self.endpoint(second)["PrivateDnsEnabled"])
        self.ec2.modify_vpc_endpoint(VpcEndpointId=second, PrivateDnsEnabled=False)
        self.assertFalse(self.endpoint(second)["PrivateDnsEnabled"])

    def test_a_group_that_is_not_there_is_refused(self) -> None:
        groups = {"SecurityGroupIds": ["sg-0123456789abcdef0"]}
        self.assert_refused("InvalidGroup.NotFound", "sg-0123456789abcdef0", self.make, **groups)


class Services(WithVpc):
    def setUp(self) -> None:
        super().setUp()
        self.addCleanup(endpoint_services.OFFERED.clear)

    def services(self, name: str) -> list[dict[str, Any]]:
        interface = [{"Name": "service-type", "Values": ["Interface"]}]
        found = self.ec2.describe_vpc_endpoint_services(Filters=interface)["ServiceDetails"]
        return [service for service in found if service["ServiceName"] == f"com.amazonaws.{REGION}.{name}"]

    def test_a_service_of_an_account_has_the_zones_that_it_was_offered_with(self) -> None:
        self.assertEqual(self.services("elastic-inference.runtime"), [])
        endpoint_services.offer(ACCOUNT, REGION, "elastic-inference.runtime", ZONES[:2])
        (service,) = self.services("elastic-inference.runtime")
        self.assertEqual(service["AvailabilityZones"], ZONES[:2])
        self.assertEqual(service["SupportedIpAddressTypes"], ["ipv4"])
        endpoint_services.offer("111122223333", REGION, "sts", ZONES[:1])
        self.assertGreater(len(self.services("sts")[0]["AvailabilityZones"]), 1)

    def test_an_endpoint_is_refused_where_its_service_is_not(self) -> None:
        endpoint_services.offer(ACCOUNT, REGION, "sts", ZONES[:1])
        asked = {"VpcEndpointType": "Interface", "VpcId": self.vpc, "ServiceName": STS, "PrivateDnsEnabled": False}
        create = self.ec2.create_vpc_endpoint
        self.assert_refused("InvalidParameter", self.subnets[1], create, SubnetIds=self.subnets[:2], **asked)
        create(SubnetIds=self.subnets[:1], **asked)


class GatewayEndpoints(WithVpc):
    def make(self, tables: list[str]) -> str:
        made = self.ec2.create_vpc_endpoint(
            VpcEndpointType="Gateway", VpcId=self.vpc, ServiceName=S3, RouteTableIds=tables
        )
        self.assertFalse(made["VpcEndpoint"]["PrivateDnsEnabled"])
        return made["VpcEndpoint"]["VpcEndpointId"]

    def gateways(self, table: str) -> list[str]:
        return [route["GatewayId"] for route in self.routes(table)]

    def test_routes_follow_a_change(self) -> None:
        other = self.ec2.create_route_table(VpcId=self.vpc)["RouteTable"]["RouteTableId"]
        id = self.make([self.table])
        self.assertEqual(self.gateways(self.table), ["local", id])
        self.ec2.modify_vpc_endpoint(VpcEndpointId=id, AddRouteTableIds=[other], RemoveRouteTableIds=[self.table])
        self.assertEqual((self.gateways(self.table), self.gateways(other)), (["local"], ["local", id]))
        self.ec2.delete_vpc_endpoints(VpcEndpointIds=[id])
        self.assertEqual(self.gateways(other), ["local"])

    def test_a_table_leads_to_one_endpoint_of_a_service(self) -> None:
        id = self.make([self.table])
        self.assert_refused("RouteAlreadyExists", self.table, self.make, tables=[self.table])
        again = {"VpcEndpointId": id, "AddRouteTableIds": [self.table]}
        self.assert_refused("RouteAlreadyExists", self.table, self.ec2.modify_vpc_endpoint, **again)
        self.assertEqual(self.gateways(self.table), ["local", id])
