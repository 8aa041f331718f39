//! A TCP proxy that breaks connections in the ways that networks do.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, Weak};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::ports::{self, local};

/// What is read at once.
const BUFFER: usize = 64 << 10;
/// So many reads wait in a proxy for the other side, per direction; the sender of more waits, as on a full line.
const ON_THE_WAY: usize = 64;

/// Stands between a client and its server; dropping it ends all its connections.
pub struct TcpProxy {
    port: u16,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

struct Shared {
    targets: Vec<String>,
    /// Connections so far.
    taken: AtomicUsize,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    cut: bool,
    blackhole: bool,
    delay: Duration,
    /// The connections that are open, and some that have ended.
    pairs: Vec<Weak<Pair>>,
}

/// The two sides of a connection.
struct Pair {
    client: TcpStream,
    server: TcpStream,
}

impl TcpProxy {
    /// Listens, and passes on to `target`, such as `127.0.0.1:5672`.
    #[must_use]
    pub fn start(target: &str) -> Self {
        Self::round_robin([target])
    }

    /// Listens, and passes each connection on to the next of these; to another one when that is away.
    #[must_use]
    pub fn round_robin<'a>(targets: impl IntoIterator<Item = &'a str>) -> Self {
        let targets = targets.into_iter().map(str::to_owned).collect();
        let shared =
            Shared { targets, taken: AtomicUsize::new(0), state: Mutex::default(), changed: Condvar::new() };
        let mut proxy = Self { port: ports::free(), shared: Arc::new(shared), acceptor: None };
        proxy.listen();
        proxy
    }

    /// Where it listens.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// How many connections it has taken.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.shared.taken.load(Ordering::Relaxed)
    }

    /// Closes all connections, and refuses new ones.
    pub fn cut(&mut self) {
        self.shared.lock().cut = true;
        self.shared.changed.notify_all();
        if let Some(acceptor) = self.acceptor.take() {
            drop(TcpStream::connect(local(self.port))); // it waits for one
            drop(acceptor.join());
        }
        let pairs = std::mem::take(&mut self.shared.lock().pairs);
        for pair in pairs.iter().filter_map(Weak::upgrade) {
            drop(pair.client.shutdown(Shutdown::Both));
            drop(pair.server.shutdown(Shutdown::Both));
        }
    }

    /// Takes new connections, and passes on at once, also what a blackhole has held back.
    pub fn heal(&mut self) {
        {
            let mut state = self.shared.lock();
            (state.cut, state.blackhole, state.delay) = (false, false, Duration::ZERO);
        }
        self.shared.changed.notify_all();
        if self.acceptor.is_none() {
            self.listen();
        }
    }

    /// Keeps and takes connections, and passes nothing on.
    pub fn blackhole(&self) {
        self.shared.lock().blackhole = true;
    }

    /// Passes on so much later.
    pub fn delay(&self, delay: Duration) {
        self.shared.lock().delay = delay;
    }

    fn listen(&mut self) {
        let listener = TcpListener::bind(local(self.port)).expect("its port is free");
        let shared = self.shared.clone();
        self.acceptor = Some(thread::spawn(move || {
            for client in listener.incoming() {
                if shared.lock().cut {
                    return;
                }
                if let Ok(client) = client {
                    // without a server the client's connection ends, as it would without a proxy
                    drop(shared.join(client));
                }
            }
        }));
    }
}

impl Drop for TcpProxy {
    fn drop(&mut self) {
        self.cut();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no pump panics")
    }

    fn join(self: &Arc<Self>, client: TcpStream) -> std::io::Result<()> {
        let taken = self.taken.fetch_add(1, Ordering::Relaxed) % self.targets.len();
        let (later, first) = self.targets.split_at(taken); // the one whose turn it is, and on from there
        let mut in_turn = first.iter().chain(later).map(|target| TcpStream::connect(target.as_str()));
        let Some(server) = in_turn.find_map(Result::ok) else {
            return Err(ErrorKind::ConnectionRefused.into());
        };
        server.set_nodelay(true)?;
        client.set_nodelay(true)?;
        let pair = Arc::new(Pair { client, server });
        let mut state = self.lock();
        state.pairs.retain(|pair| pair.strong_count() > 0);
        state.pairs.push(Arc::downgrade(&pair));
        drop(state);
        for up in [true, false] {
            let (pair, shared) = (pair.clone(), self.clone());
            let (came, on_the_way) = sync_channel(ON_THE_WAY);
            let both = pair.clone();
            thread::spawn(move || {
                let mut from = if up { &both.client } else { &both.server };
                let mut buffer = vec![0; BUFFER];
                while let Ok(read) = from.read(&mut buffer) {
                    let bytes = buffer.get(..read).unwrap_or_default().to_vec();
                    let end = bytes.is_empty();
                    if came.send((Instant::now(), bytes)).is_err() || end {
                        break;
                    }
                }
            });
            thread::spawn(move || {
                shared.pass_on(&on_the_way, if up { &pair.server } else { &pair.client });
            });
        }
        Ok(())
    }

    /// Writes what came, each as much later as is asked for: a delay costs time and no throughput.
    fn pass_on(&self, on_the_way: &Receiver<(Instant, Vec<u8>)>, mut to: &TcpStream) {
        while let Ok((came, bytes)) = on_the_way.recv() {
            if !self.may_pass(came) || bytes.is_empty() || to.write_all(&bytes).is_err() {
                break;
            }
        }
        drop(to.shutdown(Shutdown::Write));
    }

    /// Waits as long as nothing may pass; false when the connection has been cut.
    fn may_pass(&self, since: Instant) -> bool {
        let mut state = self.lock();
        loop {
            let left = state.delay.saturating_sub(since.elapsed());
            state = match (state.cut, state.blackhole) {
                (true, _) => return false,
                (false, true) => self.changed.wait(state).expect("no pump panics"),
                (false, false) if left.is_zero() => return true,
                (false, false) => self.changed.wait_timeout(state, left).expect("no pump panics").0,
            };
        }
    }
}
