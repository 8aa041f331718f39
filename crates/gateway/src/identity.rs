//! What other gateways and operators are to call this one.

use std::io;
use std::net::TcpListener;

use pollgate_core::Identity;

/// The host's name, and where it listens.
///
/// # Errors
/// The system does not say where.
pub(crate) fn of(public: &TcpListener, operator: &TcpListener) -> io::Result<Identity> {
    Ok(Identity {
        name: gethostname::gethostname().to_string_lossy().into_owned(),
        public: public.local_addr()?.to_string(),
        operator: operator.local_addr()?.to_string(),
    })
}
