//! Two hundred people who sign in, come and go while something breaks, and what became of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use crate::cluster::{Cluster, account};
use crate::person::{Entered, Person};

pub(crate) const PEOPLE: usize = 200;
/// How long somebody stays at an app before going on, unless the machine is slower than that.
const PAUSE: Duration = Duration::from_secs(12);
/// With this visit somebody comes with a browser that nobody has used.
const NEW_BROWSER: usize = 4;
/// How long somebody waits before trying again what failed; with each try longer, as people do.
const BEFORE_A_RETRY: Duration = Duration::from_secs(1);
/// How long after all is over somebody goes on trying: nginx leaves a node out for 5 s.
const GIVEN_UP_AFTER: Duration = Duration::from_secs(12);
/// How many people sign in at the same time at first: few enough that no answer takes the 4 s after which
/// nginx asks elsewhere, on a machine that has other things to do as well.
const AT_THE_DOOR: usize = 6;

/// A thread that wants to sleep for so long notices by how much longer it slept.
const NAP: Duration = Duration::from_millis(20);

/// What went on while it broke.
pub(crate) struct Load {
    began: Instant,
    pause: Duration,
    /// Since when nobody begins anything new.
    over: OnceLock<Instant>,
    told: Mutex<Report>,
    /// People whose role was taken, and since when that holds.
    revoked: Mutex<BTreeMap<String, Instant>>,
}

/// What became of everybody.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// When everybody had signed in, in seconds since 1970.
    pub(crate) began: f64,
    pub(crate) visits: usize,
    pub(crate) sign_ins: usize,
    pub(crate) refusals: usize,
    pub(crate) failures: Vec<Failure>,
    /// People who had a session and were asked for the password again.
    pub(crate) lost: Vec<String>,
    /// People who got in, or not, against their roles.
    pub(crate) wrong: Vec<String>,
    pub(crate) assertions: Vec<String>,
    pub(crate) slowest: Duration,
    /// For how long the machine had no time for somebody who was ready: so late any clock of nginx may
    /// be read.
    pub(crate) stood_still: Duration,
}

/// A visit that did not end as it should, and what came of trying again.
#[derive(Debug)]
pub(crate) struct Failure {
    /// Since the load began.
    pub(crate) at: Duration,
    pub(crate) why: String,
    /// How many more tries it took.
    pub(crate) tries: usize,
    /// Whether one of them worked.
    pub(crate) recovered: bool,
}

impl Failure {
    pub(crate) fn in_words(&self) -> String {
        format!("after {:.1} s: {}", self.at.as_secs_f64(), self.why)
    }
}

impl Load {
    pub(crate) fn now(&self) -> Duration {
        self.began.elapsed()
    }

    /// Whether what fails now fails for good.
    fn is_given_up(&self) -> bool {
        let over = self.over.get();
        over.is_some_and(|since| since.elapsed() > GIVEN_UP_AFTER)
    }

    fn watch_the_machine(&self) {
        while self.over.get().is_none() {
            let slept = Instant::now();
            std::thread::sleep(NAP);
            let longer = slept.elapsed().saturating_sub(NAP);
            let mut told = self.told.lock().unwrap();
            told.stood_still = told.stood_still.max(longer);
        }
    }

    /// From now on these people may not publish.
    pub(crate) fn revoke(&self, cluster: &Cluster, numbers: impl IntoIterator<Item = usize>) {
        for number in numbers {
            self.revoke_one(cluster, number);
        }
    }

    fn revoke_one(&self, cluster: &Cluster, number: usize) {
        let name = account(number).name;
        cluster.cli(&["user", "revoke", &name, "publisher"]);
        self.revoked.lock().unwrap().insert(name, Instant::now());
    }
}

/// Everybody signs in; then they come and go until `fault` returns; then each comes once more.
pub(crate) fn under_load(cluster: &Cluster, fault: impl FnOnce(&Load)) -> Report {
    let load = Load {
        began: Instant::now(),
        pause: PAUSE,
        over: OnceLock::new(),
        told: Mutex::default(),
        revoked: Mutex::default(),
    };
    let mut people: Vec<Visitor> = (0..PEOPLE)
        .map(|number| Visitor::new(cluster, number))
        .collect();
    each_of(&mut people, |visitor| visitor.visit(cluster, &load, 1));
    let first = std::mem::take(&mut *load.told.lock().unwrap());
    // A machine that is that busy may let somebody try twice; what counts comes after this.
    let failed: Vec<_> = first.failures.iter().map(Failure::in_words).collect();
    assert!(
        first.failures.iter().all(|failure| failure.recovered),
        "before anything broke: {failed:?}"
    );
    // Of a machine that is busy with other things no more is asked than it can do besides.
    let load = Load {
        pause: PAUSE.max(load.now() * 2),
        began: Instant::now(),
        ..load
    };
    {
        let mut told = load.told.lock().unwrap();
        told.assertions = first.assertions;
        told.began = epoch();
    }
    std::thread::scope(|scope| {
        scope.spawn(|| load.watch_the_machine());
        for (number, visitor) in people.iter_mut().enumerate() {
            let load = &load;
            scope.spawn(move || visitor.come_and_go(cluster, load, number));
        }
        // Also where `fault` fails: else those threads would go on for ever.
        let _over = Over(&load);
        fault(&load);
    });
    each_of(&mut people, |visitor| visitor.visit(cluster, &load, 1));
    load.told.into_inner().unwrap()
}

/// The clock of nginx's log.
pub(crate) fn epoch() -> f64 {
    std::time::UNIX_EPOCH.elapsed().unwrap().as_secs_f64()
}

struct Over<'l>(&'l Load);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        let _ = self.0.over.set(Instant::now());
    }
}

/// A few at a time.
fn each_of(people: &mut [Visitor], act: impl Fn(&mut Visitor) + Sync) {
    let share = people.len().div_ceil(AT_THE_DOOR);
    std::thread::scope(|scope| {
        for some in people.chunks_mut(share) {
            let act = &act;
            scope.spawn(move || some.iter_mut().for_each(act));
        }
    });
}

struct Visitor {
    person: Person,
    /// Whether this browser has a session at the identity provider.
    is_signed_in: bool,
}

impl Visitor {
    fn new(cluster: &Cluster, number: usize) -> Self {
        Self {
            person: Person::new(&account(number), &cluster.wire),
            is_signed_in: false,
        }
    }

    fn come_and_go(&mut self, cluster: &Cluster, load: &Load, number: usize) {
        let share = u32::try_from(number).unwrap();
        let mut next = load.began + load.pause * share / u32::try_from(PEOPLE).unwrap();
        let mut turn = number;
        loop {
            while Instant::now() < next {
                if load.over.get().is_some() {
                    return;
                }
                std::thread::sleep(Duration::from_millis(50));
            }
            if turn.is_multiple_of(NEW_BROWSER) {
                self.person.anew(&cluster.wire);
                self.is_signed_in = false;
            }
            self.visit(cluster, load, 1 + turn % 2);
            turn += 1;
            next = Instant::now() + load.pause;
        }
    }

    /// One app, tried again until it works or it is clear that it does not.
    fn visit(&mut self, cluster: &Cluster, load: &Load, app: usize) {
        let (at, url) = (load.now(), cluster.url(app));
        let mut why = None;
        let mut tries = 0;
        let recovered = loop {
            match self.try_once(load, &url, app == 2) {
                Ok(()) => break true,
                Err(_) if tries > 0 && load.is_given_up() => break false,
                Err(error) => {
                    why.get_or_insert(error);
                }
            }
            tries += 1;
            let patience = u32::try_from(tries.min(4)).unwrap();
            std::thread::sleep(BEFORE_A_RETRY * patience);
        };
        let mut told = load.told.lock().unwrap();
        told.visits += 1;
        told.assertions.append(&mut self.person.assertions);
        told.failures.extend(why.map(|why| Failure {
            at,
            why,
            tries,
            recovered,
        }));
    }

    fn try_once(&mut self, load: &Load, url: &str, publishes: bool) -> Result<(), String> {
        let (asked, began) = (self.person.passwords_asked, Instant::now());
        let entered = self.person.enter(url);
        let name = self.person.account.name.clone();
        let was_revoked = |at: &Instant| *at <= began;
        let revoked = load.revoked.lock().unwrap().get(&name).copied();
        let mut told = load.told.lock().unwrap();
        told.slowest = told.slowest.max(began.elapsed());
        let was_asked = self.person.passwords_asked > asked;
        if was_asked && self.is_signed_in {
            told.lost.push(name.clone());
        }
        told.sign_ins += usize::from(was_asked && entered.is_ok());
        let entered = entered?;
        let may = !publishes || self.person.account.may_publish;
        // Whose role is being taken just now may be let in or not.
        match (entered, may, revoked) {
            (Entered::In, true, Some(at)) if publishes && was_revoked(&at) => {
                told.wrong
                    .push(format!("{name} got in after the role was taken"));
            }
            (Entered::In, false, _) => told.wrong.push(format!("{name} got in")),
            (Entered::Refused, true, None) => told.wrong.push(format!("{name} was kept out")),
            (Entered::In | Entered::Refused, _, _) => {}
        }
        if matches!(entered, Entered::Refused) {
            told.refusals += 1;
        }
        self.is_signed_in = true;
        Ok(())
    }
}

/// What has to hold whatever broke: no session lost, nobody let in or kept out wrongly, each assertion
/// with its audit row, and every failure mended by trying again.
pub(crate) fn hold(cluster: &Cluster, report: &Report) {
    assert_eq!(report.lost, Vec::<String>::new(), "sessions that were lost");
    assert_eq!(report.wrong, Vec::<String>::new(), "wrong decisions");
    let unmended: Vec<_> = report
        .failures
        .iter()
        .filter(|failure| !failure.recovered)
        .map(Failure::in_words)
        .collect();
    assert!(
        unmended.is_empty(),
        "trying again did not help: {unmended:#?}"
    );
    let audited: BTreeSet<String> = cluster.audited_assertions().into_iter().collect();
    let unaudited: Vec<_> = report
        .assertions
        .iter()
        .filter(|id| !audited.contains(*id))
        .collect();
    assert_eq!(
        unaudited,
        Vec::<&String>::new(),
        "assertions without an audit row"
    );
    assert!(!report.assertions.is_empty());
    cluster.cli(&["audit", "verify"]);
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let most = self
            .failures
            .iter()
            .map(|failure| failure.tries)
            .max()
            .unwrap_or(0);
        write!(
            f,
            "{} visits ({} with the password, {} refusals as the roles say) by {PEOPLE} people; {} \
             failed and then worked, after {most} more tries at most; the slowest took {:.1} s; {} \
             assertions received, each with its audit row; no session lost, no wrong decision; a thread \
             that was ready waited {:.2} s at most",
            self.visits,
            self.sign_ins,
            self.refusals,
            self.failures.len(),
            self.slowest.as_secs_f64(),
            self.assertions.len(),
            self.stood_still.as_secs_f64(),
        )
    }
}
