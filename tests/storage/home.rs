//! A fresh database with a clock that stands still, and short ways to fill it.

use crate::database::Database;
use doorward::clock::{Clock, random_id};
use doorward::directory::audit::{AuditEvent, AuditKind};
use doorward::directory::facts::{Facts, FactsParts};
use doorward::directory::logout::Logout;
use doorward::directory::name::{EntityId, RoleName, SpId, SpName, UserId, UserName};
use doorward::directory::protection::{
    Declared, EncryptionKey, EncryptionMethod, KeyForm, SigningMethod,
};
use doorward::directory::release::Requested;
use doorward::directory::rule::{Quantifier, Rule};
use doorward::directory::service_provider::{
    AcsBinding, AcsEndpoint, AcsEndpoints, Policy, ServiceProvider,
};
use doorward::directory::session::{Release, Session, SessionLimits};
use doorward::directory::slo_endpoint::{SloBinding, SloEndpoint, SloEndpoints};
use doorward::directory::time::UnixTime;
use doorward::storage::{Durability, Ending, NewLogout, NewSession, NewUser, Store, TokenHash};
use std::path::Path;
use std::time::Duration;

pub(crate) const CHAIN_KEY: [u8; 32] = [9; 32];
pub(crate) const HASH: &str = "the hash of a password";
pub(crate) const LIMITS: SessionLimits = SessionLimits {
    idle: Duration::from_hours(2),
    absolute: Duration::from_hours(12),
};

pub(crate) struct Home {
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    pub(crate) folder: tempfile::TempDir,
    pub(crate) database: Database,
}

impl Home {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::fresh(folder.path());
        Self::with(folder, database).await
    }

    /// SQLite, whatever the run is about: for what is about its file.
    pub(crate) async fn in_a_file() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::file(folder.path().join("data/doorward.db"));
        Self::with(folder, database).await
    }

    async fn with(folder: tempfile::TempDir, database: Database) -> Self {
        let now = UnixTime::from_millis(1_795_265_101_007);
        Self::at(now, folder, database).await
    }

    async fn at(now: UnixTime, folder: tempfile::TempDir, database: Database) -> Self {
        let clock = Clock::fixed(now);
        let store = open(&database, &clock).await;
        Self {
            store,
            clock,
            folder,
            database,
        }
    }

    /// The same database in the hands of a process whose clock stands elsewhere.
    pub(crate) async fn another_clock(self, now: UnixTime) -> Self {
        self.store.shut_down().await;
        Self::at(now, self.folder, self.database).await
    }

    /// Ends the session of a token.
    pub(crate) async fn sign_out(&self, token: &str) -> Option<Logout> {
        let token = TokenHash::of(token);
        let event = self.event(AuditKind::SignOut);
        let new = NewLogout::default();
        let ended = self.store.log_out(Ending::Token(&token), &new, event);
        ended.await.unwrap()
    }

    /// Another process on the same database.
    pub(crate) async fn another_process(&self) -> Store {
        open(&self.database, &self.clock).await
    }

    pub(crate) fn file(&self) -> &Path {
        self.database.path().expect("a test of a file asks for one")
    }

    /// What somebody with a shell does to the database behind our back.
    pub(crate) fn by_hand(&self, sql: &str) -> u64 {
        self.database.by_hand(sql)
    }

    pub(crate) fn count(&self, sql: &str) -> i64 {
        self.database.number(sql)
    }

    pub(crate) fn now(&self) -> UnixTime {
        self.clock.now()
    }

    pub(crate) fn event(&self, kind: AuditKind) -> AuditEvent {
        AuditEvent::new(self.now(), kind)
    }

    pub(crate) async fn role(&self, name: &str) -> RoleName {
        let role = RoleName::parse(name).unwrap();
        let event = self.event(AuditKind::RoleAdded);
        self.store.ensure_role(&role, event).await.unwrap();
        role
    }

    pub(crate) async fn user(&self, name: &str, roles: &[&str]) -> UserId {
        let mut held = Vec::new();
        for role in roles {
            held.push(self.role(role).await);
        }
        let new = new_user(name, held);
        let id = new.id.clone();
        let event = self.event(AuditKind::UserAdded);
        self.store.add_user(new, event).await.unwrap();
        id
    }

    pub(crate) async fn sp(&self, name: &str, roles: &[&str]) -> ServiceProvider {
        let mut named = Vec::new();
        for role in roles {
            named.push(self.role(role).await);
        }
        let sp = service_provider(name, Rule::new(Quantifier::AnyOf, named).unwrap());
        let event = self.event(AuditKind::SpAdded);
        self.store.add_sp(&sp, event).await.unwrap();
        sp
    }

    pub(crate) async fn sign_in(&self, user: &UserId, token: &str) -> Session {
        let new = new_session(user, token);
        let event = self.event(AuditKind::SignIn);
        self.store.sign_in(new, event).await.unwrap().session
    }

    pub(crate) async fn facts(&self, token: &str, sp: &ServiceProvider) -> FactsParts {
        let token = TokenHash::of(token);
        let facts = self.store.facts(Some(&token), &sp.entity_id, self.now());
        facts.await.unwrap().map(Facts::into_parts).unwrap()
    }
}

async fn open(database: &Database, clock: &Clock) -> Store {
    let opened = Store::open(&database.url(), Durability::Full).await;
    let store = opened.unwrap();
    let started = store.start(CHAIN_KEY, "test".to_owned(), clock.clone());
    started.await.unwrap();
    store
}

pub(crate) fn name(text: &str) -> UserName {
    UserName::parse(text).unwrap()
}

pub(crate) fn new_user(user: &str, roles: Vec<RoleName>) -> NewUser {
    NewUser {
        id: UserId::from_stored(random_id().unwrap()),
        name: name(user),
        display_name: user.to_owned(),
        email: Some(format!("{user}@example.org")),
        roles,
        attributes: vec![
            ("team".to_owned(), "b".to_owned()),
            ("team".to_owned(), "a".to_owned()),
        ],
        password_hash: Some(HASH.to_owned()),
        must_change_password: false,
    }
}

pub(crate) fn new_session(user: &UserId, token: &str) -> NewSession {
    NewSession {
        logout: doorward::storage::NewLogout::default(),
        user: user.clone(),
        token: TokenHash::of(token),
        replaces: None,
        fresh_for: None,
        source: Some("192.0.2.1".to_owned()),
        user_agent: Some("Browser/1.0".to_owned()),
        checked_hash: HASH.to_owned(),
        rehash: None,
        account_key: "nobody".to_owned(),
    }
}

pub(crate) fn service_provider(name: &str, rule: Rule) -> ServiceProvider {
    let endpoint = |index, binding| AcsEndpoint {
        binding,
        location: format!("https://{name}.example/acs{index}"),
        index,
        is_default: (index == 1).then_some(true),
    };
    let acs = vec![
        endpoint(0, AcsBinding::Other),
        endpoint(1, AcsBinding::HttpPost),
    ];
    let slo = [SloBinding::HttpRedirect, SloBinding::Soap].map(|binding| SloEndpoint {
        binding,
        location: format!("https://{name}.example/slo"),
        response_location: (binding == SloBinding::HttpRedirect)
            .then(|| format!("https://{name}.example/slo/done")),
    });
    let slo = Vec::from(slo);
    ServiceProvider {
        id: SpId::from_stored(random_id().unwrap()),
        version: 1,
        name: SpName::parse(name).unwrap(),
        entity_id: EntityId::parse(&format!("https://{name}.example/saml")).unwrap(),
        enabled: true,
        rule,
        acs: AcsEndpoints::new(acs, false).unwrap(),
        slo: SloEndpoints::new(slo, false).unwrap(),
        certificates: vec![vec![1, 2], vec![3]],
        bare_keys: vec![vec![4]],
        name_id_formats: vec!["urn:b".to_owned(), "urn:a".to_owned()],
        requested: Requested::default(),
        declared: declared(),
        metadata: Some("<EntityDescriptor/>".to_owned()),
        policy: Policy::default(),
    }
}

/// One of everything that metadata may declare.
fn declared() -> Declared {
    let method = |algorithm: &str, digest: Option<&str>| EncryptionMethod {
        algorithm: algorithm.to_owned(),
        digest: digest.map(str::to_owned),
        mgf: digest.map(|digest| format!("mgf-{digest}")),
    };
    let key = |key, is_for_encryption, methods| EncryptionKey {
        key,
        is_for_encryption,
        methods,
    };
    Declared {
        encryption_keys: vec![
            key(KeyForm::Certificate(vec![5]), true, vec![]),
            key(
                KeyForm::Bare(vec![6]),
                false,
                vec![method("urn:z", None), method("urn:y", Some("urn:d"))],
            ),
        ],
        signing_methods: vec![SigningMethod {
            algorithm: "urn:s".to_owned(),
            minimum_bits: Some(2048),
            maximum_bits: None,
        }],
        digest_methods: vec!["urn:q".to_owned(), "urn:p".to_owned()],
    }
}

pub(crate) fn release(session: &Session, index: &str) -> Release {
    Release {
        session: session.clone(),
        session_index: index.to_owned(),
        first_visit: true,
        use_up: None,
        seen_every: LIMITS.seen_every(),
        name_id: None,
    }
}
