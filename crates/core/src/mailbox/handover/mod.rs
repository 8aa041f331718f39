//! How a mailbox moves between gateways.
//!
//! Whoever is polled for a mailbox asks the one that has it to let go, and consumes after the answer: then what
//! that one held unconfirmed stands in its place again, and order is kept. A cursor names the gateway it comes
//! from; where that is not known or not true any more, and the broker says that somebody consumes the mailbox,
//! all are asked. Nobody waits long: without an answer the mailbox is consumed beside the other one, which may
//! cost the order of what that one still holds, and loses nothing.
//!
//! | poll | what the other gateway does |
//! | --- | --- |
//! | with a cursor, also an empty one | lets go at once; polls held there end, those with a cursor as superseded |
//! | without a cursor, nobody polls there | lets go |
//! | without a cursor, others without one are held there | keeps it: events are split between the two |
//! | without a cursor, a cursor loop has it | keeps it, and the poll waits |

mod ask;
mod give;

use pollgate_model::{Cursor, Mailbox, SessionId, UserId};
use serde::{Deserialize, Serialize};

use super::attended::ResyncReason;
use super::poll::PollCursor;

pub(super) use ask::{Handovers, Taken};
pub(super) use give::Giver;

/// "Let this mailbox go." As JSON between gateways, which may be of different versions: fields are only ever added.
#[derive(Debug, Serialize, Deserialize)]
struct Request {
    /// Who asks; does not answer itself.
    from: u64,
    user: UserId,
    session: Option<SessionId>,
    claim: Claim,
    /// Asked of all: who does not have the mailbox says nothing.
    all: bool,
}

/// By which right it is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Claim {
    /// A poll with this cursor.
    Cursor(String),
    /// The first poll of a cursor loop.
    Start,
    /// A poll without a cursor.
    Simple,
}

impl From<PollCursor> for Claim {
    fn from(cursor: PollCursor) -> Self {
        match cursor {
            PollCursor::At(cursor) => Self::Cursor(cursor.to_string()),
            PollCursor::Start => Self::Start,
            PollCursor::Simple => Self::Simple,
        }
    }
}

impl Claim {
    fn cursor(&self) -> Option<Cursor> {
        match self {
            // one of a newer version than ours confirms nothing here; its events come again
            Self::Cursor(text) => text.parse().ok(),
            Self::Start | Self::Simple => None,
        }
    }
}

/// What the other gateway says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    /// It does not attend the mailbox.
    NotHere,
    /// It has let go: all that is unconfirmed is back in its place.
    LetGo(LetGo),
    /// It keeps it: polls without a cursor are held there too.
    Kept,
    /// It keeps it: a cursor loop has it.
    Occupied,
}

/// A mailbox that was let go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LetGo {
    /// The user's main mailbox may still hold something.
    pub(super) main: bool,
    /// Its client was to be told, and has not said that it heard.
    pub(super) resync: Option<ResyncReason>,
    /// How many events went back to the mailbox, when that is all it holds and nobody else is known to consume it:
    /// then it need not be looked at.
    #[serde(default)]
    pub(super) only: Option<u64>,
}

impl LetGo {
    /// Two have let go of the same mailbox.
    pub(super) fn and(self, other: Self) -> Self {
        Self { main: self.main | other.main, resync: self.resync.or(other.resync), only: None }
    }
}

impl Request {
    fn mailbox(&self) -> Mailbox {
        Mailbox { user: self.user.clone(), session: self.session.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_and_an_answer_survive_the_way() {
        let request = Request {
            from: u64::MAX,
            user: "ann".parse().unwrap(),
            session: Some("tab".parse().unwrap()),
            claim: Claim::Cursor("x".into()),
            all: false,
        };
        let text = serde_json::to_string(&request).unwrap();
        let back: Request = serde_json::from_str(&text).unwrap();
        assert_eq!((back.from, back.mailbox(), back.claim), (request.from, request.mailbox(), request.claim));
        for answer in [
            Answer::NotHere,
            Answer::Kept,
            Answer::Occupied,
            Answer::LetGo(LetGo { main: false, resync: Some(ResyncReason::Gone), only: Some(3) }),
        ] {
            let text = serde_json::to_string(&answer).unwrap();
            assert_eq!(serde_json::from_str::<Answer>(&text).unwrap(), answer);
        }
    }
}
