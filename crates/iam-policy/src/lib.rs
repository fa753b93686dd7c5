//! IAM policy documents as values: read, compare by meaning, evaluate.
//!
//! Pure: no client, no clock, no I/O. The language is that of AWS's
//! [JSON policy reference](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html).
//!
//! | File | What it answers |
//! |---|---|
//! | `document`, `parse`, `write`, `json`, `error` | what a policy says, how it is read and written, and what is wrong with a text that is none |
//! | `operator`, `value` | the condition operators, and the numbers, dates and networks they compare |
//! | `pattern`, `containment`, `template` | wildcards: does it match, cover, overlap; policy variables |
//! | `equivalence`, `canonical`, `diff` | do two documents mean the same, and if not, where do they differ |
//! | `principal`, `condition`, `judgement`, `evaluate`, `family`, `anyone` | what a policy decides for a request, or for a whole family of resources, also while it is not known who asks |
//!
//! # What counts as equal
//!
//! Two documents mean the same where they allow and deny the same requests,
//! however they are written: [`equivalence`] decides that, and says so where it
//! cannot. Statements may be split, merged, repeated, or covered by wider ones.
//! Denials count by themselves, for they prevail over other policies as well.
//!
//! AWS gives policies back in its own spelling. [`PolicyDocument::fingerprint`],
//! with which comparing begins, looks through these, because AWS documents them
//! as without effect:
//!
//! - the order of keys, statements, list elements and condition values; one
//!   value or a list of one; duplicates; an empty `Condition`;
//! - `Id` and `Sid`;
//! - `Version`: a missing one is `2008-10-17`. The two versions differ in
//!   policy variables only, so they are told apart only where a variable would
//!   be replaced;
//! - letter case of actions and of condition keys (also inside `${…}`);
//! - an account id and the ARN of its root user, in any partition: an account
//!   lives in one partition only;
//! - booleans and numbers, or the same as strings, in condition values;
//!   `ArnEquals` and `ArnLike`, which AWS defines as one operator; within the
//!   typed operators, spellings of one number (`1`, `1.0`), one instant or one
//!   network (`10.0.0.9/8`, `10.0.0.0/8`), and of `true`;
//! - runs of wildcards (`**`, `*?` and `?*`), and elements that a broader one
//!   of the same list covers, where the broader one is the same text up to a
//!   final `*`: `["s3:Get*", "s3:GetObject"]`;
//! - `"Principal": "*"` and `{"AWS": "*"}`, alone or beside others, in a
//!   statement that has a resource, be it Allow or Deny. AWS calls them
//!   equivalent for anonymous users, and its services write one for the other.
//!
//! These are kept apart, on purpose:
//!
//! - `"*"` and `{"AWS": "*"}` in a statement without a resource, that is, in a
//!   role's trust policy: the first also speaks of services and federated
//!   users, who assume roles there. (Some services that are not ours to manage
//!   also tell the two apart in resource policies.)
//! - letter case of operators, which IAM refuses when misspelt, and of
//!   resources, principals and values;
//! - `s3:*` and `*`; an account beside a role of that account, since naming
//!   the role grants without a policy on the role;
//! - a role's ARN and its unique id (`AROA…`), which AWS writes in its place:
//!   only a look-up can tell. [`PolicyDocument::rewrite_principals`] takes what
//!   the caller looked up.
//!
//! Two documents that are equal decide every request alike; property tests
//! hold the module to it. Documents of which it cannot be decided may still do so.

mod anyone;
mod canonical;
mod condition;
mod containment;
mod diff;
mod document;
mod equivalence;
mod error;
mod evaluate;
mod family;
mod json;
mod judgement;
mod operator;
mod parse;
mod pattern;
mod principal;
mod template;
mod value;
mod write;

pub use anyone::{Share, evaluate_family_for_anyone, evaluate_family_whoever_asks, lets_some_action_through};
pub use canonical::same_meaning;
pub use diff::{Difference, Element, diff};
pub use document::{
    ActionClause, Conditions, ENDPOINT_POLICY_MAX_CHARS, Effect, PolicyDocument, PrincipalClause, PrincipalKind,
    PrincipalSet, ResourceClause, Statement, StatementRef, Version,
};
pub use equivalence::{Equivalence, equivalence};
pub use error::{Place, PolicyError};
pub use evaluate::{AccountPrincipal, Context, ContextValue, Decision, Request, evaluate};
pub use family::{FamilyDecision, evaluate_family};
pub use judgement::Unjudged;
pub use operator::{Comparison, Operator, SetQualifier};
pub use pattern::Pattern;
pub use principal::Principal;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
