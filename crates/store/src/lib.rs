//! The database: PostgreSQL and SQLite behind one door.
