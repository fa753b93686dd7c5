"""Network ACLs found by id, and their rules: with the type and code of ICMP, and EC2's words for one that is not there.

See https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.ec2.models.network_acls import NetworkAcl
from moto.ec2.responses import EC2Response

from layer.patching import around, refuse


def install() -> None:
    for name in ("create_network_acl_entry", "replace_network_acl_entry"):
        around(EC2Response, name)(with_icmp)
    for name in ("delete_network_acl_entry", "replace_network_acl_entry"):
        around(EC2Response, name)(one_that_is_there)
    NetworkAcl.is_default = property(lambda acl: acl.default)
    # The filter network-acl-id reads it.
    NetworkAcl.network_acl_id = property(lambda acl: acl.id)


def with_icmp(original: Callable[[], Any], response: EC2Response) -> Any:
    answer = original()
    icmp = response._get_param("IcmpTypeCode")
    entry = find_entry(response)
    if icmp and entry:
        entry.icmp_type, entry.icmp_code = icmp["Type"], icmp["Code"]
    return answer


def one_that_is_there(original: Callable[[], Any], response: EC2Response) -> Any:
    if find_entry(response) is None:
        direction = "egress" if response._get_param("Egress") else "ingress"
        number, acl = response._get_param("RuleNumber"), response._get_param("NetworkAclId")
        raise refuse("InvalidNetworkAclEntry.NotFound", f"The {direction} rule {number} does not exist in {acl}")
    return original()


def find_entry(response: EC2Response) -> Any:
    """The rule that a request names, if it is there."""
    acl = response.ec2_backend.get_network_acl(response._get_param("NetworkAclId"))
    named = response._get_param("RuleNumber"), response._get_param("Egress")
    return next((entry for entry in acl.network_acl_entries if (entry.rule_number, entry.egress) == named), None)
