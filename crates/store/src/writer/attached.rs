//! The files of a batch's messages: found, and held until the end of the transaction, before anything is written.

use std::collections::{BTreeSet, HashMap, HashSet};

use pollgate_model::{Attachment, AttachmentId, UserId};

use super::draft::Earlier;
use super::tables::Tables;
use super::unit::Send;
use crate::attachments::attachment;
use crate::error::Failure;
use crate::rows;
use crate::sql::Id;

/// The files of one message; `None`: one of them is not there, or not the sender's to use.
pub(crate) type Files = Option<Vec<Attachment>>;

/// Finds the files of all sends, one answer for each. A row that is found cannot be removed until the transaction ends.
pub(crate) fn find<T: Tables>(
    tables: &mut T,
    sends: &[&Send],
    earlier: &[Earlier],
) -> Result<Vec<Files>, Failure> {
    // what was stored before needs no look: it holds its files itself
    let wanted = |(send, earlier): &(&&Send, &Earlier)| {
        !send.new.attachments.is_empty() && !matches!(earlier, Earlier::Stored(_))
    };
    let with: Vec<&Send> = sends.iter().zip(earlier).filter(wanted).map(|(send, _)| *send).collect();
    if with.is_empty() {
        return Ok(sends.iter().map(|_| Some(Vec::new())).collect());
    }
    // in the order of the ids, as everybody takes them
    let ids: BTreeSet<Id> = with.iter().flat_map(|s| &s.new.attachments).map(|id| Id(id.uuid())).collect();
    let ids: Vec<Id> = ids.into_iter().collect();
    let mut known: HashMap<AttachmentId, (UserId, Attachment)> = HashMap::new();
    for row in tables.attachments(&ids)? {
        let owner = rows::user(row.1.clone())?;
        let found = attachment(row)?;
        known.insert(found.id, (owner, found));
    }
    let shared = shared(tables, &with, &known)?;
    let files = |send: &&Send| {
        let file = |id: &AttachmentId| {
            let (owner, file) = known.get(id)?;
            let may = of(send).any(|user| user == owner || shared.contains(&(*id, user.clone())));
            may.then(|| file.clone())
        };
        send.new.attachments.iter().map(file).collect()
    };
    Ok(sends.iter().map(files).collect())
}

/// Whose files may go with a message: its sender's, and the caller's who sends it in that name.
fn of(send: &Send) -> impl Iterator<Item = &UserId> {
    std::iter::once(&send.new.sender).chain(&send.caller)
}

/// Files of others that these senders see in their rooms.
fn shared<T: Tables>(
    tables: &mut T,
    sends: &[&Send],
    known: &HashMap<AttachmentId, (UserId, Attachment)>,
) -> Result<HashSet<(AttachmentId, UserId)>, Failure> {
    let mut asked: BTreeSet<(Id, &str)> = BTreeSet::new();
    for send in sends {
        for id in &send.new.attachments {
            let Some((owner, _)) = known.get(id) else { continue };
            if of(send).all(|user| user != owner) {
                asked.extend(of(send).map(|user| (Id(id.uuid()), user.as_str())));
            }
        }
    }
    if asked.is_empty() {
        return Ok(HashSet::new());
    }
    let pairs: Vec<(Id, &str)> = asked.into_iter().collect();
    let seen = tables.seen(&pairs)?.into_iter();
    seen.map(|(id, user)| Ok((id.0.into(), rows::user(user)?))).collect()
}
