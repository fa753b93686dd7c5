"""SimulatePrincipalPolicy for roles and users: their inline and attached policies, and their boundary.

Conditions are evaluated with the context that the request gives. Resource policies, session policies and those of an
organisation are left out: moto has none for a simulation to see.

See https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html and
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html.
"""

from __future__ import annotations

import fnmatch
import json
import re
from dataclasses import dataclass, field
from typing import Any

from moto.core.responses import ActionResult
from moto.iam.exceptions import InvalidInput
from moto.iam.responses import IamResponse

ALLOWED, DENIED, NOT_ALLOWED = "allowed", "explicitDeny", "implicitDeny"


def install() -> None:
    IamResponse.simulate_principal_policy = simulate


def simulate(response: IamResponse) -> ActionResult:
    principal = principal_of(response, response._get_param("PolicySourceArn"))
    identity = [json.loads(text) for text in response._get_param("PolicyInputList", [])] + policies_of(principal)
    boundary = boundary_of(response, principal)
    context = {
        entry["ContextKeyName"].lower(): entry.get("ContextKeyValues", [])
        for entry in response._get_param("ContextEntries", [])
    }
    resources = response._get_param("ResourceArns", []) or ["*"]
    results = []
    for action in response._get_param("ActionNames", []):
        single = [evaluate(action, resource, identity, boundary, context) for resource in resources]
        worst = min(single, key=lambda result: [DENIED, NOT_ALLOWED, ALLOWED].index(result["EvalResourceDecision"]))
        results.append(
            {
                "EvalActionName": action,
                "EvalResourceName": worst["EvalResourceName"],
                "EvalDecision": worst["EvalResourceDecision"],
                "MatchedStatements": worst["MatchedStatements"],
                "MissingContextValues": sorted({key for result in single for key in result["MissingContextValues"]}),
                "ResourceSpecificResults": single if len(resources) > 1 else [],
                **{key: worst[key] for key in ["PermissionsBoundaryDecisionDetail"] if key in worst},
            }
        )
    return ActionResult({"EvaluationResults": results, "IsTruncated": False})


def principal_of(response: IamResponse, arn: str) -> Any:
    parsed = re.fullmatch(r"arn:[^:]+:iam::\d+:(role|user)/(?:.*/)?([^/]+)", arn)
    if parsed is None:
        raise InvalidInput(f"Invalid Entity Arn: {arn} does not clearly define entity type and name.")
    kind, name = parsed.groups()
    return response.backend.get_role(name) if kind == "role" else response.backend.get_user(name)


def policies_of(principal: Any) -> list[dict[str, Any]]:
    attached = [text_of(policy) for policy in principal.managed_policies.values()]
    return [json.loads(text) for text in [*principal.policies.values(), *attached]]


def text_of(policy: Any) -> str:
    """The document of a managed policy: its default version's."""
    return next(version.document for version in policy.versions if version.version_id == policy.default_version_id)


def boundary_of(response: IamResponse, principal: Any) -> dict[str, Any] | None:
    """The document of the principal's boundary, or of the one that the request puts in its place."""
    given = response._get_param("PermissionsBoundaryPolicyInputList", [])
    if given:
        return json.loads(given[0])
    arn = getattr(principal, "permissions_boundary_arn", None)
    return json.loads(text_of(response.backend.get_policy(arn))) if arn else None


def evaluate(
    action: str, resource: str, identity: list[dict[str, Any]], boundary: dict[str, Any] | None, context: dict[str, Any]
) -> dict[str, Any]:
    """What becomes of one action on one resource."""
    question = Question(action, resource, context)
    by_identity = question.asked_of(identity)
    by_boundary = ALLOWED if boundary is None else question.asked_of([boundary])
    decision = min([by_identity, by_boundary], key=[DENIED, NOT_ALLOWED, ALLOWED].index)
    result: dict[str, Any] = {
        "EvalResourceName": resource,
        "EvalResourceDecision": decision,
        "MatchedStatements": question.matched if decision != NOT_ALLOWED else [],
        "MissingContextValues": sorted(question.missing),
    }
    if boundary is not None:
        detail = {"AllowedByPermissionsBoundary": by_boundary == ALLOWED}
        result["PermissionsBoundaryDecisionDetail"] = detail
    return result


@dataclass
class Question:
    """May this be done? And what was found on the way to the answer."""

    action: str
    resource: str
    context: dict[str, Any]
    matched: list[dict[str, str]] = field(default_factory=list)
    missing: set[str] = field(default_factory=set)

    def asked_of(self, policies: list[dict[str, Any]]) -> str:
        statements = [statement for policy in policies for statement in listed(policy["Statement"])]
        effects = [statement["Effect"] for statement in statements if self.is_meant_by(statement)]
        self.matched += [{"SourcePolicyId": "policy", "SourcePolicyType": "IAM Policy"} for _ in effects]
        if "Deny" in effects:
            return DENIED
        return ALLOWED if "Allow" in effects else NOT_ALLOWED

    def is_meant_by(self, statement: dict[str, Any]) -> bool:
        if not self.is_in(statement, "Action", self.action.lower(), str.lower):
            return False
        if not self.is_in(statement, "Resource", self.resource, str):
            return False
        conditions = statement.get("Condition", {})
        return all(
            [self.holds(operator, key, values) for operator, keys in conditions.items() for key, values in keys.items()]
        )

    def is_in(self, statement: dict[str, Any], element: str, value: str, spelled: Any) -> bool:
        """Whether `Action` or `Resource` has the value, or `NotAction` or `NotResource` has it not."""
        if element in statement:
            return any(matches(spelled(pattern), value) for pattern in listed(statement[element]))
        return not any(matches(spelled(pattern), value) for pattern in listed(statement[f"Not{element}"]))

    def holds(self, operator: str, key: str, values: Any) -> bool:
        wanted = [str(value).lower() if isinstance(value, bool) else value for value in listed(values)]
        found = self.context.get(key.lower())
        if operator == "Null":
            return (found is None) == (wanted == ["true"])
        quantifier, _, plain = operator.rpartition(":")
        plain, if_exists = plain.removesuffix("IfExists"), plain.endswith("IfExists")
        negated = "Not" in plain
        if found is None:
            self.missing.add(key)
            return if_exists or negated or quantifier == "ForAllValues"
        if plain not in COMPARISONS:
            raise InvalidInput(f"This server evaluates no conditions of the kind {operator}")
        hits = [any(COMPARISONS[plain](pattern, value) for pattern in wanted) != negated for value in found]
        return any(hits) if quantifier == "ForAnyValue" else all(hits)


def equals(pattern: str, value: str) -> bool:
    return pattern == value


def equals_ignoring_case(pattern: str, value: str) -> bool:
    return pattern.lower() == value.lower()


def matches(pattern: str, value: str) -> bool:
    """IAM's wildcards: `*` and `?`, and no brackets."""
    return fnmatch.fnmatchcase(value, pattern.replace("[", "[[]"))


# A negated comparison is the plain one, turned round by whoever asks.
COMPARISONS = {
    "ArnEquals": matches,
    "ArnLike": matches,
    "ArnNotEquals": matches,
    "ArnNotLike": matches,
    "Bool": equals_ignoring_case,
    "StringEquals": equals,
    "StringEqualsIgnoreCase": equals_ignoring_case,
    "StringLike": matches,
    "StringNotEquals": equals,
    "StringNotEqualsIgnoreCase": equals_ignoring_case,
    "StringNotLike": matches,
}


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
