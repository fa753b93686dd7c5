//! `sagevpc policy`: what IAM policies mean, without asking AWS.

mod diff;

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    process::ExitCode,
};

use serde::Serialize;
use serde_json::json;

use self::diff::Comparison;
use super::{Output, input, output};
use iam_policy::{
    Context, ContextValue, Decision, PolicyDocument, PolicyError, Principal, PrincipalClause, PrincipalSet, Request,
    StatementRef, Unjudged, evaluate,
};

/// Compare IAM policies by what they mean, or ask what they allow.
#[derive(clap::Args, Debug)]
pub struct PolicyArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand, Debug)]
enum What {
    /// Print where two policies differ in meaning.
    Diff(DiffArgs),
    /// Print whether policies allow a request, and by which statement.
    Eval(EvalArgs),
}

#[derive(clap::Args, Debug)]
#[command(
    after_help = "Policies mean the same where they allow and deny the same requests, however their statements are \
                  split, merged, ordered or spelt.\n\nExit status: 0 when they mean the same, 2 when they differ, 3 when \
                  that cannot be decided, 1 on an error."
)]
struct DiffArgs {
    /// The first policy's file; `-` reads standard input.
    #[arg(value_name = "A")]
    first: String,
    /// The second policy's file.
    #[arg(value_name = "B")]
    second: String,
    /// How to print the differences.
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

#[derive(clap::Args, Debug)]
#[command(
    after_help = "Exit status: 0 when it is allowed, 2 when it is denied, 3 when that hangs on what is not given, 1 on \
                  an error."
)]
struct EvalArgs {
    /// A policy's file; `-` reads standard input. May be given several times:
    /// one of them must allow the request, and none may deny it.
    #[arg(short, long = "policy", required = true, value_name = "FILE")]
    policies: Vec<String>,
    /// The action, such as s3:GetObject.
    #[arg(long, value_name = "ACTION")]
    action: String,
    /// The resource: an ARN, or * for actions that have none.
    #[arg(long, value_name = "ARN")]
    resource: String,
    /// Who asks: an ARN, an account, a service such as
    /// sagemaker.amazonaws.com, or * for someone who has not signed in.
    #[arg(long, value_name = "PRINCIPAL")]
    principal: Option<String>,
    /// A context key of the request and its value. One with several values is
    /// given several times. What is not given is not known.
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_and_value)]
    context: Vec<(String, String)>,
    /// How to print the decision.
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum PolicyCommandError {
    /// A file cannot be read.
    #[error("{file}: {error}")]
    File {
        /// The file.
        file: String,
        /// Why.
        error: io::Error,
    },
    /// A file holds no policy.
    #[error("{file} cannot be read as an IAM policy: {error}")]
    Policy {
        /// The file.
        file: String,
        /// Why.
        error: Box<PolicyError>,
    },
    /// Who asks decides, and was not given.
    #[error("{statement} of {file} names principals: say who asks with --principal")]
    NoPrincipal {
        /// The file.
        file: String,
        /// The statement.
        statement: StatementRef,
    },
    /// Standard output is closed.
    #[error("standard output cannot be written to")]
    Output(#[from] io::Error),
}

/// Answers.
///
/// # Errors
///
/// When a file cannot be read or holds no policy.
pub fn run(args: &PolicyArgs) -> Result<ExitCode, PolicyCommandError> {
    let (text, exit) = match &args.what {
        What::Diff(args) => {
            let comparison = Comparison::of(&read(&args.first)?, &read(&args.second)?);
            (comparison.described(args.output), comparison.exit())
        }
        What::Eval(args) => {
            let policies = args
                .policies
                .iter()
                .map(|file| Ok((file.clone(), read(file)?)))
                .collect::<Result<Vec<_>, PolicyCommandError>>()?;
            let answer = decide(&policies, &request(args, &policies)?);
            (answer.described(args.output), answer.decision.exit())
        }
    };
    output::print(&text)?;
    Ok(ExitCode::from(exit))
}

fn read(file: &str) -> Result<PolicyDocument, PolicyCommandError> {
    let text = input::read(file).map_err(|error| PolicyCommandError::File {
        file: file.to_owned(),
        error,
    })?;
    text.parse().map_err(|error| PolicyCommandError::Policy {
        file: file.to_owned(),
        error: Box::new(error),
    })
}

fn key_and_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        Some(_) | None => Err("write it as KEY=VALUE, such as aws:SourceVpce=vpce-0123456789abcdef0".to_owned()),
    }
}

/// The request that the arguments describe.
fn request(args: &EvalArgs, policies: &[(String, PolicyDocument)]) -> Result<Request, PolicyCommandError> {
    let principal = match &args.principal {
        Some(text) => principal(text),
        None => match policies
            .iter()
            .find_map(|(file, policy)| Some((file, names_someone(policy)?)))
        {
            Some((file, statement)) => {
                let file = file.clone();
                return Err(PolicyCommandError::NoPrincipal { file, statement });
            }
            None => Principal::Anonymous,
        },
    };
    let mut values: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (key, value) in &args.context {
        values.entry(key).or_default().push(value.clone());
    }
    let context = values.into_iter().fold(Context::partial(), |context, (key, values)| {
        context.with(key, ContextValue::Values(values))
    });
    Ok(Request::new(principal, &args.action, &args.resource).in_context(context))
}

/// The first statement that speaks of some and not of others.
fn names_someone(policy: &PolicyDocument) -> Option<StatementRef> {
    let place = policy
        .statements
        .iter()
        .position(|statement| match &statement.principal {
            None | Some(PrincipalClause::Principal(PrincipalSet::Everyone)) => false,
            Some(PrincipalClause::Principal(PrincipalSet::Named(_)) | PrincipalClause::NotPrincipal(_)) => true,
        })?;
    Some(StatementRef {
        number: place + 1,
        sid: policy.statements[place].sid.clone(),
    })
}

fn principal(text: &str) -> Principal {
    let is_provider = text.contains(":saml-provider/") || text.contains(":oidc-provider/");
    let is_service = !text.contains(':') && (text.ends_with(".amazonaws.com") || text.ends_with(".amazonaws.com.cn"));
    match text {
        "*" => Principal::Anonymous,
        _ if is_provider => Principal::Federated(text.to_owned()),
        _ if is_service => Principal::Service(text.to_owned()),
        _ => Principal::Aws(text.to_owned()),
    }
}

/// What policies decide together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
enum Together {
    Allowed,
    ImplicitlyDenied,
    ExplicitlyDenied,
    Unknown,
}

impl Together {
    const fn exit(self) -> u8 {
        match self {
            Self::Allowed => 0,
            Self::ImplicitlyDenied | Self::ExplicitlyDenied => 2,
            Self::Unknown => 3,
        }
    }
}

/// A statement of one of several policies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Source {
    file: String,
    #[serde(flatten)]
    statement: StatementRef,
}

/// A decision and what it rests on.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Answer {
    decision: Together,
    /// The statements that decide, or that it hangs on.
    statements: Vec<Source>,
    /// What it hangs on.
    missing: BTreeSet<Unjudged>,
}

impl Answer {
    fn described(&self, output: Output) -> String {
        if let Output::Json = output {
            return format!("{:#}\n", json!(self));
        }
        let sources: Vec<String> = self
            .statements
            .iter()
            .map(|Source { file, statement }| format!("{statement} of {file}"))
            .collect();
        let sources = sources.join(", ");
        match self.decision {
            Together::Allowed => format!("Allowed by {sources}.\n"),
            Together::ExplicitlyDenied => format!("Denied by {sources}.\n"),
            Together::ImplicitlyDenied => "Denied: no statement allows it.\n".to_owned(),
            Together::Unknown => {
                let missing: String = self.missing.iter().map(|missing| format!("- {missing}\n")).collect();
                format!("Not known; it hangs on {sources}:\n{missing}")
            }
        }
    }
}

/// Decides a request by several policies: one must allow it, and none deny it.
fn decide(policies: &[(String, PolicyDocument)], request: &Request) -> Answer {
    let mut allowing = Vec::new();
    let mut hanging = Vec::new();
    let mut reasons = BTreeSet::new();
    let (mut allowance_hangs, mut denial_hangs) = (false, false);
    for (file, policy) in policies {
        let source = |statement| Source {
            file: file.clone(),
            statement,
        };
        match evaluate(policy, request) {
            Decision::Allowed { statement } => allowing.push(source(statement)),
            Decision::ImplicitlyDenied => {}
            Decision::ExplicitlyDenied { statement } => {
                return Answer {
                    decision: Together::ExplicitlyDenied,
                    statements: vec![source(statement)],
                    missing: BTreeSet::new(),
                };
            }
            Decision::Unknown {
                missing,
                statements,
                may_allow,
                may_deny,
            } => {
                hanging.extend(statements.into_iter().map(source));
                reasons.extend(missing);
                allowance_hangs |= may_allow;
                denial_hangs |= may_deny;
            }
        }
    }
    let (decision, statements, missing) = if !allowing.is_empty() && !denial_hangs {
        (Together::Allowed, allowing, BTreeSet::new())
    } else if allowing.is_empty() && !allowance_hangs {
        (Together::ImplicitlyDenied, Vec::new(), BTreeSet::new())
    } else {
        (Together::Unknown, hanging, reasons)
    };
    Answer {
        decision,
        statements,
        missing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policies(texts: &[&str]) -> Vec<(String, PolicyDocument)> {
        let named = |(number, text): (usize, &&str)| (format!("{number}.json"), text.parse().unwrap());
        texts.iter().enumerate().map(named).collect()
    }

    const ALLOW: &str = r#"{"Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}"#;
    const DENY: &str =
        r#"{"Statement": {"Sid": "NoPuts", "Effect": "Deny", "Action": "s3:Put*", "Resource": "arn:aws:s3:::b/*"}}"#;
    const CONDITIONAL: &str = r#"{"Statement": {"Effect": "Deny", "Action": "*", "Resource": "*",
        "Condition": {"StringNotEquals": {"aws:SourceVpce": "vpce-1"}}}}"#;

    fn ask(texts: &[&str], action: &str, context: Context) -> Answer {
        let request = Request::new(Principal::Anonymous, action, "arn:aws:s3:::b/k").in_context(context);
        decide(&policies(texts), &request)
    }

    #[test]
    fn one_policy_must_allow_and_none_deny() {
        let decisions = [
            ask(&[DENY, ALLOW], "s3:GetObject", Context::partial()),
            ask(&[ALLOW, DENY], "s3:PutObject", Context::partial()),
            ask(&[DENY], "s3:GetObject", Context::partial()),
            ask(&[ALLOW, CONDITIONAL], "s3:GetObject", Context::partial()),
            ask(&[CONDITIONAL], "s3:GetObject", Context::partial()),
        ];
        assert_eq!(
            decisions.each_ref().map(|answer| answer.decision),
            [
                Together::Allowed,
                Together::ExplicitlyDenied,
                Together::ImplicitlyDenied,
                Together::Unknown,
                Together::ImplicitlyDenied,
            ]
        );
        assert_eq!(
            decisions.each_ref().map(|answer| answer.decision.exit()),
            [0, 2, 2, 3, 2]
        );
        assert_eq!(
            decisions.each_ref().map(|answer| answer.described(Output::Text)),
            [
                "Allowed by statement 1 of 1.json.\n",
                "Denied by statement 1 (Sid \"NoPuts\") of 1.json.\n",
                "Denied: no statement allows it.\n",
                "Not known; it hangs on statement 1 of 1.json:\n- the request's `aws:sourcevpce` is not known\n",
                "Denied: no statement allows it.\n",
            ]
        );
    }

    #[test]
    fn what_is_given_of_the_context_decides() {
        let from = |endpoint: &str| {
            let context = Context::partial().with_value("aws:SourceVpce", endpoint);
            ask(&[ALLOW, CONDITIONAL], "s3:GetObject", context).decision
        };
        assert_eq!(
            (from("vpce-1"), from("vpce-2")),
            (Together::Allowed, Together::ExplicitlyDenied)
        );
    }

    #[test]
    fn principals_are_told_apart_by_their_form() {
        let arn = "arn:aws:iam::111122223333:role/train";
        let provider = "arn:aws:iam::111122223333:saml-provider/idp";
        for (text, expected) in [
            ("*", Principal::Anonymous),
            (arn, Principal::Aws(arn.to_owned())),
            ("111122223333", Principal::Aws("111122223333".to_owned())),
            (
                "sagemaker.amazonaws.com",
                Principal::Service("sagemaker.amazonaws.com".to_owned()),
            ),
            (provider, Principal::Federated(provider.to_owned())),
        ] {
            assert_eq!(principal(text), expected);
        }
    }

    #[test]
    fn a_policy_that_names_principals_needs_to_know_who_asks() {
        let policy = r#"{"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "*"},
            {"Sid": "Team", "Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "*", "Resource": "*"}]}"#;
        let named = names_someone(&policy.parse().unwrap());
        assert_eq!(
            named,
            Some(StatementRef {
                number: 2,
                sid: Some("Team".to_owned())
            })
        );
        assert_eq!(names_someone(&ALLOW.parse().unwrap()), None);
    }
}
