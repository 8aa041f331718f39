//! The tables, as both migration trees make them; a test compares.

diesel::table! {
    use diesel::sql_types::{BigInt, Nullable, Text};
    use crate::sql::Id16;

    /// Direct and group rooms.
    rooms (id) {
        id -> Id16,
        kind -> Text,
        name -> Nullable<Text>,
        direct_key -> Nullable<Text>,
        last_seq -> BigInt,
        last_message_id -> Nullable<Id16>,
        last_message_sender -> Nullable<Text>,
        last_message_text -> Nullable<Text>,
        last_message_at_ms -> Nullable<BigInt>,
        created_at_ms -> BigInt,
        updated_at_ms -> BigInt,
        context_kind -> Nullable<Text>,
        context_id -> Nullable<Text>,
        category -> Nullable<Text>,
        status -> Nullable<Text>,
        assignee -> Nullable<Text>,
        created_by -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Text};
    use crate::sql::Id16;

    /// Who is in which room.
    members (room_id, user_id) {
        room_id -> Id16,
        user_id -> Text,
        last_read_seq -> BigInt,
        joined_at_ms -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::Text;

    /// Who serves which desk; a desk is a category of rooms.
    desk_agents (category, user_id) {
        category -> Text,
        user_id -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Nullable, Text};
    use crate::sql::Id16;

    /// Messages, in the order of their rooms.
    messages (room_id, seq) {
        room_id -> Id16,
        seq -> BigInt,
        id -> Id16,
        sender -> Text,
        body -> Text,
        client_id -> Nullable<Text>,
        reply_to -> Nullable<Id16>,
        created_at_ms -> BigInt,
        attachments -> Nullable<Text>,
        edited_at_ms -> Nullable<BigInt>,
        deleted_at_ms -> Nullable<BigInt>,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Text};
    use crate::sql::Id16;

    /// What one gateway does for all of them.
    chores (name) {
        name -> Text,
        instance -> Id16,
        until_ms -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::BigInt;
    use crate::sql::Id16;

    /// How far each room is indexed. The index itself is each database's own, and has no table here.
    search_marks (room_id) {
        room_id -> Id16,
        seq -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Binary, Nullable, Text};
    use crate::sql::Id16;

    /// What is committed and not yet answered for by the broker.
    outbox (ticket) {
        ticket -> BigInt,
        instance -> Id16,
        event_id -> Id16,
        room_id -> Nullable<Id16>,
        seq -> Nullable<BigInt>,
        recipients -> Nullable<Text>,
        payload -> Nullable<Binary>,
        accepted_at_ms -> BigInt,
        expires_at_ms -> Nullable<BigInt>,
        trace -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Nullable, Text};
    use crate::sql::Id16;

    /// Leases of gateway processes, and what each says of itself.
    instances (id) {
        id -> Id16,
        heartbeat_ms -> BigInt,
        report -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Binary, Nullable, Text};
    use crate::sql::Id16;

    /// API tokens, by the hash of their text.
    tokens (id) {
        id -> Id16,
        hash -> Binary,
        user_id -> Text,
        scope -> Text,
        created_at_ms -> BigInt,
        expires_at_ms -> Nullable<BigInt>,
        revoked_at_ms -> Nullable<BigInt>,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Binary};

    /// Requests that were accepted under an idempotency key.
    idempotency_keys (id) {
        id -> Binary,
        fingerprint -> Binary,
        event_ids -> Binary,
        created_at_ms -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Text};

    /// Lists of broker clusters, and when a gateway used each last.
    placements (list) {
        list -> Text,
        used_at_ms -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Text};

    /// Token buckets that gateways share.
    throttle (bucket) {
        bucket -> Text,
        full_at_us -> BigInt,
        step_us -> BigInt,
        size -> BigInt,
        spent -> BigInt,
        returned -> BigInt,
        wanted -> BigInt,
        granted -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Text};

    /// Who is online, as it was told.
    presence (user_id) {
        user_id -> Text,
        online -> BigInt,
        since_at_ms -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Nullable};
    use crate::sql::Id16;

    /// Gateways that say who is there.
    presence_gateways (instance) {
        instance -> Id16,
        seen_at_ms -> BigInt,
        gone_at_ms -> Nullable<BigInt>,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Text};
    use crate::sql::Id16;

    /// Who is there, as each gateway says.
    presence_seats (user_id, instance) {
        user_id -> Text,
        instance -> Id16,
        watching -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Text};
    use crate::sql::Id16;

    /// Files whose bytes are stored.
    attachments (id) {
        id -> Id16,
        owner -> Text,
        name -> Text,
        media_type -> Text,
        size -> BigInt,
        created_at_ms -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::BigInt;
    use crate::sql::Id16;

    /// Which messages hold which files.
    attachment_uses (attachment_id, room_id, seq) {
        attachment_id -> Id16,
        room_id -> Id16,
        seq -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Nullable, Text};

    /// Mailboxes in which more waits than usual.
    mailbox_depths (user_id, session) {
        user_id -> Text,
        session -> Text,
        ready -> BigInt,
        unacked -> Nullable<BigInt>,
        consumers -> BigInt,
        alarm -> BigInt,
        used_at_ms -> BigInt,
        looked_at_ms -> BigInt,
        due_at_ms -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Text};

    /// Mailboxes that were deleted by an operator.
    mailbox_purges (user_id, session) {
        user_id -> Text,
        session -> Text,
        missed_at_ms -> BigInt,
    }
}

diesel::joinable!(members -> rooms (room_id));
diesel::allow_tables_to_appear_in_same_query!(rooms, members, messages, outbox, desk_agents, search_marks);
diesel::allow_tables_to_appear_in_same_query!(attachments, attachment_uses, members);
