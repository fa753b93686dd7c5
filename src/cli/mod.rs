//! The command line: parsing, and each command in a file of its own.

mod exit;
mod explain;
mod folder;
mod iam_policy;
mod input;
mod lease;
mod live;
mod manifests;
mod output;
mod plan;
mod policy;
mod print;
mod reach;
mod reference;
mod requirements;
mod run;
mod snapshot;

use std::process::ExitCode;

pub use exit::USAGE;
pub use output::complain;

use clap::{Parser, Subcommand};

/// The longest value of a tag in AWS.
const MAX_TAG_VALUE: usize = 256;

/// Reads a cluster's id. An empty one would be every such cluster's.
fn cluster_id(text: &str) -> Result<String, String> {
    let is_tag = (1..=MAX_TAG_VALUE).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    if !is_tag || text.trim() != text {
        return Err(format!(
            "a cluster's id is the value of a tag: write 1 to {MAX_TAG_VALUE} characters, no space at its ends, or leave it \
             out for the default"
        ));
    }
    Ok(text.to_owned())
}

/// How an answer is printed.
#[derive(clap::ValueEnum, Clone, Copy, Debug, Default)]
enum Output {
    /// For a person.
    #[default]
    Text,
    /// For a program.
    Json,
}

/// Keeps private VPCs ready for Amazon SageMaker.
#[derive(Parser, Debug)]
#[command(name = "sagevpc", version, about)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Run the controller.
    ///
    /// Kubernetes is found by KUBECONFIG, ~/.kube/config or the pod's service
    /// account; AWS by the SDK's default chain of credentials, AWS_REGION and
    /// AWS_ENDPOINT_URL.
    Run(run::RunArgs),
    /// Print what would be done to AWS for objects in files.
    Plan(plan::PlanArgs),
    /// Save what AWS looks like, to plan against it later.
    Snapshot(snapshot::SnapshotArgs),
    /// Compare IAM policies by what they mean, ask what they allow, or print one
    /// that keeps SageMaker in the declared VPC.
    Policy(policy::PolicyArgs),
    /// Say what a kind of workload needs of its VPC.
    Explain(explain::ExplainArgs),
    /// Follow a packet through a VPC, and say what stops it.
    Reach(reach::ReachArgs),
    /// Print what an installation consists of.
    Print(print::PrintArgs),
}

impl Cli {
    /// Runs the command that was asked for.
    ///
    /// # Errors
    ///
    /// When it could not do its work.
    pub async fn execute(self) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::Run(args) => run::run(args).await.map(|()| ExitCode::SUCCESS),
            Command::Plan(args) => Ok(plan::run(&args).await?),
            Command::Snapshot(args) => Ok(snapshot::run(&args).await?),
            Command::Policy(args) => Ok(policy::run(&args)?),
            Command::Explain(args) => Ok(explain::run(&args)?),
            Command::Reach(args) => Ok(reach::run(&args)?),
            Command::Print(args) => Ok(print::run(&args)?),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::Cli;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
