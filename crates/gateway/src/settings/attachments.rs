//! `[attachments]`: where files are, and what may be uploaded.

use std::path::{Path, PathBuf};
use std::time::Duration;

use pollgate_core::AttachmentSettings;
use pollgate_files::{BucketSettings, FilesSettings, Place};
use serde::{Deserialize, Serialize};

use super::{Secret, ms};

/// See default.toml for each key.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "default.toml documents every key, and a test holds the two together")]
pub struct AttachmentSection {
    pub url: String,
    pub s3_endpoint: String,
    pub s3_region: String,
    pub s3_access_key_id: String,
    pub s3_secret_access_key: Secret,
    pub s3_virtual_host: bool,
    pub timeout_ms: u64,
    pub most_bytes: u64,
    pub per_message: usize,
    pub media_types: Vec<String>,
    pub uploads: usize,
    pub uploads_per_user: usize,
    pub downloads: usize,
    pub downloads_per_user: usize,
    pub upload_s: u64,
    pub orphan_s: u64,
}

/// Longest times: beyond, sums of times overflow.
const LONGEST_S: u64 = 10 * 365 * 86_400;
const LONGEST_MS: u64 = 3_600_000;

impl AttachmentSection {
    pub(super) fn problem(&self) -> Option<String> {
        self.zero().or_else(|| self.bad_place()).or_else(|| self.bad_times()).or_else(|| self.bad_type())
    }

    fn zero(&self) -> Option<String> {
        let positive = [
            ("timeout_ms", self.timeout_ms),
            ("most_bytes", self.most_bytes),
            ("per_message", self.per_message as u64),
            ("uploads", self.uploads as u64),
            ("uploads_per_user", self.uploads_per_user as u64),
            ("downloads", self.downloads as u64),
            ("downloads_per_user", self.downloads_per_user as u64),
            ("upload_s", self.upload_s),
        ];
        let (key, _) = positive.into_iter().find(|(_, value)| *value == 0)?;
        Some(format!("attachments.{key} must not be 0"))
    }

    fn bad_place(&self) -> Option<String> {
        if self.place(Path::new("")).is_none() {
            return Some(
                "attachments.url: \"file:///path\" or \"s3://bucket/prefix\", without a user and a question mark, \
                 or empty"
                    .into(),
            );
        }
        if self.s3_access_key_id.is_empty() != self.s3_secret_access_key.expose().is_empty() {
            return Some("attachments.s3_access_key_id and s3_secret_access_key: both, or none".into());
        }
        let named = self.s3_endpoint.starts_with("http://") || self.s3_endpoint.starts_with("https://");
        // a login there would be shown wherever the place is
        if !self.s3_endpoint.is_empty() && (!named || self.s3_endpoint.contains(['@', '?', '#'])) {
            return Some(
                "attachments.s3_endpoint: begins with \"https://\" or \"http://\", without a user and a question mark, \
                 or is empty"
                    .into(),
            );
        }
        None
    }

    fn bad_times(&self) -> Option<String> {
        if self.orphan_s <= self.upload_s {
            return Some("attachments.orphan_s must be longer than attachments.upload_s".into());
        }
        if self.orphan_s > LONGEST_S {
            return Some(format!("attachments.orphan_s must be at most {LONGEST_S}"));
        }
        (self.timeout_ms > LONGEST_MS).then(|| format!("attachments.timeout_ms must be at most {LONGEST_MS}"))
    }

    fn bad_type(&self) -> Option<String> {
        let part = |text: &str| {
            !text.is_empty()
                && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b".+-_".contains(&b))
        };
        let good = |name: &&String| name.split_once('/').is_some_and(|(kind, sub)| part(kind) && part(sub));
        let bad = self.media_types.iter().find(|name| !good(name))?;
        Some(format!("attachments.media_types: {bad:?} is no media type; write \"image/png\", in lower case"))
    }

    /// Where the bytes are; `None`: the URL makes no sense.
    fn place(&self, data_dir: &Path) -> Option<Place> {
        if self.url.is_empty() {
            return Some(Place::Folder(data_dir.join("attachments")));
        }
        if let Some(path) = self.url.strip_prefix("file://") {
            return path.starts_with('/').then(|| Place::Folder(PathBuf::from(path)));
        }
        let rest = self.url.strip_prefix("s3://")?;
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        if bucket.is_empty() || rest.contains(['@', '?', '#']) {
            return None;
        }
        Some(Place::Bucket(BucketSettings {
            bucket: bucket.to_owned(),
            prefix: prefix.to_owned(),
            endpoint: self.s3_endpoint.clone(),
            region: self.s3_region.clone(),
            access_key_id: self.s3_access_key_id.clone(),
            secret_access_key: self.s3_secret_access_key.expose().to_owned(),
            virtual_host: self.s3_virtual_host,
        }))
    }

    /// The folder, unless it was set.
    pub(crate) fn is_embedded(&self) -> bool {
        self.url.is_empty()
    }

    /// The storage's settings.
    pub(crate) fn files(&self, data_dir: &Path, may_mark: bool) -> FilesSettings {
        // a URL that makes no sense was refused when the configuration was read
        let place = self.place(data_dir).unwrap_or_else(|| Place::Folder(data_dir.join("attachments")));
        FilesSettings { place, may_mark, timeout: ms(self.timeout_ms) }
    }

    /// The rules' settings.
    pub(crate) fn rules(&self) -> AttachmentSettings {
        AttachmentSettings {
            most_bytes: self.most_bytes,
            per_message: self.per_message,
            media_types: self.media_types.clone(),
            uploads: self.uploads,
            uploads_per_user: self.uploads_per_user,
            downloads: self.downloads,
            downloads_per_user: self.downloads_per_user,
            upload: Duration::from_secs(self.upload_s),
            orphan: Duration::from_secs(self.orphan_s),
        }
    }
}

#[cfg(test)]
mod tests {
    use pollgate_files::Place;
    use rstest::rstest;

    use crate::settings::{Settings, SettingsError, merge};

    fn load(lines: &str) -> Result<Settings, SettingsError> {
        Settings::check(merge(
            &format!("data_dir = \"/data\"\n[attachments]\n{lines}"),
            "pollgate.toml",
            None,
        )?)
    }

    #[rstest]
    #[case("url = \"/srv/files\"", "attachments.url")]
    #[case("url = \"file://srv/files\"", "attachments.url")]
    #[case("url = \"s3://\"", "attachments.url")]
    #[case("url = \"s3://key:geheim@bucket\"", "attachments.url")]
    #[case("url = \"https://bucket\"", "attachments.url")]
    #[case("s3_access_key_id = \"key\"", "both, or none")]
    #[case("s3_secret_access_key = \"geheim\"", "both, or none")]
    #[case("s3_endpoint = \"minio:9000\"", "attachments.s3_endpoint")]
    #[case("upload_s = 10\norphan_s = 10", "attachments.orphan_s")]
    #[case("orphan_s = 99999999999", "attachments.orphan_s")]
    #[case("timeout_ms = 99999999", "attachments.timeout_ms")]
    #[case("media_types = [\"image/png\", \"Image/JPEG\"]", "Image/JPEG")]
    #[case("media_types = [\"png\"]", "png")]
    #[case("media_types = [\"text/html; charset=x\"]", "text/html")]
    fn what_makes_no_sense_is_refused(#[case] lines: &str, #[case] named: &str) {
        let complaint = load(lines).unwrap_err().to_string();
        assert!(complaint.contains(named) && !complaint.contains("geheim"), "{complaint}");
    }

    #[test]
    fn a_place_is_a_folder_or_a_bucket() {
        let place = |lines: &str| {
            let settings = load(lines).unwrap();
            settings.attachments.files(&settings.data_dir, true).place
        };
        assert!(matches!(place(""), Place::Folder(path) if path.ends_with("data/attachments")));
        assert!(matches!(place("url = \"file:///srv/a\""), Place::Folder(path) if path.ends_with("srv/a")));
        let keys = "s3_access_key_id = \"key\"\ns3_secret_access_key = \"geheim\"";
        let bucket = place(&format!("url = \"s3://chat/a/b\"\n{keys}"));
        assert!(!format!("{bucket:?}").contains("geheim"));
        assert!(matches!(bucket, Place::Bucket(b) if b.bucket == "chat" && b.prefix == "a/b"));
        assert!(!load(keys).unwrap().shown().unwrap().contains("geheim"));
    }

    #[test]
    fn what_may_be_uploaded_by_default_can_be_told_or_chosen() {
        let settings = load("").unwrap();
        let allowed = &settings.attachments.media_types;
        assert!(
            allowed.iter().all(|name| !matches!(name.as_str(), "text/html" | "image/svg+xml" | "text/xml"))
        );
        assert!(allowed.contains(&"image/png".to_owned()) && allowed.contains(&"text/plain".to_owned()));
    }
}
