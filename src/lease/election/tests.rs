use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn at(milliseconds: u64) -> Moment {
    Moment::after_start(Duration::from_millis(1_000_000 + milliseconds))
}

fn noon() -> Timestamp {
    "2026-01-01T12:00:00Z".parse().unwrap()
}

/// The API server's one object, with its optimistic concurrency.
#[derive(Default)]
struct Server {
    object: Option<(Record, u64)>,
}

impl Server {
    fn read(&self) -> Option<(Record, Version)> {
        let (record, version) = self.object.clone()?;
        Some((record, Version(version.to_string())))
    }

    fn write(&mut self, record: Record, version: Option<Version>) -> bool {
        let now = self.object.as_ref().map(|(_, version)| Version(version.to_string()));
        let next = self.object.as_ref().map_or(1, |(_, version)| version + 1);
        let accepted = now == version;
        if accepted {
            self.object = Some((record, next));
        }
        accepted
    }
}

fn candidate(name: &str) -> Election {
    Election::new(name.to_owned(), Timing::default())
}

/// Looks, and tries if it may; whether it has the lease then.
fn attempt(candidate: &mut Election, server: &mut Server, now: Moment) -> bool {
    candidate.see(server.read(), now);
    match candidate.decide(now, noon()) {
        Decision::Write(record, version) => {
            let accepted = server.write(record, version);
            if accepted {
                candidate.see(server.read(), now);
            }
            accepted
        }
        Decision::Wait(_) => false,
    }
}

#[test]
fn the_first_to_write_leads_and_the_other_waits() {
    let (mut server, mut one, mut other) = (Server::default(), candidate("one"), candidate("other"));
    one.see(server.read(), at(0));
    other.see(server.read(), at(0));
    let writes = [&one, &other].map(|candidate| match candidate.decide(at(0), noon()) {
        Decision::Write(record, version) => (record, version),
        Decision::Wait(_) => panic!("there is no lease yet"),
    });
    let [first, second] = writes;
    assert!(server.write(first.0, first.1));
    assert!(!server.write(second.0, second.1), "both saw that there was none");
    assert!(!attempt(&mut other, &mut server, at(100)));
    assert_eq!(other.holder(), "one");
    assert_eq!(server.read().unwrap().0.transitions, 0);
}

#[test]
fn a_lease_that_is_renewed_is_never_taken() {
    let (mut server, mut one, mut other) = (Server::default(), candidate("one"), candidate("other"));
    assert!(attempt(&mut one, &mut server, at(0)));
    for step in 1..100 {
        // What is written differs, as the time in it does.
        one.see(server.read(), at(step * 2000));
        let Decision::Write(mut record, version) = one.decide(at(step * 2000), noon()) else {
            panic!("its holder renews it");
        };
        record.renewed = Some(noon() + jiff::SignedDuration::from_secs(i64::try_from(step).unwrap()));
        assert!(server.write(record, version));
        assert!(!attempt(&mut other, &mut server, at(step * 2000 + 1999)), "{step}");
    }
}

#[test]
fn others_wait_from_when_they_saw_it_change_whatever_the_times_in_it_say() {
    for renewed in ["1970-01-01T00:00:00Z", "2100-01-01T00:00:00Z"] {
        let (mut server, mut other) = (Server::default(), candidate("other"));
        let record = Record {
            holder: "one".into(),
            duration: 12 * SECOND,
            acquired: None,
            renewed: Some(renewed.parse().unwrap()),
            transitions: 4,
        };
        assert!(server.write(record, None));
        assert!(
            !attempt(&mut other, &mut server, at(0)),
            "it is seen for the first time"
        );
        assert!(!attempt(&mut other, &mut server, at(11_999)));
        assert!(attempt(&mut other, &mut server, at(12_000)), "{renewed}");
        assert_eq!(server.read().unwrap().0.transitions, 5);
    }
}

#[test]
fn who_wakes_from_suspend_neither_acts_nor_takes_what_is_renewed() {
    let (mut server, mut one, mut other) = (Server::default(), candidate("one"), candidate("other"));
    assert!(attempt(&mut one, &mut server, at(0)));
    assert!(!attempt(&mut other, &mut server, at(0)));
    let right = one.acts_until(at(0));
    // The holder's machine sleeps; the other one takes over and sleeps in turn.
    assert!(attempt(&mut other, &mut server, at(12_000)));
    assert!(at(60_000) > right, "its right is over");
    assert!(!attempt(&mut one, &mut server, at(60_000)), "it sees another holder");
    assert!(
        !attempt(&mut one, &mut server, at(71_000)),
        "and waits a whole lease from then"
    );
}

#[test]
fn the_right_to_act_ends_before_anybody_may_take_the_lease() {
    // The write begins, is stored, and is seen, in this order; the other one may
    // see it in the very moment in which it is stored.
    let timing = Timing::default();
    for (begun, stored) in [(0, 0), (0, 3000), (0, 7999)] {
        let right = candidate("one").acts_until(at(begun));
        let taken = at(stored) + timing.lease;
        assert!(right + 4 * SECOND <= taken, "{begun} {stored}");
    }
}

#[test]
fn what_was_released_is_taken_at_once() {
    let (mut server, mut one, mut other) = (Server::default(), candidate("one"), candidate("other"));
    assert!(attempt(&mut one, &mut server, at(0)));
    assert!(!attempt(&mut other, &mut server, at(10)));
    let (released, version) = one.release(noon()).unwrap();
    assert_eq!((released.holder.as_str(), released.duration), ("", SECOND));
    assert!(server.write(released, Some(version)));
    assert!(attempt(&mut other, &mut server, at(20)));
    assert!(one.release(noon()).is_some(), "it has not seen it yet");
    one.see(server.read(), at(30));
    assert_eq!(one.release(noon()), None, "what is another's is not released");
}

#[test]
fn a_holder_that_was_not_answered_finds_its_own_lease_and_keeps_it() {
    let (mut server, mut one) = (Server::default(), candidate("one"));
    one.see(None, at(0));
    let Decision::Write(record, version) = one.decide(at(0), noon()) else {
        panic!("there is none yet");
    };
    assert!(server.write(record.clone(), version), "the answer is lost");
    assert!(attempt(&mut one, &mut server, at(2000)));
    let kept = server.read().unwrap().0;
    assert_eq!((kept.acquired, kept.transitions), (record.acquired, 0));
}

#[test]
fn a_candidate_looks_again_after_a_while_and_at_the_latest_when_the_lease_is_over() {
    let (mut server, mut one, mut other) = (Server::default(), candidate("one"), candidate("other"));
    assert!(attempt(&mut one, &mut server, at(0)));
    other.see(server.read(), at(0));
    assert_eq!(other.decide(at(0), noon()), Decision::Wait(at(2000)));
    assert_eq!(other.decide(at(11_500), noon()), Decision::Wait(at(12_000)));
}

#[test]
fn a_change_that_is_not_of_the_record_keeps_nobody_waiting() {
    let (mut server, mut one, mut other) = (Server::default(), candidate("one"), candidate("other"));
    assert!(attempt(&mut one, &mut server, at(0)));
    for second in 0..12 {
        // Somebody labels the object every second.
        server.object.as_mut().unwrap().1 += 1;
        assert!(!attempt(&mut other, &mut server, at(second * 1000)));
    }
    assert!(attempt(&mut other, &mut server, at(12_000)));
}

#[test]
fn times_that_do_not_fit_are_refused() {
    let timing = |lease: u64, deadline: u64, retry: u64| {
        Timing {
            lease: Duration::from_millis(lease),
            renew_deadline: Duration::from_millis(deadline),
            retry: Duration::from_millis(retry),
        }
        .checked()
    };
    assert!(Timing::default().checked().is_ok());
    assert!(timing(15_000, 10_000, 2000).is_ok(), "client-go's own");
    assert_eq!(timing(12_500, 8000, 2000), Err(TimingError::Lease));
    assert_eq!(timing(3_600_000, 8000, 2000), Err(TimingError::Lease));
    assert_eq!(timing(8000, 8000, 2000), Err(TimingError::RenewDeadline));
    assert_eq!(timing(12_000, 8000, 4000), Err(TimingError::Retry));
    assert_eq!(timing(12_000, 8000, 0), Err(TimingError::Retry));
}
