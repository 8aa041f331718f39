//! How many uploads, or downloads, there are at once: in all, and of one user.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pollgate_model::UserId;

use crate::CoreError;
use crate::figures::Limit;

/// Places of one kind.
#[derive(Debug)]
pub(crate) struct Places {
    what: &'static str,
    most: usize,
    most_of_one: usize,
    taken: Mutex<Taken>,
    refused: AtomicU64,
    refused_one: AtomicU64,
}

/// No longer than there are places: a user without one is not in it.
#[derive(Debug, Default)]
struct Taken {
    all: usize,
    of: HashMap<UserId, usize>,
}

/// A place, until it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    places: Arc<Places>,
    user: UserId,
}

impl Places {
    pub(crate) fn new(what: &'static str, most: usize, most_of_one: usize) -> Arc<Self> {
        Arc::new(Self {
            what,
            most,
            most_of_one,
            taken: Mutex::default(),
            refused: AtomicU64::new(0),
            refused_one: AtomicU64::new(0),
        })
    }

    /// A place for this user.
    ///
    /// # Errors
    /// The user has as many as one may have, or all are taken.
    pub(crate) fn take(self: &Arc<Self>, user: &UserId) -> Result<Place, CoreError> {
        let mut taken = self.taken();
        let of = taken.of.get(user).copied().unwrap_or(0);
        if of >= self.most_of_one {
            self.refused_one.fetch_add(1, Ordering::Relaxed);
            return Err(CoreError::TooManyOfUser { what: self.what, most: self.most_of_one });
        }
        if taken.all >= self.most {
            self.refused.fetch_add(1, Ordering::Relaxed);
            return Err(CoreError::Overloaded(self.what));
        }
        taken.all += 1;
        taken.of.insert(user.clone(), of + 1);
        Ok(Place { places: self.clone(), user: user.clone() })
    }

    /// The bounds, under these names.
    pub(crate) fn limits(&self, all: &'static str, of_one: &'static str) -> [Limit; 2] {
        let taken = self.taken();
        let most_of_one = taken.of.values().copied().max().unwrap_or(0);
        let limit = |name, most: usize, used: usize, refused: &AtomicU64| Limit {
            name,
            most: most as u64,
            used: Some(used as u64),
            refused: Some(refused.load(Ordering::Relaxed)),
        };
        [
            limit(all, self.most, taken.all, &self.refused),
            limit(of_one, self.most_of_one, most_of_one, &self.refused_one),
        ]
    }

    // a std lock: held for one look, never over an await
    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken();
        taken.all = taken.all.saturating_sub(1);
        if let Some(of) = taken.of.get_mut(&self.user) {
            *of = of.saturating_sub(1);
            if *of == 0 {
                taken.of.remove(&self.user);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_bounded_for_one_and_for_all_and_come_back() {
        let places = Places::new("uploads", 3, 2);
        let user = |name: &str| name.parse::<UserId>().unwrap();
        let first = places.take(&user("ann")).unwrap();
        let _second = places.take(&user("ann")).unwrap();
        assert!(matches!(places.take(&user("ann")), Err(CoreError::TooManyOfUser { most: 2, .. })));
        let _third = places.take(&user("bob")).unwrap();
        assert!(matches!(places.take(&user("eve")), Err(CoreError::Overloaded("uploads"))));
        drop(first);
        drop(places.take(&user("ann")).unwrap());
        let [all, one] = places.limits("a", "b");
        assert_eq!((all.used, all.refused, one.used, one.refused), (Some(2), Some(1), Some(1), Some(1)));
        assert_eq!(places.taken().of.len(), 2, "who has none is not remembered");
    }
}
