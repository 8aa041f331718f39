//! Nodes and virtual hosts.

use std::net::TcpStream;
use std::process::Command;

use pollgate_testkit::{RabbitNode, Vhost};

fn listens(node: &RabbitNode) -> bool {
    TcpStream::connect(("127.0.0.1", node.port())).is_ok()
}

#[test]
fn a_node_keeps_its_files_and_its_address_over_stops_kills_and_restarts() {
    let mut node = RabbitNode::start();
    let url = node.url();
    node.ctl(&["add_vhost", "kept"]);
    node.stop();
    assert!(!listens(&node));
    node.start_again();
    node.kill();
    assert!(!listens(&node));
    node.start_again();
    node.restart();
    assert!(listens(&node));
    assert!(node.ctl(&["list_vhosts"]).lines().any(|vhost| vhost == "kept"));
    assert_eq!(node.url(), url);
}

fn machine_ctl(arguments: &[&str]) -> String {
    let output = Command::new("rabbitmqctl").arg("--silent").args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn deleting_the_queues_of_a_virtual_host_takes_all_of_them() {
    let vhost = Vhost::create();
    assert!(vhost.url().ends_with(vhost.name()));
    let make = format!(
        "[rabbit_amqqueue:declare(rabbit_misc:r(<<\"{}\">>, queue, Q), true, false, [], none, <<\"test\">>) \
         || Q <- [<<\"one\">>, <<\"two\">>]], ok.",
        vhost.name()
    );
    machine_ctl(&["eval", &make]);
    let queues = || machine_ctl(&["list_queues", "-p", vhost.name(), "name"]);
    assert!(queues().contains("two"));
    vhost.delete_queues();
    assert!(!queues().contains("one") && !queues().contains("two"));
    vhost.close_connections(); // none is no error
}
