//! Settings and metrics that pages name are there.

use std::collections::BTreeSet;
use std::fs;

use pollgate_site::{forge, repository};
use toml::{Table, Value};

/// A page whose checks have names like settings.
const DOCTOR: &str = "docs/doctor.md";
/// Names of OpenTelemetry's that look like settings of ours.
const ATTRIBUTES: &[&str] = &["http.request.method", "http.response.status_code", "http.route"];

fn page(path: &str) -> String {
    fs::read_to_string(repository().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every page, and the words in it that are written as code.
fn words() -> Vec<(String, String)> {
    let mut all = Vec::new();
    for name in super::pages_there() {
        let path = format!("docs/{}", name.display());
        let codes = forge::codes(&page(&path));
        all.extend(codes.into_iter().map(|word| (path.clone(), word)));
    }
    all.extend(forge::codes(&page("README.md")).into_iter().map(|word| ("README.md".to_owned(), word)));
    all
}

fn keys(table: &Table, before: &str, found: &mut BTreeSet<String>) {
    for (key, value) in table {
        let name = format!("{before}{key}");
        if let Value::Table(inner) = value {
            keys(inner, &format!("{name}."), found);
        }
        found.insert(name);
    }
}

#[test]
fn settings_that_pages_name_are_there() {
    let defaults: Table = page("crates/gateway/src/settings/default.toml").parse().unwrap();
    let mut known = BTreeSet::new();
    keys(&defaults, "", &mut known);
    let is_name = |word: &str| {
        let (section, key) = word.split_once('.').unwrap_or_default();
        let letters = |text: &str| {
            text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "._".contains(c))
        };
        matches!(defaults.get(section), Some(Value::Table(_))) && letters(key) && !key.is_empty()
    };
    // `log.format = "json"` names one, too
    let named = words()
        .into_iter()
        .map(|(path, word)| (path, word.split([' ', '=']).next().unwrap_or_default().to_owned()));
    let other = |word: &str| known.contains(word) || ATTRIBUTES.contains(&word);
    let wrong: Vec<_> =
        named.filter(|(path, word)| path != DOCTOR && is_name(word) && !other(word)).collect();
    assert!(wrong.is_empty(), "no such settings: {wrong:#?}");
}

#[test]
fn metrics_that_pages_name_are_there() {
    let there = page("docs/metrics.md");
    let known: BTreeSet<String> = forge::codes(&there).into_iter().filter_map(|word| family(&word)).collect();
    let wrong: Vec<_> = words()
        .into_iter()
        .filter(|(_, word)| family(word).is_some_and(|family| !known.contains(&family)))
        .filter(|(path, _)| path != "docs/metrics.md")
        .collect();
    assert!(wrong.is_empty(), "docs/metrics.md has no such families: {wrong:#?}");
}

/// The family's name at the beginning of a word such as `pollgate_polls_total{end="gone"}`.
fn family(word: &str) -> Option<String> {
    let name = word.split(['{', ' ']).next()?;
    let rest = name.strip_prefix("pollgate_")?;
    rest.chars().all(|c| c.is_ascii_lowercase() || c == '_').then(|| name.to_owned())
}
