//! Enough rows that a scan would look cheap to nobody, and figures about them.

use crate::connection::AnyConnection;

/// Two thousand rooms with twenty messages each, and four members; a reader in two hundred of them; a room with many
/// messages; and a desk where a thousand rooms wait.
pub(crate) fn fill(conn: &mut AnyConnection) {
    let (rooms, twenty, four, many, id, message, after) = match conn {
        AnyConnection::Pg(_) => (
            "generate_series(0, 1999) AS s (i)",
            "generate_series(1, 20) AS t (n)",
            "generate_series(0, 3) AS t (n)",
            "generate_series(21, 10000) AS t (n)",
            "lpad(to_hex(i), 32, '0')::uuid",
            "lpad(to_hex(i * 100000 + n + 1000000000), 32, '0')::uuid",
            "ANALYZE",
        ),
        AnyConnection::Sqlite(_) => (
            "(WITH RECURSIVE s (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM s WHERE i < 1999) SELECT i FROM s) AS s",
            "(WITH RECURSIVE t (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 20) SELECT n FROM t) AS t",
            "(WITH RECURSIVE t (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM t WHERE n < 3) SELECT n FROM t) AS t",
            "(WITH RECURSIVE t (n) AS (SELECT 21 UNION ALL SELECT n + 1 FROM t WHERE n < 10000) SELECT n FROM t) AS t",
            "CAST(printf('%016d', i) AS BLOB)",
            "CAST(printf('%016d', i * 100000 + n) AS BLOB)",
            "SELECT 1",
        ),
    };
    conn.run(&format!(
        "BEGIN;
         INSERT INTO rooms (id, kind, last_seq, created_at_ms, updated_at_ms, context_kind, context_id, category, status)
         SELECT {id}, 'group', 20, 0, i, 'order', 'o' || i, CASE i % 2 WHEN 0 THEN 'sales' END, 'open' FROM {rooms};
         INSERT INTO members (room_id, user_id, last_read_seq, joined_at_ms)
         SELECT {id}, 'u' || ((i + n) % 800), 0, 0 FROM {rooms}, {four}
         UNION ALL SELECT {id}, 'reader', 0, 0 FROM {rooms} WHERE i < 200;
         INSERT INTO messages (room_id, seq, id, sender, body, client_id, created_at_ms)
         SELECT {id}, n, {message}, 'u', 'hi', 'c' || i || '-' || n, 0 FROM {rooms}, {twenty}
         UNION ALL SELECT {id}, n, {message}, 'u', 'hi', NULL, 0 FROM {rooms}, {many} WHERE i = 7;
         INSERT INTO desk_agents VALUES ('sales', 'reader');
         INSERT INTO desk_agents SELECT 'd' || i, 'a' || i FROM {rooms};
         COMMIT; {after};"
    ))
    .unwrap();
}
