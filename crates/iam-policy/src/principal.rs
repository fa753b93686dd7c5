//! Who asks, and whether a statement speaks of them.
//!
//! See [principals](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html)
//! and [NotPrincipal](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html).

use super::{
    document::{PrincipalClause, PrincipalKind, PrincipalSet},
    evaluate::AccountPrincipal,
    judgement::{Judgement, Unjudged},
};

/// Who makes a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Principal {
    /// Nobody who has signed in.
    Anonymous,
    /// A role, a session of one, a user, or (by account id or root ARN) the
    /// root user of an account. A role stands for any session of it.
    Aws(String),
    /// An AWS service acting for itself, such as `sagemaker.amazonaws.com`.
    Service(String),
    /// Someone known to an identity provider, named by the provider.
    Federated(String),
}

/// An entry of an `AWS` list, or who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Identity<'a> {
    Everyone,
    Account(&'a str),
    Role(InAccount<'a>),
    Session(InAccount<'a>),
    User(InAccount<'a>),
    FederatedUser(InAccount<'a>),
    UniqueId(&'a str),
    Other(&'a str),
}

/// An identity of an account. A session's name is that of its role; names are
/// unique in the account whatever their path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct InAccount<'a> {
    account: &'a str,
    name: &'a str,
    arn: &'a str,
}

impl<'a> InAccount<'a> {
    /// The account and the name in it.
    pub fn parts(&self) -> (&'a str, &'a str) {
        (self.account, self.name)
    }

    fn same_name(&self, other: &InAccount<'_>) -> bool {
        self.account == other.account && self.name == other.name
    }
}

impl<'a> Identity<'a> {
    pub fn parse(id: &'a str) -> Self {
        if id == "*" {
            return Self::Everyone;
        }
        if is_account_id(id) {
            return Self::Account(id);
        }
        if id.starts_with("AROA") || id.starts_with("AIDA") {
            return Self::UniqueId(id);
        }
        Self::parse_arn(id).unwrap_or(Self::Other(id))
    }

    fn parse_arn(arn: &'a str) -> Option<Self> {
        let mut parts = arn.splitn(6, ':');
        let (prefix, _partition, service) = (parts.next()?, parts.next()?, parts.next()?);
        let (_region, account, resource) = (parts.next()?, parts.next()?, parts.next()?);
        if prefix != "arn" {
            return None;
        }
        let (kind, path) = resource.split_once('/').unwrap_or((resource, ""));
        let last = path.rsplit('/').next()?;
        let named = |name| InAccount { account, name, arn };
        match (service, kind) {
            ("iam", "root") if path.is_empty() && is_account_id(account) => Some(Self::Account(account)),
            ("iam", "role") => Some(Self::Role(named(last))),
            ("iam", "user") => Some(Self::User(named(last))),
            ("sts", "assumed-role") => Some(Self::Session(named(path.split('/').next()?))),
            ("sts", "federated-user") => Some(Self::FederatedUser(named(last))),
            _ => None,
        }
    }
}

fn is_account_id(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// What AWS checks of one who asks: the account, then what stands under it.
#[derive(Clone, Copy)]
enum Level<'a> {
    Account(&'a str),
    Exactly(Identity<'a>),
    /// The role that a session has assumed.
    RoleOf(InAccount<'a>),
    /// Some session of a role.
    SessionOf(InAccount<'a>),
    /// The user whose federated session this is.
    UserOf(InAccount<'a>),
}

fn levels(asking: Identity<'_>) -> Vec<Level<'_>> {
    let exactly = Level::Exactly(asking);
    match asking {
        Identity::Account(account) => vec![Level::Account(account)],
        Identity::Role(role) => vec![Level::Account(role.account), exactly, Level::SessionOf(role)],
        Identity::Session(session) => vec![Level::Account(session.account), Level::RoleOf(session), exactly],
        Identity::User(user) => vec![Level::Account(user.account), exactly],
        Identity::FederatedUser(user) => {
            vec![Level::Account(user.account), Level::UserOf(user), exactly]
        }
        Identity::Everyone | Identity::UniqueId(_) | Identity::Other(_) => vec![exactly],
    }
}

/// Whether an entry of a policy names this level of who asks.
fn names(entry: Identity<'_>, level: Level<'_>) -> Judgement {
    let unknown = |id: &str| Judgement::unknown(Unjudged::Principal(id.to_owned()));
    match (entry, level) {
        (Identity::Everyone, _) => Judgement::True,
        (Identity::Account(entry), Level::Account(account)) => (entry == account).into(),
        (Identity::Role(entry), Level::RoleOf(session)) => entry.same_name(&session).into(),
        (Identity::User(entry), Level::UserOf(session)) => entry.same_name(&session).into(),
        (Identity::Session(entry), Level::SessionOf(role)) if entry.same_name(&role) => unknown(entry.arn),
        (Identity::UniqueId(entry), Level::Exactly(Identity::UniqueId(asking))) => (entry == asking).into(),
        // A unique id hides whose it is, on either side.
        (
            Identity::UniqueId(id),
            Level::Exactly(Identity::Role(_) | Identity::User(_)) | Level::RoleOf(_) | Level::UserOf(_),
        ) => unknown(id),
        (
            Identity::Account(_)
            | Identity::Role(_)
            | Identity::User(_)
            | Identity::Session(_)
            | Identity::FederatedUser(_),
            Level::Exactly(Identity::UniqueId(id)),
        ) => unknown(id),
        (entry, Level::Exactly(asking)) => (entry == asking).into(),
        (
            Identity::Account(_)
            | Identity::Role(_)
            | Identity::Session(_)
            | Identity::User(_)
            | Identity::FederatedUser(_)
            | Identity::UniqueId(_)
            | Identity::Other(_),
            Level::Account(_) | Level::RoleOf(_) | Level::SessionOf(_) | Level::UserOf(_),
        ) => Judgement::False,
    }
}

/// Whether a set is everyone: `"*"`, or an `AWS` list with `"*"` in a statement
/// that has a resource. In trust policies the latter is kept apart.
pub(super) fn is_everyone(set: &PrincipalSet, has_resource: bool) -> bool {
    match set {
        PrincipalSet::Everyone => true,
        PrincipalSet::Named(lists) => {
            has_resource
                && lists
                    .get(&PrincipalKind::Aws)
                    .is_some_and(|ids| ids.iter().any(|id| id == "*"))
        }
    }
}

/// Whether a statement with this clause speaks of who asks.
pub(super) fn judge(
    clause: Option<&PrincipalClause>,
    has_resource: bool,
    asking: &Principal,
    accounts: AccountPrincipal,
) -> Judgement {
    let (set, not) = match clause {
        // Attached to whoever it speaks of.
        None => return Judgement::True,
        Some(PrincipalClause::Principal(set)) => (set, false),
        Some(PrincipalClause::NotPrincipal(set)) => (set, true),
    };
    let lists = match set {
        PrincipalSet::Named(lists) if !is_everyone(set, has_resource) => lists,
        PrincipalSet::Everyone | PrincipalSet::Named(_) => return Judgement::from(!not),
    };
    let listed = |kind| lists.get(&kind).map_or(&[][..], Vec::as_slice);
    match asking {
        Principal::Anonymous => {
            let everyone = listed(PrincipalKind::Aws).iter().any(|id| id == "*");
            Judgement::from(everyone).negate_if(not)
        }
        Principal::Service(name) => {
            provider(listed(PrincipalKind::Service), listed(PrincipalKind::Aws), name).negate_if(not)
        }
        Principal::Federated(name) => {
            provider(listed(PrincipalKind::Federated), listed(PrincipalKind::Aws), name).negate_if(not)
        }
        Principal::Aws(id) => {
            let mut levels = levels(Identity::parse(id));
            if accounts == AccountPrincipal::RootUser && levels.len() > 1 {
                levels.retain(|level| !matches!(level, Level::Account(_)));
            }
            let at_level = |level: &Level<'_>| {
                Judgement::any(
                    listed(PrincipalKind::Aws)
                        .iter()
                        .map(|entry| names(Identity::parse(entry), *level))
                        .chain(canonical_users(listed(PrincipalKind::CanonicalUser), *level)),
                )
            };
            let by_level: Vec<Judgement> = levels.iter().map(at_level).collect();
            if not {
                exempt(by_level, id).negate()
            } else {
                Judgement::any(by_level)
            }
        }
    }
}

/// A canonical user id stands for an account; which one, only S3 can say.
fn canonical_users<'a>(ids: &'a [String], level: Level<'_>) -> impl Iterator<Item = Judgement> + use<'a> {
    let about_accounts = matches!(level, Level::Account(_));
    ids.iter()
        .filter(move |_| about_accounts)
        .map(|id| Judgement::unknown(Unjudged::Principal(id.clone())))
}

/// Services and identity providers. `{"AWS": "*"}` gets here in trust policies
/// only, where AWS does not say whether it reaches beyond AWS's own identities.
fn provider(names: &[String], aws: &[String], asking: &str) -> Judgement {
    if names.iter().any(|name| name == "*" || name == asking) {
        Judgement::True
    } else if aws.iter().any(|id| id == "*") {
        Judgement::unknown(Unjudged::Principal("*".to_owned()))
    } else {
        Judgement::False
    }
}

/// `NotPrincipal` exempts for certain only who is listed at every level, and
/// for certain not who is listed at none.
fn exempt(by_level: Vec<Judgement>, asking: &str) -> Judgement {
    let listed_everywhere = Judgement::all(by_level.iter().cloned());
    let listed_somewhere = Judgement::any(by_level);
    match (listed_everywhere, listed_somewhere) {
        (Judgement::True, _) => Judgement::True,
        (_, Judgement::False) => Judgement::False,
        (Judgement::False | Judgement::Unknown(_), Judgement::True | Judgement::Unknown(_)) => {
            Judgement::unknown(Unjudged::NotPrincipal(asking.to_owned()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: &str = "arn:aws:iam::111122223333:root";
    const ROLE: &str = "arn:aws:iam::111122223333:role/ml/train";
    const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/train/SageMaker";
    const USER: &str = "arn:aws:iam::111122223333:user/ana";
    const FEDERATED: &str = "arn:aws:sts::111122223333:federated-user/ana";

    fn principal(entries: &[&str], asking: &str) -> Judgement {
        let clause = PrincipalClause::Principal(PrincipalSet::aws(entries.iter().copied()));
        judge(
            Some(&clause),
            true,
            &Principal::Aws(asking.to_owned()),
            AccountPrincipal::WholeAccount,
        )
    }

    fn not_principal(entries: &[&str], asking: &str) -> Judgement {
        let clause = PrincipalClause::NotPrincipal(PrincipalSet::aws(entries.iter().copied()));
        judge(
            Some(&clause),
            true,
            &Principal::Aws(asking.to_owned()),
            AccountPrincipal::WholeAccount,
        )
    }

    fn unknown(id: &str) -> Judgement {
        Judgement::unknown(Unjudged::Principal(id.to_owned()))
    }

    #[test]
    fn an_account_speaks_of_all_its_identities() {
        for account in ["111122223333", ROOT, "arn:aws-cn:iam::111122223333:root"] {
            for asking in [ROOT, ROLE, SESSION, USER, FEDERATED, "111122223333"] {
                assert_eq!(principal(&[account], asking), Judgement::True, "{asking}");
            }
            assert_eq!(
                principal(&[account], "arn:aws:iam::999999999999:role/train"),
                Judgement::False
            );
        }
    }

    #[test]
    fn at_a_gateway_endpoint_an_account_is_its_root_user() {
        let clause = PrincipalClause::Principal(PrincipalSet::aws([ROOT]));
        let asks = |id: &str| {
            judge(
                Some(&clause),
                true,
                &Principal::Aws(id.to_owned()),
                AccountPrincipal::RootUser,
            )
        };
        assert_eq!(asks(ROLE), Judgement::False);
        assert_eq!(asks("111122223333"), Judgement::True);
    }

    #[test]
    fn a_role_speaks_of_its_sessions_whatever_its_path() {
        assert_eq!(principal(&[ROLE], SESSION), Judgement::True);
        assert_eq!(principal(&[ROLE], ROLE), Judgement::True);
        assert_eq!(principal(&[ROLE], ROOT), Judgement::False);
        assert_eq!(principal(&[USER], FEDERATED), Judgement::True);
        assert_eq!(principal(&[ROLE], USER), Judgement::False);
    }

    #[test]
    fn a_session_may_be_the_one_in_which_a_role_asks() {
        assert_eq!(principal(&[SESSION], SESSION), Judgement::True);
        assert_eq!(principal(&[SESSION], ROLE), unknown(SESSION));
        let other = "arn:aws:sts::111122223333:assumed-role/train/other";
        assert_eq!(principal(&[other], SESSION), Judgement::False);
    }

    #[test]
    fn a_unique_id_may_be_any_role_or_user_until_it_is_looked_up() {
        assert_eq!(principal(&["AROAEXAMPLE"], SESSION), unknown("AROAEXAMPLE"));
        assert_eq!(principal(&["AROAEXAMPLE", ROLE], SESSION), Judgement::True);
        assert_eq!(principal(&["AROAEXAMPLE"], ROOT), Judgement::False);
        assert_eq!(principal(&["AROAEXAMPLE"], "AROAEXAMPLE"), Judgement::True);
        assert_eq!(principal(&["AROAEXAMPLE"], "AROAOTHER"), Judgement::False);
        assert_eq!(principal(&[ROLE], "AROAOTHER"), unknown("AROAOTHER"));
    }

    #[test]
    fn not_principal_is_certain_only_where_every_level_is_listed_or_none() {
        let partly = |id: &str| Judgement::unknown(Unjudged::NotPrincipal(id.to_owned()));
        assert_eq!(not_principal(&["999999999999"], SESSION), Judgement::True);
        assert_eq!(not_principal(&[ROLE, SESSION, ROOT], SESSION), Judgement::False);
        assert_eq!(not_principal(&[USER, ROOT], USER), Judgement::False);
        assert_eq!(not_principal(&[USER], USER), partly(USER));
        assert_eq!(not_principal(&[ROLE, ROOT], ROLE), partly(ROLE));
        assert_eq!(not_principal(&["*"], SESSION), Judgement::False);
    }

    #[test]
    fn only_everyone_includes_the_anonymous_and_services() {
        let asks = |set: PrincipalSet, asking: &Principal, has_resource| {
            judge(
                Some(&PrincipalClause::Principal(set)),
                has_resource,
                asking,
                AccountPrincipal::WholeAccount,
            )
        };
        let service = Principal::Service("sagemaker.amazonaws.com".to_owned());
        for asking in [&Principal::Anonymous, &service] {
            assert_eq!(asks(PrincipalSet::Everyone, asking, true), Judgement::True);
            assert_eq!(asks(PrincipalSet::aws(["*"]), asking, true), Judgement::True);
            assert_eq!(asks(PrincipalSet::aws([ROOT]), asking, true), Judgement::False);
        }
        let named = PrincipalSet::services(["sagemaker.amazonaws.com"]);
        assert_eq!(asks(named.clone(), &service, false), Judgement::True);
        assert_eq!(asks(named, &Principal::Anonymous, false), Judgement::False);
        assert_eq!(asks(PrincipalSet::aws(["*"]), &service, false), unknown("*"));
    }
}
