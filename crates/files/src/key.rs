//! Names in the storage: made from ids, two levels deep so that no folder holds millions.

use object_store::path::Path;
use pollgate_model::AttachmentId;

/// The key of an attachment: `ab/cd/<id>`, where `abcd` are the id's last digits, which are random. Its first ones are
/// the time, the same for all attachments of an hour.
pub(crate) fn of(id: AttachmentId) -> Path {
    let [.., last_but_one, last] = *id.uuid().as_bytes();
    Path::from_iter([format!("{last_but_one:02x}"), format!("{last:02x}"), id.to_string()])
}

/// Where an attachment's bytes are, from the folder or the bucket's prefix.
#[must_use]
pub fn key_of(id: AttachmentId) -> String {
    of(id).to_string()
}

/// The attachment that a key is of; `None`: no key of ours.
pub(crate) fn id(key: &Path) -> Option<AttachmentId> {
    let id: AttachmentId = key.filename()?.parse().ok()?;
    (of(id) == *key).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_names_one_attachment_and_nothing_else_is_a_key() {
        let id: AttachmentId = "01890000-0000-7000-8000-00000000abcd".parse().unwrap();
        assert_eq!(of(id).to_string(), "ab/cd/01890000-0000-7000-8000-00000000abcd");
        assert_eq!(super::id(&of(id)), Some(id));
        for other in
            ["01890000-0000-7000-8000-00000000abcd", "ab/ce/01890000-0000-7000-8000-00000000abcd", "ab/cd/x"]
        {
            assert_eq!(super::id(&Path::from(other)), None, "{other}");
        }
    }
}
