//! Clients of the metrics port that send half a request and wait.

use std::{
    io::Write,
    net::TcpStream,
    time::{Duration, Instant},
};

use crate::fixture::{Controller, Stack};

/// Many more than are open at a time; the test keeps its own ends open.
const HALVES: usize = 4000;

#[test]
fn half_sent_requests_take_no_memory_and_hold_up_nothing() {
    let stack = Stack::start();
    let controller = Controller::start(&stack, "controller", |_| {});
    let before = controller.resident_kib();
    let mut halves = Vec::new();
    for number in 0..HALVES {
        let mut stream = TcpStream::connect(controller.address()).unwrap();
        // One that was closed to make room may be gone by now.
        let _ = stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: con");
        halves.push(stream);
        if number % 500 == 0 {
            controller.readiness().unwrap();
        }
    }
    let took = controller.resident_kib().saturating_sub(before);
    println!("measured: {HALVES} half-sent requests take {took} KiB");
    assert!(took < 16 * 1024, "{took} KiB");
    controller.readiness().unwrap();

    let asked = Instant::now();
    assert_eq!(controller.stop(), Some(0));
    let ended = asked.elapsed();
    println!("measured: SIGTERM to end beside half-sent requests: {ended:?}");
    assert!(ended < Duration::from_secs(2), "{ended:?}");
    drop(halves);
}
