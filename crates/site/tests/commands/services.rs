//! What the addresses on a page stand for in its test.

use pollgate_site::fences::{Fence, Treatment};
use pollgate_testkit::{PgCluster, Vhost, free_port};

/// What pages call the database and the broker.
const DATABASE: &str = "postgres://pollgate:secret@db.example/pollgate";
const BROKER: &str = "amqp://pollgate:secret@mq.example:5672/%2f";
/// What pages call gateways, the public address and the operator's.
const ADDRESSES: &[&str] = &[
    "127.0.0.1:8080",
    "127.0.0.1:9090",
    "127.0.0.1:8081",
    "127.0.0.1:9091",
    "127.0.0.1:8082",
    "127.0.0.1:9092",
];
/// The operators' addresses among them, and the first one last: it is where a gateway is that names none.
pub(crate) const OPERATORS: &[&str] = &["127.0.0.1:9091", "127.0.0.1:9092", "127.0.0.1:9090"];

/// The real ones; they end with the test.
pub(crate) struct Services {
    substitutions: Vec<(&'static str, String)>,
    _cluster: Option<PgCluster>,
    _vhost: Option<Vhost>,
}

impl Services {
    /// Those that a page runs commands against.
    pub(crate) fn for_page(fences: &[Fence]) -> Self {
        let runs = fences.iter().any(|fence| fence.treatment == Treatment::KeepsRunning);
        let named = |address: &str| runs && fences.iter().any(|fence| fence.code.contains(address));
        // a cluster, because pages dump and restore whole databases
        let cluster = named(DATABASE).then(PgCluster::start);
        let vhost = named(BROKER).then(Vhost::create);
        let mut services = Self { substitutions: Vec::new(), _cluster: cluster, _vhost: vhost };
        if let Some(cluster) = &services._cluster {
            services.substitutions.push((DATABASE, cluster.url()));
        }
        if let Some(vhost) = &services._vhost {
            services.substitutions.push((BROKER, vhost.url()));
        }
        services.move_gateways();
        services
    }

    /// Gives the gateways other ports: somebody may have taken one meanwhile.
    pub(crate) fn move_gateways(&mut self) {
        self.substitutions.retain(|(address, _)| !ADDRESSES.contains(address));
        for address in ADDRESSES {
            self.substitutions.push((address, format!("127.0.0.1:{}", free_port())));
        }
    }

    /// The text with the real addresses.
    pub(crate) fn substituted(&self, text: &str) -> String {
        self.substitutions.iter().fold(text.to_owned(), |text, (page, real)| text.replace(page, real))
    }
}
