//! `pollgate mailboxes`: how many events wait for a user.
//!
//! With RabbitMQ it works from the configuration alone. The in-process broker lives inside the gateway, so there the
//! gateway is asked, over its operator address.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use pollgate_client::{Client, MailboxDepth, MailboxDepths};
use pollgate_model::{Mailbox, SessionId, UserId};

use super::{Failure, tokens};
use crate::brokers;
use crate::settings::{BrokerSettings, RabbitmqSettings, Settings};

#[derive(Args)]
pub(crate) struct MailboxArgs {
    /// Whose mailboxes.
    #[arg(long)]
    user: String,
    /// Sessions to look at beside the main mailbox; RabbitMQ does not list them.
    #[arg(long)]
    session: Vec<String>,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
}

/// Prints the user's mailboxes; the exit code is 1 when one of them is deeper than `mailbox.alarm_depth`.
pub(crate) async fn show(settings: &Settings, args: MailboxArgs) -> Result<ExitCode, Failure> {
    let user: UserId = args.user.parse()?;
    let rows = match &settings.broker {
        BrokerSettings::Memory { .. } => ask_gateway(settings, &user).await?,
        BrokerSettings::Rabbitmq(rabbit) => ask_broker(settings, rabbit, user, &args.session).await?,
    };
    if args.json {
        println!("{}", serde_json::to_string_pretty(&rows)?);
    } else {
        print_table(&rows);
    }
    let alarm = rows.mailboxes.iter().any(|row| row.alarm);
    Ok(if alarm { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

async fn ask_gateway(settings: &Settings, user: &UserId) -> Result<MailboxDepths, Failure> {
    let token = tokens::sign_for(settings, "operator", "operator", Duration::from_secs(60))?;
    let client = Client::builder(format!("http://{}", settings.http.operator_listen)).token(token);
    // who looks wants to know now, also that nobody answers
    Ok(client.deadline(Duration::ZERO).build()?.mailboxes(user.as_str()).await?)
}

async fn ask_broker(
    settings: &Settings,
    rabbit: &RabbitmqSettings,
    user: UserId,
    sessions: &[String],
) -> Result<MailboxDepths, Failure> {
    let broker = brokers::for_looking(settings, rabbit, &user).await?;
    let mut mailboxes = vec![Mailbox::main(user.clone())];
    for session in sessions {
        mailboxes.push(Mailbox::of_session(user.clone(), session.parse::<SessionId>()?));
    }
    let mut rows = Vec::new();
    for mailbox in mailboxes {
        let Some(depth) = broker.depth(&mailbox).await? else { continue };
        rows.push(MailboxDepth {
            user: mailbox.user.into(),
            session: mailbox.session.map(String::from),
            ready: depth.ready,
            unacked: depth.unacked,
            consumers: depth.consumers,
            alarm: depth.ready > settings.mailbox.alarm_depth,
        });
    }
    broker.close(Duration::from_secs(1)).await;
    Ok(MailboxDepths { total_ready: rows.iter().map(|row| row.ready).sum(), mailboxes: rows })
}

fn print_table(rows: &MailboxDepths) {
    println!(
        "{:<24}  {:<24}  {:>8}  {:>8}  {:>9}  STATE",
        "USER", "SESSION", "READY", "UNACKED", "CONSUMERS"
    );
    for row in &rows.mailboxes {
        let session = row.session.as_deref().unwrap_or("(main)");
        let unacked = row.unacked.map_or_else(|| "-".to_owned(), |count| count.to_string());
        let state = if row.alarm { "ALARM" } else { "ok" };
        println!(
            "{:<24}  {session:<24}  {:>8}  {unacked:>8}  {:>9}  {state}",
            row.user, row.ready, row.consumers,
        );
    }
    println!("{} ready in {} mailboxes", rows.total_ready, rows.mailboxes.len());
}
