//! All commands of a page as one shell script: variables, files and programs that keep running are there for those below.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use pollgate_testkit::{binary, eventually};
use tempfile::TempDir;

use crate::services::{OPERATORS, Services};

/// How many seconds a page may take: what waits in vain is ended then, and says where it waited.
const MOST_S: &str = "180";
/// How long that end is waited for.
const PATIENCE: Duration = Duration::from_secs(200);
/// Ports are looked for and then bound: another process may be in between.
const TRIES: usize = 3;
const MARK: &str = "\u{1}fence ";
/// What the commands may use besides what they make.
const BEGINNING: &str = r#"
set -euo pipefail
kept=()
# starts what keeps running, and waits until the gateway at that operator address is ready
keep() { # OPERATOR-ADDRESS
    (. ./"$2") >>kept.log 2>&1 &
    kept+=($!)
    until curl --silent --fail --max-time 2 "http://$1/readyz" >/dev/null; do
        kill -0 $! 2>/dev/null || { echo "it ended:"; cat kept.log; exit 1; } >&2
        sleep 0.1
    done
}
# ends all of them in order
stop() {
    local job
    for job in ${kept[@]+"${kept[@]}"}; do
        pkill -TERM -P "$job"
        wait "$job" || { echo "a gateway did not end in order"; cat kept.log; exit 1; } >&2
    done
    kept=()
}
# waits for what the commands have put in the background
settle() {
    local job
    for job in $(jobs -pr); do
        case " ${kept[*]-} " in *" $job "*) ;; *) wait "$job" ;; esac
    done
}
"#;

/// A piece of the script.
pub(crate) struct Step {
    /// Which fence of the page it is.
    pub(crate) number: usize,
    /// Where it stands.
    pub(crate) place: String,
    /// The commands.
    pub(crate) text: String,
    /// Whether it runs until the end of the page.
    pub(crate) stays: bool,
}

#[derive(Default)]
pub(crate) struct Script(Vec<Step>);

impl Script {
    pub(crate) fn push(&mut self, step: Step) {
        self.0.push(step);
    }

    /// Runs it, and returns what each fence printed.
    pub(crate) fn run(&self, page: &str, services: &mut Services) -> BTreeMap<usize, String> {
        if self.0.is_empty() {
            return BTreeMap::new();
        }
        for _ in 0..TRIES {
            let folder = scratch();
            match self.try_run(folder.path(), services) {
                Ok(printed) => return printed,
                Err(said) if said.contains("in use") => services.move_gateways(),
                Err(said) => panic!("{page}: {said}"),
            }
        }
        panic!("{page}: no free ports");
    }

    fn try_run(&self, folder: &Path, services: &Services) -> Result<BTreeMap<usize, String>, String> {
        fs::write(folder.join("page.sh"), self.text(folder, services)).unwrap();
        let file = |name: &str| File::create(folder.join(name)).unwrap();
        let dies_with_its_parent = ["setpriv", "--pdeathsig", "KILL"];
        let mut command = Command::new("setpriv");
        command.args(&dies_with_its_parent[1..]).args(["timeout", "--foreground", MOST_S]);
        command.args(dies_with_its_parent).args(["bash", "page.sh"]).current_dir(folder).process_group(0);
        for (name, _value) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("POLLGATE_") || name == "RUST_LOG" {
                command.env_remove(name);
            }
        }
        let path = std::env::var("PATH").unwrap();
        command.env("PATH", format!("{}:{path}", folder.join("target/release").display()));
        command.env("POLLGATE_HTTP__LISTEN", services.substituted("127.0.0.1:8080"));
        command.env("POLLGATE_HTTP__OPERATOR_LISTEN", services.substituted("127.0.0.1:9090"));
        command.env("POLLGATE_URL", services.substituted("http://127.0.0.1:8080"));
        command.stdin(Stdio::null()).stdout(file("out")).stderr(file("err"));
        let mut group = Group(command.spawn().unwrap());
        let mut status = None;
        eventually("the commands end", PATIENCE, || {
            status = group.0.try_wait().unwrap();
            status.is_some()
        });
        drop(group);
        let said = |name: &str| {
            String::from_utf8_lossy(&fs::read(folder.join(name)).unwrap_or_default()).into_owned()
        };
        let printed = said("out");
        if status.is_none_or(|status| !status.success()) {
            let place = printed.rsplit(MARK).next().and_then(|last| last.lines().next()).unwrap_or_default();
            let place = place.parse().ok().and_then(|n: usize| self.0.iter().find(|step| step.number == n));
            let place = place.map_or("", |step| step.place.as_str());
            return Err(format!("failed at {place}\n{printed}\n{}\n{}", said("err"), said("kept.log")));
        }
        let pieces = printed.split(MARK).skip(1).map(|piece| piece.split_once('\n').unwrap());
        Ok(pieces.map(|(number, text)| (number.parse().unwrap(), text.to_owned())).collect())
    }

    fn text(&self, folder: &Path, services: &Services) -> String {
        let mut text = BEGINNING.to_owned();
        for Step { number, place, text: page, stays } in &self.0 {
            let commands = services.substituted(page);
            text.push_str(&format!("printf '%s\\n' '{MARK}{number}'\n"));
            if *stays {
                let name = format!("keeps-{number}.sh");
                let mut named = OPERATORS.iter().filter(|address| page.contains(**address));
                let operator = services.substituted(named.next().unwrap_or(&OPERATORS[OPERATORS.len() - 1]));
                fs::write(folder.join(&name), commands).unwrap();
                text.push_str(&format!("keep {operator} {name} # {place}\n"));
            } else {
                text.push_str(&format!("# {place}\n{commands}settle\n"));
            }
        }
        text
    }
}

/// The shell and all that it has started.
struct Group(Child);

impl Drop for Group {
    fn drop(&mut self) {
        let group = format!("-{}", self.0.id());
        let mut kill = Command::new("kill");
        kill.args(["-s", "KILL", "--", &group]).stderr(Stdio::null());
        drop(kill.status());
        drop(self.0.wait());
    }
}

/// A folder that looks like a checkout in which everything is built.
fn scratch() -> TempDir {
    let folder = TempDir::new().unwrap();
    let programs = folder.path().join("target/release");
    fs::create_dir_all(&programs).unwrap();
    for name in ["pollgate", "pollgate-bench"] {
        // through setpriv: a test that is cut off leaves no gateway behind
        let wrapper = format!("#!/bin/sh\nexec setpriv --pdeathsig KILL {} \"$@\"\n", binary(name).display());
        fs::write(programs.join(name), wrapper).unwrap();
        fs::set_permissions(programs.join(name), fs::Permissions::from_mode(0o755)).unwrap();
    }
    for name in ["examples", "scripts", "docker", "docker-compose.yml"] {
        symlink(pollgate_site::repository().join(name), folder.path().join(name)).unwrap();
    }
    folder
}
