//! Configuration: commented defaults, below a file, below the environment. Unknown keys are errors; what makes no
//! sense together is refused here, so that everything behind can rely on it.

mod attachments;
mod auth;
mod bounds;
mod broker;
mod complaint;
mod environment;
mod http;
mod limits;
mod presence;
mod proxies;
mod secret;
mod store;
mod text;
mod throttle;
mod trace;
mod urls;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use figment::Figment;
use figment::providers::{Format as _, Toml};
use serde::{Deserialize, Serialize};

pub use attachments::AttachmentSection;
pub use auth::{AuthSettings, JwtSettings};
pub use broker::{BrokerSettings, ClusterSettings, Persistence, RabbitmqSettings};
pub use http::HttpSettings;
pub use limits::{LimitSettings, LogFormat, LogSettings, MailboxSettings, PollSettings, StreamSettings};
pub use presence::PresenceSettings;
pub use proxies::TrustedProxies;
pub use secret::{Secret, SecretUrl};
pub use store::StoreSection;
pub use text::{MessageSettings, RetentionSettings, SearchSettings};
pub use throttle::{Quota, ThrottleSection};
pub use trace::TraceSettings;
pub use urls::UrlList;

use broker::BrokerSection;
use environment::Environment;

/// Every key with its default and a comment.
pub const DEFAULTS: &str = include_str!("default.toml");

/// Shortest HS256 secret: RFC 7518, 3.2 asks for as many bytes as the hash has.
pub(crate) const SHORTEST_SECRET: usize = 32;

/// Why a configuration is not usable.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// A key is unknown, missing, or of the wrong kind; the text names key and source, and shows no value.
    #[error("configuration: {0}")]
    Unreadable(String),
    /// The named file is not there.
    #[error("configuration: no file {}", .0.display())]
    NoFile(PathBuf),
    /// The named file cannot be read.
    #[error("configuration: {}: {error}", path.display())]
    BadFile {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
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
    stream: StreamSettings,
    mailbox: MailboxSettings,
    presence: PresenceSettings,
    messages: MessageSettings,
    search: SearchSettings,
    retention: RetentionSettings,
    limits: LimitSettings,
    throttle: ThrottleSection,
    attachments: AttachmentSection,
    log: LogSettings,
    trace: TraceSettings,
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
    /// Heartbeats and bounds of streams.
    pub stream: StreamSettings,
    /// Sizes and times of mailboxes.
    pub mailbox: MailboxSettings,
    /// Who counts as online.
    pub presence: PresenceSettings,
    /// Changing messages.
    pub messages: MessageSettings,
    /// Finding messages.
    pub search: SearchSettings,
    /// Removing old messages.
    pub retention: RetentionSettings,
    /// Bounds.
    pub limits: LimitSettings,
    /// How many requests a user may make.
    pub throttle: ThrottleSection,
    /// Files that go with messages.
    pub attachments: AttachmentSection,
    /// Logs.
    pub log: LogSettings,
    /// Spans for OpenTelemetry.
    pub trace: TraceSettings,
    sections: Box<Sections>,
}

impl Settings {
    /// Reads the configuration: defaults, then the file, then the environment.
    ///
    /// # Errors
    /// The file is missing, a key is unknown or of the wrong kind, or the whole makes no sense.
    pub fn load(file: Option<&Path>) -> Result<Self, SettingsError> {
        let name = file.map(|file| file.display().to_string()).unwrap_or_default();
        let text = file.map_or_else(|| Ok(String::new()), read)?;
        let environment = Environment::new().map_err(|error| {
            SettingsError::Unreadable(complaint::no_toml(&error, DEFAULTS, "the defaults"))
        })?;
        Self::check(merge(&text, &name, Some(environment))?)
    }

    fn check(sections: Sections) -> Result<Self, SettingsError> {
        let broker = BrokerSettings::try_from(&sections.broker).map_err(SettingsError::Senseless)?;
        if let Some(problem) = sections.problem() {
            return Err(SettingsError::Senseless(problem));
        }
        Ok(Self {
            data_dir: sections.data_dir.clone(),
            http: sections.http.clone(),
            store: sections.store.clone(),
            broker,
            auth: sections.auth.clone(),
            poll: sections.poll.clone(),
            stream: sections.stream.clone(),
            mailbox: sections.mailbox.clone(),
            presence: sections.presence.clone(),
            messages: sections.messages.clone(),
            search: sections.search.clone(),
            retention: sections.retention.clone(),
            limits: sections.limits.clone(),
            throttle: sections.throttle.clone(),
            attachments: sections.attachments.clone(),
            log: sections.log.clone(),
            trace: sections.trace.clone(),
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

fn read(file: &Path) -> Result<String, SettingsError> {
    fs::read_to_string(file).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => SettingsError::NoFile(file.to_owned()),
        _there => SettingsError::BadFile { path: file.to_owned(), error },
    })
}

/// Puts the layers on one another. Syntax is looked at first, because figment would quote the line that is wrong.
fn merge(text: &str, name: &str, environment: Option<Environment>) -> Result<Sections, SettingsError> {
    let unreadable = |error| SettingsError::Unreadable(complaint::in_words(error, name));
    if let Err(error) = text.parse::<toml::Table>() {
        return Err(SettingsError::Unreadable(complaint::no_toml(&error, text, name)));
    }
    let mut layers = Figment::from(Toml::string(DEFAULTS)).merge(Toml::string(text));
    if let Some(environment) = environment {
        layers = layers.merge(environment);
    }
    layers.extract().map_err(unreadable)
}

/// Milliseconds as they stand in the configuration.
#[must_use]
pub(crate) const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
