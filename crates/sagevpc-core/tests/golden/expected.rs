//! What a case expects, as a person writes it down, and how it is compared.

use std::collections::BTreeMap;

use iam_policy::{PolicyDocument, same_meaning};
use serde::Deserialize;
use serde_json::Value;

use crate::pass::Pass;
use sagevpc_core::{
    api::{Blocker, Condition, VpcConfig},
    plan::{Action, PlannedAction, RoleChange, Serves, VpcEndpointChange},
    report::{Finding, Scope},
};

/// A case's expectation. What is left out is expected not to be there; only
/// `because`, `says` and whole objects' statuses may be left out for brevity.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    /// The plan's actions, all of them, in order.
    #[serde(default)]
    actions: Vec<ExpectedAction>,
    /// What nothing of ours can repair, in any order.
    #[serde(default)]
    findings: Vec<ExpectedFinding>,
    /// Parts of what `sagevpc plan` prints.
    #[serde(default)]
    printed: Vec<String>,
    /// The SageMakerVpc's status.
    vpc: Option<ExpectedStatus>,
    /// Statuses of profiles, by namespace/name.
    #[serde(default)]
    profiles: BTreeMap<String, ExpectedStatus>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpectedAction {
    /// The action's name and what it works on.
    r#do: String,
    /// What it changes, in full.
    change: String,
    /// A part of its reason.
    because: Option<String>,
    /// The places of the actions that it comes after.
    #[serde(default)]
    after: Vec<usize>,
    #[serde(default)]
    drift: bool,
    #[serde(default)]
    held: bool,
    /// A part of what it waits for.
    waits: Option<String>,
    /// The interfaces of others that it hits.
    #[serde(default)]
    hits: Vec<String>,
    /// The interfaces of SageMaker's that it would cut off.
    #[serde(default)]
    cuts: Vec<String>,
    /// What it would cut them off from.
    #[serde(default)]
    from: Vec<String>,
    /// The policy that it puts in force, by meaning.
    policy: Option<Value>,
    /// The profile that it serves, or `the SageMakerVpc` alone; everyone where
    /// there is none.
    serves: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpectedFinding {
    about: String,
    whom: String,
    weight: String,
    reason: String,
    /// Parts of the message: the resource, and the fix.
    says: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ExpectedStatus {
    /// Status and reason of every condition, by type; `rest` stands for all
    /// that are not named.
    conditions: BTreeMap<String, String>,
    /// Parts of conditions' messages.
    #[serde(default)]
    says: BTreeMap<String, Vec<String>>,
    /// A profile's verdicts, by workload.
    #[serde(default)]
    workloads: BTreeMap<String, String>,
    /// What stops a profile's workloads, all of it and in order, by workload.
    #[serde(default)]
    blockers: BTreeMap<String, Vec<ExpectedBlocker>>,
    /// The VpcConfig that a profile's workloads share.
    vpc_config: Option<VpcConfig>,
    /// The VpcConfigs of workloads that have groups of their own.
    #[serde(default)]
    vpc_configs: BTreeMap<String, VpcConfig>,
    /// How many of the workloads can run; on a SageMakerVpc, of all profiles'.
    runnable: Option<String>,
    /// The resources of a SageMakerVpc: id to ownership.
    resources: Option<BTreeMap<String, String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpectedBlocker {
    reason: String,
    resource: Option<String>,
    /// A part of what SageMaker would show.
    shows: Option<String>,
    /// Parts of the message: the cause, and the fix.
    says: Vec<String>,
}

impl ExpectedBlocker {
    fn is_met_by(&self, blocker: &Blocker) -> bool {
        let told = |blocker: &Blocker| format!("{} {}", blocker.message, blocker.fix.as_deref().unwrap_or_default());
        let shows = match (&self.shows, &blocker.shows) {
            (None, None) => true,
            (Some(part), Some(shown)) => shown.contains(part),
            (None, Some(_)) | (Some(_), None) => false,
        };
        self.reason == blocker.reason
            && self.resource == blocker.resource
            && shows
            && self.says.iter().all(|part| told(blocker).contains(part))
    }
}

impl Expected {
    /// Where a pass differs from this, in words.
    pub fn compare(&self, pass: &Pass) -> Vec<String> {
        let mut problems = Vec::new();
        let none = Vec::new();
        let actions = pass.plan.as_ref().map_or(&none, |plan| &plan.actions);
        self.compare_actions(actions, &mut problems);
        self.compare_findings(pass, &mut problems);
        for part in self.printed.iter().filter(|part| !pass.text.contains(part.as_str())) {
            problems.push(format!("{part:?} is not printed"));
        }

        if let Some(expected) = &self.vpc {
            let status = &pass.statuses.vpc;
            expected.compare_conditions("the SageMakerVpc", &status.conditions, &[], &mut problems);
            if expected.runnable.is_some() && expected.runnable != status.workloads {
                problems.push(format!("the SageMakerVpc: {:?} workloads can run", status.workloads));
            }
            if let Some(resources) = &expected.resources {
                let there: BTreeMap<String, String> = status
                    .resources
                    .iter()
                    .map(|resource| (resource.id.clone(), format!("{:?}", resource.ownership)))
                    .collect();
                if *resources != there {
                    problems.push(format!("the SageMakerVpc lists {there:?}"));
                }
            }
        }
        for (name, expected) in &self.profiles {
            let found = pass.statuses.profiles.iter().find(|(key, _)| key.to_string() == *name);
            let Some((_, status)) = found else {
                problems.push(format!("{name} has no status"));
                continue;
            };
            expected.compare_conditions(name, &status.conditions, &status.blockers, &mut problems);
            let verdicts: BTreeMap<String, String> = status
                .workloads
                .iter()
                .map(|workload| (workload.name.clone(), format!("{:?}", workload.ready)))
                .collect();
            if expected.runnable.is_some() && expected.runnable != status.workloads_ready {
                problems.push(format!("{name}: {:?} workloads can run", status.workloads_ready));
            }
            if expected.workloads != verdicts {
                problems.push(format!("{name}: the verdicts are {verdicts:?}"));
            }
            if expected.vpc_config != status.vpc_config {
                problems.push(format!("{name}: vpcConfig is {:?}", status.vpc_config));
            }
            for (workload, blockers) in &expected.blockers {
                let there: Vec<&Blocker> = status
                    .blockers
                    .iter()
                    .filter(|blocker| blocker.workloads.is_empty() || blocker.workloads.contains(workload))
                    .collect();
                let met = blockers.len() == there.len()
                    && blockers
                        .iter()
                        .zip(&there)
                        .all(|(expected, found)| expected.is_met_by(found));
                if !met {
                    problems.push(format!("{name}: {workload} is stopped by {there:#?}"));
                }
            }
            for (workload, config) in &expected.vpc_configs {
                let found = status.workloads.iter().find(|status| status.name == *workload);
                if found.and_then(|status| status.vpc_config.as_ref()) != Some(config) {
                    problems.push(format!("{name}: the vpcConfig of {workload} is in {found:?}"));
                }
            }
        }
        problems
    }

    fn compare_actions(&self, actions: &[PlannedAction], problems: &mut Vec<String>) {
        if self.actions.len() != actions.len() {
            problems.push(format!(
                "{} actions are expected, and {} planned",
                self.actions.len(),
                actions.len()
            ));
        }
        for (place, (expected, planned)) in self.actions.iter().zip(actions).enumerate() {
            expected.compare(planned, &mut |problem| {
                problems.push(format!("action {place}: {problem}"))
            });
        }
    }

    fn compare_findings(&self, pass: &Pass, problems: &mut Vec<String>) {
        let of_validation = match &pass.validated {
            Ok(validated) => &validated.findings,
            Err(refused) => &refused.findings,
        };
        let of_plan = pass.plan.iter().flat_map(|plan| &plan.findings);
        let mut unexpected: Vec<&Finding> = of_validation.iter().chain(of_plan).collect();
        for expected in &self.findings {
            match unexpected.iter().position(|finding| expected.is_met_by(finding)) {
                Some(place) => {
                    unexpected.remove(place);
                }
                None => problems.push(format!("this finding is missing: {expected:?}")),
            }
        }
        for finding in unexpected {
            problems.push(format!("this finding was not expected: {finding:?}"));
        }
    }
}

impl ExpectedAction {
    fn compare(&self, planned: &PlannedAction, report: &mut dyn FnMut(String)) {
        let mut equal = |what: &str, expected: &dyn std::fmt::Debug, found: &dyn std::fmt::Debug| {
            if format!("{expected:?}") != format!("{found:?}") {
                report(format!("{what} is {found:?}, expected {expected:?}"));
            }
        };
        equal(
            "what is done",
            &self.r#do,
            &format!("{} {}", planned.action.name(), planned.action.resource()),
        );
        equal("the change", &self.change, &planned.action.change());
        equal(
            "after",
            &self.after,
            &planned.after.iter().map(|id| id.0).collect::<Vec<_>>(),
        );
        equal("drift", &self.drift, &planned.drift);
        equal("held", &self.held, &planned.held);
        let hit: Vec<&str> = planned
            .disruption
            .iter()
            .flat_map(|disruption| &disruption.interfaces)
            .map(|described| described.split(' ').next().unwrap_or_default())
            .collect();
        equal("whom it hits", &self.hits, &hit);
        let cut_off = planned.cuts_off.as_ref();
        let cut: Vec<String> = cut_off
            .iter()
            .flat_map(|cut_off| &cut_off.interfaces)
            .map(ToString::to_string)
            .collect();
        equal("whom it cuts off", &self.cuts, &cut);
        let from: Vec<&String> = cut_off.iter().flat_map(|cut_off| &cut_off.from).collect();
        let missing: Vec<&String> = self.from.iter().filter(|expected| !from.contains(expected)).collect();
        equal("what it does not cut them off from", &Vec::<String>::new(), &missing);
        let serves = match &planned.serves {
            Serves::Vpc => None,
            Serves::Profiles(keys) => Some(keys.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")),
            Serves::Profile(key) => Some(key.to_string()),
            Serves::SageMakerVpc => Some("the SageMakerVpc".to_owned()),
        };
        equal("whom it serves", &self.serves, &serves);
        if let Some(because) = &self.because
            && !planned.reason.contains(because)
        {
            report(format!("the reason is {:?}", planned.reason));
        }
        match (&self.waits, &planned.waits_for) {
            (None, None) => {}
            (Some(expected), Some(found)) if found.contains(expected) => {}
            (_, found) => report(format!("it waits for {found:?}")),
        }
        let policy = match &planned.action {
            Action::VpcEndpoint(VpcEndpointChange::CreateGateway { policy, .. }) => Some(policy),
            Action::VpcEndpoint(
                VpcEndpointChange::ModifyGateway { policy, .. }
                | VpcEndpointChange::CreateInterface { policy, .. }
                | VpcEndpointChange::ModifyInterface { policy, .. },
            ) => policy.as_ref(),
            Action::Role(RoleChange::PutPolicy { policy, .. }) => Some(policy),
            _ => None,
        };
        match (&self.policy, policy) {
            (None, None) => {}
            (Some(expected), Some(policy)) => {
                let expected: PolicyDocument = expected.to_string().parse().expect("a policy");
                if !same_meaning(&expected, policy) {
                    report(format!("the policy is {}", policy.to_value()));
                }
            }
            (_, found) => report(format!("the policy is {found:?}")),
        }
    }
}

impl ExpectedFinding {
    fn is_met_by(&self, finding: &Finding) -> bool {
        let whom = match &finding.scope {
            Scope::Vpc => "the VPC".to_owned(),
            Scope::SageMakerVpc => "the SageMakerVpc".to_owned(),
            Scope::Profile(key) => key.to_string(),
            Scope::Workloads(key, names) => format!("{key}: {}", names.join(", ")),
        };
        self.about == format!("{:?}", finding.concern)
            && self.whom == whom
            && self.weight == format!("{:?}", finding.weight)
            && self.reason == finding.reason.as_str()
            && !self.says.is_empty()
            && self.says.iter().all(|part| finding.explained().contains(part))
    }
}

impl ExpectedStatus {
    /// What a condition names among the blockers, these say.
    fn compare_conditions(
        &self,
        whose: &str,
        conditions: &[Condition],
        blockers: &[Blocker],
        problems: &mut Vec<String>,
    ) {
        let found: BTreeMap<String, String> = conditions
            .iter()
            .map(|condition| {
                (
                    condition.type_.clone(),
                    format!("{} {}", condition.status, condition.reason),
                )
            })
            .collect();
        let rest = self.conditions.get("rest");
        for (type_, expected) in self.conditions.iter().filter(|(type_, _)| *type_ != "rest") {
            match found.get(type_) {
                Some(there) if there == expected => {}
                other => problems.push(format!("{whose}: {type_} is {other:?}, expected {expected}")),
            }
        }
        for (type_, there) in &found {
            if !self.conditions.contains_key(type_) && rest != Some(there) {
                problems.push(format!("{whose}: {type_} is {there}, and not expected"));
            }
        }
        for (type_, parts) in &self.says {
            let found = conditions.iter().find(|condition| condition.type_ == *type_);
            let mut message = found.map_or_else(String::new, |condition| condition.message.clone());
            if type_ == "Ready"
                && self
                    .conditions
                    .get("Ready")
                    .is_some_and(|ready| ready == "False Deleting")
            {
                let reconciling = conditions.iter().find(|condition| condition.type_ == "Reconciling");
                message.extend(reconciling.map(|condition| condition.message.as_str()));
            }
            let named = blockers.iter().filter(|blocker| message.contains(&blocker.reason));
            let named: Vec<&Blocker> = named.collect();
            for blocker in named {
                let parts = [Some(&blocker.message), blocker.fix.as_ref(), blocker.shows.as_ref()];
                for part in parts.into_iter().flatten() {
                    message.push(' ');
                    message.push_str(part);
                }
            }
            for part in parts.iter().filter(|part| !message.contains(part.as_str())) {
                problems.push(format!("{whose}: {type_} does not say {part:?}: {message}"));
            }
        }
    }
}
