//! What may happen once happens once, however often and wherever it is asked for: the same thing is
//! sent to both nodes at the same moment, five hundred times over.

use std::collections::BTreeMap;

use futures_util::future::{join, join_all};
use reqwest::header::LOCATION;
use reqwest::redirect::Policy;

use crate::app::App;
use crate::cluster::{Cluster, PASSWORD};
use crate::resolving;
use crate::support::form::{Form, forms};

const PAIRS: usize = 500;
/// How many pairs are on their way at once.
const AT_ONCE: usize = 5;
/// Whoever loses a race has not guessed a password.
const SETTINGS: &str = "throttle = \"off\"\nsigning_algorithm = \"p256\"";

/// A browser without eyes: what it gets is counted and not checked, which other tests do.
#[derive(Clone)]
struct Person {
    client: reqwest::Client,
    /// The origin of the pages.
    origin: String,
}

#[derive(Debug)]
struct Seen {
    status: u16,
    location: String,
    body: String,
}

impl Person {
    fn new(cluster: &Cluster) -> Self {
        let client = reqwest::Client::builder()
            .cookie_store(true)
            .redirect(Policy::none())
            .pool_max_idle_per_host(0)
            .build();
        Self {
            client: client.expect("a client can be built"),
            origin: cluster.a.idp(""),
        }
    }

    async fn get(&self, url: &str) -> Seen {
        self.send(self.client.get(url)).await
    }

    async fn post(&self, url: &str, fields: &[(String, String)]) -> Seen {
        let request = self.client.post(url).header("Origin", &self.origin);
        let request = request.header("Sec-Fetch-Site", "same-origin").form(fields);
        self.send(request).await
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Seen {
        let answer = request.send().await.expect("an answer comes");
        let location = answer.headers().get(LOCATION);
        let location = location.map_or("", |value| value.to_str().expect("ASCII"));
        Seen {
            status: answer.status().as_u16(),
            location: location.to_owned(),
            body: answer.text().await.expect("the answer is text"),
        }
    }

    /// Where a redirect leads to, on whatever node.
    fn absolute(&self, seen: &Seen) -> String {
        assert_eq!(seen.status, 303, "{}", seen.body);
        if seen.location.starts_with('/') {
            format!("{}{}", self.origin, seen.location)
        } else {
            seen.location.clone()
        }
    }

    /// Follows to the sign-in form and sends it; what comes back is not followed.
    async fn signs_in(&self, from: &str) -> Seen {
        let mut seen = self.get(from).await;
        while seen.status == 303 {
            seen = self.get(&self.absolute(&seen)).await;
        }
        let form = form(&seen, "password");
        let form = form.with("username", "ada").with("password", PASSWORD);
        let to = format!("{}{}", self.origin, form.action);
        self.post(&to, &form.fields).await
    }
}

/// The form that has this field.
fn form(seen: &Seen, field: &str) -> Form {
    let found = forms(&seen.body)
        .into_iter()
        .find(|form| form.fields.iter().any(|(name, _)| name == field));
    found.unwrap_or_else(|| panic!("no form with {field}: {} {}", seen.status, seen.body))
}

/// Runs all pairs, some at a time, and counts how many of each pair did it.
async fn race(pair: impl AsyncFn(usize) -> usize) -> BTreeMap<usize, usize> {
    let mut done = BTreeMap::new();
    let numbers: Vec<_> = (0..PAIRS).collect();
    for some in numbers.chunks(AT_ONCE) {
        for did in join_all(some.iter().map(|number| pair(*number))).await {
            *done.entry(did).or_default() += 1;
        }
    }
    done
}

fn exactly_one_each() -> BTreeMap<usize, usize> {
    BTreeMap::from([(1, PAIRS)])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_artifact_is_resolved_by_one_node() {
    let cluster = Cluster::with(SETTINGS).await;
    cluster.a.add_user("ada", PASSWORD, &[]);
    let store = resolving::register(&cluster);
    let ada = Person::new(&cluster);
    ada.signs_in(&cluster.a.idp("/login")).await;
    let [a, b] = cluster.both("/saml/soap");
    let done = race(async |_| {
        let answer = ada.get(&resolving::asks(&cluster, &store)).await;
        let artifact = resolving::artifact_in(&answer.location);
        let envelope = resolving::resolve(&cluster, &store, &artifact);
        let at_a = resolving::send(&ada.client, &a, envelope.clone());
        let at_b = resolving::send(&ada.client, &b, envelope);
        let (at_a, at_b) = join(at_a, at_b).await;
        [at_a, at_b]
            .iter()
            .filter(|body| body.contains("<saml:Assertion"))
            .count()
    })
    .await;
    assert_eq!(done, exactly_one_each());
    let written = cluster
        .a
        .database()
        .number("SELECT COUNT(*) FROM audit_events WHERE kind = 'assertion' AND outcome = 'done'");
    assert_eq!(written, i64::try_from(PAIRS).expect("it is small"));
}

/// Signed in for one request that demands it (ForceAuthn): it is answered once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sign_in_that_was_demanded_is_answered_by_one_node() {
    let cluster = Cluster::with(SETTINGS).await;
    cluster.a.add_user("ada", PASSWORD, &[]);
    let store = App::register(&cluster.a, "store", "");
    let done = race(async |_| {
        let ada = Person::new(&cluster);
        let request = store.sp.request(&cluster.a.idp("/saml/sso"));
        let request = request.with("ForceAuthn=\"true\"");
        let next = ada.signs_in(&request.redirect(None)).await;
        let path = ada.absolute(&next).replacen(&ada.origin, "", 1);
        let [a, b] = cluster.both(&path);
        let (at_a, at_b) = join(ada.get(&a), ada.get(&b)).await;
        let both = [at_a, at_b];
        both.iter()
            .filter(|seen| seen.body.contains("SAMLResponse"))
            .count()
    })
    .await;
    assert_eq!(done, exactly_one_each());
}

/// One node sends the LogoutRequest to the next app, and nobody sends another.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_step_of_a_logout_is_taken_by_one_node() {
    let cluster = Cluster::with(SETTINGS).await;
    cluster.a.add_user("ada", PASSWORD, &[]);
    let store = App::with_redirect(&cluster.a, "store");
    let [a, b] = cluster.both("/saml/slo/next");
    let done = race(async |_| {
        let ada = Person::new(&cluster);
        let request = store.sp.request(&cluster.a.idp("/saml/sso"));
        let next = ada.signs_in(&request.redirect(None)).await;
        let entered = ada.get(&ada.absolute(&next)).await;
        assert!(entered.body.contains("SAMLResponse"), "{}", entered.body);
        let page = ada.get(&cluster.a.idp("/logout")).await;
        let out = ada
            .post(&cluster.a.idp("/logout"), &form(&page, "csrf").fields)
            .await;
        assert!(out.location.ends_with("/saml/slo/continue"), "{out:?}");
        let (at_a, at_b) = join(ada.get(&a), ada.get(&b)).await;
        let both = [at_a, at_b];
        both.iter()
            .filter(|seen| seen.location.contains("SAMLRequest="))
            .count()
    })
    .await;
    assert_eq!(done, exactly_one_each());
}

/// Two new passwords for one old one: the second finds that the old one is none any more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_is_changed_by_one_node() {
    let cluster = Cluster::with(SETTINGS).await;
    cluster.a.add_user("ada", PASSWORD, &[]);
    let ada = Person::new(&cluster);
    ada.signs_in(&cluster.a.idp("/login")).await;
    let [a, b] = cluster.both("/account/password");
    let page = ada.get(&cluster.a.idp("/account")).await;
    let form = form(&page, "current");
    let mut current = PASSWORD.to_owned();
    for number in 0..PAIRS {
        let new = ["at node A", "at node B"].map(|at| format!("password {number} {at}"));
        let filled = new.each_ref().map(|new| {
            let form = form.clone().with("current", &current);
            form.with("new", new).with("again", new)
        });
        let [at_a, at_b] = &filled;
        let (at_a, at_b) = join(ada.post(&a, &at_a.fields), ada.post(&b, &at_b.fields)).await;
        let done = [&at_a, &at_b].map(|seen| seen.location.ends_with("done=password"));
        current = match done {
            [true, false] => new[0].clone(),
            [false, true] => new[1].clone(),
            _ => panic!("number {number}: {done:?}\n{at_a:?}\n{at_b:?}"),
        };
    }
}
