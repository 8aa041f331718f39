//! Configuration: commented defaults, below a file, below the environment. Unknown keys are errors; what makes no
//! sense together is refused here, so that everything behind can rely on it.

mod auth;
mod broker;
mod http;
mod limits;
mod secret;
mod store;

use std::path::{Path, PathBuf};
use std::time::Duration;

use figment::Figment;
use figment::providers::{Env, Format as _, Toml};
use serde::{Deserialize, Serialize};

pub use auth::{AuthSettings, JwtSettings};
pub use broker::{BrokerSettings, Persistence, RabbitmqSettings};
pub use http::HttpSettings;
pub use limits::{LimitSettings, LogFormat, LogSettings, MailboxSettings, PollSettings};
pub use secret::{Secret, SecretUrl};
pub use store::StoreSection;

use broker::BrokerSection;

/// Every key with its default and a comment.
pub const DEFAULTS: &str = include_str!("default.toml");

/// Shortest HS256 secret: RFC 7518, 3.2 asks for as many bytes as the hash has.
const SHORTEST_SECRET: usize = 32;

/// Why a configuration is not usable.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// A key is unknown, missing, or of the wrong kind; the text names key and source.
    #[error("configuration: {0}")]
    Unreadable(Box<figment::Error>),
    /// The named file is not there.
    #[error("configuration: no file {}", .0.display())]
    NoFile(PathBuf),
    /// Keys contradict each other, or a value is out of range.
    #[error("configuration: {0}")]
    Senseless(String),
    /// The configuration could not be printed.
    #[error("configuration: {0}")]
    Unprintable(#[from] toml::ser::Error),
}

/// What stands in the configuration, as it is written.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Sections {
    data_dir: PathBuf,
    http: HttpSettings,
    store: StoreSection,
    broker: BrokerSection,
    auth: AuthSettings,
    poll: PollSettings,
    mailbox: MailboxSettings,
    limits: LimitSettings,
    log: LogSettings,
}

/// A configuration that makes sense.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where the embedded database and the generated secret live.
    pub data_dir: PathBuf,
    /// Addresses and time-outs.
    pub http: HttpSettings,
    /// The database.
    pub store: StoreSection,
    /// The broker.
    pub broker: BrokerSettings,
    /// Credentials.
    pub auth: AuthSettings,
    /// Holds and answers.
    pub poll: PollSettings,
    /// Sizes and times of mailboxes.
    pub mailbox: MailboxSettings,
    /// Bounds.
    pub limits: LimitSettings,
    /// Logs.
    pub log: LogSettings,
    sections: Box<Sections>,
}

impl Settings {
    /// Reads the configuration: defaults, then the file, then the environment.
    ///
    /// # Errors
    /// The file is missing, a key is unknown or of the wrong kind, or the whole makes no sense.
    pub fn load(file: Option<&Path>) -> Result<Self, SettingsError> {
        let mut layers = Figment::from(Toml::string(DEFAULTS));
        if let Some(file) = file {
            if !file.is_file() {
                return Err(SettingsError::NoFile(file.to_owned()));
            }
            layers = layers.merge(Toml::file_exact(file));
        }
        // POLLGATE_URL and POLLGATE_TOKEN belong to the commands that are clients
        let environment = Env::prefixed("POLLGATE_").ignore(&["url", "token"]).split("__");
        // tests' own variables are no configuration
        let environment = environment.filter(|key| !key.starts_with("test_"));
        let sections =
            layers.merge(environment).extract().map_err(|e| SettingsError::Unreadable(Box::new(e)))?;
        Self::check(sections)
    }

    fn check(sections: Sections) -> Result<Self, SettingsError> {
        let broker = BrokerSettings::try_from(&sections.broker).map_err(SettingsError::Senseless)?;
        let problems = [sections.http.problem(), sections.auth.problem(), sections.limits_problem()];
        if let Some(problem) = problems.into_iter().flatten().next() {
            return Err(SettingsError::Senseless(problem));
        }
        Ok(Self {
            data_dir: sections.data_dir.clone(),
            http: sections.http.clone(),
            store: sections.store.clone(),
            broker,
            auth: sections.auth.clone(),
            poll: sections.poll.clone(),
            mailbox: sections.mailbox.clone(),
            limits: sections.limits.clone(),
            log: sections.log.clone(),
            sections: Box::new(sections),
        })
    }

    /// What is in force, as TOML with secrets hidden.
    ///
    /// # Errors
    /// Never in practice: the same values were read from TOML.
    pub fn shown(&self) -> Result<String, SettingsError> {
        Ok(toml::to_string(&*self.sections)?)
    }

    /// Everything stands below `data_dir`: database and secret made by the gateway itself.
    #[must_use]
    pub fn store_is_embedded(&self) -> bool {
        self.store.url.expose().is_empty()
    }
}

impl Sections {
    /// Bounds that would make the gateway useless.
    fn limits_problem(&self) -> Option<String> {
        let zero = [
            ("poll.hold_ms", self.poll.hold_ms),
            ("poll.limit", self.poll.limit as u64),
            ("poll.most_bytes", self.poll.most_bytes as u64),
            ("mailbox.max_length", self.mailbox.max_length),
            ("mailbox.message_ttl_s", self.mailbox.message_ttl_s),
            ("mailbox.expires_s", self.mailbox.expires_s),
            ("mailbox.session_expires_s", self.mailbox.session_expires_s),
            ("mailbox.prefetch", u64::from(self.mailbox.prefetch)),
            ("store.pool_size", u64::from(self.store.pool_size)),
            ("store.writer_queue", self.store.writer_queue as u64),
            ("limits.text_bytes", self.limits.text_bytes as u64),
            ("limits.held_polls", self.limits.held_polls as u64),
            ("limits.held_polls_per_user", self.limits.held_polls_per_user as u64),
            ("limits.mailboxes", self.limits.mailboxes as u64),
            ("limits.relay_publications", self.limits.relay_publications as u64),
            ("limits.outbox_rows", self.limits.outbox_rows as u64),
        ];
        if let Some((key, _)) = zero.into_iter().find(|(_, value)| *value == 0) {
            return Some(format!("{key} must not be 0"));
        }
        if self.poll.limit > self.poll.most_events {
            return Some("poll.limit must not be above poll.most_events".into());
        }
        if self.poll.jitter_percent > 50 {
            return Some("poll.jitter_percent must be at most 50".into());
        }
        if self.mailbox.session_expires_s * 1000 <= self.poll.linger_ms + self.poll.hold_ms {
            return Some(
                "mailbox.session_expires_s must be longer than poll.hold_ms and poll.linger_ms together"
                    .into(),
            );
        }
        None
    }
}

/// Milliseconds as they stand in the configuration.
#[must_use]
pub(crate) const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
