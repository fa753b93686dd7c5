"""Client tokens: a request that comes again gets the answer that it got the first time.

See https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from moto.ec2.responses import EC2Response

from layer.patching import around, refuse

WITH_TOKENS = ("create_flow_logs", "create_nat_gateway", "create_vpc_endpoint")

ANSWERS: dict[tuple[str, ...], tuple[dict[str, Any], Any]] = {}
ONE_AT_A_TIME = threading.Lock()


def install() -> None:
    for name in WITH_TOKENS:
        around(EC2Response, name)(once)


def once(original: Callable[[], Any], response: EC2Response) -> Any:
    token = response._get_param("ClientToken")
    if not token:
        return original()
    request = dict(response.querystring)
    key = (response.current_account, response.region, response._get_action(), token)
    with ONE_AT_A_TIME:
        if key not in ANSWERS:
            # What is refused may be asked for again.
            ANSWERS[key] = (request, original())
        first, answer = ANSWERS[key]
    if first != request:
        message = f"The client token {token} was used before with other parameters"
        raise refuse("IdempotentParameterMismatch", message)
    return answer
