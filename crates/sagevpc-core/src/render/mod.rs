//! A plan as a person reads it: pure.

pub mod explanation;

use std::fmt::Write as _;

use crate::{
    api::Verdict,
    plan::{Deed, MonthlyCost, Plan, PlannedAction},
    report::{Finding, Scope, Weight},
    status::PlannedVerdict,
    types::{listed, one_line},
    validate::{Refused, ValidVpc},
};

/// What a change does to what is there, in one character.
const fn sign(deed: Deed) -> char {
    match deed {
        Deed::Creates => '+',
        Deed::Changes => '~',
        Deed::Deletes => '-',
    }
}

/// A plan for one VPC, with what it found.
pub fn plan(vpc: &ValidVpc, plan: &Plan, refusals: &[Finding]) -> String {
    let mut text = format!("SageMakerVpc {}: {} in {}\n", vpc.ownership.vpc, vpc.vpc_id, vpc.region);
    if plan.actions.is_empty() {
        text.push_str("\n  Nothing to do: AWS is as declared.\n");
    } else {
        text.push('\n');
        for planned in &plan.actions {
            action(&mut text, planned);
        }
    }
    findings(&mut text, &mut refusals.iter().chain(&plan.findings));
    text.push_str(&summary(plan));
    text
}

/// Which workloads can run, now and once a plan is carried out.
pub fn verdicts(verdicts: &[PlannedVerdict]) -> String {
    let mut text = String::new();
    if !verdicts.is_empty() {
        text.push_str("\nWorkloads:\n\n");
    }
    for verdict in verdicts {
        let why = verdict.reasons.join(", ");
        let what = match (verdict.now, verdict.planned) {
            (Verdict::Yes, Verdict::Yes) => "can run".to_owned(),
            (Verdict::No | Verdict::Unknown, Verdict::Yes) => "can run once the plan is carried out".to_owned(),
            (_, Verdict::No) => format!("cannot run [{why}]"),
            (_, Verdict::Unknown) => format!("may not be able to run: that cannot be told [{why}]"),
        };
        let _ = writeln!(text, "  {}, {}: {what}", verdict.profile, verdict.workload);
    }
    text
}

/// Why a SageMakerVpc is refused as a whole.
pub fn refused(name: &str, refused: &Refused) -> String {
    let mut text = format!("SageMakerVpc {name} is refused, and nothing would be done for it.\n");
    findings(&mut text, &mut refused.findings.iter());
    text
}

/// A VPC that is not there.
pub fn missing(vpc: &ValidVpc) -> String {
    format!(
        "SageMakerVpc {}: {} does not exist in {} of this account, or is not in the snapshot.\n",
        vpc.ownership.vpc, vpc.vpc_id, vpc.region
    )
}

fn action(text: &mut String, planned: &PlannedAction) {
    let sign = sign(planned.action.deed());
    // Writing to a String does not fail.
    let _ = writeln!(text, "  {sign} {} {}", planned.action.name(), planned.action.resource());
    let _ = writeln!(text, "      {}", planned.action.change());
    if let Some(words) = planned.replaced.as_ref().and_then(|replaced| replaced.words.as_ref()) {
        let _ = writeln!(text, "      {}", one_line(words));
    }
    let _ = writeln!(text, "      because {}", planned.reason);
    if let Some(disruption) = &planned.disruption {
        let _ = writeln!(
            text,
            "      hits {}: {}",
            listed(&disruption.interfaces),
            disruption.effect
        );
    }
    if let Some(cost) = planned.monthly_cost {
        let _ = writeln!(text, "      costs {cost} USD a month");
    }
    if planned.held {
        let _ = writeln!(text, "      waits to be approved");
    }
    if let Some(obstacle) = &planned.waits_for {
        let _ = writeln!(text, "      waits: {obstacle}");
    }
}

fn findings(text: &mut String, findings: &mut dyn Iterator<Item = &Finding>) {
    let mut findings = findings.peekable();
    if findings.peek().is_none() {
        return;
    }
    text.push_str("\nFindings, which no change here can mend:\n\n");
    for (finding, whom) in each_once(findings) {
        let sign = match finding.weight {
            Weight::Blocks | Weight::Unmet | Weight::Aside => '!',
            Weight::Unknown => '?',
            Weight::Advice => 'i',
        };
        let _ = writeln!(
            text,
            "  {sign} {}: {} [{}]",
            whom.join("; "),
            finding.explained(),
            finding.reason
        );
    }
}

/// Each finding with everyone of whom the same is told.
fn each_once<'f>(findings: impl Iterator<Item = &'f Finding>) -> Vec<(&'f Finding, Vec<String>)> {
    let mut told: Vec<(&Finding, Vec<String>)> = Vec::new();
    for finding in findings {
        let whom = match &finding.scope {
            Scope::Vpc => "the VPC".to_owned(),
            Scope::SageMakerVpc => "the SageMakerVpc".to_owned(),
            Scope::Profile(key) => key.to_string(),
            Scope::Workloads(key, names) => format!("{key}, {}", listed(names)),
        };
        let same = told.iter_mut().find(|(other, _)| {
            (other.weight, other.reason, other.symptom) == (finding.weight, finding.reason, finding.symptom)
                && other.message == finding.message
        });
        match same {
            Some((_, others)) => others.push(whom),
            None => told.push((finding, vec![whom])),
        }
    }
    told
}

fn summary(plan: &Plan) -> String {
    let count = |deed: Deed| {
        plan.actions
            .iter()
            .filter(|planned| planned.action.deed() == deed)
            .count()
    };
    let mut text = format!(
        "\nPlan: {} to create, {} to change, {} to delete.\n",
        count(Deed::Creates),
        count(Deed::Changes),
        count(Deed::Deletes)
    );
    cost(&mut text, &plan.monthly_cost);
    if let Some(held) = &plan.held {
        let _ = writeln!(
            text,
            "{} to be approved: set spec.approvedPlan: {} to approve exactly this.",
            if held.count == 1 {
                "1 waits".to_owned()
            } else {
                format!("{} wait", held.count)
            },
            held.digest
        );
    }
    text
}

/// What is made here costs in a month, and what it costs now where that differs.
fn cost(text: &mut String, cost: &MonthlyCost) {
    let what = "Interface endpoints and NAT gateways made here";
    let now = match cost.before {
        Some(before) if cost.after != cost.before => format!(", and now {before} USD"),
        Some(_) | None => String::new(),
    };
    let _ = match cost.after {
        Some(after) if after.is_zero() && now.is_empty() => Ok(()),
        Some(after) => writeln!(
            text,
            "{what} then cost {after} USD a month at list prices, without the traffic{now}."
        ),
        None => writeln!(
            text,
            "What interface endpoints and NAT gateways made here then cost is not known{now}: give {} in spec.prices.",
            listed(&cost.unknown)
        ),
    };
}
