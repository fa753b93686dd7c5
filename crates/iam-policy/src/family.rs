//! What one policy decides for a whole family of resources.
//!
//! "May this role read every object of the bucket" is a question about
//! infinitely many requests. It is answered from the patterns: soundly, so that
//! `Allowed` and the denials hold for each member of the family.

use std::collections::BTreeSet;

use serde::Serialize;

use super::{
    document::{Effect, PolicyDocument, ResourceClause, Statement, StatementRef},
    evaluate::{Request, applies_apart_from_resource},
    judgement::{Judgement, Unjudged},
    pattern::Pattern,
    template::{Resolved, Template},
};

/// What a policy decides for a family of resources.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum FamilyDecision {
    /// Every member is allowed.
    Allowed {
        /// The statement that allows it, or those that do so together.
        statements: Vec<StatementRef>,
    },
    /// No member is allowed, and no statement denies any.
    ImplicitlyDenied,
    /// Every member is denied by a statement.
    ExplicitlyDenied {
        /// The statement that denies it, or those that do so together.
        statements: Vec<StatementRef>,
    },
    /// Not every member is allowed: a statement speaks of a part of the family
    /// only.
    Partly {
        /// That statement.
        statement: StatementRef,
        /// Whether it is a part that is denied, or only a part that is allowed.
        effect: Effect,
    },
    /// It hangs on something that could not be judged.
    Unknown {
        /// What.
        missing: BTreeSet<Unjudged>,
        /// The statements that hang on it.
        statements: Vec<StatementRef>,
    },
}

impl FamilyDecision {
    /// Whether this policy allows every member; `None` if it is not known.
    pub const fn is_allowed(&self) -> Option<bool> {
        match self {
            Self::Allowed { .. } => Some(true),
            Self::ImplicitlyDenied | Self::ExplicitlyDenied { .. } | Self::Partly { .. } => Some(false),
            Self::Unknown { .. } => None,
        }
    }
}

/// Decides a request for every resource that its `resource`, read as a
/// pattern, matches: `arn:aws:s3:::fraud-data/*` asks for all objects of a
/// bucket. The context is taken to be the same for all of them.
///
/// ```
/// use iam_policy::{PolicyDocument, Principal, Request, evaluate_family};
///
/// let policy: PolicyDocument = r#"{
///     "Statement": {
///         "Effect": "Allow", "Principal": "*", "Action": "s3:Get*", "Resource": "arn:aws:s3:::fraud-*/*"
///     }
/// }"#
/// .parse()?;
/// let all_objects = |action| Request::new(Principal::Anonymous, action, "arn:aws:s3:::fraud-data/*");
/// assert_eq!(evaluate_family(&policy, &all_objects("s3:GetObject")).is_allowed(), Some(true));
/// assert_eq!(evaluate_family(&policy, &all_objects("s3:PutObject")).is_allowed(), Some(false));
/// # Ok::<(), iam_policy::PolicyError>(())
/// ```
pub fn evaluate_family(document: &PolicyDocument, request: &Request) -> FamilyDecision {
    let family = Pattern::parse(&request.resource);
    let mut denying = Side::default();
    let mut allowing = Side::default();
    for (index, statement) in document.statements.iter().enumerate() {
        let applies = applies_apart_from_resource(document.version, statement, request);
        if applies == Judgement::False {
            continue;
        }
        let reach = Reach::of(document, statement, request, &family);
        match statement.effect {
            Effect::Allow => allowing.add(index, applies, reach),
            Effect::Deny => denying.add(index, applies, reach),
        }
    }

    let named = |indices: &[usize]| indices.iter().map(|i| document.reference(*i)).collect();
    let unknown = |side: &Side| FamilyDecision::Unknown {
        missing: side.missing(),
        statements: named(&side.hanging()),
    };
    let partly = |index: usize, effect| FamilyDecision::Partly {
        statement: document.reference(index),
        effect,
    };

    if let Some(statements) = denying.covering(&family) {
        return FamilyDecision::ExplicitlyDenied {
            statements: named(&statements),
        };
    }
    if let Some(first) = denying.certain.first() {
        return partly(first.index, Effect::Deny);
    }
    if !denying.uncertain.is_empty() {
        return unknown(&denying);
    }
    if let Some(statements) = allowing.covering(&family) {
        return FamilyDecision::Allowed {
            statements: named(&statements),
        };
    }
    match allowing.certain.first() {
        Some(first) if !allowing.may_cover(&family) => partly(first.index, Effect::Allow),
        Some(_) => unknown(&allowing),
        None if allowing.uncertain.is_empty() => FamilyDecision::ImplicitlyDenied,
        None => unknown(&allowing),
    }
}

/// How far into the family a statement's resources reach.
enum Reach {
    /// To none of it.
    Nowhere,
    /// To all of it, in a way that no pattern list expresses.
    Everywhere,
    /// To what these patterns match.
    Patterns(Vec<Pattern>),
    /// To a part, in a way that no pattern list expresses.
    Somewhere,
    /// Not known; at most to what the patterns match.
    Uncertain(Vec<Pattern>, BTreeSet<Unjudged>),
}

impl Reach {
    fn of(document: &PolicyDocument, statement: &Statement, request: &Request, family: &Pattern) -> Self {
        let (list, not) = match &statement.resource {
            None => return Self::Everywhere,
            Some(ResourceClause::Resource(list)) => (list, false),
            Some(ResourceClause::NotResource(list)) => (list, true),
        };
        let mut patterns = Vec::new();
        let mut widest = Vec::new();
        let mut reasons = BTreeSet::new();
        for text in list.iter().filter(|text| may_meet(text, &request.resource, not)) {
            let template = Template::with_wildcards(text, document.version);
            match template.resolve(|key| request.context.lookup(key)) {
                Resolved::Pattern(pattern) if pattern.intersects(family) => patterns.push(pattern),
                Resolved::Unknown {
                    widest: wide,
                    keys,
                    may_be_unresolvable,
                } if wide.intersects(family) || (not && may_be_unresolvable) => {
                    widest.push(wide);
                    reasons.extend(keys.into_iter().map(Unjudged::ContextKey));
                }
                Resolved::Unresolvable(key) if not => {
                    reasons.insert(Unjudged::Variable(key));
                }
                Resolved::Pattern(_) | Resolved::Unknown { .. } | Resolved::Unresolvable(_) => {}
            }
        }
        let covered = family.is_covered_by(&patterns);
        match (not, covered, reasons.is_empty()) {
            (true, true, _) => Self::Nowhere,
            (true, false, true) if patterns.is_empty() => Self::Everywhere,
            (true, false, true) => Self::Somewhere,
            (true, false, false) => Self::Uncertain(vec![family.clone()], reasons),
            (false, true, _) => Self::Patterns(patterns),
            (false, false, true) if patterns.is_empty() => Self::Nowhere,
            (false, false, true) => Self::Patterns(patterns),
            (false, false, false) => {
                patterns.append(&mut widest);
                Self::Uncertain(patterns, reasons)
            }
        }
    }
}

impl PolicyDocument {
    /// The policy as far as it can bear on resources that `family`, read as a
    /// pattern, matches: it decides the same for each of them. A long list of
    /// resources is then gone through once for many requests.
    ///
    /// ```
    /// use iam_policy::PolicyDocument;
    ///
    /// let policy: PolicyDocument = r#"{ "Statement": { "Effect": "Allow", "Principal": "*", "Action": "s3:*",
    ///     "Resource": ["arn:aws:s3:::fraud/*", "arn:aws:s3:::risk/*"] } }"#
    ///     .parse()?;
    /// let of_fraud: PolicyDocument = r#"{ "Statement": { "Effect": "Allow", "Principal": "*", "Action": "s3:*",
    ///     "Resource": "arn:aws:s3:::fraud/*" } }"#
    ///     .parse()?;
    /// assert_eq!(policy.narrowed_to("arn:aws:s3:::fraud*"), of_fraud);
    /// # Ok::<(), iam_policy::PolicyError>(())
    /// ```
    pub fn narrowed_to(&self, family: &str) -> Self {
        let narrowed = |list: &[String], not| -> Vec<String> {
            let met = list.iter().filter(|text| may_meet(text, family, not));
            met.cloned().collect()
        };
        let statements = self.statements.iter().map(|statement| Statement {
            sid: statement.sid.clone(),
            effect: statement.effect,
            principal: statement.principal.clone(),
            action: statement.action.clone(),
            resource: statement.resource.as_ref().map(|resource| match resource {
                ResourceClause::Resource(list) => ResourceClause::Resource(narrowed(list, false)),
                ResourceClause::NotResource(list) => ResourceClause::NotResource(narrowed(list, true)),
            }),
            condition: statement.condition.clone(),
        });
        Self {
            version: self.version,
            id: self.id.clone(),
            statements: statements.collect(),
        }
    }
}

/// Whether a resource of a statement, or of what it does `not` speak of, bears
/// on a family. A long list names many buckets, and a request is about one of
/// them. On variables that no request fills in hangs what is *not* meant,
/// whatever stands before them.
fn may_meet(text: &str, family: &str, not: bool) -> bool {
    (not && text.contains('$')) || !part_early(text, family)
}

/// Whether two patterns differ before the first wildcard or variable of either,
/// so that no text matches both.
fn part_early(a: &str, b: &str) -> bool {
    const CHUNK: usize = 8;
    let is_literal = |byte: &u8| !matches!(byte, b'*' | b'?' | b'$');
    let (a, b) = (a.as_bytes(), b.as_bytes());
    // Lists of resources have long beginnings in common.
    let chunks = a.chunks_exact(CHUNK).zip(b.chunks_exact(CHUNK));
    let alike = chunks.take_while(|(a, b)| a == b).count() * CHUNK;
    if !a[..alike].iter().all(is_literal) {
        return false;
    }
    let mut pairs = a[alike..].iter().zip(&b[alike..]);
    pairs
        .find(|(a, b)| a != b || !is_literal(a))
        .is_some_and(|(a, b)| is_literal(a) && is_literal(b))
}

/// A statement that applies to some of the family.
struct Certain {
    index: usize,
    reach: Certainty,
}

enum Certainty {
    Everywhere,
    Somewhere,
    Patterns(Vec<Pattern>),
}

/// A statement that may apply to some of the family.
struct Uncertain {
    index: usize,
    reasons: BTreeSet<Unjudged>,
    /// It applies at most to what these match.
    widest: Vec<Pattern>,
}

/// The statements of one effect.
#[derive(Default)]
struct Side {
    certain: Vec<Certain>,
    uncertain: Vec<Uncertain>,
}

impl Side {
    fn add(&mut self, index: usize, applies: Judgement, reach: Reach) {
        let any = || vec![Pattern::parse("*")];
        let reasons = match applies {
            Judgement::False => return,
            Judgement::True => BTreeSet::new(),
            Judgement::Unknown(reasons) => reasons,
        };
        let (certainty, widest, more) = match reach {
            Reach::Nowhere => return,
            Reach::Everywhere => (Some(Certainty::Everywhere), any(), BTreeSet::new()),
            Reach::Somewhere => (Some(Certainty::Somewhere), any(), BTreeSet::new()),
            Reach::Patterns(patterns) => (Some(Certainty::Patterns(patterns.clone())), patterns, BTreeSet::new()),
            Reach::Uncertain(widest, more) => (None, widest, more),
        };
        match certainty {
            Some(reach) if reasons.is_empty() => self.certain.push(Certain { index, reach }),
            Some(_) | None => self.uncertain.push(Uncertain {
                index,
                reasons: reasons.into_iter().chain(more).collect(),
                widest,
            }),
        }
    }

    /// The statements that cover the family for certain: one where one is
    /// enough, else all that contribute patterns.
    fn covering(&self, family: &Pattern) -> Option<Vec<usize>> {
        let alone = self.certain.iter().find(|certain| match &certain.reach {
            Certainty::Everywhere => true,
            Certainty::Somewhere => false,
            Certainty::Patterns(patterns) => family.is_covered_by(patterns),
        });
        if let Some(certain) = alone {
            return Some(vec![certain.index]);
        }
        family.is_covered_by(self.patterns()).then(|| self.with_patterns())
    }

    /// Whether the family could be covered if all that is uncertain applied.
    fn may_cover(&self, family: &Pattern) -> bool {
        let somewhere = self.certain.iter().any(|certain| match certain.reach {
            Certainty::Everywhere | Certainty::Somewhere => true,
            Certainty::Patterns(_) => false,
        });
        if self.uncertain.is_empty() {
            return false;
        }
        // What a `NotResource` leaves out is no list of patterns to add up.
        somewhere
            || family.is_covered_by(
                self.patterns()
                    .chain(self.uncertain.iter().flat_map(|statement| &statement.widest)),
            )
    }

    fn patterns(&self) -> impl Iterator<Item = &Pattern> {
        self.certain.iter().flat_map(|certain| match &certain.reach {
            Certainty::Patterns(patterns) => patterns.as_slice(),
            Certainty::Everywhere | Certainty::Somewhere => &[],
        })
    }

    fn with_patterns(&self) -> Vec<usize> {
        self.certain
            .iter()
            .filter(|certain| matches!(certain.reach, Certainty::Patterns(_)))
            .map(|certain| certain.index)
            .collect()
    }

    fn missing(&self) -> BTreeSet<Unjudged> {
        self.uncertain
            .iter()
            .flat_map(|statement| statement.reasons.iter().cloned())
            .collect()
    }

    fn hanging(&self) -> Vec<usize> {
        self.uncertain.iter().map(|statement| statement.index).collect()
    }
}

#[cfg(test)]
mod tests;
