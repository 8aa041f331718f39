//! API tokens: random, shown once, stored as a hash.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use pollgate_core::Limit;
use pollgate_model::{Timestamp, UserId};
use pollgate_store::{NewToken, Store, StoreError, Token};
use sha2::{Digest as _, Sha256};

use super::cache::{Cache, Hash};
use super::{AuthError, Caller, Scopes, Standing};

const PREFIX: &str = "pg_";
/// The prefix and 32 bytes in base64url.
const LENGTH: usize = PREFIX.len() + 43;
/// What was looked up is good for so long; a revocation takes effect within this time.
const REMEMBERED: Duration = Duration::from_secs(5);
/// Most tokens remembered, good and bad each.
const MOST: usize = 100_000;

/// The text has the form of an API token.
pub(super) fn looks_like_one(credential: &str) -> bool {
    credential.starts_with(PREFIX) && !credential.contains('.')
}

/// What the database knows of a token. A fast hash is enough: the token is 32 random bytes, not a password.
#[must_use]
pub fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token).into()
}

/// Makes a token, stores its hash and returns it; nobody can show it again.
///
/// # Errors
/// The database is away.
pub async fn create(
    store: &Store,
    user: UserId,
    scopes: Scopes,
    ttl: Option<Duration>,
) -> Result<String, StoreError> {
    let token = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>()));
    let new = NewToken {
        id: uuid::Uuid::now_v7(),
        hash: hash(&token),
        user,
        scope: scopes.to_string(),
        expires_at: ttl.map(|ttl| Timestamp::now().plus(ttl)),
    };
    store.token_create(new).await?;
    Ok(token)
}

/// Looks tokens up, remembering for a short time what was found.
pub(super) struct TokenLookup {
    store: Store,
    good: Cache<Token>,
    /// Texts that are no tokens: a flood of them must not reach the database.
    bad: Cache<()>,
}

impl TokenLookup {
    pub(super) fn new(store: Store) -> Self {
        Self { store, good: Cache::new(MOST), bad: Cache::new(MOST) }
    }

    /// How full the memory is.
    pub(super) fn limits(&self) -> [Limit; 2] {
        [self.good.limit("tokens_good"), self.bad.limit("tokens_bad")]
    }

    pub(super) async fn find(&self, credential: &str) -> Result<Caller, AuthError> {
        if credential.len() != LENGTH {
            return Err(AuthError::Unauthenticated);
        }
        self.find_hash(hash(credential)).await
    }

    /// By the hash alone, for who has shown the token before.
    pub(super) async fn find_hash(&self, hash: Hash) -> Result<Caller, AuthError> {
        if self.bad.get(&hash).is_some() {
            return Err(AuthError::Unauthenticated);
        }
        if let Some(token) = self.good.get(&hash) {
            return judge(token, hash);
        }
        match self.store.token_find(hash).await.map_err(AuthError::Unavailable)? {
            Some(token) => {
                self.good.put(hash, token.clone(), REMEMBERED);
                judge(token, hash)
            }
            None => {
                self.bad.put(hash, (), REMEMBERED);
                Err(AuthError::Unauthenticated)
            }
        }
    }
}

fn judge(token: Token, hash: Hash) -> Result<Caller, AuthError> {
    if token.revoked_at.is_some() {
        return Err(AuthError::Unauthenticated);
    }
    if token.expires_at.is_some_and(|at| at <= Timestamp::now()) {
        return Err(AuthError::Expired);
    }
    let standing = Standing { until: token.expires_at, token: Some(hash) };
    Ok(Caller { user: token.user, scopes: Scopes::known(&token.scope), standing })
}

#[cfg(test)]
#[path = "token_tests.rs"]
mod tests;
