//! Databases of a test's own, and what tests say in one line.

use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use diesel::Connection as _;
use diesel::connection::SimpleConnection as _;
use diesel::pg::PgConnection;
use diesel::sqlite::SqliteConnection;
use pollgate_model::{InstanceId, NewMessage, RoomId, Target, UserId};
use pollgate_store::{
    Change, Decide, Decided, Found, OnCommit, Outgoing, Sent, Step, Store, StoreError, StoreSettings,
};
use tempfile::TempDir;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Sqlite,
    Pg,
}

/// The server that tests make schemas in.
pub(crate) fn server() -> String {
    std::env::var("POLLGATE_TEST_POSTGRES")
        .unwrap_or_else(|_| "postgres://postgres@127.0.0.1:5432/test".into())
}

/// A database that is gone at the end of the test.
pub(crate) struct Database {
    pub(crate) url: String,
    schema: Option<String>,
    _folder: Option<TempDir>,
}

impl Database {
    pub(crate) fn new(kind: Kind) -> Self {
        match kind {
            Kind::Sqlite => {
                let folder = tempfile::tempdir().unwrap();
                let url = format!("sqlite://{}", folder.path().join("store.db").display());
                Self { url, schema: None, _folder: Some(folder) }
            }
            Kind::Pg => {
                let schema = format!("store_{}", uuid::Uuid::now_v7().simple());
                let mut conn = PgConnection::establish(&server()).unwrap();
                conn.batch_execute(&format!("CREATE SCHEMA {schema}")).unwrap();
                let url = format!("{}?options=-csearch_path%3D{schema}", server());
                Self { url, schema: Some(schema), _folder: None }
            }
        }
    }

    pub(crate) fn settings(&self) -> StoreSettings {
        StoreSettings::new(self.url.as_str())
    }

    /// Opens it for a gateway of its own.
    pub(crate) async fn open(&self) -> (Store, Arc<Heard>) {
        self.open_with(self.settings()).await
    }

    pub(crate) async fn open_with(&self, settings: StoreSettings) -> (Store, Arc<Heard>) {
        let heard = Arc::new(Heard::default());
        // an SQLite file is free when the last thread of the store before has ended
        let store = eventually(async || {
            match Store::open(settings.clone(), InstanceId::new(), heard.clone()).await {
                Ok(store) => Some(store),
                Err(StoreError::Conflict(_)) => None,
                Err(error) => panic!("{error}"),
            }
        })
        .await;
        (store, heard)
    }
}

impl Database {
    /// Does something to it that the store has no door for.
    pub(crate) fn run(&self, sql: &str) {
        match self.url.strip_prefix("sqlite://") {
            Some(path) => {
                let mut conn = SqliteConnection::establish(path).unwrap();
                conn.batch_execute(&format!("PRAGMA busy_timeout = 5000; {sql}")).unwrap();
            }
            None => PgConnection::establish(&self.url).unwrap().batch_execute(sql).unwrap(),
        }
    }

    /// Makes a group room with these members.
    pub(crate) fn group(&self, members: &[&str]) -> RoomId {
        self.groups(1, members).pop().unwrap()
    }

    /// Makes so many of them.
    pub(crate) fn groups(&self, count: usize, members: &[&str]) -> Vec<RoomId> {
        let made: Vec<RoomId> = (0..count).map(|_| RoomId::new()).collect();
        let mut sql = String::new();
        for room in &made {
            let id = match self.schema {
                Some(_) => format!("'{room}'"),
                None => format!("x'{}'", room.uuid().simple()),
            };
            sql.push_str(&format!(
                "INSERT INTO rooms (id, kind, name, last_seq, created_at_ms, updated_at_ms) \
                 VALUES ({id}, 'group', 'all', 0, 0, 0);"
            ));
            for member in members {
                sql.push_str(&format!(
                    "INSERT INTO members (room_id, user_id, last_read_seq, joined_at_ms) VALUES ({id}, '{member}', 0, 0);"
                ));
            }
        }
        self.run(&format!("BEGIN; {sql} COMMIT;"));
        made
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let (Some(schema), Ok(mut conn)) = (&self.schema, PgConnection::establish(&server())) {
            // best effort: a schema left over does no harm to other tests
            let _dropped = conn.batch_execute(&format!(
                "SET client_min_messages = warning; SET lock_timeout = 3000; DROP SCHEMA {schema} CASCADE"
            ));
        }
    }
}

/// What the store told of its commits.
#[derive(Default)]
pub(crate) struct Heard {
    rows: Mutex<Vec<Outgoing>>,
    uncertain: Mutex<usize>,
}

impl Heard {
    pub(crate) fn rows(&self) -> Vec<Outgoing> {
        self.rows.lock().unwrap().clone()
    }

    pub(crate) fn uncertain(&self) -> usize {
        *self.uncertain.lock().unwrap()
    }
}

impl OnCommit for Heard {
    fn committed(&self, mut rows: Vec<Outgoing>) {
        self.rows.lock().unwrap().append(&mut rows);
    }

    fn uncertain(&self) {
        *self.uncertain.lock().unwrap() += 1;
    }
}

/// Asks again until there is an answer, for ten seconds at most.
pub(crate) async fn eventually<T, F: Future<Output = Option<T>>>(mut ask: impl FnMut() -> F) -> T {
    for _ in 0..1000 {
        if let Some(found) = ask().await {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it never came to be");
}

pub(crate) fn user(name: &str) -> UserId {
    name.parse().unwrap()
}

pub(crate) fn to_user(sender: &str, to: &str, body: &str) -> NewMessage {
    NewMessage {
        sender: user(sender),
        target: Target::User(user(to)),
        body: body.into(),
        client_id: None,
        attachments: vec![],
        reply_to: None,
        trace: None,
    }
}

pub(crate) fn to_room(sender: &str, room: RoomId, body: &str) -> NewMessage {
    NewMessage { target: Target::Room(room), ..to_user(sender, "-", body) }
}

pub(crate) fn with_client_id(new: NewMessage, client_id: &str) -> NewMessage {
    NewMessage { client_id: Some(client_id.parse().unwrap()), ..new }
}

/// A decision that nobody is asked about: a message gets this text, or becomes a tombstone.
struct Rewrite(Option<String>);

impl Decide for Rewrite {
    fn decide(&self, found: &Found) -> Result<Decided, StoreError> {
        let mut message = found.message.clone().ok_or(StoreError::NotFound("message"))?;
        match &self.0 {
            Some(text) => (message.body, message.edited_at) = (text.clone(), Some(found.now)),
            None => (message.body, message.deleted_at) = (String::new(), Some(found.now)),
        }
        Ok(Decided { steps: vec![Step::Rewrite(Box::new(message))], ..Decided::default() })
    }
}

/// Gives a message another text, or deletes it.
pub(crate) async fn rewritten(store: &Store, sent: &Sent, text: Option<&str>) {
    let decide = Arc::new(Rewrite(text.map(ToOwned::to_owned)));
    let change = Change { room: sent.room, message: Some(sent.id), desks: vec![], decide };
    store.change(change).await.unwrap();
}

/// Sends all of them at once; the answers in order.
pub(crate) async fn send_all(store: &Store, all: Vec<NewMessage>) -> Vec<Result<Sent, StoreError>> {
    futures(all.into_iter().map(|new| {
        let store = store.clone();
        async move { store.send(new).await }
    }))
    .await
}

/// Runs all of them at once.
pub(crate) async fn futures<T: Send + 'static>(
    all: impl Iterator<Item = impl Future<Output = T> + Send + 'static>,
) -> Vec<T> {
    let mut running = tokio::task::JoinSet::new();
    for (at, one) in all.enumerate() {
        running.spawn(async move { (at, one.await) });
    }
    let mut done: Vec<(usize, T)> = running.join_all().await;
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}
