//! The product under the walk: the real router on a real database, without sockets.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response, header};
use doorward::authn::password::{Cost, Passwords};
use doorward::clock::{Clock, random_id};
use doorward::config::About;
use doorward::directory::algorithms::DeniedAlgorithms;
use doorward::directory::audit::{AuditEvent, AuditKind};
use doorward::directory::name::{EntityId, RoleName, SpId, SpName, UserId, UserName};
use doorward::directory::release::{Requested, SiteRelease};
use doorward::directory::rule::{Quantifier, Rule};
use doorward::directory::service_provider::{
    AcsBinding, AcsEndpoint, AcsEndpoints, Denied, Policy, ServiceProvider, Sign,
};
use doorward::directory::session::SessionLimits;
use doorward::directory::signing_key::{KeyState, KeyUse};
use doorward::directory::slo_endpoint::SloEndpoints;
use doorward::directory::time::UnixTime;
use doorward::keystore::signing_keys::fresh;
use doorward::keystore::{Keystore, Secrets, SigningKeys};
use doorward::saml::signature::KeyKind;
use doorward::storage::{AuditFilter, Durability, NewUser, Store};
use doorward::web::{App, Site, router};
use tempfile::TempDir;
use tower::ServiceExt as _;

use crate::model::{Asks, DOORS, EVERYONE, Model, ROLES, Registration, USERS};
use crate::support::database::Database;
use crate::support::form::{Form, forms};
use crate::support::oracle::Oracle;

pub(crate) const ORIGIN: &str = "http://127.0.0.1:8080";

/// A database, a router over it, and the browsers' cookie jars.
pub(crate) struct World {
    router: Router,
    store: Store,
    pub(crate) clock: Clock,
    chain_key: [u8; 32],
    users: Vec<UserId>,
    jars: Vec<BTreeMap<String, String>>,
    pub(crate) oracle: Oracle,
    _folder: TempDir,
    _database: Database,
}

/// What came back to a browser.
pub(crate) struct Page {
    pub(crate) status: u16,
    pub(crate) body: String,
    location: Option<String>,
}

/// Where a document of ours was asked from.
#[derive(Clone, Copy)]
pub(crate) enum From {
    Ourselves,
    AnotherSite,
}

impl World {
    pub(crate) async fn new(browsers: usize) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let database = Database::fresh(folder.path());
        let store = Store::open(&database.url(), Durability::Normal)
            .await
            .expect("a database");
        let clock = Clock::fixed(UnixTime::from_millis(1_800_000_000_000));
        let keystore = Keystore::open(&folder.path().join("keys")).expect("a master key");
        let secrets = Secrets::unlock(&store, &keystore, &clock)
            .await
            .expect("data keys");
        let chain_key = secrets.chain_key();
        store
            .start(chain_key, "walk".to_owned(), clock.clone())
            .await
            .expect("a chain");
        let passwords = Passwords::new(Cost {
            memory_kib: 8,
            iterations: 1,
            parallelism: 1,
        });
        let passwords = passwords.expect("a cost that argon2 takes");
        let users = people(&store, &passwords, &clock).await;
        for door in 0..DOORS {
            let registration = Model::new().door(door).clone();
            let sp = service_provider(door, &registration);
            store
                .add_sp(&sp, event(&clock, AuditKind::SpAdded))
                .await
                .expect("a fresh name");
        }
        let app = App::new(
            site(),
            clock.clone(),
            store.clone(),
            &secrets,
            signing_keys(&store, &secrets, &clock).await,
            passwords,
        );
        let router = router(app);
        let metadata = send(&router, get("/saml/metadata")).await;
        let (oracle, _) = Oracle::trusting(&metadata.body);
        Self {
            router,
            store,
            clock,
            chain_key,
            users,
            jars: vec![BTreeMap::new(); browsers],
            oracle,
            _folder: folder,
            _database: database,
        }
    }

    pub(crate) async fn grant(&self, user: usize, role: usize) {
        let event = event(&self.clock, AuditKind::RoleGranted);
        self.store
            .grant(&self.users[user], &role_name(role), event)
            .await
            .expect("a grant");
    }

    pub(crate) async fn revoke(&self, user: usize, role: usize) {
        let event = event(&self.clock, AuditKind::RoleRevoked);
        self.store
            .revoke(&self.users[user], &role_name(role), event)
            .await
            .expect("a revocation");
    }

    pub(crate) async fn set_disabled(&self, user: usize, disabled: bool) {
        let event = event(&self.clock, AuditKind::UserDisabled);
        self.store
            .set_disabled(&self.users[user], disabled, event)
            .await
            .expect("a change");
    }

    pub(crate) async fn re_register(&self, door: usize, registration: &Registration) {
        let found = self
            .store
            .sp_by_name(&door_name(door))
            .await
            .expect("a read");
        let before = found.expect("the door is registered");
        let id = before.id.clone();
        let after = ServiceProvider {
            id: before.id,
            version: before.version,
            ..service_provider(door, registration)
        };
        let audited = event(&self.clock, AuditKind::SpUpdated);
        self.store
            .update_sp(&after, audited)
            .await
            .expect("a new registration");
        let audited = event(&self.clock, AuditKind::SpUpdated);
        self.store
            .set_sp_enabled(&id, registration.enabled, audited)
            .await
            .expect("a change");
    }

    pub(crate) fn pass(&self, time: Duration) {
        self.clock.advance(time);
    }

    /// GET, then every redirect.
    pub(crate) async fn visit(&mut self, browser: usize, path: &str) -> Page {
        let page = self.send(browser, get(path), From::Ourselves).await;
        self.follow(browser, page).await
    }

    /// POST, then every redirect.
    pub(crate) async fn post(
        &mut self,
        browser: usize,
        path: &str,
        fields: &[(String, String)],
        from: From,
    ) -> Page {
        let body = form_urlencoded(fields);
        let request = Request::post(path)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(body))
            .expect("a request");
        let page = self.send(browser, request, from).await;
        self.follow(browser, page).await
    }

    async fn follow(&mut self, browser: usize, mut page: Page) -> Page {
        for _ in 0..10 {
            let Some(location) = page.location.take() else {
                return page;
            };
            let path = location
                .strip_prefix(ORIGIN)
                .unwrap_or(&location)
                .to_owned();
            assert!(path.starts_with('/'), "we send browsers to {location}");
            page = self.send(browser, get(&path), From::Ourselves).await;
        }
        panic!("a circle of redirects");
    }

    async fn send(&mut self, browser: usize, mut request: Request<Body>, from: From) -> Page {
        let jar = &mut self.jars[browser];
        let headers = request.headers_mut();
        let (origin, site) = match from {
            From::Ourselves => (ORIGIN, "same-origin"),
            From::AnotherSite => ("https://door.example", "cross-site"),
        };
        headers.insert("sec-fetch-site", site.parse().expect("ASCII"));
        let is_post =
            matches!(from, From::AnotherSite) || headers.contains_key(header::CONTENT_TYPE);
        if is_post {
            headers.insert(header::ORIGIN, origin.parse().expect("ASCII"));
        }
        // A cross-site POST carries no Lax cookie.
        if matches!(from, From::Ourselves) && !jar.is_empty() {
            let pairs: Vec<_> = jar
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            let headers = request.headers_mut();
            headers.insert(header::COOKIE, pairs.join("; ").parse().expect("ASCII"));
        }
        let response = self
            .router
            .clone()
            .oneshot(request)
            .await
            .expect("infallible");
        for set in response.headers().get_all(header::SET_COOKIE) {
            keep(jar, set.to_str().expect("ASCII"));
        }
        read(response).await
    }

    /// How many assertions the audit log knows, after verifying its chain.
    pub(crate) async fn audited_assertions(&self) -> usize {
        let verified = self
            .store
            .verify_audit(&self.chain_key)
            .await
            .expect("a read");
        assert!(verified.broken.is_empty(), "{:?}", verified.broken);
        let filter = AuditFilter {
            kind: Some(AuditKind::Assertion),
            ..AuditFilter::default()
        };
        let rows = self.store.audit_events(&filter).await.expect("a read");
        rows.iter().filter(|row| row.event.reason.is_none()).count()
    }
}

impl Page {
    pub(crate) fn forms(&self) -> Vec<Form> {
        forms(&self.body)
    }

    pub(crate) fn sign_in_form(&self) -> Option<Form> {
        self.forms()
            .into_iter()
            .find(|form| form.passwords.len() == 1)
    }
}

pub(crate) fn user_name(user: usize) -> String {
    format!("user{user}")
}

pub(crate) fn password(user: usize) -> String {
    format!("the password of user {user}")
}

pub(crate) fn door_name(door: usize) -> String {
    format!("door{door}")
}

pub(crate) fn entity_id(door: usize) -> String {
    format!("https://door{door}.example/saml")
}

pub(crate) fn acs(door: usize, number: u8) -> String {
    format!("https://door{door}.example/acs/{number}")
}

pub(crate) fn role_name(role: usize) -> RoleName {
    if role == EVERYONE {
        RoleName::everyone()
    } else {
        RoleName::parse(&format!("role{role}")).expect("a name")
    }
}

async fn people(store: &Store, passwords: &Passwords, clock: &Clock) -> Vec<UserId> {
    for role in 0..ROLES {
        let added = event(clock, AuditKind::RoleAdded);
        store
            .ensure_role(&role_name(role), added)
            .await
            .expect("a role");
    }
    let mut ids = Vec::new();
    for user in 0..USERS {
        let id = UserId::from_stored(random_id().expect("randomness"));
        let hash = passwords
            .hash(&password(user), "walk")
            .await
            .expect("a hash");
        let new = NewUser {
            id: id.clone(),
            name: UserName::parse(&user_name(user)).expect("a name"),
            display_name: user_name(user),
            email: None,
            roles: Vec::new(),
            attributes: Vec::new(),
            password_hash: Some(hash),
            must_change_password: false,
        };
        store
            .add_user(new, event(clock, AuditKind::UserAdded))
            .await
            .expect("a user");
        ids.push(id);
    }
    ids
}

fn service_provider(door: usize, registration: &Registration) -> ServiceProvider {
    let quantifier = match registration.asks {
        Asks::Any => Quantifier::AnyOf,
        Asks::All => Quantifier::AllOf,
    };
    let roles: BTreeSet<_> = registration
        .roles
        .iter()
        .map(|role| role_name(*role))
        .collect();
    let endpoint = AcsEndpoint {
        binding: AcsBinding::HttpPost,
        location: acs(door, registration.acs),
        index: 0,
        is_default: None,
    };
    ServiceProvider {
        id: SpId::from_stored(random_id().expect("randomness")),
        version: 1,
        name: SpName::parse(&door_name(door)).expect("a name"),
        entity_id: EntityId::parse(&entity_id(door)).expect("an entityID"),
        enabled: registration.enabled,
        rule: Rule::new(quantifier, roles).expect("there is a role"),
        acs: AcsEndpoints::new(vec![endpoint], false).expect("an endpoint"),
        slo: SloEndpoints::default(),
        certificates: Vec::new(),
        bare_keys: Vec::new(),
        name_id_formats: Vec::new(),
        requested: Requested::default(),
        declared: doorward::directory::protection::Declared::default(),
        metadata: None,
        policy: Policy {
            denied: if registration.tells_sp {
                Denied::Status
            } else {
                Denied::Page
            },
            allow_idp_initiated: registration.idp_initiated,
            sign: [Sign::Both, Sign::Assertion, Sign::Response][usize::from(registration.sign)],
            ..Policy::default()
        },
    }
}

fn site() -> Site {
    Site {
        base_url: ORIGIN.to_owned(),
        entity_id: format!("{ORIGIN}/saml/metadata"),
        limits: SessionLimits {
            idle: Duration::from_hours(2),
            absolute: Duration::from_hours(12),
        },
        clock_skew: Duration::from_mins(3),
        authn_contexts: doorward::saml::authn_context::ContextOrder::new([]),
        denied_algorithms: doorward::directory::algorithms::DeniedAlgorithms::default(),
        throttle: false,
        contact: None,
        metrics_elsewhere: false,
        about: About::default(),
        common_domain: None,
        require_signed_requests: false,
        trusted_proxies: Vec::new(),
        release: SiteRelease::default(),
        queries: None,
    }
}

fn event(clock: &Clock, kind: AuditKind) -> AuditEvent {
    AuditEvent::new(clock.now(), kind)
}

fn get(path: &str) -> Request<Body> {
    Request::get(path).body(Body::empty()).expect("a request")
}

async fn send(router: &Router, request: Request<Body>) -> Page {
    read(router.clone().oneshot(request).await.expect("infallible")).await
}

async fn read(response: Response<Body>) -> Page {
    let status = response.status().as_u16();
    let location = response.headers().get(header::LOCATION);
    let location = location.map(|value| value.to_str().expect("ASCII").to_owned());
    let body = axum::body::to_bytes(response.into_body(), 1 << 20)
        .await
        .expect("a body");
    let body = String::from_utf8(body.to_vec()).expect("UTF-8");
    Page {
        status,
        body,
        location,
    }
}

fn keep(jar: &mut BTreeMap<String, String>, set_cookie: &str) {
    let (pair, attributes) = set_cookie.split_once(';').expect("it has attributes");
    let (name, value) = pair.split_once('=').expect("a cookie");
    if attributes.contains("Max-Age=0") {
        jar.remove(name);
    } else {
        jar.insert(name.to_owned(), value.to_owned());
    }
}

fn form_urlencoded(fields: &[(String, String)]) -> String {
    url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields)
        .finish()
}

async fn signing_keys(store: &Store, secrets: &Secrets, clock: &Clock) -> SigningKeys {
    let key = fresh(
        KeyUse::Signing,
        KeyKind::P256,
        KeyState::Active,
        "the walk",
        clock,
        secrets,
    )
    .expect("a key");
    store
        .insert_key(&key, event(clock, AuditKind::KeyCreated))
        .await
        .expect("a fresh database");
    let keys = SigningKeys::load(store, secrets, None, &DeniedAlgorithms::default()).await;
    keys.expect("the key that was just written")
}
