//! Takes the steps, in the model and in the world, and compares.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use jiff::Timestamp;

use crate::model::{BROWSERS, Credentials, DOORS, Model, Outcome, Step, Way};
use crate::support::browser::{decoded, encoded, filled_in};
use crate::support::sp::{AuthnRequest, Sp, redirect_query};
use crate::world::{
    From, ORIGIN, Page, World, acs, door_name, entity_id, password, role_name, user_name,
};

pub(crate) static STEPS: AtomicUsize = AtomicUsize::new(0);
pub(crate) static ASSERTIONS: AtomicUsize = AtomicUsize::new(0);
pub(crate) static REFUSALS: AtomicUsize = AtomicUsize::new(0);
/// One Response in so many is verified by xmlsec1 and the schemas.
const SAMPLE: usize = 200;

struct Walker {
    model: Model,
    world: World,
    sps: Vec<Sp>,
    /// The NameID of each user at each door, from when it was first seen.
    name_ids: BTreeMap<(usize, usize), String>,
    assertions: usize,
}

/// What an app sent somebody with.
struct Sent {
    door: usize,
    request: Option<AuthnRequest>,
}

/// Goes the whole way, or says where the two part.
pub(crate) async fn walk(steps: &[Step]) -> Result<(), String> {
    let mut walker = Walker {
        model: Model::new(),
        world: World::new(BROWSERS).await,
        sps: (0..DOORS)
            .map(|door| Sp::new(&entity_id(door), &acs(door, 0)))
            .collect(),
        name_ids: BTreeMap::new(),
        assertions: 0,
    };
    for (number, step) in steps.iter().enumerate() {
        walker
            .take(step)
            .await
            .map_err(|error| format!("step {number}, {step:?}: {error}"))?;
        walker.world.pass(Duration::from_secs(1));
        STEPS.fetch_add(1, Ordering::Relaxed);
    }
    let audited = walker.world.audited_assertions().await;
    same("assertions in the audit log", &audited, &walker.assertions)
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, got: &T, expected: &T) -> Result<(), String> {
    if got == expected {
        Ok(())
    } else {
        Err(format!("{what}: got {got:?}, expected {expected:?}"))
    }
}

impl Walker {
    async fn take(&mut self, step: &Step) -> Result<(), String> {
        self.model.apply(step);
        match step {
            Step::Grant { user, role } => self.world.grant(*user, *role).await,
            Step::Revoke { user, role } => self.world.revoke(*user, *role).await,
            Step::Disable { user } => self.world.set_disabled(*user, true).await,
            Step::Enable { user } => self.world.set_disabled(*user, false).await,
            Step::ReRegister { door, registration } => {
                self.sps[*door].acs = acs(*door, registration.acs);
                self.world.re_register(*door, registration).await;
            }
            Step::Night => self.world.pass(Duration::from_hours(3)),
            Step::SignOut { browser } => self.sign_out(*browser).await,
            Step::SignIn { browser, who } => return self.sign_in(*browser, *who).await,
            Step::SignOn {
                browser,
                door,
                way,
                who,
            } => {
                return self.sign_on(*browser, *door, *way, *who).await;
            }
        }
        Ok(())
    }

    async fn sign_out(&mut self, browser: usize) {
        let page = self.world.visit(browser, "/logout").await;
        let form = page
            .forms()
            .into_iter()
            .find(|form| form.action == "/logout");
        if let Some(form) = form {
            self.world
                .post(browser, "/logout", &form.fields, From::Ourselves)
                .await;
        }
    }

    /// Doorward's own page, through its form if there is one.
    async fn sign_in(&mut self, browser: usize, who: Credentials) -> Result<(), String> {
        let page = self.world.visit(browser, "/").await;
        let expected = self.model.launcher(browser);
        same("the front page", &launcher(&page), &expected)?;
        if expected == Outcome::Form {
            let page = self.fill_in(browser, &page, who).await;
            self.model.sign_in(browser, who);
            same(
                "after the form",
                &launcher(&page),
                &self.model.launcher(browser),
            )?;
        }
        Ok(())
    }

    async fn sign_on(
        &mut self,
        browser: usize,
        door: usize,
        way: Way,
        who: Option<Credentials>,
    ) -> Result<(), String> {
        let (sent, page) = self.sent_by_app(browser, door, way).await;
        let expected = self.model.sign_on(browser, door, way, false);
        self.compare(&sent, &page, &expected)?;
        if let (Outcome::Form, Some(who)) = (expected, who) {
            let page = self.fill_in(browser, &page, who).await;
            let expected = if self.model.sign_in(browser, who) {
                self.model.sign_on(browser, door, way, true)
            } else {
                Outcome::Form
            };
            self.compare(&sent, &page, &expected)?;
        }
        Ok(())
    }

    async fn sent_by_app(&mut self, browser: usize, door: usize, way: Way) -> (Sent, Page) {
        if way == Way::IdpInitiated {
            let path = format!(
                "/saml/idp-initiated?sp={}&RelayState=unsolicited",
                door_name(door)
            );
            let page = self.world.visit(browser, &path).await;
            return (
                Sent {
                    door,
                    request: None,
                },
                page,
            );
        }
        let flags = match way {
            Way::Passive => "IsPassive=\"true\"",
            Way::Force => "ForceAuthn=\"true\"",
            Way::ForcePassive => "ForceAuthn=\"1\" IsPassive=\"1\"",
            Way::Redirect | Way::Post | Way::IdpInitiated => "",
        };
        let mut request = self.sps[door]
            .request(&format!("{ORIGIN}/saml/sso"))
            .with(flags);
        let now = Timestamp::from_millisecond(self.world.clock.now().millis()).expect("an instant");
        request.issue_instant = now.to_string();
        let page = if way == Way::Post {
            let message = ("SAMLRequest".to_owned(), encoded(&request.xml()));
            let fields = [message, ("RelayState".to_owned(), request.id.clone())];
            self.world
                .post(browser, "/saml/sso", &fields, From::AnotherSite)
                .await
        } else {
            let query = redirect_query(&request.xml(), Some(&request.id));
            self.world
                .visit(browser, &format!("/saml/sso?{query}"))
                .await
        };
        (
            Sent {
                door,
                request: Some(request),
            },
            page,
        )
    }

    async fn fill_in(&mut self, browser: usize, page: &Page, who: Credentials) -> Page {
        let form = page.sign_in_form().expect("a form was just seen");
        let secret = if who.right {
            password(who.user)
        } else {
            "not the password".to_owned()
        };
        let form = filled_in(form, &user_name(who.user), &secret);
        self.world
            .post(browser, &form.action, &form.fields, From::Ourselves)
            .await
    }

    /// Holds what a browser got against what the model says.
    fn compare(&mut self, sent: &Sent, page: &Page, expected: &Outcome) -> Result<(), String> {
        let Some(form) = page
            .forms()
            .into_iter()
            .find(|form| form.value("SAMLResponse").is_some())
        else {
            let got = match (page.sign_in_form(), reason(page)) {
                (Some(_), None) => "form".to_owned(),
                (_, Some(reason)) => reason,
                (None, None) => format!("{} {}", page.status, page.body),
            };
            let wanted = match expected {
                Outcome::Form => "form",
                Outcome::Page(reason) => *reason,
                other => return Err(format!("got {got}, expected {other:?}")),
            };
            REFUSALS.fetch_add(usize::from(got != "form"), Ordering::Relaxed);
            return same("the page", &got.as_str(), &wanted);
        };
        let relay_state = sent
            .request
            .as_ref()
            .map_or("unsolicited", |request| &request.id);
        same("RelayState", &form.value("RelayState"), &Some(relay_state))?;
        same("the address", &form.action, &self.sps[sent.door].acs)?;
        self.compare_response(
            sent,
            &decoded(form.value("SAMLResponse").unwrap_or_default()),
            expected,
        )
    }

    fn compare_response(
        &mut self,
        sent: &Sent,
        xml: &str,
        expected: &Outcome,
    ) -> Result<(), String> {
        let got = match between(xml, "<saml:NameID", "</saml:NameID>").as_slice() {
            [] => {
                REFUSALS.fetch_add(1, Ordering::Relaxed);
                Outcome::Status(status(xml))
            }
            [name_id] => {
                ASSERTIONS.fetch_add(1, Ordering::Relaxed);
                self.assertions += 1;
                let user = self.whose(
                    sent.door,
                    name_id.rsplit('>').next().unwrap_or_default(),
                    expected,
                );
                Outcome::Assertion {
                    user: user?,
                    roles: roles(xml),
                }
            }
            several => return Err(format!("{} NameIDs", several.len())),
        };
        same("the answer", &got, expected)?;
        let request = sent.request.as_ref().map(|request| request.id.as_str());
        let answered: BTreeSet<_> = between(xml, " InResponseTo=\"", "\"").into_iter().collect();
        same("InResponseTo", &answered, &request.into_iter().collect())?;
        let door = &self.sps[sent.door];
        if matches!(got, Outcome::Assertion { .. }) {
            same(
                "Audience",
                &between(xml, "<saml:Audience>", "<"),
                &vec![door.entity_id.as_str()],
            )?;
            same(
                "Recipient",
                &between(xml, " Recipient=\"", "\""),
                &vec![door.acs.as_str()],
            )?;
        }
        if (ASSERTIONS.load(Ordering::Relaxed) + REFUSALS.load(Ordering::Relaxed)) % SAMPLE == 1 {
            self.sample(sent, xml, expected)?;
        }
        Ok(())
    }

    /// A pairwise id stands for one person at one door, always the same, and nowhere else.
    fn whose(&mut self, door: usize, name_id: &str, expected: &Outcome) -> Result<usize, String> {
        let known = self.name_ids.iter().find(|(_, known)| *known == name_id);
        if let Some(((user, at), _)) = known {
            same("where a NameID is known", at, &door)?;
            return Ok(*user);
        }
        let Outcome::Assertion { user, .. } = expected else {
            return Err(format!("an assertion instead of {expected:?}"));
        };
        let before = self.name_ids.insert((*user, door), name_id.to_owned());
        same("the NameID of before", &before, &None)?;
        Ok(*user)
    }

    /// The second opinion (see `support::oracle`).
    fn sample(&self, sent: &Sent, xml: &str, expected: &Outcome) -> Result<(), String> {
        let message = self.world.oracle.check(xml);
        let door = &self.sps[sent.door];
        same(
            "Destination",
            &message.destination.as_deref(),
            &Some(door.acs.as_str()),
        )?;
        if let (Some(assertion), Outcome::Assertion { roles, .. }) = (&message.assertion, expected)
        {
            same(
                "audiences",
                &assertion.audiences,
                &vec![door.entity_id.clone()],
            )?;
            let told: BTreeSet<_> = assertion
                .values_of("role")
                .into_iter()
                .map(str::to_owned)
                .collect();
            let named = roles
                .iter()
                .map(|role| role_name(*role).as_str().to_owned())
                .collect();
            same("roles", &told, &named)?;
            let signed: &[&str] = match self.model.door(sent.door).sign {
                0 => &["Response", "Assertion"],
                1 => &["Assertion"],
                _ => &["Response"],
            };
            same("what is signed", &message.signed().as_slice(), &signed)?;
        }
        Ok(())
    }
}

fn launcher(page: &Page) -> Outcome {
    if page.sign_in_form().is_some() {
        return Outcome::Form;
    }
    let is_shown = |door: &usize| page.body.contains(&format!(">{}<", door_name(*door)));
    Outcome::Launcher {
        doors: (0..DOORS).filter(is_shown).collect(),
    }
}

fn reason(page: &Page) -> Option<String> {
    let found = between(&page.body, "href=\"/reasons/", "\"");
    found.first().map(|reason| (*reason).to_owned())
}

fn status(xml: &str) -> &'static str {
    let codes = between(xml, "urn:oasis:names:tc:SAML:2.0:status:", "\"").join("/");
    let known = ["Responder/NoPassive", "Responder/RequestDenied"];
    known
        .into_iter()
        .find(|known| *known == codes)
        .unwrap_or("another status")
}

/// The roles in a Response, by their numbers.
fn roles(xml: &str) -> BTreeSet<usize> {
    let attribute = between(xml, " Name=\"role\"", "</saml:Attribute>");
    let values = attribute
        .iter()
        .flat_map(|text| between(text, ">role", "<"));
    values.filter_map(|number| number.parse().ok()).collect()
}

/// Every text between a start and the next end.
fn between<'a>(text: &'a str, start: &str, end: &str) -> Vec<&'a str> {
    let parts = text.split(start).skip(1);
    parts.filter_map(|part| part.split(end).next()).collect()
}
