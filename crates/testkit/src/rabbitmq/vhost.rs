//! A virtual host on the machine's node.

use std::process::Command;

use super::{machine, unique_prefix};
use crate::process::output;

/// A virtual host on the machine's node; dropping it deletes it with all that is in it.
pub struct Vhost {
    name: String,
}

impl Vhost {
    /// Makes one.
    #[must_use]
    pub fn create() -> Self {
        let vhost = Self { name: unique_prefix() };
        ctl(&["add_vhost", &vhost.name]);
        ctl(&["set_permissions", "-p", &vhost.name, "guest", ".*", ".*", ".*"]);
        vhost
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}/{}", machine(), self.name)
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Closes every connection to it, as an operator does.
    pub fn close_connections(&self) {
        ctl(&["close_all_connections", "--vhost", &self.name, "test"]);
    }

    /// Deletes every queue in it, whoever consumes from it.
    pub fn delete_queues(&self) {
        // in one call: `delete_queue` starts a virtual machine for each
        let name = &self.name;
        let each = "rabbit_amqqueue:delete(Q, false, false, <<\"test\">>)";
        ctl(&["eval", &format!("[{each} || Q <- rabbit_amqqueue:list(<<\"{name}\">>)], ok.")]);
    }
}

impl Drop for Vhost {
    fn drop(&mut self) {
        ctl(&["delete_vhost", &self.name]);
    }
}

fn ctl(arguments: &[&str]) {
    output(Command::new("rabbitmqctl").arg("--silent").args(arguments));
}
