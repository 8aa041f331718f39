//! Bodies and queries, read strictly: what is not understood is refused, so that a typo does not pass silently.

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::{BytesMut, Data, Payload};
use actix_web::{HttpRequest, ResponseError as _};
use futures::StreamExt as _;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use tokio::time::timeout;

use super::Gateway;
use super::problem::Problem;

/// How large a body may be and how long it may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BodyLimits {
    pub(crate) bytes: usize,
    pub(crate) time: Duration,
}

/// Reads a JSON body of a request without a query. The type must refuse unknown fields.
pub(crate) async fn json<T: DeserializeOwned>(
    request: &HttpRequest,
    payload: Payload,
    limits: BodyLimits,
) -> Result<T, Problem> {
    parsed(&body(request, payload, limits).await?)
}

/// The same for a request whose query is read too.
pub(crate) async fn json_too<T: DeserializeOwned>(
    request: &HttpRequest,
    payload: Payload,
    limits: BodyLimits,
) -> Result<T, Problem> {
    parsed(&all(request, payload, limits).await?)
}

/// Reads a body that is said to be JSON, of a request without a query.
pub(crate) async fn body(
    request: &HttpRequest,
    payload: Payload,
    limits: BodyLimits,
) -> Result<BytesMut, Problem> {
    no_query(request)?;
    all(request, payload, limits).await
}

/// The same for a body that may be left out; nothing needs no type.
pub(crate) async fn maybe_json<T: DeserializeOwned>(
    request: &HttpRequest,
    payload: Payload,
    limits: BodyLimits,
) -> Result<Option<T>, Problem> {
    no_query(request)?;
    let body = arrived(request, payload, limits).await?;
    if body.is_empty() {
        return Ok(None);
    }
    must_be_json(request)?;
    parsed(&body).map(Some)
}

fn must_be_json(request: &HttpRequest) -> Result<(), Problem> {
    if is_json(request) {
        return Ok(());
    }
    Err(Problem::unsupported_media_type("send content-type: application/json"))
}

async fn all(request: &HttpRequest, payload: Payload, limits: BodyLimits) -> Result<BytesMut, Problem> {
    must_be_json(request)?;
    arrived(request, payload, limits).await
}

async fn arrived(request: &HttpRequest, payload: Payload, limits: BodyLimits) -> Result<BytesMut, Problem> {
    match timeout(limits.time, bytes(payload, limits.bytes)).await {
        Ok(body) => body,
        Err(_late) => {
            if let Some(gateway) = request.app_data::<Data<Gateway>>() {
                gateway.metrics.body_was_late();
            }
            Err(Problem::too_slow("the body did not arrive in time"))
        }
    }
}

/// A body as a value. The type must refuse unknown fields.
pub(crate) fn parsed<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let object: Result<Object<T>, _> = serde_json::from_slice(body);
    object.map(|Object(value)| value).map_err(|error| Problem::invalid(format!("body: {error}")))
}

/// A value that is written as an object. By itself serde also reads a list of a type's fields in their order, which is
/// nowhere described.
#[derive(Clone, Debug)]
pub(crate) struct Object<T>(pub(crate) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(Fields(PhantomData)).map(Self)
    }
}

struct Fields<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Fields<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(fields))
    }
}

fn is_json(request: &HttpRequest) -> bool {
    let given = request.headers().get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}

async fn bytes(mut payload: Payload, most: usize) -> Result<BytesMut, Problem> {
    let mut body = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|error| Problem::invalid(format!("body: {}", error.status_code())))?;
        if body.len() + chunk.len() > most {
            return Err(Problem::too_large(format!("body: at most {most} bytes")));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The values of the one parameter that this query may have, in their order.
pub(crate) fn repeated(request: &HttpRequest, name: &str) -> Result<Vec<String>, Problem> {
    let pairs: Vec<(String, String)> = query(request)?;
    let value = |(given, value): (String, String)| {
        let known = given == name;
        if known { Ok(value) } else { Err(Problem::invalid(format!("query: unknown field `{given}`"))) }
    };
    pairs.into_iter().map(value).collect()
}

/// Reads the query. The type must refuse unknown fields; repeated ones are refused by serde.
pub(crate) fn query<T: DeserializeOwned>(request: &HttpRequest) -> Result<T, Problem> {
    let query = request.query_string();
    if query.contains("%00") {
        return Err(Problem::invalid("query: must not contain NUL"));
    }
    serde_urlencoded::from_str(query).map_err(|error| Problem::invalid(format!("query: {error}")))
}

/// Refuses a query where none is read.
pub(crate) fn no_query(request: &HttpRequest) -> Result<(), Problem> {
    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Nothing {}
    query::<Nothing>(request).map(drop)
}
