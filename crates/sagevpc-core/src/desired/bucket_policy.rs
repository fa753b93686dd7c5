//! Our statement in a bucket's policy: told apart from the rest of it, changed,
//! and taken away, with everything else left as it is.
//!
//! There is one such statement in a bucket's policy, told by its Sid, however
//! many VPCs, objects and clusters want it: each adds and takes away its own
//! endpoints, and the last to leave takes the statement with it. It denies
//! `s3:GetObject` and nothing more. Its conditions must all hold for it to
//! apply, so each exemption is one more condition; and as negated operators
//! hold where the key is absent, it denies all who come by no endpoint at all.
//!
//! See <https://docs.aws.amazon.com/AmazonS3/latest/userguide/example-bucket-policies-vpc-endpoint.html> and
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-logic-multiple-context-keys-or-values.html>.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::types::{Admission, Exemption, VpcEndpointId};
use iam_policy::{Comparison, Operator, PolicyDocument, PolicyError, Statement, same_meaning};

/// The Sid by which our statement is told.
pub const BUCKET_STATEMENT: &str = "SagevpcOnlyThroughVpcEndpoints";

/// The longest policy that a bucket takes, in bytes.
///
/// See <https://docs.aws.amazon.com/AmazonS3/latest/userguide/add-bucket-policy.html>.
pub const BUCKET_POLICY_MAX_BYTES: usize = 20_480;

const SOURCE_VPC_ENDPOINT: &str = "aws:SourceVpce";
const PRINCIPAL_ARN: &str = "aws:PrincipalArn";
/// Set where a service acts on someone's behalf, and where it acts for itself.
const OF_SERVICES: [&str; 2] = ["aws:ViaAWSService", "aws:PrincipalIsAWSService"];

/// A bucket's policy, with our statement told apart.
#[derive(Clone, Debug, PartialEq)]
pub struct BucketPolicy {
    bucket: String,
    /// As it was read; `None` where the bucket has no policy.
    text: Option<Value>,
    document: PolicyDocument,
    admission: Admission,
    /// Whether our statement is there, once, and as we write it.
    intact: bool,
}

/// A change to our statement. What is added is added and what is removed is
/// removed, whatever else it admits by then.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BucketPolicyChange {
    /// To be admitted.
    pub add: Admission,
    /// To be admitted no longer.
    pub remove: Admission,
}

impl BucketPolicyChange {
    /// Whom our statement admits after the change. It goes when that is no
    /// endpoint any more.
    pub fn applied_to(&self, admission: &Admission) -> Admission {
        let Self { add, remove } = self;
        Admission {
            vpc_endpoints: changed(&admission.vpc_endpoints, &add.vpc_endpoints, &remove.vpc_endpoints),
            exemptions: changed(&admission.exemptions, &add.exemptions, &remove.exemptions),
        }
    }
}

/// What a policy becomes by a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChangedPolicy {
    /// What it is already.
    Same,
    /// This text.
    Text(String),
    /// Nothing: our statement was all that it held.
    None,
}

impl BucketPolicy {
    /// Reads the policy of the bucket with the ARN `bucket`.
    ///
    /// # Errors
    ///
    /// Where the text is no policy: it is then not ours to change.
    pub fn read(bucket: &str, text: Option<&str>) -> Result<Self, PolicyError> {
        let document: PolicyDocument = match text {
            Some(text) => text.parse()?,
            None => PolicyDocument::new([]),
        };
        let text = match text {
            Some(text) => Some(serde_json::from_str(text).map_err(|error| PolicyError::NotJson(error.to_string()))?),
            None => None,
        };
        let ours: Vec<&Statement> = document.statements.iter().filter(|found| is_ours(found)).collect();
        let mut admission = Admission::default();
        for statement in &ours {
            admit(&mut admission, statement);
        }
        let as_written = PolicyDocument::new([bucket_statement(bucket, &admission)]);
        let intact = match ours.as_slice() {
            [only] => same_meaning(&PolicyDocument::new([(*only).clone()]), &as_written),
            [] | [..] => false,
        };
        Ok(Self {
            bucket: bucket.to_owned(),
            admission,
            intact,
            text,
            document,
        })
    }

    /// Whom our statement admits; nobody where it is missing.
    pub fn admission(&self) -> &Admission {
        &self.admission
    }

    /// Whether our statement is there, and as we write it.
    pub fn is_intact(&self) -> bool {
        self.intact
    }

    /// Whether there is a statement of ours, in whatever state.
    pub fn has_statement(&self) -> bool {
        self.document.statements.iter().any(is_ours)
    }

    /// The whole policy.
    pub fn document(&self) -> &PolicyDocument {
        &self.document
    }

    /// What it becomes by a change. Our statement goes when it admits no
    /// endpoint any more, for it would deny everyone then.
    pub fn changed(&self, change: &BucketPolicyChange) -> ChangedPolicy {
        let admission = change.applied_to(&self.admission);
        let goes = admission.vpc_endpoints.is_empty();
        let is_there = self.has_statement();
        if (goes && !is_there) || (!goes && self.intact && admission == self.admission) {
            return ChangedPolicy::Same;
        }
        let mut ours = (!goes).then(|| bucket_statement(&self.bucket, &admission).to_value());
        let mut policy = self
            .text
            .clone()
            .unwrap_or_else(|| json!({ "Version": "2012-10-17", "Statement": [] }));
        let present = match policy["Statement"].take() {
            Value::Array(statements) => statements,
            only => vec![only],
        };
        let mut statements = Vec::with_capacity(present.len() + 1);
        for statement in present {
            if statement["Sid"] == BUCKET_STATEMENT {
                statements.extend(ours.take());
            } else {
                statements.push(statement);
            }
        }
        statements.extend(ours);
        if statements.is_empty() {
            return ChangedPolicy::None;
        }
        policy["Statement"] = Value::Array(statements);
        ChangedPolicy::Text(policy.to_string())
    }
}

/// Our statement for the bucket with this ARN.
pub fn bucket_statement(bucket: &str, admission: &Admission) -> Statement {
    let Admission {
        vpc_endpoints,
        exemptions,
    } = admission;
    let mut statement = Statement::deny(["s3:GetObject"])
        .sid(BUCKET_STATEMENT)
        .everyone()
        .on([bucket.to_owned(), format!("{bucket}/*")])
        .when(
            Comparison::StringNotEquals,
            SOURCE_VPC_ENDPOINT,
            vpc_endpoints.iter().map(ToString::to_string),
        );
    let mut principals = Vec::new();
    for exemption in exemptions {
        match exemption {
            Exemption::AwsServices => {
                for key in OF_SERVICES {
                    statement = statement.when(Operator::from(Comparison::Bool).if_exists(), key, ["false"]);
                }
            }
            Exemption::Principal(arn) => principals.push(arn.clone()),
        }
    }
    if !principals.is_empty() {
        statement = statement.when(Comparison::ArnNotLike, PRINCIPAL_ARN, principals);
    }
    statement
}

fn is_ours(statement: &Statement) -> bool {
    statement.sid.as_deref() == Some(BUCKET_STATEMENT)
}

/// Adds what a statement of ours admits, as far as it can still be told.
fn admit(admission: &mut Admission, statement: &Statement) {
    for (operator, keys) in &statement.condition {
        for (key, values) in keys {
            let is_key = |known: &str| key.eq_ignore_ascii_case(known);
            if operator.comparison == Comparison::StringNotEquals && is_key(SOURCE_VPC_ENDPOINT) {
                let ids = values.iter().map(VpcEndpointId::new);
                admission.vpc_endpoints.extend(ids);
            } else if matches!(operator.comparison, Comparison::ArnNotLike | Comparison::ArnNotEquals)
                && is_key(PRINCIPAL_ARN)
            {
                let principals = values.iter().cloned().map(Exemption::Principal);
                admission.exemptions.extend(principals);
            } else if operator.comparison == Comparison::Bool
                && OF_SERVICES.into_iter().any(is_key)
                && values.iter().all(|value| value == "false")
            {
                admission.exemptions.insert(Exemption::AwsServices);
            }
        }
    }
}

fn changed<T: Clone + Ord>(present: &BTreeSet<T>, add: &BTreeSet<T>, remove: &BTreeSet<T>) -> BTreeSet<T> {
    present
        .union(add)
        .filter(|item| !remove.contains(item))
        .cloned()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUCKET: &str = "arn:aws:s3:::fraud-data";

    fn admission(endpoints: &[&str], exemptions: &[Exemption]) -> Admission {
        Admission {
            vpc_endpoints: endpoints.iter().map(|id| VpcEndpointId::new(*id)).collect(),
            exemptions: exemptions.iter().cloned().collect(),
        }
    }

    fn add(endpoints: &[&str]) -> BucketPolicyChange {
        BucketPolicyChange {
            add: admission(endpoints, &[]),
            remove: Admission::default(),
        }
    }

    fn remove(endpoints: &[&str]) -> BucketPolicyChange {
        BucketPolicyChange {
            add: Admission::default(),
            remove: admission(endpoints, &[]),
        }
    }

    fn read(text: Option<&str>) -> BucketPolicy {
        BucketPolicy::read(BUCKET, text).unwrap()
    }

    fn text(changed: ChangedPolicy) -> String {
        match changed {
            ChangedPolicy::Text(text) => text,
            ChangedPolicy::Same | ChangedPolicy::None => panic!("{changed:?} is no text"),
        }
    }

    #[test]
    fn the_statement_is_the_one_of_the_page_with_a_condition_for_each_exemption() {
        let exemptions = [
            Exemption::AwsServices,
            Exemption::Principal("arn:aws:iam::111122223333:role/audit-*".into()),
        ];
        let written = bucket_statement(BUCKET, &admission(&["vpce-1", "vpce-2"], &exemptions)).to_value();
        let expected = json!({
            "Sid": "SagevpcOnlyThroughVpcEndpoints",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:GetObject",
            "Resource": ["arn:aws:s3:::fraud-data", "arn:aws:s3:::fraud-data/*"],
            "Condition": {
                "StringNotEquals": { "aws:SourceVpce": ["vpce-1", "vpce-2"] },
                "BoolIfExists": { "aws:ViaAWSService": "false", "aws:PrincipalIsAWSService": "false" },
                "ArnNotLike": { "aws:PrincipalArn": "arn:aws:iam::111122223333:role/audit-*" },
            },
        });
        assert_eq!(written, expected);
    }

    #[test]
    fn what_is_written_reads_back_in_every_spelling_of_aws() {
        let wanted = admission(&["vpce-1"], &[Exemption::AwsServices]);
        let mut value = bucket_statement(BUCKET, &wanted).to_value();
        value["Principal"] = json!({ "AWS": "*" });
        value["Action"] = json!(["s3:GetObject"]);
        value["Condition"]["BoolIfExists"] =
            json!({ "AWS:viaawsservice": false, "aws:principalisawsservice": ["false"] });
        let policy = read(Some(&json!({ "Statement": value }).to_string()));
        assert!(policy.is_intact());
        assert_eq!(*policy.admission(), wanted);
        let again = BucketPolicyChange {
            add: wanted,
            remove: Admission::default(),
        };
        assert_eq!(policy.changed(&again), ChangedPolicy::Same);
    }

    #[test]
    fn endpoints_of_several_vpcs_share_the_statement_and_the_last_takes_it_along() {
        let first = text(read(None).changed(&add(&["vpce-1"])));
        let both = text(read(Some(&first)).changed(&add(&["vpce-2"])));
        assert_eq!(read(Some(&both)).admission().vpc_endpoints.len(), 2);
        let second = text(read(Some(&both)).changed(&remove(&["vpce-1"])));
        assert_eq!(*read(Some(&second)).admission(), admission(&["vpce-2"], &[]));
        assert_eq!(read(Some(&second)).changed(&remove(&["vpce-2"])), ChangedPolicy::None);
    }

    #[test]
    fn everything_else_in_the_policy_stays_word_for_word() {
        let others = r#"{"Version":"2008-10-17","Id":"x","Statement":{"Sid":"theirs","Effect":"Allow","Principal":"*",
            "Action":["s3:Get*"],"Resource":["arn:aws:s3:::fraud-data/*"],"Condition":{"Bool":{"aws:SecureTransport":true}}}}"#;
        let theirs: Value = serde_json::from_str(others).unwrap();
        let changed: Value = serde_json::from_str(&text(read(Some(others)).changed(&add(&["vpce-1"])))).unwrap();
        assert_eq!(changed["Version"], "2008-10-17");
        assert_eq!(changed["Id"], "x");
        assert_eq!(changed["Statement"][0], theirs["Statement"]);
        let back = text(read(Some(&changed.to_string())).changed(&remove(&["vpce-1"])));
        assert!(same_meaning(&others.parse().unwrap(), &back.parse().unwrap()));
    }

    #[test]
    fn a_statement_of_ours_that_someone_widened_is_made_whole_again() {
        let mut value = bucket_statement(BUCKET, &admission(&["vpce-9"], &[])).to_value();
        value["Action"] = json!("s3:*");
        let policy = read(Some(&json!({ "Statement": [value.clone(), value] }).to_string()));
        assert!(!policy.is_intact());
        let mended = text(policy.changed(&BucketPolicyChange::default()));
        let mended = read(Some(&mended));
        assert!(mended.is_intact());
        assert_eq!(*mended.admission(), admission(&["vpce-9"], &[]));
    }

    #[test]
    fn nothing_is_written_where_there_is_nothing_to_take_away() {
        assert_eq!(read(None).changed(&remove(&["vpce-1"])), ChangedPolicy::Same);
        assert!(BucketPolicy::read(BUCKET, Some("{")).is_err());
    }
}
