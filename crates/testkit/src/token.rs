//! Signs JSON Web Tokens, apart from the gateway's own code: the tests are no judge in their own cause.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac as _};
use serde_json::json;
use sha2::Sha256;

/// A token for `user`, signed with HS256, that runs out after `ttl_s` seconds; less than 0: it has run out.
#[must_use]
pub fn sign(secret: &str, user: &str, scope: &str, ttl_s: i64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a time after 1970").as_secs();
    let expires = i64::try_from(now).expect("a time of these days") + ttl_s;
    let encode = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let head = encode(json!({"alg": "HS256", "typ": "JWT"}));
    let claims = encode(json!({"sub": user, "exp": expires, "scope": scope}));
    let signed = format!("{head}.{claims}");
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("keys of any length are taken");
    mac.update(signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}
