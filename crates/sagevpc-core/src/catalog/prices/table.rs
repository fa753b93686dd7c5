//! AWS's list prices by region, in millionths of a US dollar: written by `make
//! prices PRICES=FILE`. As of 2026-11-30, of the regions and prices that are
//! known for sure.
//!
//! See <https://aws.amazon.com/privatelink/pricing/> and
//! <https://aws.amazon.com/vpc/pricing/>.

use super::Priced;

/// The prices of each region, in the order of [`Priced::ALL`].
pub(super) const TABLE: &[(&str, [Option<u64>; Priced::ALL.len()])] = &[
    (
        "ap-northeast-1",
        [Some(14_000), None, Some(62_000), None, None, Some(5_000)],
    ),
    ("ap-south-1", [None, None, Some(56_000), None, None, Some(5_000)]),
    (
        "ap-southeast-1",
        [Some(13_000), None, Some(59_000), None, None, Some(5_000)],
    ),
    (
        "eu-central-1",
        [Some(12_000), None, Some(52_000), None, None, Some(5_000)],
    ),
    ("eu-west-1", [Some(11_000), None, Some(48_000), None, None, Some(5_000)]),
    ("eu-west-2", [None, None, Some(50_000), None, None, Some(5_000)]),
    ("sa-east-1", [None, None, Some(93_000), None, None, Some(5_000)]),
    (
        "us-east-1",
        [
            Some(10_000),
            Some(10_000),
            Some(45_000),
            Some(45_000),
            None,
            Some(5_000),
        ],
    ),
];
