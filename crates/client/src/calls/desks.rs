//! Desks: which agents serve which category of rooms.

use reqwest::Method;
use serde::Deserialize;

use crate::call::Call;
use crate::client::Client;
use crate::error::Error;

#[derive(Deserialize)]
struct Desks {
    desks: Vec<String>,
}

#[derive(Deserialize)]
struct Agents {
    agents: Vec<String>,
}

impl Client {
    /// The desks that the caller serves.
    ///
    /// # Errors
    /// What the gateway refuses.
    pub async fn desks(&self) -> Result<Vec<String>, Error> {
        Ok(self.read::<Desks>(Call::get(["desks"])).await?.desks)
    }

    /// Who serves a desk; needs the scope `publish`.
    ///
    /// # Errors
    /// What the gateway refuses.
    pub async fn agents(&self, desk: &str) -> Result<Vec<String>, Error> {
        Ok(self.read::<Agents>(Call::get(["desks", desk, "agents"])).await?.agents)
    }

    /// Lets a user serve a desk; needs the scope `publish`.
    ///
    /// # Errors
    /// What the gateway refuses.
    pub async fn join_desk(&self, desk: &str, user: &str) -> Result<(), Error> {
        self.done(Call::new(Method::PUT, ["desks", desk, "agents", user]).repeats()).await?;
        Ok(())
    }

    /// Lets a user serve a desk no more; needs the scope `publish`.
    ///
    /// # Errors
    /// What the gateway refuses.
    pub async fn leave_desk(&self, desk: &str, user: &str) -> Result<(), Error> {
        self.done(Call::new(Method::DELETE, ["desks", desk, "agents", user]).repeats()).await?;
        Ok(())
    }
}
