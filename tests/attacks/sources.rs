//! A hostile server of metadata (docs/threat-model.md): as a source that an administrator adds, at the
//! next refresh of a good one, as a query service that is asked about a stranger, and in what it says
//! about its service providers' own servers. It registers nobody and changes nothing, leads nowhere,
//! and costs little.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use jiff::SignedDuration;

use crate::message::signed_where_possible;
use crate::support::http_server::{Page, Server, gzip};
use crate::support::sp::{
    RSA_SHA256, Sp, another_key, escaped, now, redirect_query, signature_template,
};
use crate::target::{PASSWORD, Target};

const MD: &str = "urn:oasis:names:tc:SAML:2.0:metadata";
const STRANGER: &str = "https://new.example/saml";
/// How long a command may take for one answer: a debug build inflates a bomb up to its limit, on a machine
/// that is busy.
const PATIENCE: Duration = Duration::from_secs(90);

/// The server, and an address beside it that nothing may be asked at.
struct Hostile {
    server: Server,
    canary: TcpListener,
    federation: Sp,
    /// More than any document may have, in few bytes.
    bomb: Vec<u8>,
}

impl Hostile {
    fn new() -> Self {
        let canary = TcpListener::bind("127.0.0.1:0").expect("a free port");
        canary.set_nonblocking(true).expect("asked without waiting");
        Self {
            server: Server::new(),
            canary,
            bomb: gzip(&vec![b' '; 300 << 20]),
            federation: Sp::new("https://federation.example/", "https://federation.example/"),
        }
    }

    /// The same, and the address beside it if that is allowed.
    fn settings_with(&self, is_allowed: bool) -> String {
        let more = format!(", \"{}\"]", self.canary());
        if is_allowed {
            self.settings().replace(']', &more)
        } else {
            self.settings()
        }
    }

    /// The configuration that lets the server be asked, and nothing else on this machine.
    fn settings(&self) -> String {
        format!("fetch_allow = [\"{}\"]", self.server.address)
    }

    fn canary(&self) -> String {
        let address = self.canary.local_addr().expect("it listens");
        address.to_string()
    }

    fn untouched(&self, vector: &str) {
        assert!(self.canary.accept().is_err(), "{vector} led elsewhere");
    }

    fn signs(&self, template: &str) -> String {
        let signed = signed_where_possible(template, &self.federation);
        signed.unwrap_or_else(|| panic!("xmlsec1 does not sign {template}"))
    }
}

fn in_hours(hours: i64) -> String {
    let then = now().checked_add(SignedDuration::from_hours(hours));
    then.expect("an instant of this era").to_string()
}

/// The stranger's own metadata, without a declaration of the prefix.
fn stranger() -> String {
    let sp = Sp::new(STRANGER, "https://new.example/acs");
    sp.metadata("").replace(&format!(" xmlns:md=\"{MD}\""), "")
}

/// A document around `inside`, with this ID, to be signed.
fn group(id: &str, until: &str, inside: &str) -> String {
    format!(
        "<md:EntitiesDescriptor xmlns:md=\"{MD}\" ID=\"{id}\" validUntil=\"{until}\">{}{inside}\
         </md:EntitiesDescriptor>",
        signature_template(id, RSA_SHA256)
    )
}

/// The stranger's metadata alone, to be signed: what a query service answers.
fn alone(id: &str, until: &str, entity_id: &str) -> String {
    let sp = Sp::new(entity_id, "https://new.example/acs");
    let start =
        format!("<md:EntityDescriptor xmlns:md=\"{MD}\" ID=\"{id}\" validUntil=\"{until}\" ");
    let start_tag = format!("<md:EntityDescriptor xmlns:md=\"{MD}\" ");
    let document = sp.metadata("").replacen(&start_tag, &start, 1);
    let role = format!("{}<md:SPSSODescriptor ", signature_template(id, RSA_SHA256));
    document.replacen("<md:SPSSODescriptor ", &role, 1)
}

/// A good signed document and its pieces.
struct Good {
    whole: String,
    signature: String,
    bare: String,
}

impl Good {
    fn of(whole: String) -> Self {
        let from = whole.find("<ds:Signature ").expect("it is signed");
        let to = whole.find("</ds:Signature>").expect("it is signed") + "</ds:Signature>".len();
        let signature = whole[from..to].to_owned();
        Self {
            bare: whole.replace(&signature, ""),
            whole,
            signature,
        }
    }
}

/// Documents that lie. `good` signs one with the evil in it, so that only the federation's own word
/// is missing.
fn lies(hostile: &Hostile, good: &dyn Fn(&str, &str) -> String) -> Vec<(&'static str, Page)> {
    let honest = hostile.signs(&good("_root", &in_hours(24)));
    let documents = wrapped(hostile, good).into_iter();
    let documents = documents.chain(untrue(hostile, good));
    let mut pages: Vec<_> = documents
        .map(|(vector, document)| (vector, Page::document(document)))
        .collect();
    pages.extend(led_on(hostile, &honest));
    pages
}

/// Documents by the name of the vector.
type Documents = Vec<(&'static str, String)>;

/// T-XSW-M: the signed one in another.
fn wrapped(hostile: &Hostile, good: &dyn Fn(&str, &str) -> String) -> Documents {
    let honest = Good::of(hostile.signs(&good("_root", &in_hours(24))));
    let evil = |id: &str, inside: &str| {
        let template = good(id, &in_hours(24));
        let bare = Good::of(template).bare;
        let at = bare.find('>').expect("a root") + 1;
        [&bare[..at], inside, &bare[at..]].concat()
    };
    let object = format!("<ds:Object>{}</ds:Object></ds:Signature>", honest.bare);
    let object = honest.signature.replace("</ds:Signature>", &object);
    let (key, certificate) = another_key();
    let thief = Sp {
        key,
        certificate,
        ..hostile.federation.clone()
    };
    let stolen = signed_where_possible(&good("_root", &in_hours(24)), &thief).expect("signed");
    let extensions = |inside: &str| format!("<md:Extensions>{inside}</md:Extensions>");
    vec![
        ("T-XSW-M unsigned", honest.bare.clone()),
        ("T-XSW-M by another key", stolen),
        (
            "T-XSW-M the good one in Extensions",
            evil("_evil", &extensions(&honest.whole)),
        ),
        ("T-XSW-M the good one first", evil("_evil", &honest.whole)),
        ("T-XSW-M in ds:Object", evil("_evil", &object)),
        (
            "T-XSW-M signature of the good one",
            evil("_evil", &honest.signature),
        ),
        (
            "T-XSW-M signature, and the good one in Extensions",
            evil(
                "_evil",
                &format!("{}{}", honest.signature, extensions(&honest.bare)),
            ),
        ),
        (
            "T-XSW-M a copy with the same ID",
            evil(
                "_root",
                &format!("{}{}", honest.signature, extensions(&honest.bare)),
            ),
        ),
    ]
}

/// Documents whose signature is bad, or that say what may not be said.
fn untrue(hostile: &Hostile, good: &dyn Fn(&str, &str) -> String) -> Documents {
    let honest = Good::of(hostile.signs(&good("_root", &in_hours(24))));
    let canary = hostile.canary();
    vec![
        (
            "T-SIG-SEE changed after signing",
            honest.whole.replace("new.example/acs", "evil.example/acs"),
        ),
        (
            "T-SIG-SHAPE two Signatures",
            honest
                .whole
                .replacen(&honest.signature, &honest.signature.repeat(2), 1),
        ),
        (
            "T-SSRF-REF a Reference elsewhere",
            honest
                .whole
                .replacen("URI=\"#_root\"", &format!("URI=\"http://{canary}/r\""), 1),
        ),
        (
            "T-ALG rsa-sha1",
            honest
                .whole
                .replacen(RSA_SHA256, crate::support::sp::RSA_SHA1, 1),
        ),
        (
            "T-XXE external entity",
            format!(
                "<!DOCTYPE r [<!ENTITY e SYSTEM \"http://{canary}/e\">]>{}",
                honest.whole
            ),
        ),
        ("T-DIFF-1 two roots", honest.whole.clone() + &honest.whole),
        (
            "T-DIFF-2 cut",
            honest.whole[..honest.whole.len() / 2].to_owned(),
        ),
        ("T-MD expired", hostile.signs(&good("_root", &in_hours(-1)))),
        (
            "T-MD valid for too long",
            hostile.signs(&good("_root", &in_hours(24 * 365))),
        ),
        (
            "T-MD without an end",
            hostile.signs(&good("_root", "END").replacen(" validUntil=\"END\"", "", 1)),
        ),
        (
            "T-TYPE a page",
            "<html><body>Sign in</body></html>".to_owned(),
        ),
        ("T-BODY nothing", String::new()),
    ]
}

/// What a server does beside giving a document.
fn led_on(hostile: &Hostile, honest: &str) -> Vec<(&'static str, Page)> {
    let canary = hostile.canary();
    let led = |to: &str| Page::redirect(302, to);
    vec![
        (
            "T-SSRF-MD redirect to this machine",
            led(&format!("http://{canary}/")),
        ),
        (
            "T-SSRF-MD redirect to a cloud's metadata",
            led("http://169.254.169.254/latest/meta-data/"),
        ),
        ("T-SSRF-MD redirect to a file", led("file:///etc/passwd")),
        (
            "T-SSRF-MD redirect to IPv4 in IPv6",
            led(&format!(
                "http://[::ffff:127.0.0.1]:{}/",
                canary.rsplit(':').next().unwrap_or_default()
            )),
        ),
        ("T-SSRF-MD redirect to itself", led("/all")),
        (
            "T-BODY status 500",
            Page {
                status: 500,
                ..Page::document(honest)
            },
        ),
        (
            "T-DEFLATE not gzip",
            Page::document(honest).with("Content-Encoding", "gzip"),
        ),
        (
            "T-DEFLATE another compression",
            Page::document(honest).with("Content-Encoding", "br"),
        ),
        (
            "T-DEFLATE gzip bomb",
            Page::document(hostile.bomb.clone()).with("Content-Encoding", "gzip"),
        ),
    ]
}

/// What the command line says, cut short and without what changes; nothing, if it has done it.
fn refusal(target: &Target, arguments: &[&str], vector: &str) -> String {
    let begun = Instant::now();
    let output = target.product.try_cli(arguments, "");
    let took = begun.elapsed();
    assert!(took < PATIENCE, "{vector} took {took:?}");
    if output.status.success() {
        return String::new();
    }
    let said = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(output.status.code(), Some(1), "{vector}: {said}");
    assert_eq!(said.trim_end().lines().count(), 1, "{vector}: {said}");
    said
}

/// Without ports and instants, which change from run to run.
fn steady(said: &str, hostile: &Hostile) -> String {
    let said = said
        .trim_end()
        .replace(&hostile.canary(), "CANARY")
        .replace(&hostile.server.address.to_string(), "SERVER");
    let port = hostile.canary();
    let port = port.rsplit(':').next().unwrap_or_default();
    let said = said.replace(port, "PORT");
    let words = said.split(' ').map(|word| {
        let text = word.trim_end_matches([';', ',']);
        let is_instant = text.parse::<jiff::Timestamp>().is_ok();
        if is_instant {
            word.replace(text, "INSTANT")
        } else {
            word.to_owned()
        }
    });
    let said = words.collect::<Vec<_>>().join(" ");
    said.chars().take(150).collect()
}

#[tokio::test]
async fn t_md_t_xsw_m_a_hostile_source_registers_nobody_and_its_refresh_changes_nothing() {
    let hostile = Hostile::new();
    let mut target = Target::start_with(&hostile.settings()).await;
    let key = target
        .product
        .file("federation.pem", &hostile.federation.certificate_pem());
    let place = hostile.server.url("/all");
    let add = [
        "metadata", "add", &place, "--key", &key, "--name", "hostile",
    ];
    let add = [&add[..], &["--require-role", "everyone"]].concat();
    let of = |id: &str, until: &str| group(id, until, &stranger());
    for (vector, page) in lies(&hostile, &of) {
        hostile.server.put("/all", page);
        let said = refusal(&target, &add, vector);
        assert!(!said.is_empty(), "{vector} is taken");
        hostile.untouched(vector);
        target.watch.unchanged(vector);
        target.take_down(vector, steady(&said, &hostile), None);
    }
    let good = hostile.signs(&of("_root", &in_hours(24)));
    hostile.server.put("/all", Page::document(good));
    assert_eq!(refusal(&target, &add, "a good one"), "");
    let show = ["sp", "show", "new.example", "--json"];
    let before = target.product.cli(show);
    for (vector, page) in lies(&hostile, &of) {
        hostile.server.put("/all", page);
        let said = refusal(&target, &["metadata", "refresh", "hostile"], vector);
        assert!(!said.is_empty(), "{vector} is taken at a refresh");
        hostile.untouched(vector);
        let told = steady(&said, &hostile);
        target.take_down(&format!("refresh: {vector}"), told, None);
    }
    assert_eq!(target.product.cli(show), before, "the last good copy stays");
    insta::assert_snapshot!(target.table());
}

/// One question about each stranger; more than a burst of them would wait (T-MDQ).
#[tokio::test]
async fn t_md_t_ssrf_md_a_hostile_query_service_registers_nobody() {
    let hostile = Hostile::new();
    let mut target = Target::start_with(&hostile.settings()).await;
    let key = target
        .product
        .file("federation.pem", &hostile.federation.certificate_pem());
    let base = hostile.server.url("/mdq");
    let add = [
        "metadata", "add", &base, "--mdq", "--key", &key, "--name", "query",
    ];
    let role = ["--require-role", "everyone"];
    target.product.cli_list(&[&add[..], &role].concat());
    target.watch.accept();
    let count = lies(&hostile, &|id, until| alone(id, until, STRANGER)).len();
    for number in 0..=count {
        let entity_id = format!("https://new{number}.example/saml");
        let of = |id: &str, until: &str| alone(id, until, &entity_id);
        let mut all = lies(&hostile, &of);
        let somebody_else = hostile.signs(&alone("_root", &in_hours(24), STRANGER));
        all.push(("T-MD about another entity", Page::document(somebody_else)));
        let (vector, page) = all.swap_remove(number);
        let path = format!("/mdq/entities/https%3A%2F%2Fnew{number}.example%2Fsaml");
        hostile.server.put(&path, page);
        let mut request = target.request();
        request.issuer.clone_from(&entity_id);
        let answer = target.query(&redirect_query(&request.xml(), None)).await;
        assert_eq!(answer.in_short(), "400 unknown-issuer", "{vector}");
        assert!(!hostile.server.asked().is_empty(), "{vector}: it is asked");
        hostile.untouched(vector);
        target.refused(vector, &answer);
        if number % 10 == 9 {
            // Strangers have twenty questions, and one more each second.
            tokio::time::sleep(Duration::from_secs(10)).await;
        }
    }
    insta::assert_snapshot!(target.table());
}

/// Where the stranger takes answers.
const ACS: &str = "https://new.example/acs";

/// Vector, what is replaced in a member's good metadata, by what.
const OF_A_MEMBER: &[(&str, &str, &str)] = &[
    (
        "T-ACS-SCHEME javascript",
        ACS,
        "javascript:alert(1)//https://new.example/acs",
    ),
    ("T-ACS-SCHEME data", ACS, "data:text/html,x"),
    ("T-ACS-SCHEME plain http", ACS, "http://new.example/acs"),
    ("T-ACS-SCHEME no host", ACS, "https:///acs"),
    (
        "T-ACS-SCHEME user and password",
        ACS,
        "https://a:b@new.example/acs",
    ),
    (
        "T-MD the entityID of a registration",
        STRANGER,
        "https://lax.example/saml",
    ),
    ("T-MD an empty entityID", STRANGER, ""),
    (
        "T-MD a weak key",
        "<ds:X509Certificate>MII",
        "<ds:X509Certificate>AAA",
    ),
    (
        "T-MD an identity provider",
        "SPSSODescriptor",
        "IDPSSODescriptor",
    ),
];

/// Entities of a genuine federation that lie about themselves: each is left out, the others are taken.
#[tokio::test]
async fn t_md_t_acs_scheme_what_a_federation_says_of_its_members_is_held_to_the_same_rules() {
    let hostile = Hostile::new();
    let mut target = Target::start_with(&hostile.settings()).await;
    let key = target
        .product
        .file("federation.pem", &hostile.federation.certificate_pem());
    let good = stranger();
    for (vector, from, to) in OF_A_MEMBER {
        let to = if from.starts_with('<') {
            (*to).to_owned()
        } else {
            escaped(to)
        };
        let evil = good.replace(*from, &to);
        assert_ne!(evil, good, "{vector} changes nothing");
        let other = Sp::new("https://honest.example/saml", "https://honest.example/acs");
        let honest = other
            .metadata("")
            .replace(&format!(" xmlns:md=\"{MD}\""), "");
        let document = group("_root", &in_hours(24), &(evil + &honest));
        hostile
            .server
            .put("/all", Page::document(hostile.signs(&document)));
        let place = hostile.server.url("/all");
        let add = [
            "metadata", "add", &place, "--key", &key, "--name", "hostile",
        ];
        let role = ["--require-role", "everyone"];
        let said = target.product.cli_list(&[&add[..], &role].concat());
        let listed = target.product.cli(["sp", "list"]);
        assert!(listed.contains("honest.example"), "{vector}: {listed}");
        assert!(!listed.contains("new.example"), "{vector}: {listed}");
        let acs = target.product.cli(["sp", "show", "lax", "--json"]);
        assert!(acs.contains("https://lax.example/acs"), "{vector}: {acs}");
        let said: Vec<_> = said.lines().skip(1).map(str::trim).collect();
        target.take_down(vector, said.join(" / "), None);
        target.product.cli(["metadata", "remove", "hostile"]);
    }
    target.watch.accept();
    insta::assert_snapshot!(target.table());
}

/// A member whose server takes LogoutRequests at this address.
fn told_at(place: &str) -> String {
    let soap = format!(
        "<md:SingleLogoutService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:SOAP\" \
         Location=\"{place}\"/><md:AssertionConsumerService "
    );
    stranger().replacen("<md:AssertionConsumerService ", &soap, 1)
}

/// Somebody enters the stranger's app and signs out; whether the app's server is reached, or the log
/// says what keeps us from it.
async fn is_told_of_a_logout(target: &Target, hostile: &Hostile) -> bool {
    let browser = target.product.browser();
    let sp = Sp::new(STRANGER, "https://new.example/acs");
    let request = sp.request(&target.sso());
    let form = browser.visit(&request.redirect(None)).await;
    let answer = browser.sign_in(&form, "ada", PASSWORD).await;
    assert_eq!(answer.in_short(), "assertion");
    let page = browser.visit(&target.product.idp("/logout")).await;
    let page = browser.press(&page, "Sign out").await;
    assert!(page.body.contains(": not confirmed"), "{}", page.body);
    let reached = hostile.canary.accept().is_ok();
    let log = target.product.log();
    let mut lines = log.iter().map(ToString::to_string);
    let refused = lines.any(|line| line.contains("fetch_allow"));
    assert_eq!(refused, !reached, "the log says what to do: {log:#?}");
    reached
}

/// What a federation says about its members' servers leads us to no address of our own network: they
/// are told of a logout only where the federation itself might be asked (decision 53).
#[tokio::test]
async fn t_ssrf_md_a_logout_is_told_to_no_address_that_only_a_source_has_named() {
    for allowed in [false, true] {
        let hostile = Hostile::new();
        let inside = hostile.canary();
        let target = Target::start_with(&hostile.settings_with(allowed)).await;
        let key = target
            .product
            .file("federation.pem", &hostile.federation.certificate_pem());
        let member = told_at(&format!("http://{inside}/_shutdown"));
        let document = hostile.signs(&group("_root", &in_hours(24), &member));
        hostile.server.put("/all", Page::document(document));
        let place = hostile.server.url("/all");
        let add = [
            "metadata", "add", &place, "--key", &key, "--name", "hostile",
        ];
        let role = ["--require-role", "everyone"];
        target.product.cli_list(&[&add[..], &role].concat());
        assert_eq!(is_told_of_a_logout(&target, &hostile).await, allowed);
    }
}

/// Nor does an address that is read again: what it says by then, no administrator has seen.
#[tokio::test]
async fn t_ssrf_md_a_logout_is_told_to_no_address_that_was_named_after_the_registration() {
    for allowed in [false, true] {
        let hostile = Hostile::new();
        let inside = hostile.canary();
        let target = Target::start_with(&hostile.settings_with(allowed)).await;
        let declared = format!("<md:EntityDescriptor xmlns:md=\"{MD}\" ");
        let own = |text: String| text.replacen("<md:EntityDescriptor ", &declared, 1);
        let honest = own(told_at("https://new.example/soap"));
        hostile.server.put("/own", Page::document(honest));
        let place = hostile.server.url("/own");
        let add = ["sp", "add", "--metadata", &place, "--name", "new"];
        let role = ["--require-role", "everyone"];
        target.product.cli_list(&[&add[..], &role].concat());

        let evil = own(told_at(&format!("http://{inside}/_shutdown")));
        hostile.server.put("/own", Page::document(evil));
        target.product.cli(["metadata", "refresh", "new"]);
        assert_eq!(is_told_of_a_logout(&target, &hostile).await, allowed);
    }
}

/// What an address may say of its one entity, and otherwise answer.
fn of_one_entity(hostile: &Hostile, evil: &str) -> Vec<(&'static str, Page)> {
    let documents = untrue_of_one(hostile, evil).into_iter();
    documents
        .map(|(vector, document)| (vector, Page::document(document)))
        .chain(answers_of_one(hostile, evil))
        .collect()
}

fn untrue_of_one(hostile: &Hostile, evil: &str) -> Documents {
    let canary = hostile.canary();
    let of = |from: &str, to: &str| evil.replacen(from, to, 1);
    let entity = "xxe \"http://CANARY/e\"".replace("CANARY", &canary);
    vec![
        (
            "T-MD another entity",
            of(STRANGER, "https://lax.example/saml"),
        ),
        ("T-MD an empty entityID", of(STRANGER, "")),
        (
            "T-MD expired",
            of(
                " entityID=",
                " validUntil=\"2020-01-01T00:00:00Z\" entityID=",
            ),
        ),
        (
            "T-MD an aggregate",
            format!("<md:EntitiesDescriptor xmlns:md=\"{MD}\">{evil}</md:EntitiesDescriptor>"),
        ),
        (
            "T-MD an identity provider",
            evil.replace("SPSSODescriptor", "IDPSSODescriptor"),
        ),
        (
            "T-MD a weak key",
            of("<ds:X509Certificate>MII", "<ds:X509Certificate>AAA"),
        ),
        (
            "T-ACS-SCHEME javascript",
            of("https://evil.example/acs", "javascript:alert(1)"),
        ),
        (
            "T-ACS-SCHEME plain http",
            of("https://evil.example/acs", "http://evil.example/acs"),
        ),
        (
            "T-XXE external entity",
            format!("<!DOCTYPE r [<!ENTITY {entity}>]>{evil}"),
        ),
        ("T-DIFF-1 two roots", evil.repeat(2)),
        ("T-DIFF-2 cut", evil[..evil.len() / 2].to_owned()),
        (
            "T-TYPE a page",
            "<html><body>Sign in</body></html>".to_owned(),
        ),
        ("T-BODY nothing", String::new()),
        (
            "T-BODY two megabytes",
            evil.to_owned() + &" ".repeat(2 << 20),
        ),
    ]
}

fn answers_of_one(hostile: &Hostile, evil: &str) -> Vec<(&'static str, Page)> {
    let canary = hostile.canary();
    let led = |to: &str| Page::redirect(302, to);
    let gzip = |body: Vec<u8>| Page::document(body).with("Content-Encoding", "gzip");
    vec![
        (
            "T-SSRF-MD redirect to this machine",
            led(&format!("http://{canary}/")),
        ),
        (
            "T-SSRF-MD redirect to a cloud's metadata",
            led("http://169.254.169.254/latest/"),
        ),
        ("T-SSRF-MD redirect to a file", led("file:///etc/passwd")),
        ("T-SSRF-MD redirect to itself", led("/own")),
        (
            "T-BODY status 500",
            Page {
                status: 500,
                ..Page::document(evil.to_owned())
            },
        ),
        ("T-BODY status 404", Page::status(404)),
        ("T-DEFLATE not gzip", gzip(evil.to_owned().into_bytes())),
        ("T-DEFLATE gzip bomb", gzip(hostile.bomb.clone())),
    ]
}

/// Whatever an address answers when it is read again, the registration stays as it was.
#[tokio::test]
async fn t_md_t_xxe_t_deflate_a_hostile_address_changes_nothing_of_what_was_registered_from_it() {
    let hostile = Hostile::new();
    let mut target = Target::start_with(&hostile.settings_with(false)).await;
    let own = Sp::new(STRANGER, "https://new.example/acs").metadata("");
    let place = hostile.server.url("/own");
    hostile.server.put("/own", Page::document(own.clone()));
    let add = ["sp", "add", "--metadata", &place, "--name", "new"];
    let role = ["--require-role", "everyone"];
    target.product.cli_list(&[&add[..], &role].concat());
    let show = ["sp", "show", "new", "--json"];
    let before = registration(&target.product.cli(show));
    let evil = own.replace("new.example/acs", "evil.example/acs");
    for (vector, page) in of_one_entity(&hostile, &evil) {
        hostile.server.put("/own", page);
        let said = refusal(&target, &["metadata", "refresh", "new"], vector);
        assert!(!said.is_empty(), "{vector} is taken");
        hostile.untouched(vector);
        let after = registration(&target.product.cli(show));
        assert_eq!(after, before, "{vector} changes the registration");
        target.take_down(vector, steady(&said, &hostile), None);
    }
    hostile.server.put("/own", Page::document(own));
    assert_eq!(
        refusal(&target, &["metadata", "refresh", "new"], "a good one"),
        ""
    );
    insta::assert_snapshot!(target.table());
}

/// What `sp show` says, without when it was read.
fn registration(shown: &str) -> serde_json::Value {
    let mut shown: serde_json::Value = serde_json::from_str(shown).expect("JSON");
    shown["sp"]["refresh"].take();
    shown
}
