"""The addresses of AWS's prefix lists.

See https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribePrefixLists.html.
"""

from __future__ import annotations

from moto.ec2.models.managed_prefixes import ManagedPrefixList


def install() -> None:
    ManagedPrefixList.cidrs = property(cidrs)


def cidrs(prefix_list: ManagedPrefixList) -> list[str]:
    latest = list(prefix_list.entries.values())[-1:]
    return [entry["Cidr"] for entries in latest for entry in entries]
