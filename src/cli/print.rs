//! `sagevpc print`: what an installation consists of, out of the code itself.

use std::{io, process::ExitCode};

use kube::CustomResourceExt;
use serde::Serialize;

use super::{
    iam_policy::{self, IamPolicyArgs},
    output, reference,
};
use crate::cluster::rbac;
use sagevpc_core::{
    api::{SageMakerVpc, SageMakerVpcProfile},
    catalog::calls::MANAGED_POLICY_MAX_CHARS,
};

/// What to print.
#[derive(clap::Args, Debug)]
pub struct PrintArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand, Clone, Debug)]
enum What {
    /// The CustomResourceDefinitions, as YAML.
    Crds,
    /// The rules of the controller's ClusterRole, as a YAML list.
    ClusterRole,
    /// The rules of its Role in its own namespace, likewise.
    Role,
    /// The AWS IAM policy that the controller needs, as JSON, as narrow as it is
    /// told.
    IamPolicy(IamPolicyArgs),
    /// The reference page, as Markdown.
    Reference,
}

/// Why something could not be printed.
#[derive(Debug, thiserror::Error)]
pub enum PrintError {
    /// It cannot be written as YAML.
    #[error("cannot be written as YAML")]
    Yaml(#[from] serde_saphyr::ser::Error),
    /// IAM would not take it.
    #[error(
        "the policy has {0} characters, and IAM takes {MANAGED_POLICY_MAX_CHARS} in a managed policy: print it in two with --part reads and --part \
         changes, or leave something out with --without"
    )]
    TooLong(usize),
    /// It cannot be written as JSON.
    #[error("cannot be written as JSON")]
    Json(#[from] serde_json::Error),
    /// Standard output is closed.
    #[error("standard output cannot be written to")]
    Output(#[from] io::Error),
}

/// Prints it.
///
/// # Errors
///
/// [`PrintError`].
pub fn run(args: &PrintArgs) -> Result<ExitCode, PrintError> {
    output::print(&text(&args.what)?)?;
    Ok(ExitCode::SUCCESS)
}

fn text(what: &What) -> Result<String, PrintError> {
    Ok(match what {
        What::Crds => documents(&[SageMakerVpc::crd(), SageMakerVpcProfile::crd()])?,
        What::ClusterRole => serde_saphyr::to_string(&rbac::rules())?,
        What::Role => serde_saphyr::to_string(&rbac::own_rules())?,
        What::IamPolicy(args) => iam_policy::text(args)?,
        What::Reference => reference::page(),
    })
}

/// YAML documents, one after the other.
fn documents(values: &[impl Serialize]) -> Result<String, PrintError> {
    let mut text = String::new();
    for value in values {
        text.push_str("---\n");
        text.push_str(&serde_saphyr::to_string(value)?);
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    /// The documents of a text, parsed.
    fn parsed(text: &str) -> Vec<Value> {
        text.split("---\n")
            .filter(|part| !part.is_empty())
            .map(|part| serde_saphyr::from_str(part).unwrap())
            .collect()
    }

    #[test]
    fn the_crds_survive_being_written_as_yaml() {
        let crds = parsed(&text(&What::Crds).unwrap());
        let expected: Vec<Value> = [SageMakerVpc::crd(), SageMakerVpcProfile::crd()]
            .iter()
            .map(|crd| serde_json::to_value(crd).unwrap())
            .collect();
        assert_eq!(crds, expected);
    }

    #[test]
    fn what_is_printed_is_the_same_every_time() {
        let policy = What::IamPolicy(IamPolicyArgs::default());
        for what in [What::Crds, What::ClusterRole, policy, What::Reference] {
            assert_eq!(text(&what).unwrap(), text(&what).unwrap(), "{what:?}");
        }
    }

    #[test]
    fn the_rules_are_a_list_as_a_cluster_role_takes_it() {
        let rules: Vec<k8s_openapi::api::rbac::v1::PolicyRule> =
            serde_saphyr::from_str(&text(&What::ClusterRole).unwrap()).unwrap();
        assert_eq!(rules.len(), rbac::PERMISSIONS.len());
        assert!(
            rules
                .iter()
                .all(|rule| rule.api_groups.is_some() && rule.resources.is_some())
        );
    }
}
