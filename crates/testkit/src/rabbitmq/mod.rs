//! RabbitMQ for tests: a node of one's own that can be stopped, a virtual host on the machine's node, or only a prefix.
//!
//! A virtual host costs two starts of `rabbitmqctl`, about a second each: a test that needs no fault of a whole virtual
//! host takes [`unique_prefix`] on [`rabbitmq_url`].

mod node;
mod vhost;

pub use node::RabbitNode;
pub use vhost::Vhost;

/// The machine's node: `POLLGATE_TEST_RABBITMQ`, without a virtual host.
fn machine() -> String {
    let named = std::env::var("POLLGATE_TEST_RABBITMQ").unwrap_or_default();
    let url = if named.is_empty() { "amqp://guest:guest@127.0.0.1:5672" } else { &named };
    let (scheme, rest) = url.split_once("://").expect("POLLGATE_TEST_RABBITMQ is a URL");
    let host = rest.split('/').next().unwrap_or(rest);
    format!("{scheme}://{host}")
}

/// The default virtual host of the machine's node.
#[must_use]
pub fn rabbitmq_url() -> String {
    format!("{}/%2f", machine())
}

/// A prefix for names that nobody else has.
#[must_use]
pub fn unique_prefix() -> String {
    format!("t{}", uuid::Uuid::now_v7().simple())
}
