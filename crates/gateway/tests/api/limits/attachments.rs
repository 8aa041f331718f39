//! Uploads and downloads at once.

use std::io::Write as _;

use pollgate_testkit::eventually;
use rstest::rstest;

use super::assert_refused;
use crate::attachments::{get, hold_upload, id};
use crate::scrape::{LIMIT, until_used};
use crate::wire::Wire;
use crate::world::Pair::{self, Embedded, Production};
use crate::world::{World, world_with};

#[rstest]
fn uploads_of_one_user(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world_with(pair, |builder| builder.env("POLLGATE_ATTACHMENTS__UPLOADS_PER_USER", "2"));
    let held = [hold_upload(&gateway, "ann"), hold_upload(&gateway, "ann")];
    until_used(&gateway, "uploads_per_user", 2.0);
    let ann = gateway.user("ann");
    let problem = (429, "throttled", "at most 2 uploads of one user at once");
    assert_refused(&gateway, "uploads_per_user", problem, || ann.upload("a", "", b"hello"));
    id(&gateway.user("bob").upload("a", "", b"hello"));
    drop(held);
    eventually("ann uploads again", LIMIT, || ann.upload("a", "", b"hello").status == 201);
    until_used(&gateway, "uploads_per_user", 0.0);
}

#[rstest]
fn uploads_in_all(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world_with(pair, |builder| builder.env("POLLGATE_ATTACHMENTS__UPLOADS", "3"));
    let held = ["ann", "bob", "eve"].map(|user| hold_upload(&gateway, user));
    until_used(&gateway, "uploads", 3.0);
    let fourth = gateway.user("dan");
    let problem = (503, "overloaded", "uploads");
    assert_refused(&gateway, "uploads", problem, || fourth.upload("a", "", b"hello"));
    drop(held);
    eventually("a fourth uploads", LIMIT, || fourth.upload("a", "", b"hello").status == 201);
    until_used(&gateway, "uploads", 0.0);
}

/// More than the system takes off the gateway's hands while its client reads nothing.
const LARGE: usize = 24 << 20;

/// A download whose client reads nothing.
fn hold_download(gateway: &World, user: &str, id: &str) -> Wire {
    let mut wire = Wire::to(gateway);
    let head = format!(
        "GET /v1/attachments/{id} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\r\n",
        gateway.token(user)
    );
    wire.stream.write_all(head.as_bytes()).unwrap();
    wire
}

#[rstest]
fn downloads_of_one_user_and_in_all(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world_with(pair, |builder| {
        builder
            .env("POLLGATE_ATTACHMENTS__DOWNLOADS", "3")
            .env("POLLGATE_ATTACHMENTS__DOWNLOADS_PER_USER", "2")
    });
    let (ann, bob) = (gateway.user("ann"), gateway.user("bob"));
    let large = id(&ann.upload("large.txt", "", &vec![b'x'; LARGE]));
    let (one, other) = (id(&ann.upload("a", "", b"hello")), id(&bob.upload("b", "", b"hello")));
    let mut held = vec![hold_download(&gateway, "ann", &large), hold_download(&gateway, "ann", &large)];
    until_used(&gateway, "downloads_per_user", 2.0);
    let problem = (429, "throttled", "at most 2 downloads of one user at once");
    assert_refused(&gateway, "downloads_per_user", problem, || get(&ann, &one));
    assert_eq!(get(&bob, &other).status, 200, "others are not meant");
    let theirs = id(&bob.upload("large.txt", "", &vec![b'x'; LARGE]));
    held.push(hold_download(&gateway, "bob", &theirs));
    until_used(&gateway, "downloads", 3.0);
    let eve = gateway.user("eve");
    let hers = id(&eve.upload("a", "", b"hello"));
    assert_refused(&gateway, "downloads", (503, "overloaded", "downloads"), || get(&eve, &hers));
    drop(held);
    eventually("eve downloads", LIMIT, || get(&eve, &hers).status == 200);
    until_used(&gateway, "downloads", 0.0);
}
