//! The disk under an SQLite database is full: nothing leaves that is not written down, nothing is lost,
//! and it goes on by itself once there is room.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::cluster::{Cluster, Turn, account, figures};
use crate::crowd::PEOPLE;
use crate::person::{Entered, Person};

const MEBIBYTE: usize = 1024 * 1024;

/// A file system of its own, in memory.
struct SmallDisk {
    at: PathBuf,
}

impl SmallDisk {
    fn mount(at: PathBuf, mebibytes: usize) -> Option<Self> {
        std::fs::create_dir(&at).unwrap();
        let size = format!("size={mebibytes}m,mode=0700");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "doorward-test"])
            .arg(&at)
            .output();
        mounted
            .is_ok_and(|output| output.status.success())
            .then_some(Self { at })
    }

    fn ballast(&self) -> PathBuf {
        self.at.join("ballast")
    }

    /// Takes all the room that is left.
    fn fill(&self) {
        use std::io::Write as _;
        let mut file = std::fs::File::create(self.ballast()).unwrap();
        for size in [MEBIBYTE, 4096, 1] {
            let piece = vec![0; size];
            while file.write_all(&piece).is_ok() {}
        }
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.at).status();
    }
}

#[test]
fn a_full_disk_lets_nothing_leave_and_loses_nothing_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount(folder.path().join("disk"), 32) else {
        figures("disk full: not run, this user may not mount a small file system (root may)");
        return;
    };
    let url = format!("sqlite://{}", disk.at.join("doorward.db").display());
    let cluster = Cluster::start(Turn::BesideOthers, &url, "", PEOPLE);
    let mut people: Vec<Person> = (0..20)
        .map(|number| Person::new(&account(number), &cluster.wire))
        .collect();
    for person in &mut people {
        assert!(matches!(person.enter(&cluster.url(1)), Ok(Entered::In)));
    }

    disk.fill();
    let refused = visits_turned_away(&cluster, &mut people);

    std::fs::remove_file(disk.ballast()).unwrap();
    let room = Instant::now();
    for person in &mut people {
        let asked = person.passwords_asked;
        let entered = person.enter(&cluster.url(1));
        assert!(matches!(entered, Ok(Entered::In)), "{entered:?}");
        assert_eq!(person.passwords_asked, asked, "a session was lost");
    }
    let audited = cluster.audited_assertions();
    let received: Vec<&String> = people
        .iter()
        .flat_map(|person| &person.assertions)
        .collect();
    let unaudited: Vec<_> = received.iter().filter(|id| !audited.contains(id)).collect();
    assert!(
        unaudited.is_empty(),
        "assertions without an audit row: {unaudited:?}"
    );
    cluster.cli(&["audit", "verify"]);
    figures(&format!(
        "SQLite, the disk full: {} visits turned away with a page ({}), {} assertions received, each with \
         its audit row; with room again all 20 sessions were there after {:.1} s, without a restart",
        refused.len(),
        refused.last().unwrap(),
        received.len(),
        room.elapsed().as_secs_f64(),
    ));
}

/// What the database has reserved already may still be used; then nobody gets in any more.
fn visits_turned_away(cluster: &Cluster, people: &mut [Person]) -> Vec<String> {
    let mut last_in = 0;
    let mut refused = Vec::new();
    let full = Instant::now();
    while refused.len() < 20 {
        for (number, person) in people.iter_mut().enumerate() {
            match person.enter(&cluster.url(1)) {
                Ok(_) => last_in = refused.len(),
                Err(why) => refused.push(why),
            }
            let alive = cluster.idp[number % 2].lock().unwrap().healthz();
            assert_eq!(alive, Some(200), "it serves all the same");
        }
        let waited = full.elapsed();
        assert!(
            waited < Duration::from_mins(1),
            "the disk does not get full"
        );
    }
    assert!(
        refused.len() - last_in >= 10,
        "some still get in: {refused:?}"
    );
    let clear = |why: &String| why.starts_with("503") || why.starts_with("500");
    assert!(refused.iter().all(clear), "{refused:?}");
    refused
}
