//! The fault proxy, before a server that gives back what it gets.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use pollgate_testkit::TcpProxy;

const LIMIT: Duration = Duration::from_secs(20);

fn echo() -> TcpProxy {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            thread::spawn(move || std::io::copy(&mut stream.try_clone().unwrap(), &mut stream));
        }
    });
    TcpProxy::start(&address.to_string())
}

fn client(proxy: &TcpProxy) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", proxy.port())).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    stream
}

fn comes_back(stream: &mut TcpStream) -> bool {
    let mut came = [0; 4];
    stream.write_all(b"ping").is_ok() && stream.read_exact(&mut came).is_ok() && came == *b"ping"
}

#[test]
fn a_cut_ends_connections_and_refuses_others_until_it_is_healed() {
    let mut proxy = echo();
    let mut before = client(&proxy);
    assert!(comes_back(&mut before));
    proxy.cut();
    assert!(!comes_back(&mut before));
    assert!(TcpStream::connect(("127.0.0.1", proxy.port())).is_err());
    proxy.heal();
    assert!(comes_back(&mut client(&proxy)));
}

#[test]
fn a_blackhole_takes_connections_and_holds_back_what_they_say() {
    let mut proxy = echo();
    let mut before = client(&proxy);
    assert!(comes_back(&mut before));
    proxy.blackhole();
    let mut meanwhile = client(&proxy);
    for stream in [&mut before, &mut meanwhile] {
        stream.write_all(b"ping").unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        assert!(stream.read(&mut [0]).is_err());
        stream.set_read_timeout(Some(LIMIT)).unwrap();
    }
    proxy.heal();
    for mut stream in [before, meanwhile] {
        let mut came = [0; 4];
        stream.read_exact(&mut came).unwrap();
        assert_eq!(&came, b"ping");
    }
}

#[test]
fn a_delay_makes_every_way_longer() {
    let proxy = echo();
    let mut stream = client(&proxy);
    proxy.delay(Duration::from_millis(100));
    let started = Instant::now();
    assert!(comes_back(&mut stream));
    assert!(started.elapsed() >= Duration::from_millis(200));
}

/// A server that says its name and ends the connection.
fn named(name: &'static [u8]) -> (String, thread::JoinHandle<()>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let serving = thread::spawn(move || {
        for _ in 0..2 {
            listener.accept().unwrap().0.write_all(name).unwrap();
        }
    });
    (address, serving)
}

#[test]
fn connections_go_to_each_target_in_turn_and_past_one_that_is_away() {
    let ((a, serving_a), (b, serving_b)) = (named(b"a"), named(b"b"));
    let proxy = TcpProxy::round_robin([a.as_str(), b.as_str()]);
    let ask = || {
        let mut said = String::new();
        client(&proxy).read_to_string(&mut said).unwrap();
        said
    };
    assert_eq!([ask(), ask(), ask()], ["a", "b", "a"]);
    serving_a.join().unwrap(); // it listens no more
    assert_eq!([ask(), ask()], ["b", ""]);
    serving_b.join().unwrap();
}
