//! API tokens, known by the hash of their text only.

use diesel::{ExpressionMethods as _, QueryDsl as _, RunQueryDsl as _};
use pollgate_model::{Timestamp, UserId};
use uuid::Uuid;

use crate::Store;
use crate::connection::{AnyConnection, on_each};
use crate::error::{Failure, StoreError};
use crate::rows;
use crate::schema::tokens;
use crate::sql::Id;

/// A token to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewToken {
    /// Names it in lists.
    pub id: Uuid,
    /// SHA-256 of its text.
    pub hash: [u8; 32],
    /// Whom it stands for.
    pub user: UserId,
    /// What it allows, words separated by spaces.
    pub scope: String,
    /// When it runs out.
    pub expires_at: Option<Timestamp>,
}

/// A stored token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Names it in lists.
    pub id: Uuid,
    /// Whom it stands for.
    pub user: UserId,
    /// What it allows, words separated by spaces.
    pub scope: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it runs out.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// How a token is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenRef {
    /// By its id.
    Id(Uuid),
    /// By the hash of its text.
    Hash([u8; 32]),
}

type Row = (Id, String, String, i64, Option<i64>, Option<i64>);

/// The columns of [`Row`]; the hash stays where it is.
macro_rules! columns {
    () => {
        (
            tokens::id,
            tokens::user_id,
            tokens::scope,
            tokens::created_at_ms,
            tokens::expires_at_ms,
            tokens::revoked_at_ms,
        )
    };
}

fn token((id, user, scope, created_at, expires_at, revoked_at): Row) -> Result<Token, Failure> {
    Ok(Token {
        id: id.0,
        user: rows::user(user)?,
        scope,
        created_at: Timestamp::from_ms(created_at),
        expires_at: expires_at.map(Timestamp::from_ms),
        revoked_at: revoked_at.map(Timestamp::from_ms),
    })
}

impl Store {
    /// Stores a token.
    ///
    /// # Errors
    /// [`StoreError::Conflict`]: there is one with this id or text.
    pub async fn token_create(&self, new: NewToken) -> Result<(), StoreError> {
        let created_at = Timestamp::now().as_ms();
        let write = move |conn: &mut AnyConnection| {
            let row = (
                tokens::id.eq(Id(new.id)),
                tokens::hash.eq(new.hash.to_vec()),
                tokens::user_id.eq(new.user.as_str()),
                tokens::scope.eq(new.scope.as_str()),
                tokens::created_at_ms.eq(created_at),
                tokens::expires_at_ms.eq(new.expires_at.map(Timestamp::as_ms)),
            );
            let written = on_each!(conn, |c| diesel::insert_into(tokens::table).values(row).execute(c));
            match written.map_err(Failure::from) {
                Ok(_) => Ok(true),
                Err(Failure::Race(_)) => Ok(false),
                Err(failure) => Err(failure),
            }
        };
        if self.inner.readers.run(write).await? {
            Ok(())
        } else {
            Err(StoreError::Conflict("there is such a token already".into()))
        }
    }

    /// The token with this hash, revoked and expired ones too.
    ///
    /// # Errors
    /// The database is not available.
    pub async fn token_find(&self, hash: [u8; 32]) -> Result<Option<Token>, StoreError> {
        let read = move |conn: &mut AnyConnection| {
            let rows: Vec<Row> = on_each!(conn, |c| tokens::table
                .filter(tokens::hash.eq(hash.as_slice()))
                .select(columns!())
                .load(c))?;
            rows.into_iter().next().map(token).transpose()
        };
        self.inner.readers.run(read).await
    }

    /// All tokens, oldest first.
    ///
    /// # Errors
    /// The database is not available.
    pub async fn token_list(&self) -> Result<Vec<Token>, StoreError> {
        let read = |conn: &mut AnyConnection| {
            let rows: Vec<Row> = on_each!(conn, |c| tokens::table
                .order((tokens::created_at_ms, tokens::id))
                .select(columns!())
                .load(c))?;
            rows.into_iter().map(token).collect::<Result<Vec<_>, _>>()
        };
        self.inner.readers.run(read).await
    }

    /// Revokes a token; `false` when there is none. A token that was revoked before keeps its time.
    ///
    /// # Errors
    /// The database is not available.
    pub async fn token_revoke(&self, by: TokenRef) -> Result<bool, StoreError> {
        let now = Timestamp::now().as_ms();
        let write = move |conn: &mut AnyConnection| {
            let found: Option<(Id, Option<i64>)> = on_each!(conn, |c| {
                let named = tokens::table.select((tokens::id, tokens::revoked_at_ms));
                let rows: Vec<_> = match &by {
                    TokenRef::Id(id) => named.filter(tokens::id.eq(Id(*id))).load(c)?,
                    TokenRef::Hash(hash) => named.filter(tokens::hash.eq(hash.as_slice())).load(c)?,
                };
                rows.into_iter().next()
            });
            let Some((id, revoked_at)) = found else { return Ok(false) };
            if revoked_at.is_none() {
                let one = tokens::table.filter(tokens::id.eq(id));
                on_each!(conn, |c| diesel::update(one).set(tokens::revoked_at_ms.eq(now)).execute(c))?;
            }
            Ok(true)
        };
        self.inner.readers.run(write).await
    }
}
