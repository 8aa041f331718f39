//! A virtual host on the machine's node.

use std::process::Command;
use std::sync::Mutex;

use super::{machine, unique_prefix};
use crate::process::output;

/// A virtual host on the machine's node; dropping it deletes it with all that is in it.
pub struct Vhost {
    name: String,
    users: Mutex<Vec<String>>,
}

impl Vhost {
    /// Makes one.
    #[must_use]
    pub fn create() -> Self {
        let vhost = Self { name: unique_prefix(), users: Mutex::default() };
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

    /// Sets a policy for all its queues, such as `{"max-length":5}`; `operator`: one that queues' own arguments do not overrule.
    pub fn set_policy(&self, definition: &str, operator: bool) {
        let command = if operator { "set_operator_policy" } else { "set_policy" };
        ctl(&[command, "-p", &self.name, "--apply-to", "queues", "test", ".*", definition]);
    }

    /// Bounds what it may hold, such as `{"max-queues":0}`.
    pub fn set_limits(&self, definition: &str) {
        ctl(&["set_vhost_limits", "-p", &self.name, definition]);
    }

    /// A user with these rights here (configure, write, read), and nowhere else; the URL to log in with. Goes with the host.
    #[must_use]
    pub fn user(&self, rights: [&str; 3]) -> String {
        let user = unique_prefix();
        ctl(&["add_user", &user, "password"]);
        let [configure, write, read] = rights;
        ctl(&["set_permissions", "-p", &self.name, &user, configure, write, read]);
        self.users.lock().expect("nobody panics with it").push(user.clone());
        let (scheme, place) =
            machine().split_once("://").map(|(a, b)| (a.to_owned(), b.to_owned())).expect("a URL");
        let place = place.rsplit('@').next().unwrap_or_default().to_owned();
        format!("{scheme}://{user}:password@{place}/{}", self.name)
    }

    /// Its queues, and those of its exchanges that it was not born with.
    #[must_use]
    pub fn left(&self) -> String {
        let list = |what: &str| ctl(&[what, "-p", &self.name, "name"]);
        let exchanges = list("list_exchanges");
        let made =
            exchanges.lines().map(str::trim).filter(|name| !name.is_empty() && !name.starts_with("amq."));
        let made: Vec<&str> = made.filter(|name| *name != "name").collect();
        format!("{}{}", list("list_queues").trim(), made.join(" "))
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
        let users =
            std::mem::take(&mut *self.users.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
        for user in users {
            ctl(&["delete_user", &user]);
        }
    }
}

fn ctl(arguments: &[&str]) -> String {
    output(Command::new("rabbitmqctl").arg("--silent").args(arguments))
}
