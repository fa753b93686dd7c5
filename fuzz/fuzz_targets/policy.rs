//! Bytes that may be policies never make the policy module panic, and what it
//! says of two documents agrees with itself. The property tests do the same
//! with bytes of their own.

#![no_main]

#[path = "../../tests/properties/policy/bytes.rs"]
mod bytes;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    bytes::try_everything(data);
});
