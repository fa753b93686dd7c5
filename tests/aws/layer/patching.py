"""How a part of the layer puts itself into moto."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from moto.ec2.exceptions import EC2ClientError


def around(owner: type, name: str) -> Callable[[Callable[..., Any]], None]:
    """Puts a function around a method: it is given the method, bound, and what the method was given."""

    def put(function: Callable[..., Any]) -> None:
        original = getattr(owner, name)

        @functools.wraps(original)
        def method(self: Any, *args: Any, **kwargs: Any) -> Any:
            return function(functools.partial(original, self), self, *args, **kwargs)

        setattr(owner, name, method)

    return put


def refuse(code: str, message: str) -> EC2ClientError:
    """An error as EC2 answers with it."""
    return EC2ClientError(code, message)
