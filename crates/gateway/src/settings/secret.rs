//! Values that must not be seen in logs or in printed configurations.

use std::fmt;

use serde::{Deserialize, Serialize, Serializer};

const HIDDEN: &str = "***";

/// A secret text: printed as `***`.
#[derive(Clone, Default, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// The secret itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(if self.0.is_empty() { "" } else { HIDDEN })
    }
}

/// A URL that may hold a password: printed with `***` in its place.
#[derive(Clone, Default, Deserialize)]
#[serde(transparent)]
pub struct SecretUrl(String);

impl SecretUrl {
    /// The URL itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The URL without its password, nor anything behind a question mark, where passwords may stand too.
    #[must_use]
    pub fn shown(&self) -> String {
        let (url, query) = match self.0.split_once('?') {
            Some((url, _)) => (url, "?***"),
            None => (self.0.as_str(), ""),
        };
        let Some((scheme, rest)) = url.split_once("://") else { return format!("{url}{query}") };
        let authority = rest.find('/').unwrap_or(rest.len());
        let (authority, path) = rest.split_at(authority);
        let Some((user, host)) = authority.rsplit_once('@') else { return format!("{url}{query}") };
        match user.split_once(':') {
            Some((name, _)) => format!("{scheme}://{name}:{HIDDEN}@{host}{path}{query}"),
            None => format!("{url}{query}"),
        }
    }
}

impl fmt::Debug for SecretUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown())
    }
}

impl Serialize for SecretUrl {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.shown())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_hidden_wherever_they_stand() {
        let shown = |url: &str| SecretUrl(url.to_owned()).shown();
        assert_eq!(shown("postgres://ann:s:e@cret@db/x"), "postgres://ann:***@db/x");
        assert_eq!(shown("postgres://ann@db/x?password=secret"), "postgres://ann@db/x?***");
        assert_eq!(shown("amqp://mq:5672/%2f"), "amqp://mq:5672/%2f");
        assert_eq!(shown("sqlite:///var/lib/a.db"), "sqlite:///var/lib/a.db");
        assert_eq!(format!("{:?}", Secret("x".into())), "***");
    }
}
