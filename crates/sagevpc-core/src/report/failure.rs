//! What AWS refused, or did not answer.

/// A refusal of AWS's, or its silence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What kind of refusal: it decides what we do next.
    pub kind: FailureKind,
    /// The action that was refused, such as `ec2:CreateVpcEndpoint`.
    pub action: String,
    /// AWS's error code, where there is one.
    pub code: Option<String>,
    /// AWS's words, where there are any.
    pub message: String,
}

impl Failure {
    /// What was refused and why, with what to do about it.
    pub fn explained(&self) -> String {
        match self.fix() {
            Some(fix) => format!("{} {fix}", self.said()),
            None => self.said(),
        }
    }

    /// What was refused and why.
    pub fn said(&self) -> String {
        let Self {
            kind,
            action,
            code,
            message,
        } = self;
        if *kind == FailureKind::WrongAccount {
            // It is not AWS that refuses.
            return message.clone();
        }
        let code = code.as_ref().map(|code| format!("{code}: ")).unwrap_or_default();
        format!("{action} failed: {code}{}.", message.trim_end_matches('.'))
    }

    /// What to do about it; `None` where what is said says it.
    pub const fn fix(&self) -> Option<&'static str> {
        Some(match self.kind {
            FailureKind::NoCredentials => {
                "Give the controller's pod AWS credentials (IRSA, Pod Identity, or the environment), or correct \
                 spec.credentials."
            }
            FailureKind::AccessDenied => {
                "Allow the controller's role this action; `sagevpc print iam-policy` prints the whole policy that it needs."
            }
            FailureKind::Throttled => "AWS asks for fewer requests; it is tried again later.",
            FailureKind::Unreachable => {
                "Check that AWS's endpoints of this region can be reached; the controller tries again by itself."
            }
            FailureKind::QuotaExceeded => "Ask AWS to raise this quota of the account, or remove what is not needed.",
            FailureKind::Rejected => "It is tried again later.",
            FailureKind::WrongAccount => return None,
        })
    }
}

/// Kinds of refusal, by what comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FailureKind {
    /// No credentials, or ones that AWS does not accept: someone must mend them.
    NoCredentials,
    /// The credentials lead to another account than the one in which things
    /// were made: someone must correct them.
    WrongAccount,
    /// The role lacks a permission: someone must grant it.
    AccessDenied,
    /// Too many requests: later.
    Throttled,
    /// No answer: later.
    Unreachable,
    /// A quota of the account is used up: someone must raise it.
    QuotaExceeded,
    /// AWS does not accept the request as it stands.
    Rejected,
}

impl FailureKind {
    /// The word for metrics and conditions.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoCredentials => "NoCredentials",
            Self::WrongAccount => "WrongAccount",
            Self::AccessDenied => "AccessDenied",
            Self::Throttled => "Throttled",
            Self::Unreachable => "Unreachable",
            Self::QuotaExceeded => "QuotaExceeded",
            Self::Rejected => "Rejected",
        }
    }
}
