//! A small HTTP/1.1 client: one connection, kept alive, one request at a time.
//!
//! It shares two cores with what it measures, so it does what is needed and nothing else: bytes out, bytes
//! in, one buffer for each connection.

mod answer;

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

pub(crate) use answer::BadAnswer;

const FIRST_BUFFER_BYTES: usize = 1024;
const KEPT_BUFFER_BYTES: usize = 64 * 1024;
const CONNECT_PATIENCE: Duration = Duration::from_secs(10);

/// What can go wrong between a request and its answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HttpError {
    /// The connection failed.
    #[error("connection: {0}")]
    Io(#[from] std::io::Error),
    /// The gateway closed the connection in the middle of an answer.
    #[error("the connection was closed within an answer")]
    Cut,
    /// The answer cannot be read.
    #[error(transparent)]
    BadAnswer(#[from] BadAnswer),
    /// No answer came in time.
    #[error("no answer within {0:?}")]
    TimedOut(Duration),
}

/// An answer; its body lies in the connection's buffer.
#[derive(Debug)]
pub(crate) struct Answer<'a> {
    /// The status code.
    pub(crate) status: u16,
    /// The body.
    pub(crate) body: &'a [u8],
}

/// A connection that is made when it is needed and made again when it broke.
pub(crate) struct Client {
    address: SocketAddr,
    stream: Option<TcpStream>,
    buffer: Vec<u8>,
    /// How often a connection was made.
    pub(crate) connects: u64,
}

impl Client {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { address, stream: None, buffer: Vec::new(), connects: 0 }
    }

    /// Sends one request and reads its answer.
    ///
    /// When a connection that served before turns out to be closed, the request goes out once more on a new
    /// one: servers close idle connections, and every request of this program may be repeated.
    ///
    /// # Errors
    /// When there is no whole answer within `patience`; the connection is given up then.
    pub(crate) async fn exchange(
        &mut self,
        request: &[u8],
        patience: Duration,
    ) -> Result<Answer<'_>, HttpError> {
        let reused = self.stream.is_some();
        let mut outcome = self.attempt(request, patience).await;
        if reused && matches!(outcome, Err(HttpError::Io(_))) {
            outcome = self.attempt(request, patience).await;
        }
        let layout = outcome?;
        let body = self.buffer.get(layout.body_at..layout.end).unwrap_or_default();
        Ok(Answer { status: layout.status, body })
    }

    async fn attempt(&mut self, request: &[u8], patience: Duration) -> Result<answer::Layout, HttpError> {
        // Taken out, so that a connection is forgotten whenever an exchange does not end well.
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => self.connect().await?,
        };
        let talk = talk(&mut stream, request, &mut self.buffer);
        let layout = timeout(patience, talk).await.map_err(|_elapsed| HttpError::TimedOut(patience))??;
        if !layout.closes {
            self.stream = Some(stream);
        }
        Ok(layout)
    }

    async fn connect(&mut self) -> Result<TcpStream, HttpError> {
        self.connects += 1;
        let stream = timeout(CONNECT_PATIENCE, TcpStream::connect(self.address))
            .await
            .map_err(|_elapsed| HttpError::TimedOut(CONNECT_PATIENCE))??;
        stream.set_nodelay(true)?;
        Ok(stream)
    }
}

async fn talk(
    stream: &mut TcpStream,
    request: &[u8],
    buffer: &mut Vec<u8>,
) -> Result<answer::Layout, HttpError> {
    buffer.clear();
    buffer.shrink_to(KEPT_BUFFER_BYTES);
    stream.write_all(request).await?;
    loop {
        buffer.reserve(FIRST_BUFFER_BYTES);
        if stream.read_buf(buffer).await? == 0 {
            let closed = std::io::ErrorKind::UnexpectedEof;
            return Err(if buffer.is_empty() { HttpError::Io(closed.into()) } else { HttpError::Cut });
        }
        if let Some(layout) = answer::layout(buffer)? {
            return Ok(layout);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    const PATIENCE: Duration = Duration::from_secs(5);
    const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: here\r\n\r\n";
    const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

    /// Answers `answers` on a connection each, in as many pieces as there are bytes.
    async fn serve(listener: TcpListener, answers: &[&[u8]]) {
        for answer in answers {
            let (mut stream, _from) = listener.accept().await.unwrap();
            stream.set_nodelay(true).unwrap();
            let mut request = [0; REQUEST.len()];
            stream.read_exact(&mut request).await.unwrap();
            for byte in *answer {
                stream.write_all(&[*byte]).await.unwrap();
                tokio::task::yield_now().await;
            }
        }
    }

    #[tokio::test]
    async fn a_closed_connection_is_made_again() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = Client::new(listener.local_addr().unwrap());
        let asking = async {
            for _ in 0..2 {
                let answer = client.exchange(REQUEST, PATIENCE).await.unwrap();
                assert_eq!((answer.status, answer.body), (200, b"ok".as_slice()));
            }
        };
        tokio::join!(asking, serve(listener, &[ANSWER, ANSWER]));
        assert_eq!(client.connects, 2);
    }

    #[tokio::test]
    async fn an_answer_cut_in_the_middle_is_an_error() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = Client::new(listener.local_addr().unwrap());
        let short = [ANSWER.split_last().unwrap().1];
        let (outcome, ()) = tokio::join!(
            async { client.exchange(REQUEST, PATIENCE).await.map(|answer| answer.status) },
            serve(listener, &short)
        );
        assert!(matches!(outcome, Err(HttpError::Cut)), "{outcome:?}");
    }

    #[tokio::test]
    async fn a_silent_server_is_given_up() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = Client::new(listener.local_addr().unwrap());
        let outcome = client.exchange(REQUEST, Duration::from_millis(20)).await;
        assert!(matches!(outcome, Err(HttpError::TimedOut(_))), "{outcome:?}");
    }
}
