//! Policy documents: what holds for all of them.
//!
//! - Nothing panics whatever the bytes, and what is written reads back.
//! - Respelling a document as AWS might keeps its meaning, fingerprint and
//!   every decision.
//! - Documents that count as equal decide every request alike: a change that
//!   some request notices is never overlooked; and what is said to differ does
//!   so for the request that is shown.
//! - Statements that are split, repeated and moved mean the same.
//! - A decision reached with part of the context stands whatever the rest is.
//! - A decision for a family of resources stands for each member.
//! - Patterns match as another library matches them, and cover and overlap as
//!   the texts they match say.
//!
//! Documents and requests come from a small vocabulary, so that they meet.

mod bytes;
mod respell;
mod slip;
mod vocabulary;

use iam_policy::{
    ActionClause, Context, Decision, Equivalence, FamilyDecision, Pattern, PolicyDocument, Principal, Request,
    ResourceClause, Statement, diff, equivalence, evaluate, evaluate_family, same_meaning,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use wildmatch::WildMatch;

use bytes::try_everything;
use respell::{choices, respelled};
use slip::{any_word, slip};
use vocabulary::*;

/// What a decision says, without naming statements: equal documents may have
/// them in another order.
#[derive(Debug, PartialEq)]
enum Verdict {
    Allowed,
    ImplicitlyDenied,
    ExplicitlyDenied,
    Unknown { may_allow: bool, may_deny: bool },
}

fn verdict(document: &PolicyDocument, request: &Request) -> Verdict {
    match evaluate(document, request) {
        Decision::Allowed { .. } => Verdict::Allowed,
        Decision::ImplicitlyDenied => Verdict::ImplicitlyDenied,
        Decision::ExplicitlyDenied { .. } => Verdict::ExplicitlyDenied,
        Decision::Unknown {
            may_allow, may_deny, ..
        } => Verdict::Unknown { may_allow, may_deny },
    }
}

fn pattern() -> impl Strategy<Value = String> {
    "[ab?*]{0,8}"
}

/// Texts that a pattern matches, each made by filling in its wildcards.
fn fill(pattern: &str, fillings: &[String]) -> String {
    let mut fillings = fillings.iter().cycle();
    pattern
        .chars()
        .map(|symbol| match symbol {
            '*' => fillings.next().cloned().unwrap_or_default(),
            '?' => fillings
                .next()
                .and_then(|filling| filling.chars().next())
                .unwrap_or('z')
                .to_string(),
            other => other.to_string(),
        })
        .collect()
}

fn fillings() -> impl Strategy<Value = Vec<String>> {
    vec("[abz/x]{0,4}", 1..6)
}

/// The document with statements split by their lists, repeated and moved.
fn rearranged(document: &PolicyDocument, places: &[Index]) -> PolicyDocument {
    let mut statements = Vec::new();
    for statement in &document.statements {
        let actions: Vec<ActionClause> = match &statement.action {
            ActionClause::Action(list) => list.iter().map(|one| ActionClause::Action(vec![one.clone()])).collect(),
            not @ ActionClause::NotAction(_) => vec![not.clone()],
        };
        let resources: Vec<Option<ResourceClause>> = match &statement.resource {
            Some(ResourceClause::Resource(list)) => list
                .iter()
                .map(|one| Some(ResourceClause::Resource(vec![one.clone()])))
                .collect(),
            other @ (Some(ResourceClause::NotResource(_)) | None) => vec![other.clone()],
        };
        for (action, resource) in actions
            .iter()
            .flat_map(|action| resources.iter().map(move |one| (action, one)))
        {
            statements.push(Statement {
                sid: None,
                action: action.clone(),
                resource: resource.clone(),
                ..statement.clone()
            });
        }
    }
    for place in places.iter().filter(|_| !document.statements.is_empty()) {
        if statements.is_empty() {
            break;
        }
        let at = place.index(statements.len());
        let moved = statements.remove(at);
        if at % 2 == 0 {
            statements.push(moved.clone());
        }
        statements.insert(0, moved);
    }
    PolicyDocument {
        id: None,
        statements,
        ..document.clone()
    }
}

proptest! {
    #[test]
    fn reading_never_panics(value in prop_oneof![any_json(), damaged()], text in any::<String>()) {
        let _ = text.parse::<PolicyDocument>();
        if let Ok(document) = PolicyDocument::try_from(&value) {
            prop_assert_eq!(&document.to_string().parse::<PolicyDocument>(), &Ok(document.clone()));
            prop_assert_eq!(diff(&document, &document), []);
            let request = Request::new(Principal::Anonymous, "s3:GetObject", "a/*");
            let _ = (evaluate(&document, &request), evaluate_family(&document, &request));
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in vec(any::<u8>(), 0..200)) {
        try_everything(&bytes);
    }

    #[test]
    fn no_damage_to_a_document_makes_it_panic(
        (first, second) in (document(), document()),
        damages in vec((any::<Index>(), any::<u8>(), any::<bool>()), 0..4),
    ) {
        let mut bytes = format!("{first}\n---\n{second}").into_bytes();
        if damages.is_empty() {
            prop_assert!(try_everything(&bytes), "both are policies");
        }
        for (place, byte, removes) in damages {
            let place = place.index(bytes.len());
            if removes {
                bytes.remove(place);
            } else {
                bytes[place] = byte;
            }
        }
        try_everything(&bytes);
    }

    #[test]
    fn no_words_out_of_place_make_it_panic((first, second) in (pointed_document(), damaged())) {
        try_everything(format!("{first}\n---\n{second}").as_bytes());
    }

    #[test]
    fn what_is_written_reads_back(document in document()) {
        prop_assert_eq!(&document.to_string().parse::<PolicyDocument>(), &Ok(document.clone()));
        let through_serde = serde_json::from_value(serde_json::to_value(&document)?)?;
        prop_assert_eq!(document, through_serde);
    }

    #[test]
    fn respelling_keeps_the_meaning(
        document in document(),
        choices in choices(),
        requests in requests(),
    ) {
        let respelled = respelled(&document, choices);
        let respelled = PolicyDocument::try_from(&respelled)
            .map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert!(same_meaning(&document, &respelled), "{document}\n{respelled}");
        prop_assert_eq!(document.fingerprint(), respelled.fingerprint());
        prop_assert_eq!(diff(&document, &respelled), []);
        for request in &requests {
            prop_assert_eq!(
                verdict(&document, request),
                verdict(&respelled, request),
                "{} and {} for {:?}", document, respelled, request
            );
        }
    }

    #[test]
    fn documents_that_count_as_equal_decide_alike(
        document in pointed_document(),
        place in any::<Index>(),
        kind in any::<u8>(),
        word in any_word(),
        requests in requests(),
    ) {
        let other = slip(&document.to_value(), &place, kind, word);
        let Ok(other) = PolicyDocument::try_from(&other) else {
            return Ok(());
        };
        let spelt_alike = document.fingerprint() == other.fingerprint();
        let equal = same_meaning(&document, &other);
        prop_assert!(equal || !spelt_alike, "{} and {}", document, other);
        prop_assert_eq!(same_meaning(&other, &document), equal, "{} and {}", document, other);
        prop_assert_eq!(diff(&document, &other).is_empty(), equal, "{} and {}", document, other);
        for request in requests.iter().filter(|_| equal) {
            let (one, two) = (verdict(&document, request), verdict(&other, request));
            // What is left open of a request may be so in one writing and not in another.
            let is_open = !spelt_alike && [&one, &two].iter().any(|one| matches!(one, Verdict::Unknown { .. }));
            prop_assert!(is_open || one == two, "{} and {} for {:?}: {:?}, {:?}", document, other, request, one, two);
        }
    }

    #[test]
    fn a_difference_is_one_that_evaluation_sees(first in document(), second in document()) {
        if let Equivalence::Differs(request) = equivalence(&first, &second) {
            let decided = [verdict(&first, &request), verdict(&second, &request)];
            prop_assert!(decided[0] != decided[1], "{} and {} for {:?}", first, second, request);
            let is_open = decided.iter().any(|one| matches!(one, Verdict::Unknown { .. }));
            prop_assert!(!is_open, "{} and {} for {:?}", first, second, request);
        }
    }

    #[test]
    fn statements_split_merged_and_repeated_mean_the_same(
        document in document(),
        places in vec(any::<Index>(), 1..6),
    ) {
        let other = rearranged(&document, &places);
        prop_assert_eq!(equivalence(&document, &other), Equivalence::Same, "{} and {}", document, other);
        prop_assert_eq!(equivalence(&other, &document), Equivalence::Same, "{} and {}", document, other);
    }

    #[test]
    fn what_is_decided_in_part_of_the_context_stands_in_all_of_it(
        document in document(),
        circumstances in circumstances(),
        request in request(&MEMBERS, Just(Context::partial())),
    ) {
        let early = verdict(
            &document,
            &request.clone().in_context(known_in_part(&circumstances)),
        );
        let late = verdict(&document, &request.in_context(known_in_full(&circumstances)));
        match early {
            Verdict::Unknown { may_allow, may_deny } => {
                let allows = matches!(late, Verdict::Allowed | Verdict::Unknown { may_allow: true, .. });
                let denies = matches!(
                    late,
                    Verdict::ExplicitlyDenied | Verdict::Unknown { may_deny: true, .. }
                );
                prop_assert!(may_allow || !allows, "{document}: {late:?}");
                prop_assert!(may_deny || !denies, "{document}: {late:?}");
            }
            decided => prop_assert_eq!(decided, late, "{}", document),
        }
    }

    #[test]
    fn what_is_decided_for_a_family_stands_for_each_member(
        document in document(),
        circumstances in circumstances(),
        request in request(&FAMILIES, Just(Context::partial())),
        fillings in vec(fillings(), 8),
    ) {
        let request = request.in_context(known_in_part(&circumstances));
        let expected = match evaluate_family(&document, &request) {
            FamilyDecision::Allowed { .. } => Verdict::Allowed,
            FamilyDecision::ImplicitlyDenied => Verdict::ImplicitlyDenied,
            FamilyDecision::ExplicitlyDenied { .. } => Verdict::ExplicitlyDenied,
            FamilyDecision::Partly { .. } | FamilyDecision::Unknown { .. } => return Ok(()),
        };
        for fillings in fillings {
            let member = Request {
                resource: fill(&request.resource, &fillings),
                ..request.clone()
            };
            let found = verdict(&document, &member);
            prop_assert_eq!(&found, &expected, "{} for {}", document, member.resource);
        }
    }

    #[test]
    fn a_policy_narrowed_to_a_family_decides_the_same_for_it(
        document in document(),
        circumstances in circumstances(),
        request in request(&FAMILIES, Just(Context::partial())),
        more in prop::bool::ANY,
    ) {
        let request = request.in_context(known_in_part(&circumstances));
        // A family that the request's is a part of.
        let family = if more {
            let parts = request.resource.split('/').next().unwrap_or_default();
            format!("{parts}*")
        } else {
            request.resource.clone()
        };
        let narrowed = document.narrowed_to(&family);
        let (whole, part) = (evaluate_family(&document, &request), evaluate_family(&narrowed, &request));
        prop_assert_eq!(whole, part, "{} for {}", document, family);
    }

    #[test]
    fn a_family_of_one_is_decided_as_its_member(
        document in document(),
        request in request(&["a/x", "a/ana", "b/x"], circumstances().prop_map(|c| known_in_part(&c))),
    ) {
        let family = evaluate_family(&document, &request);
        match verdict(&document, &request) {
            Verdict::Allowed => prop_assert_eq!(family.is_allowed(), Some(true)),
            Verdict::ImplicitlyDenied => prop_assert_eq!(family, FamilyDecision::ImplicitlyDenied),
            Verdict::ExplicitlyDenied => {
                let denied = matches!(family, FamilyDecision::ExplicitlyDenied { .. });
                prop_assert!(denied, "{document}: {family:?}");
            }
            Verdict::Unknown { .. } => prop_assert_eq!(family.is_allowed(), None),
        }
    }

    #[test]
    fn patterns_match_as_another_library_says(
        pattern in pattern(),
        text in "[abz*?]{0,8}",
        fillings in fillings(),
    ) {
        let ours = Pattern::parse(&pattern);
        prop_assert_eq!(ours.matches(&text), WildMatch::new(&pattern).matches(&text));
        prop_assert!(ours.matches(&fill(&pattern, &fillings)));
    }

    #[test]
    fn patterns_cover_and_overlap_as_their_texts_say(
        narrow in pattern(),
        broad in vec(pattern(), 0..4),
        fillings in vec(fillings(), 8),
    ) {
        let pattern = Pattern::parse(&narrow);
        let broad: Vec<Pattern> = broad.iter().map(|text| Pattern::parse(text)).collect();
        let covered = pattern.is_covered_by(&broad);
        for fillings in fillings {
            let text = fill(&narrow, &fillings);
            let matching: Vec<&Pattern> =
                broad.iter().filter(|pattern| pattern.matches(&text)).collect();
            prop_assert!(!covered || !matching.is_empty(), "{text} of {narrow}");
            for other in matching {
                prop_assert!(pattern.intersects(other), "{text} of {narrow} and {other}");
                prop_assert!(other.intersects(&pattern));
            }
        }
    }

    #[test]
    fn a_pattern_covers_what_fills_in_its_stars(
        pattern in "[ab*]{0,8}",
        fillings in vec(pattern(), 1..4),
    ) {
        let narrow = Pattern::parse(&fill(&pattern, &fillings));
        prop_assert!(narrow.is_covered_by([&Pattern::parse(&pattern)]), "{narrow} in {pattern}");
    }
}
