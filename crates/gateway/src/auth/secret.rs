//! Keys: the configured one, or a secret made at first start and kept beside the data.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::settings::{Secret, Settings};

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

/// Reads `secret.key` in the folder, or makes it: 32 random bytes, readable by its owner only.
fn load_or_make(folder: &Path) -> Result<Secret, KeyError> {
    let path = folder.join("secret.key");
    let failed = |error: io::Error| KeyError::Io { path: path.clone(), error };
    match fs::read_to_string(&path) {
        Ok(text) => return Ok(Secret::from(text.trim().to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    fs::create_dir_all(folder).map_err(failed)?;
    let text = URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>());
    // written whole under another name and linked into place: of two processes at once, one wins and both read that
    let draft = folder.join(format!(".secret.{}", std::process::id()));
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&draft)
        .map_err(failed)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
    let linked = fs::hard_link(&draft, &path);
    fs::remove_file(&draft).map_err(failed)?;
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(failed(error)),
        _there => Ok(Secret::from(fs::read_to_string(&path).map_err(failed)?.trim().to_owned())),
    }
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
        let folder = tempfile::tempdir().unwrap();
        let secrets: Vec<String> = std::thread::scope(|scope| {
            let made: Vec<_> = (0..2)
                .map(|_| scope.spawn(|| load_or_make(folder.path()).map(|s| s.expose().to_owned())))
                .collect();
            made.into_iter().filter_map(|thread| thread.join().unwrap().ok()).collect()
        });
        assert!(secrets.windows(2).all(|pair| pair[0] == pair[1]));
        assert!(!secrets.is_empty());
    }
}
