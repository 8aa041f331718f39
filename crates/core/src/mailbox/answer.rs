//! What a cursor confirms, and what an answer says.

use bytes::Bytes;
use pollgate_model::{Cursor, Mailbox, Marks, Timestamp};

use super::Mailboxes;
use super::attended::{ResyncReason, State};
use super::poll::{PollRequest, Tally};
use super::window::Done;

/// What a poll is answered with.
pub(super) struct Answer {
    pub(super) events: Vec<Bytes>,
    pub(super) upto: u64,
    pub(super) cursor: Cursor,
    pub(super) resync: Option<ResyncReason>,
    pub(super) more: bool,
    pub(super) tally: Tally,
}

/// Who asked, and when.
pub(super) struct Asked<'a> {
    pub(super) mailbox: &'a Mailbox,
    pub(super) at: Timestamp,
}

impl State {
    /// Confirms what a cursor confirms, and finds out what its client may have missed.
    pub(super) fn apply(&mut self, cursor: &Cursor, mailboxes: &Mailboxes, asked: &Asked<'_>) -> Vec<Done> {
        let user = &asked.mailbox.user;
        if cursor.instance == mailboxes.instance && cursor.incarnation == self.incarnation {
            if cursor.resync {
                self.resync = None;
            }
            let made = (cursor.issued_at, true);
            if let Some(why) = mailboxes.missed.since(asked.mailbox, made, asked.at) {
                self.resync = Some(why);
            }
            return self.window.confirm(cursor.position);
        }
        let settings = &mailboxes.settings;
        let age = cursor.issued_at.age_at(Timestamp::now());
        // whoever found it gone may have told so in an answer that was lost: an old cursor tells it again
        let outlived = asked.mailbox.session.is_some() && age > settings.session_expires;
        let made = (cursor.issued_at, cursor.instance == mailboxes.instance);
        let elsewhere = cursor.cluster != 0 && cursor.cluster != mailboxes.cluster_of(user).name.number();
        if elsewhere {
            // what waited in the other place stays there, whoever made the mailbox here
            self.resync = Some(ResyncReason::Moved);
        } else if let Some(why) = mailboxes.missed.since(asked.mailbox, made, asked.at) {
            self.resync = Some(why);
        } else if self.made || outlived {
            self.resync = Some(ResyncReason::Gone);
        } else if age > settings.message_ttl {
            self.resync = Some(ResyncReason::Expired);
        } else if settings.unstored && cursor.broker != 0 && self.broker != 0 && cursor.broker != self.broker
        {
            self.resync = Some(ResyncReason::BrokerRestarted);
        }
        self.window.confirm_had(cursor.had)
    }

    pub(super) fn answer(
        &mut self,
        request: &PollRequest,
        from: u64,
        mailboxes: &Mailboxes,
        at: Timestamp,
    ) -> Answer {
        let batch = self.window.next(from, request.limit, mailboxes.settings.answer_bytes);
        let full = self.window.len() >= usize::from(mailboxes.settings.prefetch);
        let undrained = self.link.main.as_ref().is_some_and(|m| !m.drained);
        Answer {
            upto: batch.upto,
            resync: self.resync,
            more: batch.more || (!batch.events.is_empty() && (full || undrained)),
            cursor: self.cursor(mailboxes, &Asked { mailbox: &request.mailbox, at }, batch.upto, batch.marks),
            tally: Tally { cut: batch.more && batch.events.len() < request.limit, fresh: batch.fresh },
            events: batch.events,
        }
    }

    /// The cursor that says that a client has got so far.
    pub(super) fn cursor(
        &self,
        mailboxes: &Mailboxes,
        asked: &Asked<'_>,
        position: u64,
        had: Marks,
    ) -> Cursor {
        Cursor {
            instance: mailboxes.instance,
            incarnation: self.incarnation,
            position,
            broker: self.broker,
            cluster: mailboxes.cluster_of(&asked.mailbox.user).name.number(),
            // not the time of the answer: what is looked at when a poll begins has been looked at up to then
            issued_at: asked.at,
            had,
            resync: self.resync.is_some(),
        }
    }
}
