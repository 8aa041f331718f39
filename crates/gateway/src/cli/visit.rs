//! The database, for commands that work beside gateways.

use std::sync::Arc;

use pollgate_model::InstanceId;
use pollgate_store::{OnCommit, Outgoing, Store, StoreSettings};

use super::Failure;
use crate::settings::Settings;
use crate::start;

/// The command line commits nothing that is to be relayed.
struct Nobody;

impl OnCommit for Nobody {
    fn committed(&self, _rows: Vec<Outgoing>) {}
    fn uncertain(&self) {}
}

/// Opens the configured database, whoever else has it open.
pub(super) async fn store(settings: &Settings) -> Result<Store, Failure> {
    start::make_data_dir(settings)?;
    let visiting = StoreSettings { visitor: true, ..start::store_settings(settings) };
    Ok(Store::open(visiting, InstanceId::new(), Arc::new(Nobody)).await?)
}
