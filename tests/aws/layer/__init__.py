"""What AWS does and moto does not, as far as sagevpc meets it: thin, on top of moto as released.

| Module | What it adds |
|---|---|
| `addresses` | an elastic IP address in use cannot be released |
| `dhcp` | a VPC begins with the region's default DHCP options, which can be described |
| `endpoints` | the filter by id; interface endpoints have interfaces with addresses of their subnets and their groups, also after a change; conflicts of private DNS, zones and routes; routes of gateway endpoints follow a change |
| `endpoint_services` | for each account, services in some zones only, or services that have ended elsewhere |
| `flow_logs` | destinations as ARNs: a folder of a bucket, a log group |
| `interface_permissions` | permissions of others on network interfaces |
| `nat_gateways` | filters by id and tag; a deleted one leaves its routes as blackholes, and its address free; regional ones |
| `network_acls` | the filter by id; type and code of ICMP; a rule that is not there is refused with EC2's words |
| `prefix_lists` | the addresses of AWS's prefix lists |
| `security_groups` | rules of protocols that have no ports |
| `shares` | VPCs that another account shares |
| `simulate` | SimulatePrincipalPolicy |
| `tokens` | client tokens |

`install()` puts it into moto. `tests/support/serve_moto.py` serves moto with it. Each module has its tests in
`tests/`, which `cargo test --test aws` runs.
"""

import os

from layer import (
    addresses,
    dhcp,
    endpoint_services,
    endpoints,
    flow_logs,
    interface_permissions,
    nat_gateways,
    network_acls,
    prefix_lists,
    security_groups,
    shares,
    simulate,
    tokens,
)

PARTS = [
    addresses,
    dhcp,
    endpoint_services,
    endpoints,
    flow_logs,
    interface_permissions,
    nat_gateways,
    network_acls,
    prefix_lists,
    security_groups,
    shares,
    simulate,
    # Around everything that the others have put in: a repeated request must not get as far as them.
    tokens,
]


def install() -> None:
    """Puts all of it into moto, once."""
    # A thousand machine images for each account and region would take longer to make than most tests do.
    os.environ["MOTO_EC2_LOAD_DEFAULT_AMIS"] = "false"
    for part in PARTS:
        part.install()
