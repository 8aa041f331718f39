//! Policies and limits of a virtual host that would bite.

use pollgate_testkit::{PgSchema, Vhost};
use rstest::rstest;

use crate::world::{Said, SetUp, assert_left_as_it_was};

fn doctor(vhost: &Vhost) -> Said {
    let schema = PgSchema::create();
    SetUp::production(&schema.url(), &vhost.url()).only("broker").doctor()
}

#[rstest]
#[case::expiry_of_messages("{\"message-ttl\":200}", false, "broker.expiry", "message-ttl")]
#[case::expiry_of_queues("{\"expires\":500}", false, "broker.expiry", "expires")]
#[case::length("{\"max-length\":5}", false, "broker.length", "holds 5 events")]
#[case::bytes("{\"max-length-bytes\":100}", false, "broker.length", "max-length-bytes")]
#[case::an_operators("{\"max-length\":7}", true, "broker.length", "holds 7 events")]
fn a_policy_that_bites_is_found(
    #[case] definition: &str,
    #[case] operator: bool,
    #[case] check: &str,
    #[case] word: &str,
) {
    let vhost = Vhost::create();
    vhost.set_policy(definition, operator);
    let said = doctor(&vhost);
    said.assert(check, "problem", &[word, "list_policies"]);
    assert_eq!(said.code, 1);
    assert_left_as_it_was(&vhost);
}

#[test]
fn a_policy_that_does_not_bite_is_none_of_its_business() {
    let vhost = Vhost::create();
    vhost.set_policy("{\"max-length\":100000,\"message-ttl\":86400000}", false);
    doctor(&vhost).assert_well();
}

#[test]
fn a_virtual_host_without_room_for_queues_is_found() {
    let vhost = Vhost::create();
    vhost.set_limits("{\"max-queues\":0}");
    let said = doctor(&vhost);
    said.assert("broker.mailboxes", "problem", &["limit", "max-queues"]);
    assert_left_as_it_was(&vhost);
}

#[test]
fn a_virtual_host_without_room_for_connections_is_found() {
    let vhost = Vhost::create();
    vhost.set_limits("{\"max-connections\":0}");
    doctor(&vhost).assert("broker.reachable", "problem", &["connection limit", "list_vhost_limits"]);
}
