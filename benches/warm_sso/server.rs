//! The product as a process of its own: the release binary with a folder and a port of its own.

use std::io::{Result, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use doorward::authn::password::{Cost, PasswordError, Passwords};
use tempfile::TempDir;

use super::http::{Connection, odd};
use super::person::{ACS, ENTITY_ID, PASSWORD, Person};
use super::process::{CpuTime, Process};

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
    /// How many people are imported, each with three roles and a password.
    pub(crate) crowd: usize,
    /// Whether a password is hashed as cheaply as argon2 goes.
    pub(crate) cheap_passwords: bool,
}

/// A folder with an existing database, and the process that serves it.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    /// What bringing in the crowd cost, where there is one.
    pub(crate) import: Option<Run>,
    folder: TempDir,
    child: Child,
}

/// What a command took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run {
    pub(crate) wall: Duration,
    pub(crate) cpu: Duration,
    /// Resident memory at its highest, in KiB.
    pub(crate) peak: u64,
}

impl Server {
    /// Makes a database with one app and so many people, and starts.
    pub(crate) async fn start(settings: Settings, people: usize) -> Result<Self> {
        Self::start_on(settings, people, None).await
    }

    /// The same on an empty database of some address; without one, in a file.
    pub(crate) async fn start_on(
        settings: Settings,
        people: usize,
        database_url: Option<&str>,
    ) -> Result<Self> {
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
        let database = database_url.map(|url| format!("database_url = \"{url}\"\n"));
        let database = database.unwrap_or_default();
        let config = format!(
            "base_url = \"http://{address}\"\nlisten = \"{address}\"\nthrottle = \"off\"\n\
             signing_algorithm = \"{signing_algorithm}\"\ndurability = \"{durability}\"\n{hashing}{database}"
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
        let mut import = None;
        if crowd > 0 {
            let file = folder.path().join("crowd.csv");
            write_crowd(&file, crowd, &cheapest_hash().await?)?;
            let file = file.to_string_lossy();
            import = Some(command(folder.path(), &["import", "users", &file], "")?);
        }
        fill(folder.path(), others, people)?;
        let child = spawn(folder.path())?;
        let server = Self {
            address,
            import,
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

    /// Signs in one of the crowd.
    pub(crate) async fn sign_in_from_crowd(&self, number: usize) -> Result<Person> {
        Person::sign_in(self.address, &crowd_name(number)).await
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

/// Registers the others and adds those who sign in.
fn fill(folder: &Path, others: u32, people: usize) -> Result<()> {
    if others > 0 {
        let file = folder.join("others.xml");
        std::fs::write(&file, metadata_of(others).map_err(std::io::Error::other)?)?;
        let file = file.to_string_lossy();
        let add = ["metadata", "add", &file, "--require-role", "staff"];
        command(folder, &add, "")?;
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

/// The password, hashed as cheaply as argon2 goes.
async fn cheapest_hash() -> Result<String> {
    let cost = Cost {
        memory_kib: 8,
        iterations: 1,
        parallelism: 1,
    };
    let wrong = |error: PasswordError| odd(error.to_string());
    let passwords = Passwords::new(cost).map_err(wrong)?;
    passwords.hash(PASSWORD, "").await.map_err(wrong)
}

/// A file of so many people, in no order of their names, who all have the one password.
fn write_crowd(file: &Path, count: usize, hash: &str) -> Result<()> {
    let mut text = std::io::BufWriter::new(std::fs::File::create(file)?);
    writeln!(text, "name,email,display_name,roles,password_hash")?;
    for number in 0..count {
        let mixed = number.wrapping_mul(7_919) % count.max(1);
        let name = crowd_name(mixed);
        writeln!(
            text,
            "{name},{name}@example.org,Person {mixed},staff;team-{};region-{},\"{hash}\"",
            mixed % 50,
            mixed % 10
        )?;
    }
    text.flush()
}

fn crowd_name(number: usize) -> String {
    format!("crowd{number:07}")
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

fn command(folder: &Path, arguments: &[&str], stdin: &str) -> Result<Run> {
    let began = Instant::now();
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
    let process = Process::of(child.id());
    let (output, (cpu, peak)) = std::thread::scope(|scope| {
        let watched = scope.spawn(|| watch(&process));
        (child.wait_with_output(), watched.join().unwrap_or_default())
    });
    let (output, wall) = (output?, began.elapsed());
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.success() {
        Ok(Run { wall, cpu, peak })
    } else {
        Err(odd(format!("{arguments:?}: {said}")))
    }
}

/// What a process had used when it was last seen alive, a moment before its end.
fn watch(process: &Process) -> (Duration, u64) {
    let (start, mut seen) = (CpuTime::default(), (Duration::ZERO, 0));
    while let (Ok(cpu), Ok(memory)) = (process.cpu_time(), process.memory()) {
        seen = (cpu.since(&start), memory.peak);
        std::thread::sleep(Duration::from_millis(20));
    }
    seen
}

fn free_address() -> Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}
