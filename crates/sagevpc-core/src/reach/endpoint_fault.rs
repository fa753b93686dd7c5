//! Why an endpoint that is there does not serve.

use std::fmt;

use crate::observed::{EndpointState, Word};

/// Why an endpoint does not serve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EndpointFault {
    /// It is in a state in which none does.
    State(Word<EndpointState>),
    /// It has interfaces nowhere.
    InNoSubnet,
}

impl EndpointFault {
    /// Whether it may yet come to serve: AWS sets it up, or its service's owner
    /// is to accept it.
    pub fn is_pending(&self) -> bool {
        match self {
            Self::State(state) => match state.means() {
                EndpointState::PendingAcceptance | EndpointState::Pending => true,
                EndpointState::Available
                | EndpointState::Deleting
                | EndpointState::Deleted
                | EndpointState::Rejected
                | EndpointState::Failed
                | EndpointState::Expired
                | EndpointState::Partial
                | EndpointState::Other => false,
            },
            Self::InNoSubnet => false,
        }
    }
}

impl fmt::Display for EndpointFault {
    /// What an endpoint is, as after "is".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::State(state) => f.write_str(&state.as_str().to_ascii_lowercase()),
            Self::InNoSubnet => f.write_str("in no subnet"),
        }
    }
}
