//! Proxies in front of the gateway, and whose address to believe behind them.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// Addresses and networks whose `X-Forwarded-For` is believed.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    /// The client's address: the last one in the chain that no trusted proxy stands behind.
    ///
    /// Each proxy appends whom it heard from, so the list is read from its end, and only as far as trusted proxies
    /// wrote it: what a client puts in front of it proves nothing.
    #[must_use]
    pub fn client_address(&self, peer: IpAddr, forwarded: Option<&str>) -> IpAddr {
        let mut client = peer.to_canonical();
        for hop in forwarded.unwrap_or_default().rsplit(',') {
            if !self.trusts(client) {
                break;
            }
            let Some(next) = address(hop.trim()) else { break };
            client = next;
        }
        client
    }

    /// No proxy is trusted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }
}

/// An address with or without a port, which some proxies add.
fn address(hop: &str) -> Option<IpAddr> {
    let bare = hop.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(hop);
    let with_port = || hop.parse().ok().map(|with_port: SocketAddr| with_port.ip());
    bare.parse().ok().or_else(with_port).map(|ip: IpAddr| ip.to_canonical())
}

impl TryFrom<Vec<String>> for TrustedProxies {
    type Error = String;

    fn try_from(texts: Vec<String>) -> Result<Self, String> {
        let network = |text: &String| -> Option<IpNet> {
            let single = || text.parse().ok().map(|ip: IpAddr| IpNet::from(ip.to_canonical()));
            text.parse().ok().or_else(single)
        };
        let networks: Option<Vec<IpNet>> = texts.iter().map(network).collect();
        let networks = networks.ok_or("not an address or a network such as \"10.0.0.0/8\"")?;
        Ok(Self(networks))
    }
}

impl From<TrustedProxies> for Vec<String> {
    fn from(proxies: TrustedProxies) -> Self {
        proxies.0.iter().map(ToString::to_string).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(trusted: &[&str], peer: &str, forwarded: Option<&str>) -> String {
        let texts: Vec<String> = trusted.iter().map(ToString::to_string).collect();
        let proxies = TrustedProxies::try_from(texts).unwrap();
        proxies.client_address(peer.parse().unwrap(), forwarded).to_string()
    }

    #[test]
    fn a_peer_that_is_no_trusted_proxy_is_the_client() {
        assert_eq!(client(&[], "192.0.2.1", Some("10.9.9.9")), "192.0.2.1");
        assert_eq!(client(&["10.0.0.0/8"], "192.0.2.1", Some("10.9.9.9")), "192.0.2.1");
        assert_eq!(client(&["10.0.0.0/8"], "10.0.0.1", None), "10.0.0.1");
    }

    #[test]
    fn what_trusted_proxies_append_is_believed_and_nothing_before_it() {
        let trusted = ["10.0.0.0/8", "2001:db8::1"];
        assert_eq!(client(&trusted, "10.0.0.1", Some("192.0.2.7")), "192.0.2.7");
        assert_eq!(client(&trusted, "10.0.0.1", Some("1.1.1.1, 192.0.2.7,10.0.0.2")), "192.0.2.7");
        assert_eq!(client(&trusted, "2001:db8::1", Some("192.0.2.7:4711")), "192.0.2.7");
        assert_eq!(client(&trusted, "10.0.0.1", Some("[2001:db8::9]:80")), "2001:db8::9");
        assert_eq!(client(&trusted, "::ffff:10.0.0.1", Some("192.0.2.7")), "192.0.2.7");
    }

    #[test]
    fn what_is_no_address_ends_the_chain() {
        assert_eq!(client(&["10.0.0.0/8"], "10.0.0.1", Some("192.0.2.7, unknown, 10.0.0.2")), "10.0.0.2");
        assert_eq!(client(&["10.0.0.0/8"], "10.0.0.1", Some("")), "10.0.0.1");
        assert_eq!(client(&["10.0.0.0/8"], "10.0.0.1", Some("10.0.0.3, 10.0.0.2")), "10.0.0.3");
    }
}
