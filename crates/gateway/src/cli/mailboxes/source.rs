//! Where the numbers come from. With RabbitMQ: from the database, which mailboxes are deep, and from the broker, how deep they are
//! now; no gateway need run. The in-process broker lives inside the gateway, so there the gateway is asked, over its operator
//! address.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use pollgate_broker::{Broker, BrokerError, Depth};
use pollgate_client::{Client, MailboxDepth, MailboxDepths, MailboxQuery};
use pollgate_core::DepthRule;
use pollgate_model::{Mailbox, Timestamp, UserId};
use pollgate_store::{NotedDepth, Store};

use crate::brokers;
use crate::cli::{Failure, tokens, visit};
use crate::settings::{BrokerSettings, RabbitmqSettings, Settings};

/// What is to be shown.
pub(super) struct Wanted {
    pub(super) user: Option<UserId>,
    pub(super) sessions: Vec<pollgate_model::SessionId>,
    pub(super) min_depth: u64,
    pub(super) limit: usize,
}

/// See the module's text.
pub(super) enum Source<'a> {
    Gateway(Client),
    Own(Box<Own<'a>>),
}

/// The configured database and brokers.
pub(super) struct Own<'a> {
    settings: &'a Settings,
    rabbit: &'a RabbitmqSettings,
    store: Store,
    /// Connections to the clusters that were needed so far, by their numbers.
    brokers: HashMap<usize, Arc<dyn Broker>>,
}

/// Asks a gateway of this configuration on behalf of its operator.
pub(super) fn operator(settings: &Settings) -> Result<Client, Failure> {
    let token = tokens::sign_for(settings, "operator", "operator", Duration::from_secs(3600))?;
    let client = Client::builder(format!("http://{}", settings.http.operator_listen)).token(token);
    // who looks wants to know now, also that nobody answers
    Ok(client.deadline(Duration::ZERO).build()?)
}

impl<'a> Source<'a> {
    pub(super) async fn open(settings: &'a Settings) -> Result<Self, Failure> {
        Ok(match &settings.broker {
            BrokerSettings::Memory { .. } => Self::Gateway(operator(settings)?),
            BrokerSettings::Rabbitmq(rabbit) => {
                let store = visit::store(settings).await?;
                Self::Own(Box::new(Own { settings, rabbit, store, brokers: HashMap::new() }))
            }
        })
    }

    pub(super) async fn read(&mut self, wanted: &Wanted) -> Result<MailboxDepths, Failure> {
        let mailboxes = match self {
            Self::Gateway(client) => ask(client, wanted).await?,
            Self::Own(own) => own.read(wanted).await?,
        };
        Ok(MailboxDepths { total_ready: mailboxes.iter().map(|row| row.ready).sum(), mailboxes })
    }

    pub(super) async fn close(self) {
        let Self::Own(own) = self else { return };
        for broker in own.brokers.values() {
            broker.close(Duration::from_secs(1)).await;
        }
        // it has nothing to give back but its connections
        drop(own.store.retire().await);
    }
}

async fn ask(client: &Client, wanted: &Wanted) -> Result<Vec<MailboxDepth>, Failure> {
    let query = MailboxQuery {
        user: wanted.user.as_ref().map(ToString::to_string),
        session: None,
        min_depth: wanted.min_depth,
        limit: Some(wanted.limit),
    };
    if wanted.sessions.is_empty() {
        return Ok(client.mailboxes(&query).await?.mailboxes);
    }
    let mut rows = Vec::new();
    for session in wanted.sessions.iter().take(wanted.limit) {
        let query = MailboxQuery { session: Some(session.to_string()), ..query.clone() };
        rows.extend(client.mailboxes(&query).await?.mailboxes);
    }
    Ok(rows)
}

impl Own<'_> {
    async fn read(&mut self, wanted: &Wanted) -> Result<Vec<MailboxDepth>, Failure> {
        let mut rows = match &wanted.user {
            None => self.deepest(wanted).await?,
            Some(user) => self.of_user(user, wanted).await?,
        };
        rows.retain(|row| row.ready >= wanted.min_depth);
        Ok(rows)
    }

    /// The noted ones, as they are now; where the broker is away, as they were found last.
    async fn deepest(&mut self, wanted: &Wanted) -> Result<Vec<MailboxDepth>, Failure> {
        let noted = self.store.noted_depths(None, wanted.min_depth, wanted.limit).await?;
        let mut rows = Vec::new();
        for row in noted {
            match self.look(&row.size.mailbox).await {
                Ok(None) => {}
                Ok(Some(depth)) => {
                    rows.push(self.row(&row.size.mailbox, depth, row.alarm, Timestamp::now()));
                }
                Err(_away) => rows.push(self.as_noted(&row)),
            }
        }
        rows.sort_by_key(|row| Reverse(row.ready));
        Ok(rows)
    }

    async fn of_user(&mut self, user: &UserId, wanted: &Wanted) -> Result<Vec<MailboxDepth>, Failure> {
        let noted = self.store.noted_depths(Some(user.clone()), 0, wanted.limit).await?;
        let mut mailboxes: Vec<Mailbox> = wanted
            .sessions
            .iter()
            .map(|session| Mailbox::of_session(user.clone(), session.clone()))
            .collect();
        if mailboxes.is_empty() {
            mailboxes.push(Mailbox::main(user.clone()));
            let sessions = noted.iter().map(|row| row.size.mailbox.clone());
            mailboxes.extend(sessions.filter(|mailbox| mailbox.session.is_some()));
        }
        mailboxes.truncate(wanted.limit);
        let mut rows = Vec::new();
        for mailbox in mailboxes {
            let Some(depth) = self.look(&mailbox).await? else { continue };
            let stood = noted.iter().any(|row| row.size.mailbox == mailbox && row.alarm);
            rows.push(self.row(&mailbox, depth, stood, Timestamp::now()));
        }
        Ok(rows)
    }

    async fn look(&mut self, mailbox: &Mailbox) -> Result<Option<Depth>, Failure> {
        let lane = self.rabbit.placement.lane_of(&mailbox.user);
        let broker = match self.brokers.get(&lane) {
            Some(broker) => broker.clone(),
            None => {
                let opened = brokers::for_looking(self.settings, self.rabbit, &mailbox.user).await?;
                self.brokers.insert(lane, opened.clone());
                opened
            }
        };
        if !broker.state().borrow().up {
            return Err(BrokerError::Unreachable("RabbitMQ is away".to_owned()).into());
        }
        Ok(broker.depth(mailbox).await?)
    }

    fn row(&self, mailbox: &Mailbox, depth: Depth, stood: bool, at: Timestamp) -> MailboxDepth {
        let rule = DepthRule::new(self.settings.mailbox.alarm_depth);
        MailboxDepth {
            user: mailbox.user.to_string(),
            session: mailbox.session.as_ref().map(ToString::to_string),
            ready: depth.ready,
            unacked: depth.unacked,
            consumers: depth.consumers,
            alarm: rule.alarms(depth.ready, stood),
            looked_at: at.to_string(),
        }
    }

    fn as_noted(&self, row: &NotedDepth) -> MailboxDepth {
        let size = &row.size;
        let depth = Depth { ready: size.ready, unacked: size.unacked, consumers: size.consumers };
        self.row(&size.mailbox, depth, row.alarm, row.looked_at)
    }
}
