//! What tests share that need AWS: a server, accounts and networks of one's
//! own, and a road to the server on which things go wrong.

pub mod moto;
pub mod network;
pub mod road;
pub mod tally;
