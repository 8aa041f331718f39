//! One operation as it is asked for, over HTTP or over a WebSocket: by whom, and where it is noted what was counted.

use actix_web::{HttpMessage as _, HttpRequest};
use pollgate_core::{Class, CoreError, Verdict};

use super::Gateway;
use super::problem::Problem;
use super::traced::Begun;
use crate::auth::{Caller, Scope};

/// See the module's text.
pub(crate) struct Call<'a> {
    pub(crate) gateway: &'a Gateway,
    pub(crate) caller: &'a Caller,
    /// Whose answer says what is left of the class; `None`: it came over a WebSocket.
    request: Option<&'a HttpRequest>,
    /// When it came, and where it stands in a trace.
    pub(crate) begun: Begun,
}

impl<'a> Call<'a> {
    /// Asked for by a request.
    pub(crate) fn http(gateway: &'a Gateway, caller: &'a Caller, request: &'a HttpRequest) -> Self {
        Self { gateway, caller, request: Some(request), begun: Begun::of(request) }
    }

    /// Asked for over a WebSocket.
    pub(crate) const fn ws(gateway: &'a Gateway, caller: &'a Caller, begun: Begun) -> Self {
        Self { gateway, caller, request: None, begun }
    }

    /// Counts this operation for its caller; the answer to a request will say what is left. A back end has a class of its
    /// own, whatever it asks for; operators are not counted.
    ///
    /// # Errors
    /// 429: the caller made as many of this class as one may.
    pub(crate) async fn throttle(&self, class: &Class) -> Result<(), Problem> {
        if self.caller.has(Scope::Operator) {
            return Ok(());
        }
        let class = if self.caller.has(Scope::Publish) { &Class::Publish } else { class };
        let (allowance, refused) = match self.gateway.core.throttle().charge(&self.caller.user, class).await {
            Verdict::Free => return Ok(()),
            Verdict::Passed(allowance) => (allowance, None),
            Verdict::Refused(allowance, wait) => (allowance, Some(wait)),
        };
        let class = allowance.class.clone();
        if let Some(request) = self.request {
            request.extensions_mut().insert(allowance);
        }
        match refused {
            None => Ok(()),
            Some(wait) => Err(CoreError::Throttled { class, wait }.into()),
        }
    }
}
