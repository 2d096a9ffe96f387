//! An application with a service provider that is neither ours nor Rust, as processes of its own
//! with its own folder and port, configured by what `doorward sp snippet` prints.

use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde::Deserialize;
use tempfile::TempDir;

use crate::servers;
use crate::support::app::{Product, free_ports};
use crate::support::oracle::python;
use crate::support::sp::Sp;

/// How long a start may take on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// A product that plays the service provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Python3Saml,
    Pysaml2,
    NodeSaml,
    Samlify,
    Mellon,
    Shibboleth,
    SimpleSamlPhp,
}

/// Where a product has what a browser visits, below the address of the application.
pub(crate) struct Paths {
    pub(crate) metadata: &'static str,
    pub(crate) acs: &'static str,
    /// Begins a sign-in that ends at `who`; `{base}` is the address of the application.
    pub(crate) login: &'static str,
    /// What is added to `login` so that the person is asked anew; nothing where it cannot.
    pub(crate) forced: Option<&'static str>,
    /// What is added to `login` so that nothing is asked; nothing where it cannot.
    pub(crate) passive: Option<&'static str>,
    /// Begins a single logout that ends at `who`; `{base}` is the address of the application.
    pub(crate) logout: &'static str,
    /// Where its own code takes logout messages, if not by itself.
    pub(crate) slo: Option<&'static str>,
    /// Who is signed in, as JSON.
    pub(crate) who: &'static str,
}

/// The application.
pub(crate) struct Site {
    pub(crate) kind: Kind,
    /// Its address: another site than the identity provider's.
    pub(crate) base: String,
    pub(crate) entity_id: String,
    pub(crate) keys: Sp,
    pub(crate) port: u16,
    folder: TempDir,
    processes: Vec<Child>,
}

/// A file of a snippet, as `sp snippet --json` gives it.
#[derive(Deserialize)]
struct File {
    name: String,
    content: String,
}

#[derive(Deserialize)]
struct Snippet {
    files: Vec<File>,
}

const SCRIPT: Paths = Paths {
    metadata: "/metadata",
    acs: "/acs",
    login: "/login?",
    forced: Some("force=1"),
    passive: Some("passive=1"),
    logout: "/logout",
    slo: Some("/slo"),
    who: "/",
};

impl Kind {
    pub(crate) const ALL: [Self; 7] = [
        Self::Python3Saml,
        Self::Pysaml2,
        Self::NodeSaml,
        Self::Samlify,
        Self::Mellon,
        Self::Shibboleth,
        Self::SimpleSamlPhp,
    ];

    /// As `sp snippet --for` calls it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Python3Saml => "python3-saml",
            Self::Pysaml2 => "pysaml2",
            Self::NodeSaml => "node-saml",
            Self::Samlify => "samlify",
            Self::Mellon => "mellon",
            Self::Shibboleth => "shibboleth",
            Self::SimpleSamlPhp => "simplesamlphp",
        }
    }

    pub(crate) fn paths(self) -> Paths {
        match self {
            Self::Samlify => Paths {
                passive: None,
                ..SCRIPT
            },
            Self::Python3Saml | Self::Pysaml2 | Self::NodeSaml => SCRIPT,
            Self::Mellon => servers::MELLON,
            Self::Shibboleth => servers::SHIBBOLETH,
            Self::SimpleSamlPhp => servers::SIMPLESAMLPHP,
        }
    }

    /// Whether it can send its AuthnRequests by HTTP-POST.
    pub(crate) fn posts(self) -> bool {
        self != Self::Python3Saml
    }

    /// Whether it can send AuthnRequests that are not signed.
    pub(crate) fn leaves_unsigned(self) -> bool {
        self != Self::Mellon
    }

    /// What has to be there for it and is not.
    pub(crate) fn missing(self) -> Option<String> {
        let wanted = match self {
            // Their Python is that of the oracle, without which no test runs at all.
            Self::Python3Saml | Self::Pysaml2 => vec![],
            Self::NodeSaml => vec![modules().join("@node-saml/node-saml")],
            Self::Samlify => vec![modules().join("samlify")],
            Self::Mellon => servers::files(&["mod_auth_mellon.so"]),
            Self::Shibboleth => servers::files(&["mod_shib.so", "/usr/sbin/shibd"]),
            Self::SimpleSamlPhp => servers::files(&["/usr/bin/php", servers::SIMPLESAMLPHP_CODE]),
        };
        let missing = wanted.iter().find(|file| !file.exists())?;
        Some(format!(
            "no {}: run `scripts/setup.sh test`",
            missing.display()
        ))
    }
}

/// The npm packages that `scripts/setup.sh test` installs.
fn modules() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(".tools/node/node_modules")
}

pub(crate) fn app(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/interop/apps")
        .join(name)
}

impl Site {
    pub(crate) fn new(kind: Kind) -> Self {
        let port = free_ports(1);
        let base = format!("http://localhost:{port}");
        let entity_id = format!("https://{}.sp.example/saml", kind.word());
        let folder = tempfile::tempdir().expect("a temporary folder");
        // Web servers that were started by root read it as somebody else.
        let readable = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(folder.path(), readable).expect("it is our folder");
        Self {
            keys: Sp::new(&entity_id, &format!("{base}{}", kind.paths().acs)),
            kind,
            base,
            entity_id,
            port,
            folder,
            processes: Vec::new(),
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{}", self.base, path.replace("{base}", &self.base))
    }

    /// Configures it by the snippet and the metadata that the product gives out now, and starts it
    /// anew.
    pub(crate) async fn restart(&mut self, product: &Product, binding: &str) {
        self.stop();
        let arguments = ["sp", "snippet", "app", "--for", self.kind.word()];
        let printed =
            product.cli_list(&[&arguments[..], &["--request-binding", binding, "--json"]].concat());
        let snippet: Snippet = serde_json::from_str(&printed).expect("a snippet in JSON");
        let folder = match self.kind {
            Kind::Shibboleth => servers::SHIBBOLETH_FOLDER,
            _ => ".",
        };
        for file in &snippet.files {
            self.write(&format!("{folder}/{}", file.name), &file.content);
        }
        let metadata = reqwest::get(product.idp("/saml/metadata")).await;
        let metadata = metadata.expect("metadata").text().await;
        let metadata = metadata.expect("it is text");
        let metadata = match self.kind {
            Kind::Mellon if binding == "post" => servers::without_redirect(&metadata),
            _ => metadata,
        };
        self.write("doorward-metadata.xml", &metadata);
        self.write(&format!("{folder}/sp-key.pem"), &self.keys.key_pem());
        self.write(
            &format!("{folder}/sp-cert.pem"),
            &self.keys.certificate_pem(),
        );
        self.start();
        self.await_ready().await;
    }

    fn start(&mut self) {
        match self.kind {
            Kind::Mellon => servers::start_mellon(self),
            Kind::Shibboleth => servers::start_shibboleth(self),
            Kind::SimpleSamlPhp => servers::start_simplesamlphp(self),
            _ => self.start_script(),
        }
    }

    fn start_script(&mut self) {
        let port = self.port.to_string();
        let mut command = match self.kind {
            Kind::Python3Saml | Kind::Pysaml2 => {
                self.write("certs/sp.key", &self.keys.key_pem());
                self.write("certs/sp.crt", &self.keys.certificate_pem());
                let mut command = Command::new(python());
                command.arg(app("app.py"));
                command
            }
            _ => {
                let mut command = Command::new("node");
                command.env("NODE_PATH", modules()).arg(app("app.cjs"));
                command
            }
        };
        command.args([self.kind.word(), &port]);
        self.spawn(command);
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn spawn(&mut self, mut command: Command) {
        let log = self.folder.path().join("log");
        let log = std::fs::File::options().create(true).append(true).open(log);
        let log = log.expect("the temporary folder can be written");
        let process = command
            .current_dir(self.folder.path())
            // Its own children end with it.
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a file"))
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| panic!("{} does not start: {error}", self.kind.word()));
        self.processes.push(process);
    }

    async fn await_ready(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            for process in &mut self.processes {
                if let Some(status) = process.try_wait().expect("our own child") {
                    panic!("{} ended with {status}: {}", self.kind.word(), self.said());
                }
            }
            let answer = reqwest::get(self.url(self.kind.paths().who)).await;
            if answer.is_ok_and(|answer| answer.status() != 503) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("{} is not ready in time: {}", self.kind.word(), self.said());
    }

    /// The end of what its processes wrote.
    pub(crate) fn said(&self) -> String {
        let text = std::fs::read(self.folder.path().join("log")).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<_> = text.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }

    pub(crate) fn write(&self, name: &str, content: &str) {
        let path = self.folder.path().join(name);
        let parent = path.parent().expect("it is in the folder");
        std::fs::create_dir_all(parent).expect("the temporary folder can be written");
        std::fs::write(path, content).expect("the temporary folder can be written");
    }

    fn stop(&mut self) {
        for mut process in self.processes.drain(..) {
            let group = format!("-{}", process.id());
            let _ = Command::new("kill").args(["-TERM", "--", &group]).status();
            let deadline = Instant::now() + Duration::from_secs(5);
            while matches!(process.try_wait(), Ok(None)) && Instant::now() < deadline {
                std::thread::sleep(Duration::from_millis(5));
            }
            let mut kill = Command::new("kill");
            // What of the group is left.
            let kill = kill.args(["-KILL", "--", &group]).stderr(Stdio::null());
            let _ = kill.status();
            let _ = process.wait();
        }
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.stop();
    }
}
