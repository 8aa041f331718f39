//! PostgreSQL stops and starts.

use pollgate_testkit::{Backends, Gateway, PgCluster, rabbitmq_url, unique_prefix};

use crate::world::{BINARY, Crew, LIMIT};

fn gateway_on(cluster: &PgCluster) -> Gateway {
    Gateway::builder(BINARY)
        .backends(Backends::Production {
            pg_url: cluster.url(),
            amqp_url: rabbitmq_url(),
            prefix: unique_prefix(),
        })
        .env("POLLGATE_POLL__LINGER_MS", "1000")
        .start()
}

#[test]
fn a_database_outage_refuses_sends_in_clear_words_and_loses_nothing() {
    let mut cluster = PgCluster::start();
    let gateway = gateway_on(&cluster);
    let mut crew = Crew::new();
    crew.sender(gateway.user("ann"), "bob");
    crew.reader(gateway.user("bob"), "bob");
    crew.until_accepted(50);
    cluster.stop();
    let eve = gateway.user("eve");
    pollgate_testkit::eventually("a send is refused", LIMIT, || {
        let answer = eve.send("bob", "refused");
        answer.status == 503
            && answer.json["code"] == "store-unavailable"
            && answer.header("retry-after").is_some()
    });
    cluster.start_again();
    crew.until_accepted(50);
    crew.until_nothing_is_missing();
    crew.stop();
}

#[test]
fn a_database_that_is_killed_loses_nothing_it_committed() {
    let mut cluster = PgCluster::start();
    let gateway = gateway_on(&cluster);
    let mut crew = Crew::new();
    crew.sender(gateway.user("ann"), "bob");
    crew.sender(gateway.user("eve"), "bob");
    crew.reader(gateway.user("bob"), "bob");
    for _ in 0..2 {
        crew.until_accepted(50);
        cluster.kill();
        cluster.start_again();
    }
    crew.until_accepted(50);
    crew.until_nothing_is_missing();
    crew.stop();
}
