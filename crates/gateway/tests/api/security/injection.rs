//! Texts that mean something to whatever they pass: logs, terminals, headers, paths, SQL, JSON readers.

use std::io::Write as _;

use rstest::rstest;
use serde_json::{Value, json};

use crate::world::Pair::{self, Embedded, Production};
use crate::world::{assert_problem, world, world_with};

const EVIL: &str =
    "\n2026-11-21T00:00:00Z ERROR pollgate: FORGED\r\n\u{1b}[31mRED\u{1b}[0m\u{7}\u{9b}31m\u{202e}";

/// As text, where a line is a line: whoever is named like one forges none, and colours no terminal.
#[test]
fn nobody_writes_lines_into_the_log() {
    let gateway = world_with(Embedded, |builder| {
        builder
            .env("POLLGATE_LOG__FORMAT", "text")
            .env("POLLGATE_LOG__LEVEL", "trace")
            .env("POLLGATE_LOG__SLOW_MS", "0")
    });
    let evil = gateway.user(EVIL);
    assert_eq!(evil.send(EVIL, EVIL).status, 201);
    let group = evil.post("/v1/rooms", &json!({"name": EVIL, "members": [EVIL], "category": "x\ny", "context": {"kind": "order", "id": EVIL}}));
    assert!(matches!(group.status, 201 | 400), "{group:?}");
    let encoded: String = EVIL.bytes().map(|byte| format!("%{byte:02x}")).collect();
    for path in [
        format!("/v1/poll?cursor=&wait=0&session={encoded}"),
        format!("/v1/poll?cursor={encoded}"),
        format!("/v1/rooms/{encoded}/messages"),
        format!("/v1/attachments/{encoded}"),
        format!("/v1/search?q={encoded}"),
        format!("/{encoded}"),
        format!("/demo/{encoded}"),
    ] {
        let answer = evil.get_with(&path, &[("x-request-id", "a b")]);
        assert!(answer.status < 500, "{path}: {answer:?}");
    }
    evil.upload(EVIL, "text/plain", b"hi");
    gateway
        .user_with("shop", "publish")
        .post("/v1/events", &json!({"to": [EVIL], "type": "order.updated", "data": EVIL}));
    assert_eq!(evil.get("/v1/nothing").status, 404);
    let log = gateway.log();
    assert!(log.contains("/v1/nothing") || log.contains("accept"), "nothing is logged at all");
    for (number, line) in log.lines().enumerate() {
        assert!(!line.starts_with("2026-11-21T00:00:00Z ERROR pollgate: FORGED"), "line {number} is forged");
        let control = line.chars().find(|c| c.is_control() || *c == '\u{202e}');
        assert_eq!(control, None, "line {number}: {line:?}");
    }
}

fn deep(depth: usize) -> String {
    format!("{}{}", "[".repeat(depth), "]".repeat(depth))
}

/// A reader of JSON that calls itself for each level ends at some depth: no answer may need more of it than readers have.
#[rstest]
fn json_is_nested_only_so_deep(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let shop = gateway.user_with("shop", "user publish");
    let raw = |path: &str, body: String| shop.post_raw(path, "application/json", body.as_bytes());
    let event = |data: &str| format!(r#"{{"to":["bob"],"type":"order.updated","data":{data}}}"#);
    for depth in [101, 127, 128, 1000, 30_000] {
        assert_problem(&raw("/v1/events", event(&deep(depth))), 400, "invalid-request");
        assert_problem(
            &raw("/v1/events/batch", format!(r#"{{"events":[{}]}}"#, event(&deep(depth)))),
            400,
            "invalid-request",
        );
    }
    for path in ["/v1/messages", "/v1/rooms", "/v1/events", "/v1/events/batch", "/v1/tickets"] {
        for body in [deep(30_000), "[".repeat(30_000), "{\"a\":".repeat(10_000), "[{\"a\":".repeat(5000)] {
            assert_problem(&raw(path, body), 400, "invalid-request");
        }
    }
    // brackets in a text are none
    let text = format!("\"\\\"{}\"", "[".repeat(1000));
    for good in [deep(100), text] {
        assert_eq!(raw("/v1/events", event(&good)).status, 202, "{good}");
    }
    let bob = gateway.user("bob");
    let came = crate::world::events(&bob, "", 2);
    assert_eq!(came[0]["data"], serde_json::from_str::<Value>(&deep(100)).unwrap());
}

#[rstest]
fn numbers_have_their_bounds(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let ann = gateway.user("ann");
    let room = ann.send("bob", "hi").json["room"].as_str().unwrap().to_owned();
    for number in [
        "-1",
        "NaN",
        "nan",
        "inf",
        "-inf",
        "1e999",
        "0x10",
        "99999999999999999999",
        "18446744073709551616",
        "1.5e1",
        "+",
        "",
        "%00",
    ] {
        for query in [
            format!("/v1/poll?limit={number}&wait=0"),
            format!("/v1/rooms?limit={number}"),
            format!("/v1/rooms/{room}/messages?limit={number}"),
            format!("/v1/rooms/{room}/messages?before={number}"),
        ] {
            let answer = ann.get(&query);
            assert!(answer.status == 400 || answer.status == 200, "{query}: {answer:?}");
        }
    }
    for wait in ["-1", "NaN", "-inf", "x", ""] {
        assert_problem(&ann.get(&format!("/v1/poll?wait={wait}")), 400, "invalid-request");
    }
    for wait in ["-1", "NaN", "inf", "x"] {
        let answer = ann.get_with("/v1/poll?wait=0", &[("prefer", &format!("wait={wait}"))]);
        assert_eq!(answer.status, 200, "a preference that is none is no mistake: {answer:?}");
    }
    for seq in ["-1", "1e400", "99999999999999999999", "1.5", "null", "\"1\""] {
        let body = format!(r#"{{"seq":{seq}}}"#);
        let answer = ann.post_raw(&format!("/v1/rooms/{room}/read"), "application/json", body.as_bytes());
        assert_problem(&answer, 400, "invalid-request");
    }
    let shop = gateway.user_with("shop", "publish");
    for ttl in ["0", "-1", "1e400", "99999999999999999999"] {
        let body = format!(r#"{{"to":["bob"],"type":"order.updated","ttl_ms":{ttl}}}"#);
        assert_problem(
            &shop.post_raw("/v1/events", "application/json", body.as_bytes()),
            400,
            "invalid-request",
        );
    }
    let body = format!(r#"{{"to":["bob"],"type":"order.updated","ttl_ms":{}}}"#, u64::MAX);
    assert_eq!(shop.post_raw("/v1/events", "application/json", body.as_bytes()).status, 202);
}

/// What a search is made of is a text, never a part of a statement or of the index's own language.
#[rstest]
fn searches_are_words(#[values(Embedded, Production)] pair: Pair) {
    let gateway = world(pair);
    let ann = gateway.user("ann");
    assert_eq!(ann.send("bob", "a plain word").status, 201);
    for odd in [
        "'",
        "''",
        "\"",
        "\"\"",
        "a\"b",
        "*",
        "a*",
        "NEAR(a b)",
        "a NEAR b",
        "a OR b",
        "NOT",
        "AND",
        "-a",
        "a:b",
        "text:a",
        "{a b}:c",
        "(",
        ")",
        "^a",
        ":*",
        "!a",
        "a&b",
        "a|b",
        "<->",
        "\\",
        "%",
        "_",
        "';drop table messages;--",
        "\u{0}",
        "\u{202e}",
        "\u{1f600}",
        &"a ".repeat(500),
        &"(".repeat(500),
    ] {
        let encoded: String = odd.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let answer = ann.get(&format!("/v1/search?q={encoded}"));
        assert!(matches!(answer.status, 200 | 400), "{odd:?}: {answer:?}");
    }
    assert_eq!(ann.get("/v1/search?q=plain").status, 200);
}

/// Bodies are read as they are: a small one that would unfold to a large one is just no JSON.
#[test]
fn nothing_is_unpacked() {
    let gateway = world(Embedded);
    let ann = gateway.user("ann");
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(format!(r#"{{"to":"bob","body":"{}"}}"#, " ".repeat(60_000)).as_bytes()).unwrap();
    let packed = gzip.finish().unwrap();
    for coding in ["gzip", "deflate", "br", "zstd", "identity, gzip"] {
        let headers = [("content-type", "application/json"), ("content-encoding", coding)];
        let answer = ann.request("POST", "/v1/messages", &headers, &packed).unwrap();
        assert_problem(&answer, 400, "invalid-request");
    }
}

#[test]
fn paths_stay_where_they_begin() {
    let gateway = world(Embedded);
    let ann = gateway.user("ann");
    for up in
        ["..", "%2e%2e", ".%2e", "%2e.", "..%2f..", "..%5c..", "....//", "%252e%252e", "..;", "%c0%ae%c0%ae"]
    {
        for path in [
            format!("/demo/{up}/Cargo.toml"),
            format!("/demo/{up}/{up}/{up}/etc/passwd"),
            format!("/client/{up}/package.json"),
            format!("/docs/{up}/secret.key"),
            format!("/v1/attachments/{up}%2fsecret.key"),
            format!("/v1/{up}/metrics"),
            format!("/{up}/v1/mailboxes?user=ann"),
        ] {
            let answer = ann.get(&path);
            assert!(matches!(answer.status, 400 | 403 | 404), "{path}: {answer:?}");
        }
    }
    for path in [
        "/demo//etc/passwd",
        "/demo/%2fetc%2fpasswd",
        "/client/package.json",
        "/client/.gitignore",
        "/demo/%00",
        "//etc/passwd",
    ] {
        assert!(matches!(ann.get(path).status, 400 | 404), "{path}");
    }
}

/// A name that is percent-encoded in the form may hold anything, and stands in a header of the answer.
#[test]
fn the_name_of_a_file_writes_no_headers() {
    let gateway = world(Embedded);
    let ann = gateway.user("ann");
    for name in [
        "a%0d%0aset-cookie:%20x=y%0d%0a%0d%0a<script>",
        "..%2f..%2fsecret.key",
        "%00",
        "a%22;%20filename=%22b.html",
        "%ff%fe",
    ] {
        let form = format!(
            "--b\r\ncontent-disposition: form-data; name=\"file\"; filename*=UTF-8''{name}\r\ncontent-type: text/plain\r\n\r\nhi\r\n--b--\r\n"
        );
        let up = ann.post_raw("/v1/attachments", "multipart/form-data; boundary=b", form.as_bytes());
        if up.status != 201 {
            assert_problem(&up, 400, "invalid-request");
            continue;
        }
        let down = ann.get(&format!("/v1/attachments/{}", up.json["id"].as_str().unwrap()));
        assert_eq!((down.status, down.body()), (200, b"hi".as_slice()), "{name}");
        assert_eq!(down.header("set-cookie"), None, "{name}: {down:?}");
        let disposition = down.header("content-disposition").unwrap();
        assert!(disposition.starts_with("attachment; filename=\""), "{name}: {disposition}");
        assert_eq!(disposition.matches("filename=").count(), 1, "{name}: {disposition}");
        assert!(!disposition.contains('/') && !disposition.contains(".html\""), "{name}: {disposition}");
    }
}

/// No cookie, no password of the browser's: what a page of another site may call, it calls with a token of its own.
#[test]
fn no_page_calls_with_what_the_browser_has() {
    for origins in ["[\"*\"]", "[\"https://shop.example\"]", "[]"] {
        let gateway = world_with(Embedded, |builder| builder.env("POLLGATE_HTTP__CORS_ORIGINS", origins));
        for origin in [
            "https://shop.example",
            "https://evil.example",
            "null",
            "https://shop.example.evil.example",
            "http://shop.example",
        ] {
            let asked = [("origin", origin), ("access-control-request-method", "POST")];
            for answer in [
                gateway.user("bob").get_with("/v1/poll?wait=0", &[("origin", origin)]),
                gateway.anybody(None).request("OPTIONS", "/v1/messages", &asked, &[]).unwrap(),
            ] {
                assert_eq!(answer.header("access-control-allow-credentials"), None, "{answer:?}");
                let allowed = answer.header("access-control-allow-origin");
                let may = match origins {
                    "[\"*\"]" => allowed == Some("*"),
                    "[]" => allowed.is_none(),
                    _ if origin == "https://shop.example" => allowed == Some(origin),
                    _ => allowed.is_none(),
                };
                assert!(may, "{origins} {origin}: {answer:?}");
            }
        }
    }
}
