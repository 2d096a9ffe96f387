//! The product as a process of its own: the release binary with a folder and a port of its own.

use std::io::{Result, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::http::{Connection, odd};
use super::person::{ACS, ENTITY_ID, PASSWORD, Person};
use super::process::Process;

/// How long a start may take before it counts as none.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a server is measured with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    pub(crate) signing_algorithm: &'static str,
    pub(crate) sign: &'static str,
    pub(crate) durability: &'static str,
    /// How many service providers are registered beside the one that is signed in to.
    pub(crate) others: u32,
    /// How many people are imported beside those who sign in, each with three roles.
    pub(crate) crowd: usize,
    /// Whether a password is hashed as cheaply as argon2 goes.
    pub(crate) cheap_passwords: bool,
}

/// A folder with an existing database, and the process that serves it.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    folder: TempDir,
    child: Child,
}

impl Server {
    /// Makes a database with one app and so many people, and starts.
    pub(crate) async fn start(settings: Settings, people: usize) -> Result<Self> {
        // Not in /tmp, which may be memory: there a commit would cost nothing.
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
        let address = free_address()?;
        let Settings {
            signing_algorithm,
            sign,
            durability,
            others,
            crowd,
            cheap_passwords,
        } = settings;
        let hashing = if cheap_passwords {
            "argon2.memory_kib = 8\nargon2.iterations = 1\n"
        } else {
            ""
        };
        let config = format!(
            "base_url = \"http://{address}\"\nlisten = \"{address}\"\nthrottle = \"off\"\n\
             signing_algorithm = \"{signing_algorithm}\"\ndurability = \"{durability}\"\n{hashing}"
        );
        std::fs::write(config_in(folder.path()), config)?;
        let app = [
            "sp",
            "add",
            "--name",
            "app",
            "--entity-id",
            ENTITY_ID,
            "--acs",
            ACS,
        ];
        let policy = ["--require-role", "staff", "--sign", sign, "--allow-http"];
        command(folder.path(), &[&app[..], &policy[..]].concat(), "")?;
        fill(folder.path(), (others, crowd), people)?;
        let child = spawn(folder.path())?;
        let server = Self {
            address,
            folder,
            child,
        };
        server.await_answer(Instant::now() + PATIENCE).await?;
        Ok(server)
    }

    /// Signs in so many people, each on a connection of their own.
    pub(crate) async fn sign_in(&self, people: usize) -> Result<Vec<Person>> {
        let mut signed_in = Vec::new();
        for number in 0..people {
            signed_in.push(Person::sign_in(self.address, &name(number)).await?);
        }
        Ok(signed_in)
    }

    /// Stops it, starts it again on the same database, and says how long it took from the start
    /// of the process until a person who was signed in had the first Response in hand.
    pub(crate) async fn restart(&mut self, person: &Person) -> Result<Duration> {
        self.stop()?;
        let request = person.requests(1).concat();
        let began = Instant::now();
        self.child = spawn(self.folder.path())?;
        self.await_answer(began + PATIENCE).await?;
        let mut person = person.again(self.address).await?;
        person.send(&request).await?;
        Ok(began.elapsed())
    }

    /// What the kernel says about the process.
    pub(crate) fn process(&self) -> Process {
        Process::of(self.child.id())
    }

    async fn await_answer(&self, until: Instant) -> Result<()> {
        let request = format!("GET /readyz HTTP/1.1\r\nHost: {}\r\n\r\n", self.address);
        while Instant::now() < until {
            if let Ok(mut connection) = Connection::open(self.address).await
                && connection.exchange(request.as_bytes()).await?.status == 200
            {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let log = std::fs::read_to_string(log_in(self.folder.path()))?;
        Err(odd(format!("the server does not answer; it says:\n{log}")))
    }

    fn stop(&mut self) -> Result<()> {
        let id = self.child.id().to_string();
        Command::new("kill").args(["-TERM", &id]).status()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The folder goes with it; there is nobody left to tell.
        let _ = self.stop();
    }
}

/// The metadata of so many service providers, as a federation hands it out.
fn metadata_of(count: u32) -> std::result::Result<String, std::fmt::Error> {
    use std::fmt::Write as _;
    let mut text = "<EntitiesDescriptor xmlns=\"urn:oasis:names:tc:SAML:2.0:metadata\">".to_owned();
    for number in 0..count {
        write!(
            text,
            "<EntityDescriptor entityID=\"https://sp{number}.example.org/saml/metadata\">\
             <SPSSODescriptor protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\">\
             <AssertionConsumerService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" \
             Location=\"https://sp{number}.example.org/saml/acs\" index=\"0\"/>\
             </SPSSODescriptor></EntityDescriptor>"
        )?;
    }
    text.push_str("</EntitiesDescriptor>");
    Ok(text)
}

/// Registers the others, imports the crowd, and adds those who sign in.
fn fill(folder: &Path, (others, crowd): (u32, usize), people: usize) -> Result<()> {
    if others > 0 {
        let file = folder.join("others.xml");
        std::fs::write(&file, metadata_of(others).map_err(std::io::Error::other)?)?;
        let file = file.to_string_lossy();
        let add = ["metadata", "add", &file, "--require-role", "staff"];
        command(folder, &add, "")?;
    }
    if crowd > 0 {
        let file = folder.join("crowd.csv");
        write_crowd(&file, crowd)?;
        let file = file.to_string_lossy();
        command(folder, &["import", "users", &file], "")?;
    }
    for number in 0..people {
        let (name, mail) = (name(number), format!("{}@example.org", name(number)));
        let arguments = [
            "user",
            "add",
            &name,
            "--email",
            &mail,
            "--display-name",
            "Ada Byron",
        ];
        let role = ["--role", "staff", "--password-stdin"];
        command(folder, &[&arguments[..], &role[..]].concat(), PASSWORD)?;
    }
    Ok(())
}

/// A file of so many people, in no order of their names.
fn write_crowd(file: &Path, count: usize) -> Result<()> {
    let mut text = std::io::BufWriter::new(std::fs::File::create(file)?);
    writeln!(text, "name,email,display_name,roles")?;
    for number in 0..count {
        let mixed = number.wrapping_mul(7_919) % count.max(1);
        writeln!(
            text,
            "crowd{mixed:07},crowd{mixed:07}@example.org,Person {mixed},staff;team-{};region-{}",
            mixed % 50,
            mixed % 10
        )?;
    }
    text.flush()
}

fn name(number: usize) -> String {
    format!("person{number}")
}

fn config_in(folder: &Path) -> PathBuf {
    folder.join("doorward.toml")
}

fn log_in(folder: &Path) -> PathBuf {
    folder.join("doorward.log")
}

/// The binary, with none of the caller's settings.
fn doorward(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_doorward"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("DOORWARD_")) {
        command.env_remove(name);
    }
    command.arg("--config").arg(config_in(folder));
    command
}

fn spawn(folder: &Path) -> Result<Child> {
    let log = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(log_in(folder))?;
    doorward(folder)
        .arg("serve")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
}

fn command(folder: &Path, arguments: &[&str], stdin: &str) -> Result<()> {
    let mut child = doorward(folder)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    if let Some(mut pipe) = child.stdin.take() {
        // A command that reads nothing may have ended already.
        let _ = writeln!(pipe, "{stdin}");
    }
    let output = child.wait_with_output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.success() {
        Ok(())
    } else {
        Err(odd(format!("{arguments:?}: {said}")))
    }
}

fn free_address() -> Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}
