//! The end of what nobody uses: attachments that no message holds, bytes that no row knows of, and files of uploads that
//! were never finished. Every gateway does it, at the same time as others if it so happens.
//!
//! A row goes before its bytes: the other way round, a message could be sent with a file whose bytes are gone. Between
//! the two there are bytes without a row, which the next look at the storage finds.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use pollgate_model::{AttachmentId, Timestamp};
use pollgate_store::Store;
use tracing::{error, info, warn};

use super::Attachments;
use super::figures::Orphan;
use crate::CoreError;
use crate::task::Stop;

/// Looked at at once.
const PAGE: usize = 500;
/// Most that one look at the storage removes of one kind; the rest is found by the next.
const MOST: usize = 1000;
/// So many bytes without a row may be more than those with one. Beyond, this is not the storage's database.
const STRANGERS: usize = 100;
/// Pause between two pages: the database has other things to do as well.
const BREATH: Duration = Duration::from_millis(50);
const SHORTEST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(6 * 3600);
/// Before the first look: a gateway that starts has better things to do.
const FIRST_PAUSE: Duration = Duration::from_secs(60);

/// The service; ends with the stop signal.
pub(crate) async fn sweep(attachments: Arc<Attachments>, store: Store, mut stop: Stop) {
    let pause = (attachments.settings.orphan / 4).clamp(SHORTEST_PAUSE, LONGEST_PAUSE);
    let mut wait = pause.min(FIRST_PAUSE);
    loop {
        tokio::select! {
            () = stop.wait() => return,
            () = tokio::time::sleep(wait) => {}
        }
        let sweeping = async {
            if let Err(error) = attachments.sweep_unused(&store).await {
                warn!(%error, "unused attachments were not all removed, trying again");
            }
            if let Err(error) = attachments.sweep_storage(&store).await {
                warn!(%error, "the attachment storage was not looked through, trying again");
            }
        };
        tokio::select! {
            () = stop.wait() => return,
            () = sweeping => {}
        }
        wait = pause;
    }
}

impl Attachments {
    /// What is older than this and nobody's is removed.
    fn before(&self) -> Timestamp {
        let age = i64::try_from(self.settings.orphan.as_millis()).unwrap_or(i64::MAX);
        Timestamp::from_ms(Timestamp::now().as_ms().saturating_sub(age))
    }

    async fn sweep_unused(&self, store: &Store) -> Result<(), CoreError> {
        let before = self.before();
        let mut after = None;
        loop {
            let page = store.attachments_unused(after, before, PAGE).await?;
            if !page.unused.is_empty() {
                let removed = store.attachments_remove(&page.unused).await?;
                self.counters.removed(Orphan::Unused, removed.len());
                for id in removed {
                    self.files.remove(id).await?;
                }
            }
            after = page.next;
            if after.is_none() {
                return Ok(());
            }
            tokio::time::sleep(BREATH).await;
        }
    }

    async fn sweep_storage(&self, store: &Store) -> Result<(), CoreError> {
        let unfinished = self.files.remove_unfinished(self.settings.orphan, MOST).await?;
        self.counters.removed(Orphan::Unfinished, unfinished);
        let before = self.before();
        let (mut known, mut unknown) = (0_usize, 0_usize);
        let mut strangers: HashSet<AttachmentId> = HashSet::new();
        let mut listing = self.files.list().await?;
        loop {
            let page = listing.next(PAGE).await?;
            if page.is_empty() {
                break;
            }
            let ids: Vec<AttachmentId> = page.iter().filter(|s| s.at < before).map(|s| s.id).collect();
            let rows = store.attachments_known(&ids).await?;
            for id in ids {
                if rows.contains(&id) {
                    known += 1;
                } else {
                    unknown += 1;
                    if strangers.len() < MOST {
                        strangers.insert(id);
                    }
                }
            }
            tokio::time::sleep(BREATH).await;
        }
        if unknown > STRANGERS && unknown > known {
            error!(
                known,
                unknown,
                "most of what is in the attachment storage is not in the database: is it the right one? Nothing is removed"
            );
            return Ok(());
        }
        for id in &strangers {
            self.files.remove(*id).await?;
        }
        self.counters.removed(Orphan::Unknown, strangers.len());
        if !strangers.is_empty() || unfinished > 0 {
            info!(unknown = strangers.len(), unfinished, "left-over bytes of attachments were removed");
        }
        Ok(())
    }
}
