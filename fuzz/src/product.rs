//! The whole identity provider in this process.

use std::path::{Path, PathBuf};

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::response::Response;
use doorward::authn::password::Passwords;
use doorward::cli::{Booted, app, boot};
use doorward::clock::Clock;
use doorward::config::Config;
use doorward::directory::audit::{AuditEvent, AuditKind};
use doorward::directory::name::{UserId, UserName};
use doorward::storage::{NewSession, NewUser, TokenHash};
use doorward::web::{App, router};
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt as _;

use crate::sp;

/// The session that the seeds bring along.
const SESSION: [u8; 64] = [b'0'; 64];

/// Cheap hashing and no waiting, so that sign-ins are tried often.
const SETTINGS: &str = "throttle = \"off\"\nsigning_algorithm = \"p256\"\n\
                        durability = \"normal\"\n[argon2]\nmemory_kib = 64\niterations = 1\n";

/// One that runs.
pub struct Product {
    pub runtime: Runtime,
    pub booted: Booted,
    pub app: App,
    pub folder: PathBuf,
    router: Router,
}

/// Starts one, with one service provider and one person, who is signed in. Its folder is of this process
/// alone, since a target may run twice on a machine. What ends a fuzzer does not let it tidy up: those
/// of processes that are gone go here.
pub fn product(target: &str) -> Product {
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let folder = own_folder(target);
    std::fs::create_dir_all(&folder).expect("a folder");
    let file = folder.join("doorward.toml");
    let nothing = std::iter::empty();
    let config = Config::check(SETTINGS, &file, nothing).expect("a configuration");
    let booted = runtime.block_on(boot(config, Clock::System, "fuzz"));
    let booted = booted.expect("a database");
    runtime.block_on(fill(&booted));
    let app = app(&booted).expect("an app");
    let router = router(app.clone());
    Product {
        runtime,
        booted,
        app,
        folder,
        router,
    }
}

fn own_folder(target: &str) -> PathBuf {
    let (temporary, name) = (std::env::temp_dir(), format!("doorward-fuzz-{target}-"));
    for entry in std::fs::read_dir(&temporary).expect("a folder").flatten() {
        let found = entry.file_name().to_string_lossy().into_owned();
        let process = found
            .strip_prefix(&name)
            .map(|id| Path::new("/proc").join(id));
        if process.is_some_and(|process| !process.exists()) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
    temporary.join(format!("{name}{}", std::process::id()))
}

async fn fill(booted: &Booted) {
    let event = |kind| AuditEvent::new(booted.clock.now(), kind);
    let passwords = Passwords::new(booted.config.argon2).expect("a cost");
    let hash = passwords
        .hash("correct horse", "fuzz")
        .await
        .expect("a hash");
    let new = NewUser {
        id: UserId::from_stored("ada"),
        name: UserName::parse("ada").expect("a name"),
        display_name: "Ada".to_owned(),
        email: Some("ada@example.org".to_owned()),
        roles: vec![],
        attributes: vec![("team".to_owned(), "a".to_owned())],
        password_hash: Some(hash.clone()),
        must_change_password: false,
    };
    let added = booted.store.add_user(new, event(AuditKind::UserAdded));
    added.await.expect("a person");
    let sp = sp(false);
    let added = booted.store.add_sp(&sp, event(AuditKind::SpAdded));
    added.await.expect("a service provider");
    let session = NewSession {
        user: UserId::from_stored("ada"),
        token: TokenHash::of(str::from_utf8(&SESSION).expect("digits")),
        replaces: None,
        fresh_for: None,
        source: None,
        user_agent: None,
        checked_hash: hash,
        rehash: None,
        account_key: "ada".to_owned(),
        logout: doorward::storage::NewLogout::default(),
    };
    let signed_in = booted.store.sign_in(session, event(AuditKind::SignIn));
    signed_in.await.expect("a session");
}

impl Product {
    /// Asks, and fails where the answer is a failure on our side.
    pub fn ask(&self, request: Request<Body>) -> Response {
        let answer = self.runtime.block_on(self.router.clone().oneshot(request));
        let answer = answer.expect("a router always answers");
        // A SOAP Fault has 500 by its own rules (SOAP 1.1, 6.2).
        let fault = answer.headers().get("content-type");
        let fault = fault.is_some_and(|kind| kind.as_bytes().starts_with(b"text/xml"));
        assert!(
            fault || answer.status() != StatusCode::INTERNAL_SERVER_ERROR,
            "a failure on our side"
        );
        answer
    }
}
