"""An elastic IP address in use cannot be released.

See https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ReleaseAddress.html.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.ec2.models import EC2Backend

from layer.patching import around, refuse


def install() -> None:
    around(EC2Backend, "release_address")(release)


def release(
    original: Callable[..., Any], backend: EC2Backend, address: str | None = None, allocation_id: str | None = None
) -> Any:
    if allocation_id and backend.address_by_allocation([allocation_id])[0].association_id:
        raise refuse("InvalidIPAddress.InUse", f"Address {allocation_id} is in use.")
    return original(address=address, allocation_id=allocation_id)
