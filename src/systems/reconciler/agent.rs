//! The agent on an instance: it says every so often that it is alive, for as long as the instance is.

use std::time::Duration;

use serde_json::json;

use super::timeouts::HEARTBEAT;
use crate::http::{Client, Method};
use crate::runtime::{activity, time};
use crate::servers::cloud::Powered;

/// How long an agent waits for one server before it turns to the next.
const PATIENCE: Duration = Duration::from_secs(5);
/// How soon an agent tries again that no server knows: its row may be told of it only now.
const SOON: Duration = Duration::from_secs(10);

/// Says to one of the servers at these addresses that an instance is alive, for ever.
pub(crate) async fn run(instance: Powered, servers: Vec<String>, http: Client) {
    let mut server = 0;
    let name = format!("heartbeat {}", instance.tag);
    loop {
        let status = if instance.is_impaired() { "degraded" } else { "online" };
        let said = activity(name.as_str(), async {
            for _ in 0..servers.len() {
                match say(&http, &servers[server], &instance, status).await {
                    Some(known) => return known,
                    None => server = (server + 1) % servers.len(),
                }
            }
            false
        })
        .await;
        time::sleep(if said { HEARTBEAT } else { SOON }).await;
    }
}

/// Tells one server. `None`: it does not answer; false: it does not know the instance.
async fn say(http: &Client, server: &str, instance: &Powered, status: &str) -> Option<bool> {
    let path = format!("/workspaces/{}/heartbeat", instance.tag);
    let body = json!({ "instance": instance.id, "status": status }).to_string();
    let answer = http.call(server, Method::POST, &path, &[], body.into(), PATIENCE).await.ok()?;
    match answer.status {
        200..300 => Some(true),
        500.. => None,
        _ => Some(false),
    }
}
