//! Who may see what operators see, on the operator address.
//!
//! With `http.operator_token` everybody is asked for it, but those who only want to know whether the gateway lives. Without,
//! the address is this machine's alone (the configuration is refused otherwise), and what is left to keep out are web
//! pages: the browser of somebody who works on this machine reaches the address, too.

use std::net::IpAddr;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{AUTHORIZATION, HOST, HeaderMap};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpMessage as _, HttpRequest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::caller::needs;
use super::problem::Problem;
use super::{Gateway, origin};
use crate::auth::{AuthError, Scope, credential};
use crate::settings::Secret;

/// What balancers and supervisors ask for, who have no token.
const HEALTH: [&str; 2] = ["/healthz", "/readyz"];
/// Below these are the files of the page, which holds nothing until its reader signs in.
const FILES: [&str; 1] = ["/operator/"];
const ENDINGS: [&str; 8] = [".html", ".css", ".js", ".svg", ".png", ".ico", ".json", ".woff2"];

/// Longer headers hold no credential of ours.
const LONGEST: usize = 16 << 10;

/// The operator token, as far as it must be known.
pub(crate) struct OperatorDoor {
    /// `None`: nothing is asked for.
    token: Option<[u8; 32]>,
}

/// A request that came with the operator token.
#[derive(Clone, Copy)]
struct CameWithTheToken;

impl OperatorDoor {
    /// With this token; empty: none.
    pub(crate) fn new(token: &Secret) -> Self {
        let token = token.expose();
        Self { token: (!token.is_empty()).then(|| Sha256::digest(token).into()) }
    }

    /// The header holds the token. How long that takes tells nothing about either: hashes are compared, to their end.
    fn opens_with(&self, header: &str) -> bool {
        let Some(token) = &self.token else { return false };
        let given = match credential(header) {
            Some(given) => given.to_owned(),
            None => match password(header) {
                Some(given) => given,
                None => return false,
            },
        };
        let given: [u8; 32] = Sha256::digest(given).into();
        given.ct_eq(token).into()
    }
}

/// The password in `Authorization: Basic` (RFC 7617); who says to be whom does not matter.
pub(super) fn password(header: &str) -> Option<String> {
    let (scheme, rest) = header.trim().split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") || rest.len() > LONGEST {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(rest.trim()).ok()?).ok()?;
    text.split_once(':').map(|(_user, password)| password.to_owned())
}

/// Middleware of the operator address: see the module's text.
pub(crate) async fn ask_at_the_door<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    if let Err(problem) = may_pass(request.request()).await {
        return Ok(request.error_response(problem));
    }
    Ok(next.call(request).await?.map_into_boxed_body())
}

async fn may_pass(request: &HttpRequest) -> Result<(), Problem> {
    if HEALTH.contains(&request.path()) {
        return Ok(());
    }
    not_from_elsewhere(request)?;
    let Some(gateway) = request.app_data::<Data<Gateway>>() else {
        return Err(Problem::not_found("resource"));
    };
    if gateway.door.token.is_none() {
        return of_this_machine(request.headers());
    }
    if is_read(request) && is_file(request.path()) {
        return Ok(());
    }
    let header = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    if header.is_some_and(|header| gateway.door.opens_with(header)) {
        request.extensions_mut().insert(CameWithTheToken);
        return Ok(());
    }
    // somebody with a token of one's own, who may do more than the others
    match header.and_then(credential) {
        None => Err(nobody(request, "this address wants http.operator_token")),
        Some(given) => match gateway.auth.authenticate(given).await {
            Ok(caller) => needs(&caller, Scope::Operator),
            Err(AuthError::Unauthenticated | AuthError::Missing) => {
                Err(nobody(request, "neither http.operator_token nor a token with the scope operator"))
            }
            Err(other) => Err(other.into()),
        },
    }
}

fn is_read(request: &HttpRequest) -> bool {
    [Method::GET, Method::HEAD].contains(request.method())
}

fn is_file(path: &str) -> bool {
    let below = FILES.iter().any(|folder| path.starts_with(folder));
    path == "/" || (below && ENDINGS.iter().any(|ending| path.ends_with(ending)))
}

/// A browser that goes to an address may ask its user for a password; a script on our page asks by itself.
fn nobody(request: &HttpRequest, detail: &str) -> Problem {
    match request.headers().get("sec-fetch-mode") {
        Some(mode) if mode != "navigate" => Problem::unauthenticated(detail),
        _navigates_or_no_browser => Problem::no_operator(detail),
    }
}

/// A browser sends a password that it knows along with whatever any page asks for: what changes something must be asked
/// for by a page from here.
fn not_from_elsewhere(request: &HttpRequest) -> Result<(), Problem> {
    if is_read(request) {
        return Ok(());
    }
    let site = request.headers().get("sec-fetch-site").and_then(|value| value.to_str().ok());
    let elsewhere = site.is_some_and(|site| !matches!(site, "same-origin" | "none"));
    if elsewhere || origin::foreign(request.headers()).is_some() {
        return Err(Problem::forbidden("pages of other origins may change nothing here"));
    }
    Ok(())
}

/// A page of a foreign name that its owner made point to this machine (DNS rebinding) asks for that name.
fn of_this_machine(headers: &HeaderMap) -> Result<(), Problem> {
    let Some(host) = headers.get(HOST) else { return Ok(()) };
    let named = host.to_str().is_ok_and(is_this_machine);
    if named {
        return Ok(());
    }
    Err(Problem::forbidden(
        "without http.operator_token this address answers to localhost, 127.0.0.1 and [::1] only",
    ))
}

pub(super) fn is_this_machine(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _no_port => host,
    };
    let name = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}

impl Gateway {
    /// Refuses everybody but operators: with the scope, or with the token of the operator address. Who it is, for the log.
    pub(crate) async fn operator(&self, request: &HttpRequest) -> Result<String, Problem> {
        if request.extensions().get::<CameWithTheToken>().is_some() {
            return Ok("http.operator_token".to_owned());
        }
        let caller = self.caller(request).await?;
        needs(&caller, Scope::Operator)?;
        Ok(caller.user.as_str().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "0123456789abcdef0123456789abcdef";

    fn basic(login: &str) -> String {
        format!("Basic {}", STANDARD.encode(login))
    }

    #[test]
    fn the_token_opens_in_three_forms_and_nothing_else_does() {
        let door = OperatorDoor::new(&Secret::from(TOKEN.to_owned()));
        let good = [
            format!("Bearer {TOKEN}"),
            format!("token  {TOKEN} "),
            basic(&format!("anybody:{TOKEN}")),
            basic(&format!(":{TOKEN}")),
            basic(&format!("a:{TOKEN}")).replace("Basic", "bAsIc"),
        ];
        for header in good {
            assert!(door.opens_with(&header), "{header}");
        }
        let bad = [
            String::new(),
            TOKEN.to_owned(),
            format!("Bearer {TOKEN}x"),
            format!("Bearer {}", TOKEN.get(1..).unwrap()),
            basic(TOKEN),
            basic(&format!("{TOKEN}:")),
            basic(&format!("a:b:{TOKEN}")),
            format!("Basic {TOKEN}"),
            "Basic ////".to_owned(),
            format!("Digest {TOKEN}"),
        ];
        for header in bad {
            assert!(!door.opens_with(&header), "{header}");
        }
        let none = OperatorDoor::new(&Secret::default());
        assert!(!none.opens_with("Bearer ") && !none.opens_with(&basic(":")), "no token is no empty token");
    }

    #[test]
    fn files_of_the_page_are_files() {
        for open in ["/", "/operator/page.js", "/operator/shared/common/base.css"] {
            assert!(is_file(open), "{open}");
        }
        for not in
            ["/metrics", "/operator/live", "/operator/", "/v1/mailboxes", "/v1/a.js", "/operator", "//", ""]
        {
            assert!(!is_file(not), "{not}");
        }
    }

    #[test]
    fn names_of_this_machine() {
        for name in ["localhost", "LocalHost:9090", "127.0.0.1:9090", "127.9.9.9", "[::1]:9090", "[::1]"] {
            assert!(is_this_machine(name), "{name}");
        }
        for name in
            ["evil.example", "evil.example:9090", "localhost.evil.example", "10.0.0.1:9090", "", "[::2]:9090"]
        {
            assert!(!is_this_machine(name), "{name}");
        }
    }
}
