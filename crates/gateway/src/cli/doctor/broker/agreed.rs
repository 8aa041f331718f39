//! What both sides agreed on when the connection was made.

use pollgate_broker::rabbit::probe::{Negotiated, Probe};

use super::Visit;
use crate::cli::doctor::finding::Finding;
use crate::settings::BrokerSettings;

/// Besides consuming: managing, marker, control.
const OTHER_CHANNELS: usize = 16;
/// A smaller frame cuts every event into many.
const SMALL_FRAME: u32 = 4096;
/// A dead broker should be noticed within a minute.
const SLOW_HEARTBEAT_S: u16 = 30;

pub(super) fn check(probe: &Probe, visit: &Visit<'_>) -> Vec<Finding> {
    let wanted = match &visit.settings.broker {
        BrokerSettings::Rabbitmq(rabbit) => rabbit.channels_per_connection,
        BrokerSettings::Memory { .. } => 0,
    };
    told(probe.negotiated(), wanted)
}

fn told(agreed: Negotiated, wanted: usize) -> Vec<Finding> {
    let Negotiated { channel_max, frame_max, heartbeat_s } = agreed;
    let mut findings = Vec::new();
    let needed = wanted.saturating_add(OTHER_CHANNELS);
    let seen = format!("a connection has {channel_max} channels at most; a gateway opens up to {needed}");
    findings.push(if channel_max != 0 && usize::from(channel_max) < needed {
        Finding::problem("broker.channels", seen)
            .means("mailboxes beyond that cannot be polled")
            .change("a smaller broker.channels_per_connection (more connections are made then), or a larger channel_max in rabbitmq.conf")
    } else {
        Finding::ok("broker.channels", seen)
    });
    findings.push(match heartbeat_s {
        0 => Finding::problem("broker.heartbeat", "there are no heartbeats on this connection")
            .means("a RabbitMQ that is gone without a word is never noticed: nothing is delivered, and nobody is told")
            .change("heartbeat in rabbitmq.conf must not be 0, nor heartbeat= in broker.url"),
        slow if slow > SLOW_HEARTBEAT_S => Finding::warning("broker.heartbeat", format!("{slow} s between heartbeats"))
            .means(format!("a RabbitMQ that is gone without a word is noticed after {} s", u32::from(slow) * 2))
            .change("broker.heartbeat_s = 10, and no heartbeat= in broker.url"),
        good => Finding::ok("broker.heartbeat", format!("{good} s between heartbeats")),
    });
    if frame_max != 0 && frame_max <= SMALL_FRAME {
        findings.push(
            Finding::warning("broker.frames", format!("frames have {frame_max} bytes at most"))
                .means("each event goes in many pieces, which costs both sides")
                .change("frame_max = 131072 in rabbitmq.conf, its default"),
        );
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::finding::Level;

    #[test]
    fn what_was_agreed_on_is_measured_by_what_is_needed() {
        let worst = |channel_max, frame_max, heartbeat_s| {
            let agreed = Negotiated { channel_max, frame_max, heartbeat_s };
            told(agreed, 50).iter().map(|finding| finding.level).max().unwrap()
        };
        assert_eq!(worst(2047, 131_072, 10), Level::Ok);
        assert_eq!(worst(0, 0, 10), Level::Ok);
        assert_eq!(worst(64, 131_072, 10), Level::Problem);
        assert_eq!(worst(2047, 131_072, 0), Level::Problem);
        assert_eq!(worst(2047, 131_072, 60), Level::Warning);
        assert_eq!(worst(2047, 4096, 10), Level::Warning);
    }
}
