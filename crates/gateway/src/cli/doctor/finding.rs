//! What a check found: what was seen, what it means, what to change.

use serde::Serialize;

/// How much it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Level {
    /// As it should be.
    Ok,
    /// Worth knowing.
    Note,
    /// It works, and will not do so under load, after a fault, or for everybody.
    Warning,
    /// It does not work, or a promise does not hold.
    Problem,
}

impl Level {
    /// In a word, as it is printed.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Problem => "problem",
        }
    }
}

/// What one check found.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Finding {
    /// The check's name; never changes its meaning.
    pub(super) check: &'static str,
    pub(super) level: Level,
    /// Which of several, such as a cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) subject: Option<String>,
    pub(super) seen: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) means: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) change: String,
}

impl Finding {
    fn new(level: Level, check: &'static str, seen: impl Into<String>) -> Self {
        let (means, change) = (String::new(), String::new());
        Self { check, level, subject: None, seen: seen.into(), means, change }
    }

    pub(super) fn ok(check: &'static str, seen: impl Into<String>) -> Self {
        Self::new(Level::Ok, check, seen)
    }

    pub(super) fn note(check: &'static str, seen: impl Into<String>) -> Self {
        Self::new(Level::Note, check, seen)
    }

    pub(super) fn warning(check: &'static str, seen: impl Into<String>) -> Self {
        Self::new(Level::Warning, check, seen)
    }

    pub(super) fn problem(check: &'static str, seen: impl Into<String>) -> Self {
        Self::new(Level::Problem, check, seen)
    }

    /// What it means.
    pub(super) fn means(mut self, text: impl Into<String>) -> Self {
        self.means = text.into();
        self
    }

    /// What to change.
    pub(super) fn change(mut self, text: impl Into<String>) -> Self {
        self.change = text.into();
        self
    }

    /// Which of several it is about.
    pub(super) fn about(mut self, subject: impl Into<String>) -> Self {
        self.subject = Some(subject.into());
        self
    }
}
