//! What a policy's decision rests on, in words.

use crate::types::listed;
use iam_policy::FamilyDecision;

/// The statements that decide for a family of resources, and how.
pub fn why(decision: &FamilyDecision) -> String {
    match decision {
        FamilyDecision::ImplicitlyDenied => "no statement allows it".to_owned(),
        FamilyDecision::ExplicitlyDenied { statements } => format!("{} denies it", listed(statements)),
        FamilyDecision::Partly { statement, .. } => format!("{statement} covers only a part of it"),
        FamilyDecision::Allowed { statements } => format!("{} allows it", listed(statements)),
        FamilyDecision::Unknown { statements, .. } => {
            format!("it hangs on {}, on who asks and how", listed(statements))
        }
    }
}
