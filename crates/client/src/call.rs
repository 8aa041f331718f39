//! One call: a request, its attempts, and its answer.

use std::time::{Duration, SystemTime};

use bytes::{Bytes, BytesMut};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::{Method, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::{Instant, sleep, timeout};

use crate::backoff::{Backoff, dice};
use crate::client::Client;
use crate::error::{Error, Problem};

/// More than the largest answer.
const LARGEST: usize = 64 << 20;
const KEY: &str = "idempotency-key";
/// For an attempt that moves a file, or a poll that is held.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// What is asked of the gateway.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    method: Method,
    path: Vec<String>,
    query: Vec<(&'static str, String)>,
    headers: Vec<(&'static str, String)>,
    body: Option<Bytes>,
    repeats: bool,
    patience: Option<Duration>,
}

impl Call {
    /// To this path below `/v1`; each segment is encoded.
    pub(crate) fn new<'a>(method: Method, path: impl IntoIterator<Item = &'a str>) -> Self {
        Self {
            method,
            path: path.into_iter().map(str::to_owned).collect(),
            query: Vec::new(),
            headers: Vec::new(),
            body: None,
            repeats: false,
            patience: None,
        }
    }

    pub(crate) fn get<'a>(path: impl IntoIterator<Item = &'a str>) -> Self {
        Self::new(Method::GET, path).repeats()
    }

    /// The same twice does what it does once: it may be tried again.
    pub(crate) fn repeats(mut self) -> Self {
        self.repeats = true;
        self
    }

    /// How long an attempt may take.
    pub(crate) fn patience(mut self, patience: Duration) -> Self {
        self.patience = Some(patience);
        self
    }

    pub(crate) fn query(mut self, name: &'static str, value: impl ToString) -> Self {
        self.query.push((name, value.to_string()));
        self
    }

    pub(crate) fn maybe(self, name: &'static str, value: Option<impl ToString>) -> Self {
        match value {
            Some(value) => self.query(name, value),
            None => self,
        }
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Every attempt sends the same bytes.
    pub(crate) fn json(self, body: &impl Serialize) -> Result<Self, Error> {
        let bytes = serde_json::to_vec(body).map_err(|error| Error::Setup(error.to_string()))?;
        Ok(self.body("application/json", Bytes::from(bytes)))
    }

    pub(crate) fn body(mut self, kind: &str, body: Bytes) -> Self {
        self.body = Some(body);
        self.header(CONTENT_TYPE.as_str(), kind)
    }

    /// Makes a repeat harmless: the gateway remembers the key.
    pub(crate) fn key(self, key: &str) -> Self {
        // in quotes it may hold what a bare one may not
        let quoted = key.replace('\\', "\\\\").replace('"', "\\\"");
        self.header(KEY, format!("\"{quoted}\"")).repeats()
    }

    fn worth_another(&self, error: &Error) -> bool {
        match error {
            Error::Network(_) => true,
            Error::Problem(problem) => match problem.status {
                429 | 502..=504 => true,
                // the first attempt under this key is still in progress
                409 => problem.code == "conflict" && self.headers.iter().any(|(name, _)| *name == KEY),
                _ => false,
            },
            _ => false,
        }
    }
}

impl Client {
    /// The answer as a value.
    pub(crate) async fn read<T: DeserializeOwned>(&self, call: Call) -> Result<T, Error> {
        parse(&self.done(call).await?)
    }

    /// Does it, with as many attempts as the deadline allows if it may be repeated.
    pub(crate) async fn done(&self, call: Call) -> Result<Bytes, Error> {
        let deadline = Instant::now() + self.inner.deadline;
        let mut backoff = Backoff::default();
        loop {
            let error = match self.attempt(&call).await {
                Ok(body) => return Ok(body),
                Err(error) if call.repeats && call.worth_another(&error) => error,
                Err(error) => return Err(error),
            };
            let pause = backoff.wait(error.retry_after(), dice());
            if Instant::now() + pause >= deadline {
                return Err(error);
            }
            sleep(pause).await;
        }
    }

    /// One attempt, and all of its answer.
    pub(crate) async fn attempt(&self, call: &Call) -> Result<Bytes, Error> {
        let patience = call.patience.unwrap_or(self.inner.patience);
        let all = async { whole(self.respond(call).await?).await };
        timeout(patience, all).await.map_err(Error::network)?
    }

    /// The head of the answer, which is a success. A token that has expired is replaced once.
    pub(crate) async fn respond(&self, call: &Call) -> Result<Response, Error> {
        let token = self.inner.tokens.get().await?;
        let problem = match self.respond_with(call, &token).await? {
            Ok(response) => return Ok(response),
            Err(problem) => problem,
        };
        if problem.status != 401 || problem.code != "token-expired" {
            return Err(Error::Problem(problem));
        }
        let Some(fresh) = self.inner.tokens.instead_of(&token).await? else {
            return Err(Error::Problem(problem));
        };
        self.respond_with(call, &fresh).await?.map_err(Error::Problem)
    }

    async fn respond_with(&self, call: &Call, token: &str) -> Result<Result<Response, Problem>, Error> {
        let mut url = self.inner.url.clone();
        let cannot_be = || Error::Setup(format!("{url} cannot be a base", url = self.inner.url));
        url.path_segments_mut().map_err(|()| cannot_be())?.pop_if_empty().push("v1").extend(&call.path);
        if !call.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&call.query);
        }
        let mut request = self.inner.http.request(call.method.clone(), url);
        request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        for (name, value) in &call.headers {
            request = request.header(*name, value);
        }
        if let Some(body) = &call.body {
            request = request.body(body.clone());
        }
        let response = request.send().await.map_err(reach)?;
        let status = response.status();
        if status.is_success() {
            return Ok(Ok(response));
        }
        let retry_after = retry_after(response.headers(), SystemTime::now());
        let request_id = response.headers().get("x-request-id");
        let request_id = request_id.and_then(|id| id.to_str().ok()).map(str::to_owned);
        let body = whole(response).await?;
        Ok(Err(Problem { retry_after, request_id, ..Problem::read(status.as_u16(), &body) }))
    }
}

pub(crate) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(body).map_err(Error::answer)
}

/// Without the URL: its query may hold what is nobody's business, and who calls knows where.
pub(crate) fn reach(error: reqwest::Error) -> Error {
    let error = error.without_url();
    // reqwest's own words are "error sending request"; why stands in its sources
    let mut deepest: &dyn std::error::Error = &error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    Error::network(deepest.to_string())
}

async fn whole(mut response: Response) -> Result<Bytes, Error> {
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(reach)? {
        if body.len() + chunk.len() > LARGEST {
            return Err(Error::answer(format!("it has more than {LARGEST} bytes")));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

/// Seconds, or a date.
fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = httpdate::parse_http_date(text).ok()?;
    Some(at.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        let read = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, text.parse().unwrap());
            retry_after(&headers, now)
        };
        assert_eq!(read("7"), Some(Duration::from_secs(7)));
        assert_eq!(read("Sun, 09 Sep 2001 01:46:50 GMT"), Some(Duration::from_secs(10)));
        assert_eq!(read("Sun, 09 Sep 2001 01:46:30 GMT"), Some(Duration::ZERO));
        assert_eq!(read("soon"), None);
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }
}
