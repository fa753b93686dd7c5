//! Messages of ICMP: their types and codes stand where other protocols have ports,
//! the type in the upper byte, the code in the lower.

use super::{filter::Flow, space::EVERY_PORT};
use crate::types::PortRange;

/// Types that ask for an answer, with its type, each by its protocol. Both have the
/// one code 0.
///
/// See <https://www.iana.org/assignments/icmp-parameters>.
const QUESTIONS: [(u8, u16, u16); 6] = [
    (Flow::ICMP, 8, 0),
    (Flow::ICMP, 10, 9),
    (Flow::ICMP, 13, 14),
    (Flow::ICMP, 15, 16),
    (Flow::ICMP, 17, 18),
    (Flow::ICMPV6, 128, 129),
];

impl Flow {
    pub(super) const ICMP: u8 = 1;
    pub(super) const ICMPV6: u8 = 58;

    const fn is_icmp(self) -> bool {
        matches!(self.protocol, Self::ICMP | Self::ICMPV6)
    }

    /// A rule's type and code, -1 for any; `None` for a protocol that has none, and
    /// for what no message has.
    pub(super) fn messages(self, range: PortRange) -> Option<(u16, u16)> {
        if !self.is_icmp() {
            return None;
        }
        if range.from == -1 {
            return Some(EVERY_PORT);
        }
        let kind = u16::from(u8::try_from(range.from).ok()?) << 8;
        match range.to {
            -1 => Some((kind, kind | 0xff)),
            code => {
                let message = kind | u16::from(u8::try_from(code).ok()?);
                Some((message, message))
            }
        }
    }

    /// Whether it is one type that asks or answers.
    fn has_one_code(self) -> bool {
        let kind = self.ports.0 >> 8;
        let is_it =
            |(protocol, asks, answers): (u8, u16, u16)| protocol == self.protocol && [asks, answers].contains(&kind);
        self.ports != EVERY_PORT && QUESTIONS.into_iter().any(is_it)
    }

    /// Any code of a type is the one that it has.
    pub(super) fn with_the_one_code(self) -> Self {
        match self.ports {
            (first, _) if self.has_one_code() && first & 0xff == 0 => Self {
                ports: (first, first),
                ..self
            },
            _ => self,
        }
    }

    /// What answers these, of a protocol without ports: an echo reply an echo
    /// request, and the same all of a protocol; `None` for messages that nothing
    /// answers.
    pub(super) fn answered(self) -> Option<Self> {
        if !self.is_icmp() || self.ports == EVERY_PORT {
            return Some(self);
        }
        let kind = self.ports.0 >> 8;
        let is_it = |(protocol, asks, _): &(u8, u16, u16)| *protocol == self.protocol && *asks == kind;
        let (.., answer) = QUESTIONS.into_iter().find(is_it)?;
        let ports = (answer << 8, answer << 8);
        Some(Self { ports, ..self })
    }

    /// Its ports, or its type and code, as a rule is written; `None` for all.
    pub(super) fn as_range(self) -> Option<PortRange> {
        if self.ports == EVERY_PORT {
            return None;
        }
        let (first, last) = (i32::from(self.ports.0), i32::from(self.ports.1));
        if self.has_ports() {
            return Some(PortRange { from: first, to: last });
        }
        let is_any_code = self.has_one_code() || first != last;
        self.is_icmp().then_some(PortRange {
            from: first >> 8,
            to: if is_any_code { -1 } else { first & 0xff },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{Protocol, Traffic};

    fn icmp(from: i32, to: i32) -> Flow {
        Flow::of(Traffic {
            protocol: Protocol::ICMP,
            ports: Some(PortRange { from, to }),
        })
    }

    #[test]
    fn an_echo_request_is_answered_by_an_echo_reply() {
        assert_eq!(icmp(8, -1).answered(), Some(icmp(0, 0)));
        assert_eq!(icmp(8, 0).as_range(), Some(PortRange { from: 8, to: -1 }));
    }

    #[test]
    fn nothing_answers_what_says_that_something_went_wrong() {
        assert_eq!(icmp(3, 4).answered(), None);
        assert_eq!(icmp(3, 4).as_range(), Some(PortRange { from: 3, to: 4 }));
    }

    #[test]
    fn all_of_icmp_is_answered_by_icmp() {
        assert_eq!(icmp(-1, -1).answered(), Some(icmp(-1, -1)));
        assert_eq!(icmp(-1, -1).as_range(), None);
    }
}
