//! Starts real gateways, brokers and databases for tests, and breaks them.
//!
//! Whatever is started here is a process of its own with files and ports of its own; dropping its handle ends it. What
//! stands on the machine's own RabbitMQ or PostgreSQL keeps apart by its name: a prefix, a virtual host, a schema.
#![expect(clippy::expect_used, clippy::panic, reason = "a test without what it stands on has failed")]

mod binary;
pub mod gateway;
mod ports;
pub mod postgres;
mod process;
pub mod prometheus;
pub mod proxy;
pub mod rabbitmq;
pub mod redis;
pub mod s3;
pub mod smuggling;
pub mod token;
pub mod user;
mod wait;

pub use binary::{binary, example};
pub use gateway::{Backends, Builder, Gateway};
pub use ports::free as free_port;
pub use postgres::{CommitGate, PgBouncer, PgCluster, PgSchema};
pub use prometheus::Prometheus;
pub use proxy::TcpProxy;
pub use rabbitmq::{RabbitNode, Vhost, rabbitmq_url, unique_prefix};
pub use redis::{RedisKeys, redis_address, redis_url};
pub use s3::S3Server;
pub use user::{Answer, Came, FORM, FormField, Frame, Sse, User, Ws, WsCame, form};
pub use wait::{eventually, eventually_async};
