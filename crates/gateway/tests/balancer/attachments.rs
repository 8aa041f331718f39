//! Files through the balancer.

use pollgate_testkit::eventually;
use serde_json::json;

use crate::world::{LIMIT, World, address};

const MIB: usize = 1 << 20;

#[test]
fn files_go_up_at_one_gateway_and_down_at_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("file://{}", folder.path().join("files").display());
    let world = World::with(|builder| builder.env("POLLGATE_ATTACHMENTS__URL", &url));
    let (ann, bob) = (world.user("ann"), world.user("bob"));
    // as large as a file may be
    let content = vec![b'x'; 25 * MIB];
    let uploaded = ann.upload("large.txt", "text/plain", &content);
    assert_eq!(uploaded.status, 201, "{uploaded:?}");
    let id = uploaded.json["id"].as_str().unwrap();
    assert_eq!(ann.post("/v1/messages", &json!({"to": "bob", "attachments": [id]})).status, 201);
    let path = format!("/v1/attachments/{id}");
    for gateway in [&world.a, &world.b] {
        let to = format!(" to={} ", address(gateway));
        eventually("both gateways have served it", LIMIT, || {
            let answer = bob.get_with(&path, &[("range", "bytes=1048576-2097151")]);
            assert_eq!((answer.status, answer.body().len()), (206, MIB), "{answer:?}");
            world.nginx.access_log().iter().any(|line| line.contains(&path) && line.contains(&to))
        });
    }
    assert!(bob.get(&path).body() == content, "what came down is not what went up");
    // refused by the gateway, in its own words
    let large = ann.upload("larger.txt", "text/plain", &vec![b'x'; 25 * MIB + 1]);
    assert_eq!((large.status, &large.json["code"]), (413, &json!("too-large")), "{large:?}");
}
