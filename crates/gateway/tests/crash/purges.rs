//! Mailboxes purged under load: their readers are told and have all from the history, nobody else notices anything.

use pollgate_testkit::{Backends, Gateway, eventually};

use crate::world::{Crew, LIMIT, gateway, production};

/// Purges bob's mailbox again and again at each of these, while zoe's is left alone.
fn purge_under_load(gateways: &[&Gateway]) {
    let of = |name: &str| gateways.iter().map(|gateway| gateway.user(name)).collect::<Vec<_>>();
    let (mut purged, mut untouched) = (Crew::new(), Crew::new());
    purged.sender_over(of("ann"), "bob");
    purged.reader_over(of("bob"), "bob");
    untouched.sender_over(of("eve"), "zoe");
    untouched.reader_over(of("zoe"), "zoe");
    purged.until_accepted(50);
    for gateway in gateways.iter().cycle().take(4) {
        let operator = gateway.user_with("op", "operator");
        eventually("it is there to be purged", LIMIT, || {
            let answer = operator.delete("/v1/mailboxes/bob");
            assert!(matches!(answer.status, 204 | 404), "{answer:?}");
            answer.status == 204
        });
        purged.until_accepted(30);
        untouched.until_accepted(10);
    }
    purged.stop_sending();
    purged.until_nothing_is_missing();
    let ledger = purged.stop();
    assert!(ledger.resyncs() > 0, "nobody was told");
    untouched.ends_well();
}

#[test]
fn purges_under_load_lose_nothing_on_the_embedded_pair() {
    let folder = tempfile::tempdir().unwrap();
    let gateway = gateway(Backends::Embedded(folder.path().to_owned())).start();
    purge_under_load(&[&gateway]);
}

#[test]
fn purges_under_load_lose_nothing_over_two_gateways() {
    let (_schema, backends) = production();
    let [one, other] = gateway(backends).start_two();
    purge_under_load(&[&one, &other]);
}
