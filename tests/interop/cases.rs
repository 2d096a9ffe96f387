//! What every service provider is put through: a person's browser between it and Doorward.

use std::future::Future;
use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;
use serde::Deserialize;

use crate::PASSWORD;
use crate::case::Case;
use crate::logout;
use crate::rollover;
use crate::site::{Kind, Site};
use crate::support::app::Product;
use crate::support::browser::{Answer, Browser};

/// What came of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    Works,
    /// It does, within a limit of the product's own.
    Within(&'static str),
    /// The product offers no such thing.
    Cannot(&'static str),
    Failed(String),
}

/// What came instead of what was expected.
pub(crate) fn instead(answer: &Answer) -> String {
    let text = if answer.reason().is_some() {
        ""
    } else {
        &answer.body
    };
    format!("{} at {} {text}", answer.in_short(), answer.url)
}

/// Who an application says is signed in.
#[derive(Debug, Deserialize)]
struct Identity {
    name_id: String,
    name_id_format: Option<String>,
    values: Vec<String>,
}

/// A way in which product and Doorward are set up together, and the cases that are tried so.
pub(crate) struct Setup {
    pub(crate) name_id: &'static str,
    pub(crate) binding: &'static str,
    /// Whether the service provider has a key, signs, and is registered by its own metadata.
    keyed: bool,
    cases: &'static [Case],
}

const SETUPS: [Setup; 4] = [
    Setup {
        name_id: "persistent",
        binding: "redirect",
        keyed: false,
        cases: &[
            Case::Redirect,
            Case::Persistent,
            Case::IdpInitiated,
            Case::Forced,
            Case::Passive,
            Case::Refused,
        ],
    },
    Setup {
        name_id: "transient",
        binding: "post",
        keyed: false,
        cases: &[Case::Post, Case::Transient],
    },
    Setup {
        name_id: "emailAddress",
        binding: "redirect",
        keyed: true,
        cases: &[
            Case::SignedRedirect,
            Case::EmailAddress,
            Case::SignOutThere,
            Case::SignOutHere,
            Case::Encrypted,
        ],
    },
    Setup {
        name_id: "unspecified",
        binding: "post",
        keyed: true,
        cases: &[
            Case::SignedPost,
            Case::Unspecified,
            Case::OurRollover,
            Case::ItsRollover,
        ],
    },
];

/// Puts one product through all cases, with a Doorward of its own.
pub(crate) async fn all(kind: Kind) -> Vec<(Case, Outcome)> {
    // What a password costs is not what is looked at here.
    let product = Product::serve("argon2.memory_kib = 64\nargon2.iterations = 1").await;
    crate::with_people(&product);
    let mut site = Site::new(kind);
    let acs = site.url(kind.paths().acs);
    product.cli_list(&[
        "sp",
        "add",
        "--name",
        "app",
        "--entity-id",
        &site.entity_id,
        "--acs",
        &acs,
        "--require-role",
        "store",
        "--allow-idp-initiated",
    ]);
    let mut outcomes = Vec::new();
    for setup in &SETUPS {
        let made = attempt(prepare(&product, &mut site, setup)).await;
        for case in setup.cases {
            let outcome = match (&made, cannot(kind, *case)) {
                (_, Some(why)) => Outcome::Cannot(why),
                (Err(why), None) => Outcome::Failed(format!("set-up: {why}")),
                (Ok(()), None) => {
                    match Box::pin(attempt(perform(&product, &mut site, setup, *case))).await {
                        Ok(()) => limit(kind, *case).map_or(Outcome::Works, Outcome::Within),
                        Err(why) => Outcome::Failed(format!("{why}\n{}", site.said())),
                    }
                }
            };
            outcomes.push((*case, outcome));
        }
    }
    outcomes
}

/// What a product does not offer.
fn cannot(kind: Kind, case: Case) -> Option<&'static str> {
    match case {
        Case::Post | Case::SignedPost if !kind.posts() => {
            Some("sends its requests by HTTP-Redirect only")
        }
        Case::Redirect | Case::Post if !kind.leaves_unsigned() => Some("signs every request"),
        Case::Forced if kind.paths().forced.is_none() => Some("cannot ask for ForceAuthn"),
        Case::Passive if kind.paths().passive.is_none() => Some("cannot ask for IsPassive"),
        _ => None,
    }
}

/// Where what a product does ends.
fn limit(kind: Kind, case: Case) -> Option<&'static str> {
    (kind == Kind::Mellon && case == Case::SignOutHere).then_some(
        "only while the person has one session there: it looks for the NameID alone and then refuses the \
         SessionIndex of another one (issue 140 of mod_auth_mellon)",
    )
}

/// Runs it; an assertion that does not hold is a failure like any other.
async fn attempt(case: impl Future<Output = Result<(), String>>) -> Result<(), String> {
    match AssertUnwindSafe(case).catch_unwind().await {
        Ok(outcome) => outcome,
        Err(panic) => Err(panic
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| panic.downcast_ref::<&str>().map(|&text| text.to_owned()))
            .unwrap_or_else(|| "an assertion failed".to_owned())),
    }
}

/// Registers, configures and starts; with a key, what the product publishes about itself is what
/// Doorward then knows of it.
async fn prepare(product: &Product, site: &mut Site, setup: &Setup) -> Result<(), String> {
    let mut update = vec!["sp", "update", "app", "--nameid", setup.name_id];
    update.extend(["--encrypt", "auto"]);
    let slo = site.kind.paths().slo.map(|path| site.url(path));
    let certificate = product.file("sp-cert.pem", &site.keys.certificate_pem());
    if setup.keyed {
        update.extend(["--certificate", &certificate, "--require-signed-requests"]);
        update.extend(slo.iter().flat_map(|slo| ["--slo", slo]));
    } else if !site.kind.leaves_unsigned() {
        update.extend(["--certificate", &certificate]);
    }
    product.cli_list(&update);
    site.restart(product, setup.binding).await;
    if setup.keyed {
        let published = site.url(site.kind.paths().metadata);
        product.cli_list(&["sp", "update", "app", "--metadata", &published]);
    }
    Ok(())
}

async fn perform(
    product: &Product,
    site: &mut Site,
    setup: &Setup,
    case: Case,
) -> Result<(), String> {
    let paths = site.kind.paths();
    let browser = fresh(product, site);
    let login = site.url(paths.login);
    match case {
        Case::IdpInitiated => {
            let start = product.idp("/saml/idp-initiated?sp=app");
            signed_in(site, &browser, &start, setup).await
        }
        Case::Forced => {
            signed_in(site, &browser, &login, setup).await?;
            let forced = format!("{login}{}", paths.forced.unwrap_or_default());
            signed_in(site, &browser, &forced, setup).await
        }
        Case::Passive => Box::pin(passive(site, &browser, setup)).await,
        Case::Refused => refused(product, site, &browser).await,
        Case::Encrypted => encrypted(product, site, setup).await,
        Case::SignOutThere => logout::there(product, site, setup, &browser).await,
        Case::SignOutHere => {
            if limit(site.kind, case).is_some() {
                // Forgets the sessions of the cases before.
                site.restart(product, setup.binding).await;
            }
            Box::pin(logout::here(product, site, setup, &browser)).await
        }
        Case::OurRollover => rollover::our_key(product, site, setup).await,
        Case::ItsRollover => rollover::its_key(product, site, setup).await,
        _ => signed_in(site, &browser, &login, setup).await,
    }
}

/// The page at the end of what a product does by itself: redirects, and pages that post.
pub(crate) async fn arrive(browser: &Browser, start: &str) -> Answer {
    let answer = browser.visit(start).await;
    if answer.posts_a_request() {
        return browser.deliver(&answer).await;
    }
    answer
}

/// Ada is asked for her password, and then the application knows her.
pub(crate) async fn signed_in(
    site: &Site,
    browser: &Browser,
    start: &str,
    setup: &Setup,
) -> Result<(), String> {
    let form = arrive(browser, start).await;
    if !form.asks_to_sign_in() {
        return Err(format!("no sign-in form: {}", instead(&form)));
    }
    let answer = browser.sign_in(&form, "ada", PASSWORD).await;
    if answer.encoded_response().is_none() {
        return Err(format!("no Response: {}", instead(&answer)));
    }
    let home = browser.deliver(&answer).await;
    knows_ada(site, browser, setup)
        .await
        .map_err(|why| format!("{why}: {}", instead(&home)))
}

async fn knows_ada(site: &Site, browser: &Browser, setup: &Setup) -> Result<(), String> {
    let identity = who(site, browser).await.ok_or("it knows nobody")?;
    let format = identity.name_id_format.as_deref();
    if format.is_some_and(|format| !format.ends_with(&format!(":{}", setup.name_id))) {
        return Err(format!("the NameID has another format: {format:?}"));
    }
    let wrong = match setup.name_id {
        "emailAddress" => identity.name_id != "ada@example.org",
        "unspecified" => identity.name_id != "ada",
        _ => identity.name_id.is_empty() || identity.name_id.contains("ada"),
    };
    if wrong {
        return Err(format!("the NameID is {}", identity.name_id));
    }
    for released in ["ada@example.org", "ada", "store"] {
        if !identity.values.iter().any(|value| value == released) {
            return Err(format!("{released} is not in {:?}", identity.values));
        }
    }
    Ok(())
}

pub(crate) async fn is_known(site: &Site, browser: &Browser) -> bool {
    who(site, browser).await.is_some()
}

async fn who(site: &Site, browser: &Browser) -> Option<Identity> {
    let answer = browser.get(&site.url(site.kind.paths().who)).await;
    if answer.status != 200 {
        return None;
    }
    serde_json::from_str(&answer.body).ok()
}

/// Nobody is asked: without a session the application hears NoPassive, with one it knows Ada.
async fn passive(site: &Site, browser: &Browser, setup: &Setup) -> Result<(), String> {
    let paths = site.kind.paths();
    let login = site.url(paths.login);
    let passive = format!("{login}{}", paths.passive.unwrap_or_default());
    let answer = arrive(browser, &passive).await;
    if !answer.in_short().contains("NoPassive") {
        return Err(format!("not NoPassive: {}", instead(&answer)));
    }
    browser.deliver(&answer).await;
    if who(site, browser).await.is_some() {
        return Err("NoPassive let somebody in".to_owned());
    }
    signed_in(site, browser, &login, setup).await?;
    let answer = arrive(browser, &passive).await;
    if answer.in_short() != "assertion" {
        return Err(format!("no assertion: {}", instead(&answer)));
    }
    browser.deliver(&answer).await;
    knows_ada(site, browser, setup).await
}

/// Nothing about Ada leaves in plain, and the application reads it all the same.
async fn encrypted(product: &Product, site: &mut Site, setup: &Setup) -> Result<(), String> {
    // Not every product names a key for encryption before it is told that there will be any.
    let certificate = product.file("sp-cert.pem", &site.keys.certificate_pem());
    let update = ["sp", "update", "app", "--encrypt", "always"];
    product.cli_list(&[&update[..], &["--encryption-certificate", &certificate]].concat());
    site.restart(product, setup.binding).await;
    let browser = fresh(product, site);
    let form = arrive(&browser, &site.url(site.kind.paths().login)).await;
    let answer = browser.sign_in(&form, "ada", PASSWORD).await;
    let (_, message) = answer.response().ok_or_else(|| instead(&answer))?;
    if message.encryption.is_none() {
        return Err("the assertion came in plain".to_owned());
    }
    let home = browser.deliver(&answer).await;
    let known = knows_ada(site, &browser, setup).await;
    known.map_err(|why| format!("{why}: {}", instead(&home)))
}

/// Grace lacks the role: she gets a page, the application nothing; told by a status it lets nobody in.
async fn refused(product: &Product, site: &Site, browser: &Browser) -> Result<(), String> {
    let login = site.url(site.kind.paths().login);
    let form = arrive(browser, &login).await;
    let page = browser.sign_in(&form, "grace", PASSWORD).await;
    if page.in_short() != "403 missing-role" || page.encoded_response().is_some() {
        return Err(format!("not refused: {}", page.in_short()));
    }
    product.cli(["sp", "update", "app", "--denied", "status"]);
    let answer = arrive(browser, &login).await;
    product.cli(["sp", "update", "app", "--denied", "page"]);
    if !answer.in_short().contains("RequestDenied") {
        return Err(format!("not RequestDenied: {}", answer.in_short()));
    }
    browser.deliver(&answer).await;
    match who(site, browser).await {
        Some(identity) => Err(format!("it let her in: {identity:?}")),
        None => Ok(()),
    }
}

/// A browser in which nobody is signed in.
fn fresh(product: &Product, site: &Site) -> Browser {
    let browser = product.browser().beside(&site.base);
    // What is encrypted to it is read as it would be.
    browser.decrypting(&site.keys.key_pem())
}
