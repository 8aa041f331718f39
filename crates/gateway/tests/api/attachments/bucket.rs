//! The storage is a bucket behind a server that speaks S3.

use std::io::Write as _;

use pollgate_testkit::{Builder, FORM, FormField, S3Server, TcpProxy, eventually, form};

use super::{PNG, get, id, send_files};
use crate::scrape::LIMIT;
use crate::wire::Wire;
use crate::world::Pair::{Embedded, Production};
use crate::world::{assert_problem, world_with};

fn in_bucket(builder: Builder, server: &S3Server, endpoint: &str) -> Builder {
    builder
        .env("POLLGATE_ATTACHMENTS__URL", &format!("s3://{}/chat/files", server.bucket()))
        .env("POLLGATE_ATTACHMENTS__S3_ENDPOINT", endpoint)
        .env("POLLGATE_ATTACHMENTS__S3_ACCESS_KEY_ID", "key")
        .env("POLLGATE_ATTACHMENTS__S3_SECRET_ACCESS_KEY", "secret")
        .env("POLLGATE_ATTACHMENTS__TIMEOUT_MS", "5000")
}

#[test]
fn files_go_up_and_down_and_away() {
    let server = S3Server::start();
    let gateway = world_with(Production, |builder| {
        in_bucket(builder, &server, &server.endpoint())
            .env("POLLGATE_ATTACHMENTS__UPLOAD_S", "9")
            .env("POLLGATE_ATTACHMENTS__ORPHAN_S", "10")
    });
    let (ann, bob) = (gateway.user("ann"), gateway.user("bob"));
    let small = id(&ann.upload("photo.png", "image/png", PNG));
    // three parts, the last one shorter
    let bytes: Vec<u8> = (0..12_000_000_u32).map(|n| b"abcdefg\n"[n as usize % 7]).collect();
    let large = id(&ann.upload("large.txt", "text/plain", &bytes));
    let unused = id(&ann.upload("unused.png", "image/png", PNG));
    assert_eq!(send_files(&ann, "bob", &[&small, &large]).status, 201);
    assert_eq!(get(&bob, &small).body(), PNG);
    assert!(get(&bob, &large).body() == bytes, "what came down is not what went up");
    let part = bob.get_with(&format!("/v1/attachments/{large}"), &[("range", "bytes=5242870-5242889")]);
    assert_eq!((part.status, part.body()), (206, &bytes[5_242_870..5_242_890]));
    let mut keys = server.keys();
    keys.sort();
    let key = |id: &str| format!("chat/files/{}/{}/{id}", &id[32..34], &id[34..]);
    let mut expected = [key(&small), key(&large), key(&unused)];
    expected.sort();
    assert_eq!(keys, expected);
    eventually("the unused one is gone", LIMIT, || server.keys().len() == 2);
    assert_eq!(get(&bob, &small).status, 200);
    assert_eq!(server.unfinished(), 0);
}

#[test]
fn a_client_that_leaves_leaves_no_parts() {
    let server = S3Server::start();
    let gateway = world_with(Embedded, |builder| in_bucket(builder, &server, &server.endpoint()));
    let bytes = vec![b'x'; 12_000_000];
    let field = FormField { field: "file", file: Some("a.txt"), media_type: None, content: &bytes };
    let whole = form(&[field]);
    let mut wire = Wire::to(&gateway);
    let head = format!(
        "POST /v1/attachments HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-type: {FORM}\r\n\
         content-length: {}\r\n\r\n",
        gateway.token("ann"),
        whole.len()
    );
    wire.stream.write_all(head.as_bytes()).unwrap();
    wire.stream.write_all(&whole[..11_000_000]).unwrap();
    eventually("parts are being stored", LIMIT, || server.unfinished() == 1);
    drop(wire);
    eventually("they are given up", LIMIT, || server.unfinished() == 0);
    assert!(server.keys().is_empty());
}

#[test]
fn a_bucket_that_does_not_answer_is_not_waited_for() {
    let server = S3Server::start();
    let mut proxy = TcpProxy::start(&server.address());
    let through = format!("http://127.0.0.1:{}", proxy.port());
    let gateway = world_with(Embedded, |builder| {
        in_bucket(builder, &server, &through).env("POLLGATE_ATTACHMENTS__TIMEOUT_MS", "1000")
    });
    let ann = gateway.user("ann");
    let before = id(&ann.upload("photo.png", "image/png", PNG));
    proxy.blackhole();
    for refused in [ann.upload("photo.png", "image/png", PNG), get(&ann, &before)] {
        assert_problem(&refused, 503, "store-unavailable");
    }
    assert_eq!(gateway.readiness().0, 200);
    assert_eq!(ann.send("bob", "hi").status, 201, "messages go on");
    proxy.heal();
    eventually("it is there again", LIMIT, || get(&ann, &before).body() == PNG);
}
