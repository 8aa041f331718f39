//! The client: one gateway, one credential.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;

use crate::error::{BoxError, Error};
use crate::events::{Batches, Events, Options};
use crate::token::Tokens;

const CONNECTING: Duration = Duration::from_secs(5);
const PATIENCE: Duration = Duration::from_secs(15);
const DEADLINE: Duration = Duration::from_secs(30);

/// Calls a gateway with one credential. Clones share its connections and its token.
#[derive(Clone, Debug)]
pub struct Client {
    pub(crate) inner: Arc<Inner>,
    /// In whose name it speaks, when not in its own.
    pub(crate) from: Option<Arc<str>>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) http: reqwest::Client,
    pub(crate) url: Url,
    pub(crate) tokens: Tokens,
    pub(crate) patience: Duration,
    pub(crate) deadline: Duration,
}

/// Collects what a [`Client`] is made of.
#[derive(Debug)]
#[must_use]
pub struct Builder {
    url: String,
    tokens: Option<Tokens>,
    patience: Duration,
    deadline: Duration,
    http: Option<reqwest::Client>,
}

impl Client {
    /// A client of the gateway at this URL, such as `https://chat.example.org`.
    pub fn builder(url: impl Into<String>) -> Builder {
        Builder { url: url.into(), tokens: None, patience: PATIENCE, deadline: DEADLINE, http: None }
    }

    /// The same client in the name of a user; needs the scope `publish`.
    #[must_use]
    pub fn on_behalf_of(&self, user: &str) -> Self {
        Self { inner: self.inner.clone(), from: Some(Arc::from(user)) }
    }

    /// The events of a session, one by one. `session` names this bot or device and its mailbox; empty: the user's main one.
    ///
    /// Nothing is asked before the first item is.
    pub fn events(&self, session: impl Into<String>) -> Events {
        Events::new(Batches::new(self.clone(), Options::new(session.into())))
    }

    /// The events of a session as they are answered, each batch with the cursor that confirms it.
    ///
    /// For those who keep the cursor themselves; [`Client::events`] is for all others.
    pub fn batches(&self, session: impl Into<String>) -> Batches {
        Batches::new(self.clone(), Options::new(session.into()))
    }
}

impl Builder {
    /// Calls with this token, for as long as it is good.
    pub fn token(mut self, token: impl AsRef<str>) -> Self {
        self.tokens = Some(Tokens::text(token.as_ref()));
        self
    }

    /// Asks this hook for a token, once at a time: at the first call with `false`, and with `true` each time the gateway
    /// says that the one in use has expired.
    pub fn token_with<F, T, E>(mut self, hook: F) -> Self
    where
        F: Fn(bool) -> T + Send + Sync + 'static,
        T: Future<Output = Result<String, E>> + Send + 'static,
        E: Into<BoxError>,
    {
        self.tokens = Some(Tokens::hook(hook));
        self
    }

    /// How long an attempt of a call may take (15 s). Polls, uploads and downloads have a minute.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// How long a call that may be repeated is (30 s).
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Calls through this HTTP client, with proxies, certificates and what else it is set up with. Redirects must be off:
    /// one to another host would carry the token there.
    pub fn http(mut self, http: reqwest::Client) -> Self {
        self.http = Some(http);
        self
    }

    /// The client.
    ///
    /// # Errors
    /// The URL is none, no token was said, or the system's TLS does not start.
    pub fn build(self) -> Result<Client, Error> {
        let url: Url = self.url.parse().map_err(|error| Error::Setup(format!("{}: {error}", self.url)))?;
        if !matches!(url.scheme(), "http" | "https") || url.query().is_some() {
            return Err(Error::Setup(format!("{url} is no gateway's URL")));
        }
        let Some(tokens) = self.tokens else {
            return Err(Error::Setup("a client needs a token, or a hook that gets one".to_owned()));
        };
        let http = match self.http {
            Some(http) => http,
            None => reqwest::Client::builder()
                .connect_timeout(CONNECTING)
                .redirect(reqwest::redirect::Policy::none())
                .user_agent(concat!("pollgate-client/", env!("CARGO_PKG_VERSION")))
                .build()
                .map_err(|error| Error::Setup(error.to_string()))?,
        };
        let inner = Inner { http, url, tokens, patience: self.patience, deadline: self.deadline };
        Ok(Client { inner: Arc::new(inner), from: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_url_and_no_token_is_refused() {
        for url in ["", "gateway", "ftp://gateway", "http://gateway?token=x"] {
            assert!(matches!(Client::builder(url).token("t").build(), Err(Error::Setup(_))), "{url}");
        }
        assert!(matches!(Client::builder("http://gateway").build(), Err(Error::Setup(_))));
        let client = Client::builder("http://gateway/behind/a/path").token("t").build().unwrap();
        assert!(!format!("{client:?}").contains("\"t\""));
    }
}
