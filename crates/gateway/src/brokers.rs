//! Opening the configured broker, or one for each RabbitMQ cluster.

use std::sync::Arc;
use std::time::Duration;

use futures::future::try_join_all;
use pollgate_broker::clusters::PlacementError;
use pollgate_broker::memory::{MemoryBroker, MemorySettings};
use pollgate_broker::rabbit::{RabbitBroker, RabbitSettings};
use pollgate_broker::{Broker, ClusterName, Clusters, MailboxLimits, Outcome, Outcomes, Placement};
use pollgate_model::UserId;
use tokio::sync::mpsc;

use crate::settings::{BrokerSettings, ClusterSettings, RabbitmqSettings, Settings, ms};
use crate::start::StartError;

/// Sizes and times of mailboxes.
pub(crate) fn mailbox_limits(settings: &Settings) -> MailboxLimits {
    let section = &settings.mailbox;
    MailboxLimits {
        message_ttl: Duration::from_secs(section.message_ttl_s),
        max_length: section.max_length,
        expires: Duration::from_secs(section.expires_s),
        session_expires: Duration::from_secs(section.session_expires_s),
        prefetch: section.prefetch,
    }
}

/// How one cluster is used; the same settings for all of them.
pub(crate) fn rabbit_settings(
    settings: &Settings,
    rabbit: &RabbitmqSettings,
    cluster: &ClusterSettings,
) -> RabbitSettings {
    RabbitSettings {
        url: cluster.url.expose().to_owned(),
        prefix: rabbit.prefix.clone(),
        publish_window: rabbit.publish_window,
        mailboxes_per_channel: rabbit.mailboxes_per_channel,
        channels_per_connection: rabbit.channels_per_connection,
        // made as they are needed; the bound is that of mailboxes
        consume_connections: settings
            .limits
            .mailboxes
            .div_ceil(rabbit.mailboxes_per_channel.saturating_mul(rabbit.channels_per_connection).max(1)),
        timeout: ms(rabbit.timeout_ms),
        heartbeat_s: rabbit.heartbeat_s,
        ..RabbitSettings::default()
    }
}

/// Connects to one cluster.
async fn open_cluster(
    settings: &Settings,
    rabbit: &RabbitmqSettings,
    cluster: &ClusterSettings,
    outcomes: Outcomes,
) -> Result<Arc<dyn Broker>, StartError> {
    let rabbit = rabbit_settings(settings, rabbit, cluster);
    Ok(Arc::new(RabbitBroker::connect(mailbox_limits(settings), rabbit, outcomes).await?))
}

/// The brokers with their answers, in the same order.
pub(crate) async fn open(
    settings: &Settings,
) -> Result<(Clusters, Vec<mpsc::UnboundedReceiver<Outcome>>), StartError> {
    match &settings.broker {
        BrokerSettings::Memory { bytes, publications } => {
            let memory = MemorySettings { most_bytes: *bytes, most_publications: *publications };
            let (outcomes, answers) = mpsc::unbounded_channel();
            let broker = Arc::new(MemoryBroker::new(mailbox_limits(settings), memory, outcomes));
            Ok((Clusters::single(ClusterName::in_process(), broker), vec![answers]))
        }
        BrokerSettings::Rabbitmq(rabbit) => {
            let (channels, answers): (Vec<Outcomes>, Vec<_>) =
                rabbit.clusters.iter().map(|_| mpsc::unbounded_channel()).unzip();
            // at the same time: each that is away takes a while to be given up for now
            let opening = rabbit.clusters.iter().zip(channels).map(async |(cluster, outcomes)| {
                let broker = open_cluster(settings, rabbit, cluster, outcomes).await?;
                Ok::<_, StartError>((cluster.name.clone(), broker))
            });
            let opened: Vec<_> = try_join_all(opening).await?;
            Ok((Clusters::new(opened)?, answers))
        }
    }
}

/// Who is placed where, known before any broker is asked.
pub(crate) fn placement(settings: &Settings) -> Placement {
    match &settings.broker {
        BrokerSettings::Memory { .. } => Placement::single(ClusterName::in_process()),
        BrokerSettings::Rabbitmq(rabbit) => rabbit.placement.clone(),
    }
}

/// A connection to the cluster of one user, for a command that only looks; no other cluster is asked.
pub(crate) async fn for_looking(
    settings: &Settings,
    rabbit: &RabbitmqSettings,
    user: &UserId,
) -> Result<Arc<dyn Broker>, StartError> {
    let (outcomes, _nobody_publishes) = mpsc::unbounded_channel();
    let cluster = rabbit.clusters.get(rabbit.placement.lane_of(user));
    let cluster = cluster.ok_or(PlacementError::Empty)?;
    open_cluster(settings, rabbit, cluster, outcomes).await
}
