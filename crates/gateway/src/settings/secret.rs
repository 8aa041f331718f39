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

impl From<String> for SecretUrl {
    fn from(url: String) -> Self {
        Self(url)
    }
}

impl SecretUrl {
    /// The URL itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The URL without its password, nor anything behind a question mark, where passwords may stand too.
    ///
    /// A password may itself hold `/`, `?`, `:` and `@` when nobody encoded it, so it ends at the last `@` there is.
    /// With a question mark before that, it may as well be a password in the query: then nothing of the rest is shown.
    #[must_use]
    pub fn shown(&self) -> String {
        let (scheme, rest) = match self.0.find("://") {
            Some(at) => self.0.split_at(at + 3),
            None => ("", self.0.as_str()),
        };
        let Some((login, place)) = rest.rsplit_once('@') else {
            return format!("{scheme}{}", without_query(rest));
        };
        let place = if login.contains('?') { HIDDEN.to_owned() } else { without_query(place) };
        match login.split_once([':', '?']) {
            Some((name, _)) => format!("{scheme}{name}:{HIDDEN}@{place}"),
            None => format!("{scheme}{login}@{place}"),
        }
    }
}

fn without_query(url: &str) -> String {
    url.split_once('?').map_or_else(|| url.to_owned(), |(url, _)| format!("{url}?{HIDDEN}"))
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
        assert_eq!(shown("amqp://ann:se/cr:et@mq:5672/%2f"), "amqp://ann:***@mq:5672/%2f");
        assert_eq!(shown("amqp://ann:se/cr?et@mq:5672/%2f"), "amqp://ann:***@***");
        assert_eq!(shown("amqp://ann:a/b@c@mq/v?x=secret"), "amqp://ann:***@mq/v?***");
        assert_eq!(shown("postgres://db/x?password=se@cret"), "postgres://db/x:***@***");
        assert_eq!(shown("postgres://ann:a@db/x?password=se@cret"), "postgres://ann:***@***");
        assert_eq!(shown("ann:secret@db"), "ann:***@db");
        assert_eq!(shown("postgres://ann@db/x"), "postgres://ann@db/x");
        assert_eq!(shown("amqp://mq:5672/%2f"), "amqp://mq:5672/%2f");
        assert_eq!(shown("sqlite:///var/lib/a.db"), "sqlite:///var/lib/a.db");
        assert_eq!(format!("{:?}", Secret("x".into())), "***");
    }
}
