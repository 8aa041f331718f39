//! One page: what its fences are, and what is done with each.

use std::collections::BTreeMap;
use std::fs;

use pollgate_site::fences::{self, Fence, Treatment};

use crate::script::{Script, Step};
use crate::services::Services;
use crate::{check, excerpt, nginx, printed};

/// Why code is not run. Whoever needs another reason writes it here, and thinks twice.
const REASONS: &[&str] = &[
    "needs Docker",
    "needs systemd",
    "needs Kubernetes",
    "needs HAProxy",
    "needs a server of a bucket",
    "needs a release build",
    "runs for minutes",
    "runs these tests",
    "runs until it is stopped, and a test of its own runs it",
    "is what is replaced",
];

pub(crate) struct Page {
    path: String,
    fences: Vec<Fence>,
}

impl Page {
    pub(crate) fn read(path: &str) -> Self {
        let text = fs::read_to_string(pollgate_site::repository().join(path));
        let text = text.unwrap_or_else(|error| panic!("{path}: {error}"));
        Self { path: path.to_owned(), fences: fences::read(&text) }
    }

    /// Whether anything on it must be run or checked.
    pub(crate) fn has_code(&self) -> bool {
        self.fences.iter().any(|fence| fence.language != "text")
    }

    /// Does with each fence what is to be done with it.
    pub(crate) fn run(&self) {
        let mut services = Services::for_page(&self.fences);
        let mut script = Script::default();
        let mut done: BTreeMap<String, u32> = BTreeMap::new();
        for (number, fence) in self.fences.iter().enumerate() {
            let place = format!("{}:{}", self.path, fence.line);
            *done.entry(self.take(number, fence, &place, &mut script)).or_default() += 1;
        }
        let printed = script.run(&self.path, &mut services);
        for (number, fence) in self.fences.iter().enumerate() {
            if fence.treatment == Treatment::Prints {
                let place = format!("{}:{}", self.path, fence.line);
                let before = self.fences[..number].iter().rposition(|fence| fence.language == "sh");
                let before = before.unwrap_or_else(|| panic!("{place}: nothing was run before this"));
                printed::compare(&place, fence, &printed[&before]);
            }
        }
        println!("{}: {done:?}", self.path);
    }

    /// What is done with a fence, in a word for the summary.
    fn take(&self, number: usize, fence: &Fence, place: &str, script: &mut Script) -> String {
        let language = fence.language.as_str();
        match &fence.treatment {
            Treatment::NotRun(reason) => {
                assert!(REASONS.contains(&reason.as_str()), "{place}: {reason:?} is none of {REASONS:?}");
                check::unrun(place, fence);
                format!("not run ({reason})")
            }
            Treatment::StandsIn(path) => {
                excerpt::stands_in(place, fence, path);
                "stands in a tested file".to_owned()
            }
            Treatment::InBrowser => {
                assert_eq!(language, "js", "{place}: only js is run in a browser");
                "run in a browser".to_owned()
            }
            Treatment::Prints => "compared".to_owned(),
            Treatment::Stops => {
                script.push(Step {
                    number,
                    place: place.to_owned(),
                    text: "stop\n".to_owned(),
                    stays: false,
                });
                "stopped".to_owned()
            }
            Treatment::KeepsRunning => {
                assert_eq!(language, "sh", "{place}: only sh keeps running");
                script.push(Step { number, place: place.to_owned(), text: fence.code.clone(), stays: true });
                "run".to_owned()
            }
            Treatment::Usual => self.usual(number, fence, place, script),
        }
    }

    /// What its language is run by.
    fn usual(&self, number: usize, fence: &Fence, place: &str, script: &mut Script) -> String {
        let text = match fence.language.as_str() {
            "sh" => fence.code.clone(),
            "toml" => {
                let name = check::name(&fence.code).unwrap_or_else(|| format!("fence-{number}.toml"));
                check::written(&name, &fence.code)
                    + &format!("pollgate check-config --config {name} >/dev/null\n")
            }
            "python" | "js" => {
                let name = check::name(&fence.code);
                let name =
                    name.unwrap_or_else(|| panic!("{place}: the first line must name the file: # name.py"));
                self.must_be_used(place, number, &name);
                check::written(&name, &fence.code)
            }
            "json" => {
                check::json(place, &fence.code);
                return "parsed".to_owned();
            }
            "nginx" => {
                nginx::check(place, &fence.code);
                return "tried with nginx -t".to_owned();
            }
            "text" => return "no code".to_owned(),
            "" => panic!("{place}: say the language of this code; `text` if it is none"),
            other => panic!(
                "{place}: nothing here can run {other:?}: say `<!-- not run: … -->` or `<!-- stands in … -->` before it"
            ),
        };
        script.push(Step { number, place: place.to_owned(), text, stays: false });
        "run".to_owned()
    }

    /// A file that no command uses would never be run.
    fn must_be_used(&self, place: &str, number: usize, name: &str) {
        let module = name.split('.').next().unwrap_or(name);
        let mut later = self.fences[number + 1..].iter().filter(|fence| fence.treatment == Treatment::Usual);
        let used = later.any(|fence| fence.code.contains(module));
        assert!(used, "{place}: nothing after it runs {name}");
    }
}
