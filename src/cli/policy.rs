//! `sagevpc policy`: what IAM policies mean, and one that keeps SageMaker in its
//! VPC, without asking AWS.

mod diff;
mod eval;
mod guard;

use std::{collections::BTreeMap, io, process::ExitCode};

use self::{diff::Comparison, eval::decide};
use super::{Output, input, output};
use iam_policy::{
    Context, ContextValue, PolicyDocument, PolicyError, Principal, PrincipalClause, PrincipalSet, Request, StatementRef,
};

/// Compare IAM policies by what they mean, ask what they allow, or print one that
/// keeps SageMaker in the declared VPC.
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
    /// Print a policy that denies SageMaker outside the declared subnets and
    /// security groups, or verify one.
    Guard(guard::GuardArgs),
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
    after_help = "A resource's policy that names an account leaves it to the account's own policies, and what another \
                  account owns needs both: which half is missing is said.\n\nExit status: 0 when it is allowed, 2 when it \
                  is denied, 3 when that hangs on what is not given, 1 on an error."
)]
struct EvalArgs {
    /// A policy's file, of a role or of a resource; `-` reads standard input. May
    /// be given several times: one of them must allow the request, together with
    /// another where a resource's policy only names the caller's account, and
    /// none may deny it.
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
    /// There is no guard.
    #[error(transparent)]
    Guard(Box<guard::GuardError>),
    /// Standard output is closed.
    #[error("standard output cannot be written to")]
    Output(#[from] io::Error),
}

impl From<guard::GuardError> for PolicyCommandError {
    fn from(error: guard::GuardError) -> Self {
        Self::Guard(Box::new(error))
    }
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
        What::Guard(args) => guard::run(args)?,
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

#[cfg(test)]
mod tests {
    use super::{
        eval::{Answer, Together},
        *,
    };

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

    const ROLE: &str = "arn:aws:iam::111122223333:role/train";

    /// What the role may do, by a bucket's policy that names this and by others.
    fn named(principal: &str, others: &[&str], resource: &str) -> Answer {
        let bucket = format!(
            r#"{{"Statement": {{"Effect": "Allow", "Principal": {principal}, "Action": "s3:*", "Resource": "*",
               "Condition": {{"StringEquals": {{"aws:PrincipalAccount": "111122223333"}}}}}}}}"#
        );
        let request = Request::new(super::principal(ROLE), "s3:GetObject", resource)
            .in_context(Context::partial().with_value("aws:PrincipalAccount", "111122223333"));
        decide(&policies(&[&[bucket.as_str()], others].concat()), &request)
    }

    #[test]
    fn a_policy_that_names_an_account_leaves_it_to_the_accounts_own_policies() {
        for account in [
            r#"{"AWS": "111122223333"}"#,
            r#"{"AWS": ["arn:aws:iam::111122223333:root", "arn:aws:iam::111122223333:role/other"]}"#,
        ] {
            let alone = named(account, &[], "arn:aws:s3:::b/k");
            assert_eq!((alone.decision, alone.decision.exit()), (Together::ImplicitlyDenied, 2));
            let told = alone.described(Output::Text);
            assert!(told.contains("statement 1 of 0.json"), "{told}");
            assert!(
                told.contains("a policy of the caller's own, of account 111122223333"),
                "{told}"
            );
            assert_eq!(
                named(account, &[DENY], "arn:aws:s3:::b/k").decision,
                Together::ImplicitlyDenied
            );
            let both = named(account, &[ALLOW], "arn:aws:s3:::b/k");
            assert_eq!(
                both.described(Output::Text),
                "Allowed by statement 1 of 0.json, statement 1 of 1.json.\n"
            );
            assert_eq!(
                named(account, &[ALLOW, CONDITIONAL], "arn:aws:s3:::b/k").decision,
                Together::Unknown
            );
        }
        for directly in [
            r#"{"AWS": "arn:aws:iam::111122223333:role/train"}"#,
            r#"{"AWS": "*"}"#,
            r#""*""#,
        ] {
            assert_eq!(
                named(directly, &[], "arn:aws:s3:::b/k").decision,
                Together::Allowed,
                "{directly}"
            );
        }
    }

    #[test]
    fn what_another_account_owns_needs_both_halves() {
        let key = "arn:aws:kms:eu-west-1:999999999999:key/k";
        let directly = r#"{"AWS": "arn:aws:iam::111122223333:role/train"}"#;
        let identity = r#"{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}"#;
        let without_own = named(directly, &[], key);
        assert_eq!(without_own.decision, Together::ImplicitlyDenied);
        assert!(
            without_own
                .described(Output::Text)
                .contains("a policy of the caller's own")
        );
        assert_eq!(named(directly, &[identity], key).decision, Together::Allowed);
        let request = Request::new(super::principal(ROLE), "kms:Decrypt", key);
        let without_resources = decide(&policies(&[identity]), &request);
        assert_eq!(without_resources.decision, Together::ImplicitlyDenied);
        let told = without_resources.described(Output::Text);
        assert!(
            told.contains("the policy of the resource, in account 999999999999"),
            "{told}"
        );
        let own_key = Request::new(
            super::principal(ROLE),
            "kms:Decrypt",
            key.replace("999999999999", "111122223333"),
        );
        assert_eq!(decide(&policies(&[identity]), &own_key).decision, Together::Allowed);
    }
}
