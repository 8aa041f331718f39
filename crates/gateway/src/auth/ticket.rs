//! Tickets: short-lived credentials for streams, which stand in an address because a browser cannot set headers there.
//!
//! A ticket is signed and not stored: any gateway that has the secret takes it. It is good for a minute and, at each
//! gateway, once: who reads it in a log comes too late.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use hmac::{Hmac, Mac as _};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use pollgate_core::Limit;
use pollgate_model::{Timestamp, UserId};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use uuid::Uuid;

use super::jwt::at_second;
use super::secret::KeyError;
use super::{AuthError, Caller, Scopes, Standing};
use crate::settings::Secret;

/// How long a ticket is good.
const GOOD_FOR: Duration = Duration::from_secs(60);
/// How far the clocks of gateways may be apart, in seconds.
const LEEWAY_S: u64 = 5;
/// What the key is for: no token signed with the same secret is a ticket, and no ticket a token.
const PURPOSE: &[u8] = b"pollgate ticket 1";

#[derive(Serialize, Deserialize)]
struct Claims {
    sub: String,
    scope: String,
    exp: u64,
    jti: Uuid,
    /// When what the ticket was made with ends, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<i64>,
    /// The hash of the API token it was made with, which may be revoked.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
}

/// Makes tickets and takes them.
pub(crate) struct Tickets {
    signs: EncodingKey,
    verifies: DecodingKey,
    validation: Validation,
    /// Tickets used here that have not run out, with the time when they do.
    used: DashMap<Uuid, Timestamp>,
    most: usize,
    /// How often there was no room.
    refused: AtomicU64,
}

/// A ticket, and until when it is good.
#[derive(Debug)]
pub(crate) struct Ticket {
    pub(crate) text: String,
    pub(crate) expires_at: Timestamp,
}

impl Tickets {
    /// With this secret; so many used ones are remembered at once.
    pub(super) fn new(secret: &Secret, most: usize) -> Self {
        let key = derived(secret);
        let mut validation = Validation::new(Algorithm::HS256);
        validation.leeway = LEEWAY_S;
        validation.validate_aud = false;
        Self {
            signs: EncodingKey::from_secret(&key),
            verifies: DecodingKey::from_secret(&key),
            validation,
            used: DashMap::new(),
            most,
            refused: AtomicU64::new(0),
        }
    }

    /// A ticket for this caller, good for a minute.
    ///
    /// # Errors
    /// The library refuses the key.
    pub(crate) fn make(&self, caller: &Caller) -> Result<Ticket, KeyError> {
        let exp = Timestamp::now().plus(GOOD_FOR).as_ms().div_euclid(1000);
        let claims = Claims {
            sub: caller.user.as_str().to_owned(),
            scope: caller.scopes.to_string(),
            exp: u64::try_from(exp).unwrap_or(u64::MAX),
            jti: Uuid::now_v7(),
            until: caller.standing.until.map(Timestamp::as_ms),
            token: caller.standing.token.map(|hash| URL_SAFE_NO_PAD.encode(hash)),
        };
        let text = encode(&Header::new(Algorithm::HS256), &claims, &self.signs)?;
        Ok(Ticket { text, expires_at: Timestamp::from_ms(exp.saturating_mul(1000)) })
    }

    /// Takes a ticket, once.
    ///
    /// # Errors
    /// It is none, ran out, or was used here before.
    pub(crate) fn take(&self, text: &str) -> Result<Caller, AuthError> {
        let claims = match decode::<Claims>(text, &self.verifies, &self.validation) {
            Ok(decoded) => decoded.claims,
            Err(error) if matches!(error.kind(), ErrorKind::ExpiredSignature) => {
                return Err(AuthError::Expired);
            }
            Err(_none) => return Err(AuthError::Unauthenticated),
        };
        let token = match claims.token.as_deref().map(|hash| URL_SAFE_NO_PAD.decode(hash)) {
            None => None,
            Some(Ok(hash)) => Some(hash.try_into().map_err(|_no_hash| AuthError::Unauthenticated)?),
            Some(Err(_no_hash)) => return Err(AuthError::Unauthenticated),
        };
        let user = UserId::try_from(claims.sub).map_err(|_no_user| AuthError::Unauthenticated)?;
        self.use_up(claims.jti, claims.exp)?;
        let standing = Standing { until: claims.until.map(Timestamp::from_ms), token };
        Ok(Caller { user, scopes: Scopes::known(&claims.scope), standing })
    }

    fn use_up(&self, ticket: Uuid, exp: u64) -> Result<(), AuthError> {
        let now = Timestamp::now();
        if self.used.len() >= self.most {
            self.used.retain(|_, until| *until > now);
        }
        if self.used.len() >= self.most {
            self.refused.fetch_add(1, Ordering::Relaxed);
            return Err(AuthError::Overloaded("tickets"));
        }
        match self.used.entry(ticket) {
            Entry::Occupied(_) => Err(AuthError::Unauthenticated),
            Entry::Vacant(place) => {
                place.insert(at_second(exp.saturating_add(LEEWAY_S)).unwrap_or(now));
                Ok(())
            }
        }
    }

    /// How full the memory of used tickets is.
    pub(super) fn limit(&self) -> Limit {
        Limit {
            name: "tickets",
            most: self.most as u64,
            used: Some(self.used.len() as u64),
            refused: Some(self.refused.load(Ordering::Relaxed)),
        }
    }
}

/// A key of its own for this purpose, from a secret that has another one.
fn derived(secret: &Secret) -> [u8; 32] {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length (RFC 2104, 2)")]
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes()).expect("any length");
    mac.update(PURPOSE);
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tickets(secret: &str, most: usize) -> Tickets {
        Tickets::new(&Secret::from(secret.to_owned()), most)
    }

    fn ann() -> Caller {
        let standing = Standing { until: Some(Timestamp::from_ms(9_999_999_999_999)), token: Some([7; 32]) };
        Caller { user: "ann".parse().unwrap(), scopes: Scopes::USER, standing }
    }

    #[test]
    fn a_ticket_speaks_for_its_caller_once_at_each_gateway() {
        let (here, there) =
            (tickets("0123456789abcdef0123456789abcdef", 9), tickets("0123456789abcdef0123456789abcdef", 9));
        let ticket = here.make(&ann()).unwrap();
        assert!(ticket.expires_at > Timestamp::now());
        assert_eq!(here.take(&ticket.text).unwrap(), ann());
        assert!(matches!(here.take(&ticket.text), Err(AuthError::Unauthenticated)), "used up");
        assert_eq!(there.take(&ticket.text).unwrap(), ann(), "no gateway knows what another one has seen");
    }

    #[test]
    fn what_another_key_signed_is_no_ticket() {
        let ours = tickets("0123456789abcdef0123456789abcdef", 9);
        let other = tickets("another secret of 32 bytes ......", 9).make(&ann()).unwrap();
        for text in [other.text.as_str(), "", "a.b.c", "pg_0123"] {
            assert!(matches!(ours.take(text), Err(AuthError::Unauthenticated)), "{text}");
        }
        // a token signed with the secret itself
        let claims = Claims {
            sub: "ann".into(),
            scope: "user".into(),
            exp: 9_999_999_999,
            jti: Uuid::now_v7(),
            until: None,
            token: None,
        };
        let key = EncodingKey::from_secret(b"0123456789abcdef0123456789abcdef");
        let token = encode(&Header::new(Algorithm::HS256), &claims, &key).unwrap();
        assert!(matches!(ours.take(&token), Err(AuthError::Unauthenticated)));
    }

    #[test]
    fn a_ticket_ends_and_the_memory_of_used_ones_is_bounded() {
        let tickets = tickets("0123456789abcdef0123456789abcdef", 2);
        let claims = |exp| Claims {
            sub: "ann".into(),
            scope: "user".into(),
            exp,
            jti: Uuid::now_v7(),
            until: None,
            token: None,
        };
        let old = encode(&Header::new(Algorithm::HS256), &claims(1_000_000_000), &tickets.signs).unwrap();
        assert!(matches!(tickets.take(&old), Err(AuthError::Expired)));
        for _each in 0..2 {
            tickets.take(&tickets.make(&ann()).unwrap().text).unwrap();
        }
        let third = tickets.make(&ann()).unwrap();
        assert!(matches!(tickets.take(&third.text), Err(AuthError::Overloaded("tickets"))));
        let limit = tickets.limit();
        assert_eq!((limit.used, limit.refused), (Some(2), Some(1)));
        // those that ran out make room
        for mut used in tickets.used.iter_mut() {
            *used = Timestamp::from_ms(0);
        }
        tickets.take(&third.text).unwrap();
    }
}
