//! The control connection: one channel that publishes requests and answers and consumes those of others.

use std::future::{Future, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use lapin::message::DeliveryResult;
use lapin::options::{
    BasicConsumeOptions, BasicPublishOptions, ConfirmSelectOptions, ExchangeDeclareOptions, QueueBindOptions,
    QueueDeclareOptions,
};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{BasicProperties, Channel, Confirmation, ExchangeKind};
use tokio::sync::mpsc;

use super::pending::{Heard, Pending};
use super::run::Running;
use super::{ALL, key_of};
use crate::rabbit::link::{dial, within};
use crate::rabbit::name::short;
use crate::{BrokerError, Reply, Responder};

/// How long a request is worth anything, in ms: whoever asked has gone on long before.
const WORTH_MS: i32 = 2000;
/// Requests that wait in an instance's queue; more drop the oldest.
const MOST_QUEUED: i32 = 10_000;
const REQUEST: &str = "request";
const ANSWER: &str = "answer";

/// A request or an answer to be written.
pub(super) struct Letter {
    pub(super) key: String,
    /// The request's number at the one who asks.
    pub(super) number: u64,
    /// It answers a request.
    pub(super) answers: bool,
    /// It comes back when nobody has the key.
    pub(super) mandatory: bool,
    pub(super) payload: Bytes,
}

/// What a written letter resolves to: the number of a request that came back.
pub(super) type Written = Pin<Box<dyn Future<Output = Option<u64>> + Send>>;

/// The connection, ready for use.
pub(super) struct Link {
    pub(super) connection: Arc<lapin::Connection>,
    channel: Channel,
    exchange: ShortString,
    /// Where answers are to go.
    own_key: ShortString,
    /// The queue is gone, and with it every request.
    deaf: Arc<AtomicBool>,
    _consumer: lapin::Consumer,
}

/// The arguments of an instance's own queue.
pub(in crate::rabbit) fn arguments() -> FieldTable {
    let mut arguments = FieldTable::default();
    arguments.insert("x-message-ttl".into(), AMQPValue::LongInt(WORTH_MS));
    arguments.insert("x-max-length".into(), AMQPValue::LongInt(MOST_QUEUED));
    arguments
}

impl Link {
    pub(super) async fn open(needs: &Running) -> Result<Self, BrokerError> {
        let limit = needs.settings.timeout;
        let connection = dial(&needs.settings, &needs.counters, "control").await?;
        let channel = within(limit, connection.create_channel()).await?;
        let exchange = short(needs.exchange.clone())?;
        let durable = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
        let declared =
            channel.exchange_declare(exchange.clone(), ExchangeKind::Direct, durable, FieldTable::default());
        within(limit, declared).await?;
        // the broker names it: the queue of a connection that died unnoticed may still be there, in nobody's way
        let exclusive =
            QueueDeclareOptions { exclusive: true, auto_delete: true, ..QueueDeclareOptions::default() };
        let queue = within(limit, channel.queue_declare("".into(), exclusive, arguments())).await?;
        let own_key = short(key_of(needs.instance))?;
        let confirms = channel.confirm_select(ConfirmSelectOptions::default());
        within(limit, confirms).await?;
        let options = BasicConsumeOptions { no_ack: true, exclusive: true, ..BasicConsumeOptions::default() };
        let consumed =
            channel.basic_consume(queue.name().clone(), "control".into(), options, FieldTable::default());
        let consumer = within(limit, consumed).await?;
        let deaf = Arc::new(AtomicBool::new(false));
        consumer.set_delegate(Delegate {
            deaf: Arc::clone(&deaf),
            responder: Arc::clone(&needs.responder),
            pending: Arc::clone(&needs.pending),
            letters: needs.letters.clone(),
        });
        // bound last: whoever finds this instance finds it listening
        for key in [own_key.clone(), short(ALL)?] {
            let bound = channel.queue_bind(
                queue.name().clone(),
                exchange.clone(),
                key,
                QueueBindOptions::default(),
                FieldTable::default(),
            );
            within(limit, bound).await?;
        }
        Ok(Self { connection, channel, exchange, own_key, deaf, _consumer: consumer })
    }

    pub(super) fn works(&self) -> bool {
        let deaf = self.deaf.load(Ordering::Relaxed);
        !deaf && self.connection.status().connected() && self.channel.status().connected()
    }

    /// Nothing is written before this is polled.
    pub(super) fn write(&self, letter: Letter) -> Written {
        let properties = BasicProperties::default()
            .with_type(if letter.answers { ANSWER } else { REQUEST }.into())
            .with_correlation_id(letter.number.to_string().into())
            .with_reply_to(self.own_key.clone())
            .with_delivery_mode(1);
        let options = BasicPublishOptions { mandatory: letter.mandatory, ..BasicPublishOptions::default() };
        let (channel, exchange) = (self.channel.clone(), self.exchange.clone());
        Box::pin(async move {
            let key = short(letter.key).ok()?;
            let published = channel.basic_publish(exchange, key, options, &letter.payload, properties).await;
            // a broken channel is noticed elsewhere
            let returned = match published.ok()?.await.ok()? {
                Confirmation::Ack(returned) | Confirmation::Nack(returned) => returned,
                Confirmation::NotRequested => None,
            };
            // the confirm of one publish may carry the return of another (lapin 4.12.3): the number tells which
            number_of(&returned?.delivery.properties)
        })
    }
}

fn number_of(properties: &BasicProperties) -> Option<u64> {
    properties.correlation_id().as_ref()?.as_str().parse().ok()
}

/// Hears requests and answers. Called on the client library's thread: only reads and hands on.
struct Delegate {
    deaf: Arc<AtomicBool>,
    responder: Arc<dyn Responder>,
    pending: Arc<Pending>,
    letters: mpsc::Sender<Letter>,
}

impl Delegate {
    fn hear(&self, message: lapin::message::Delivery) -> Option<()> {
        let number = number_of(&message.properties)?;
        let from = message.properties.reply_to().as_ref()?.as_str().to_owned();
        let is_answer = message.properties.kind().as_ref()?.as_str() == ANSWER;
        let payload = Bytes::from(message.data);
        if is_answer {
            self.pending.heard(number, Heard::Answer(payload));
            return Some(());
        }
        let letters = self.letters.clone();
        let reply = Reply::new(move |payload| {
            let answer = Letter { key: from, number, answers: true, mandatory: false, payload };
            // too many letters wait: the other side goes on without this one
            drop(letters.try_send(answer));
        });
        self.responder.asked(payload, reply);
        Some(())
    }
}

impl lapin::ConsumerDelegate for Delegate {
    fn on_new_delivery(&self, delivery: DeliveryResult) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        match delivery {
            Ok(Some(message)) => {
                // what is no letter of ours is dropped
                let _heard = self.hear(message);
            }
            Ok(None) | Err(_) => self.deaf.store(true, Ordering::Relaxed),
        }
        Box::pin(ready(()))
    }
}
