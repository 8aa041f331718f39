//! The database is away, or somebody else's.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use diesel::Connection as _;
use diesel::connection::SimpleConnection as _;
use diesel::pg::PgConnection;
use pollgate_model::InstanceId;
use pollgate_store::{Store, StoreError, StoreSettings};
use rstest::rstest;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::support::{Database, Heard, Kind, eventually, send_all, server, to_user};

/// A way to the server that can be cut.
struct Way {
    at: SocketAddr,
    open: watch::Sender<bool>,
}

impl Way {
    #[expect(clippy::disallowed_methods, reason = "ends with the test's runtime")]
    async fn new(to: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let (open, is_open) = watch::channel(true);
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let mut is_open = is_open.clone();
                if !*is_open.borrow_and_update() {
                    continue;
                }
                let to = to.clone();
                tokio::spawn(async move {
                    let mut server = TcpStream::connect(to).await.unwrap();
                    tokio::select! {
                        _ = tokio::io::copy_bidirectional(&mut client, &mut server) => {}
                        _ = is_open.changed() => {}
                    }
                });
            }
        });
        Self { at, open }
    }
}

/// `host:port` of a database URL.
fn host_of(url: &str) -> String {
    let rest = url.split_once("://").unwrap().1;
    let rest = rest.split_once('@').map_or(rest, |(_, host)| host);
    rest.split('/').next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_goes_away_is_told_quickly_and_comes_back_by_itself() {
    let database = Database::new(Kind::Pg);
    let host = host_of(&server());
    let way = Way::new(host.clone()).await;
    let settings = StoreSettings::new(database.url.replace(&host, &way.at.to_string()));
    let (store, heard) = database.open_with(settings).await;
    let before = store.send(to_user("ann", "bob", "1")).await.unwrap();
    store.ping().await.unwrap();
    assert!(store.health());

    way.open.send_replace(false);
    let asked = Instant::now();
    let answer = store.send(to_user("ann", "bob", "2")).await;
    assert!(matches!(answer, Err(StoreError::Unavailable(_))), "{answer:?}");
    let answer = store.ping().await;
    assert!(matches!(answer, Err(StoreError::Unavailable(_))), "{answer:?}");
    let answer = store.members(pollgate_model::RoomId::new()).await;
    assert!(matches!(answer, Err(StoreError::Unavailable(_))), "{answer:?}");
    assert!(asked.elapsed() < Duration::from_secs(3), "{:?}", asked.elapsed());
    assert!(!store.health());
    store.settle(heard.rows().iter().map(|row| row.ticket).collect());

    way.open.send_replace(true);
    let after = eventually(async || store.send(to_user("ann", "bob", "3")).await.ok()).await;
    assert_eq!((after.room, after.seq), (before.room, 2), "what failed left nothing behind");
    eventually(async || store.outbox_stats().await.ok().filter(|stats| stats.rows == 1)).await;
    assert!(store.health());
    assert_eq!(heard.uncertain(), 0);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named() {
    let settings = StoreSettings::new("postgres://nobody@127.0.0.1:1/none");
    let asked = Instant::now();
    let error = Store::open(settings, InstanceId::new(), Arc::new(Heard::default())).await.unwrap_err();
    assert!(matches!(&error, StoreError::Unavailable(why) if why.contains("refused")), "{error}");
    assert!(asked.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn an_sqlite_file_serves_one_process() {
    let database = Database::new(Kind::Sqlite);
    let (_store, _) = database.open().await;
    let error =
        Store::open(database.settings(), InstanceId::new(), Arc::new(Heard::default())).await.unwrap_err();
    assert!(matches!(&error, StoreError::Conflict(why) if why.contains("another process")), "{error}");
}

#[rstest]
#[tokio::test]
async fn an_old_schema_is_refused_when_it_may_not_be_changed(#[values(Kind::Sqlite, Kind::Pg)] kind: Kind) {
    let database = Database::new(kind);
    let mut settings = database.settings();
    settings.migrate = false;
    let open = || Store::open(settings.clone(), InstanceId::new(), Arc::new(Heard::default()));
    let error = open().await.unwrap_err();
    assert!(matches!(&error, StoreError::Outdated(why) if why.contains("pollgate migrate")), "{error}");
    assert!(!Store::migrate(&settings).await.unwrap().is_empty());
    assert!(Store::migrate(&settings).await.unwrap().is_empty());
    open().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_hangs_is_not_waited_for() {
    let database = Database::new(Kind::Pg);
    let mut settings = database.settings();
    (settings.statement_timeout, settings.connect_timeout) =
        (Duration::from_millis(400), Duration::from_secs(2));
    (settings.writers, settings.batch) = (1, 1);
    let (store, _) = database.open_with(settings).await;
    let first = store.send(to_user("ann", "bob", "1")).await.unwrap();
    let mut other = PgConnection::establish(&database.url).unwrap();
    other.batch_execute("BEGIN; SELECT 1 FROM rooms FOR UPDATE").unwrap();

    let asked = Instant::now();
    let answers = send_all(&store, (0..10).map(|_| to_user("ann", "bob", "2")).collect()).await;
    assert!(answers.iter().all(|a| matches!(a, Err(StoreError::Unavailable(_)))), "{answers:?}");
    assert!(asked.elapsed() < Duration::from_secs(3), "{:?}", asked.elapsed());
    other.batch_execute("ROLLBACK").unwrap();
    let after = eventually(async || store.send(to_user("ann", "bob", "3")).await.ok()).await;
    assert_eq!((after.room, after.seq), (first.room, 2), "what was given up is not written later");
}
