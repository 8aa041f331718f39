//! What a path lies on.

use std::io;
use std::path::Path;

/// Kinds of file systems that are another machine's, by the numbers of Linux (`statfs(2)`).
const NETWORK: [(i64, &str); 9] = [
    (0x6969, "NFS"),
    (0x517B, "SMB"),
    (0xFF53_4D42, "CIFS"),
    (0xFE53_4D42, "SMB2"),
    (0x0102_1997, "9P"),
    (0x00C3_6400, "Ceph"),
    (0x5346_414F, "AFS"),
    (0x6B41_4653, "AFS"),
    (0x0BD0_0BD0, "Lustre"),
];

/// Bytes that are free for us, and bytes in all.
pub(in crate::cli::doctor) fn space(path: &Path) -> io::Result<(u64, u64)> {
    let found = rustix::fs::statvfs(path)?;
    Ok((found.f_bavail.saturating_mul(found.f_frsize), found.f_blocks.saturating_mul(found.f_frsize)))
}

/// The kind of network file system that a path is on; `None`: it is none.
#[cfg(target_os = "linux")]
pub(in crate::cli::doctor) fn network(path: &Path) -> io::Result<Option<&'static str>> {
    // the type of the field differs between architectures
    let kind = rustix::fs::statfs(path)?.f_type;
    Ok(NETWORK
        .iter()
        .find(|(number, _)| i128::from(kind) & 0xFFFF_FFFF == i128::from(*number))
        .map(|(_, name)| *name))
}

/// Elsewhere the numbers mean other things.
#[cfg(not(target_os = "linux"))]
pub(in crate::cli::doctor) fn network(_path: &Path) -> io::Result<Option<&'static str>> {
    Err(io::ErrorKind::Unsupported.into())
}
