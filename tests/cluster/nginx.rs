//! Debian's nginx with the configuration of `deploy/nginx`: as it stands there, but for ports, paths and
//! the nodes' addresses.

use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::tls::Certificate;

/// The names that the committed configuration serves.
pub(crate) const NAMES: [&str; 3] = [
    "login.example.org",
    "store.example.org",
    "publisher.example.org",
];

/// What is in front of what.
pub(crate) struct Topology {
    pub(crate) http: u16,
    pub(crate) https: u16,
    /// Two nodes each: identity provider, store, publisher.
    pub(crate) nodes: [[SocketAddr; 2]; 3],
}

/// The folder of `deploy/`.
pub(crate) fn deploy() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy")
}

/// Lays nginx's files out in a folder of the test, with certificates made for them.
pub(crate) fn lay_out(folder: &Path, topology: &Topology) -> [Certificate; 3] {
    let own = folder.display().to_string();
    let tls = folder.join("tls");
    std::fs::create_dir_all(&tls).unwrap();
    let certificates = NAMES.map(|name| {
        let certificate = Certificate::of(&[name], 30);
        let file = |end: &str| tls.join(format!("{name}.{end}"));
        certificate.put(&file("pem"), &file("key"));
        certificate
    });
    let mut main = std::fs::read_to_string(deploy().join("nginx/nginx.conf")).unwrap();
    for (committed, here) in [
        ("/etc/nginx/tls/", format!("{own}/tls/")),
        ("/etc/nginx/doorward/", format!("{own}/doorward/")),
        ("/var/log/nginx/", format!("{own}/")),
        ("/run/nginx.pid", format!("{own}/nginx.pid")),
        ("listen 80", format!("listen 127.0.0.1:{}", topology.http)),
        ("listen 443", format!("listen 127.0.0.1:{}", topology.https)),
        // Where bodies wait; the package's own folder is another user's.
        ("\nhttp {", format!("\nhttp {{\n{}", temporary(&own))),
    ] {
        assert!(main.contains(committed), "nginx.conf without {committed:?}");
        main = main.replace(committed, &here);
    }
    std::fs::write(folder.join("nginx.conf"), main).unwrap();
    let included = folder.join("doorward");
    std::fs::create_dir_all(&included).unwrap();
    for entry in std::fs::read_dir(deploy().join("nginx/doorward")).unwrap() {
        let path = entry.unwrap().path();
        let mut text = std::fs::read_to_string(&path).unwrap();
        text = text.replace("/etc/nginx/doorward", &included.display().to_string());
        if path.ends_with("upstreams.conf") {
            text = with_nodes(&text, topology);
        }
        std::fs::write(included.join(path.file_name().unwrap()), text).unwrap();
    }
    certificates
}

fn with_nodes(committed: &str, topology: &Topology) -> String {
    let mut text = committed.to_owned();
    for (kind, nodes) in topology.nodes.iter().enumerate() {
        for (number, node) in nodes.iter().enumerate() {
            let named = format!("server 10.0.0.{}{}:8080 ", kind + 1, number + 1);
            assert_eq!(
                text.matches(&named).count(),
                1,
                "{named:?} in upstreams.conf"
            );
            text = text.replace(&named, &format!("server {node} "));
        }
    }
    text
}

fn temporary(own: &str) -> String {
    let kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let lines = kinds.map(|kind| format!("    {kind}_temp_path {own}/waiting-{kind};\n"));
    lines.concat()
}

/// nginx on those files, in the foreground, ours alone.
pub(crate) fn command(folder: &Path) -> Command {
    let installed = ["/usr/sbin/nginx", "/usr/local/sbin/nginx", "/usr/bin/nginx"];
    let program = installed.iter().find(|path| Path::new(path).exists());
    let program = program.expect("nginx is not installed: run `make setup`");
    let mut command = Command::new(program);
    command
        .arg("-c")
        .arg(folder.join("nginx.conf"))
        .arg("-p")
        .arg(folder);
    // The test's folder is its owner's; under root nginx would change to another user.
    let is_root = std::fs::metadata("/proc/self").unwrap().uid() == 0;
    let user = if is_root { " user root;" } else { "" };
    command.args(["-g", &format!("daemon off;{user}")]);
    command
}
