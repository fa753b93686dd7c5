"""SimulatePrincipalPolicy."""

from __future__ import annotations

import json
import unittest
from typing import Any

from botocore.exceptions import ClientError
from moto import mock_aws

from layer.tests import client

ENI = "ec2:CreateNetworkInterface"


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action: str, resource: str = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


class Simulate(unittest.TestCase):
    def setUp(self) -> None:
        aws = mock_aws()
        aws.start()
        self.addCleanup(aws.stop)
        self.iam = client("iam")

    def role(self, *statements: dict[str, Any], boundary: str | None = None) -> str:
        more = {"PermissionsBoundary": boundary} if boundary else {}
        role = self.iam.create_role(RoleName="execution", AssumeRolePolicyDocument=document(), Path="/ml/", **more)["Role"]
        if statements:
            self.iam.put_role_policy(RoleName="execution", PolicyName="p", PolicyDocument=document(*statements))
        return role["Arn"]

    def policy(self, *statements: dict[str, Any]) -> str:
        made = self.iam.create_policy(PolicyName=f"p{len(statements)}", PolicyDocument=document(*statements))
        return made["Policy"]["Arn"]

    def ask(self, role: str, action: str = ENI, **parameters: Any) -> dict[str, Any]:
        answer = self.iam.simulate_principal_policy(PolicySourceArn=role, ActionNames=[action], **parameters)
        (result,) = answer["EvaluationResults"]
        self.assertEqual(result["EvalActionName"], action)
        return result

    def test_what_a_policy_allows_is_allowed_and_nothing_else(self) -> None:
        role = self.role(allow("ec2:Create*Interface"))
        self.assertEqual(self.ask(role)["EvalDecision"], "allowed")
        self.assertEqual(self.ask(role, "EC2:createnetworkinterface")["EvalDecision"], "allowed")
        self.assertEqual(self.ask(role, "ec2:DeleteNetworkInterface")["EvalDecision"], "implicitDeny")

    def test_attached_policies_count_in_their_default_version(self) -> None:
        role, arn = self.role(), self.policy(allow("s3:*"))
        self.iam.attach_role_policy(RoleName="execution", PolicyArn=arn)
        self.assertEqual(self.ask(role)["EvalDecision"], "implicitDeny")
        self.iam.create_policy_version(PolicyArn=arn, PolicyDocument=document(allow(ENI)), SetAsDefault=True)
        self.assertEqual(self.ask(role)["EvalDecision"], "allowed")

    def test_a_denial_goes_before_all(self) -> None:
        role = self.role(allow("*"), {"Effect": "Deny", "NotAction": "s3:*", "Resource": "*"})
        self.assertEqual(self.ask(role)["EvalDecision"], "explicitDeny")
        self.assertEqual(self.ask(role, "s3:GetObject")["EvalDecision"], "allowed")

    def test_a_boundary_limits_what_policies_allow_and_adds_nothing(self) -> None:
        role = self.role(allow("ec2:*"), boundary=self.policy(allow("ec2:Describe*"), allow("s3:*")))
        create = self.ask(role)
        self.assertEqual(create["EvalDecision"], "implicitDeny")
        self.assertEqual(create["PermissionsBoundaryDecisionDetail"], {"AllowedByPermissionsBoundary": False})
        self.assertEqual(self.ask(role, "ec2:DescribeVpcs")["EvalDecision"], "allowed")
        self.assertEqual(self.ask(role, "s3:GetObject")["EvalDecision"], "implicitDeny")

    def test_each_resource_has_a_result(self) -> None:
        role = self.role(allow("s3:GetObject", "arn:aws:s3:::data/*"))
        both = self.ask(role, "s3:GetObject", ResourceArns=["arn:aws:s3:::data/a", "arn:aws:s3:::other/a"])
        self.assertEqual(both["EvalDecision"], "implicitDeny")
        results = {each["EvalResourceName"]: each["EvalResourceDecision"] for each in both["ResourceSpecificResults"]}
        self.assertEqual(results, {"arn:aws:s3:::data/a": "allowed", "arn:aws:s3:::other/a": "implicitDeny"})

    def test_a_condition_holds_by_the_context_and_a_key_that_is_missing_is_named(self) -> None:
        role = self.role(allow(ENI, Condition={"StringEquals": {"aws:RequestedRegion": ["us-east-1"]}}))
        without = self.ask(role)
        self.assertEqual(without["EvalDecision"], "implicitDeny")
        self.assertEqual(without["MissingContextValues"], ["aws:RequestedRegion"])
        for region, decision in [("us-east-1", "allowed"), ("eu-west-1", "implicitDeny")]:
            entry = {"ContextKeyName": "aws:RequestedRegion", "ContextKeyValues": [region], "ContextKeyType": "string"}
            self.assertEqual(self.ask(role, ContextEntries=[entry])["EvalDecision"], decision)

    def test_negated_conditions_hold_without_their_key(self) -> None:
        role = self.role(allow(ENI, Condition={"StringNotEquals": {"aws:SourceVpc": "vpc-1"}}))
        self.assertEqual(self.ask(role)["EvalDecision"], "allowed")

    def test_a_role_that_is_not_there_and_a_session_are_refused(self) -> None:
        for arn, code in [
            ("arn:aws:iam::123456789012:role/nobody", "NoSuchEntity"),
            ("arn:aws:sts::123456789012:assumed-role/execution/session", "InvalidInput"),
        ]:
            with self.assertRaises(ClientError) as refused:
                self.ask(arn)
            self.assertEqual(refused.exception.response["Error"]["Code"], code)
