//! The process: `build` opens and binds and fails here or never, `run` serves until it is told to stop.

use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::middleware::from_fn;
use actix_web::web::Data;
use actix_web::{App, HttpServer};
use pollgate_broker::clusters::PlacementError;
use pollgate_core::{Core, CoreSettings, FirstFailure, Moves, Parts, Relay, Retention, Tasks, Tracing};
use pollgate_files::Files;
use pollgate_model::InstanceId;
use pollgate_redis::{RedisBuckets, RedisError};
use pollgate_store::{Store, StoreSettings};
use tokio::runtime::Handle;
use tokio::time::Instant;
use tracing::{info, warn};

use crate::auth::{Authenticator, secret};
use crate::http;
use crate::http::strict::BodyLimits;
use crate::metrics::Metrics;
use crate::settings::{BrokerSettings, Persistence, Settings, ms};
use crate::trace::{TraceError, Tracer};
use crate::{brokers, demo, identity};

/// Connections that the system holds for us before we take them.
const BACKLOG: u32 = 4096;
/// Parts of the grace time after which held polls, and requests, are not waited for any more; the rest is for the
/// broker and the database.
const DRAINING: f64 = 0.5;
const REQUESTS: f64 = 0.7;

/// Why the gateway did not start, or ended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    #[error("{what} cannot be made: {error}")]
    DataDir { what: String, error: io::Error },
    #[error("the database: {0}")]
    Store(#[from] pollgate_store::StoreError),
    #[error("the broker: {0}")]
    Broker(#[from] pollgate_broker::BrokerError),
    #[error("attachments: {0}")]
    Files(#[from] pollgate_files::FilesError),
    #[error("the brokers: {0}")]
    Placement(#[from] PlacementError),
    #[error(transparent)]
    Trace(#[from] TraceError),
    #[error("throttle.redis: {0}")]
    Redis(#[from] RedisError),
    #[error("credentials: {0}")]
    Key(#[from] secret::KeyError),
    #[error("the demo: {0}")]
    Demo(#[from] pollgate_core::CoreError),
    #[error("{address}: {error}")]
    Listen { address: SocketAddr, error: io::Error },
    #[error("the service {0:?} ended although nobody told it to")]
    Service(&'static str),
    #[error("the description of the API: {0}")]
    Document(#[from] serde_json::Error),
    #[error("the server failed: {0}")]
    Server(#[from] io::Error),
}

/// A gateway that is bound and ready to serve.
pub(crate) struct Gateway {
    settings: Settings,
    core: Core,
    shared: Data<http::Gateway>,
    public: TcpListener,
    operator: TcpListener,
    failure: FirstFailure,
}

/// Makes the folder for the embedded database and the generated secret, when something of that is used.
pub(crate) fn make_data_dir(settings: &Settings) -> Result<(), StartError> {
    if !settings.store_is_embedded() {
        return Ok(());
    }
    std::fs::create_dir_all(&settings.data_dir)
        .map_err(|error| StartError::DataDir { what: settings.data_dir.display().to_string(), error })
}

/// The database's settings, with the embedded default filled in.
pub(crate) fn store_settings(settings: &Settings) -> StoreSettings {
    let section = &settings.store;
    let url = if settings.store_is_embedded() {
        format!("sqlite://{}", settings.data_dir.join("pollgate.db").display())
    } else {
        section.url.expose().to_owned()
    };
    StoreSettings {
        pool_size: section.pool_size,
        connect_timeout: ms(section.connect_timeout_ms),
        acquire_timeout: ms(section.acquire_timeout_ms),
        statement_timeout: ms(section.statement_timeout_ms),
        writers: section.writers,
        writer_queue: section.writer_queue,
        keys_kept: Duration::from_secs(section.idempotency_key_s),
        migrate: section.migrate,
        ..StoreSettings::new(url)
    }
}

fn core_settings(settings: &Settings, tracing: &Tracing) -> CoreSettings {
    let unstored =
        matches!(&settings.broker, BrokerSettings::Rabbitmq(r) if r.persistence == Persistence::Unstored);
    CoreSettings {
        hold: ms(settings.poll.hold_ms),
        jitter_percent: settings.poll.jitter_percent,
        linger: ms(settings.poll.linger_ms),
        drain: ms(settings.http.grace_ms).mul_f64(DRAINING * 0.8),
        answer_bytes: settings.poll.most_bytes,
        message_ttl: Duration::from_secs(settings.mailbox.message_ttl_s),
        session_expires: Duration::from_secs(settings.mailbox.session_expires_s),
        mailbox_length: settings.mailbox.max_length,
        prefetch: settings.mailbox.prefetch,
        unstored,
        text_bytes: settings.limits.text_bytes,
        offline_after: ms(settings.presence.offline_after_ms),
        signal_members: settings.limits.signal_members,
        recipients: settings.limits.recipients,
        room_members: settings.limits.room_members,
        batch_events: settings.limits.batch_events,
        held_polls_per_user: settings.limits.held_polls_per_user,
        held_polls: settings.limits.held_polls,
        mailboxes: settings.limits.mailboxes,
        alarm_depth: settings.mailbox.alarm_depth,
        looks_per_second: settings.mailbox.looks_per_second,
        watched_mailboxes: settings.limits.watched_mailboxes,
        sessions_per_user: settings.limits.sessions_per_user,
        relay_publications: settings.limits.relay_publications,
        relay_bytes: settings.limits.relay_bytes,
        outbox_rows: settings.limits.outbox_rows,
        throttle: settings.throttle.rules(settings.limits.throttle_entries),
        attachments: settings.attachments.rules(),
        edit_within: set(settings.messages.edit_s).map(Duration::from_secs),
        search: settings.search.enabled,
        retention: retention(settings),
        slow: ms(settings.log.slow_ms),
        tracing: tracing.clone(),
    }
}

/// The description of the API, with the limits that are in force.
fn document(settings: &Settings) -> Result<http::Document, StartError> {
    Ok(http::Document::new(&http::Bounds {
        text_bytes: settings.limits.text_bytes,
        recipients: settings.limits.recipients,
        batch_events: settings.limits.batch_events,
        most_events: settings.poll.most_events,
        poll_limit: settings.poll.limit,
        room_members: settings.limits.room_members,
        attachment_bytes: settings.attachments.most_bytes,
        message_attachments: settings.attachments.per_message,
        query_token: settings.auth.allow_query_token,
    })?)
}

/// Where gateways count requests together, when it is not the database.
fn redis(settings: &Settings) -> Result<Option<RedisBuckets>, StartError> {
    let section = &settings.throttle;
    let url = section.redis.expose();
    if url.is_empty() || !section.enabled {
        return Ok(None);
    }
    Ok(Some(RedisBuckets::new(url, &section.redis_prefix, ms(section.timeout_ms))?))
}

/// 0 stands for "no bound".
fn set<T: PartialEq + Default>(value: T) -> Option<T> {
    (value != T::default()).then_some(value)
}

fn streams(settings: &Settings) -> http::StreamRules {
    http::StreamRules {
        heartbeat: ms(settings.stream.heartbeat_ms),
        unconfirmed: ms(settings.stream.unconfirmed_ms),
        // before the system takes the connection for dead, so that it can be said why
        slow: ms(settings.http.write_timeout_ms) / 2,
        most_unconfirmed: u64::from(settings.mailbox.prefetch / 2).max(1),
        origins: settings.http.cors_origins.clone(),
    }
}

fn retention(settings: &Settings) -> Retention {
    let section = &settings.retention;
    Retention {
        age: set(section.days).map(|days| Duration::from_secs(u64::from(days) * 86_400)),
        per_room: set(section.messages_per_room),
        every: Duration::from_secs(section.every_s),
    }
}

fn listen(address: SocketAddr, write_timeout: Duration) -> Result<TcpListener, StartError> {
    let failed = |error: io::Error| StartError::Listen { address, error };
    let listener = TcpListener::bind(address).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    // the server has no such bound, the system has: connections inherit it from the listener
    #[cfg(target_os = "linux")]
    socket2::SockRef::from(&listener).set_tcp_user_timeout(Some(write_timeout)).map_err(failed)?;
    #[cfg(not(target_os = "linux"))]
    let _no_such_option = write_timeout;
    Ok(listener)
}

impl Gateway {
    /// Opens the database and the broker, starts the services, binds both addresses.
    pub(crate) async fn build(settings: Settings) -> Result<Self, StartError> {
        let write_timeout = ms(settings.http.write_timeout_ms);
        let public = listen(settings.http.listen, write_timeout)?;
        let operator = listen(settings.http.operator_listen, write_timeout)?;
        make_data_dir(&settings)?;
        let instance = InstanceId::new();
        let tracer = Tracer::start(&settings.trace, instance)?;
        let core_settings = core_settings(&settings, tracer.tracing());
        let placement = brokers::placement(&settings);
        let relay = Relay::new(&core_settings, placement.clone());
        let store = Store::open(store_settings(&settings), instance, relay.clone()).await?;
        let moves = Moves::load(&store, placement, core_settings.message_ttl).await?;
        let (clusters, outcomes) = brokers::open(&settings).await?;
        let may_mark = !store.has_attachments().await?;
        let files = Files::open(&settings.attachments.files(&settings.data_dir, may_mark)).await?;
        let (tasks, failure) = Tasks::new(Handle::current());
        let core = Core::start(Parts {
            store: store.clone(),
            clusters: Arc::new(clusters),
            outcomes,
            moves,
            relay,
            instance,
            identity: identity::of(&public, &operator)?,
            files,
            settings: core_settings,
            redis: redis(&settings)?,
            tasks,
        });
        let body_time = ms(settings.http.body_timeout_ms);
        let shared = Data::new(http::Gateway {
            core: core.clone(),
            auth: Authenticator::new(&settings, store)?,
            tracer,
            metrics: Metrics::new(connections_of(&settings) * workers(&settings), body_time),
            door: http::OperatorDoor::new(&settings.http.operator_token),
            query_token: settings.auth.allow_query_token,
            body_limits: http::Gateway::body_limits(settings.limits.text_bytes, body_time),
            batch_limits: BodyLimits { bytes: settings.limits.batch_bytes, time: body_time },
            streams: streams(&settings),
            hold: ms(settings.poll.hold_ms),
            poll_limit: settings.poll.limit,
            most_events: settings.poll.most_events,
            watchers: http::Watchers::default(),
            demo: settings.http.demo,
            document: settings.http.docs.then(|| document(&settings)).transpose()?,
        });
        let bounds = shared.clone();
        core.take_figures(move || [bounds.auth.limits(), bounds.metrics.limits().to_vec()].concat());
        Ok(Self { settings, core, shared, public, operator, failure })
    }

    /// Says where it listens and, with the embedded pair, how to try it.
    pub(crate) async fn greet(&self) -> Result<(), StartError> {
        let (public, operator) = (self.public.local_addr()?, self.operator.local_addr()?);
        info!(%public, %operator, "listening");
        let embedded = self.settings.store_is_embedded();
        if matches!(self.settings.broker, BrokerSettings::Memory { .. }) {
            info!("the broker lives in this process: run one gateway only");
        }
        if self.settings.attachments.is_embedded() && !embedded {
            info!("attachments are kept in data_dir: several gateways need attachments.url");
        }
        if !embedded || !self.settings.http.demo || !public.ip().is_loopback() {
            return Ok(());
        }
        let Ok(secret) = secret::signing_secret(&self.settings) else { return Ok(()) };
        let link = demo::link(&self.core, &secret, &self.settings.auth.jwt).await?;
        // to the terminal, not to the log: the link holds tokens
        println!("\npollgate is ready. Chat, and a shop with its support desk:\n");
        println!("  http://{public}/demo/#{link}\n");
        if operator.ip().is_loopback() {
            let link = demo::operator_link(&secret, &self.settings.auth.jwt)?;
            println!("How it is doing, for those who run it:\n");
            println!("  http://{operator}/#{link}\n");
        }
        println!("Sign a token for anybody: pollgate jwt --user NAME\n");
        Ok(())
    }

    /// Serves until `stop` resolves, then drains: readiness goes, held polls are answered, requests finish, mailboxes go
    /// back, the relay empties its memory, the database finishes. All of that within the grace time, whatever hangs:
    /// what was not finished stands in the outbox.
    pub(crate) async fn run(self, stop: impl Future<Output = ()>) -> Result<(), StartError> {
        let Self { settings, core, shared, public, operator, mut failure } = self;
        let grace = ms(settings.http.grace_ms);
        let public = public_server(&settings, shared.clone(), public)?;
        let operator = operator_server(&settings, shared.clone(), operator)?;
        let (public_handle, operator_handle) = (public.handle(), operator.handle());
        let mut serving = std::pin::pin!(async { tokio::try_join!(public, operator) });
        let (failed, over) = tokio::select! {
            () = stop => (None, false),
            name = failure.wait() => (Some(StartError::Service(name)), false),
            ended = &mut serving => (Some(ended.err().map_or(StartError::Service("http server"), Into::into)), true),
        };
        let until = Instant::now() + grace;
        let drained = async {
            core.drain(grace.mul_f64(DRAINING)).await;
            public_handle.stop(true).await;
            shared.watchers.send_away();
            operator_handle.stop(true).await;
        };
        // the servers are polled on while they drain: they answer the held polls
        let served = async {
            if !over {
                drop(serving.await);
            }
        };
        let requests = async { tokio::join!(drained, served) };
        if tokio::time::timeout(grace.mul_f64(REQUESTS), requests).await.is_err() {
            warn!("requests did not finish in time");
        }
        let left = || until.saturating_duration_since(Instant::now());
        core.stop(left()).await;
        // the last of all: what stopped may have ended spans
        shared.tracer.finish(left()).await;
        info!("stopped");
        failed.map_or(Ok(()), Err)
    }
}

fn workers(settings: &Settings) -> usize {
    match settings.http.workers {
        0 => std::thread::available_parallelism().map_or(2, usize::from),
        given => given,
    }
}

/// Most connections of one worker.
fn connections_of(settings: &Settings) -> usize {
    (settings.http.most_connections / workers(settings)).max(1)
}

fn public_server(
    settings: &Settings,
    shared: Data<http::Gateway>,
    listener: TcpListener,
) -> Result<Server, StartError> {
    let origins = settings.http.cors_origins.clone();
    let proxies = Data::new(settings.http.trusted_proxies.clone());
    let connections = shared.metrics.connections().clone();
    let server = HttpServer::new(move || {
        App::new()
            .app_data(proxies.clone())
            .wrap(from_fn(http::rate_limit_fields))
            .wrap(http::cors(&origins))
            .wrap(from_fn(http::log_request))
            .wrap(from_fn(http::guard_answer))
            .configure(|config| http::public(config, shared.clone()))
    })
    .on_connect(move |_connection, data| connections.opened(data))
    .workers(workers(settings))
    .max_connections(connections_of(settings))
    .backlog(BACKLOG)
    .keep_alive(ms(settings.http.keep_alive_ms))
    .client_request_timeout(ms(settings.http.header_timeout_ms))
    .client_disconnect_timeout(Duration::from_secs(1))
    // a client that closes its end has left: the hold ends at once instead of answering into the void
    .h1_allow_half_closed(false)
    .shutdown_timeout(settings.http.grace_ms / 1000)
    .disable_signals();
    Ok(server.listen(listener)?.run())
}

fn operator_server(
    settings: &Settings,
    shared: Data<http::Gateway>,
    listener: TcpListener,
) -> Result<Server, StartError> {
    let proxies = Data::new(settings.http.trusted_proxies.clone());
    let server = HttpServer::new(move || {
        App::new()
            .app_data(proxies.clone())
            .wrap(from_fn(http::ask_at_the_door))
            .wrap(from_fn(http::log_request))
            .wrap(from_fn(http::guard_answer))
            .configure(|config| http::operator(config, shared.clone()))
    })
    .workers(1)
    .client_request_timeout(ms(settings.http.header_timeout_ms))
    .h1_allow_half_closed(false)
    .shutdown_timeout(1)
    .disable_signals();
    Ok(server.listen(listener)?.run())
}
