"""DHCP options, prefix lists, security groups, network ACLs, flow logs, permissions on network interfaces."""

from __future__ import annotations

from typing import Any

from layer.tests import REGION, WithVpc, client


class DhcpOptions(WithVpc):
    def test_a_vpc_begins_with_options_that_can_be_described(self) -> None:
        id = self.ec2.describe_vpcs(VpcIds=[self.vpc])["Vpcs"][0]["DhcpOptionsId"]
        (options,) = self.ec2.describe_dhcp_options(DhcpOptionsIds=[id])["DhcpOptions"]
        values = {each["Key"]: each["Values"] for each in options["DhcpConfigurations"]}
        expected = {
            "domain-name": [{"Value": "ec2.internal"}],
            "domain-name-servers": [{"Value": "AmazonProvidedDNS"}],
        }
        self.assertEqual(values, expected)

    def test_a_vpc_can_have_none(self) -> None:
        self.ec2.associate_dhcp_options(VpcId=self.vpc, DhcpOptionsId="default")
        self.assertEqual(self.ec2.describe_vpcs(VpcIds=[self.vpc])["Vpcs"][0]["DhcpOptionsId"], "default")


class PrefixLists(WithVpc):
    def test_the_list_of_s3_has_addresses(self) -> None:
        lists = {each["PrefixListName"]: each["Cidrs"] for each in self.ec2.describe_prefix_lists()["PrefixLists"]}
        self.assertIn("52.216.0.0/15", lists[f"com.amazonaws.{REGION}.s3"])


class SecurityGroups(WithVpc):
    def test_a_rule_of_a_protocol_without_ports_has_none(self) -> None:
        group = self.ec2.create_security_group(GroupName="esp", Description="esp", VpcId=self.vpc)["GroupId"]
        rule = {"IpProtocol": "50", "UserIdGroupPairs": [{"GroupId": group}]}
        self.ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])
        (found,) = self.ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"]
        (permission,) = found["IpPermissions"]
        self.assertEqual(permission["IpProtocol"], "50")
        self.ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=[rule])
        (found,) = self.ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"]
        self.assertEqual(found["IpPermissions"], [])


class NetworkAcls(WithVpc):
    def setUp(self) -> None:
        super().setUp()
        (acl,) = self.acls()
        self.acl = acl["NetworkAclId"]

    def acls(self) -> list[dict[str, Any]]:
        in_vpc = [{"Name": "vpc-id", "Values": [self.vpc]}]
        return self.ec2.describe_network_acls(Filters=in_vpc)["NetworkAcls"]

    def test_the_default_one_says_so(self) -> None:
        self.assertTrue(self.acls()[0]["IsDefault"])

    def test_one_is_found_by_its_id(self) -> None:
        for id, count in [(self.acl, 1), ("acl-0123456789abcdef0", 0)]:
            found = self.ec2.describe_network_acls(Filters=[{"Name": "network-acl-id", "Values": [id]}])["NetworkAcls"]
            self.assertEqual(len(found), count)

    def test_rules_come_back_with_ports_and_icmp_types(self) -> None:
        rule = {"NetworkAclId": self.acl, "Egress": True, "RuleAction": "allow", "CidrBlock": "10.0.0.0/16"}
        create = self.ec2.create_network_acl_entry
        create(RuleNumber=200, Protocol="6", PortRange={"From": 443, "To": 443}, **rule)
        create(RuleNumber=201, Protocol="1", IcmpTypeCode={"Type": -1, "Code": -1}, **rule)
        entries = {entry["RuleNumber"]: entry for entry in self.acls()[0]["Entries"] if entry["Egress"]}
        self.assertEqual(entries[200]["PortRange"], {"From": 443, "To": 443})
        self.assertEqual(entries[201]["IcmpTypeCode"], {"Type": -1, "Code": -1})

    def test_a_rule_that_is_not_there_is_refused(self) -> None:
        code = "InvalidNetworkAclEntry.NotFound"
        rule = {"NetworkAclId": self.acl, "RuleNumber": 200, "Egress": True}
        self.assert_refused(code, "200", self.ec2.delete_network_acl_entry, **rule)
        replace = rule | {"Protocol": "-1", "RuleAction": "allow", "CidrBlock": "10.0.0.0/16"}
        self.assert_refused(code, "200", self.ec2.replace_network_acl_entry, **replace)
        self.ec2.create_network_acl_entry(**replace)
        self.ec2.delete_network_acl_entry(**rule)


class FlowLogs(WithVpc):
    def make(self, **parameters: Any) -> dict[str, Any]:
        return self.ec2.create_flow_logs(
            ResourceIds=[self.vpc], ResourceType="VPC", TrafficType="ALL", **parameters
        )

    def test_records_go_to_a_folder_of_a_bucket(self) -> None:
        client("s3").create_bucket(Bucket="records")
        to_folder = {"LogDestinationType": "s3", "LogDestination": "arn:aws:s3:::records/vpc"}
        (id,) = self.make(**to_folder)["FlowLogIds"]
        (log,) = self.ec2.describe_flow_logs(FlowLogIds=[id])["FlowLogs"]
        self.assertEqual({key: log[key] for key in to_folder}, to_folder)
        self.assert_refused("FlowLogAlreadyExists", "existing Flow Log", self.make, **to_folder)
        nowhere = self.make(LogDestinationType="s3", LogDestination="arn:aws:s3:::nowhere")
        self.assertEqual(nowhere["FlowLogIds"], [])
        self.assertEqual(nowhere["Unsuccessful"][0]["ResourceId"], self.vpc)

    def test_records_go_to_a_log_group(self) -> None:
        client("logs").create_log_group(logGroupName="records")
        destination = f"arn:aws:logs:{REGION}:123456789012:log-group:records"
        role = "arn:aws:iam::123456789012:role/flow-logs"
        to_group = {"LogDestinationType": "cloud-watch-logs", "LogDestination": destination}
        (id,) = self.make(DeliverLogsPermissionArn=role, **to_group)["FlowLogIds"]
        (log,) = self.ec2.describe_flow_logs(FlowLogIds=[id])["FlowLogs"]
        self.assertEqual({key: log[key] for key in to_group}, to_group)
        self.assertEqual((log["LogGroupName"], log["DeliverLogsStatus"]), ("records", "SUCCESS"))


class InterfacePermissions(WithVpc):
    def test_a_permission_is_found_by_its_interface_until_it_is_deleted(self) -> None:
        interface, other = (
            self.ec2.create_network_interface(SubnetId=self.subnets[0])["NetworkInterface"]["NetworkInterfaceId"]
            for _ in range(2)
        )
        made = self.ec2.create_network_interface_permission(
            NetworkInterfaceId=interface, AwsService="sagemaker.amazonaws.com", Permission="INSTANCE-ATTACH"
        )["InterfacePermission"]
        self.assertEqual(made["PermissionState"]["State"], "granted")

        def on(id: str) -> list[dict[str, Any]]:
            by_interface = {"Name": "network-interface-permission.network-interface-id", "Values": [id]}
            found = self.ec2.describe_network_interface_permissions(Filters=[by_interface])
            return found["NetworkInterfacePermissions"]

        self.assertEqual((on(interface), on(other)), ([made], []))
        id = made["NetworkInterfacePermissionId"]
        self.ec2.delete_network_interface_permission(NetworkInterfacePermissionId=id)
        self.assertEqual(on(interface), [])
