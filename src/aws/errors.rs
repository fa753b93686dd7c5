//! AWS's error codes and what each means for us: one table.
//!
//! See <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html>.

mod code;

use std::error::Error as StdError;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_sts::operation::assume_role::AssumeRoleError;
use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

pub use code::code_of;
use sagevpc_core::{
    catalog::calls::Call,
    report::{Failure, FailureKind},
};

/// What an error code means for us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// Something that the call names is not there: gone, which suits the
    /// deletion of just that thing, or not visible yet, shortly after its
    /// creation.
    NotThere(Thing),
    /// What was to be added is there already.
    AlreadyThere,
    /// What was to be deleted is still used by something.
    StillInUse,
    /// The name is taken by another resource.
    NameTaken,
    /// The client token was used before, for another request.
    TokenMismatch,
    /// A private DNS name that is asked for leads elsewhere in the VPC already.
    /// It takes a while to end after the endpoint that had it was deleted.
    DnsConflict,
    /// What the call works on is on its way to another state.
    NotReady,
    /// A refusal.
    Refused(FailureKind),
}

impl Meaning {
    /// The kind of failure that it is for those who only report it.
    pub const fn kind(self) -> FailureKind {
        match self {
            Self::Refused(kind) => kind,
            Self::NotThere(_)
            | Self::AlreadyThere
            | Self::StillInUse
            | Self::NameTaken
            | Self::TokenMismatch
            | Self::DnsConflict
            | Self::NotReady => FailureKind::Rejected,
        }
    }
}

/// What is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Thing {
    /// A VPC endpoint.
    VpcEndpoint,
    /// A security group: the one that is changed, or one that a rule names.
    SecurityGroup,
    /// A rule of a security group.
    Rule,
    /// An elastic IP address.
    Address,
    /// A NAT gateway.
    NatGateway,
    /// A route of a route table.
    Route,
    /// A route table.
    RouteTable,
    /// A rule of a network ACL.
    NetworkAclEntry,
    /// A network ACL.
    NetworkAcl,
    /// A flow log.
    FlowLog,
    /// A bucket.
    Bucket,
    /// A bucket's policy.
    BucketPolicy,
    /// Anything else.
    Other,
}

/// Codes that say more than their ending does.
const CODES: &[(&str, Meaning)] = &[
    ("InvalidVpcEndpoint.NotFound", Meaning::NotThere(Thing::VpcEndpoint)),
    ("InvalidVpcEndpointId.NotFound", Meaning::NotThere(Thing::VpcEndpoint)),
    ("InvalidGroup.NotFound", Meaning::NotThere(Thing::SecurityGroup)),
    ("InvalidGroupId.NotFound", Meaning::NotThere(Thing::SecurityGroup)),
    (
        "InvalidSecurityGroupID.NotFound",
        Meaning::NotThere(Thing::SecurityGroup),
    ),
    ("InvalidPermission.NotFound", Meaning::NotThere(Thing::Rule)),
    ("InvalidAllocationID.NotFound", Meaning::NotThere(Thing::Address)),
    ("InvalidAddress.NotFound", Meaning::NotThere(Thing::Address)),
    ("InvalidAddressID.NotFound", Meaning::NotThere(Thing::Address)),
    ("InvalidElasticIpID.NotFound", Meaning::NotThere(Thing::Address)),
    ("NatGatewayNotFound", Meaning::NotThere(Thing::NatGateway)),
    ("InvalidNatGatewayID.NotFound", Meaning::NotThere(Thing::NatGateway)),
    ("InvalidRoute.NotFound", Meaning::NotThere(Thing::Route)),
    ("InvalidRouteTableID.NotFound", Meaning::NotThere(Thing::RouteTable)),
    ("InvalidRouteTableId.NotFound", Meaning::NotThere(Thing::RouteTable)),
    (
        "InvalidNetworkAclEntry.NotFound",
        Meaning::NotThere(Thing::NetworkAclEntry),
    ),
    ("InvalidNetworkAclID.NotFound", Meaning::NotThere(Thing::NetworkAcl)),
    ("InvalidNetworkAclId.NotFound", Meaning::NotThere(Thing::NetworkAcl)),
    ("InvalidFlowLogId.NotFound", Meaning::NotThere(Thing::FlowLog)),
    ("NoSuchBucket", Meaning::NotThere(Thing::Bucket)),
    ("NoSuchBucketPolicy", Meaning::NotThere(Thing::BucketPolicy)),
    ("NoSuchEntity", Meaning::NotThere(Thing::Other)),
    ("InvalidID", Meaning::NotThere(Thing::Other)),
    ("InvalidPermission.Duplicate", Meaning::AlreadyThere),
    ("RouteAlreadyExists", Meaning::AlreadyThere),
    ("NetworkAclEntryAlreadyExists", Meaning::AlreadyThere),
    ("FlowLogAlreadyExists", Meaning::AlreadyThere),
    ("DuplicateSubnetsInSameZone", Meaning::AlreadyThere),
    ("IncorrectState", Meaning::NotReady),
    ("DependencyViolation", Meaning::StillInUse),
    ("InvalidIPAddress.InUse", Meaning::StillInUse),
    ("InvalidGroup.InUse", Meaning::StillInUse),
    ("InvalidGroup.Duplicate", Meaning::NameTaken),
    ("IdempotentParameterMismatch", Meaning::TokenMismatch),
    ("BandwidthLimitExceeded", Meaning::Refused(FailureKind::Throttled)),
    ("EC2ThrottledException", Meaning::Refused(FailureKind::Throttled)),
    ("PriorRequestNotComplete", Meaning::Refused(FailureKind::Throttled)),
    ("OperationAborted", Meaning::Refused(FailureKind::Throttled)),
    ("RequestLimitExceeded", Meaning::Refused(FailureKind::Throttled)),
    ("RequestThrottled", Meaning::Refused(FailureKind::Throttled)),
    ("RequestThrottledException", Meaning::Refused(FailureKind::Throttled)),
    ("SlowDown", Meaning::Refused(FailureKind::Throttled)),
    ("Throttling", Meaning::Refused(FailureKind::Throttled)),
    ("ThrottlingException", Meaning::Refused(FailureKind::Throttled)),
    ("TooManyRequestsException", Meaning::Refused(FailureKind::Throttled)),
    ("AccessDenied", Meaning::Refused(FailureKind::AccessDenied)),
    ("AccessDeniedException", Meaning::Refused(FailureKind::AccessDenied)),
    ("OptInRequired", Meaning::Refused(FailureKind::AccessDenied)),
    ("UnauthorizedOperation", Meaning::Refused(FailureKind::AccessDenied)),
    ("AllAccessDisabled", Meaning::Refused(FailureKind::AccessDenied)),
    ("AuthFailure", Meaning::Refused(FailureKind::NoCredentials)),
    ("ExpiredToken", Meaning::Refused(FailureKind::NoCredentials)),
    ("ExpiredTokenException", Meaning::Refused(FailureKind::NoCredentials)),
    ("IncompleteSignature", Meaning::Refused(FailureKind::NoCredentials)),
    ("InvalidAccessKeyId", Meaning::Refused(FailureKind::NoCredentials)),
    ("InvalidClientTokenId", Meaning::Refused(FailureKind::NoCredentials)),
    ("InvalidIdentityToken", Meaning::Refused(FailureKind::NoCredentials)),
    (
        "InvalidSignatureException",
        Meaning::Refused(FailureKind::NoCredentials),
    ),
    (
        "MissingAuthenticationToken",
        Meaning::Refused(FailureKind::NoCredentials),
    ),
    (
        "MissingAuthenticationTokenException",
        Meaning::Refused(FailureKind::NoCredentials),
    ),
    ("RequestExpired", Meaning::Refused(FailureKind::NoCredentials)),
    ("SignatureDoesNotMatch", Meaning::Refused(FailureKind::NoCredentials)),
    (
        "UnrecognizedClientException",
        Meaning::Refused(FailureKind::NoCredentials),
    ),
    ("InternalError", Meaning::Refused(FailureKind::Unreachable)),
    ("InternalFailure", Meaning::Refused(FailureKind::Unreachable)),
    ("RequestTimeout", Meaning::Refused(FailureKind::Unreachable)),
    ("ServiceUnavailable", Meaning::Refused(FailureKind::Unreachable)),
    ("Unavailable", Meaning::Refused(FailureKind::Unreachable)),
];

/// Endings that mean the same on whatever kind of resource, where [`CODES`]
/// does not say otherwise.
const ENDINGS: &[(&str, Meaning)] = &[
    (".NotFound", Meaning::NotThere(Thing::Other)),
    ("LimitExceeded", Meaning::Refused(FailureKind::QuotaExceeded)),
];

/// What AWS files under a code that says nothing, told apart by its words.
const WORDS: &[(&str, &str, Meaning)] = &[
    ("InvalidParameter", "already has a route", Meaning::AlreadyThere),
    ("InvalidParameter", "conflicting DNS domain", Meaning::DnsConflict),
    (
        "InvalidParameterValue",
        "no route defined for",
        Meaning::NotThere(Thing::Route),
    ),
];

/// What a code means. `message` tells apart what AWS files under one code.
pub fn meaning(code: &str, message: &str) -> Meaning {
    let words = WORDS
        .iter()
        .find(|(known, words, _)| *known == code && message.contains(words))
        .map(|(_, _, meaning)| *meaning);
    let in_table = |table: &[(&str, Meaning)], is: fn(&str, &str) -> bool| {
        table
            .iter()
            .find(|(known, _)| is(code, known))
            .map(|(_, meaning)| *meaning)
    };
    words
        .or_else(|| in_table(CODES, |code, known| code == known))
        .or_else(|| in_table(ENDINGS, |code, ending| code.ends_with(ending)))
        .unwrap_or(Meaning::Refused(FailureKind::Rejected))
}

/// An error of a call, understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What it means for us.
    pub meaning: Meaning,
    /// The same, for those who only report it.
    pub failure: Failure,
}

impl Refusal {
    /// From AWS's code and message, wherever they stood in its answer.
    pub fn from_code(call: Call, code: &str, message: &str) -> Self {
        let meaning = meaning(code, message);
        let kind = meaning.kind();
        let message = presentable(message);
        Self {
            meaning,
            failure: Failure {
                kind,
                action: call.qualified().to_owned(),
                code: Some(code.to_owned()),
                message,
            },
        }
    }

    /// From an error of the SDK's.
    pub fn from_sdk<E, R>(call: Call, error: &SdkError<E, R>) -> Self
    where
        E: ProvideErrorMetadata + StdError + 'static,
        R: std::fmt::Debug,
        SdkError<E, R>: StdError + 'static,
    {
        if let SdkError::ServiceError(answer) = error
            && let Some(code) = answer.err().code()
        {
            return Self::from_code(call, code, answer.err().message().unwrap_or_default());
        }
        if let Some(credentials) = causes(error).find_map(|cause| cause.downcast_ref::<CredentialsError>()) {
            return Self::from_credentials(call, credentials);
        }
        // What cannot be sent, is not answered or not understood may be all
        // right the next time, except a request that cannot even be built.
        let kind = match error {
            SdkError::ConstructionFailure(_) => FailureKind::Rejected,
            _ => FailureKind::Unreachable,
        };
        Self::without_code(call, kind, &chain(error))
    }

    /// From what kept a call from getting credentials: there are none, or AWS
    /// STS refused to hand them out.
    pub fn from_credentials(call: Call, error: &CredentialsError) -> Self {
        let assume_role = causes(error).find_map(|cause| {
            let answer = cause.downcast_ref::<SdkError<AssumeRoleError, HttpResponse>>()?;
            answer.as_service_error()
        });
        if let Some(refused) = assume_role
            && let Some(code) = refused.code()
        {
            return Self::from_code(Call::AssumeRole, code, refused.message().unwrap_or_default());
        }
        let kind = match error {
            CredentialsError::ProviderTimedOut(_) => FailureKind::Unreachable,
            _ => FailureKind::NoCredentials,
        };
        Self::without_code(call, kind, &chain(error))
    }

    /// A refusal without a word from AWS.
    pub fn without_code(call: Call, kind: FailureKind, message: &str) -> Self {
        Self {
            meaning: Meaning::Refused(kind),
            failure: Failure {
                kind,
                action: call.qualified().to_owned(),
                code: None,
                message: presentable(message),
            },
        }
    }
}

fn causes<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    let mut next = Some(error);
    std::iter::from_fn(move || {
        let error = next?;
        next = error.source();
        Some(error)
    })
}

/// Whether an error of type `T` is the error or one of its causes.
pub(super) fn is_caused_by<T: StdError + 'static>(error: &(dyn StdError + 'static)) -> bool {
    causes(error).any(|cause| cause.is::<T>())
}

/// The error and its causes in one line, without the repetitions that wrapped
/// errors are full of.
fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut parts: Vec<String> = Vec::new();
    for cause in causes(error) {
        let text = cause.to_string();
        if !parts.iter().any(|part| part.contains(&text)) {
            parts.push(text);
        }
    }
    parts.join(": ")
}

/// Longest message that is kept: status has a bound, and what comes after the
/// first sentences of AWS's longest messages is for machines.
const MESSAGE_MAX_CHARS: usize = 512;

/// AWS's words as they may appear in a status and in a log: one line of bounded
/// length, without the encoded message that only an administrator can decode
/// and without access key ids.
fn presentable(message: &str) -> String {
    const ENCODED: &str = "Encoded authorization failure message";
    let plain = message.split(ENCODED).next().unwrap_or_default();
    let words: Vec<&str> = plain
        .split_whitespace()
        .map(|word| if names_access_key(word) { "(access key)" } else { word })
        .collect();
    let line = words.join(" ");
    match line.char_indices().nth(MESSAGE_MAX_CHARS) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// Whether a word holds the id of an access key, long-lived or temporary.
///
/// See <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html>.
fn names_access_key(word: &str) -> bool {
    const LENGTH: usize = 20;
    ["AKIA", "ASIA"]
        .iter()
        .flat_map(|prefix| word.match_indices(prefix))
        .any(|(start, _)| {
            let id = word[start..].bytes().take_while(u8::is_ascii_alphanumeric).count();
            id >= LENGTH
        })
}

#[cfg(test)]
mod tests;
