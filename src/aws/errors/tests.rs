//! What codes mean, and what never reaches a status.

use super::*;

fn kind(code: &str) -> FailureKind {
    Refusal::from_code(Call::CreateVpcEndpoint, code, "").failure.kind
}

#[test]
fn what_is_gone_is_told_from_what_it_refers_to() {
    for (code, thing) in [
        ("InvalidVpcEndpoint.NotFound", Thing::VpcEndpoint),
        ("InvalidVpcEndpointId.NotFound", Thing::VpcEndpoint),
        ("InvalidGroup.NotFound", Thing::SecurityGroup),
        ("InvalidPermission.NotFound", Thing::Rule),
        ("InvalidVpcID.NotFound", Thing::Other),
        ("InvalidRoute.NotFound", Thing::Route),
        ("InvalidRouteTableID.NotFound", Thing::RouteTable),
        ("InvalidNetworkAclEntry.NotFound", Thing::NetworkAclEntry),
        ("InvalidNetworkAclID.NotFound", Thing::NetworkAcl),
        ("InvalidAllocationID.NotFound", Thing::Address),
        ("NatGatewayNotFound", Thing::NatGateway),
        ("InvalidFlowLogId.NotFound", Thing::FlowLog),
    ] {
        assert_eq!(meaning(code, ""), Meaning::NotThere(thing), "{code}");
    }
}

#[test]
fn what_is_there_already_is_told_from_a_name_that_is_taken() {
    assert_eq!(meaning("InvalidPermission.Duplicate", ""), Meaning::AlreadyThere);
    assert_eq!(meaning("RouteAlreadyExists", ""), Meaning::AlreadyThere);
    assert_eq!(meaning("InvalidGroup.Duplicate", ""), Meaning::NameTaken);
}

#[test]
fn a_conflict_of_routes_is_known_under_both_of_its_codes() {
    let message = "route table rtb-1 already has a route with destination-prefix-list-id pl-1";
    assert_eq!(meaning("InvalidParameter", message), Meaning::AlreadyThere);
    assert_eq!(
        meaning("InvalidParameter", "the policy is malformed"),
        Meaning::Refused(FailureKind::Rejected)
    );
}

#[test]
fn a_conflict_of_private_names_is_known_by_its_words() {
    let message = "private-dns-enabled cannot be set because there is already a conflicting DNS domain for \
                   sts.us-east-1.amazonaws.com in the VPC vpc-0123456789abcdef0";
    assert_eq!(meaning("InvalidParameter", message), Meaning::DnsConflict);
}

#[test]
fn a_route_that_cannot_be_replaced_is_not_there() {
    let message = "There is no route defined for '0.0.0.0/0' in the route table. Use CreateRoute instead.";
    assert_eq!(
        meaning("InvalidParameterValue", message),
        Meaning::NotThere(Thing::Route)
    );
    assert_eq!(
        meaning("InvalidParameterValue", "Invalid name"),
        Meaning::Refused(FailureKind::Rejected)
    );
}

#[test]
fn a_quota_of_requests_is_no_quota_of_resources() {
    assert_eq!(kind("RequestLimitExceeded"), FailureKind::Throttled);
    for code in [
        "VpcEndpointLimitExceeded",
        "RulesPerSecurityGroupLimitExceeded",
        "SecurityGroupLimitExceeded",
    ] {
        assert_eq!(kind(code), FailureKind::QuotaExceeded, "{code}");
    }
}

#[test]
fn who_we_are_is_told_from_what_we_may_do() {
    assert_eq!(kind("AuthFailure"), FailureKind::NoCredentials);
    assert_eq!(kind("ExpiredToken"), FailureKind::NoCredentials);
    assert_eq!(kind("InvalidSignatureException"), FailureKind::NoCredentials);
    assert_eq!(kind("MissingAuthenticationTokenException"), FailureKind::NoCredentials);
    assert_eq!(kind("UnauthorizedOperation"), FailureKind::AccessDenied);
}

#[test]
fn an_unknown_code_is_a_rejection_that_keeps_its_name() {
    let refusal = Refusal::from_code(Call::ModifyVpcEndpoint, "SomethingNew", "No.");
    assert_eq!(
        refusal.failure,
        Failure {
            kind: FailureKind::Rejected,
            action: "ec2:ModifyVpcEndpoint".into(),
            code: Some("SomethingNew".into()),
            message: "No.".into(),
        }
    );
}

#[test]
fn the_encoded_part_of_a_denial_is_cut_off() {
    let message = "You are not authorized to perform this operation. User: arn:aws:iam::111122223333:user/x is not \
                   authorized to perform: ec2:CreateVpcEndpoint because no identity-based policy allows the \
                   ec2:CreateVpcEndpoint action. Encoded authorization failure message: 3mmYZ-qwertz_0123456789";
    let refusal = Refusal::from_code(Call::CreateVpcEndpoint, "UnauthorizedOperation", message);
    assert!(
        refusal
            .failure
            .message
            .ends_with("allows the ec2:CreateVpcEndpoint action."),
        "{refusal:?}"
    );
}

#[test]
fn access_keys_do_not_reach_a_message() {
    let message = "The security token ASIAIOSFODNN7EXAMPLE, or (AKIAIOSFODNN7EXAMPLE) is invalid; see ASIA-Pacific";
    assert_eq!(
        presentable(message),
        "The security token (access key) or (access key) is invalid; see ASIA-Pacific"
    );
}

#[test]
fn messages_are_one_line_of_bounded_length() {
    assert_eq!(presentable("two\n  lines"), "two lines");
    let long = presentable(&"ü".repeat(10_000));
    assert_eq!(long.chars().count(), MESSAGE_MAX_CHARS + 1);
}

#[test]
fn an_error_names_each_cause_once() {
    #[derive(Debug, thiserror::Error)]
    #[error("outer: refused")]
    struct Outer(#[source] Inner);
    #[derive(Debug, thiserror::Error)]
    #[error("refused")]
    struct Inner(#[source] std::fmt::Error);
    let error = Outer(Inner(std::fmt::Error));
    assert_eq!(chain(&error), format!("outer: refused: {}", std::fmt::Error));
}

#[test]
fn missing_credentials_are_told_from_slow_ones() {
    let refusal = |error: &CredentialsError| Refusal::from_credentials(Call::DescribeVpcs, error).failure;
    let missing = refusal(&CredentialsError::not_loaded("no provider in chain"));
    assert_eq!(missing.kind, FailureKind::NoCredentials);
    assert_eq!(missing.action, "ec2:DescribeVpcs");
    assert!(missing.message.contains("no provider in chain"), "{}", missing.message);
    let slow = refusal(&CredentialsError::provider_timed_out(std::time::Duration::from_secs(8)));
    assert_eq!(slow.kind, FailureKind::Unreachable);
}
