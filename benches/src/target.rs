//! Where the load goes: this machine, and nowhere else.

use std::net::{Ipv4Addr, SocketAddr};
use std::str::FromStr;

/// The address of a gateway on this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Target(pub(crate) SocketAddr);

impl FromStr for Target {
    type Err = String;

    /// Reads `http://127.0.0.1:PORT`. Another host is refused: a load generator that a typing mistake can
    /// point at somebody else's machine is a weapon.
    fn from_str(text: &str) -> Result<Self, String> {
        let authority = text.strip_prefix("http://").ok_or("must start with http://")?;
        let address: SocketAddr =
            authority
                .trim_end_matches('/')
                .replace("localhost", "127.0.0.1")
                .parse()
                .map_err(|error| format!("{authority:?} is no address and port: {error}"))?;
        if address.ip() == Ipv4Addr::LOCALHOST {
            Ok(Self(address))
        } else {
            Err(format!("{} is not 127.0.0.1", address.ip()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_accepted() {
        assert_eq!("http://127.0.0.1:8080".parse(), Ok(Target(([127, 0, 0, 1], 8080).into())));
        assert!("http://localhost:8080/".parse::<Target>().is_ok());
        for text in
            ["http://10.0.0.1:80", "http://example.org:80", "https://127.0.0.1:80", "http://127.0.0.1"]
        {
            assert!(text.parse::<Target>().is_err(), "{text}");
        }
    }
}
