//! Keys: the configured one, or a secret made at first start and kept beside the data.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::settings::{SHORTEST_SECRET, Secret, Settings};

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read or made.
    #[error("{}: {error}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// The file holds no key that this gateway can use.
    #[error("{}: no RSA, EC or Ed25519 public key in PEM form", .0.display())]
    NoKey(PathBuf),
    /// The file holds no secret that could sign: anybody might guess it.
    #[error("{}: shorter than {SHORTEST_SECRET} bytes; remove it, and a new secret is made at the next start", .0.display())]
    TooShort(PathBuf),
    /// Tokens are verified by a public key here; whoever has the private one signs them.
    #[error("auth.jwt.public_key_file is set: sign tokens where the private key is")]
    PublicKeyOnly,
    /// The token could not be signed.
    #[error("the token could not be signed: {0}")]
    Signing(#[from] jsonwebtoken::errors::Error),
}

/// The secret that signs and verifies HS256 tokens.
///
/// # Errors
/// Tokens are verified by a public key, or the generated secret cannot be read or made.
pub fn signing_secret(settings: &Settings) -> Result<Secret, KeyError> {
    if !settings.auth.jwt.public_key_file.is_empty() {
        return Err(KeyError::PublicKeyOnly);
    }
    if !settings.auth.jwt.hs256_secret.expose().is_empty() {
        return Ok(settings.auth.jwt.hs256_secret.clone());
    }
    load_or_make(&settings.data_dir)
}

/// The secret that tickets are signed with: its own, or the one for HS256 tokens, which all gateways share; `None`: tokens
/// are verified by a public key here, and no secret was given for tickets.
///
/// # Errors
/// The generated secret cannot be read or made.
pub(super) fn ticket_secret(settings: &Settings) -> Result<Option<Secret>, KeyError> {
    if !settings.auth.ticket_secret.expose().is_empty() {
        return Ok(Some(settings.auth.ticket_secret.clone()));
    }
    match signing_secret(settings) {
        Err(KeyError::PublicKeyOnly) => Ok(None),
        secret => secret.map(Some),
    }
}

/// Reads `secret.key` in the folder, or makes it: 32 random bytes, readable by its owner only.
fn load_or_make(folder: &Path) -> Result<Secret, KeyError> {
    let path = folder.join("secret.key");
    let failed = |error: io::Error| KeyError::Io { path: path.clone(), error };
    if let Some(secret) = load(&path)? {
        return Ok(secret);
    }
    fs::create_dir_all(folder).map_err(failed)?;
    make(folder, &path).map_err(failed)?;
    load(&path)?.ok_or_else(|| failed(io::ErrorKind::NotFound.into()))
}

fn load(path: &Path) -> Result<Option<Secret>, KeyError> {
    match fs::read_to_string(path) {
        Ok(text) if text.trim().len() < SHORTEST_SECRET => Err(KeyError::TooShort(path.to_owned())),
        Ok(text) => Ok(Some(Secret::from(text.trim().to_owned()))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(KeyError::Io { path: path.to_owned(), error }),
    }
}

/// Writes a secret whole under a name of its own and links it into place: of many starters one wins, and all read that.
///
/// The draft's name is random, not the process's number: containers that share a volume have the same numbers, and
/// writing into another's draft would be writing into the secret that it has linked already.
fn make(folder: &Path, path: &Path) -> io::Result<()> {
    let draft = folder.join(format!(".secret.{}", URL_SAFE_NO_PAD.encode(rand::random::<[u8; 16]>())));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    let text = URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>());
    let linked = file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).and_then(|()| {
        match fs::hard_link(&draft, path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            made_or_failed => made_or_failed,
        }
    });
    let removed = fs::remove_file(&draft);
    linked.and(removed)?;
    // whoever uses the secret from here on relies on its name surviving a loss of power
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_secret_is_made_once_and_only_its_owner_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("data");
        let first = load_or_make(&inner).unwrap();
        let second = load_or_make(&inner).unwrap();
        assert_eq!(first.expose(), second.expose());
        assert!(first.expose().len() >= 32);
        let mode = fs::metadata(inner.join("secret.key")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(fs::read_dir(&inner).unwrap().count(), 1, "no draft is left");
    }

    #[test]
    fn processes_that_start_at_once_agree() {
        for _round in 0..50 {
            let folder = tempfile::tempdir().unwrap();
            let start = std::sync::Barrier::new(16);
            let secrets: Vec<String> = std::thread::scope(|scope| {
                let starter = || {
                    start.wait();
                    load_or_make(folder.path()).unwrap().expose().to_owned()
                };
                let starters: Vec<_> = (0..16).map(|_| scope.spawn(starter)).collect();
                starters.into_iter().map(|thread| thread.join().unwrap()).collect()
            });
            assert!(secrets.iter().all(|secret| secret.len() == 43 && *secret == secrets[0]));
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no draft is left");
        }
    }

    #[test]
    fn a_secret_that_is_too_short_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret.key");
        for short in ["", "\n", "0123456789abcdef0123456789abcde\n"] {
            fs::write(&path, short).unwrap();
            let complaint = load_or_make(folder.path()).unwrap_err().to_string();
            assert!(complaint.contains("secret.key: shorter than 32 bytes"), "{complaint}");
            assert_eq!(fs::read_to_string(&path).unwrap(), short);
        }
    }
}
