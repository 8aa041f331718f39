//! Who calls: JWTs, verified here, and API tokens, looked up in the database.

mod cache;
mod jwt;
pub mod secret;
mod ticket;
pub mod token;

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use pollgate_core::Limit;
use pollgate_model::{Timestamp, UserId};
use pollgate_store::{Store, StoreError};

pub use jwt::sign_hs256;

use crate::settings::Settings;
pub(crate) use ticket::Tickets;

use jwt::JwtVerifier;
use token::TokenLookup;

/// Something a caller may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Send, poll and read as oneself.
    User,
    /// Post events to anybody, and messages in anybody's name.
    Publish,
    /// See and purge mailboxes.
    Operator,
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::User => "user",
            Self::Publish => "publish",
            Self::Operator => "operator",
        })
    }
}

/// What a caller may do: scopes separated by spaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scopes {
    user: bool,
    publish: bool,
    operator: bool,
}

/// A text names no scope, or one that does not exist.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("scope: {0:?} is none; there are user, publish and operator, separated by spaces")]
pub struct BadScope(String);

impl Scopes {
    /// What a credential without any scope may do.
    pub const USER: Self = Self { user: true, publish: false, operator: false };

    const fn none() -> Self {
        Self { user: false, publish: false, operator: false }
    }

    /// The scope is among them.
    #[must_use]
    pub const fn has(self, scope: Scope) -> bool {
        match scope {
            Scope::User => self.user,
            Scope::Publish => self.publish,
            Scope::Operator => self.operator,
        }
    }

    /// Reads the scopes this gateway knows; others in a token are other systems' business.
    #[must_use]
    fn known(text: &str) -> Self {
        let mut scopes = Self::none();
        for name in text.split_ascii_whitespace() {
            match name {
                "user" => scopes.user = true,
                "publish" => scopes.publish = true,
                "operator" => scopes.operator = true,
                _foreign => {}
            }
        }
        scopes
    }
}

impl FromStr for Scopes {
    type Err = BadScope;

    fn from_str(text: &str) -> Result<Self, BadScope> {
        let foreign =
            text.split_ascii_whitespace().find(|name| !matches!(*name, "user" | "publish" | "operator"));
        if let Some(foreign) = foreign {
            return Err(BadScope(foreign.to_owned()));
        }
        let scopes = Self::known(text);
        if scopes == Self::none() { Err(BadScope(text.to_owned())) } else { Ok(scopes) }
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = [Scope::User, Scope::Publish, Scope::Operator];
        let names: Vec<String> =
            all.into_iter().filter(|scope| self.has(*scope)).map(|scope| scope.to_string()).collect();
        f.write_str(&names.join(" "))
    }
}

/// Who calls, and what that caller may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The user the credential speaks for.
    pub user: UserId,
    scopes: Scopes,
    standing: Standing,
}

/// How long a credential is good, as far as is known: what a stream that outlives its request must see to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    /// It ends then.
    until: Option<Timestamp>,
    /// It is an API token with this hash, which may be revoked before.
    token: Option<cache::Hash>,
}

impl Caller {
    /// How long the credential is good at most, from now on.
    pub(crate) fn good_for(&self) -> Duration {
        self.standing.until.map_or(Duration::MAX, |until| Timestamp::now().age_at(until))
    }

    /// The credential may be revoked before it ends.
    pub(crate) const fn may_be_revoked(&self) -> bool {
        self.standing.token.is_some()
    }

    /// The caller may do this.
    #[must_use]
    pub const fn has(&self, scope: Scope) -> bool {
        self.scopes.has(scope)
    }
}

/// Why nobody is recognised.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// No credential was given.
    #[error("no credential")]
    Missing,
    /// It is not good.
    #[error("not a valid credential")]
    Unauthenticated,
    /// It was good once.
    #[error("the credential has expired")]
    Expired,
    /// So many are in use that no more can be told apart.
    #[error("too many: {0}")]
    Overloaded(&'static str),
    /// It could not be looked up.
    #[error("the credential could not be looked up")]
    Unavailable(#[source] StoreError),
}

/// The credential in an `Authorization` header: `Bearer x` or `Token x`, the scheme in any case (RFC 9110, 11.1).
#[must_use]
pub fn credential(header: &str) -> Option<&str> {
    let (scheme, rest) = header.trim().split_once(' ')?;
    let known = scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("token");
    let rest = rest.trim();
    (known && !rest.is_empty()).then_some(rest)
}

/// Recognises callers.
pub struct Authenticator {
    jwt: JwtVerifier,
    tokens: TokenLookup,
    tickets: Option<Tickets>,
}

impl Authenticator {
    /// Reads the configured key, or the secret that is kept beside the data (made now if there is none).
    ///
    /// # Errors
    /// A key cannot be read, or is none.
    pub fn new(settings: &Settings, store: Store) -> Result<Self, secret::KeyError> {
        Ok(Self {
            jwt: JwtVerifier::new(settings)?,
            tokens: TokenLookup::new(store),
            tickets: secret::ticket_secret(settings)?
                .map(|secret| Tickets::new(&secret, settings.limits.tickets)),
        })
    }

    /// How full the memories of API tokens and of used tickets are.
    #[must_use]
    pub fn limits(&self) -> Vec<Limit> {
        let tickets = self.tickets.iter().map(Tickets::limit);
        self.tokens.limits().into_iter().chain(tickets).collect()
    }

    /// Finds out whether what a caller showed once is good still.
    ///
    /// # Errors
    /// It ran out, was revoked, or cannot be looked up.
    pub(crate) async fn still_good(&self, caller: &Caller) -> Result<(), AuthError> {
        if caller.standing.until.is_some_and(|until| until <= Timestamp::now()) {
            return Err(AuthError::Expired);
        }
        match caller.standing.token {
            Some(hash) => self.tokens.find_hash(hash).await.map(drop),
            None => Ok(()),
        }
    }

    /// The tickets for streams; `None`: there is no secret to sign them with.
    pub(crate) fn tickets(&self) -> Option<&Tickets> {
        self.tickets.as_ref()
    }

    /// Who this credential speaks for.
    ///
    /// # Errors
    /// Nobody, or nobody any more.
    pub async fn authenticate(&self, credential: &str) -> Result<Caller, AuthError> {
        if token::looks_like_one(credential) {
            return self.tokens.find(credential).await;
        }
        self.jwt.verify(credential)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scheme_is_read_in_any_case_and_others_are_not() {
        assert_eq!(credential("Bearer a.b.c"), Some("a.b.c"));
        assert_eq!(credential("tOKEN  a.b.c "), Some("a.b.c"));
        for other in ["Basic a", "Bearer", "Bearer ", "a.b.c", ""] {
            assert_eq!(credential(other), None, "{other:?}");
        }
    }

    #[test]
    fn scopes_are_words() {
        let scopes: Scopes = "publish user".parse().unwrap();
        assert!(scopes.has(Scope::User) && scopes.has(Scope::Publish) && !scopes.has(Scope::Operator));
        assert_eq!(scopes.to_string(), "user publish");
        assert!("admin".parse::<Scopes>().is_err());
        assert!("".parse::<Scopes>().is_err());
        assert_eq!(Scopes::known("openid user"), Scopes::USER);
    }
}
