//! Lines for `docker/nginx.conf`, tried there.

use std::fs;
use std::process::Command;

/// Each line says in its comment where it goes: `# in http`, `# first in upstream`.
pub(crate) fn check(place: &str, lines: &str) {
    let conf = fs::read_to_string(pollgate_site::repository().join("docker/nginx.conf")).unwrap();
    let mut whole = String::new();
    let mut placed = 0;
    for line in conf.lines() {
        // nobody knows these names here
        whole.push_str(&line.replace("gateway-a:", "127.0.0.1:").replace("gateway-b:", "127.0.0.2:"));
        whole.push('\n');
        for added in lines.lines() {
            let block = added.rsplit("# ").next().unwrap_or_default();
            let block = block.trim_start_matches("first ").trim_start_matches("in ");
            let begins = line.trim_start().starts_with(block) && line.trim_end().ends_with('{');
            if begins && !block.is_empty() {
                whole.push_str(added);
                whole.push('\n');
                placed += 1;
            }
        }
    }
    assert!(
        placed >= lines.lines().count(),
        "{place}: some of these lines have no place in docker/nginx.conf"
    );
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("nginx.conf");
    fs::write(&file, whole).unwrap();
    let mut nginx = Command::new("nginx");
    nginx.arg("-t").arg("-p").arg(folder.path()).arg("-c").arg(&file).args([
        "-g",
        "pid nginx.pid;",
        "-e",
        "stderr",
    ]);
    let output = nginx.output().unwrap_or_else(|error| panic!("nginx does not run: {error}"));
    assert!(output.status.success(), "{place}: {}", String::from_utf8_lossy(&output.stderr));
}
