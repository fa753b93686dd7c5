"""VPC endpoints as EC2 makes and changes them.

See https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVpcEndpoint.html.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from moto.ec2.exceptions import InvalidVpcEndPointIdError
from moto.ec2.models import EC2Backend
from moto.ec2.models.vpcs import VPCEndPoint
from moto.ec2.responses import EC2Response

from layer.patching import around, refuse


def install() -> None:
    around(EC2Response, "create_vpc_endpoint")(create)
    around(EC2Response, "modify_vpc_endpoint")(modify)
    # The filter vpc-endpoint-id reads it.
    VPCEndPoint.vpc_endpoint_id = property(lambda endpoint: endpoint.id)


def create(original: Callable[[], Any], response: EC2Response) -> Any:
    backend = response.ec2_backend
    vpc = backend.get_vpc(response._get_param("VpcId"))
    service = response._get_param("ServiceName")
    tables = response._get_param("RouteTableIds", [])
    is_interface = (response._get_param("VpcEndpointType") or "Gateway") == "Interface"
    # EC2's default for interface endpoints is true; gateway endpoints have none.
    private_dns = is_interface and response._get_bool_param("PrivateDnsEnabled", if_none=True)
    groups = [backend.get_security_group_from_id(id) or missing_group(id) for id in group_ids(response, "")]
    if is_interface:
        check_zones(backend, service, subnets_of(backend, response._get_param("SubnetIds", [])))
        if private_dns:
            check_private_dns(backend, vpc, service)
    else:
        check_routes(backend, service, tables)
    answer = original()
    endpoint = answer.result["VpcEndpoint"]
    endpoint.private_dns_enabled = private_dns
    if is_interface:
        endpoint.security_group_ids = [group.id for group in groups or [backend.get_default_security_group(vpc.id)]]
        endpoint.ip_address_type = response._get_param("IpAddressType") or "ipv4"
        # Those that moto made are on no address of the subnet.
        for id in endpoint.network_interface_ids:
            backend.delete_network_interface(id)
        endpoint.network_interface_ids = [
            make_interface(backend, endpoint, subnet) for subnet in subnets_of(backend, endpoint.subnet_ids)
        ]
    return answer


def modify(original: Callable[[], Any], response: EC2Response) -> Any:
    backend = response.ec2_backend
    endpoint = backend.get_vpc_end_point(response._get_param("VpcEndpointId"))
    if endpoint.state == "deleted":
        raise InvalidVpcEndPointIdError(endpoint.id)
    is_interface = endpoint.vpc_endpoint_type == "Interface"
    added = subnets_of(backend, response._get_param("AddSubnetIds", []))
    private_dns = response._get_bool_param("PrivateDnsEnabled")
    for id in group_ids(response, "Add"):
        if not backend.get_security_group_from_id(id):
            missing_group(id)
    if is_interface:
        check_zones(backend, endpoint.service_name, added, subnets_of(backend, endpoint.subnet_ids))
        if private_dns and not endpoint.private_dns_enabled:
            check_private_dns(backend, backend.get_vpc(endpoint.vpc_id), endpoint.service_name)
    else:
        check_routes(backend, endpoint.service_name, response._get_param("AddRouteTableIds", []))
    answer = original()
    if is_interface:
        if private_dns is not None:
            endpoint.private_dns_enabled = private_dns
        if response._get_param("IpAddressType"):
            endpoint.ip_address_type = response._get_param("IpAddressType")
        change_interfaces(backend, endpoint, added)
    else:
        change_routes(backend, endpoint, response)
    return answer


def group_ids(response: EC2Response, prefix: str) -> list[str]:
    return response._get_param(f"{prefix}SecurityGroupIds", [])


def missing_group(id: str) -> None:
    raise refuse("InvalidGroup.NotFound", f"The security group '{id}' does not exist")


def subnets_of(backend: EC2Backend, ids: Iterable[str] | None) -> list[Any]:
    return [backend.get_subnet(id) for id in ids or []]


def check_zones(backend: EC2Backend, service: str, added: list[Any], there: list[Any] = []) -> None:
    """One subnet in each zone, of those zones that the service has."""
    details = backend.describe_vpc_endpoint_services([service], [], 0, None, backend.region_name)["servicesDetails"]
    zones = {zone for kind in details for zone in kind["AvailabilityZones"]}
    taken = {subnet.availability_zone for subnet in there}
    for subnet in added:
        if subnet.availability_zone not in zones:
            message = f"The VPC endpoint service {service} does not support the availability zone of the subnet: {subnet.id}."
            raise refuse("InvalidParameter", message)
        if subnet.availability_zone in taken:
            message = f"Found another VPC endpoint subnet in the availability zone of {subnet.id}"
            raise refuse("DuplicateSubnetsInSameZone", message)
        taken.add(subnet.availability_zone)


def check_private_dns(backend: EC2Backend, vpc: Any, service: str) -> None:
    """The VPC resolves names, and the service's name leads to no other endpoint of it."""
    if not (vpc.enable_dns_support and vpc.enable_dns_hostnames):
        message = (
            "Enabling private DNS requires both enableDnsSupport and enableDnsHostnames VPC attributes set to true "
            f"for {vpc.id}"
        )
        raise refuse("InvalidParameter", message)
    for other in backend.vpc_end_points.values():
        same = other.vpc_id == vpc.id and other.service_name == service and other.vpc_endpoint_type == "Interface"
        if same and other.private_dns_enabled and other.state != "deleted":
            message = (
                "private-dns-enabled cannot be set because there is already a conflicting DNS domain for "
                f"{service} in the VPC {vpc.id}"
            )
            raise refuse("InvalidParameter", message)


def check_routes(backend: EC2Backend, service: str, tables: list[str]) -> None:
    """No table leads to the service's addresses already."""
    for table in tables:
        for route in backend.get_route_table(table).routes:
            if route.destination_prefix_list and route.destination_prefix_list.prefix_list_name == service:
                message = (
                    f"route table {table} already has a route with destination-prefix-list-id "
                    f"{route.destination_prefix_list.id}"
                )
                raise refuse("RouteAlreadyExists", message)


def change_routes(backend: EC2Backend, endpoint: Any, response: EC2Response) -> None:
    """What moto leaves out: a table that is added leads to the endpoint, and one that is removed no longer."""
    prefix_list = endpoint.destination_prefix_list_id
    for table in response._get_param("AddRouteTableIds", []):
        backend.create_route(table, None, gateway_id=endpoint.id, destination_prefix_list_id=prefix_list)
    for table in response._get_param("RemoveRouteTableIds", []):
        backend.delete_route(table, None, destination_prefix_list_id=prefix_list)


def change_interfaces(backend: EC2Backend, endpoint: Any, added: list[Any]) -> None:
    """One interface in each subnet, each with the endpoint's groups."""
    interfaces = [backend.enis[id] for id in endpoint.network_interface_ids]
    for interface in interfaces:
        if interface.subnet.id not in endpoint.subnet_ids:
            backend.delete_network_interface(interface.id)
        interface._group_set = groups_of(backend, endpoint)
    kept = [interface.id for interface in interfaces if interface.subnet.id in endpoint.subnet_ids]
    endpoint.network_interface_ids = kept + [make_interface(backend, endpoint, subnet) for subnet in added]


def groups_of(backend: EC2Backend, endpoint: Any) -> list[Any]:
    return [backend.get_security_group_from_id(id) for id in endpoint.security_group_ids]


def make_interface(backend: EC2Backend, endpoint: Any, subnet: Any) -> str:
    """An interface of the endpoint, with a free address of the subnet."""
    interface = backend.create_network_interface(
        subnet,
        free_address(backend, subnet),
        group_ids=endpoint.security_group_ids,
        description=f"VPC Endpoint Interface {endpoint.id}",
    )
    interface.interface_type = "vpc_endpoint"
    interface.requester_managed = True
    interface.status = "in-use"
    return interface.id


def free_address(backend: EC2Backend, subnet: Any) -> str:
    """The first address of a subnet that is neither AWS's (the first four and the last) nor taken."""
    taken = {
        address["PrivateIpAddress"]
        for interface in backend.enis.values()
        if interface.subnet.id == subnet.id
        for address in interface.private_ip_addresses
    }
    for address in list(subnet.cidr.hosts())[3:]:
        if str(address) not in taken:
            return str(address)
    raise refuse("InsufficientFreeAddressesInSubnet", f"{subnet.id} has not enough free addresses.")
