//! Where `doorward sp trace` asks: a socket in `keys_dir`, for the same user of the same machine.
//!
//! One line comes in (`{"entity_id": …, "after": …}`), one document goes out. Several processes have
//! a socket each.

use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::UnixStream as Probe;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};

use super::super::App;

/// How long one question may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// The longest question.
const QUESTION: u64 = 4 * 1024;

/// The socket of this process; its file goes away with it.
#[derive(Debug)]
pub struct TraceSocket {
    listener: UnixListener,
    path: PathBuf,
    owner: u32,
}

/// What is asked.
#[derive(Debug, Deserialize)]
struct Question {
    entity_id: Option<String>,
    after: u64,
}

/// The sockets of running processes in this folder, those of processes that died among them.
///
/// # Errors
/// The folder cannot be read.
pub fn sockets(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_stem().and_then(|name| name.to_str());
        let is_socket = path.extension().is_some_and(|end| end == "sock");
        if is_socket && name.is_some_and(|name| name.starts_with("trace-")) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

impl TraceSocket {
    /// Makes the socket (0600), and removes those of processes that died.
    ///
    /// # Errors
    /// The folder cannot be written, or its path is too long for a socket.
    pub fn open(folder: &Path) -> io::Result<Self> {
        for path in sockets(folder)? {
            let answers = Probe::connect(&path);
            if answers.is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused) {
                std::fs::remove_file(&path)?;
            }
        }
        let path = folder.join(format!("trace-{}.sock", std::process::id()));
        let listener = UnixListener::bind(&path)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
        let owner = std::fs::metadata(&path)?.uid();
        Ok(Self {
            listener,
            path,
            owner,
        })
    }

    /// Answers until the process ends.
    pub async fn serve(self, app: App) {
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) if self.is_welcome(&stream) => {
                    let app = app.clone();
                    tokio::spawn(async move {
                        // Who goes away in the middle has read enough.
                        let _ = tokio::time::timeout(PATIENCE, answer(&app, stream)).await;
                    });
                }
                Ok(_) => tracing::warn!("somebody else's user asked for traces"),
                Err(error) => {
                    tracing::warn!(%error, "cannot take a question for traces");
                    tokio::time::sleep(PATIENCE).await;
                }
            }
        }
    }

    /// Our own user, or root: also where the folder is open to others.
    fn is_welcome(&self, stream: &UnixStream) -> bool {
        let peer = stream.peer_cred().map(|credentials| credentials.uid());
        peer.is_ok_and(|uid| uid == self.owner || uid == 0)
    }
}

impl Drop for TraceSocket {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.path) {
            tracing::debug!(%error, "the socket for traces was gone already");
        }
    }
}

async fn answer(app: &App, stream: UnixStream) -> io::Result<()> {
    let (reader, mut writer) = stream.into_split();
    let mut line = String::new();
    BufReader::new(reader.take(QUESTION))
        .read_line(&mut line)
        .await?;
    let question: Question = serde_json::from_str(&line)?;
    let entries = app
        .traces
        .after(question.after, question.entity_id.as_deref());
    let messages: Vec<_> = entries.iter().map(|entry| entry.document()).collect();
    let document = json!({"process": std::process::id(), "messages": messages}).to_string();
    writer.write_all(document.as_bytes()).await?;
    writer.shutdown().await
}
