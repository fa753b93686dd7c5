//! The reference page, made from the tables in the code: pure.

use std::fmt::Write as _;

use super::{
    exit,
    requirements::{Drifted, TABLE},
};
use crate::telemetry;
use sagevpc_core::{
    api::{ConditionType, Reason},
    catalog::{PRESETS, Requirements, Symptom, WorkloadKind, calls::Call},
    types::joined,
};

/// The whole page, in Markdown.
pub fn page() -> String {
    let mut page = String::from(
        "# Reference\n\nMade from the tables in the code by `sagevpc print reference`. What each workload requires, how \
         each requirement is told and repaired, what each condition and reason means, and what the controller asks of \
         AWS.\n",
    );
    workloads(&mut page);
    presets(&mut page);
    requirements(&mut page);
    symptoms(&mut page);
    conditions(&mut page);
    reasons(&mut page);
    calls(&mut page);
    metrics(&mut page);
    page.push_str("\n## Exit codes\n\n");
    page.push_str(&exit::table());
    page
}

fn presets(page: &mut String) {
    page.push_str(
        "\n## Presets\n\n`workloads[].presets` stands for services and buckets of AWS's own, which are only read. What is \
         in brackets some of its parts use: it is advised, and let through. The services must be granted.\n\n| Preset | \
         Services | Buckets |\n|---|---|---|\n",
    );
    let together = |sure: &[&str], usual: &[&str]| {
        let usual = usual.iter().map(|name| format!("(`{name}`)"));
        let all: Vec<String> = sure.iter().map(|name| format!("`{name}`")).chain(usual).collect();
        if all.is_empty() {
            "–".to_owned()
        } else {
            all.join(", ")
        }
    };
    for row in &PRESETS {
        let _ = writeln!(
            page,
            "| [{}]({}) | {} | {} |",
            row.preset,
            row.doc,
            together(row.services, row.usual_services),
            together(row.buckets, row.usual_buckets)
        );
    }
}

fn workloads(page: &mut String) {
    page.push_str(
        "\n## Workloads\n\n`sagevpc explain KIND` says the same of one kind, with an example.\n\n### What the network \
         offers\n\n| Kind | API and parameter | Addresses per instance | Subnets | Zones | Tenancy | Subnets are | \
         Security groups | Needs |\n|---|---|---|---|---|---|---|---|---|\n",
    );
    for kind in WorkloadKind::ALL {
        let requirements = kind.requirements();
        let (fewest, most) = requirements.subnets;
        // Writing to a String does not fail.
        let _ = writeln!(
            page,
            "| [{kind}]({}) | {} | {}{}{} | {} | {} | {} | {} | at most {} | {} |",
            requirements.doc,
            requirements.api,
            requirements.addresses_per_instance,
            requirements
                .addresses_with_efa
                .map(|addresses| format!(", {addresses} with EFA"))
                .unwrap_or_default(),
            requirements
                .addresses_advised
                .map(|addresses| format!(" ({addresses} advised)"))
                .unwrap_or_default(),
            if fewest == most {
                fewest.to_string()
            } else {
                format!("{fewest} to {most}")
            },
            match requirements.shadow_endpoint {
                Some(shadow) => format!(
                    "{}, {} with a shadow endpoint",
                    requirements.availability_zones, shadow.availability_zones
                ),
                None => requirements.availability_zones.to_string(),
            },
            if requirements.default_tenancy { "default" } else { "any" },
            if requirements.private_subnets_advised {
                "any (private advised)"
            } else {
                "any"
            },
            requirements.security_groups,
            joined(requirements.needs),
        );
    }
    page.push_str(
        "\n### What goes through it\n\n| Kind | Services | Usual services | Options | Security group rules |\n\
         |---|---|---|---|---|\n",
    );
    for kind in WorkloadKind::ALL {
        let requirements = kind.requirements();
        let _ = writeln!(
            page,
            "| {kind} | {} | {} | {} | {} |",
            or_none(
                requirements.services.iter().map(|name| format!("`{name}`")).chain(
                    requirements
                        .shadow_endpoint
                        .iter()
                        .flat_map(|shadow| shadow.services)
                        .map(|name| format!("`{name}` with a shadow endpoint")),
                )
            ),
            or_none(requirements.usual_services.iter().map(|name| format!("`{name}`"))),
            or_none(options(requirements)),
            requirements
                .rules
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join("; "),
        );
    }
    page.push_str("\n### What the execution role may do\n\n| Kind | Actions |\n|---|---|\n");
    for kind in WorkloadKind::ALL {
        let requirements = kind.requirements();
        let actions = requirements.role_actions.actions();
        let advised = requirements.role_actions_advised;
        let named = |action: &&str| {
            let only = if advised.contains(action) { " (advised)" } else { "" };
            format!("`{action}`{only}")
        };
        let condition = if requirements.role_unconditioned {
            ", on `*` and without a condition"
        } else {
            ""
        };
        let _ = writeln!(page, "| {kind} | {}{condition} |", or_none(actions.iter().map(named)));
    }
}

/// The options of a workload that the kind takes, as the API names them.
fn options(requirements: &Requirements) -> impl Iterator<Item = String> {
    [
        ("distributed", requirements.may_be_distributed),
        ("interContainerEncryption", requirements.may_be_encrypted()),
        ("efa", requirements.addresses_with_efa.is_some()),
        ("networkIsolation", requirements.may_be_isolated),
        ("orchestrator", requirements.is_cluster),
        ("shadowEndpoint", requirements.shadow_endpoint.is_some()),
        ("directInternetAccess", requirements.may_have_direct_internet_access),
    ]
    .into_iter()
    .filter(|(_, is_taken)| *is_taken)
    .map(|(name, _)| format!("`{name}`"))
}

fn or_none(names: impl Iterator<Item = String>) -> String {
    let names = joined(names);
    if names.is_empty() { "none".to_owned() } else { names }
}

fn requirements(page: &mut String) {
    page.push_str(
        "\n## Requirements\n\nEach is told by a condition and, where something is to be repaired, repaired by these \
         calls. The cases are folders of `crates/sagevpc-core/tests/golden/cases` that show it.\n\n| Requirement | Condition | Repaired by | \
         Met | Drifted | Refused |\n|---|---|---|---|---|---|\n",
    );
    let quoted = |names: &[&str]| joined(names.iter().map(|name| format!("`{name}`")));
    for requirement in TABLE {
        let repaired = or_none(requirement.repaired_by.iter().map(|call| format!("`{call}`")));
        let drifted = match &requirement.drifted {
            Drifted::Cases(cases) => quoted(cases),
            Drifted::Never(why) => format!("never: {why}"),
        };
        let _ = writeln!(
            page,
            "| {} | `{}` | {repaired} | {} | {drifted} | {} |",
            requirement.name,
            requirement.condition,
            quoted(requirement.met),
            quoted(requirement.refused),
        );
    }
}

fn symptoms(page: &mut String) {
    page.push_str("\n## What SageMaker shows\n\n| Words | What is missing |\n|---|---|\n");
    for symptom in Symptom::ALL {
        let words = std::iter::once(symptom.text()).chain(symptom.other_texts().iter().copied());
        let _ = writeln!(
            page,
            "| {} | {} |",
            words.collect::<Vec<_>>().join("; "),
            symptom.cause()
        );
    }
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
