//! Who is at the command line: the operating system's user, as the audit log names them.

use std::os::unix::fs::MetadataExt;

/// `cli:` and the name of the user that this process runs as. It comes from the process itself,
/// not from the environment, which anybody may set.
pub(super) fn actor() -> String {
    let uid = std::fs::metadata("/proc/self").map(|process| process.uid());
    let name = uid.map_or_else(
        |_| "unknown".to_owned(),
        |uid| user_name(uid).unwrap_or_else(|| format!("uid {uid}")),
    );
    format!("cli:{name}")
}

fn user_name(uid: u32) -> Option<String> {
    let users = std::fs::read_to_string("/etc/passwd").ok()?;
    name_in(&users, uid)
}

fn name_in(users: &str, uid: u32) -> Option<String> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let theirs: u32 = fields.nth(1)?.parse().ok()?;
        (theirs == uid).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_belongs_to_the_number() {
        let users = "root:x:0:0:root:/root:/bin/sh\nbroken\nada:x:1000:1000::/home/ada:\n";
        assert_eq!(name_in(users, 1000).as_deref(), Some("ada"));
        assert_eq!(name_in(users, 7), None);
    }
}
