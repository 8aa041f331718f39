//! The broker's state as it is told to the rest of the gateway.

use tokio::sync::watch;

use crate::BrokerState;

/// Which parts work.
#[derive(Clone, Copy, Debug, Default)]
struct Parts {
    publishing: bool,
    managing: bool,
}

/// Keeps the state that others watch.
pub(super) struct Health {
    parts: std::sync::Mutex<Parts>,
    state: watch::Sender<BrokerState>,
}

impl Health {
    pub(super) fn new() -> Self {
        let (state, _first) = watch::channel(BrokerState { up: false, blocked: false, incarnation: 0 });
        Self { parts: std::sync::Mutex::default(), state }
    }

    pub(super) fn watch(&self) -> watch::Receiver<BrokerState> {
        self.state.subscribe()
    }

    /// Publishing works, or not any more. A new connection is not blocked.
    pub(super) fn publishing(&self, up: bool) {
        self.change(|parts, state| {
            parts.publishing = up;
            state.blocked = false;
        });
    }

    pub(super) fn managing(&self, up: bool) {
        self.change(|parts, _state| parts.managing = up);
    }

    pub(super) fn blocked(&self, blocked: bool) {
        self.change(|_parts, state| state.blocked = blocked);
    }

    pub(super) fn incarnation(&self, incarnation: u32) {
        self.change(|_parts, state| state.incarnation = incarnation);
    }

    fn change(&self, change: impl FnOnce(&mut Parts, &mut BrokerState)) {
        let mut parts = self.parts.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        self.state.send_if_modified(|state| {
            let before = state.clone();
            change(&mut parts, state);
            state.up = parts.publishing && parts.managing;
            *state != before
        });
    }
}
