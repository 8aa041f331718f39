//! Who plays a part in the demo: with the embedded pair, on this machine only.

use std::time::Duration;

use pollgate_core::{Core, CoreError};
use pollgate_model::{Label, UserId};

use crate::auth::{Scopes, sign_hs256};
use crate::settings::{JwtSettings, Secret};
use crate::start::StartError;

/// How long the tokens in the link are good.
const GOOD_FOR: Duration = Duration::from_secs(24 * 3600);
/// Who looks at the operator page.
const OPERATOR: &str = "operator";
/// They chat with each other.
const USERS: [&str; 3] = ["ann", "bob", "cleo"];
/// They answer the shop's visitors.
const AGENTS: [&str; 2] = ["dora", "emil"];
/// Who visits the shop.
const VISITOR: &str = "guest";
/// The desk that the shop's conversations come to.
const DESK: &str = "demo-support";

/// What the demo's address bears behind the `#`: a token for each of its people. The agents are seated at their desk.
///
/// # Errors
/// A token cannot be signed, or the database is away.
pub(crate) async fn link(core: &Core, secret: &Secret, jwt: &JwtSettings) -> Result<String, StartError> {
    let invalid = |error: &dyn std::fmt::Display| CoreError::Internal(error.to_string());
    let desk: Label = DESK.parse().map_err(|error| invalid(&error))?;
    let mut tokens = Vec::new();
    for name in USERS.into_iter().chain(AGENTS).chain([VISITOR]) {
        let user: UserId = name.parse().map_err(|error| invalid(&error))?;
        if AGENTS.contains(&name) {
            core.join_desk(&desk, &user).await?;
        }
        tokens.push(format!("{name}={}", sign_hs256(secret, &user, Scopes::USER, GOOD_FOR, jwt)?));
    }
    Ok(tokens.join("&"))
}

/// What the operator page's address bears behind the `#`: a token that may see whose mailboxes there are, and purge them.
///
/// # Errors
/// It cannot be signed.
pub(crate) fn operator_link(secret: &Secret, jwt: &JwtSettings) -> Result<String, StartError> {
    let invalid = |error: &dyn std::fmt::Display| CoreError::Internal(error.to_string());
    let user: UserId = OPERATOR.parse().map_err(|error| invalid(&error))?;
    let scope: Scopes = "operator".parse().map_err(|error| invalid(&error))?;
    Ok(format!("token={}", sign_hs256(secret, &user, scope, GOOD_FOR, jwt)?))
}
