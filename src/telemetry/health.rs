//! Whether the process can do its work, and what that is.

use std::{collections::BTreeMap, sync::Arc};

use parking_lot::Mutex;

use crate::lease::Contact;

/// What the process is there for just now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// It has not begun.
    #[default]
    Starting,
    /// It keeps its copies and waits. This one leads, if anyone does.
    Standby(String),
    /// It works.
    Leader,
    /// It was asked to end.
    Stopping,
}

/// Whether the process can do its work. Clones are one.
#[derive(Clone, Debug, Default)]
pub struct Health {
    contact: Contact,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    role: Role,
    /// Local copies, by the kind that they hold, and whether each is followed.
    copies: BTreeMap<String, bool>,
}

impl Health {
    /// Whether the API server answers.
    pub fn contact(&self) -> &Contact {
        &self.contact
    }

    /// From now on, what the process is there for.
    pub fn plays(&self, role: Role) {
        self.state.lock().role = role;
    }

    /// From now on, whether the copy of a kind follows what is declared.
    pub fn follows(&self, kind: &str, does: bool) {
        self.state.lock().copies.insert(kind.to_owned(), does);
    }

    /// Whether every copy follows what is declared. While one does not, nothing
    /// is to be begun on its account.
    pub fn follows_all(&self) -> bool {
        let state = self.state.lock();
        !state.copies.is_empty() && state.copies.values().all(|follows| *follows)
    }

    /// What the process does, or why it cannot.
    ///
    /// # Errors
    ///
    /// When it can neither work nor take over.
    pub fn readiness(&self) -> Result<String, String> {
        let state = self.state.lock();
        let role = match &state.role {
            Role::Starting => return Err("the local copies of the objects in Kubernetes are not complete yet".into()),
            Role::Stopping => return Err("stopping".into()),
            Role::Standby(leader) if leader.is_empty() => "standby".to_owned(),
            Role::Standby(leader) => format!("standby; {leader} leads"),
            Role::Leader => "leader".to_owned(),
        };
        if let Some((kind, _)) = state.copies.iter().find(|(_, follows)| !**follows) {
            return Err(format!(
                "watching {kind} is interrupted: what is declared may have changed"
            ));
        }
        if !self.contact.is_fresh() {
            return Err(
                "the API server does not answer: neither can the lease be renewed nor be seen to be over".into(),
            );
        }
        Ok(role)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn following(role: Role) -> Health {
        let health = Health::default();
        health.follows("profiles", true);
        health.follows("vpcs", true);
        health.plays(role);
        health
    }

    #[test]
    fn a_leader_and_a_standby_are_ready_while_copies_are_followed_and_the_api_server_answers() {
        for (role, told) in [
            (Role::Leader, "leader"),
            (Role::Standby("pod-1".into()), "standby; pod-1 leads"),
            (Role::Standby(String::new()), "standby"),
        ] {
            let health = following(role);
            assert!(health.readiness().unwrap_err().contains("does not answer"));
            health.contact().assume();
            assert_eq!(health.readiness().as_deref(), Ok(told));
            health.follows("vpcs", false);
            assert!(health.readiness().unwrap_err().contains("watching vpcs"));
            health.follows("vpcs", true);
            assert_eq!(health.readiness().as_deref(), Ok(told));
        }
    }

    #[test]
    fn who_starts_or_stops_is_not_ready() {
        for role in [Role::Starting, Role::Stopping] {
            let health = following(role);
            health.contact().assume();
            assert!(health.readiness().is_err());
        }
    }

    #[test]
    fn nothing_is_followed_before_the_first_copy_is() {
        let health = Health::default();
        assert!(!health.follows_all());
        health.follows("vpcs", true);
        assert!(health.follows_all());
        health.follows("profiles", false);
        assert!(!health.follows_all());
    }
}
