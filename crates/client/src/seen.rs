//! Ids of events met lately.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

/// More than any gateway leaves unconfirmed; the oldest goes first.
const MOST: usize = 4_000;

/// What comes twice has the same id. Bounded: who looks back further than [`MOST`] events has confirmed them long ago.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    ids: HashSet<Arc<str>>,
    order: VecDeque<Arc<str>>,
}

impl Seen {
    /// Notes an id; whether it is new.
    pub(crate) fn add(&mut self, id: &str) -> bool {
        let id: Arc<str> = Arc::from(id);
        if !self.ids.insert(id.clone()) {
            return false;
        }
        self.order.push_back(id);
        if self.order.len() > MOST
            && let Some(oldest) = self.order.pop_front()
        {
            self.ids.remove(&oldest);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_new_once() {
        let mut seen = Seen::default();
        assert!(seen.add("a") && seen.add("b"));
        assert!(!seen.add("a") && !seen.add("b"));
    }

    #[test]
    fn memory_is_bounded_and_the_oldest_goes_first() {
        let mut seen = Seen::default();
        for number in 0..MOST + 10 {
            assert!(seen.add(&number.to_string()));
        }
        assert_eq!((seen.ids.len(), seen.order.len()), (MOST, MOST));
        assert!(!seen.add("10"), "forgotten too early");
        assert!(seen.add("9"), "kept too long");
    }
}
