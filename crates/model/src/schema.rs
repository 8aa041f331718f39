//! How the OpenAPI document describes the types that are texts on the wire, and the event, which is put together by hand.
//!
//! All other types derive their description from their fields.

use std::borrow::Cow;

use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, SchemaType, Type};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};

use crate::{
    AttachmentId, ClientId, ContextId, EncodedEvent, EventId, EventKind, Label, MessageId, RoomCursor,
    RoomId, RoomName, SearchCursor, SessionId, Timestamp, UserId,
};

type Schemas = Vec<(String, RefOr<Schema>)>;

/// An opaque text. JSON Schema counts characters where we count bytes, so this is the looser of the two.
fn opaque(most: usize, description: &str) -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .min_length(Some(1))
        .max_length(Some(most))
        .pattern(Some(r"^[^\u0000]+$"))
        .description(Some(description))
        .into()
}

fn text(format: SchemaFormat, description: &str) -> RefOr<Schema> {
    ObjectBuilder::new().schema_type(Type::String).format(Some(format)).description(Some(description)).into()
}

fn uuid() -> SchemaFormat {
    SchemaFormat::Custom("uuid".to_owned())
}

macro_rules! described {
    ($($name:ident => $schema:expr),+ $(,)?) => { $(
        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                $schema
            }
        }
        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed(stringify!($name))
            }
        }
    )+ };
}

described! {
    UserId => opaque(Self::MOST_BYTES, "A user's id: opaque, 1 to 128 bytes, no NUL."),
    SessionId => opaque(Self::MOST_BYTES, "Names one device or tab of a user: opaque, 1 to 128 bytes, no NUL."),
    ClientId => opaque(
        Self::MOST_BYTES,
        "The client's own id for a message, which makes a retry harmless: 1 to 64 bytes, no NUL; a UUID is a good one.",
    ),
    RoomName => opaque(Self::MOST_BYTES, "A group room's name: 1 to 256 bytes, no NUL."),
    Label => opaque(Self::MOST_BYTES, "A word of the application's: 1 to 64 bytes, no NUL."),
    ContextId => opaque(Self::MOST_BYTES, "Which order, job, ... a room is about: opaque, 1 to 128 bytes, no NUL."),
    RoomCursor => ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some("^[A-Za-z0-9_-]{34}$"))
        .description(Some("A place in a list of rooms; opaque."))
        .into(),
    SearchCursor => ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some("^[A-Za-z0-9_-]{22}$"))
        .description(Some("A place among what a search finds; opaque."))
        .into(),
    EventKind => opaque(
        UserId::MOST_BYTES,
        "An event's type, such as `message.created`; those that are not the gateway's own are the application's.",
    ),
    RoomId => text(uuid(), "A room's id."),
    MessageId => text(uuid(), "A message's id."),
    EventId => text(uuid(), "An event's id; drop repeats by it. The event of a message bears the message's id."),
    AttachmentId => text(uuid(), "An attachment's id."),
    Timestamp => text(SchemaFormat::KnownFormat(KnownFormat::DateTime), "RFC 3339, UTC, with milliseconds."),
}

impl PartialSchema for EncodedEvent {
    fn schema() -> RefOr<Schema> {
        let reference = |name: Cow<'static, str>| RefOr::Ref(Ref::from_schema_name(name));
        ObjectBuilder::new()
            .description(Some("Something that happened, as a reader gets it."))
            .property("id", reference(EventId::name()))
            .property("type", reference(EventKind::name()))
            .property("at", reference(Timestamp::name()))
            .property("room", reference(RoomId::name()))
            .property(
                "data",
                ObjectBuilder::new()
                    .schema_type(SchemaType::AnyValue)
                    .description(Some("The message, the room, or whatever the application sent.")),
            )
            .required("id")
            .required("type")
            .required("at")
            .required("data")
            .into()
    }
}

impl ToSchema for EncodedEvent {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Event")
    }

    fn schemas(schemas: &mut Schemas) {
        schemas.extend([
            (EventId::name().into_owned(), EventId::schema()),
            (EventKind::name().into_owned(), EventKind::schema()),
            (Timestamp::name().into_owned(), Timestamp::schema()),
            (RoomId::name().into_owned(), RoomId::schema()),
        ]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_description_of_an_event_names_its_fields() {
        let event = |room| {
            let kind = EventKind::try_from("order.updated".to_owned()).unwrap();
            let event = EncodedEvent::new(EventId::new(), &kind, Timestamp::now(), room, &1).unwrap();
            serde_json::from_slice::<serde_json::Value>(&event.json).unwrap()
        };
        let keys = |value: &serde_json::Value| {
            let mut keys: Vec<_> = value.as_object().unwrap().keys().cloned().collect();
            keys.sort();
            keys
        };
        let schema = serde_json::to_value(EncodedEvent::schema()).unwrap();
        assert_eq!(keys(&schema["properties"]), keys(&event(Some(RoomId::new()))));
        let mut required: Vec<_> =
            schema["required"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
        required.sort_unstable();
        assert_eq!(required, keys(&event(None)));
    }
}
