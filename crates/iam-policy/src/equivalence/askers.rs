//! Classes of those who ask.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    AccountPrincipal, Principal,
    classes::{Class, Dimension, Part, Row, Rows},
};
use crate::{
    document::{PrincipalClause, PrincipalKind, PrincipalSet},
    judgement::{Judgement, Unjudged},
    principal::{self, Identity},
};

/// The most that may be open about one who asks.
const MOST_OPEN: usize = 6;

/// An account that no policy names.
const SOME_ACCOUNT: &str = "000000000000";

/// Names of identities that no policy names.
const SOMEBODY: &str = "somebody-else";

/// Classes of those who ask; `None` where too much is open.
pub(super) fn askers(rows: &[Row], open: &mut BTreeSet<String>) -> Option<Dimension> {
    let mut classes = Vec::new();
    for asker in representatives(rows) {
        for accounts in [AccountPrincipal::WholeAccount, AccountPrincipal::RootUser] {
            classes.extend(classes_of(rows, &asker, accounts, open)?);
        }
    }
    Some(Dimension::of(classes))
}

/// The classes of one who asks: as many as there are answers to what is open.
fn classes_of(
    rows: &[Row],
    asker: &Principal,
    accounts: AccountPrincipal,
    open: &mut BTreeSet<String>,
) -> Option<Vec<Class>> {
    let judged: Vec<Judgement> = rows
        .iter()
        .map(|row| {
            let statement = &row.statement;
            principal::judge(
                statement.principal.as_ref(),
                statement.resource.is_some(),
                asker,
                accounts,
            )
        })
        .collect();
    // The same text of an element is open in the same way, and another in another.
    let mut questions: BTreeMap<(String, &BTreeSet<Unjudged>), usize> = BTreeMap::new();
    let mut question_of = vec![None; rows.len()];
    for (index, judgement) in judged.iter().enumerate() {
        let Judgement::Unknown(reasons) = judgement else {
            continue;
        };
        open.extend(reasons.iter().map(ToString::to_string));
        let next = questions.len();
        let text = format!("{:?}", rows[index].statement.principal);
        question_of[index] = Some(*questions.entry((text, reasons)).or_insert(next));
    }
    if questions.len() > MOST_OPEN {
        return None;
    }
    let classes = (0..1_usize << questions.len()).map(|answers| Class {
        rows: Rows::of(rows.len(), |row| match (&judged[row], question_of[row]) {
            (Judgement::True, _) => true,
            (Judgement::False, _) => false,
            (Judgement::Unknown(_), question) => question.is_some_and(|question| answers >> question & 1 == 1),
        }),
        shown: questions.is_empty().then(|| Part::Asker(asker.clone(), accounts)),
    });
    Some(classes.collect())
}

/// One of each kind that statements can tell apart. A role asks by a session.
fn representatives(rows: &[Row]) -> Vec<Principal> {
    let mut listed: BTreeMap<PrincipalKind, BTreeSet<&str>> = BTreeMap::new();
    for row in rows {
        let set = match &row.statement.principal {
            Some(PrincipalClause::Principal(set) | PrincipalClause::NotPrincipal(set)) => set,
            None => continue,
        };
        match set {
            PrincipalSet::Everyone => {}
            PrincipalSet::Named(lists) => {
                for (kind, ids) in lists {
                    listed.entry(*kind).or_default().extend(ids.iter().map(String::as_str));
                }
            }
        }
    }
    let of = |kind| listed.get(&kind).into_iter().flatten().copied();
    let mut aws: BTreeSet<String> = BTreeSet::new();
    let mut accounts: BTreeSet<&str> = BTreeSet::from([SOME_ACCOUNT]);
    for id in of(PrincipalKind::Aws) {
        match Identity::parse(id) {
            Identity::Everyone => {}
            Identity::Account(account) => {
                accounts.insert(account);
            }
            Identity::Role(role) => {
                let (account, name) = role.parts();
                accounts.insert(account);
                aws.insert(session(account, name));
            }
            Identity::User(user) => {
                let (account, name) = user.parts();
                accounts.insert(account);
                aws.insert(id.to_owned());
                aws.insert(format!("arn:aws:sts::{account}:federated-user/{name}"));
            }
            Identity::Session(one) => {
                let (account, name) = one.parts();
                accounts.insert(account);
                aws.insert(id.to_owned());
                aws.insert(session(account, name));
            }
            Identity::FederatedUser(user) => {
                accounts.insert(user.parts().0);
                aws.insert(id.to_owned());
            }
            Identity::UniqueId(_) | Identity::Other(_) => {
                aws.insert(id.to_owned());
            }
        }
    }
    for account in accounts {
        aws.insert(format!("arn:aws:iam::{account}:root"));
        aws.insert(format!("arn:aws:iam::{account}:user/{SOMEBODY}"));
        aws.insert(session(account, SOMEBODY));
    }
    let services = of(PrincipalKind::Service).chain(["some-service.amazonaws.com"]);
    let providers = of(PrincipalKind::Federated).chain(["some-provider.example.com"]);
    let named = |id: &&str| *id != "*";
    aws.into_iter()
        .map(Principal::Aws)
        .chain([Principal::Anonymous])
        .chain(services.filter(named).map(|name| Principal::Service(name.to_owned())))
        .chain(
            providers
                .filter(named)
                .map(|name| Principal::Federated(name.to_owned())),
        )
        .collect()
}

fn session(account: &str, role: &str) -> String {
    format!("arn:aws:sts::{account}:assumed-role/{role}/some-session")
}
