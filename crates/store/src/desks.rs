//! Desks: who serves which category of rooms.

use diesel::{BoolExpressionMethods as _, ExpressionMethods as _, QueryDsl as _, RunQueryDsl as _};
use pollgate_model::{Label, UserId};

use crate::Store;
use crate::connection::{AnyConnection, on_each};
use crate::error::{Failure, StoreError};
use crate::rows;
use crate::schema::desk_agents;

impl Store {
    /// The agents of a desk, in the order of their ids; at most `limit`.
    ///
    /// # Errors
    /// The database is not available.
    pub async fn agents(&self, desk: &Label, limit: usize) -> Result<Vec<UserId>, StoreError> {
        let (desk, limit) = (desk.as_str().to_owned(), i64::try_from(limit).unwrap_or(i64::MAX));
        let read = move |conn: &mut AnyConnection| {
            let found: Vec<String> = on_each!(conn, |c| desk_agents::table
                .filter(desk_agents::category.eq(&desk))
                .order(desk_agents::user_id)
                .limit(limit)
                .select(desk_agents::user_id)
                .load(c))?;
            found.into_iter().map(rows::user).collect::<Result<Vec<_>, _>>()
        };
        self.inner.readers.run(read).await
    }

    /// The desks that a user serves, in order; at most `limit`.
    ///
    /// # Errors
    /// The database is not available.
    pub async fn desks_of(&self, user: &UserId, limit: usize) -> Result<Vec<Label>, StoreError> {
        let (user, limit) = (user.as_str().to_owned(), i64::try_from(limit).unwrap_or(i64::MAX));
        let read = move |conn: &mut AnyConnection| {
            let found: Vec<String> = on_each!(conn, |c| desk_agents::table
                .filter(desk_agents::user_id.eq(&user))
                .order(desk_agents::category)
                .limit(limit)
                .select(desk_agents::category)
                .load(c))?;
            found.into_iter().map(Label::try_from).collect::<Result<Vec<_>, _>>().map_err(Failure::corrupt)
        };
        self.inner.readers.run(read).await
    }

    /// A user serves a desk from now on; again is the same.
    ///
    /// # Errors
    /// The database is not available.
    pub async fn join_desk(&self, desk: &Label, user: &UserId) -> Result<(), StoreError> {
        let (desk, user) = (desk.as_str().to_owned(), user.as_str().to_owned());
        let write = move |conn: &mut AnyConnection| {
            on_each!(conn, |c| diesel::insert_into(desk_agents::table)
                .values((desk_agents::category.eq(&desk), desk_agents::user_id.eq(&user)))
                .on_conflict_do_nothing()
                .execute(c))?;
            Ok(())
        };
        self.inner.readers.run(write).await
    }

    /// A user serves a desk no more; again is the same.
    ///
    /// # Errors
    /// The database is not available.
    pub async fn leave_desk(&self, desk: &Label, user: &UserId) -> Result<(), StoreError> {
        let (desk, user) = (desk.as_str().to_owned(), user.as_str().to_owned());
        let write = move |conn: &mut AnyConnection| {
            let agent = desk_agents::category.eq(&desk).and(desk_agents::user_id.eq(&user));
            on_each!(conn, |c| diesel::delete(desk_agents::table.filter(agent)).execute(c))?;
            Ok(())
        };
        self.inner.readers.run(write).await
    }
}
