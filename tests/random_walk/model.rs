//! What ought to happen, in as few words as possible: the promise without protocol, database and
//! HTTP. The walk holds the product against it.

use std::collections::BTreeSet;

use proptest::collection::{btree_set, vec};
use proptest::prelude::*;

pub(crate) const USERS: usize = 4;
pub(crate) const DOORS: usize = 4;
pub(crate) const BROWSERS: usize = 3;
/// Roles by number; the last one stands for `everyone`.
pub(crate) const ROLES: usize = 5;
pub(crate) const EVERYONE: usize = 4;

/// What somebody does.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// Opens Doorward's own page, and fills in the form if there is one.
    SignIn {
        browser: usize,
        who: Credentials,
    },
    SignOut {
        browser: usize,
    },
    Grant {
        user: usize,
        role: usize,
    },
    Revoke {
        user: usize,
        role: usize,
    },
    Disable {
        user: usize,
    },
    Enable {
        user: usize,
    },
    /// An administrator changes a registration.
    ReRegister {
        door: usize,
        registration: Registration,
    },
    /// Comes from an app; fills in the form if there is one and somebody is said, else leaves it.
    SignOn {
        browser: usize,
        door: usize,
        way: Way,
        who: Option<Credentials>,
    },
    /// Everybody goes home: longer than a session may idle.
    Night,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Credentials {
    pub(crate) user: usize,
    pub(crate) right: bool,
}

/// How an app sends somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Redirect,
    Post,
    Passive,
    Force,
    ForcePassive,
    IdpInitiated,
}

/// A door as registered.
#[derive(Debug, Clone)]
pub(crate) struct Registration {
    pub(crate) roles: BTreeSet<usize>,
    pub(crate) asks: Asks,
    pub(crate) enabled: bool,
    /// `--denied status`.
    pub(crate) tells_sp: bool,
    pub(crate) idp_initiated: bool,
    /// Which address it takes Responses at.
    pub(crate) acs: u8,
    /// `--sign`: both, assertion, response.
    pub(crate) sign: u8,
}

/// How many of its roles a door asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asks {
    Any,
    All,
}

/// What comes of a sign-on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The sign-in form.
    Form,
    /// A page of ours with this reason code.
    Page(&'static str),
    /// A Response without an assertion, with this status.
    Status(&'static str),
    /// An assertion about this user with these roles.
    Assertion { user: usize, roles: BTreeSet<usize> },
    /// Doorward's own page, with these doors on it.
    Launcher { doors: BTreeSet<usize> },
}

#[derive(Debug, Clone, Default)]
struct User {
    roles: BTreeSet<usize>,
    disabled: bool,
}

/// Who holds what, what is registered how, and who sits where.
#[derive(Debug, Clone)]
pub(crate) struct Model {
    users: Vec<User>,
    doors: Vec<Registration>,
    browsers: Vec<Option<usize>>,
}

impl Model {
    pub(crate) fn new() -> Self {
        Self {
            users: vec![User::default(); USERS],
            doors: (0..DOORS).map(Registration::at_first).collect(),
            browsers: vec![None; BROWSERS],
        }
    }

    pub(crate) fn door(&self, door: usize) -> &Registration {
        &self.doors[door]
    }

    /// Steps that change what is known, and show nothing.
    pub(crate) fn apply(&mut self, step: &Step) {
        match step {
            Step::Grant { user, role } => {
                self.users[*user].roles.insert(*role);
            }
            Step::Revoke { user, role } => {
                self.users[*user].roles.remove(role);
            }
            Step::Disable { user } => self.users[*user].disabled = true,
            Step::Enable { user } => self.users[*user].disabled = false,
            Step::ReRegister { door, registration } => self.doors[*door] = registration.clone(),
            Step::SignOut { browser } => self.browsers[*browser] = None,
            Step::Night => self.browsers.fill(None),
            Step::SignIn { .. } | Step::SignOn { .. } => {}
        }
    }

    /// Whether these credentials open a session; if so they do.
    pub(crate) fn sign_in(&mut self, browser: usize, who: Credentials) -> bool {
        let opens = who.right && !self.users[who.user].disabled;
        if opens {
            self.browsers[browser] = Some(who.user);
        }
        opens
    }

    /// What Doorward's own page shows.
    pub(crate) fn launcher(&self, browser: usize) -> Outcome {
        match self.browsers[browser].filter(|user| !self.users[*user].disabled) {
            None => Outcome::Form,
            Some(user) => {
                let is_open = |door: &usize| {
                    self.doors[*door].enabled && self.doors[*door].admits(&self.users[user].roles)
                };
                Outcome::Launcher {
                    doors: (0..DOORS).filter(is_open).collect(),
                }
            }
        }
    }

    /// What an app's sign-on comes to; `fresh` right after the form was filled in for it.
    pub(crate) fn sign_on(&self, browser: usize, door: usize, way: Way, fresh: bool) -> Outcome {
        let registration = &self.doors[door];
        if way == Way::IdpInitiated && !registration.idp_initiated {
            return Outcome::Page("idp-initiated-not-allowed");
        }
        if !registration.enabled {
            return Outcome::Page("sp-disabled");
        }
        let forced = matches!(way, Way::Force | Way::ForcePassive) && !fresh;
        let session = self.browsers[browser].filter(|_| !forced);
        let refused = match session {
            None => None,
            Some(user) if self.users[user].disabled => Some("user-disabled"),
            Some(user) if registration.admits(&self.users[user].roles) => {
                return Outcome::Assertion {
                    user,
                    roles: self.released(user, registration),
                };
            }
            Some(_) => Some("missing-role"),
        };
        match refused {
            _ if matches!(way, Way::Passive | Way::ForcePassive) => {
                Outcome::Status("Responder/NoPassive")
            }
            None => Outcome::Form,
            Some(_) if registration.tells_sp => Outcome::Status("Responder/RequestDenied"),
            Some(reason) => Outcome::Page(reason),
        }
    }

    /// The roles that the rule names and the user holds. `everyone` is nobody's in particular.
    fn released(&self, user: usize, registration: &Registration) -> BTreeSet<usize> {
        self.users[user]
            .roles
            .intersection(&registration.roles)
            .copied()
            .collect()
    }
}

impl Registration {
    /// Door N asks for role N.
    fn at_first(door: usize) -> Self {
        Self {
            roles: BTreeSet::from([door]),
            asks: Asks::Any,
            enabled: true,
            tells_sp: false,
            idp_initiated: true,
            acs: 0,
            sign: 0,
        }
    }

    fn admits(&self, held: &BTreeSet<usize>) -> bool {
        let mut holds = self
            .roles
            .iter()
            .map(|role| *role == EVERYONE || held.contains(role));
        match self.asks {
            Asks::Any => holds.any(|holds| holds),
            Asks::All => holds.all(|holds| holds),
        }
    }
}

/// A random walk of so many steps.
pub(crate) fn walk(length: usize) -> impl Strategy<Value = Vec<Step>> {
    vec(step(), length)
}

fn step() -> impl Strategy<Value = Step> {
    let from_app = (
        0..BROWSERS,
        0..DOORS,
        way(),
        proptest::option::weighted(0.6, credentials()),
    )
        .prop_map(|(browser, door, way, who)| Step::SignOn {
            browser,
            door,
            way,
            who,
        });
    let by_itself =
        (0..BROWSERS, credentials()).prop_map(|(browser, who)| Step::SignIn { browser, who });
    prop_oneof![
        60 => from_app,
        6 => by_itself,
        3 => (0..BROWSERS).prop_map(|browser| Step::SignOut { browser }),
        10 => (0..USERS, 0..EVERYONE).prop_map(|(user, role)| Step::Grant { user, role }),
        8 => (0..USERS, 0..EVERYONE).prop_map(|(user, role)| Step::Revoke { user, role }),
        2 => (0..USERS).prop_map(|user| Step::Disable { user }),
        4 => (0..USERS).prop_map(|user| Step::Enable { user }),
        6 => (0..DOORS, registration())
            .prop_map(|(door, registration)| Step::ReRegister { door, registration }),
        1 => Just(Step::Night),
    ]
}

fn way() -> impl Strategy<Value = Way> {
    prop_oneof![
        8 => Just(Way::Redirect),
        4 => Just(Way::Post),
        2 => Just(Way::Passive),
        2 => Just(Way::Force),
        1 => Just(Way::ForcePassive),
        2 => Just(Way::IdpInitiated),
    ]
}

fn credentials() -> impl Strategy<Value = Credentials> {
    (0..USERS, proptest::bool::weighted(0.9)).prop_map(|(user, right)| Credentials { user, right })
}

prop_compose! {
    fn registration()(
        roles in btree_set(0..ROLES, 1..3),
        asks in prop_oneof![Just(Asks::Any), Just(Asks::All)],
        enabled in proptest::bool::weighted(0.9),
        tells_sp in proptest::bool::weighted(0.3),
        idp_initiated in proptest::bool::weighted(0.7),
        acs in 0..3u8,
        sign in 0..3u8,
    ) -> Registration {
        Registration { roles, asks, enabled, tells_sp, idp_initiated, acs, sign }
    }
}
