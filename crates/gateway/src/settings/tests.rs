use std::io::Write as _;

use super::*;

/// Reads a file over the defaults, with no environment.
fn load(text: &str) -> Result<Settings, SettingsError> {
    Settings::check(merge(text, "pollgate.toml", None)?)
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
fn every_default_has_a_comment_of_its_own() {
    let mut before = "";
    for line in DEFAULTS.lines() {
        let is_key = !line.is_empty() && !line.starts_with(['#', '[']);
        assert!(!is_key || before.starts_with("# "), "no comment above: {line}");
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
fn several_clusters_are_named_in_either_form_and_their_passwords_are_hidden() {
    let list = r#"urls = ["amqp://a:geheim@mq1", "amqps://a:geheim@mq2/shop"]"#;
    let text = r#"urls = "amqp://a:geheim@mq1 , amqps://a:geheim@mq2/shop""#;
    for urls in [list, text] {
        let settings = load(&format!("[broker]\nkind = \"rabbitmq\"\n{urls}")).unwrap();
        let BrokerSettings::Rabbitmq(rabbit) = &settings.broker else { panic!("{:?}", settings.broker) };
        assert_eq!(rabbit.placement.to_string(), "mq1:5672/%2f mq2:5671/shop");
        let shown = settings.shown().unwrap();
        assert!(!shown.contains("geheim") && shown.contains("amqps://a:***@mq2/shop"), "{shown}");
        assert!(!format!("{settings:?}").contains("geheim"));
    }
}

#[test]
fn clusters_that_make_no_sense_are_refused_without_showing_a_url() {
    let of = |lines: &str| complaint(&format!("[broker]\nkind = \"rabbitmq\"\n{lines}"));
    let both = of("url = \"amqp://a:geheim@mq1\"\nurls = [\"amqp://a:geheim@mq2\"]");
    assert!(both.contains("both"), "{both}");
    // the same place under another password
    let twice = of("urls = [\"amqp://a:geheim@mq1\", \"amqp://b:geheim@mq1:5672/%2f\"]");
    assert!(twice.contains("mq1:5672/%2f is named twice"), "{twice}");
    let bad = of("urls = [\"amqp://mq1\", \"http://a:geheim@mq2\"]");
    assert!(bad.contains("entry 2"), "{bad}");
    let kind = of("urls = 7");
    assert!(kind.contains("expected a list of URLs") && kind.contains("broker.urls"), "{kind}");
    let memory = complaint("[broker]\nurls = [\"amqp://a:geheim@mq1\"]");
    assert!(memory.contains("broker.urls is set"), "{memory}");
    for text in [both, twice, bad, memory] {
        assert!(!text.contains("geheim"), "{text}");
    }
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

/// Values that would be numbers, arrays or booleans anywhere else.
#[expect(clippy::result_large_err, reason = "the test jail's own error type")]
fn texts_stay_texts(jail: &mut figment::Jail) -> Result<(), figment::Error> {
    for secret in [
        "12345678901234567890123456789012",
        "0000000000000000000000000000000000000001",
        "10000000000000000000000000000001e9",
        "[aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa]",
        "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"",
    ] {
        jail.set_env("POLLGATE_AUTH__JWT__HS256_SECRET", secret);
        let settings = Settings::load(None).map_err(|e| e.to_string())?;
        assert_eq!(settings.auth.jwt.hs256_secret.expose(), secret);
    }
    jail.set_env("POLLGATE_BROKER__KIND", "rabbitmq");
    jail.set_env("POLLGATE_BROKER__URL", "amqp://mq");
    jail.set_env("POLLGATE_BROKER__PREFIX", "42");
    jail.set_env("POLLGATE_HTTP__TRUSTED_PROXIES", "[\"10.0.0.0/8\"]");
    let settings = Settings::load(None).map_err(|e| e.to_string())?;
    assert!(matches!(&settings.broker, BrokerSettings::Rabbitmq(rabbit) if rabbit.prefix == "42"));
    assert!(!settings.http.trusted_proxies.is_empty());
    jail.set_env("POLLGATE_BROKER__URL", "");
    for urls in ["amqp://a:b@mq1,amqp://a:b@mq2", "[\"amqp://a:b@mq1\", \"amqp://a:b@mq2\"]"] {
        jail.set_env("POLLGATE_BROKER__URLS", urls);
        let settings = Settings::load(None).map_err(|e| e.to_string())?;
        assert!(matches!(&settings.broker, BrokerSettings::Rabbitmq(rabbit) if rabbit.clusters.len() == 2));
    }
    Ok(())
}

#[test]
#[expect(clippy::result_large_err, reason = "the test jail's own error type")]
fn a_wrong_variable_is_named_and_its_value_is_not_shown() {
    let geheim = "7418529637418529637418529637418529";
    let keys =
        ["AUTH__JWT", "AUTH__ALLOW_QUERY_TOKEN", "STORE", "STORE__URL", "BROKER__KIND", "POLL__HOLDMS"];
    for key in keys {
        figment::Jail::expect_with(|jail| {
            jail.set_env(format!("POLLGATE_{key}"), format!("{geheim}x"));
            let error = Settings::load(None).unwrap_err();
            let complaint = format!("{error} {error:?}").to_lowercase();
            assert!(!complaint.contains(geheim), "{key}: {complaint}");
            assert!(complaint.contains(&key.to_lowercase().replace("__", ".")), "{key}: {complaint}");
            Ok(())
        });
    }
}

#[test]
fn a_file_that_is_wrong_is_named_and_no_value_is_shown() {
    for text in [
        "[auth.jwt]\nhs256_secret = 741852963",
        "[auth.jwt]\nhs256_secret = 741852963geheim",
        "[auth]\njwt = \"741852963\"",
        "[auth.jwt]\nhs256_secret = \"741852963",
        "[broker]\nkind = \"amqp://a:741852963@mq\"",
        "[http]\nlisten = \"741852963\"",
        "[http]\ntrusted_proxies = [\"741852963\"]",
    ] {
        let error = load(text).unwrap_err();
        let complaint = format!("{error} {error:?}");
        assert!(!complaint.contains("741852963"), "{complaint}");
        assert!(complaint.contains("pollgate.toml"), "{complaint}");
    }
    assert!(complaint("[auth.jwt]\nhs256_secret = oops").contains("line 2 of pollgate.toml"));
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
        texts_stay_texts(jail)?;
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
