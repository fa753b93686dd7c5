"""NAT gateways as EC2 finds and deletes them.

See https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-working-with.html and
https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateways-regional.html.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.ec2.models import EC2Backend
from moto.ec2.models.nat_gateways import NatGateway
from moto.ec2.models.route_tables import Route
from moto.ec2.responses import EC2Response
from moto.ec2.utils import add_tag_specification, generic_filter, random_nat_gateway_id

from layer.patching import around, refuse


class RegionalNatGateway(NatGateway):
    """One for all zones of a VPC: it is in no subnet and has addresses of AWS's."""

    def __init__(self, backend: EC2Backend, vpc_id: str, tags: dict[str, str]):
        self.id = random_nat_gateway_id()
        self.vpc_id = vpc_id
        self.subnet_id = None
        self.availability_mode = "regional"
        self.connectivity_type = "public"
        self.state = "available"
        self.ec2_backend = backend
        self.address_set: list[dict[str, Any]] = []
        self._created_at = utcnow()
        self._eni = None
        self.add_tags(tags)


def install() -> None:
    around(EC2Response, "create_nat_gateway")(create_regional)
    around(EC2Backend, "create_nat_gateway")(create)
    around(EC2Backend, "describe_nat_gateways")(describe)
    around(EC2Backend, "delete_nat_gateway")(delete)
    for name in ("create_route", "replace_route"):
        around(EC2Backend, name)(lead_to_one_that_is_there)
    # The filter nat-gateway-id reads it.
    NatGateway.nat_gateway_id = property(lambda gateway: gateway.id)
    Route.state = property(state)


def create_regional(original: Callable[[], Any], response: EC2Response) -> Any:
    if response._get_param("AvailabilityMode") != "regional":
        return original()
    backend = response.ec2_backend
    if response._get_param("SubnetId") is not None:
        raise refuse("InvalidParameterCombination", "A regional NAT gateway is in no subnet")
    vpc = backend.get_vpc(response._get_param("VpcId")).id
    attached = [gateway.vpc.id for gateway in backend.internet_gateways.values() if gateway.vpc is not None]
    if vpc not in attached:
        raise refuse("Gateway.NotAttached", f"Network {vpc} has no Internet gateway attached")
    tags = add_tag_specification(response._get_param("TagSpecifications", []))
    gateway = RegionalNatGateway(backend, vpc, tags)
    backend.nat_gateways[gateway.id] = gateway
    return ActionResult({"NatGateway": gateway})


def create(original: Callable[..., Any], backend: EC2Backend, *args: Any, **kwargs: Any) -> Any:
    gateway = original(*args, **kwargs)
    gateway._eni.interface_type = "nat_gateway"
    gateway._eni.description = f"Interface for NAT Gateway {gateway.id}"
    gateway._eni.requester_managed = True
    gateway._eni.status = "in-use"
    return gateway


def describe(original: Callable[..., Any], backend: EC2Backend, filters: Any, nat_gateway_ids: Any) -> Any:
    """Every filter that EC2 has, by tag among them; moto passes over those that it does not know."""
    return generic_filter(filters, original(None, nat_gateway_ids))


def delete(original: Callable[..., Any], backend: EC2Backend, nat_gateway_id: str) -> Any:
    gateway = backend.nat_gateways.get(nat_gateway_id)
    if gateway is None or gateway.state == "deleted":
        raise refuse("NatGatewayNotFound", f"NAT gateway {nat_gateway_id} was not found")
    if gateway._eni is not None:
        for address in backend.addresses:
            if address.eni is gateway._eni:
                backend.disassociate_address(association_id=address.association_id)
        backend.delete_network_interface(gateway._eni.id)
    return original(nat_gateway_id)


def lead_to_one_that_is_there(original: Callable[..., Any], backend: EC2Backend, *args: Any, **kwargs: Any) -> Any:
    id = kwargs.get("nat_gateway_id")
    if id is not None:
        gateway = backend.nat_gateways.get(id)
        if gateway is None or gateway.state == "deleted":
            raise refuse("InvalidNatGatewayID.NotFound", f"The natGateway ID '{id}' does not exist")
    return original(*args, **kwargs)


def state(route: Route) -> str:
    gone = route.nat_gateway is not None and route.nat_gateway.state == "deleted"
    return "blackhole" if gone else "active"
