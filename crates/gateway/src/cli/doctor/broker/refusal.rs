//! What a refusal of RabbitMQ's means, and what to do about it. It says why in words, behind one of a few codes.

use pollgate_broker::BrokerError;

use super::Visit;
use crate::cli::doctor::finding::Finding;

/// No connection.
pub(super) fn of_connection(error: &BrokerError, visit: &Visit<'_>) -> Finding {
    let text = error.to_string();
    let has = |word: &str| text.contains(word);
    let change = if has("vhost") && has("not found") {
        "rabbitmqctl add_vhost, or another virtual host at the end of broker.url (%2f is the one called /)"
            .to_owned()
    } else if has("connection limit") || has("connection_limit") {
        "the virtual host or the user has a bound on connections: rabbitmqctl list_vhost_limits, set_user_limits".to_owned()
    } else if has("vhost") && has("refused") {
        permissions(visit)
    } else if has("ACCESS_REFUSED") || has("Login was refused") {
        "user or password in broker.url; guest comes in from RabbitMQ's own machine only".to_owned()
    } else if has("certificate") || has("handshake") || has("SSL") {
        "the server's certificate must be one that this machine trusts, for the name in broker.url".to_owned()
    } else {
        "is RabbitMQ running, are host and port in broker.url right, and does a firewall let this machine through?".to_owned()
    };
    Finding::problem("broker.reachable", text)
        .means("sends are accepted and wait in the outbox; nothing is delivered, and polls are answered 503")
        .change(change)
}

/// Something was not done.
pub(super) fn of(check: &'static str, error: &BrokerError, visit: &Visit<'_>) -> Finding {
    let text = error.to_string();
    let has = |word: &str| text.contains(word);
    if has("ACCESS_REFUSED") {
        return Finding::problem(check, text)
            .means("the user has not the rights that a gateway needs; it would be refused the same")
            .change(permissions(visit));
    }
    if has("queue limit") || has("queue_limit") {
        return Finding::problem(check, text)
            .means("the virtual host may have no more queues: whoever has no mailbox yet cannot be sent to nor polled for")
            .change("a larger max-queues: rabbitmqctl set_vhost_limits; one queue for each session of the last 10 minutes, and each user of the last 7 days");
    }
    if has("PRECONDITION_FAILED")
        || has("NOT_ALLOWED")
        || has("NOT_IMPLEMENTED")
        || has("INTERNAL_ERROR")
        || has("RESOURCE_ERROR")
    {
        return Finding::problem(check, text)
            .means("this broker does not take what a gateway declares: something else has the name, or it is a version or a setting that forbids it")
            .change("a virtual host for pollgate alone, another broker.prefix, or permit what is named in rabbitmq.conf");
    }
    Finding::problem(check, text).means("a gateway would meet the same").change("look at RabbitMQ's log")
}

/// The command that gives a user the rights that a gateway needs.
fn permissions(visit: &Visit<'_>) -> String {
    let prefix = visit.rabbit.prefix.replace('.', "\\.");
    // server-named queues for requests between gateways, and the exchange without a name for the marker
    format!(
        "rabbitmqctl set_permissions -p VHOST USER '^({prefix}\\..*|amq\\.gen-.*)$' '^({prefix}\\..*|amq\\.gen-.*|amq\\.default)$' '^({prefix}\\..*|amq\\.gen-.*)$'"
    )
}
