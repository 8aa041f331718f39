//! A gate in front of commits.

use super::PgSchema;

/// Holds commits that write to a table, at the moment when all of their work is done and nothing is decided: the server
/// has got the COMMIT and not carried it out. Dropping it opens the gate.
pub struct CommitGate<'s> {
    schema: &'s PgSchema,
}

impl PgSchema {
    /// Puts an open gate in front of the commits that write to `table`.
    #[must_use]
    pub fn commit_gate(&self, table: &str) -> CommitGate<'_> {
        // a constraint trigger that is deferred runs within COMMIT; while it waits, the lock shows that it does
        self.query(&format!(
            "create table gate (closed boolean not null); insert into gate values (false); \
             create function wait_at_gate() returns trigger language plpgsql as $$ begin \
               while (select closed from gate) loop \
                 perform pg_advisory_xact_lock_shared('gate'::regclass::oid::int, 1); perform pg_sleep(0.01); \
               end loop; return null; \
             end $$; \
             create constraint trigger gate after insert on {table} deferrable initially deferred \
             for each row execute function wait_at_gate()"
        ));
        CommitGate { schema: self }
    }
}

impl CommitGate<'_> {
    /// Holds commits from now on.
    pub fn close(&self) {
        self.schema.query("update gate set closed = true");
    }

    /// Lets them through.
    pub fn open(&self) {
        self.schema.query("update gate set closed = false");
    }

    /// How many commits it holds.
    #[must_use]
    pub fn holds(&self) -> usize {
        self.schema.query(&self.held("count(*)")).trim().parse().expect("a number")
    }

    /// How many other sessions wait for the commits it holds.
    #[must_use]
    pub fn waiting(&self) -> usize {
        let blocked = format!(
            "select count(*) from pg_stat_activity where pg_blocking_pids(pid) && array({})",
            self.held("pid")
        );
        self.schema.query(&blocked).trim().parse().expect("a number")
    }

    /// Ends the sessions of the commits it holds: nothing of them is kept.
    pub fn refuse(&self) {
        self.schema.query(&self.held("pg_terminate_backend(pid)"));
    }

    fn held(&self, what: &str) -> String {
        format!(
            "select {what} from pg_locks where locktype = 'advisory' and classid = 'gate'::regclass::oid \
             and objid = 1 and database = (select oid from pg_database where datname = current_database())"
        )
    }
}

impl Drop for CommitGate<'_> {
    fn drop(&mut self) {
        self.open();
    }
}
