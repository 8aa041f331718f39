//! A gateway, its RabbitMQ and its database, some traffic, and Prometheus that scrapes as it does in the compose file.

use std::time::Duration;

use pollgate_testkit::{
    Backends, Gateway, PgSchema, Prometheus, RabbitNode, eventually, free_port, unique_prefix,
};
use serde_json::Value;
use tempfile::TempDir;

/// Every wait for a fact ends here.
pub(crate) const LIMIT: Duration = Duration::from_secs(90);
/// More events than this in a mailbox are an alarm here.
const ALARM_DEPTH: u32 = 5;
const TOKEN: &str = "the-token-of-the-operator-address-of-a-test";

const SHIPPED: &str = include_str!("../../../../docker/prometheus/prometheus.yml");
const RULES: &str = include_str!("../../../../docker/prometheus/rules.yml");
const ALERTS: &str = include_str!("../../../../docker/prometheus/alerts.yml");
const RABBITMQ: &str = include_str!("../../../../docker/rabbitmq/pollgate.conf");

pub(crate) struct World {
    // ended in this order
    pub(crate) prometheus: Prometheus,
    gateway: Gateway,
    pub(crate) rabbitmq: RabbitNode,
    _schema: PgSchema,
    _secrets: TempDir,
}

impl World {
    pub(crate) fn new() -> Self {
        let metrics = free_port();
        let configuration =
            format!("{RABBITMQ}\nprometheus.tcp.ip = 127.0.0.1\nprometheus.tcp.port = {metrics}\n");
        let rabbitmq = RabbitNode::start_with(&["rabbitmq_prometheus"], &configuration);
        let schema = PgSchema::create();
        let backends =
            Backends::Production { pg_url: schema.url(), amqp_url: rabbitmq.url(), prefix: unique_prefix() };
        let gateway = Gateway::builder(env!("CARGO_BIN_EXE_pollgate"))
            .backends(backends)
            .env("POLLGATE_HTTP__OPERATOR_TOKEN", TOKEN)
            .env("POLLGATE_MAILBOX__ALARM_DEPTH", &ALARM_DEPTH.to_string())
            .start();
        let secrets = TempDir::new().unwrap();
        let token = secrets.path().join("operator_token");
        std::fs::write(&token, TOKEN).unwrap();
        let operator = gateway.operator_url().replace("http://", "");
        let here = [
            (r#"["gateway-a:9090", "gateway-b:9090"]"#, format!(r#"["{operator}"]"#)),
            ("/run/secrets/operator_token", token.display().to_string()),
            ("scrape_interval: 15s", "scrape_interval: 2s".to_owned()),
            ("scrape_timeout: 10s", "scrape_timeout: 2s".to_owned()),
            ("evaluation_interval: 15s", "evaluation_interval: 2s".to_owned()),
        ];
        let shipped = here.iter().fold(SHIPPED.to_owned(), |text, (shipped, here)| {
            assert!(text.contains(shipped), "docker/prometheus/prometheus.yml has no {shipped:?} any more");
            text.replace(shipped, here)
        });
        let prometheus = Prometheus::start(&[
            ("prometheus.yml", shipped),
            ("rules.yml", RULES.to_owned()),
            ("alerts.yml", ALERTS.to_owned()),
            ("rabbitmq.yml", format!(r#"- targets: ["127.0.0.1:{metrics}"]"#)),
        ]);
        let world = Self { prometheus, gateway, rabbitmq, _schema: schema, _secrets: secrets };
        world.converse();
        world
    }

    /// Somebody writes, somebody reads, and somebody does not read.
    fn converse(&self) {
        let (ann, bob) = (self.gateway.user("ann"), self.gateway.user("bob"));
        ann.send("bob", "hi");
        eventually("bob has it", LIMIT, || {
            let polled = bob.poll("cursor=&wait=1");
            polled.json["events"].as_array().is_some_and(|events| !events.is_empty())
        });
        for _ in 0..=ALARM_DEPTH {
            ann.send("carl", "are you there?");
        }
        for job in ["pollgate", "rabbitmq"] {
            eventually("Prometheus has scraped it", LIMIT, || {
                !self.samples(&format!("up{{job=\"{job}\"}} == 1")).is_empty()
            });
        }
        let twice = "count_over_time(pollgate_messages_sent_total[5m]) > 1";
        eventually("there is a rate", LIMIT, || !self.samples(twice).is_empty());
    }

    /// What an expression comes to now.
    #[track_caller]
    pub(crate) fn samples(&self, expression: &str) -> Vec<Value> {
        self.prometheus.query(expression).unwrap_or_else(|error| panic!("{error}"))
    }

    /// Waits until an expression finds something, and returns it.
    #[track_caller]
    pub(crate) fn found(&self, expression: &str) -> Vec<Value> {
        let mut samples = Vec::new();
        eventually(&format!("there is something for {expression}"), LIMIT, || {
            samples = self.samples(expression);
            !samples.is_empty()
        });
        samples
    }
}
