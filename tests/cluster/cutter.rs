//! A wire between a node and its database that can be cut at the worst moment: when a COMMIT has gone to
//! the server and its answer has not come back.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream, ToSocketAddrs as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

#[derive(Debug, Default)]
struct State {
    is_armed: AtomicBool,
    cut: AtomicUsize,
    is_over: AtomicBool,
}

/// It listens on loopback and hands on, until it is dropped.
pub(crate) struct Cutter {
    url: String,
    here: SocketAddr,
    state: Arc<State>,
    listening: Option<JoinHandle<()>>,
}

impl Cutter {
    /// Between whoever connects to [`Cutter::url`] and the database at this address.
    pub(crate) fn start(database_url: &str) -> Self {
        let mut url = url::Url::parse(database_url).unwrap();
        let there = (url.host_str().unwrap(), url.port().unwrap());
        let there = there.to_socket_addrs().unwrap().next().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let here = listener.local_addr().unwrap();
        url.set_port(Some(here.port())).unwrap();
        let state = Arc::new(State::default());
        let ours = Arc::clone(&state);
        let listening = std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if ours.is_over.load(Ordering::Relaxed) {
                    return;
                }
                match TcpStream::connect(there) {
                    Ok(server) => hand_on(&client, &server, &ours),
                    Err(error) => eprintln!("the cutter finds no database: {error}"),
                }
            }
        });
        Self {
            url: url.to_string(),
            here,
            state,
            listening: Some(listening),
        }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The next COMMIT will be carried out, and nobody will hear of it.
    pub(crate) fn cut_next_commit(&self) {
        self.state.is_armed.store(true, Ordering::SeqCst);
    }

    pub(crate) fn leave_alone(&self) {
        self.state.is_armed.store(false, Ordering::SeqCst);
    }

    /// How many it was.
    pub(crate) fn cut(&self) -> usize {
        self.state.cut.load(Ordering::SeqCst)
    }
}

impl Drop for Cutter {
    fn drop(&mut self) {
        self.state.is_over.store(true, Ordering::Relaxed);
        // Wakes the listener, which then sees that it is over.
        drop(TcpStream::connect(self.here));
        if let Some(listening) = self.listening.take() {
            let _ = listening.join();
        }
    }
}

/// Both directions of one connection, each on a thread that ends with it.
fn hand_on(client: &TcpStream, server: &TcpStream, state: &Arc<State>) {
    for stream in [client, server] {
        stream.set_nodelay(true).unwrap();
    }
    let pair = || (client.try_clone().unwrap(), server.try_clone().unwrap());
    let ((from, to), state) = (pair(), Arc::clone(state));
    std::thread::spawn(move || client_to_server(from, to, &state));
    let (to, from) = pair();
    std::thread::spawn(move || server_to_client(from, to));
}

fn client_to_server(mut client: TcpStream, mut server: TcpStream, state: &State) {
    let mut piece = [0; 16 * 1024];
    while let Ok(count) = client.read(&mut piece) {
        let said = &piece[..count];
        let commits = said
            .windows(6)
            .any(|word| word.eq_ignore_ascii_case(b"commit"));
        if commits && state.is_armed.swap(false, Ordering::SeqCst) {
            state.cut.fetch_add(1, Ordering::SeqCst);
            // The client hears nothing more; the server gets it, and time to carry it out.
            let _ = client.shutdown(Shutdown::Both);
            let _ = server.write_all(said);
            std::thread::sleep(Duration::from_millis(200));
            break;
        }
        if count == 0 || server.write_all(said).is_err() {
            break;
        }
    }
    let _ = client.shutdown(Shutdown::Both);
    let _ = server.shutdown(Shutdown::Both);
}

fn server_to_client(mut server: TcpStream, mut client: TcpStream) {
    let mut piece = [0; 16 * 1024];
    while let Ok(count) = server.read(&mut piece) {
        if count == 0 || client.write_all(&piece[..count]).is_err() {
            break;
        }
    }
    let _ = client.shutdown(Shutdown::Both);
    let _ = server.shutdown(Shutdown::Both);
}
