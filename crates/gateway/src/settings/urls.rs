//! A list of URLs that may hold passwords.

use serde::{Deserialize, Deserializer, Serialize};

use super::SecretUrl;

/// URLs, printed with `***` in place of their passwords.
///
/// Read from a list, or from one text with commas between, which is how lists are usually written into environment
/// variables; a password with a comma in it needs the list, or `%2C`.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(transparent)]
pub struct UrlList(Vec<SecretUrl>);

impl UrlList {
    /// The URLs.
    #[must_use]
    pub fn as_slice(&self) -> &[SecretUrl] {
        &self.0
    }
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a list of URLs, or URLs with commas between")]
enum Written {
    List(Vec<SecretUrl>),
    Text(String),
}

impl<'de> Deserialize<'de> for UrlList {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(Self(match Written::deserialize(from)? {
            Written::List(urls) => urls,
            Written::Text(text) => {
                let urls = text.split(',').map(str::trim).filter(|url| !url.is_empty());
                urls.map(|url| SecretUrl::from(url.to_owned())).collect()
            }
        }))
    }
}
