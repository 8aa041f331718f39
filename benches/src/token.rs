//! Tokens for the users of a run, signed with the gateway's own secret.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use sha2::Sha256;

/// Longer than any run may take.
const LIFETIME: Duration = Duration::from_secs(6 * 60 * 60);

/// Signs HS256 tokens.
pub(crate) struct Signer {
    key: Hmac<Sha256>,
    expires_at: u64,
}

impl Signer {
    /// # Errors
    /// When the secret cannot be a key.
    pub(crate) fn new(secret: &str) -> Result<Self, String> {
        let key = Hmac::new_from_slice(secret.as_bytes()).map_err(|error| error.to_string())?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_err(|error| error.to_string())?;
        Ok(Self { key, expires_at: (now + LIFETIME).as_secs() })
    }

    /// A token for `user`, who needs no escaping, with the given scopes.
    pub(crate) fn sign(&self, user: &str, scope: &str) -> String {
        let header = URL_SAFE_NO_PAD.encode(br#"{"alg":"HS256","typ":"JWT"}"#);
        let claims = format!(r#"{{"sub":"{user}","exp":{},"scope":"{scope}"}}"#, self.expires_at);
        let signed = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims));
        let mut mac = self.key.clone();
        mac.update(signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_signed_as_rfc_7515_says() {
        let signer = Signer { key: Hmac::new_from_slice(b"secret").unwrap(), expires_at: 2_000_000_000 };
        let token = signer.sign("ann", "user");
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let mut mac = Hmac::<Sha256>::new_from_slice(b"secret").unwrap();
        mac.update(signed.as_bytes());
        mac.verify_slice(&URL_SAFE_NO_PAD.decode(signature).unwrap()).unwrap();
        let claims = URL_SAFE_NO_PAD.decode(signed.split_once('.').unwrap().1).unwrap();
        assert_eq!(claims, br#"{"sub":"ann","exp":2000000000,"scope":"user"}"#);
    }
}
