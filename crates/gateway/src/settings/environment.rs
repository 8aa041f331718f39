//! Settings from environment variables: `POLLGATE_POLL__HOLD_MS` is `poll.hold_ms`.
//!
//! A variable is only text, and what it means depends on its key. Where the default is a text, the value is taken as it
//! stands, so that a secret of digits stays a secret of digits. Everything else is read as TOML would be.

use std::convert::Infallible;

use figment::providers::Env;
use figment::value::{Dict, Map, Value};
use figment::{Error, Metadata, Profile, Provider};

use super::DEFAULTS;

/// See the module's text.
pub(super) struct Environment {
    variables: Env,
    defaults: toml::Table,
}

impl Environment {
    pub(super) fn new() -> Result<Self, toml::de::Error> {
        // POLLGATE_URL and POLLGATE_TOKEN belong to the commands that are clients
        let variables = Env::prefixed("POLLGATE_").ignore(&["url", "token"]).split("__");
        // tests' own variables are no configuration
        let variables = variables.filter(|key| !key.starts_with("test_"));
        Ok(Self { variables, defaults: DEFAULTS.parse()? })
    }

    fn is_text(&self, key: &str) -> bool {
        let mut names = key.split('.');
        let first = names.next().and_then(|name| self.defaults.get(name));
        names
            .try_fold(first, |at, name| at.map(|value| value.get(name)))
            .flatten()
            .is_some_and(toml::Value::is_str)
    }

    fn value(&self, key: &str, text: String) -> Value {
        if self.is_text(key) {
            return text.into();
        }
        text.parse().unwrap_or_else(|never: Infallible| match never {})
    }
}

impl Provider for Environment {
    fn metadata(&self) -> Metadata {
        self.variables.metadata()
    }

    fn data(&self) -> Result<Map<Profile, Dict>, Error> {
        let mut tree = Dict::new();
        for (key, text) in self.variables.iter() {
            let value = self.value(key.as_str(), text);
            put(&mut tree, key.as_str(), value);
        }
        Ok(Profile::Default.collect(tree))
    }
}

/// Puts a value under a dotted key. A value where others want a table stays, so that it is complained about.
fn put(tree: &mut Dict, key: &str, value: Value) {
    let Some((first, rest)) = key.split_once('.') else {
        tree.insert(key.to_owned(), value);
        return;
    };
    let inner = tree.entry(first.to_owned()).or_insert_with(|| Dict::new().into());
    if let Value::Dict(_, inner) = inner {
        put(inner, rest, value);
    }
}
