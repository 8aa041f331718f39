//! Tokens that somebody made up, changed, or found.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

use crate::world::Pair::Embedded;
use crate::world::{World, assert_problem, world_with};

const SECRET: &str = "the secret of the gateway in this test";
const LATER: u64 = 4_000_000_000;

fn gateway() -> World {
    world_with(Embedded, |builder| builder.env("POLLGATE_AUTH__JWT__HS256_SECRET", SECRET))
}

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

/// A token with any head and claims, signed with the secret of the gateway as HS256 whatever the head says.
fn signed(head: &Value, claims: &Value) -> String {
    let text = format!("{}.{}", part(head), part(claims));
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    let signature = jsonwebtoken::crypto::sign(text.as_bytes(), &key, Algorithm::HS256).unwrap();
    format!("{text}.{signature}")
}

fn status(gateway: &World, token: &str) -> u16 {
    gateway.anybody(Some(&format!("Bearer {token}"))).poll("wait=0").status
}

#[test]
fn the_head_of_a_token_decides_nothing() {
    let gateway = gateway();
    let claims = json!({"sub": "ann", "exp": LATER});
    let hs256 = json!({"alg": "HS256", "typ": "JWT"});
    assert_eq!(status(&gateway, &signed(&hs256, &claims)), 200);
    // what it says of keys is not looked for anywhere
    for more in [
        json!({"kid": "../../../../dev/null"}),
        json!({"kid": "' union select 'x"}),
        json!({"jku": "http://127.0.0.1:1/keys"}),
        json!({"x5u": "http://127.0.0.1:1/keys"}),
    ] {
        let mut head = hs256.clone();
        head.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        assert_eq!(status(&gateway, &signed(&head, &claims)), 200, "{head}");
        let own = encode(&Header::default(), &claims, &EncodingKey::from_secret(b"")).unwrap();
        let own = format!("{}.{}", part(&head), own.split_once('.').unwrap().1);
        assert_eq!(status(&gateway, &own), 401, "{head}");
    }
    for alg in ["none", "None", "nOnE", "", "HS384", "HS512", "RS256", "ES256", "EdDSA", "HS256 "] {
        let token = signed(&json!({"alg": alg}), &claims);
        assert_eq!(status(&gateway, &token), 401, "{alg}");
        let unsigned = token.rsplit_once('.').unwrap().0;
        assert_eq!(status(&gateway, &format!("{unsigned}.")), 401, "{alg}");
        assert_eq!(status(&gateway, unsigned), 401, "{alg}");
    }
    // an extension that must be understood (RFC 7515, 4.1.11), and is not
    let critical = json!({"alg": "HS256", "crit": ["http://example.com/x"], "http://example.com/x": true});
    assert_eq!(status(&gateway, &signed(&critical, &claims)), 401);
}

#[test]
fn claims_are_believed_only_as_they_are_meant() {
    let gateway = gateway();
    let hs256 = json!({"alg": "HS256"});
    let told = |claims: &Value| {
        let token = signed(&hs256, claims);
        let answer = gateway.anybody(Some(&format!("Bearer {token}"))).poll("wait=0");
        (answer.status, answer.json["code"].as_str().unwrap_or_default().to_owned())
    };
    for good in [
        json!({"sub": "ann", "exp": LATER, "iat": LATER}),
        json!({"sub": "ann", "exp": LATER, "nbf": 1}),
        json!({"sub": "ann", "exp": LATER, "sco\u{fffd}pe": "x"}),
    ] {
        assert_eq!(told(&good).0, 200, "{good}");
    }
    for bad in [
        json!({"sub": "ann"}),
        json!({"exp": LATER}),
        json!({"sub": "ann", "exp": LATER, "nbf": LATER}),
        json!({"sub": "ann", "exp": "4000000000"}),
        json!({"sub": "ann", "exp": null}),
        json!({"sub": "ann", "exp": -1}),
        json!({"sub": "ann", "exp": [LATER]}),
        json!({"sub": "", "exp": LATER}),
        json!({"sub": "a\0b", "exp": LATER}),
        json!({"sub": "x".repeat(129), "exp": LATER}),
        json!({"sub": 7, "exp": LATER}),
        json!({"sub": ["ann"], "exp": LATER}),
        json!({"sub": "ann", "exp": LATER, "scope": ["operator"]}),
        json!(["ann", LATER]),
        json!("ann"),
    ] {
        assert_eq!(told(&bad), (401, "unauthenticated".to_owned()), "{bad}");
    }
    for old in [json!({"sub": "ann", "exp": 0}), json!({"sub": "ann", "exp": 1_000_000_000})] {
        assert_eq!(told(&old), (401, "token-expired".to_owned()), "{old}");
    }
    // a scope is a word, not a part of one, and no other letters
    for scope in ["operatorx", "xoperator", "Operator", "user,operator", "operator\u{a0}"] {
        let token = signed(&hs256, &json!({"sub": "ann", "exp": LATER, "scope": scope}));
        let answer = gateway.anybody(Some(&format!("Bearer {token}"))).get("/v1/mailboxes?user=ann");
        assert_problem(&answer, 403, "forbidden");
    }
}

#[test]
fn a_token_that_was_changed_is_none() {
    let gateway = gateway();
    let token = signed(&json!({"alg": "HS256"}), &json!({"sub": "ann", "exp": LATER, "scope": "user"}));
    assert_eq!(status(&gateway, &token), 200);
    let operator = part(&json!({"sub": "ann", "exp": LATER, "scope": "operator"}));
    let mut parts: Vec<_> = token.split('.').collect();
    parts[1] = &operator;
    assert_eq!(status(&gateway, &parts.join(".")), 401);
    for at in (0..token.len()).step_by(7) {
        let mut bytes = token.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(bytes).unwrap();
        assert!(changed == token || status(&gateway, &changed) == 401, "changed at {at}");
    }
    for odd in [
        format!("{token}."),
        format!(".{token}"),
        format!("{token}.x"),
        format!("{token}="),
        "x".repeat(100_000),
    ] {
        let answer = gateway.anybody(Some(&format!("Bearer {odd}"))).poll("wait=0");
        assert!(answer.status == 401 || answer.status == 400, "{answer:?}");
    }
}

/// Who tries many is told the same each time, and holds nobody up.
#[test]
fn trying_many_tokens_opens_nothing() {
    let gateway = gateway();
    for n in 0..500 {
        let guess = format!("pg_{}", URL_SAFE_NO_PAD.encode([u8::try_from(n % 256).unwrap(); 32]));
        let answer = gateway.anybody(Some(&format!("Bearer {guess}"))).poll("wait=0");
        assert_problem(&answer, 401, "unauthenticated");
        assert_eq!(answer.json["detail"], "the token is not valid");
    }
    assert_eq!(gateway.user("ann").send("bob", "hi").status, 201);
}
