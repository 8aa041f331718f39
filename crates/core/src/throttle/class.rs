//! Classes of requests, and how many of each a user may make.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use pollgate_model::Rate;

/// What a request is counted as.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// Sending a message.
    Messages,
    /// The room list, history, changes of rooms.
    Rooms,
    /// What else a user calls: presence, tickets, attachments, search.
    General,
    /// Typing, and read marks.
    Signals,
    /// Whatever needs the scope `publish`.
    Publish,
    /// Sending a message to a room with a context of this kind. A kind without a rate of its own counts as
    /// [`Class::Messages`].
    Context(Arc<str>),
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Messages => f.write_str("messages"),
            Self::Rooms => f.write_str("rooms"),
            Self::General => f.write_str("general"),
            Self::Signals => f.write_str("signals"),
            Self::Publish => f.write_str("publish"),
            Self::Context(kind) => write!(f, "context.{kind}"),
        }
    }
}

/// How many requests of each class one user may make; `None`: as many as they like.
#[derive(Clone, Debug)]
pub struct ThrottleSettings {
    /// Requests are counted at all.
    pub enabled: bool,
    /// Of [`Class::Messages`].
    pub messages: Option<Rate>,
    /// Of [`Class::Rooms`].
    pub rooms: Option<Rate>,
    /// Of [`Class::General`].
    pub general: Option<Rate>,
    /// Of [`Class::Signals`].
    pub signals: Option<Rate>,
    /// Of [`Class::Publish`].
    pub publish: Option<Rate>,
    /// Of [`Class::Context`], by kind. The kinds are ASCII letters, digits, `-`, `_` and `.`.
    pub context: BTreeMap<String, Option<Rate>>,
    /// Most users and classes that are counted in memory at once.
    pub entries: usize,
    /// How long the shared count may take to answer.
    pub timeout: Duration,
}

impl ThrottleSettings {
    /// Nobody is throttled.
    #[must_use]
    pub fn off() -> Self {
        Self {
            enabled: false,
            messages: None,
            rooms: None,
            general: None,
            signals: None,
            publish: None,
            context: BTreeMap::new(),
            entries: 100_000,
            timeout: Duration::from_secs(1),
        }
    }
}

/// A class with its number: the place under which it is counted.
#[derive(Clone, Debug)]
pub(super) struct Counted {
    pub(super) name: Arc<str>,
    pub(super) rate: Option<Rate>,
}

/// The classes there are, by number.
#[derive(Debug)]
pub(super) struct Classes {
    all: Vec<Counted>,
    /// Numbers of the kinds of contexts.
    kinds: BTreeMap<Arc<str>, usize>,
}

impl Classes {
    pub(super) fn new(settings: &ThrottleSettings) -> Self {
        let own = [
            (Class::Messages, settings.messages),
            (Class::Rooms, settings.rooms),
            (Class::General, settings.general),
            (Class::Signals, settings.signals),
            (Class::Publish, settings.publish),
        ];
        let kind_of = |(kind, rate): (&String, &Option<Rate>)| (Class::Context(kind.as_str().into()), *rate);
        let (mut all, mut kinds) = (Vec::new(), BTreeMap::new());
        for (class, rate) in own.into_iter().chain(settings.context.iter().map(kind_of)) {
            if let Class::Context(kind) = &class {
                kinds.insert(kind.clone(), all.len());
            }
            all.push(Counted { name: class.to_string().into(), rate });
        }
        Self { all, kinds }
    }

    /// The number of a class.
    pub(super) fn number(&self, class: &Class) -> usize {
        match class {
            Class::Messages => 0,
            Class::Rooms => 1,
            Class::General => 2,
            Class::Signals => 3,
            Class::Publish => 4,
            Class::Context(kind) => self.kinds.get(kind).copied().unwrap_or(0),
        }
    }

    /// The class with this number.
    pub(super) fn get(&self, number: usize) -> Option<&Counted> {
        self.all.get(number)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.all.iter().map(|class| class.name.as_ref())
    }

    /// Some kind of context has a rate of its own.
    pub(super) fn knows_kinds(&self) -> bool {
        !self.kinds.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_of_context_has_a_class_of_its_own_or_counts_as_messages() {
        let mut settings = ThrottleSettings { messages: "60/min".parse().ok(), ..ThrottleSettings::off() };
        settings.context.insert("order".into(), "10/min".parse().ok());
        settings.context.insert("free".into(), None);
        let classes = Classes::new(&settings);
        let rate = |kind: &str| {
            let class = classes.get(classes.number(&Class::Context(kind.into()))).unwrap();
            (class.name.to_string(), class.rate.map(|rate| rate.to_string()))
        };
        assert_eq!(rate("order"), ("context.order".into(), Some("10/min".into())));
        assert_eq!(rate("free"), ("context.free".into(), None));
        assert_eq!(rate("other"), ("messages".into(), Some("60/min".into())));
        for (number, class) in
            [Class::Messages, Class::Rooms, Class::General, Class::Signals, Class::Publish].iter().enumerate()
        {
            assert_eq!(classes.number(class), number);
            assert_eq!(classes.get(number).unwrap().name.as_ref(), class.to_string());
        }
    }
}
