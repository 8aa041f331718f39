//! Files, as browsers send them.

use super::{Answer, User, here};

/// Between the parts of a form.
const BOUNDARY: &str = "a-boundary-of-the-tests";

/// The `content-type` of [`form`].
pub const FORM: &str = "multipart/form-data; boundary=a-boundary-of-the-tests";

/// One field of a form.
#[derive(Clone, Copy, Debug)]
pub struct FormField<'f> {
    /// Its name.
    pub field: &'f str,
    /// The name of its file, as it stands in the header.
    pub file: Option<&'f str>,
    /// What the client says of its content.
    pub media_type: Option<&'f str>,
    /// Its content.
    pub content: &'f [u8],
}

/// A form with these fields.
#[must_use]
pub fn form(fields: &[FormField<'_>]) -> Vec<u8> {
    let mut body = Vec::new();
    for FormField { field, file, media_type, content } in fields {
        let file = file.map_or_else(String::new, |file| format!("; filename=\"{file}\""));
        let kind = media_type.map_or_else(String::new, |kind| format!("content-type: {kind}\r\n"));
        let head =
            format!("--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"{field}\"{file}\r\n{kind}\r\n");
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
    body
}

impl User {
    /// Uploads a file.
    pub fn upload(&self, name: &str, media_type: &str, content: &[u8]) -> Answer {
        here("/v1/attachments", self.try_upload(name, media_type, content))
    }

    /// [`Self::upload`] to a gateway that may be away.
    ///
    /// # Errors
    /// It is, or leaves before all of its answer is here.
    pub fn try_upload(&self, name: &str, media_type: &str, content: &[u8]) -> Result<Answer, String> {
        let file = FormField { field: "file", file: Some(name), media_type: Some(media_type), content };
        self.request("POST", "/v1/attachments", &[("content-type", FORM)], &form(&[file]))
    }

    /// Uploads a form as it is.
    pub fn upload_form(&self, fields: &[FormField<'_>]) -> Answer {
        self.post_raw("/v1/attachments", FORM, &form(fields))
    }
}
