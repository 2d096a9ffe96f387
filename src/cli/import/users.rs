//! `doorward import users`: in batches, each committed as a whole, so that it may be interrupted at
//! any time and run again.

use std::collections::{BTreeSet, HashSet};
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};

use super::super::context::{Context, Open, created_lines, names};
use super::super::error::{CliError, refused, told};
use super::super::output::{Style, complain};
use super::super::progress::{Progress, grouped, rate};
use super::super::tell;
use super::plan::{Plan, plan};
use super::rows::{BadRow, Row, Rows};
use crate::directory::name::{RoleName, UserId};
use crate::storage::{KnownUser, StoreError, USERS_AT_ONCE, UserWrite};

/// Of the rows that were refused, so many stand in the document of `--json`; stderr names all.
const LISTED_PROBLEMS: usize = 1000;

/// The names of roles that were seen are remembered up to so many: a file may name any number.
const REMEMBERED_ROLES: usize = 10_000;

/// How often a batch that somebody else is in the way of is tried, and how long apart.
const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_millis(250);

/// The arguments of `import users`.
#[derive(Debug, Args)]
pub(in super::super) struct Users {
    /// The CSV file
    #[arg(value_name = "FILE.csv")]
    file: PathBuf,
    /// Change who is there already and differs: e-mail address, display name, roles, and the
    /// password of those who have none
    #[arg(long)]
    update: bool,
}

impl Users {
    pub(super) async fn run(self, context: &Context) -> Result<ExitCode, CliError> {
        let mut rows = Rows::open(&self.file)?;
        let open = context.open().await?;
        let mut import = Import::new(&open, self.update);
        let read = import.read(&mut rows).await;
        import.progress.clear();
        let done = import.done;
        context.out.tell(&done.document(), |style| {
            done.text(style, import.progress.elapsed())
        })?;
        read?;
        match done.refused {
            0 => Ok(ExitCode::SUCCESS),
            1 => Err(not_whole("1 row was refused")),
            count => Err(not_whole(&format!("{} rows were refused", grouped(count)))),
        }
    }
}

fn not_whole(what: &str) -> CliError {
    refused(
        what,
        "mend them and run it again: what is done is passed over",
    )
}

/// An import under way.
struct Import<'o> {
    open: &'o Open,
    may_change: bool,
    batch: Vec<Row>,
    keys: HashSet<String>,
    roles: HashSet<RoleName>,
    progress: Progress,
    done: Done,
}

/// What has been done so far.
#[derive(Default)]
struct Done {
    added: u64,
    changed: u64,
    same: u64,
    refused: u64,
    problems: Vec<BadRow>,
    created_roles: BTreeSet<RoleName>,
    told: usize,
}

impl<'o> Import<'o> {
    fn new(open: &'o Open, may_change: bool) -> Self {
        Self {
            open,
            may_change,
            batch: Vec::with_capacity(USERS_AT_ONCE),
            keys: HashSet::with_capacity(USERS_AT_ONCE),
            roles: HashSet::new(),
            progress: Progress::new("users"),
            done: Done::default(),
        }
    }

    async fn read(&mut self, rows: &mut Rows) -> Result<(), CliError> {
        loop {
            match rows.next() {
                Ok(Some(Ok(row))) => {
                    // Whoever is in the file twice is looked up again for the second row.
                    let is_new = self.keys.insert(row.name.key());
                    if !is_new || self.batch.len() == USERS_AT_ONCE {
                        self.flush().await?;
                        self.keys.insert(row.name.key());
                    }
                    self.batch.push(row);
                }
                Ok(Some(Err(bad))) => self.refuse(bad),
                Ok(None) => return self.flush().await,
                // What was read before it is whole.
                Err(error) => return self.flush().await.and(Err(error)),
            }
            let (at, size) = rows.progress();
            self.progress.at(self.done.rows(), at, size);
        }
    }

    async fn flush(&mut self) -> Result<(), CliError> {
        let batch = std::mem::take(&mut self.batch);
        self.keys.clear();
        if batch.is_empty() {
            return Ok(());
        }
        if self.try_write(&batch).await? {
            return Ok(());
        }
        // Somebody else was at the same people or roles. One by one, each row meets its own fate.
        for row in &batch {
            if !self.try_write(std::slice::from_ref(row)).await? {
                self.refuse(BadRow {
                    line: row.line,
                    problem: format!("{} was changed by somebody else meanwhile", row.name),
                });
            }
        }
        Ok(())
    }

    /// Writes some rows, all or none. `false`: somebody else was there first.
    async fn try_write(&mut self, rows: &[Row]) -> Result<bool, CliError> {
        let keys: Vec<_> = rows.iter().map(|row| row.name.key()).collect();
        let known = self.open.store.users_by_key(&keys).await?;
        let (mut writes, mut bad, mut counts) = (Vec::new(), Vec::new(), Done::default());
        for (row, key) in rows.iter().zip(&keys) {
            let known = known.iter().find(|known| known.name.key() == *key);
            match plan(self.open, row, known, self.may_change)? {
                Plan::Same => counts.same += 1,
                Plan::Refuse(problem) => bad.push(BadRow {
                    line: row.line,
                    problem,
                }),
                Plan::Write(write) => {
                    match *write {
                        UserWrite::Add(..) => counts.added += 1,
                        UserWrite::Change(_) => counts.changed += 1,
                    }
                    writes.push(*write);
                }
            }
        }
        if !self.write(&writes).await? {
            return Ok(false);
        }
        self.done.added += counts.added;
        self.done.changed += counts.changed;
        self.done.same += counts.same;
        for bad in bad {
            self.refuse(bad);
        }
        self.tell(&writes, &known).await?;
        Ok(true)
    }

    async fn write(&mut self, writes: &[UserWrite]) -> Result<bool, CliError> {
        if writes.is_empty() {
            return Ok(true);
        }
        self.make_roles(writes).await?;
        let mut tries = 1;
        loop {
            match self.open.store.write_users(writes).await {
                Ok(()) => return Ok(true),
                Err(StoreError::Conflict | StoreError::Dangling) => {
                    // A role that was seen may be gone.
                    self.roles.clear();
                    return Ok(false);
                }
                Err(StoreError::Busy | StoreError::Deadlock) if tries < TRIES => tries += 1,
                Err(error) => {
                    return Err(refused(
                        format!("the import stopped: {}", told(&error)),
                        "run it again: what is done is passed over",
                    ));
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// A role comes into being when it is first named.
    async fn make_roles(&mut self, writes: &[UserWrite]) -> Result<(), CliError> {
        let named: BTreeSet<_> = writes
            .iter()
            .flat_map(|write| match write {
                UserWrite::Add(new, _) => &new.roles,
                UserWrite::Change(change) => &change.granted,
            })
            .filter(|role| !self.roles.contains(*role))
            .cloned()
            .collect();
        if self.roles.len() + named.len() > REMEMBERED_ROLES {
            self.roles.clear();
        }
        let created = self.open.ensure_roles(&named).await?;
        self.done.created_roles.extend(created);
        self.roles.extend(named);
        Ok(())
    }

    /// Tells the apps that have let somebody in and would not any more, as `user revoke` does.
    async fn tell(&mut self, writes: &[UserWrite], known: &[KnownUser]) -> Result<(), CliError> {
        for write in writes {
            let UserWrite::Change(change) = write else {
                continue;
            };
            let Some(user) = known.iter().find(|known| known.id == change.id) else {
                continue;
            };
            if !change.withdrawn.is_empty() && self.is_anywhere(&user.id).await? {
                let told = tell::shut_doors(self.open, &user.id, &user.name).await?;
                self.done.told += told.len();
            }
        }
        Ok(())
    }

    /// Whether somebody has a session. Most people of an import do not.
    async fn is_anywhere(&self, user: &UserId) -> Result<bool, CliError> {
        Ok(!self.open.store.sessions_of(user).await?.is_empty())
    }

    fn refuse(&mut self, bad: BadRow) {
        self.progress.clear();
        complain(&format!("line {}: {}", bad.line, bad.problem));
        self.done.refused += 1;
        if self.done.problems.len() < LISTED_PROBLEMS {
            self.done.problems.push(bad);
        }
    }
}

impl Done {
    fn rows(&self) -> u64 {
        self.added + self.changed + self.same + self.refused
    }

    fn document(&self) -> Value {
        let problem = |bad: &BadRow| json!({"line": bad.line, "problem": bad.problem});
        json!({"added": self.added, "updated": self.changed, "unchanged": self.same,
            "refused": self.refused, "created_roles": names(&self.created_roles),
            "problems": self.problems.iter().map(problem).collect::<Value>()})
    }

    fn text(&self, style: Style, elapsed: Duration) -> String {
        let created: Vec<_> = self.created_roles.iter().cloned().collect();
        let mut text = created_lines(&created);
        let (rows, rate) = (self.rows(), rate(self.rows(), elapsed));
        let counts = [
            (self.added, "added"),
            (self.changed, "updated"),
            (self.same, "unchanged"),
            (self.refused, "refused"),
        ];
        let counts = counts.map(|(count, word)| format!("{} {word}", grouped(count)));
        text.push_str(&counts.join(", "));
        text.push('\n');
        if self.told > 0 {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{} sessions at apps were asked to end", self.told);
        }
        let measured = format!(
            "{} rows in {:.1} s, {} a second",
            grouped(rows),
            elapsed.as_secs_f64(),
            grouped(rate)
        );
        text + &style.quiet(&measured) + "\n"
    }
}
