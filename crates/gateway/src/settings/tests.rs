use std::io::Write as _;

use super::*;

/// Reads a file over the defaults, with no environment.
fn load(text: &str) -> Result<Settings, SettingsError> {
    let layers = Figment::from(Toml::string(DEFAULTS)).merge(Toml::string(text));
    Settings::check(layers.extract().map_err(|e| SettingsError::Unreadable(Box::new(e)))?)
}

fn complaint(text: &str) -> String {
    load(text).unwrap_err().to_string()
}

#[test]
fn the_defaults_are_the_embedded_pair() {
    let settings = load("").unwrap();
    assert!(settings.store_is_embedded());
    assert!(matches!(settings.broker, BrokerSettings::Memory { .. }));
    assert_eq!(settings.poll.hold_ms, 5500);
}

#[test]
fn every_default_has_a_comment_of_its_own_or_of_its_group() {
    let mut before = "";
    for line in DEFAULTS.lines() {
        let documented = line.is_empty() || line.starts_with('#') || line.starts_with('[');
        assert!(documented || !before.is_empty() && !before.starts_with('['), "no comment above: {line}");
        before = line;
    }
}

#[test]
fn an_unknown_key_is_named() {
    let text = complaint("[poll]\nholdms = 1");
    assert!(text.contains("holdms"), "{text}");
    assert!(complaint("[pol]\nhold_ms = 1").contains("pol"));
}

#[test]
fn rabbitmq_without_a_url_says_what_is_missing() {
    assert!(complaint("[broker]\nkind = \"rabbitmq\"").contains("broker.url"));
    assert!(complaint("[broker]\nurl = \"amqp://mq\"").contains("kind = \"rabbitmq\""));
}

#[test]
fn what_makes_no_sense_is_refused() {
    assert!(complaint("[poll]\nhold_ms = 0").contains("poll.hold_ms"));
    assert!(complaint("[poll]\nlimit = 2000").contains("poll.most_events"));
    assert!(complaint("[auth.jwt]\nhs256_secret = \"short\"").contains("32 bytes"));
    assert!(complaint("[http]\ncors_origins = [\"shop.example\"]").contains("cors_origins"));
    assert!(complaint("[mailbox]\nsession_expires_s = 10").contains("session_expires_s"));
}

#[test]
fn secrets_are_hidden_and_the_rest_can_be_read_back() {
    let settings = load(
        "[auth.jwt]\nhs256_secret = \"0123456789abcdef0123456789abcdef\"\n[store]\nurl = \"postgres://a:geheim@db/x\"",
    )
    .unwrap();
    let shown = settings.shown().unwrap();
    assert!(!shown.contains("0123456789") && !shown.contains("geheim"), "{shown}");
    assert!(!format!("{settings:?}").contains("geheim"));
    assert!(shown.contains("hold_ms = 5500"));
}

#[test]
#[expect(clippy::result_large_err, reason = "the test jail's own error type")]
fn the_environment_goes_over_the_file_and_keeps_types() {
    // one test for all of it: the environment belongs to the whole process
    figment::Jail::expect_with(|jail| {
        jail.create_file("pollgate.toml", "[poll]\nhold_ms = 1000\n[http]\ndemo = false")?;
        jail.set_env("POLLGATE_POLL__HOLD_MS", "2000");
        jail.set_env("POLLGATE_AUTH__JWT__HS256_SECRET", "a0000000000000000000000000000001");
        jail.set_env("POLLGATE_URL", "http://a.client's.own");
        let settings = Settings::load(Some(Path::new("pollgate.toml"))).map_err(|e| e.to_string())?;
        assert_eq!(settings.poll.hold_ms, 2000);
        assert!(!settings.http.demo);
        assert_eq!(settings.auth.jwt.hs256_secret.expose(), "a0000000000000000000000000000001");
        jail.set_env("POLLGATE_POLL__HOLDMS", "1");
        let complaint = Settings::load(None).map(drop).unwrap_err().to_string();
        assert!(complaint.to_lowercase().contains("holdms"), "{complaint}");
        Ok(())
    });
}

#[test]
fn a_missing_file_is_said() {
    let mut there = tempfile::NamedTempFile::new().unwrap();
    writeln!(there, "[log]\nformat = \"json\"").unwrap();
    let no_such = there.path().with_extension("missing");
    assert!(matches!(Settings::load(Some(&no_such)), Err(SettingsError::NoFile(_))));
}
