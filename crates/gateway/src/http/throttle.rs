//! Throttling as HTTP sees it: one line in each route that is counted, and the fields of every answer to it.
//!
//! The fields are those of draft-ietf-httpapi-ratelimit-headers-10: `RateLimit-Policy: "messages";q=60;w=60` says how many
//! requests (`q`) in how many seconds (`w`) a user may make of this class, `RateLimit: "messages";r=59;t=1` how many are
//! left (`r`) and in how many seconds all of them are there again (`t`).

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage as _, HttpRequest};
use pollgate_core::{Allowance, Class};

use super::Gateway;
use super::call::Call;
use super::problem::Problem;
use crate::auth::Caller;

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LIMIT: HeaderName = HeaderName::from_static("ratelimit");

impl Gateway {
    /// Counts this request for its caller: see [`Call::throttle`].
    ///
    /// # Errors
    /// 429: the caller made as many requests of this class as one may.
    pub(crate) async fn throttle(
        &self,
        request: &HttpRequest,
        caller: &Caller,
        class: &Class,
    ) -> Result<(), Problem> {
        Call::http(self, caller, request).throttle(class).await
    }
}

/// Middleware: puts the fields on the answer to a request that was counted, whether it passed or not.
pub(crate) async fn rate_limit_fields<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let mut response = next.call(request).await?;
    let allowance = response.request().extensions_mut().remove::<Allowance>();
    if let Some([policy, limit]) = allowance.as_ref().and_then(fields) {
        response.headers_mut().insert(POLICY, policy);
        response.headers_mut().insert(LIMIT, limit);
    }
    Ok(response)
}

/// Both values. A class is named by letters, digits, `-`, `_` and `.`, so its name needs no escapes.
fn fields(allowance: &Allowance) -> Option<[HeaderValue; 2]> {
    let Allowance { class, rate, remaining, full_in } = allowance;
    let whole_seconds = full_in.as_millis().div_ceil(1000);
    let policy = format!("\"{class}\";q={};w={}", rate.size(), rate.period_s());
    let limit = format!("\"{class}\";r={remaining};t={whole_seconds}");
    Some([HeaderValue::try_from(policy).ok()?, HeaderValue::try_from(limit).ok()?])
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_fields_are_those_of_the_draft() {
        let allowance = |remaining, full_in| {
            let rate = "60/min".parse().unwrap();
            fields(&Allowance { class: "context.order".into(), rate, remaining, full_in }).unwrap()
        };
        assert_eq!(
            allowance(59, Duration::from_millis(1)),
            ["\"context.order\";q=60;w=60", "\"context.order\";r=59;t=1"].map(HeaderValue::from_static)
        );
        assert_eq!(allowance(0, Duration::from_secs(60))[1], "\"context.order\";r=0;t=60");
        assert_eq!(allowance(60, Duration::ZERO)[1], "\"context.order\";r=60;t=0");
    }
}
