//! Service providers that are servers: Apache's modules and a PHP application, out of Debian's packages
//! but in folders and on ports of our own. What is written here is what an installation has anyway;
//! what concerns Doorward comes from the snippet.

use std::fmt::Write as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::site::{Paths, Site, app};

const MODULES: &str = "/usr/lib/apache2/modules";
pub(crate) const SIMPLESAMLPHP_CODE: &str = "/usr/share/simplesamlphp/lib/_autoload.php";

pub(crate) const MELLON: Paths = Paths {
    metadata: "/mellon/metadata",
    acs: "/mellon/postResponse",
    login: "/mellon/login?ReturnTo={base}/who",
    forced: None,
    passive: Some("&IsPassive=true"),
    logout: "/mellon/logout?ReturnTo={base}/who",
    slo: None,
    who: "/who",
};

pub(crate) const SHIBBOLETH: Paths = Paths {
    metadata: "/Shibboleth.sso/Metadata",
    acs: "/Shibboleth.sso/SAML2/POST",
    login: "/Shibboleth.sso/Login?target={base}/who",
    forced: Some("&forceAuthn=true"),
    passive: Some("&isPassive=true"),
    logout: "/Shibboleth.sso/Logout?return={base}/who",
    slo: None,
    who: "/who",
};

pub(crate) const SIMPLESAMLPHP: Paths = Paths {
    metadata: "/simplesaml/module.php/saml/sp/metadata.php/default-sp",
    acs: "/simplesaml/module.php/saml/sp/saml2-acs.php/default-sp",
    login: "/who.php?login=1",
    forced: Some("&force=1"),
    passive: Some("&passive=1"),
    logout: "/who.php?logout=1",
    slo: None,
    who: "/who.php",
};

/// What Shibboleth appends to each folder that it is given.
pub(crate) const SHIBBOLETH_FOLDER: &str = "shibboleth";

/// Files that an installation has: modules of Apache, or whole paths.
pub(crate) fn files(names: &[&str]) -> Vec<PathBuf> {
    names
        .iter()
        .map(|name| Path::new(MODULES).join(name))
        .collect()
}

/// Our metadata without the endpoint by HTTP-Redirect, for who takes the first one that it finds.
pub(crate) fn without_redirect(metadata: &str) -> String {
    let start = metadata
        .find("<md:SingleSignOnService")
        .expect("an endpoint");
    let end = metadata[start + 1..]
        .find("<md:SingleSignOnService")
        .expect("another one");
    let (before, after) = (&metadata[..start], &metadata[start + 1 + end..]);
    assert!(metadata[start..start + 1 + end].contains("HTTP-Redirect"));
    format!("{before}{after}")
}

pub(crate) fn start_mellon(site: &mut Site) {
    let folder = site.path().display().to_string();
    let lock = format!("MellonLockFile \"{folder}/mellon.lock\"");
    let files = format!("Define DOORWARD_FILES \"{folder}\"");
    let lines = [lock.as_str(), &files, "Include mellon.conf"];
    start_apache(site, "auth_mellon_module", "mod_auth_mellon.so", &lines);
}

pub(crate) fn start_shibboleth(site: &mut Site) {
    let folder = site.path().join(SHIBBOLETH_FOLDER);
    // What is beside the snippet's files is what the package installs: policies, and its pages.
    for file in std::fs::read_dir("/etc/shibboleth").expect("the package is installed") {
        let file = file.expect("a file").path();
        let own = folder.join(file.file_name().expect("it has a name"));
        if !own.exists() {
            link(&file, &own);
        }
    }
    let logging_to = |file: &Path| {
        format!(
            "log4j.rootCategory=WARN, out\n\
             log4j.appender.out=org.apache.log4j.FileAppender\n\
             log4j.appender.out.fileName={}\n\
             log4j.appender.out.layout=org.apache.log4j.PatternLayout\n\
             log4j.appender.out.layout.ConversionPattern=%d %p %c: %m%n\n",
            file.display()
        )
    };
    let log = logging_to(&site.path().join("log"));
    for (name, text) in [
        ("shibd.logger", log),
        ("native.logger", logging_to(Path::new("/dev/null"))),
    ] {
        // The package's own would write to where the service does.
        let _ = std::fs::remove_file(folder.join(name));
        site.write(&format!("shibboleth/{name}"), &text);
    }
    let socket = site.path().join("shibd.sock");
    let _ = std::fs::remove_file(&socket);
    let configuration = folder.join("shibboleth2.xml");
    let mut shibd = Command::new("/usr/sbin/shibd");
    shibd.args(["-F", "-f", "-c"]).arg(&configuration);
    shibd.arg("-p").arg(site.path().join("shibd.pid"));
    shibboleth_folders(&mut shibd, site.path());
    site.spawn(shibd);
    let deadline = Instant::now() + Duration::from_secs(20);
    while !socket.exists() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(20));
    }
    let configuration = format!("ShibConfig \"{}\"", configuration.display());
    let lines = [configuration.as_str(), "Include shibboleth/apache.conf"];
    start_apache(site, "mod_shib", "mod_shib.so", &lines);
}

fn shibboleth_folders(command: &mut Command, folder: &Path) {
    for variable in ["CFGDIR", "LOGDIR", "RUNDIR", "CACHEDIR"] {
        command.env(format!("SHIBSP_{variable}"), folder);
    }
    command.env("SHIBSP_LISTENER_ADDRESS", folder.join("shibd.sock"));
}

/// An Apache of its own with one module more.
fn start_apache(site: &mut Site, module: &str, file: &str, lines: &[&str]) {
    let folder = site.path().display().to_string();
    let mut text = format!(
        "ServerRoot \"{folder}\"\nDefaultRuntimeDir \"{folder}\"\nPidFile \"{folder}/apache.pid\"\n\
         ServerName {}\nListen 127.0.0.1:{}\nErrorLog \"{folder}/log\"\nLogLevel info\n\
         StartServers 2\nDocumentRoot \"{folder}/www\"\n",
        site.base, site.port
    );
    // Started by root it serves as somebody else; otherwise this would only be a warning.
    if Path::new("/root").read_dir().is_ok() {
        text.push_str("User www-data\nGroup www-data\n");
    }
    for (name, file) in [
        ("mpm_prefork_module", "mod_mpm_prefork.so"),
        ("authn_core_module", "mod_authn_core.so"),
        ("authz_core_module", "mod_authz_core.so"),
        ("authz_user_module", "mod_authz_user.so"),
        ("env_module", "mod_env.so"),
        ("alias_module", "mod_alias.so"),
        ("cgi_module", "mod_cgi.so"),
        (module, file),
    ] {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "LoadModule {name} {MODULES}/{file}");
    }
    let _ = writeln!(text, "ScriptAlias /who \"{folder}/who.py\"");
    for line in lines {
        text.push_str(line);
        text.push('\n');
    }
    site.write("server.conf", &text);
    site.write("www/index.html", "");
    let script = std::fs::read_to_string(app("who.py")).expect("it is ours");
    site.write("who.py", &script);
    let executable = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(site.path().join("who.py"), executable).expect("it is our file");
    let mut apache = Command::new("/usr/sbin/apache2");
    apache
        .args(["-DFOREGROUND", "-f"])
        .arg(site.path().join("server.conf"));
    shibboleth_folders(&mut apache, site.path());
    site.spawn(apache);
}

pub(crate) fn start_simplesamlphp(site: &mut Site) {
    let folder = site.path().display().to_string();
    let configuration = format!(
        "<?php\nrequire '/etc/simplesamlphp/config.php';\n\
         $config = array_merge($config, [\n\
         'baseurlpath' => '{base}/simplesaml/', 'secretsalt' => 'interop', 'auth.adminpassword' => 'interop',\n\
         'certdir' => '{folder}/', 'metadatadir' => '{folder}/metadata/', 'datadir' => '{folder}/',\n\
         'tempdir' => '{folder}/temp/', 'loggingdir' => '{folder}/', 'logging.handler' => 'file',\n\
         'session.cookie.secure' => false, 'session.cookie.samesite' => null, 'store.type' => 'phpsession',\n\
         'session.phpsession.savepath' => '{folder}/sessions', 'debug' => ['validatexml' => true],\n\
         'language.cookie.secure' => false, 'language.cookie.samesite' => null,\n]);\n",
        base = site.base
    );
    site.write("config/config.php", &configuration);
    for needed in ["temp/x", "sessions/x"] {
        site.write(needed, "");
    }
    let page = std::fs::read_to_string(app("who.php")).expect("it is ours");
    site.write("www/who.php", &page);
    let code = Path::new("/usr/share/simplesamlphp/www");
    link(code, &site.path().join("www/simplesaml"));
    let mut php = Command::new("/usr/bin/php");
    php.args(["-S", &format!("127.0.0.1:{}", site.port), "-t", "www"]);
    php.env("SIMPLESAMLPHP_CONFIG_DIR", site.path().join("config"));
    // Logging out from server to server asks it while it still answers somebody.
    php.env("PHP_CLI_SERVER_WORKERS", "3");
    site.spawn(php);
}

fn link(target: &Path, name: &Path) {
    let _ = std::fs::remove_file(name);
    symlink(target, name).expect("the temporary folder can be written");
}
