//! Errors in words that name the key and where it stands, and never the value: it may be a secret, or a secret that
//! was put under the wrong key.

use std::fmt::Write as _;

use figment::error::{Actual, Error, Kind, OneOf};

/// What is wrong, one line for each mistake. `file` is what a configuration file is called.
pub(super) fn in_words(errors: Error, file: &str) -> String {
    let lines: Vec<String> = errors.into_iter().map(|error| line(&error, file)).collect();
    lines.join("\n")
}

fn line(error: &Error, file: &str) -> String {
    let mut text = what(&error.kind);
    if !error.path.is_empty() {
        let _infallible = write!(text, " for key {:?}", error.path.join("."));
    }
    if let Some(source) = &error.metadata {
        let from_file = source.name.starts_with("TOML");
        let _infallible = write!(text, " in {}", if from_file { file } else { &source.name });
    }
    text
}

fn what(kind: &Kind) -> String {
    match kind {
        Kind::InvalidType(found, expected) => format!("found {}, expected {expected}", form(found)),
        Kind::InvalidValue(found, expected) => format!("{} out of range, expected {expected}", form(found)),
        Kind::UnknownVariant(_, known) => format!("unknown value, expected {}", OneOf(known)),
        Kind::UnknownField(name, known) => format!("unknown field {name:?}, expected {}", OneOf(known)),
        Kind::MissingField(name) => format!("missing field {name:?}"),
        Kind::DuplicateField(name) => format!("field {name:?} stands twice"),
        Kind::InvalidLength(length, expected) => format!("{length} elements, expected {expected}"),
        Kind::ISizeOutOfRange(_) | Kind::USizeOutOfRange(_) => "number out of range".into(),
        Kind::Unsupported(found) | Kind::UnsupportedKey(found, _) => format!("{} does not fit", form(found)),
        // from our own types and the standard library's, none of which repeats what it was given
        Kind::Message(text) => text.clone(),
    }
}

const fn form(found: &Actual) -> &'static str {
    match found {
        Actual::Bool(_) => "a boolean",
        Actual::Unsigned(_) | Actual::Signed(_) => "an integer",
        Actual::Float(_) => "a floating point number",
        Actual::Char(_) | Actual::Str(_) => "a text",
        Actual::Seq => "an array",
        Actual::Map => "a table",
        _other => "something else",
    }
}

/// What is wrong with a text that is no TOML, without the line itself.
pub(super) fn no_toml(error: &toml::de::Error, text: &str, file: &str) -> String {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    let number = before.bytes().filter(|byte| *byte == b'\n').count().saturating_add(1);
    format!("{} at line {number} of {file}", error.message().trim())
}
