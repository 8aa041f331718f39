//! JSON Web Tokens (RFC 7519), signed with HS256 or by the owner of a private key.
//!
//! The algorithms are pinned by the configured key, never taken from the token (RFC 8725, 3.1): a public key is no HMAC
//! secret, and "none" is no algorithm.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use pollgate_model::{Timestamp, UserId};
use serde::{Deserialize, Deserializer, Serialize};
use sha2::{Digest as _, Sha256};

use super::cache::Cache;
use super::secret::{KeyError, signing_secret};
use super::{AuthError, Caller, Scopes, Standing};
use crate::settings::{JwtSettings, Secret, Settings};

/// A verified token is not verified again for so long.
const REMEMBERED: Duration = Duration::from_secs(60);
/// Most tokens remembered.
const MOST: usize = 100_000;
/// Longer texts are no tokens.
const LONGEST: usize = 8 << 10;

#[derive(Serialize, Deserialize)]
struct Claims {
    sub: String,
    #[serde(deserialize_with = "numeric_date")]
    exp: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    iss: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    aud: Option<serde_json::Value>,
}

/// Seconds since 1970, with or without a fraction (RFC 7519, 2); the fraction is dropped.
fn numeric_date<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    let number = serde_json::Number::deserialize(from)?;
    let fraction = || Duration::try_from_secs_f64(number.as_f64()?).ok().map(|since| since.as_secs());
    number.as_u64().or_else(fraction).ok_or_else(|| serde::de::Error::custom("no NumericDate"))
}

/// A time given in seconds; `None`: later than any clock will be.
pub(super) fn at_second(seconds: u64) -> Option<Timestamp> {
    i64::try_from(seconds.checked_mul(1000)?).ok().map(Timestamp::from_ms)
}

/// Verifies tokens by one key.
pub(super) struct JwtVerifier {
    key: DecodingKey,
    validation: Validation,
    remembered: Cache<Caller>,
}

impl JwtVerifier {
    pub(super) fn new(settings: &Settings) -> Result<Self, KeyError> {
        let jwt = &settings.auth.jwt;
        let (key, algorithms) = if jwt.public_key_file.is_empty() {
            let secret = signing_secret(settings)?;
            (DecodingKey::from_secret(secret.expose().as_bytes()), vec![Algorithm::HS256])
        } else {
            public_key(PathBuf::from(&jwt.public_key_file))?
        };
        Ok(Self { key, validation: validation(jwt, algorithms), remembered: Cache::new(MOST) })
    }

    pub(super) fn verify(&self, token: &str) -> Result<Caller, AuthError> {
        if token.len() > LONGEST {
            return Err(AuthError::Unauthenticated);
        }
        let hash = Sha256::digest(token).into();
        if let Some(caller) = self.remembered.get(&hash) {
            return Ok(caller);
        }
        let claims = match decode::<Claims>(token, &self.key, &self.validation) {
            // what must be understood (RFC 7515, 4.1.11) is not
            Ok(decoded) if decoded.header.crit.is_some() => return Err(AuthError::Unauthenticated),
            Ok(decoded) => decoded.claims,
            Err(error) => {
                return Err(match error.kind() {
                    ErrorKind::ExpiredSignature => AuthError::Expired,
                    _ => AuthError::Unauthenticated,
                });
            }
        };
        let user = UserId::try_from(claims.sub).map_err(|_no_user| AuthError::Unauthenticated)?;
        let scopes = claims.scope.as_deref().map_or(Scopes::USER, Scopes::known);
        let ends = claims.exp.saturating_add(self.validation.leeway);
        let now = u64::try_from(Timestamp::now().as_ms() / 1000).unwrap_or(0);
        let left = Duration::from_secs(ends.saturating_sub(now));
        // a token is good for the whole of its last second
        let standing = Standing { until: at_second(ends.saturating_add(1)), token: None };
        let caller = Caller { user, scopes, standing };
        self.remembered.put(hash, caller.clone(), left.min(REMEMBERED));
        Ok(caller)
    }
}

fn validation(settings: &JwtSettings, algorithms: Vec<Algorithm>) -> Validation {
    let mut validation =
        Validation { algorithms, leeway: settings.leeway_s, validate_nbf: true, ..Validation::default() };
    let mut required = vec!["exp", "sub"];
    if !settings.issuer.is_empty() {
        validation.set_issuer(&[&settings.issuer]);
        required.push("iss");
    }
    if settings.audience.is_empty() {
        validation.validate_aud = false;
    } else {
        validation.set_audience(&[&settings.audience]);
        required.push("aud");
    }
    validation.set_required_spec_claims(&required);
    validation
}

/// Reads a PEM public key and says which algorithms it is for.
fn public_key(path: PathBuf) -> Result<(DecodingKey, Vec<Algorithm>), KeyError> {
    let pem = fs::read(&path).map_err(|error| KeyError::Io { path: path.clone(), error })?;
    if let Ok(key) = DecodingKey::from_rsa_pem(&pem) {
        let rsa = [Algorithm::RS256, Algorithm::RS384, Algorithm::RS512, Algorithm::PS256];
        return Ok((key, rsa.to_vec()));
    }
    if let Ok(key) = DecodingKey::from_ec_pem(&pem) {
        return Ok((key, vec![Algorithm::ES256, Algorithm::ES384]));
    }
    if let Ok(key) = DecodingKey::from_ed_pem(&pem) {
        return Ok((key, vec![Algorithm::EdDSA]));
    }
    Err(KeyError::NoKey(path))
}

/// Signs a token with an HS256 secret.
///
/// # Errors
/// The library refuses the secret.
pub fn sign_hs256(
    secret: &Secret,
    user: &UserId,
    scopes: Scopes,
    ttl: Duration,
    settings: &JwtSettings,
) -> Result<String, KeyError> {
    let given = |text: &String| (!text.is_empty()).then(|| text.clone());
    let exp = Timestamp::now().plus(ttl).as_ms() / 1000;
    let claims = Claims {
        sub: user.as_str().to_owned(),
        exp: u64::try_from(exp).unwrap_or(u64::MAX),
        scope: Some(scopes.to_string()),
        iss: given(&settings.issuer),
        aud: given(&settings.audience).map(Into::into),
    };
    let key = EncodingKey::from_secret(secret.expose().as_bytes());
    Ok(encode(&Header::new(Algorithm::HS256), &claims, &key)?)
}

#[cfg(test)]
#[path = "jwt_tests.rs"]
mod tests;
