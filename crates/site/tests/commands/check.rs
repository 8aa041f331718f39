//! What can be said of code without running it.

use std::io::Write as _;
use std::process::{Command, Stdio};

use pollgate_site::fences::Fence;

/// The file's name, if the first line is a comment that says nothing else.
pub(crate) fn name(code: &str) -> Option<String> {
    let first = code.lines().next()?;
    let said = first.strip_prefix("# ").or_else(|| first.strip_prefix("// "))?.trim();
    let is_name = said.contains('.') && said.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
    is_name.then(|| said.to_owned())
}

/// The commands that write a file.
pub(crate) fn written(name: &str, code: &str) -> String {
    format!("cat >{name} <<'END OF THE FENCE'\n{code}END OF THE FENCE\n")
}

/// What is left out must be such code at least, and the programs of this repository that it names must be there.
pub(crate) fn unrun(place: &str, fence: &Fence) {
    match fence.language.as_str() {
        "sh" => {
            parses(place, "bash", &["-n"], &fence.code);
            for line in fence.code.lines() {
                let word = line.split_whitespace().find(|word| !word.contains('=')).unwrap_or_default();
                let ours = ["scripts/", "examples/"].iter().any(|folder| word.starts_with(folder));
                let there = pollgate_site::repository().join(word).is_file();
                assert!(!ours || there, "{place}: there is no {word}");
            }
        }
        "python" => {
            parses(place, "python3", &["-c", "import ast, sys; ast.parse(sys.stdin.read())"], &fence.code)
        }
        "js" => parses(place, "node", &["--check", "--input-type=module", "-"], &fence.code),
        "" => panic!("{place}: say the language of this code"),
        _ => {}
    }
}

/// JSON, with `…` where something was left out.
pub(crate) fn json(place: &str, code: &str) {
    let whole = code.replace("[…]", "[]").replace("{…}", "{}");
    let value: Result<serde_json::Value, _> = serde_json::from_str(&whole);
    assert!(value.is_ok(), "{place}: {value:?}");
}

fn parses(place: &str, program: &str, arguments: &[&str], code: &str) {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{program} does not run: {error}"));
    child.stdin.take().unwrap().write_all(code.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{place}: {}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn only_a_name_is_a_name() {
    assert_eq!(name("# pollgate.toml\na = 1\n").as_deref(), Some("pollgate.toml"));
    assert_eq!(name("// chat.js\n").as_deref(), Some("chat.js"));
    assert_eq!(name("# what e.g. this means\n"), None);
    assert_eq!(name("[store]\n"), None);
}
