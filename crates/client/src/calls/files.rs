//! Files that go with messages.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE};
use reqwest::{Method, Response};
use tokio::time::timeout;

use crate::call::{Call, LONG, reach};
use crate::client::Client;
use crate::error::Error;
use crate::types::Attachment;

/// Between two pieces of a file.
const PIECE: Duration = Duration::from_secs(30);

/// A file on its way down.
#[derive(Debug)]
pub struct Download {
    /// What its content is, as `type/subtype`.
    pub media_type: String,
    /// Its size in bytes, when the answer says so.
    pub size: Option<u64>,
    response: Response,
}

impl Download {
    /// The next piece; `None` after the last one.
    ///
    /// # Errors
    /// The connection broke off, or nothing came for 30 s.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        timeout(PIECE, self.response.chunk()).await.map_err(Error::network)?.map_err(reach)
    }

    /// All of it, up to `most` bytes.
    ///
    /// # Errors
    /// As for [`Self::chunk`], or it is larger.
    pub async fn bytes(mut self, most: usize) -> Result<Bytes, Error> {
        let mut all = BytesMut::new();
        while let Some(chunk) = self.chunk().await? {
            if all.len() + chunk.len() > most {
                return Err(Error::answer(format!("the file has more than {most} bytes")));
            }
            all.extend_from_slice(&chunk);
        }
        Ok(all.freeze())
    }
}

impl Client {
    /// Uploads a file for a message to come. A file that no message names goes away after a day, so an upload may be tried
    /// again: it is, within the deadline.
    ///
    /// # Errors
    /// Too large, or of a type that may not be uploaded.
    pub async fn upload(&self, name: &str, media_type: &str, content: &[u8]) -> Result<Attachment, Error> {
        let boundary = format!("pollgate-{}", uuid::Uuid::now_v7().simple());
        let body = form(&boundary, name, media_type, content)?;
        let kind = format!("multipart/form-data; boundary={boundary}");
        self.read(Call::new(Method::POST, ["attachments"]).body(&kind, body).patience(LONG).repeats()).await
    }

    /// A file, for who uploaded it and for members of a room that holds it.
    ///
    /// # Errors
    /// There is none, for this caller.
    pub async fn download(&self, id: &str) -> Result<Download, Error> {
        let call = Call::get(["attachments", id]);
        let head = timeout(self.inner.patience, self.respond(&call));
        let response = head.await.map_err(Error::network)??;
        let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
        let media_type = header(CONTENT_TYPE).unwrap_or("application/octet-stream").to_owned();
        let size = header(CONTENT_LENGTH).and_then(|size| size.parse().ok());
        Ok(Download { media_type, size, response })
    }
}

/// A form with one field, as browsers write it.
fn form(boundary: &str, name: &str, media_type: &str, content: &[u8]) -> Result<Bytes, Error> {
    if media_type.contains(['\r', '\n']) {
        return Err(Error::Setup("a media type is one line".to_owned()));
    }
    let name = name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A");
    let head = format!(
        "--{boundary}\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
         content-type: {media_type}\r\n\r\n"
    );
    let tail = format!("\r\n--{boundary}--\r\n");
    let mut body = BytesMut::with_capacity(head.len() + content.len() + tail.len());
    for part in [head.as_bytes(), content, tail.as_bytes()] {
        body.extend_from_slice(part);
    }
    Ok(body.freeze())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_leave_its_quotes() {
        let body = form("b", "a\"\r\nx: y.txt", "text/plain", b"hi").unwrap();
        let text = String::from_utf8(body.to_vec()).unwrap();
        assert_eq!(
            text,
            "--b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a%22%0D%0Ax: y.txt\"\r\n\
             content-type: text/plain\r\n\r\nhi\r\n--b--\r\n"
        );
        assert!(form("b", "a", "text/plain\r\nx: y", b"").is_err());
    }
}
