//! `[broker]`: which broker, and how it is used.

use pollgate_broker::{ClusterName, Placement};
use serde::{Deserialize, Serialize};

use super::{SecretUrl, UrlList};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    Memory,
    Rabbitmq,
}

/// What RabbitMQ writes to disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Persistence {
    /// Everything.
    All,
    /// What the database does not have.
    Unstored,
}

/// The section as it is written: one table, whichever kind is chosen.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BrokerSection {
    kind: Kind,
    url: SecretUrl,
    urls: UrlList,
    prefix: String,
    persistence: Persistence,
    publish_window: usize,
    mailboxes_per_channel: usize,
    channels_per_connection: usize,
    timeout_ms: u64,
    heartbeat_s: u16,
    memory_bytes: u64,
    memory_publications: u64,
}

/// The broker that was chosen; RabbitMQ without a URL cannot be said here.
#[derive(Clone, Debug)]
pub enum BrokerSettings {
    /// In this process.
    Memory {
        /// Most bytes of waiting events.
        bytes: u64,
        /// Most waiting publications.
        publications: u64,
    },
    /// RabbitMQ.
    Rabbitmq(RabbitmqSettings),
}

/// One RabbitMQ cluster.
#[derive(Clone, Debug)]
pub struct ClusterSettings {
    /// Host, port and virtual host.
    pub name: ClusterName,
    /// Where it is.
    pub url: SecretUrl,
}

/// How RabbitMQ is used, and its clusters in the order of `placement`. See default.toml for each key.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "default.toml documents every key, and a test holds the two together")]
pub struct RabbitmqSettings {
    pub clusters: Vec<ClusterSettings>,
    pub placement: Placement,
    pub prefix: String,
    pub persistence: Persistence,
    pub publish_window: usize,
    pub mailboxes_per_channel: usize,
    pub channels_per_connection: usize,
    pub timeout_ms: u64,
    pub heartbeat_s: u16,
}

impl BrokerSection {
    /// Looked at whichever kind is chosen, so that a mistake does not wait for the other one.
    fn zero(&self) -> Option<&'static str> {
        let positive = [
            ("publish_window", self.publish_window as u64),
            ("mailboxes_per_channel", self.mailboxes_per_channel as u64),
            ("channels_per_connection", self.channels_per_connection as u64),
            ("timeout_ms", self.timeout_ms),
            ("heartbeat_s", u64::from(self.heartbeat_s)),
            ("memory_bytes", self.memory_bytes),
            ("memory_publications", self.memory_publications),
        ];
        positive.into_iter().find_map(|(key, value)| (value == 0).then_some(key))
    }

    /// The clusters that are named, by whichever of the two keys.
    fn clusters(&self) -> Result<Vec<ClusterSettings>, String> {
        let (one, several) = (&self.url, self.urls.as_slice());
        let (key, urls) = match (one.expose().is_empty(), several.is_empty()) {
            (false, false) => return Err("broker.url and broker.urls are both set; say one of them".into()),
            (_, true) => ("broker.url", std::slice::from_ref(one)),
            (true, false) => ("broker.urls", several),
        };
        let cluster = |(at, url): (usize, &SecretUrl)| {
            let scheme = ["amqp://", "amqps://"].iter().any(|scheme| url.expose().starts_with(scheme));
            let name = ClusterName::of_url(url.expose()).ok().filter(|_| scheme);
            let name = name.ok_or_else(|| bad_url(key, at))?;
            Ok(ClusterSettings { name, url: url.clone() })
        };
        urls.iter().enumerate().map(cluster).collect()
    }
}

fn bad_url(key: &str, at: usize) -> String {
    let needs = "\"amqp://...\" or \"amqps://...\"";
    match key {
        "broker.urls" => format!("broker.urls: entry {} is no URL of the form {needs}", at + 1),
        _one => format!("broker.kind = \"rabbitmq\" needs broker.url = {needs}, or broker.urls"),
    }
}

impl TryFrom<&BrokerSection> for BrokerSettings {
    type Error = String;

    fn try_from(section: &BrokerSection) -> Result<Self, String> {
        section.zero().map_or(Ok(()), |key| Err(format!("broker.{key} must not be 0")))?;
        if section.kind == Kind::Memory {
            let set =
                [("url", !section.url.expose().is_empty()), ("urls", !section.urls.as_slice().is_empty())];
            if let Some((key, _)) = set.iter().find(|(_, set)| *set) {
                return Err(format!(
                    "broker.{key} is set, but broker.kind is \"memory\"; say kind = \"rabbitmq\""
                ));
            }
            return Ok(Self::Memory {
                bytes: section.memory_bytes,
                publications: section.memory_publications,
            });
        }
        let clusters = section.clusters()?;
        let placement = Placement::new(clusters.iter().map(|cluster| cluster.name.clone()).collect());
        let placement = placement.map_err(|error| format!("broker.urls: {error}"))?;
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        if !(1..=40).contains(&section.prefix.len()) || !section.prefix.bytes().all(fits) {
            return Err("broker.prefix: 1 to 40 letters, digits, '-', '_' or '.'".into());
        }
        Ok(Self::Rabbitmq(RabbitmqSettings {
            clusters,
            placement,
            prefix: section.prefix.clone(),
            persistence: section.persistence,
            publish_window: section.publish_window,
            mailboxes_per_channel: section.mailboxes_per_channel,
            channels_per_connection: section.channels_per_connection,
            timeout_ms: section.timeout_ms,
            heartbeat_s: section.heartbeat_s,
        }))
    }
}
