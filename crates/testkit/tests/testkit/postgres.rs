//! Clusters and schemas.

use std::net::TcpStream;
use std::process::Command;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use pollgate_testkit::{PgCluster, PgSchema, eventually};

const LIMIT: Duration = Duration::from_secs(30);

fn answers(cluster: &PgCluster) -> bool {
    TcpStream::connect(("127.0.0.1", cluster.port())).is_ok()
}

#[test]
fn a_cluster_keeps_its_rows_and_its_address_over_stops_and_kills() {
    let mut cluster = PgCluster::start();
    let url = cluster.url();
    cluster.query("create table t (n int)");
    cluster.query("insert into t values (1)");
    cluster.stop();
    assert!(!answers(&cluster));
    cluster.start_again();
    cluster.query("insert into t values (2)");
    cluster.kill();
    assert!(!answers(&cluster));
    cluster.start_again();
    assert_eq!(cluster.query("select count(*) from t").trim(), "2");
    assert_eq!(cluster.url(), url);
}

#[test]
fn a_paused_cluster_answers_nothing_until_it_is_resumed() {
    let cluster = PgCluster::start();
    cluster.pause();
    thread::scope(|scope| {
        let (done, answer) = mpsc::channel();
        let cluster = &cluster;
        scope.spawn(move || done.send(cluster.query("select 7")).unwrap());
        let early = answer.recv_timeout(Duration::from_millis(500));
        cluster.resume();
        assert!(early.is_err());
        assert_eq!(answer.recv_timeout(LIMIT).unwrap().trim(), "7");
    });
}

#[test]
fn a_gate_holds_commits_that_are_then_let_through_or_refused() {
    let schema = PgSchema::create();
    schema.query("create table t (n int primary key)");
    let gate = schema.commit_gate("t");
    schema.query("insert into t values (1)");
    for (n, kept) in [(2, true), (3, false)] {
        gate.close();
        let insert = format!("insert into t values ({n}) on conflict do nothing");
        let url = schema.url();
        let commit = || Command::new("psql").args(["-X", "-c", &insert, &url]).output().unwrap();
        thread::scope(|scope| {
            let first = scope.spawn(commit);
            eventually("the commit is held", LIMIT, || gate.holds() == 1);
            let second = scope.spawn(commit);
            eventually("the other one waits for it", LIMIT, || gate.waiting() == 1);
            if !kept {
                gate.refuse();
            }
            gate.open();
            assert_eq!(first.join().unwrap().status.success(), kept);
            assert!(second.join().unwrap().status.success());
        });
        assert_eq!((gate.holds(), schema.count("t")), (0, n));
    }
}

#[test]
fn a_schema_is_what_its_url_means_and_goes_with_its_handle() {
    let (schema, observer) = (PgSchema::create(), PgSchema::create());
    schema.query("create table t (n int)");
    schema.query("insert into t values (1), (2)");
    assert_eq!(schema.count("t"), 2);
    let name = schema.name().to_owned();
    let left = || observer.query(&format!("select count(*) from pg_namespace where nspname = '{name}'"));
    assert_eq!(left().trim(), "1");
    drop(schema);
    assert_eq!(left().trim(), "0");
}
