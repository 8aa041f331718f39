//! Seats for held polls: a bound for each user and one for all.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use pollgate_model::UserId;

use crate::CoreError;

/// Counts polls from their start to their end.
#[derive(Debug)]
pub(crate) struct Seats {
    by_user: DashMap<UserId, usize>,
    held: AtomicUsize,
    most_per_user: usize,
    most: usize,
}

/// One poll's seat; free again when dropped.
#[derive(Debug)]
pub(crate) struct Seat {
    seats: Arc<Seats>,
    user: UserId,
}

impl Seats {
    pub(crate) fn new(most_per_user: usize, most: usize) -> Arc<Self> {
        Arc::new(Self { by_user: DashMap::new(), held: AtomicUsize::new(0), most_per_user, most })
    }

    /// Polls held now.
    pub(crate) fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    /// Polls held now for the user who holds most of them.
    pub(crate) fn most_of_one(&self) -> usize {
        self.by_user.iter().map(|held| *held).max().unwrap_or(0)
    }

    /// A seat for one more poll of this user.
    pub(crate) fn take(self: &Arc<Self>, user: &UserId) -> Result<Seat, CoreError> {
        if self.held.fetch_add(1, Ordering::Relaxed) >= self.most {
            self.held.fetch_sub(1, Ordering::Relaxed);
            return Err(CoreError::Overloaded("held polls"));
        }
        let refused = match self.by_user.entry(user.clone()) {
            Entry::Occupied(held) if *held.get() >= self.most_per_user => true,
            Entry::Occupied(mut held) => {
                *held.get_mut() += 1;
                false
            }
            Entry::Vacant(place) => {
                place.insert(1);
                false
            }
        };
        if refused {
            self.held.fetch_sub(1, Ordering::Relaxed);
            return Err(CoreError::TooManyPolls { most: self.most_per_user });
        }
        Ok(Seat { seats: self.clone(), user: user.clone() })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.seats.held.fetch_sub(1, Ordering::Relaxed);
        if let Some(mut held) = self.seats.by_user.get_mut(&self.user) {
            *held -= 1;
        }
        // looked at again under the shard's lock: a poll may have come in between
        self.seats.by_user.remove_if(&self.user, |_, held| *held == 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_and_all_users_have_a_bound_and_a_dropped_poll_frees_its_seat() {
        let seats = Seats::new(2, 3);
        let (ann, bob): (UserId, UserId) = ("ann".parse().unwrap(), "bob".parse().unwrap());
        let first = seats.take(&ann).unwrap();
        let _second = seats.take(&ann).unwrap();
        assert!(matches!(seats.take(&ann), Err(CoreError::TooManyPolls { most: 2 })));
        let _third = seats.take(&bob).unwrap();
        assert!(matches!(seats.take(&bob), Err(CoreError::Overloaded("held polls"))));
        drop(first);
        let _again = seats.take(&ann).unwrap();
        assert_eq!((seats.held(), seats.most_of_one()), (3, 2));
    }

    #[test]
    fn the_table_holds_nobody_who_holds_no_poll() {
        let seats = Seats::new(2, 3);
        drop(seats.take(&"ann".parse().unwrap()).unwrap());
        assert!(seats.by_user.is_empty());
    }
}
