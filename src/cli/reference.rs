//! The reference page, made from the tables in the code: pure.

use std::fmt::Write as _;

use crate::{
    api::{ConditionType, Reason},
    aws::calls::Call,
    catalog::{Need, PeerNeed, RuleNeed, When, WorkloadKind},
    telemetry,
    types::{Direction, Peer, Rule, joined},
};

/// The whole page, in Markdown.
pub fn page() -> String {
    let mut page = String::from(
        "# Reference\n\nMade from the tables in the code by `sagevpc print reference`. What each workload requires, what \
         each condition and reason means, and what the controller asks of AWS.\n",
    );
    workloads(&mut page);
    conditions(&mut page);
    reasons(&mut page);
    calls(&mut page);
    metrics(&mut page);
    page
}

fn workloads(page: &mut String) {
    page.push_str(
        "\n## Workloads\n\n| Kind | API and parameter | Addresses per instance | Zones | Tenancy | Subnets | Needs | \
         Security group rules |\n|---|---|---|---|---|---|---|---|\n",
    );
    for kind in WorkloadKind::ALL {
        let requirements = kind.requirements();
        // Writing to a String does not fail.
        let _ = writeln!(
            page,
            "| [{kind}]({}) | {} | {} | {} | {} | {} | {} | {} |",
            requirements.doc,
            requirements.api,
            requirements.addresses_per_instance,
            requirements.availability_zones,
            if requirements.default_tenancy { "default" } else { "any" },
            if requirements.private_subnets { "private" } else { "any" },
            joined(requirements.needs.iter().map(|need| need_text(*need))),
            requirements.rules.iter().map(rule_text).collect::<Vec<_>>().join("; "),
        );
    }
}

fn need_text(need: Need) -> &'static str {
    match need {
        Need::S3 => "S3 gateway endpoint",
        Need::Dns => "DNS",
        Need::ElasticInference => "Elastic Inference",
    }
}

fn rule_text(need: &RuleNeed) -> String {
    let service = Rule::new(need.direction, need.protocol, need.ports, Peer::Itself).to_string();
    // The rule reads `egress tcp 443 to the group itself`; the peer is put in
    // place of its last part.
    let preposition = match need.direction {
        Direction::Ingress => "from",
        Direction::Egress => "to",
    };
    let service = service
        .split(&format!(" {preposition} "))
        .next()
        .unwrap_or_default()
        .to_owned();
    let peer = match need.peer {
        PeerNeed::S3 => "S3's prefix list",
        PeerNeed::SubnetCidrs => "the subnets' addresses",
        PeerNeed::VpcCidrs => "the VPC's addresses",
        PeerNeed::Members => "the group itself",
    };
    let when = match need.when {
        When::Always => "",
        When::Distributed => " when distributed",
        When::Encrypted => " when encrypted",
        When::Efa => " with EFA",
    };
    format!("{service} {preposition} {peer}{when}")
}

fn conditions(page: &mut String) {
    page.push_str("\n## Conditions\n\n| Type | True means |\n|---|---|\n");
    for type_ in ConditionType::ALL {
        let _ = writeln!(page, "| `{type_}` | {} |", type_.meaning().trim());
    }
}

fn reasons(page: &mut String) {
    page.push_str("\n## Reasons\n\n| Reason | Meaning |\n|---|---|\n");
    for reason in Reason::ALL {
        let _ = writeln!(page, "| `{reason}` | {} |", reason.meaning().trim());
    }
}

fn calls(page: &mut String) {
    page.push_str("\n## Calls to AWS\n\n| Call | Changes something |\n|---|---|\n");
    for call in Call::ALL {
        let _ = writeln!(
            page,
            "| `{}` | {} |",
            call.qualified(),
            if call.facts().mutates { "yes" } else { "no" }
        );
    }
}

fn metrics(page: &mut String) {
    page.push_str("\n## Metrics\n\nServed on `/metrics`.\n\n| Metric | Labels | What it says |\n|---|---|---|\n");
    for metric in telemetry::TABLE {
        let labels = metric.labels.iter().map(|label| format!("`{label}`"));
        let _ = writeln!(page, "| `{}` | {} | {} |", metric.name, joined(labels), metric.help);
    }
}
