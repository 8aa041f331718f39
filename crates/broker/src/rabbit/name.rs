//! Names on RabbitMQ: at most 255 bytes, and two mailboxes never share one.
//!
//! Letters, digits, `-` and `_` stay as they are, everything else becomes `%XX`. What is too long that way becomes
//! `~` and its SHA-256; escaping never makes a `~`, and never a `/`, which stands between user and session.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use lapin::types::ShortString;
use pollgate_model::Mailbox;
use sha2::{Digest, Sha256};

use crate::BrokerError;

/// Longest escaped part: two of them, the prefix and `.mb.` and `/` stay within 255 bytes.
const MOST_PART_BYTES: usize = 100;

/// Makes names that start with the prefix.
#[derive(Clone, Debug)]
pub(super) struct Names {
    prefix: String,
}

impl Names {
    pub(super) fn new(prefix: &str) -> Self {
        Self { prefix: prefix.to_owned() }
    }

    /// The exchange that all mailboxes are bound to.
    pub(super) fn exchange(&self) -> String {
        format!("{}.mailboxes", self.prefix)
    }

    /// The queue that holds the incarnation.
    pub(super) fn marker(&self) -> String {
        format!("{}.marker", self.prefix)
    }

    /// The exchange for requests between gateways.
    pub(super) fn control(&self) -> String {
        format!("{}.control", self.prefix)
    }

    /// A queue for trying the broker out: what holds for mailboxes by their names holds for it, and no mailbox has the name.
    pub(super) fn probe(&self, id: &str) -> String {
        // a name that was too long is '~' and letters, digits, '-' and '_'
        format!("{}.mb.~doctor.{id}", self.prefix)
    }

    /// A mailbox's queue.
    pub(super) fn mailbox(&self, mailbox: &Mailbox) -> String {
        let mut name = format!("{}.mb.", self.prefix);
        push_part(&mut name, mailbox.user.as_str());
        if let Some(session) = &mailbox.session {
            name.push('/');
            push_part(&mut name, session.as_str());
        }
        name
    }
}

/// A text in AMQP's form.
pub(super) fn short(text: impl Into<String>) -> Result<ShortString, BrokerError> {
    ShortString::try_new(text).map_err(|error| BrokerError::Refused(error.to_string()))
}

fn push_part(name: &mut String, part: &str) {
    let begins = name.len();
    for byte in part.bytes() {
        if byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_' {
            name.push(char::from(byte));
        } else {
            name.push('%');
            for digit in [byte >> 4, byte & 15] {
                name.push(char::from_digit(u32::from(digit), 16).unwrap_or('0').to_ascii_uppercase());
            }
        }
    }
    if name.len() - begins > MOST_PART_BYTES {
        name.truncate(begins);
        name.push('~');
        URL_SAFE_NO_PAD.encode_string(Sha256::digest(part.as_bytes()), name);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn named(user: &str, session: Option<&str>) -> String {
        let mailbox = Mailbox { user: user.parse().unwrap(), session: session.map(|s| s.parse().unwrap()) };
        Names::new(&"p".repeat(40)).mailbox(&mailbox)
    }

    #[test]
    fn an_ordinary_user_is_readable() {
        let mailbox = Mailbox::of_session("ann_1".parse().unwrap(), "tab-2".parse().unwrap());
        assert_eq!(Names::new("pollgate").mailbox(&mailbox), "pollgate.mb.ann_1/tab-2");
    }

    #[test]
    fn a_slash_in_an_id_is_no_session() {
        assert_ne!(named("a/b", None), named("a", Some("b")));
        assert_ne!(named("a", None), named("a", Some("a")));
        assert_ne!(named("%2F", None), named("/", None));
        assert_ne!(named("~x", None), named("%7Ex", None));
    }

    #[test]
    fn the_longest_ids_fit() {
        let longest = "\u{e9}".repeat(64);
        assert_eq!(longest.len(), 128);
        assert!(named(&longest, Some(&longest)).len() <= 255);
        assert_ne!(named(&longest, None), named(&"\u{e8}".repeat(64), None));
    }

    proptest! {
        #[test]
        fn different_mailboxes_have_different_names(
            a in "[ -~\u{e0}-\u{ff}]{1,32}", b in "[ -~\u{e0}-\u{ff}]{1,32}",
            s in proptest::option::of("[ -~]{1,40}"), t in proptest::option::of("[/%~a]{1,40}"),
        ) {
            let (one, other) = (named(&a, s.as_deref()), named(&b, t.as_deref()));
            prop_assert_eq!(one == other, a == b && s == t);
            prop_assert!(one.len() <= 255);
            prop_assert!(one.is_ascii());
        }
    }
}
