//! `pollgate token` and `pollgate jwt`: credentials.

use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Subcommand};
use pollgate_model::{Timestamp, UserId};
use pollgate_store::{Store, TokenRef};

use super::{Failure, Grant, Ttl, visit};
use crate::auth::{Scopes, secret, sign_hs256, token};
use crate::settings::Settings;

#[derive(Subcommand)]
pub(crate) enum TokenCommand {
    /// Makes an API token and prints it; it is stored only as a hash and cannot be shown again.
    Create {
        #[command(flatten)]
        grant: Grant,
        /// How long it is good (90s, 15m, 12h, 30d); without it, until it is revoked.
        #[arg(long)]
        ttl: Option<Ttl>,
    },
    /// Lists the API tokens.
    List,
    /// Revokes an API token, effective within 10 seconds on every gateway.
    Revoke {
        /// The id that `list` shows, or the token itself.
        token: String,
    },
}

#[derive(Args)]
pub(crate) struct JwtArgs {
    #[command(flatten)]
    grant: Grant,
    /// How long it is good (90s, 15m, 12h, 30d).
    #[arg(long, default_value = "1h")]
    ttl: Ttl,
}

pub(crate) async fn token(settings: &Settings, command: TokenCommand) -> Result<ExitCode, Failure> {
    let store = visit::store(settings).await?;
    match command {
        TokenCommand::Create { grant, ttl } => {
            let user: UserId = grant.user.parse()?;
            let scopes: Scopes = grant.scope.parse()?;
            println!("{}", token::create(&store, user, scopes, ttl.map(|ttl| ttl.0)).await?);
        }
        TokenCommand::List => list(&store).await?,
        TokenCommand::Revoke { token } => {
            let by = match token.parse::<uuid::Uuid>() {
                Ok(id) => TokenRef::Id(id),
                Err(_not_an_id) => TokenRef::Hash(token::hash(&token)),
            };
            if !store.token_revoke(by).await? {
                return Err("no such token, or it is revoked already".into());
            }
            println!("revoked");
        }
    }
    store.retire().await?;
    Ok(ExitCode::SUCCESS)
}

async fn list(store: &Store) -> Result<(), Failure> {
    let now = Timestamp::now();
    println!("{:<36}  {:<20}  {:<24}  {:<24}  STATE", "ID", "USER", "SCOPE", "CREATED");
    for token in store.token_list().await? {
        let state = match (token.revoked_at, token.expires_at) {
            (Some(at), _) => format!("revoked {at}"),
            (None, Some(at)) if at <= now => format!("expired {at}"),
            (None, Some(at)) => format!("until {at}"),
            (None, None) => "good".to_owned(),
        };
        println!(
            "{:<36}  {:<20}  {:<24}  {:<24}  {state}",
            token.id.to_string(),
            token.user.as_str(),
            token.scope,
            token.created_at.to_string(),
        );
    }
    Ok(())
}

pub(crate) fn jwt(settings: &Settings, args: JwtArgs) -> Result<ExitCode, Failure> {
    println!("{}", sign_for(settings, &args.grant.user, &args.grant.scope, args.ttl.0)?);
    Ok(ExitCode::SUCCESS)
}

/// Signs a JWT with the configured secret, or with the one that the gateway made at its first start.
pub(crate) fn sign_for(
    settings: &Settings,
    user: &str,
    scopes: &str,
    ttl: Duration,
) -> Result<String, Failure> {
    let user: UserId = user.parse()?;
    let scopes: Scopes = scopes.parse()?;
    let key = secret::signing_secret(settings)?;
    Ok(sign_hs256(&key, &user, scopes, ttl, &settings.auth.jwt)?)
}
