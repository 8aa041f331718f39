//! `POST /v1/messages` and `GET /v1/rooms/{room}/messages`.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};
use pollgate_core::{Class, Sent};
use pollgate_model::{
    AttachmentId, ClientId, History, Message, MessageId, NewMessage, Range, RoomId, Target, UserId,
};
use serde::Deserialize;

use super::call::Call;
use super::caller::{needs, speaker};
use super::openapi::{BODY, COUNTED, CREDENTIAL, QUERY, ROOM, STORING, refusals};
use super::problem::{Code, Problem};
use super::rooms::{page_limit, room_id};
use super::traced::Begun;
use super::{Gateway, answer, strict};
use crate::auth::{Caller, Scope};

/// A message as it is sent: to a user or to a room, with a text, or files, or both.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewMessage, example = json!({"to": "bob", "body": "hi"}))]
pub(super) struct Posted {
    /// To this user: the direct room of the two is found or made.
    to: Option<UserId>,
    /// To this room, of which the sender is a member.
    #[schema(value_type = Option<RoomId>)]
    room: Option<String>,
    /// In the name of this user; needs the scope `publish`.
    from: Option<UserId>,
    /// The text, without NUL; empty only when there are files. Its bound counts bytes.
    #[serde(default)]
    body: String,
    /// The same again is the same message: a retry is answered 200 with the message first stored.
    client_id: Option<ClientId>,
    /// Files that go with it, uploaded before; each once.
    #[serde(default)]
    #[schema(value_type = Vec<AttachmentId>)]
    attachments: Vec<String>,
    /// The message of the same room that it answers.
    #[schema(value_type = Option<MessageId>)]
    reply_to: Option<String>,
}

impl Posted {
    fn into_message(self, caller: &Caller, begun: &Begun) -> Result<NewMessage, Problem> {
        let target = match (self.to, self.room) {
            (Some(user), None) => Target::User(user),
            (None, Some(room)) => Target::Room(room_id(&room)?),
            _ => return Err(Problem::invalid("exactly one of to and room must be given")),
        };
        let sender = speaker(caller, self.from)?;
        let reply_to = self.reply_to.map(|id| id.parse()).transpose();
        let attachments: Result<Vec<_>, _> = self.attachments.iter().map(|id| id.parse()).collect();
        Ok(NewMessage {
            sender,
            target,
            body: self.body,
            client_id: self.client_id,
            attachments: attachments.map_err(|e| Problem::invalid(format!("attachments: {e}")))?,
            reply_to: reply_to.map_err(|e| Problem::invalid(format!("reply_to: {e}")))?,
            trace: begun.trace.clone(),
        })
    }
}

impl Posted {
    /// Sends it.
    pub(super) async fn run(self, call: &Call<'_>) -> Result<Sent, Problem> {
        let Call { gateway, caller, begun, .. } = call;
        let in_the_name_of = self.from.is_some();
        let message = self.into_message(caller, begun)?;
        // a back end counts as one, in whoever's name it sends
        let class = if caller.has(Scope::Publish) {
            Class::Publish
        } else {
            gateway.core.message_class(&message.sender, &message.target).await
        };
        call.throttle(&class).await?;
        gateway.core.accepted(begun.at.elapsed());
        let sent = gateway.core.send_for(message, in_the_name_of.then(|| caller.user.clone())).await?;
        if sent.repeated {
            gateway.core.throttle().refund(&caller.user, &class);
        }
        Ok(sent)
    }
}

refusals!(SendRefused: CREDENTIAL, BODY, ROOM, STORING, COUNTED, &[Code::Conflict]);

/// Send a message
///
/// The answer comes after the commit and before the publish. All members of the room get `message.created`, the
/// sender's other sessions too. With `to`, the direct room of the two is found or made.
#[utoipa::path(
    post,
    path = "/v1/messages",
    operation_id = "sendMessage",
    tag = "sending",
    security(("bearer" = [])),
    extensions(("x-throttle-class" = json!("messages"))),
    request_body = Posted,
    responses(
        (status = 201, description = "Committed: it will not be lost", body = Message,
            links(
                ("history" = (operation_id = "readHistory", parameters(("room" = "$response.body#/room")))),
                ("edit" = (operation_id = "editMessage", parameters(("room" = "$response.body#/room"), ("message" = "$response.body#/id")))),
                ("delete" = (operation_id = "deleteMessage", parameters(("room" = "$response.body#/room"), ("message" = "$response.body#/id")))),
            )),
        (status = 200, description = "The message first stored under this `client_id`; nothing was sent twice", body = Message),
        SendRefused,
    ),
)]
pub(crate) async fn send(
    request: HttpRequest,
    payload: Payload,
    gateway: Data<Gateway>,
) -> Result<HttpResponse, Problem> {
    let caller = gateway.caller(&request).await?;
    let posted: Posted = strict::json(&request, payload, gateway.body_limits).await?;
    let sent = posted.run(&Call::http(&gateway, &caller, &request)).await?;
    let status = if sent.repeated { StatusCode::OK } else { StatusCode::CREATED };
    Ok(answer::json(status, sent.json))
}

#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct PageQuery {
    /// Older than this `seq`: the newest of them.
    #[param(nullable = false)]
    before: Option<i64>,
    /// Newer than this `seq`: the oldest of them.
    #[param(nullable = false)]
    after: Option<i64>,
    /// The most messages to answer.
    #[param(nullable = false, minimum = 1, maximum = 100, default = 50)]
    limit: Option<u32>,
}

impl PageQuery {
    fn range(&self) -> Range {
        match (self.before, self.after) {
            (None, None) => Range::Newest,
            (Some(before), None) => Range::Before(before),
            (None, Some(after)) => Range::After(after),
            (Some(before), Some(after)) => Range::Between { after, before },
        }
    }

    /// Reads the page.
    pub(super) async fn run(self, call: &Call<'_>, room: &str) -> Result<History, Problem> {
        needs(call.caller, Scope::User)?;
        let limit = page_limit(self.limit)?;
        call.throttle(&Class::Rooms).await?;
        Ok(call.gateway.core.history(&call.caller.user, room_id(room)?, self.range(), limit).await?)
    }
}

refusals!(HistoryRefused: CREDENTIAL, QUERY, ROOM, STORING, COUNTED);

/// Read a room's history
///
/// The newest page, or the one before or after a `seq`. `seq` has no holes: who sees one asks for `after`.
#[utoipa::path(
    get,
    path = "/v1/rooms/{room}/messages",
    operation_id = "readHistory",
    tag = "rooms",
    security(("bearer" = [])),
    extensions(("x-throttle-class" = json!("rooms"))),
    params(("room" = RoomId, Path, description = "A room of which the caller is a member"), PageQuery),
    responses((status = 200, description = "The page, oldest message first", body = History), HistoryRefused),
)]
pub(crate) async fn history(
    request: HttpRequest,
    room: Path<String>,
    gateway: Data<Gateway>,
) -> Result<HttpResponse, Problem> {
    let caller = gateway.caller(&request).await?;
    let query: PageQuery = strict::query(&request)?;
    let page = query.run(&Call::http(&gateway, &caller, &request), &room).await?;
    answer::value(&request, StatusCode::OK, &page)
}
