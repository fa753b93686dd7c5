//! What a kind of workload needs, in plain words, made from the catalogue
//! alone: pure.

use std::fmt::Write as _;

use serde::Serialize;

use crate::{
    catalog::{
        HTTPS_TO_ENDPOINTS, MAX_SECURITY_GROUPS, Need, Requirements, RoleActions, Symptom, TAKERS, Taker, WorkloadKind,
    },
    types::listed,
};

/// Everything that a kind needs and shows, for people and for programs.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// The kind, as `kind` of a workload takes it.
    kind: WorkloadKind,
    about: &'static str,
    /// The API call and parameter that take the VPC's configuration.
    api: &'static str,
    /// The AWS page.
    doc: &'static str,
    /// What the network must offer, each in a sentence.
    needs: Vec<String>,
    /// The rules that security groups must hold.
    security_group_rules: Vec<String>,
    /// Services that it cannot do without.
    services: &'static [&'static str],
    /// Services that it calls as a rule.
    usual_services: &'static [&'static str],
    /// Services that it cannot do without where it has a shadow endpoint.
    shadow_endpoint_services: &'static [&'static str],
    /// Fields of a workload, and of its profile, that matter to the kind.
    fields: Vec<Field>,
    /// What its execution role must be allowed to do about the network.
    role_actions: Vec<&'static str>,
    /// What else is to be known of the role.
    role_notes: Vec<&'static str>,
    /// What SageMaker shows when something is missing.
    symptoms: Vec<Shown>,
    /// A profile with one such workload, as YAML.
    example: String,
}

/// A field to set.
#[derive(Debug, Serialize)]
struct Field {
    field: &'static str,
    says: String,
}

/// What SageMaker shows, and what is missing then.
#[derive(Debug, Serialize)]
struct Shown {
    shows: Vec<&'static str>,
    because: &'static str,
}

impl Explanation {
    /// Explains a kind.
    pub fn of(kind: WorkloadKind) -> Self {
        let requirements = kind.requirements();
        Self {
            kind,
            about: requirements.about,
            api: requirements.api,
            doc: requirements.doc,
            needs: needs(requirements),
            security_group_rules: rules(requirements),
            services: requirements.services,
            usual_services: requirements.usual_services,
            shadow_endpoint_services: requirements.shadow_endpoint.map_or(&[], |shadow| shadow.services),
            fields: fields(requirements),
            role_actions: requirements.role_actions.actions(),
            role_notes: role_notes(requirements),
            symptoms: Symptom::ALL
                .into_iter()
                .filter(|symptom| symptom.threatens(kind))
                .map(|symptom| Shown {
                    shows: std::iter::once(symptom.text())
                        .chain(symptom.other_texts().iter().copied())
                        .collect(),
                    because: symptom.cause(),
                })
                .collect(),
            example: example(kind),
        }
    }

    /// The explanation as a person reads it.
    pub fn text(&self) -> String {
        let mut text = format!("{}: {}\n\n  {}\n  {}\n", self.kind, self.about, self.api, self.doc);
        section(&mut text, "The network must offer", &self.needs);
        section(
            &mut text,
            "Security groups must hold (a managed group does)",
            &self.security_group_rules,
        );
        section(&mut text, "Services called from inside the VPC", &services(self));
        let fields = self
            .fields
            .iter()
            .map(|Field { field, says }| format!("{field}: {says}"));
        section(&mut text, "Fields to set in the profile", &fields.collect::<Vec<_>>());
        let mut role: Vec<&str> = self.role_actions.clone();
        role.extend(&self.role_notes);
        section(&mut text, "The execution role must be allowed", &role);
        let symptoms = self.symptoms.iter().map(|Shown { shows, because }| {
            let words = shows.join("\n    or: ");
            format!("{words}\n    when {because}")
        });
        section(
            &mut text,
            "What SageMaker shows when something is missing",
            &symptoms.collect::<Vec<_>>(),
        );
        text.push_str("\nA profile:\n\n");
        for line in self.example.lines() {
            // Writing to a String does not fail.
            let _ = writeln!(text, "  {line}");
        }
        text
    }
}

/// Says of something that is no kind as which it is declared.
pub fn of_taker(taker: &Taker) -> String {
    let Taker { name, api, kinds, note } = taker;
    let mut text = format!("{name}: {note}\n\n  {api}\n");
    if !kinds.is_empty() {
        let _ = writeln!(text, "\nDeclare it as {}:", listed(*kinds));
        for kind in *kinds {
            let _ = writeln!(text, "  - `sagevpc explain {kind}` says what it needs");
        }
    }
    text
}

/// All kinds, each with what it is.
pub fn list() -> String {
    let width = WorkloadKind::ALL
        .map(WorkloadKind::as_str)
        .into_iter()
        .chain(TAKERS.iter().map(|taker| taker.name))
        .map(str::len)
        .max()
        .unwrap_or_default();
    let mut text = String::new();
    for kind in WorkloadKind::ALL {
        let name = kind.to_string();
        let _ = writeln!(text, "{name:width$}  {}", kind.requirements().about);
    }
    text.push_str("\nDeclared as other kinds:\n\n");
    for Taker { name, kinds, .. } in TAKERS {
        let kinds = if kinds.is_empty() {
            "none".to_owned()
        } else {
            listed(*kinds)
        };
        let _ = writeln!(text, "{name:width$}  {kinds}");
    }
    text.push_str("\n`sagevpc explain NAME` says what each needs.\n");
    text
}

fn section<T: std::fmt::Display>(text: &mut String, title: &str, lines: &[T]) {
    if lines.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n{title}:");
    for line in lines {
        let _ = writeln!(text, "  - {line}");
    }
}

fn needs(requirements: &Requirements) -> Vec<String> {
    let mut needs = Vec::new();
    let (fewest, most) = requirements.subnets;
    needs.push(match (fewest, most) {
        (1, 1) => "one subnet: of several, the one with the most free addresses is given".to_owned(),
        _ => format!("{fewest} to {most} subnets"),
    });
    if requirements.availability_zones > 1 {
        needs.push(format!(
            "subnets in at least {} availability zones, even for one instance",
            requirements.availability_zones
        ));
    }
    if let Some(shadow) = requirements.shadow_endpoint {
        needs.push(format!(
            "with shadowEndpoint, subnets in at least {} availability zones, and {} free private IPv4 addresses for each \
             of its instances besides",
            shadow.availability_zones, shadow.addresses_per_instance
        ));
    }
    if requirements.is_cluster {
        needs.push(
            "all addresses in one subnet: SageMaker puts a cluster, or an instance group with OverrideVpcConfig, into one"
                .to_owned(),
        );
    }
    if requirements.private_subnets_advised {
        needs.push("private subnets, as AWS advises: none with a route to an internet gateway".to_owned());
    }
    if requirements.default_tenancy {
        needs.push("a VPC with default instance tenancy".to_owned());
    }
    let addresses = requirements.addresses_per_instance;
    let plural = if addresses == 1 { "" } else { "es" };
    let each = if requirements.instances_are_users {
        "user"
    } else {
        "instance"
    };
    let with_efa = requirements.addresses_with_efa;
    let with_efa = with_efa.map_or_else(String::new, |with_efa| format!(", {with_efa} with EFA"));
    let advised = requirements.addresses_advised;
    let advised = advised.map_or_else(String::new, |advised| format!("; AWS advises {advised}"));
    needs.push(format!(
        "{addresses} free private IPv4 address{plural} for each {each}{with_efa}{advised}"
    ));
    needs.extend(requirements.needs.iter().map(|need| {
        match need {
            Need::S3 => {
                "an S3 gateway endpoint on the route tables of its subnets, whose policy lets its buckets through"
                    .to_owned()
            }
            Need::Dns => "DNS support and DNS host names, and DHCP options with domain-name-servers".to_owned(),
            Need::DomainName => "DHCP options with domain-name".to_owned(),
            Need::ElasticInference => {
                "an interface endpoint for elastic-inference.runtime in at least two zones, and two security groups: a \
             client that only sends to the endpoint, and the endpoint that only hears the client"
                    .to_owned()
            }
        }
    }));
    needs
}

fn rules(requirements: &Requirements) -> Vec<String> {
    let mut rules: Vec<String> = requirements.rules.iter().map(ToString::to_string).collect();
    if !requirements.services.is_empty() || requirements.shadow_endpoint.is_some() {
        rules.push(format!("{HTTPS_TO_ENDPOINTS}, for interface endpoints"));
    }
    rules
}

fn services(explanation: &Explanation) -> Vec<String> {
    let mut lines: Vec<String> = explanation
        .services
        .iter()
        .map(|service| format!("{service}: it cannot do without"))
        .collect();
    lines.extend(
        explanation
            .shadow_endpoint_services
            .iter()
            .map(|service| format!("{service}: with shadowEndpoint, it cannot do without")),
    );
    lines.extend(
        explanation
            .usual_services
            .iter()
            .map(|service| format!("{service}: usually")),
    );
    lines
}

fn fields(requirements: &Requirements) -> Vec<Field> {
    let mut fields = Vec::new();
    let mut add = |field, says: String| fields.push(Field { field, says });
    add(
        "workloads[].instances",
        "how many run at the same time; their addresses must be free".to_owned(),
    );
    add(
        "workloads[].instanceType",
        "the type of its instances, such as ml.p5.48xlarge: only zones that offer it count, and what it takes"
            .to_owned(),
    );
    if requirements.is_cluster {
        add(
            "workloads[].orchestrator",
            "Slurm or Eks: with Amazon EKS, pods have addresses of their own".to_owned(),
        );
    }
    if requirements.may_be_distributed {
        add(
            "workloads[].distributed",
            "true where the instances of one job talk to each other".to_owned(),
        );
    }
    if requirements.may_be_encrypted() {
        add(
            "workloads[].interContainerEncryption",
            "true where they encrypt what they say (EnableInterContainerTrafficEncryption)".to_owned(),
        );
    }
    if requirements.addresses_with_efa.is_some() {
        add(
            "workloads[].efa",
            "true for instances with Elastic Fabric Adapters".to_owned(),
        );
    }
    if requirements.may_be_isolated {
        add(
            "workloads[].networkIsolation",
            "true where its containers have no network (EnableNetworkIsolation): they call no services".to_owned(),
        );
    }
    if requirements.shadow_endpoint.is_some() {
        add(
            "workloads[].shadowEndpoint",
            "where it gets predictions from a model: how many instances the endpoint has that SageMaker makes for it"
                .to_owned(),
        );
    }
    if requirements.may_have_direct_internet_access {
        add(
            "workloads[].directInternetAccess",
            "true where SageMaker's own way to the internet is on: its traffic to S3 then bypasses the VPC".to_owned(),
        );
    }
    if requirements.role_actions != RoleActions::None {
        add(
            "workloads[].roleArn",
            "the execution role, to have it verified; the SageMakerVpc must grant it".to_owned(),
        );
    }
    add(
        "subnets",
        "a narrower choice, by ids or tags, out of those that the SageMakerVpc offers".to_owned(),
    );
    let most = requirements.security_groups;
    let own = if requirements.instances_are_users {
        "; AWS advises a distinct one for each user profile: a workload for each user, and managed: PerWorkload"
    } else {
        ""
    };
    let rest = if most < MAX_SECURITY_GROUPS {
        format!(", for an interface takes {MAX_SECURITY_GROUPS} and gets another besides")
    } else {
        String::new()
    };
    add(
        "securityGroups",
        format!("at most {most} of your own{rest}; without it, one is made and kept{own}"),
    );
    add(
        "buckets",
        "what it reads and writes; the SageMakerVpc must grant them".to_owned(),
    );
    if !requirements.usual_services.is_empty() {
        add(
            "services",
            format!(
                "{}, where they are called; the SageMakerVpc must grant them",
                listed(requirements.usual_services)
            ),
        );
    }
    add(
        "destinations",
        "hosts and addresses outside the VPC; the SageMakerVpc must grant them and have a way out".to_owned(),
    );
    fields
}

fn role_notes(requirements: &Requirements) -> Vec<&'static str> {
    let mut notes = Vec::new();
    if !requirements.role_actions_advised.is_empty() {
        notes.push(
            "of these, ec2:DescribeVpcEndpoints only by some of AWS's pages: a role without it is told, and can do",
        );
    }
    if requirements.role_unconditioned {
        notes.push("all of these on resource * and without a condition, or SageMaker refuses the job");
    }
    match requirements.role_actions {
        RoleActions::Eni11 => notes.push(
            "ec2:ModifyNetworkInterfaceAttribute by a policy of your own: AmazonSageMakerFullAccess does not hold it",
        ),
        RoleActions::None | RoleActions::Eni9 | RoleActions::Eni10 | RoleActions::ElasticInference => {}
    }
    notes
}

fn example(kind: WorkloadKind) -> String {
    let requirements = kind.requirements();
    let name = kind.to_string().to_lowercase();
    let mut workload = format!("  - name: {name}\n    kind: {kind}\n    instances: 2\n");
    if requirements.may_be_distributed {
        workload.push_str("    distributed: true\n");
    }
    format!(
        "apiVersion: sagevpc.dev/v1alpha1\nkind: SageMakerVpcProfile\nmetadata:\n  name: {name}\n  namespace: \
         my-team\nspec:\n  vpcRef:\n    name: research\n  workloads:\n{workload}  buckets:\n  - name: my-team-data\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{api::SageMakerVpcProfile, objects::Objects};

    #[test]
    fn every_kind_is_listed() {
        let list = list();
        for kind in WorkloadKind::ALL {
            assert!(list.contains(kind.requirements().about), "{kind}");
        }
    }

    #[test]
    fn every_example_is_a_profile_of_its_kind() {
        for kind in WorkloadKind::ALL {
            let example = Explanation::of(kind).example;
            let profile: SageMakerVpcProfile = serde_saphyr::from_str(&example).unwrap();
            let workload = &profile.spec.workloads[0];
            assert_eq!(workload.kind, kind);
            assert_eq!(workload.distributed, kind.requirements().may_be_distributed, "{kind}");
            Objects::default().add("example.yaml", &example).unwrap();
        }
    }

    #[test]
    fn compilation_says_what_the_managed_policy_lacks() {
        let text = Explanation::of(WorkloadKind::Compilation).text();
        for part in [
            "CreateCompilationJob, VpcConfig",
            "https://docs.aws.amazon.com/sagemaker/latest/dg/neo-vpc.html",
            "1 to 16 subnets",
            "default instance tenancy",
            "2 free private IPv4 addresses for each instance",
            "egress tcp 443 to S3's prefix list",
            "egress all traffic to the subnets' addresses",
            "ec2:ModifyNetworkInterfaceAttribute by a policy of your own",
            "Please check if you have ec2:CreateNetworkInterface permission",
            "Data download failed",
        ] {
            assert!(text.contains(part), "{part:?} is not in:\n{text}");
        }
        assert!(!text.contains("interContainerEncryption"), "{text}");
    }

    #[test]
    fn studio_says_its_services_ports_and_group_limit() {
        let text = Explanation::of(WorkloadKind::Studio).text();
        for part in [
            "sagemaker.api: it cannot do without",
            "sts: usually",
            "egress tcp 2049",
            "tcp 8192-65535",
            "at most 4 of your own",
            "SageMaker studio is unable to reach SageMaker Endpoint",
            "private subnets, as AWS advises",
            "1 free private IPv4 address for each user; AWS advises 4",
            "studio: usually",
            "a distinct one for each user profile",
            "https://docs.aws.amazon.com/sagemaker/latest/dg/studio-updated-and-internet-access.html",
        ] {
            assert!(text.contains(part), "{part:?} is not in:\n{text}");
        }
        assert!(!text.contains("The execution role must"), "{text}");
    }

    #[test]
    fn clarify_says_what_predictions_take() {
        let text = Explanation::of(WorkloadKind::Clarify).text();
        for part in [
            "with shadowEndpoint, subnets in at least 2 availability zones, and 2 free private IPv4 addresses",
            "sagemaker.api: with shadowEndpoint, it cannot do without",
            "workloads[].shadowEndpoint",
            "Unable to locate at least 2 availability zone(s)",
        ] {
            assert!(text.contains(part), "{part:?} is not in:\n{text}");
        }
        assert!(!text.contains("networkIsolation"), "{text}");
    }

    #[test]
    fn training_says_what_efa_and_encryption_take() {
        let text = Explanation::of(WorkloadKind::Training).text();
        for part in [
            "5 with EFA",
            "ingress all traffic from the group itself with EFA",
            "ingress udp 500 from the group itself when encrypted",
            "egress protocol 50 to the group itself when encrypted",
            "workloads[].efa",
        ] {
            assert!(text.contains(part), "{part:?} is not in:\n{text}");
        }
    }

    #[test]
    fn programs_read_the_same() {
        let json = serde_json::to_value(Explanation::of(WorkloadKind::Notebook)).unwrap();
        assert_eq!(json["kind"], "Notebook");
        assert_eq!(json["roleActions"].as_array().unwrap().len(), 9);
        assert_eq!(
            json["services"],
            serde_json::json!(["sagemaker.api", "sagemaker.runtime"])
        );
        let fields = json["fields"].as_array().unwrap();
        assert!(
            fields
                .iter()
                .any(|field| field["field"] == "workloads[].directInternetAccess")
        );
    }
}
