//! `sagevpc policy diff`: whether two policies allow and deny the same.

use serde_json::json;

use super::Output;
use iam_policy::{Decision, Difference, Equivalence, PolicyDocument, Principal, diff, equivalence, evaluate};

/// How two policies compare, and where they are written differently.
pub(super) struct Comparison {
    found: Equivalence,
    differences: Vec<Difference>,
    /// What the first and the second decide for the request that shows it.
    decided: Option<[&'static str; 2]>,
}

impl Comparison {
    pub(super) fn of(first: &PolicyDocument, second: &PolicyDocument) -> Self {
        let found = equivalence(first, second);
        let decided = match &found {
            Equivalence::Same | Equivalence::Undecided { .. } => None,
            Equivalence::Differs(request) => Some([first, second].map(|policy| match evaluate(policy, request) {
                Decision::Allowed { .. } => "allows it",
                Decision::ImplicitlyDenied => "does not allow it",
                Decision::ExplicitlyDenied { .. } => "denies it",
                Decision::Unknown { .. } => "may allow it",
            })),
        };
        Self {
            differences: diff(first, second),
            found,
            decided,
        }
    }

    pub(super) const fn exit(&self) -> u8 {
        match self.found {
            Equivalence::Same => 0,
            Equivalence::Differs(_) => 2,
            Equivalence::Undecided { .. } => 3,
        }
    }

    pub(super) fn described(&self, output: Output) -> String {
        let (word, hangs_on, example) = match &self.found {
            Equivalence::Same => ("Same", None, None),
            Equivalence::Differs(request) => ("Differs", None, Some(request)),
            Equivalence::Undecided { on } => ("Undecided", Some(on), None),
        };
        if let Output::Json = output {
            let example = example.map(|request| {
                json!({ "action": request.action, "resource": request.resource, "principal": who(&request.principal),
                        "decided": self.decided })
            });
            let all = json!({ "comparison": word, "differences": self.differences, "example": example,
                              "hangsOn": hangs_on });
            return format!("{all:#}\n");
        }
        let mut text = match &self.found {
            Equivalence::Same => return "The policies mean the same.\n".to_owned(),
            Equivalence::Differs(_) => String::new(),
            Equivalence::Undecided { on } => {
                let on: Vec<&str> = on.iter().map(String::as_str).collect();
                format!(
                    "Whether the policies mean the same cannot be decided; it hangs on: {}. They are written differently:\n",
                    on.join("; ")
                )
            }
        };
        text.extend(self.differences.iter().map(|difference| format!("{difference}\n")));
        if let (Some(request), Some([first, second])) = (example, self.decided) {
            text.push_str(&format!(
                "For example {} on {} by {}: the first policy {first}, the second {second}.\n",
                request.action,
                request.resource,
                who(&request.principal)
            ));
        }
        text
    }
}

/// A principal as `--principal` takes it.
fn who(principal: &Principal) -> &str {
    match principal {
        Principal::Anonymous => "anybody",
        Principal::Aws(id) | Principal::Service(id) | Principal::Federated(id) => id,
    }
}
