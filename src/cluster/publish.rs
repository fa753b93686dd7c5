//! Events: what happened, for people to read beside the object.

use k8s_openapi::api::core::v1::ObjectReference;
use kube::{
    Client, Resource,
    runtime::events::{Event, EventType, Recorder, Reporter},
};
use sha2::{Digest, Sha256};

use super::FIELD_MANAGER;
use crate::lease::Authority;
use sagevpc_core::types::one_line;

/// What the API server takes as an event's note, in bytes.
const MAX_NOTE: usize = 1024;

/// Whether an event asks for attention.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NoticeType {
    /// It does not.
    Normal,
    /// It does.
    Warning,
}

/// An event, without the object that it is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Notice {
    /// Whether it asks for attention.
    pub type_: NoticeType,
    /// What happened, in a word.
    pub reason: &'static str,
    /// What happened, in full.
    pub message: String,
    /// Whether the log tells it already, with more than fits in here.
    pub is_logged: bool,
}

/// Publishes events.
#[derive(Clone)]
pub struct Publisher {
    recorder: Recorder,
    authority: Authority,
}

impl Publisher {
    /// Publishes through `client` for as long as `authority` lasts. Clone it rather than making another: it
    /// remembers what it published lately, to count repetitions.
    pub fn new(client: Client, authority: Authority) -> Self {
        Self {
            authority,
            recorder: Recorder::new(client, Reporter::from(FIELD_MANAGER)),
        }
    }

    /// Publishes an event on an object. One that cannot be published is logged
    /// and forgotten: what it says is in the status as well.
    pub async fn publish(&self, about: &ObjectReference, notice: &Notice) {
        let message = one_line(&notice.message);
        let event = Event {
            type_: match notice.type_ {
                NoticeType::Normal => EventType::Normal,
                NoticeType::Warning => EventType::Warning,
            },
            reason: notice.reason.to_owned(),
            note: Some(cut(&message).to_owned()),
            action: action(notice),
            secondary: None,
        };
        let object = about.name.as_deref().unwrap_or_default();
        if !notice.is_logged {
            tracing::info!(reason = notice.reason, object, "{message}");
        }
        if !self.authority.may_write() {
            return;
        }
        if let Err(error) = self.recorder.publish(&event, about).await {
            tracing::warn!(reason = notice.reason, object, %error, "an event could not be published");
        }
    }
}

/// The object as an event refers to it: without its version, or no two events
/// would be about the same.
pub(crate) fn reference<K: Resource<DynamicType = ()>>(object: &K) -> ObjectReference {
    ObjectReference {
        resource_version: None,
        ..object.object_ref(&())
    }
}

/// The recorder takes two events of the same reason and action for one that
/// happened twice, and keeps the first one's note. A second drift within
/// minutes would be reported with the text of the first, so that the action,
/// which nobody is shown, tells texts apart.
fn action(notice: &Notice) -> String {
    format!(
        "{}-{}",
        notice.reason,
        hex::encode(&Sha256::digest(notice.message.as_bytes())[..4])
    )
}

fn cut(message: &str) -> &str {
    let end = message.floor_char_boundary(MAX_NOTE);
    &message[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_texts_are_two_events_and_one_text_is_one() {
        let notice = |message: &str| Notice {
            type_: NoticeType::Normal,
            reason: "DriftRepaired",
            message: message.into(),
            is_logged: false,
        };
        assert_ne!(action(&notice("a")), action(&notice("b")));
        assert_eq!(action(&notice("a")), action(&notice("a")));
        assert!(action(&notice("a")).len() <= 128);
    }

    #[test]
    fn a_long_message_is_cut_between_characters() {
        let long = "é".repeat(MAX_NOTE);
        assert_eq!(cut(&long).len(), MAX_NOTE);
        assert_eq!(cut(&format!("a{long}")).len(), MAX_NOTE - 1);
        assert_eq!(cut("short"), "short");
    }
}
