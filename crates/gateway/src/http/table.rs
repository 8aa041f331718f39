//! One row of a route table: a path, and what is done for each method there.

use actix_web::dev::{AppService, HttpServiceFactory};
use actix_web::web::{resource, route};
use actix_web::{HttpResponse, Resource, Route};

use super::problem::Problem;

/// A row: kept as it was written until it is registered, so that the table can be compared with what describes it.
pub(crate) struct Served {
    pub(crate) path: &'static str,
    /// The methods, as `Allow` says them.
    pub(crate) allow: &'static str,
    routes: Vec<Route>,
}

/// A resource that answers some methods, and says which ones to all others.
pub(crate) fn only(
    path: &'static str,
    allow: &'static str,
    routes: impl IntoIterator<Item = Route>,
) -> Served {
    Served { path, allow, routes: routes.into_iter().collect() }
}

impl HttpServiceFactory for Served {
    fn register(self, config: &mut AppService) {
        let allow = self.allow;
        let refused = move || async move { Err::<HttpResponse, Problem>(Problem::method_not_allowed(allow)) };
        let all = self.routes.into_iter().fold(resource(self.path), Resource::route);
        all.default_service(route().to(refused)).register(config);
    }
}
