//! What answers tell browsers: every page, every file, every route, every refusal.

use pollgate_testkit::{Answer, User};
use serde_json::Value;

use crate::world::Pair::Embedded;
use crate::world::{World, world};

fn said<'a>(answer: &'a Answer, name: &str) -> &'a str {
    answer.header(name).unwrap_or_default()
}

/// What holds whatever is answered.
fn assert_guarded(path: &str, answer: &Answer) {
    assert_eq!(said(answer, "x-content-type-options"), "nosniff", "{path}: {answer:?}");
    assert_eq!(said(answer, "referrer-policy"), "no-referrer", "{path}: {answer:?}");
    assert!(!said(answer, "cache-control").is_empty(), "{path}: {answer:?}");
    let policy = said(answer, "content-security-policy");
    assert!(policy.contains("default-src '"), "{path}: {answer:?}");
    assert!(policy.contains("sandbox") || policy.contains("frame-ancestors '"), "{path}: {policy}");
    assert!(!policy.contains("unsafe-inline") && !policy.contains("unsafe-eval"), "{path}: {policy}");
    assert!(!said(answer, "cross-origin-resource-policy").is_empty(), "{path}: {answer:?}");
    assert_eq!(answer.header("server"), None, "{path}: {answer:?}");
    assert_eq!(answer.header("set-cookie"), None, "{path}: {answer:?}");
}

fn assert_page(path: &str, answer: &Answer) {
    assert_eq!(answer.status, 200, "{path}: {answer:?}");
    assert_guarded(path, answer);
    if !said(answer, "content-type").starts_with("text/html") {
        return;
    }
    assert_eq!(said(answer, "cross-origin-opener-policy"), "same-origin", "{path}");
    assert_eq!(said(answer, "cross-origin-resource-policy"), "same-origin", "{path}");
    assert!(said(answer, "permissions-policy").contains("camera=()"), "{path}");
    let policy = said(answer, "content-security-policy");
    for rule in ["default-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors '"] {
        assert!(policy.contains(rule), "{path}: {policy}");
    }
    let text = String::from_utf8_lossy(answer.body());
    for tag in text.split("<script").skip(1) {
        assert!(tag.split('>').next().unwrap().contains(" src="), "{path}: a script in the page");
    }
    assert!(
        !text.contains(" onload=") && !text.contains(" onclick=") && !text.contains("javascript:"),
        "{path}"
    );
}

/// Every file that is served, as the crate that holds them lists them.
#[test]
fn every_page_and_every_file_of_one() {
    let gateway = world(Embedded);
    let nobody = gateway.anybody(None);
    let mut pages = 0;
    for path in pollgate_web::paths() {
        let path = format!("/{path}");
        let answer = nobody.get(&path);
        // what belongs to the operator address is not here
        if answer.status == 404
            && !path.starts_with("/client/")
            && !path.starts_with("/demo/")
            && !path.starts_with("/docs/")
        {
            continue;
        }
        assert_page(&path, &answer);
        pages += usize::from(path.ends_with(".html"));
        let shared = path.starts_with("/client/") || (path.starts_with("/demo/") && !path.ends_with(".html"));
        let policy = said(&answer, "cross-origin-resource-policy");
        assert_eq!(policy == "cross-origin", shared, "{path}: {policy}");
    }
    assert!(pages >= 5, "{pages} pages");
    for path in ["/demo/", "/docs/", "/demo/support/", "/docs/swagger-ui-bundle.js"] {
        assert_page(path, &nobody.get(path));
    }
}

/// Asks for a path of the description as it stands there: with ids that are none.
fn ask(user: &User, method: &str, path: &str) -> Answer {
    let path: Vec<_> = path
        .split('/')
        .map(|part| if part.starts_with('{') { "019aa000-0000-7000-8000-000000000000" } else { part })
        .collect();
    let path = path.join("/");
    let body: &[u8] = if matches!(method, "POST" | "PATCH" | "PUT") { b"{}" } else { b"" };
    user.request(method, &path, &[("content-type", "application/json")], body).unwrap()
}

fn routes(gateway: &World) -> Vec<(String, String)> {
    let described = gateway.anybody(None).get("/openapi.json");
    assert_guarded("/openapi.json", &described);
    let paths = described.json["paths"].as_object().unwrap();
    let methods = |path: &Value| -> Vec<String> {
        path.as_object().unwrap().keys().map(|m| m.to_uppercase()).collect()
    };
    paths
        .iter()
        .flat_map(|(path, item)| methods(item).into_iter().map(move |method| (method, path.clone())))
        .collect()
}

/// Every route of the description, by somebody, by nobody, by a wrong method: answers with content of users stand in no
/// cache.
#[test]
fn every_route_and_every_refusal() {
    let gateway = world(Embedded);
    let routes = routes(&gateway);
    assert!(routes.len() > 25, "{} routes", routes.len());
    let everybody =
        [gateway.user("ann"), gateway.user_with("op", "user publish operator"), gateway.anybody(None)];
    for (method, path) in &routes {
        // these do not end by themselves, and are looked at below
        if path == "/v1/stream" || path == "/v1/ws" {
            continue;
        }
        for user in &everybody {
            let wait = if path == "/v1/poll" { "/v1/poll?wait=0" } else { path };
            let answer = ask(user, method, wait);
            assert_guarded(path, &answer);
            let kept = said(&answer, "cache-control");
            assert!(kept == "no-store" || path == "/openapi.json", "{method} {path}: {kept} {answer:?}");
        }
        assert_guarded(path, &ask(&everybody[0], "TRACE", path));
    }
    for path in ["/", "/nothing", "/v1/nothing", "/client/nothing", "/demo", "/docs", "/metrics"] {
        assert_guarded(path, &everybody[0].get(path));
    }
    let preflight = [("origin", "https://evil.example"), ("access-control-request-method", "DELETE")];
    let answer = everybody[0].request("OPTIONS", "/v1/messages", &preflight, &[]).unwrap();
    assert_guarded("a preflight", &answer);
    assert_eq!(answer.header("access-control-allow-origin"), None, "{answer:?}");
    assert_guarded("/v1/stream", &everybody[0].stream("").answer);
    assert_guarded("/v1/stream", &everybody[2].stream("").answer);
}

#[test]
fn every_route_of_the_operator_address() {
    let gateway = world(Embedded);
    let nobody = gateway.at_operator_address();
    for path in ["/", "/metrics", "/healthz", "/readyz", "/v1/mailboxes?user=ann", "/nothing"] {
        let answer = nobody.get(path);
        assert_guarded(path, &answer);
        assert_eq!(said(&answer, "cross-origin-resource-policy"), "same-origin", "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), None, "{path}");
    }
}

/// Answers never send a browser anywhere that a request named.
#[test]
fn nobody_is_sent_to_where_a_request_says() {
    let gateway = world(Embedded);
    let asks = |line: &str, host: &str| -> String {
        let request = format!(
            "{line} HTTP/1.1\r\nhost: {host}\r\nx-forwarded-host: {host}\r\nconnection: close\r\n\r\n"
        );
        let mut came = String::new();
        let mut stream = gateway.anybody(None).begin(request.as_bytes());
        std::io::Read::read_to_string(&mut stream, &mut came).unwrap();
        came
    };
    for path in [
        "/demo",
        "/docs",
        "//evil.example",
        "/demo//evil.example",
        "/\\evil.example",
        "/%2f%2fevil.example",
        "http://evil.example/demo",
    ] {
        let came = asks(&format!("GET {path}"), "evil.example");
        assert!(came.starts_with("HTTP/1.1 "), "{path}: {came}");
        let location = came.lines().find_map(|line| line.strip_prefix("location: "));
        assert!(location.is_none_or(|to| to == "/demo/" || to == "/docs/"), "{path}: {came}");
        assert!(!came.contains("evil.example"), "{path}: {came}");
    }
}
