//! Two gateways on one database and one broker, behind the balancer.

use std::net::SocketAddr;
use std::time::Duration;

use pollgate_testkit::{Backends, Builder, Gateway, PgSchema, User, rabbitmq_url, unique_prefix};

use crate::nginx::Nginx;

/// Every wait for a fact ends here.
pub(crate) const LIMIT: Duration = Duration::from_secs(90);

pub(crate) struct World {
    // ended in this order
    pub(crate) nginx: Nginx,
    pub(crate) a: Gateway,
    pub(crate) b: Gateway,
    _schema: PgSchema,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(|builder| builder)
    }

    /// Both upstreams of the balancer are the same gateway.
    pub(crate) fn with_one_gateway() -> Self {
        let mut world = Self::new();
        world.b.kill();
        world.nginx = Nginx::start([address(&world.a); 2]);
        world
    }

    pub(crate) fn with(change: impl Fn(Builder) -> Builder) -> Self {
        let schema = PgSchema::create();
        let backends =
            Backends::Production { pg_url: schema.url(), amqp_url: rabbitmq_url(), prefix: unique_prefix() };
        let start = || {
            let builder = Gateway::builder(env!("CARGO_BIN_EXE_pollgate")).backends(backends.clone());
            change(builder.env("POLLGATE_POLL__LINGER_MS", "1000")).start()
        };
        let (a, b) = (start(), start());
        let nginx = Nginx::start([address(&a), address(&b)]);
        Self { nginx, a, b, _schema: schema }
    }

    /// A user who calls through the balancer.
    pub(crate) fn user(&self, name: &str) -> User {
        self.user_with(name, "user")
    }

    /// Somebody with these scopes who calls through the balancer.
    pub(crate) fn user_with(&self, name: &str, scope: &str) -> User {
        self.nginx.caller(&self.a.token_with(name, scope, 3600))
    }

    /// A poll of the user has arrived at one of the two.
    pub(crate) fn is_attended(&self, user: &str) -> bool {
        let seen = self.a.user("nobody").operator().get(&format!("/v1/mailboxes?user={user}"));
        seen.json["mailboxes"][0]["consumers"].as_u64().unwrap_or(0) > 0
    }
}

pub(crate) fn address(gateway: &Gateway) -> SocketAddr {
    gateway.url().trim_start_matches("http://").parse().unwrap()
}
