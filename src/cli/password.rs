//! Passwords at the command line: read from stdin, or made and printed once.

use std::io::{self, BufRead};

use super::error::{CliError, refused};
use super::output::Style;
use crate::authn::password::{MOST_BYTES, Passwords, check_policy, generate_password};
use crate::config::Config;

/// A password to be set.
pub(super) struct Password {
    text: String,
    is_fresh: bool,
}

/// One line of stdin, or a fresh password.
pub(super) fn take(from_stdin: bool) -> Result<Password, CliError> {
    if !from_stdin {
        let text = generate_password()?;
        return Ok(Password {
            text,
            is_fresh: true,
        });
    }
    let text = first_line(io::stdin().lock())?;
    check_policy(&text)?;
    Ok(Password {
        text,
        is_fresh: false,
    })
}

pub(super) fn first_line(input: impl BufRead) -> Result<String, CliError> {
    let mut line = Vec::new();
    let most = u64::try_from(MOST_BYTES).unwrap_or(u64::MAX);
    input.take(most + 2).read_until(b'\n', &mut line)?;
    let text = String::from_utf8(line)
        .map_err(|_| refused("the password on stdin is not UTF-8", "send it in UTF-8"))?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    Ok(text.strip_suffix('\r').unwrap_or(text).to_owned())
}

impl Password {
    pub(super) async fn hash(&self, config: &Config) -> Result<String, CliError> {
        let passwords = Passwords::new(config.argon2)?;
        Ok(passwords.hash(&self.text, "cli").await?)
    }

    /// The password, if it was made here: to be printed once.
    pub(super) fn fresh(&self) -> Option<&str> {
        self.is_fresh.then_some(self.text.as_str())
    }

    pub(super) fn line(&self, style: Style) -> String {
        match self.fresh() {
            Some(text) => format!("password: {}   (shown only now)\n", style.strong(text)),
            None => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_is_the_password_and_blanks_belong_to_it() {
        let read = |text: &str| first_line(text.as_bytes()).unwrap();
        assert_eq!(read("correct horse\nsecond line\n"), "correct horse");
        assert_eq!(read(" correct horse \r\n"), " correct horse ");
        assert_eq!(read("no line end"), "no line end");
        assert_eq!(read(""), "");
        assert!(check_policy(&read(&"x".repeat(5000))).is_err());
    }
}
