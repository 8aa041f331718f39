//! The addresses that a gateway listens on: free, or held by a gateway.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::time::Duration;

use crate::cli::doctor::finding::Finding;
use crate::settings::Settings;

/// A gateway on this machine answers well within this.
const ANSWERING: Duration = Duration::from_secs(3);

pub(super) async fn check(settings: &Settings) -> Vec<Finding> {
    let addresses = [
        ("system.public-port", "http.listen", settings.http.listen),
        ("system.operator-port", "http.operator_listen", settings.http.operator_listen),
    ];
    let mut runs = None;
    let mut findings = Vec::new();
    for (id, key, address) in addresses {
        let bound = TcpListener::bind(address).map(drop);
        let in_use = bound.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::AddrInUse);
        if in_use && runs.is_none() {
            runs = Some(is_pollgate(settings.http.operator_listen).await);
        }
        findings.push(told(id, key, address, bound, runs == Some(true)));
    }
    findings
}

fn told(id: &'static str, key: &str, address: SocketAddr, bound: io::Result<()>, runs: bool) -> Finding {
    let Err(error) = bound else { return Finding::ok(id, format!("{address} is free")) };
    let means = "a gateway with this configuration does not start here";
    match error.kind() {
        io::ErrorKind::AddrInUse if runs => {
            Finding::ok(id, format!("{address} is held by a pollgate that runs"))
        }
        io::ErrorKind::AddrInUse => Finding::problem(id, format!("{address} is held by another program"))
            .means(means)
            .change(format!("another port in {key}, or end what listens there (ss -ltnp)")),
        io::ErrorKind::AddrNotAvailable => {
            Finding::problem(id, format!("{address} is no address of this machine"))
                .means(means)
                .change(format!("an address of this machine in {key}, or 0.0.0.0 for all of them"))
        }
        io::ErrorKind::PermissionDenied => {
            Finding::problem(id, format!("{address} may not be listened on by this user"))
                .means(means)
                .change("a port above 1023, or the right CAP_NET_BIND_SERVICE")
        }
        _ => Finding::problem(id, format!("{address}: {error}"))
            .means(means)
            .change(format!("another address in {key}")),
    }
}

/// Whether a gateway answers at this operator address.
async fn is_pollgate(address: SocketAddr) -> bool {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    let url = format!("http://{}/healthz", SocketAddr::new(ip, address.port()));
    let asked = async {
        // this machine's own address is not asked through a proxy
        let client = reqwest::Client::builder().no_proxy().timeout(ANSWERING).build().ok()?;
        let answer = client.get(url).send().await.ok()?;
        let body = answer.bytes().await.ok()?;
        let json: serde_json::Value = serde_json::from_slice(&body).ok()?;
        json.get("status").map(|status| status == "ok")
    };
    tokio::time::timeout(ANSWERING, asked).await.ok().flatten() == Some(true)
}
