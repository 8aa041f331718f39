//! A server of one's own that speaks S3.

use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use crate::ports::{self, local};
use crate::process::PATIENCE;
use crate::user::User;
use crate::wait::eventually;

const BUCKET: &str = "attachments";

/// A server with one empty bucket, on a free port; dropping it ends it, and what it held is gone.
pub struct S3Server {
    port: u16,
    child: Child,
}

impl S3Server {
    /// Starts it and makes the bucket.
    #[must_use]
    pub fn start() -> Self {
        let port = ports::free();
        // a test that is cut off leaves no server behind
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "moto_server", "-H", "127.0.0.1", "-p", &port.to_string()]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().expect("setpriv runs");
        eventually("the S3 server listens (scripts/setup --tests brings moto_server)", PATIENCE, || {
            assert!(child.try_wait().expect("its state is known").is_none(), "moto_server does not run");
            TcpStream::connect(local(port)).is_ok()
        });
        let server = Self { port, child };
        let made = server.request("PUT", "");
        assert!(made.contains("200"), "no bucket: {made}");
        server
    }

    /// Where it is.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// `host:port`, for a proxy.
    #[must_use]
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The bucket.
    #[must_use]
    pub fn bucket(&self) -> &'static str {
        BUCKET
    }

    /// The keys in the bucket.
    #[must_use]
    pub fn keys(&self) -> Vec<String> {
        let listed = self.request("GET", "?list-type=2");
        let keys = listed.split("<Key>").skip(1);
        keys.map(|rest| rest.split("</Key>").next().unwrap_or_default().to_owned()).collect()
    }

    /// How many uploads in parts were begun and neither finished nor given up.
    #[must_use]
    pub fn unfinished(&self) -> usize {
        self.request("GET", "?uploads").matches("<Upload>").count()
    }

    fn request(&self, method: &str, query: &str) -> String {
        let path = format!("/{BUCKET}{query}");
        let answer = User::new(local(self.port), "", None).request(method, &path, &[], &[]);
        let answer = answer.unwrap_or_else(|error| panic!("the S3 server does not answer: {error}"));
        format!("{} {}", answer.status, String::from_utf8_lossy(answer.body()))
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
