//! Attachments: what is known of files whose bytes are kept elsewhere.
//!
//! Rule: bytes are stored before their row, and a row goes before its bytes. So what a row names is there, wherever a
//! process ends in between; what is left over are bytes without a row, which nobody can ask for.

use std::collections::HashSet;

use diesel::dsl::exists;
use diesel::pg::{Pg, PgConnection};
use diesel::sql_types::Array;
use diesel::sqlite::{Sqlite, SqliteConnection};
use diesel::{
    BoolExpressionMethods as _, ExpressionMethods as _, JoinOnDsl as _, QueryDsl as _, RunQueryDsl as _,
};
use pollgate_model::{Attachment, AttachmentId, Timestamp, UserId};
use uuid::Uuid;

use crate::Store;
use crate::connection::{AnyConnection, on_each};
use crate::error::{Failure, StoreError};
use crate::schema::{attachment_uses, attachments, members};
use crate::sql::{Id, Id16, statement};

/// An attachment, and since when it is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundAttachment {
    /// The attachment.
    pub attachment: Attachment,
    /// When its row was written.
    pub created_at: Timestamp,
}

/// A page of the attachments that are old enough to be removed when nobody uses them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UnusedPage {
    /// Those that no message holds.
    pub unused: Vec<AttachmentId>,
    /// Where the next page begins; `None`: this was the last one.
    pub next: Option<AttachmentId>,
}

/// Id, owner, name, media type, size.
pub(crate) type AttachmentRow = (Id, String, String, String, i64);

/// The attachment that a row holds.
pub(crate) fn attachment((id, _owner, name, media_type, size): AttachmentRow) -> Result<Attachment, Failure> {
    let size = u64::try_from(size).map_err(Failure::corrupt)?;
    Ok(Attachment { id: id.0.into(), name, media_type, size })
}

statement! {
    /// Rows that a sender is about to use are locked, and left alone. In one statement with the removal it would not do:
    /// that would look for uses as they were before it waited.
    LockPg on Pg => PgConnection, rows Id16 {
        "SELECT id FROM attachments WHERE id = ANY (" [ids: &'a [Id], Array<Id16>] ") ORDER BY id FOR UPDATE SKIP LOCKED"
    }
}
statement! {
    RemovePg on Pg => PgConnection, rows Id16 {
        "DELETE FROM attachments a WHERE a.id = ANY (" [ids: &'a [Id], Array<Id16>]
        ") AND NOT EXISTS (SELECT 1 FROM attachment_uses u WHERE u.attachment_id = a.id) RETURNING a.id"
    }
}
statement! {
    RemoveSqlite on Sqlite => SqliteConnection {
        "DELETE FROM attachments WHERE id = " [id: &'a Id, Id16]
        " AND NOT EXISTS (SELECT 1 FROM attachment_uses u WHERE u.attachment_id = attachments.id)"
    }
}

impl Store {
    /// Writes the row of an attachment whose bytes are stored.
    ///
    /// # Errors
    /// The database is not available; the row may have been written all the same.
    pub async fn attachment_create(&self, owner: &UserId, new: &Attachment) -> Result<(), StoreError> {
        let (owner, new, now) = (owner.clone(), new.clone(), Timestamp::now().as_ms());
        let write = move |conn: &mut AnyConnection| {
            let row = (
                attachments::id.eq(Id(new.id.uuid())),
                attachments::owner.eq(owner.as_str()),
                attachments::name.eq(new.name.as_str()),
                attachments::media_type.eq(new.media_type.as_str()),
                attachments::size.eq(i64::try_from(new.size).map_err(Failure::corrupt)?),
                attachments::created_at_ms.eq(now),
            );
            let written = on_each!(conn, |c| diesel::insert_into(attachments::table).values(row).execute(c));
            match written.map_err(Failure::from) {
                // ids are never used twice: the connection broke after the first try had been committed
                Ok(_) | Err(Failure::Race(_)) => Ok(()),
                Err(failure) => Err(failure),
            }
        };
        self.inner.readers.run(write).await
    }

    /// An attachment that this user uploaded, or that a room holds which this user is a member of.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for all others; the database is not available.
    pub async fn attachment_find(
        &self,
        caller: &UserId,
        id: AttachmentId,
    ) -> Result<FoundAttachment, StoreError> {
        let (caller, id) = (caller.clone(), Id(id.uuid()));
        let read = move |conn: &mut AnyConnection| {
            let held = attachment_uses::table
                .inner_join(members::table.on(members::room_id.eq(attachment_uses::room_id)))
                .filter(attachment_uses::attachment_id.eq(id))
                .filter(members::user_id.eq(caller.as_str()));
            let found: Vec<(AttachmentRow, i64)> = on_each!(conn, |c| attachments::table
                .filter(attachments::id.eq(id))
                .filter(attachments::owner.eq(caller.as_str()).or(exists(held)))
                .select((
                    (
                        attachments::id,
                        attachments::owner,
                        attachments::name,
                        attachments::media_type,
                        attachments::size
                    ),
                    attachments::created_at_ms
                ))
                .load(c))?;
            let Some((row, created_at)) = found.into_iter().next() else { return Ok(None) };
            let created_at = Timestamp::from_ms(created_at);
            Ok(Some(FoundAttachment { attachment: attachment(row)?, created_at }))
        };
        self.inner.readers.run(read).await?.ok_or(StoreError::NotFound("attachment"))
    }

    /// Looks through at most `limit` attachments past `after`, in the order of their ids, for those that were made before
    /// `before` and that no message holds.
    ///
    /// # Errors
    /// The database is not available.
    pub async fn attachments_unused(
        &self,
        after: Option<AttachmentId>,
        before: Timestamp,
        limit: usize,
    ) -> Result<UnusedPage, StoreError> {
        let after = Id(after.map_or(Uuid::nil(), AttachmentId::uuid));
        let rows = i64::try_from(limit).unwrap_or(i64::MAX);
        let read = move |conn: &mut AnyConnection| {
            let uses = attachment_uses::table.filter(attachment_uses::attachment_id.eq(attachments::id));
            let found: Vec<(Id, i64, bool)> = on_each!(conn, |c| attachments::table
                .filter(attachments::id.gt(after))
                .order(attachments::id)
                .limit(rows)
                .select((attachments::id, attachments::created_at_ms, exists(uses)))
                .load(c))?;
            let last = found.last().map(|(id, ..)| id.0.into());
            let next = if found.len() == limit { last } else { None };
            let old = |(id, at, used): (Id, i64, bool)| (!used && at < before.as_ms()).then(|| id.0.into());
            Ok(UnusedPage { unused: found.into_iter().filter_map(old).collect(), next })
        };
        self.inner.readers.run(read).await
    }

    /// Removes those of these attachments that no message holds; which ones it were. Their bytes are nobody's from then on.
    /// Any number of gateways may do this at once, and messages be sent with them.
    ///
    /// # Errors
    /// The database is not available; some may have been removed all the same.
    pub async fn attachments_remove(&self, ids: &[AttachmentId]) -> Result<Vec<AttachmentId>, StoreError> {
        let ids: Vec<Id> = ids.iter().map(|id| Id(id.uuid())).collect();
        let remove = move |conn: &mut AnyConnection| {
            let removed: Vec<Id> = match conn {
                AnyConnection::Pg(c) => {
                    let locked: Vec<Id> = LockPg { ids: &ids }.load(c)?;
                    RemovePg { ids: &locked }.load(c)?
                }
                AnyConnection::Sqlite(c) => {
                    let mut removed = Vec::new();
                    for id in &ids {
                        if (RemoveSqlite { id }).execute(c)? == 1 {
                            removed.push(*id);
                        }
                    }
                    removed
                }
            };
            Ok(removed.into_iter().map(|id| id.0.into()).collect())
        };
        self.aside(remove).await
    }

    /// There is any attachment.
    ///
    /// # Errors
    /// The database is not available.
    pub async fn has_attachments(&self) -> Result<bool, StoreError> {
        let read = |conn: &mut AnyConnection| {
            let found: Vec<Id> =
                on_each!(conn, |c| attachments::table.select(attachments::id).limit(1).load(c))?;
            Ok(!found.is_empty())
        };
        self.inner.readers.run(read).await
    }

    /// Which of these attachments have a row.
    ///
    /// # Errors
    /// The database is not available.
    pub async fn attachments_known(&self, ids: &[AttachmentId]) -> Result<HashSet<AttachmentId>, StoreError> {
        let ids: Vec<Id> = ids.iter().map(|id| Id(id.uuid())).collect();
        let read = move |conn: &mut AnyConnection| {
            let found: Vec<Id> = on_each!(conn, |c| attachments::table
                .filter(attachments::id.eq_any(&ids))
                .select(attachments::id)
                .load(c))?;
            Ok(found.into_iter().map(|id| id.0.into()).collect())
        };
        self.inner.readers.run(read).await
    }
}
