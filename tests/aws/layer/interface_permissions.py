"""Permissions of others on network interfaces, by which SageMaker attaches those that it makes in a VPC.

See https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateNetworkInterfacePermission.html.
"""

from __future__ import annotations

import secrets
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.responses import EC2Response

from layer.patching import refuse

FILTERS = {
    "network-interface-permission.network-interface-permission-id": "NetworkInterfacePermissionId",
    "network-interface-permission.network-interface-id": "NetworkInterfaceId",
    "network-interface-permission.aws-account-id": "AwsAccountId",
    "network-interface-permission.aws-service": "AwsService",
    "network-interface-permission.permission": "Permission",
}


def install() -> None:
    EC2Response.create_network_interface_permission = create
    EC2Response.describe_network_interface_permissions = describe
    EC2Response.delete_network_interface_permission = delete


def permissions_of(response: EC2Response) -> dict[str, dict[str, Any]]:
    return response.ec2_backend.__dict__.setdefault("interface_permissions", {})


def create(response: EC2Response) -> ActionResult:
    interface = response.ec2_backend.get_network_interface(response._get_param("NetworkInterfaceId"))
    permission = {
        "NetworkInterfacePermissionId": f"eni-perm-{secrets.token_hex(8)}",
        "NetworkInterfaceId": interface.id,
        "AwsAccountId": response._get_param("AwsAccountId"),
        "AwsService": response._get_param("AwsService"),
        "Permission": response._get_param("Permission"),
        "PermissionState": {"State": "granted"},
    }
    permissions_of(response)[permission["NetworkInterfacePermissionId"]] = permission
    return ActionResult({"InterfacePermission": permission})


def describe(response: EC2Response) -> ActionResult:
    wanted = response._get_param("NetworkInterfacePermissionIds", [])
    filters = response._filters_from_querystring()
    found = [
        permission
        for id, permission in permissions_of(response).items()
        if (not wanted or id in wanted)
        and all(permission[FILTERS[name]] in values for name, values in filters.items())
    ]
    return ActionResult({"NetworkInterfacePermissions": found})


def delete(response: EC2Response) -> ActionResult:
    id = response._get_param("NetworkInterfacePermissionId")
    if permissions_of(response).pop(id, None) is None:
        raise refuse("InvalidPermissionID.NotFound", f"The network interface permission ID '{id}' does not exist")
    return ActionResult({"Return": True})
