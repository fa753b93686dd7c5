use serde_json::{Value, json};

use super::*;

fn grants(value: Value) -> Grants {
    serde_json::from_value(value).unwrap()
}

fn granted(value: Value) -> Granted {
    Granted::to_anyone(&grants(value))
}

fn destination(value: Value) -> Destination {
    serde_json::from_value(value).unwrap()
}

/// Whether a grant of this text lets the destination be reached.
fn reaches(grant: &str, to: Value) -> bool {
    let granted = granted(json!({ "destinations": [grant] }));
    granted.lacks_for(&destination(to)).is_empty()
}

#[test]
fn a_block_admits_what_lies_wholly_inside_and_nothing_else() {
    for (grant, cidr, expected) in [
        ("10.1.0.0/16", "10.1.0.0/16", true),
        ("10.1.0.0/16", "10.1.7.0/24", true),
        ("10.1.0.0/16", "10.1.7.9/24", true),
        ("10.1.0.0/16", "10.1.0.0/0", false),
        ("10.1.0.0/16", "10.1.0.0/15", false),
        ("10.1.0.0/16", "10.2.0.0/16", false),
        ("0.0.0.0/0", "10.1.0.0/0", true),
        ("0.0.0.0/0", "::/0", false),
        ("::/0", "10.0.0.0/8", false),
        ("2001:db8::/32", "2001:db8:1::/48", true),
        ("2001:db8::/32", "2001:db9::/48", false),
        ("2001:db8::/32", "2001:0db8:0:0::1/128", true),
        // By itself it is everything, as in the other lists; any other pattern of
        // names says nothing of addresses.
        ("*", "10.1.0.0/16", true),
        ("*:443", "10.1.0.0/16", false),
        ("*:*", "10.1.0.0/16", false),
        ("**", "10.1.0.0/16", false),
        ("10.1.*", "10.1.0.0/16", false),
        ("10.1.*", "10.1.0.0/0", false),
        ("10.1.0.0/*", "10.1.0.0/16", false),
        ("*.0.0.0/8", "10.0.0.0/8", false),
        // Nobody knows what is meant.
        ("10.1.2.3/8", "10.1.2.3/32", false),
    ] {
        assert_eq!(reaches(grant, json!({ "cidr": cidr })), expected, "{grant} {cidr}");
    }
}

#[test]
fn blocks_side_by_side_admit_what_they_cover_together() {
    let both = granted(json!({ "destinations": ["10.0.0.0/16", "10.1.0.0/16"] }));
    assert!(
        both.lacks_for(&destination(json!({ "cidr": "10.0.0.0/15" })))
            .is_empty()
    );
    let apart = granted(json!({ "destinations": ["10.0.0.0/16", "10.1.0.0/16:80"] }));
    let wide = destination(json!({ "cidr": "10.0.0.0/15", "ports": [443, 80] }));
    assert_eq!(apart.lacks_for(&wide), ["10.0.0.0/15", "10.0.0.0/15:80"]);
}

#[test]
fn a_grant_bounds_ports_and_is_for_https_where_it_names_none() {
    for (grant, ports, expected) in [
        ("pypi.org", json!([443]), true),
        ("pypi.org", json!([22]), false),
        ("pypi.org", json!([443, 22]), false),
        ("pypi.org:22", json!([443]), false),
        ("pypi.org:22", json!([22]), true),
        ("pypi.org:22/tcp", json!([22]), true),
        ("pypi.org:20-25", json!([20, 25]), true),
        ("pypi.org:20-25", json!([26]), false),
        ("pypi.org:*", json!([1, 65535]), true),
        ("*", json!([443, 5439]), true),
        ("*:443", json!([443]), true),
        ("*:443", json!([443, 5439]), false),
        ("*.org", json!([5439]), false),
        ("pypi.org:25-20", json!([22]), false),
        ("pypi.org:0-100", json!([22]), false),
        ("pypi.org:+22", json!([22]), false),
        ("pypi.org:65536", json!([443]), false),
        ("pypi.org:", json!([443]), false),
        ("pypi.org:22/udp", json!([22]), false),
        ("pypi.org:22/icmp", json!([22]), false),
    ] {
        let host = json!({ "host": "pypi.org", "ports": ports });
        assert_eq!(reaches(grant, host), expected, "{grant} {ports}");
    }
    for (grant, port, expected) in [
        ("192.0.2.0/24:8000-8099", 8000, true),
        ("192.0.2.0/24:8000-8099", 443, false),
        ("192.0.2.0/24:*", 22, true),
        ("192.0.2.0/24", 22, false),
    ] {
        let cidr = json!({ "cidr": "192.0.2.0/25", "ports": [port] });
        assert_eq!(reaches(grant, cidr), expected, "{grant} {port}");
    }
    let both = granted(json!({ "destinations": ["2001:db8::/32:5432", "2001:db8::/32:22"] }));
    let cidr = destination(json!({ "cidr": "2001:db8::/48", "ports": [22, 5432] }));
    assert!(both.lacks_for(&cidr).is_empty());
}

#[test]
fn a_grant_is_for_one_protocol_for_groups_by_id_and_for_whole_ranges() {
    let group = "sg-0123456789abcdef0";
    for (grants, to, lacks) in [
        (
            json!(["10.0.9.0/24:53/udp"]),
            json!({ "cidr": "10.0.9.0/24", "ports": [53], "protocol": "UDP" }),
            vec![],
        ),
        (
            json!(["10.0.9.0/24:53"]),
            json!({ "cidr": "10.0.9.0/24", "ports": [53], "protocol": "UDP" }),
            vec!["10.0.9.0/24:53/udp"],
        ),
        (
            json!([
                format!("{group}:988"),
                format!("{group}:1000-1020"),
                format!("{group}:1021-1100")
            ]),
            json!({ "securityGroupId": group, "fileSystem": "FSxForLustre" }),
            vec![],
        ),
        (
            json!([
                format!("{group}:988"),
                format!("{group}:1018-1020"),
                format!("{group}:1022-1100")
            ]),
            json!({ "securityGroupId": group, "fileSystem": "FSxForLustre" }),
            vec!["sg-0123456789abcdef0:1018-1023"],
        ),
        (
            json!(["sg-*:*", "*:*", "0.0.0.0/0:*"]),
            json!({ "securityGroupId": group }),
            vec![group],
        ),
        (
            json!(["*"]),
            json!({ "securityGroupId": group, "ports": [53], "protocol": "UDP" }),
            vec![],
        ),
    ] {
        let granted = granted(json!({ "destinations": grants }));
        assert_eq!(granted.lacks_for(&destination(to.clone())), lacks, "{grants} {to}");
    }
}

#[test]
fn a_pattern_of_hosts_is_for_names() {
    for (grant, host, expected) in [
        ("*.example.com", "files.example.com", true),
        ("*.example.com", "example.com", false),
        ("*.example.com", "example.com.evil.org", false),
        ("*.example.com", "evil-example.com", false),
        ("pypi.org", "pypi.org.evil.org", false),
        ("p?pi.org", "pypi.org", true),
        ("*", "pypi.org", true),
        ("", "pypi.org", false),
        ("*.Example.com", "files.example.com", false),
        ("pypi.org ", "pypi.org", false),
        ("0.0.0.0/0", "pypi.org", false),
    ] {
        assert_eq!(reaches(grant, json!({ "host": host })), expected, "{grant} {host}");
    }
    for (host, expected) in [("10.1.2.3", true), ("2130706433", true), ("a.1", true), ("1.a", false)] {
        assert_eq!(ends_in_a_number(host), expected, "{host}");
    }
}

#[test]
fn a_service_of_another_account_is_granted_by_its_whole_name_only() {
    let theirs = "com.amazonaws.vpce.us-east-1.vpce-svc-0123456789abcdef0";
    for (grant, service, expected) in [
        ("*", "ecr.api", true),
        ("ecr.*", "ecr.api", true),
        ("com.amazonaws.*", "com.amazonaws.us-east-1.ecr.api", true),
        ("aws.sagemaker.*", "aws.sagemaker.us-east-1.studio", true),
        ("ecr.api", "ecr.dkr", false),
        ("*", theirs, false),
        ("com.amazonaws.*", theirs, false),
        ("com.amazonaws.vpce.us-east-1.vpce-svc-*", theirs, false),
        ("*", "vpce-svc-0123456789abcdef0", false),
        (theirs, theirs, true),
        ("", "ecr.api", false),
    ] {
        let granted = granted(json!({ "services": [grant] }));
        assert_eq!(granted.has_service(service), expected, "{grant} {service}");
    }
}

#[test]
fn a_role_is_granted_by_account_and_each_part_of_its_path() {
    let role = |tail: &str| format!("arn:aws:iam::111122223333:role/{tail}");
    for (grant, arn, expected) in [
        (role("fraud-*"), role("fraud-training"), true),
        (role("fraud-*"), role("fraud-x/admin"), false),
        (role("ml/*"), role("ml/fraud"), true),
        (role("ml/*"), role("ml/other-team/admin"), false),
        (role("*"), role("fraud"), true),
        (role("*"), role("ml/fraud"), false),
        (role("*/*"), role("ml/fraud"), true),
        (role("fraud"), role("Fraud"), false),
        ("*".to_owned(), role("fraud"), false),
        ("arn:aws:iam::*:role/fraud".to_owned(), role("fraud"), false),
        ("arn:*:iam::111122223333:role/fraud".to_owned(), role("fraud"), false),
        (role("fraud"), "arn:aws:iam::444455556666:role/fraud".to_owned(), false),
        (
            role("fraud"),
            "arn:aws-cn:iam::111122223333:role/fraud".to_owned(),
            false,
        ),
        (role("fraud "), role("fraud"), false),
    ] {
        let granted = granted(json!({ "roles": [&grant], "enforce": { "roles": [&grant] } }));
        assert_eq!(granted.has_role(&arn), expected, "{grant} {arn}");
        assert_eq!(granted.may_change_role(&arn), expected, "{grant} {arn}");
    }
}

#[test]
fn buckets_are_granted_by_name_and_groups_by_id() {
    for (grant, bucket, expected) in [
        ("fraud-*", "fraud-data", true),
        ("fraud-*", "fraud-data.backup", true),
        ("fraud-*", "payroll-fraud-", false),
        ("*", "payroll", true),
        ("", "payroll", false),
        ("Fraud-*", "fraud-data", false),
        ("arn:aws:s3:::*", "fraud-data", false),
    ] {
        let granted = granted(json!({ "buckets": [grant] }));
        assert_eq!(granted.has_bucket(bucket), expected, "{grant} {bucket}");
    }
    let id = "sg-0123456789abcdef0";
    for (grant, expected) in [
        (id, true),
        ("*", true),
        ("sg-*", true),
        ("sg-0*", false),
        ("sg-?*", false),
        ("", false),
    ] {
        let granted = granted(json!({ "securityGroups": [grant] }));
        assert_eq!(granted.has_security_group(id), expected, "{grant}");
    }
}

#[test]
fn a_namespace_may_name_what_all_may_and_what_its_own_items_say() {
    let grants = grants(json!({
        "buckets": ["shared"],
        "namespaces": [
            { "names": ["ml-fraud"], "buckets": ["fraud-*"], "enforce": { "buckets": ["fraud-locked", "shared"] } },
            { "selector": { "matchLabels": { "team": "risk" } }, "buckets": ["risk-*"] },
            { "names": ["ml-fraud"], "selector": { "matchLabels": { "team": "risk" } }, "buckets": ["both"] },
            { "buckets": ["everyone"] },
            { "selector": { "matchLabels": {} }, "buckets": ["everyone-too"] },
            { "names": [], "buckets": ["nobody"] },
        ],
    }));
    let labels = |team: &str| BTreeMap::from([("team".to_owned(), team.to_owned())]);
    let all = [
        "shared",
        "fraud-data",
        "risk-data",
        "both",
        "everyone",
        "everyone-too",
        "nobody",
    ];
    for (namespace, team, expected) in [
        (
            "ml-fraud",
            "fraud",
            vec!["shared", "fraud-data", "everyone", "everyone-too"],
        ),
        (
            "ml-risk",
            "risk",
            vec!["shared", "risk-data", "everyone", "everyone-too"],
        ),
        (
            "ml-fraud",
            "risk",
            vec!["shared", "fraud-data", "risk-data", "both", "everyone", "everyone-too"],
        ),
        ("ml-fraud-2", "", vec!["shared", "everyone", "everyone-too"]),
    ] {
        let granted = Granted::to(&grants, namespace, &labels(team));
        let may: Vec<&str> = all.into_iter().filter(|name| granted.has_bucket(name)).collect();
        assert_eq!(may, expected, "{namespace} {team}");
        let changes = namespace == "ml-fraud";
        assert_eq!(granted.may_change_bucket("shared"), changes);
        assert_eq!(granted.may_change_bucket("fraud-locked"), changes);
    }
}

#[test]
fn what_grants_nothing_is_told_with_the_fix() {
    let told = problems(&grants(json!({
        "destinations": ["10.1.*", "10.1.2.3/8", "pypi.org:*", "10.0.0.0/8"],
        "roles": ["*"],
        "namespaces": [{}, { "securityGroups": ["sg-0*"], "buckets": ["s3://x"], "services": ["a b"] }],
    })));
    let expected = [
        ("spec.grants.destinations holds \"10.1.*\"", "10.1.0.0/16"),
        (
            "spec.grants.destinations holds \"10.1.2.3/8\"",
            "10.0.0.0/8 for the block, or 10.1.2.3/32",
        ),
        (
            "spec.grants.roles holds \"*\"",
            "arn:aws:iam::111122223333:role/fraud-*",
        ),
        ("spec.grants.namespaces[1].buckets holds", "no ARN"),
        ("spec.grants.namespaces[1].securityGroups holds", "* for any"),
        ("spec.grants.namespaces[1].services holds", "ecr.api"),
    ];
    assert_eq!(told.len(), expected.len(), "{told:?}");
    for (text, (what, fix)) in told.iter().zip(expected) {
        assert!(text.starts_with(what) && text.contains(fix), "{text}");
    }
}

#[test]
fn exemptions_repositories_and_instances_are_granted_by_namespace() {
    let grants = grants(json!({
        "maxInstances": 5,
        "namespaces": [
            { "names": ["a", "b"], "exempt": ["fraud-*"], "maxInstances": 3 },
            { "names": ["b"], "packageRepositories": true, "maxInstances": 9 },
        ],
    }));
    for (namespace, exempts, repositories, most) in
        [("a", true, false, 3), ("b", true, true, 9), ("c", false, false, 5)]
    {
        let granted = Granted::to(&grants, namespace, &BTreeMap::new());
        assert_eq!(granted.may_exempt_from("fraud-data"), exempts, "{namespace}");
        assert!(!granted.may_exempt_from("payroll"), "{namespace}");
        assert_eq!(granted.has_package_repositories(), repositories, "{namespace}");
        assert_eq!(granted.max_instances(), Some(most), "{namespace}");
    }
    assert_eq!(
        Granted::to(&Grants::default(), "a", &BTreeMap::new()).max_instances(),
        None
    );
}
