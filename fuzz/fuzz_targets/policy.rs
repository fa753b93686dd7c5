//! Bytes that may be policies never make iam-policy panic, and what it
//! says of two documents agrees with itself. The property tests do the same
//! with bytes of their own.

#![no_main]

#[path = "../../crates/iam-policy/tests/properties/bytes.rs"]
mod bytes;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    bytes::try_everything(data);
});
