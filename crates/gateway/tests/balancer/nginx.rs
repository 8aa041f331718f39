//! nginx as a child process, with the shipped configuration.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use pollgate_testkit::{User, eventually, free_port};
use tempfile::TempDir;

const SHIPPED: &str = include_str!("../../../../docker/nginx.conf");
const LIMIT: Duration = Duration::from_secs(30);
/// Ports are looked for and then bound: another process may be in between.
const TRIES: usize = 5;

/// A running nginx; dropping it ends it.
pub(crate) struct Nginx {
    files: TempDir,
    address: SocketAddr,
    child: Child,
}

impl Nginx {
    /// Starts it in front of these two.
    pub(crate) fn start(upstreams: [SocketAddr; 2]) -> Self {
        let files = tempfile::tempdir().unwrap();
        for _ in 0..TRIES {
            let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
            fs::write(files.path().join("nginx.conf"), rendered(files.path(), address, upstreams)).unwrap();
            let mut child = run(files.path());
            let mut ended = false;
            eventually("nginx listens", LIMIT, || {
                ended = child.try_wait().unwrap().is_some();
                ended || TcpStream::connect(address).is_ok()
            });
            if !ended {
                return Self { files, address, child };
            }
            let said = fs::read_to_string(files.path().join("log")).unwrap_or_default();
            assert!(said.contains("in use"), "nginx is not installed or does not start: {said}");
        }
        panic!("no free port for nginx");
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Somebody with this token who calls through the balancer.
    pub(crate) fn caller(&self, token: &str) -> User {
        User::new(self.address, "", Some(format!("Bearer {token}")))
    }

    /// A line for each request that has ended.
    pub(crate) fn access_log(&self) -> Vec<String> {
        let log = fs::read_to_string(self.files.path().join("access")).unwrap();
        log.lines().map(ToOwned::to_owned).collect()
    }

    /// What it has complained about.
    pub(crate) fn error_log(&self) -> String {
        fs::read_to_string(self.files.path().join("log")).unwrap()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // its workers end with it, as they would not after a kill
        drop(Command::new("kill").args(["-s", "TERM", &self.child.id().to_string()]).status());
        drop(self.child.wait());
        if std::thread::panicking() {
            eprintln!("nginx: {}\n{}", self.error_log(), self.access_log().join("\n"));
        }
    }
}

fn run(files: &Path) -> Child {
    let globals = format!("daemon off; user root; pid {};", files.join("pid").display());
    // a test that is cut off leaves no nginx behind
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "TERM", "nginx", "-g", &globals]).arg("-p").arg(files);
    command.arg("-c").arg(files.join("nginx.conf")).arg("-e").arg(files.join("log"));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().unwrap()
}

/// The shipped configuration with this machine's addresses and files in it, and nothing else changed.
fn rendered(files: &Path, address: SocketAddr, [a, b]: [SocketAddr; 2]) -> String {
    let file = |name: &str| files.join(name).display().to_string();
    let kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let folders = kinds.map(|kind| format!("{kind}_temp_path {};", file(kind))).join("\n");
    let here = [
        ("listen 8080 ", format!("listen {address} ")),
        ("server gateway-a:8080 ", format!("server {a} ")),
        ("server gateway-b:8080 ", format!("server {b} ")),
        ("/dev/stdout", file("access")),
        ("/dev/stderr", file("log")),
        ("http {", format!("http {{\n{folders}")),
    ];
    here.iter().fold(SHIPPED.to_owned(), |text, (shipped, here)| {
        assert!(text.contains(shipped), "docker/nginx.conf has no {shipped:?} any more");
        text.replace(shipped, here)
    })
}
