//! The page for those who run the gateway, on the operator address.

mod live;
mod watchers;

use actix_web::web::{Path, ServiceConfig, get};
use actix_web::{HttpRequest, HttpResponse};

pub(crate) use watchers::Watchers;

use super::pages;
use super::problem::Problem;
use super::table::only;

/// The page, its files, and what it draws.
pub(super) fn page(config: &mut ServiceConfig) {
    config
        .service(only("/", "GET", [get().to(index)]))
        .service(only("/operator/live", "GET", [get().to(live::live)]))
        .service(only("/operator/{path:.*}", "GET", [get().to(file)]));
}

async fn index(request: HttpRequest) -> Result<HttpResponse, Problem> {
    pages::served(&request, "operator/")
}

/// A file of the page. What it shares with the example pages and the client library lies there, once; it is served here
/// whether those are served or not.
async fn file(request: HttpRequest, path: Path<String>) -> Result<HttpResponse, Problem> {
    let shared = path.strip_prefix("shared/").and_then(|rest| match rest.split_once('/')?.0 {
        "common" | "vendor" => Some(format!("demo/{rest}")),
        "client" => Some(rest.to_owned()),
        _other => None,
    });
    pages::served(&request, &shared.unwrap_or_else(|| format!("operator/{path}")))
}
