//! Words that metrics have for the values of their labels, as people's queries
//! and alerts name them.

use std::fmt;

use prometheus_client::encoding::{EncodeLabelValue, LabelValueEncoder};

macro_rules! label_values {
    ($($(#[$doc:meta])* $name:ident: $($derive:ident),* { $($(#[$word_doc:meta])* $word:ident = $text:literal,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, $($derive),*)]
        pub enum $name { $($(#[$word_doc])* $word,)* }

        impl $name {
            /// The value of the label.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$word => $text,)* }
            }
        }

        impl EncodeLabelValue for $name {
            fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> fmt::Result {
                fmt::Write::write_str(encoder, self.as_str())
            }
        }
    )*};
}

label_values! {
    /// How a pass ended.
    PassResult: Hash {
        /// Nothing was left to do for now.
        Settled = "Settled",
        /// AWS was changed.
        Changed = "Changed",
        /// AWS works on something.
        Waiting = "Waiting",
        /// AWS refused something, or did not answer.
        Failed = "Failed",
        /// What the pass was based on changed meanwhile: it is repeated.
        Superseded = "Superseded",
        /// Kubernetes refused something, or did not answer.
        NotWritten = "NotWritten",
        /// The lease was over, or about to be given back.
        TermOver = "TermOver",
        /// It broke off by a bug of ours.
        Panicked = "Panicked",
    }

    /// What becomes of the lease.
    LeaseChange: Hash {
        /// It was taken.
        Acquired = "Acquired",
        /// It was not renewed in time, or taken by another.
        Lost = "Lost",
        /// It was given back.
        Released = "Released",
    }

    /// Which part of an object is written.
    Written: Hash {
        /// Its status.
        Status = "Status",
        /// Its finalizer.
        Finalizer = "Finalizer",
    }

    /// The state of a profile.
    ProfileState: PartialOrd, Ord {
        /// All its workloads can run.
        Ready = "Ready",
        /// It was accepted, and not all of them can.
        NotReady = "NotReady",
        /// It was not accepted.
        Refused = "Refused",
    }
}
