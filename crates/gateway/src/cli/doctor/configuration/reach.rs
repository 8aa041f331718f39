//! Who reaches the gateway, and what they find.

use super::is_postgres;
use crate::cli::doctor::finding::Finding;
use crate::settings::Settings;

pub(super) fn check(settings: &Settings) -> Vec<Finding> {
    vec![public(settings), operator(settings), demo(settings), cors(settings), attachments(settings)]
}

fn public(settings: &Settings) -> Finding {
    let id = "configuration.public-address";
    let address = settings.http.listen;
    if address.ip().is_loopback() && is_postgres(settings) {
        return Finding::note(id, format!("http.listen is {address}: only this machine reaches it"))
            .means("right behind a balancer on the same machine; from elsewhere nobody comes through");
    }
    if address.ip().is_loopback() {
        return Finding::ok(id, format!("http.listen is {address}, for this machine"));
    }
    if Vec::from(settings.http.trusted_proxies.clone()).is_empty() {
        return Finding::note(id, format!("http.listen is {address}, and http.trusted_proxies is empty"))
            .means("the gateway speaks no TLS itself; with a balancer in front, the log names the balancer instead of clients")
            .change("name the balancer in http.trusted_proxies");
    }
    Finding::ok(id, format!("http.listen is {address}, behind proxies that are named"))
}

fn operator(settings: &Settings) -> Finding {
    let id = "configuration.operator-address";
    let address = settings.http.operator_listen;
    if address.ip().is_loopback() {
        return Finding::ok(id, format!("http.operator_listen is {address}, for this machine only"));
    }
    // without a token the configuration is refused before anybody gets here
    Finding::note(id, format!("http.operator_listen is {address}, which other machines reach; it asks for http.operator_token"))
        .means("the token goes over the network without TLS: right in a private network, and behind a proxy that has TLS")
}

fn demo(settings: &Settings) -> Finding {
    let id = "configuration.demo";
    if !settings.http.demo {
        return Finding::ok(id, "the example pages are off");
    }
    if is_postgres(settings) {
        return Finding::warning(id, "the example pages are served at /demo/, with a production database")
            .means("they are for trying things out: who has a token can write to everybody with them")
            .change("http.demo = false");
    }
    Finding::ok(id, "the example pages are served at /demo/")
}

fn cors(settings: &Settings) -> Finding {
    let id = "configuration.cors";
    let origins = &settings.http.cors_origins;
    if origins.iter().any(|origin| origin == "*") {
        return Finding::warning(id, "http.cors_origins has \"*\": pages of every site may call")
            .means("a page that gets hold of a token, by whatever way, can use it from anywhere")
            .change("name the sites whose pages call, such as \"https://shop.example\"");
    }
    Finding::ok(id, format!("pages of {} other sites may call", origins.len()))
}

fn attachments(settings: &Settings) -> Finding {
    let id = "configuration.attachments";
    if is_postgres(settings) && settings.attachments.is_embedded() {
        return Finding::warning(id, "attachments are kept in data_dir of each gateway")
            .means("a file that was uploaded at one gateway is not found by another")
            .change("attachments.url: a folder that all gateways mount, or a bucket");
    }
    Finding::ok(id, "one place for attachments")
}
