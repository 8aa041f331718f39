//! Mailboxes that this process has bound. A hint: a wrong one costs a bind, or heals when the mailbox is missed.

use dashmap::DashSet;
use pollgate_model::Mailbox;

/// Forgotten all at once beyond this many; then each costs one more bind.
const MOST: usize = 100_000;

#[derive(Default)]
pub(super) struct Known(DashSet<Mailbox>);

impl Known {
    pub(super) fn has(&self, mailbox: &Mailbox) -> bool {
        self.0.contains(mailbox)
    }

    pub(super) fn learn(&self, mailbox: &Mailbox) {
        if self.0.len() >= MOST {
            self.0.clear();
        }
        self.0.insert(mailbox.clone());
    }

    pub(super) fn forget(&self, mailbox: &Mailbox) {
        self.0.remove(mailbox);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_is_bounded() {
        let known = Known::default();
        for number in 0..=MOST {
            known.learn(&Mailbox::main(format!("u{number}").parse().unwrap()));
        }
        assert!(known.0.len() <= MOST);
    }
}
