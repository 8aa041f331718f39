//! Keys of one's own in the machine's Redis.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;

use uuid::Uuid;

/// The machine's Redis: `POLLGATE_TEST_REDIS`.
#[must_use]
pub fn redis_url() -> String {
    let named = std::env::var("POLLGATE_TEST_REDIS").unwrap_or_default();
    if named.is_empty() { "redis://127.0.0.1:6379".to_owned() } else { named }
}

/// Where it listens, such as `127.0.0.1:6379`.
#[must_use]
pub fn redis_address() -> String {
    redis_url().trim_start_matches("redis://").trim_end_matches('/').to_owned()
}

/// A prefix that nobody else has; dropping it removes the keys that begin with it.
pub struct RedisKeys {
    prefix: String,
}

impl RedisKeys {
    /// Makes one.
    #[must_use]
    pub fn new() -> Self {
        Self { prefix: format!("t{}", Uuid::now_v7().simple()) }
    }

    /// What the keys begin with.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// How many keys there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.run("return #redis.call('KEYS', ARGV[1])")
    }

    /// Runs a script over the pattern of the keys; the number it returns.
    fn run(&self, script: &str) -> usize {
        let mut stream = TcpStream::connect(redis_address()).expect("Redis is there");
        let mut call = String::from("*4\r\n");
        for part in ["EVAL", script, "0", &format!("{}*", self.prefix)] {
            call.push_str(&format!("${}\r\n{part}\r\n", part.len()));
        }
        stream.write_all(call.as_bytes()).expect("Redis is asked");
        let mut answer = String::new();
        BufReader::new(stream).read_line(&mut answer).expect("Redis answers");
        answer.trim().trim_start_matches(':').parse().expect("a number")
    }
}

impl Default for RedisKeys {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for RedisKeys {
    fn drop(&mut self) {
        self.run("local n = 0 for _, k in ipairs(redis.call('KEYS', ARGV[1])) do n = n + redis.call('DEL', k) end return n");
    }
}
