//! A back end that tells a customer what becomes of an order.
//!
//! ```text
//! POLLGATE_TOKEN=$(pollgate jwt --user shop --scope publish) cargo run --example orders
//! ```

use pollgate_client::{Client, Error, NewEvent};
use serde_json::json;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let url = std::env::var("POLLGATE_URL").unwrap_or_else(|_unset| "http://127.0.0.1:8080".to_owned());
    let token = std::env::var("POLLGATE_TOKEN").map_err(|_unset| {
        Error::Setup("set POLLGATE_TOKEN: pollgate jwt --user shop --scope publish".to_owned())
    })?;
    let client = Client::builder(url).token(token).build()?;
    let (customer, order) = ("ann", 4711);
    for status in ["paid", "sent", "delivered"] {
        let event =
            NewEvent::to([customer], "order.updated").data(json!({ "order": order, "status": status }));
        // this change of this order has one key: a back end that dies here and starts again tells nobody twice
        let id = client.publish_once(&format!("order-{order}-{status}"), &event).await?;
        println!("order {order} is {status}: event {id}");
    }
    Ok(())
}
