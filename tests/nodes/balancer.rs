//! What stands in front of several nodes: it hands each connection to one of them, without looking
//! into it and without remembering whom it gave the last one of a browser to.

use std::io;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Where the next connection goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// To each node in turn.
    InTurn,
    /// To this node alone.
    To(usize),
}

/// A balancer on a port of its own; it ends with this value.
pub(crate) struct Balancer {
    /// What browsers and service providers see.
    pub(crate) url: String,
    shared: Arc<Shared>,
}

struct Shared {
    ports: Vec<u16>,
    next: AtomicUsize,
    /// A node, or as many as there are for all in turn.
    only: AtomicUsize,
    over: AtomicBool,
}

impl Balancer {
    pub(crate) fn before(ports: Vec<u16>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let shared = Arc::new(Shared {
            next: AtomicUsize::new(0),
            only: AtomicUsize::new(ports.len()),
            over: AtomicBool::new(false),
            ports,
        });
        let accepting = Arc::clone(&shared);
        std::thread::spawn(move || {
            for connection in listener.incoming().map_while(Result::ok) {
                if accepting.over.load(Ordering::SeqCst) {
                    return;
                }
                let port = accepting.choose();
                std::thread::spawn(move || carry(connection, port));
            }
        });
        Self {
            url: format!("http://127.0.0.1:{port}"),
            shared,
        }
    }

    pub(crate) fn send(&self, way: Way) {
        let only = match way {
            Way::InTurn => self.shared.ports.len(),
            Way::To(node) => node,
        };
        self.shared.only.store(only, Ordering::SeqCst);
    }
}

impl Shared {
    fn choose(&self) -> u16 {
        let only = self.only.load(Ordering::SeqCst);
        let in_turn = || self.next.fetch_add(1, Ordering::SeqCst) % self.ports.len();
        self.ports
            .get(only)
            .copied()
            .unwrap_or_else(|| self.ports[in_turn()])
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::SeqCst);
        // Wakes the thread that waits for the next connection.
        let address = self.url.trim_start_matches("http://");
        drop(TcpStream::connect(address));
    }
}

/// Both directions, until both have ended. A node that is gone is an end of the connection.
fn carry(browser: TcpStream, port: u16) {
    let Ok(node) = TcpStream::connect(("127.0.0.1", port)) else {
        return;
    };
    let (Ok(browser_too), Ok(node_too)) = (browser.try_clone(), node.try_clone()) else {
        return;
    };
    let up = std::thread::spawn(move || pour(browser_too, node_too));
    pour(node, browser);
    // It ends when the browser has closed its side.
    drop(up);
}

fn pour(mut from: TcpStream, mut to: TcpStream) {
    // An end that is no clean one is an end all the same, and the other side sees it.
    let _ = io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Write);
}
