//! The incarnation of the broker's transient state.
//!
//! A durable queue holds one transient message with a number. It is lost exactly when the broker loses its transient
//! state; then whoever looks first writes another number.

use std::time::Duration;

use lapin::options::{BasicGetOptions, BasicNackOptions, BasicPublishOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{BasicProperties, Channel};

use super::link::within;
use super::manage::Management;
use super::name::{Names, short};
use crate::BrokerError;

/// Looks before the message is taken to be lost: another gateway may hold it for a moment.
const LOOKS: u32 = 5;
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

/// Reads the incarnation, writing one if there is none. `publishing` is a channel in confirm mode.
pub(super) async fn incarnation(
    management: &Management,
    publishing: &Channel,
    names: &Names,
    limit: Duration,
) -> Result<u32, BrokerError> {
    let queue = short(names.marker())?;
    let channel = management.channel().await?;
    // the second writer is refused, so that all agree on the first one's number
    let mut arguments = FieldTable::default();
    arguments.insert("x-max-length".into(), AMQPValue::LongLongInt(1));
    arguments.insert("x-overflow".into(), AMQPValue::LongString("reject-publish".into()));
    let declared = channel.queue_declare(queue.clone(), QueueDeclareOptions::durable(), arguments);
    within(limit, declared).await?;
    for _attempt in 0..LOOKS {
        if let Some(number) = look(&channel, &queue, limit).await? {
            return Ok(number);
        }
        write(publishing, &queue, limit).await?;
    }
    Err(BrokerError::Refused("the marker queue does not keep its message".to_owned()))
}

/// Reads the message and puts it back.
async fn look(channel: &Channel, queue: &ShortString, limit: Duration) -> Result<Option<u32>, BrokerError> {
    for attempt in 0..LOOKS {
        if attempt > 0 {
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
        let Some(message) =
            within(limit, channel.basic_get(queue.clone(), BasicGetOptions::default())).await?
        else {
            continue;
        };
        let number = message.delivery.data.as_slice().try_into().map(u32::from_be_bytes).ok();
        // one that is no number is not put back
        let back = BasicNackOptions { requeue: number.is_some(), multiple: false };
        within(limit, channel.basic_nack(message.delivery.delivery_tag, back)).await?;
        if number.is_some() {
            return Ok(number);
        }
    }
    Ok(None)
}

async fn write(channel: &Channel, queue: &ShortString, limit: Duration) -> Result<(), BrokerError> {
    let number: u32 = rand::random_range(1..=u32::MAX);
    let transient = BasicProperties::default().with_delivery_mode(1);
    let published = async {
        let payload = number.to_be_bytes();
        channel
            .basic_publish("".into(), queue.clone(), BasicPublishOptions::default(), &payload, transient)
            .await?
            .await
    };
    // refused: another gateway was faster, and its number is read next
    within(limit, published).await.map(drop)
}
