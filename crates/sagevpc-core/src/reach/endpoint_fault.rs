//! Why an endpoint that is there does not serve.

use std::fmt;

use crate::{
    observed::{EndpointState, Stage, Word},
    types::VpcEndpointId,
};

/// Why an endpoint does not serve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EndpointFault {
    /// It is in a state in which none does.
    State(Word<EndpointState>),
    /// It has interfaces nowhere.
    InNoSubnet,
}

impl EndpointFault {
    /// Whether it is AWS's turn, or that of whoever is to accept it.
    pub(super) fn is_pending(&self) -> bool {
        match self {
            Self::State(state) => state.means().stage() == Stage::Pending,
            Self::InNoSubnet => false,
        }
    }

    /// What would have an endpoint serve.
    pub(super) fn fix(&self, endpoint: &VpcEndpointId) -> String {
        let stage = match self {
            Self::InNoSubnet => {
                return format!(
                    "Put it into the workloads' subnets: `aws ec2 modify-vpc-endpoint --vpc-endpoint-id {endpoint} \
                     --add-subnet-ids subnet-…`."
                );
            }
            Self::State(state) => state.means().stage(),
        };
        match stage {
            Stage::Available | Stage::Pending => {
                format!("Wait for {endpoint}, or accept it where its service asks for that.")
            }
            Stage::Deleting | Stage::Deleted => "Make a new one once it is gone.".to_owned(),
            Stage::Failed => format!(
                "Delete it with `aws ec2 delete-vpc-endpoints --vpc-endpoint-ids {endpoint}`, and make a new one."
            ),
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
