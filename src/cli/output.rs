//! What a command says: one JSON document with `--json`, else text that reads well on a terminal.

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write as _};

use serde::Serialize;

use super::logging::is_hidden;

/// Where a command's result goes, and in which form.
#[derive(Debug, Clone, Copy)]
pub(super) struct Output {
    pub(super) json: bool,
    pub(super) style: Style,
}

/// Colours, on a terminal only, and not where `NO_COLOR` is set.
#[derive(Debug, Clone, Copy)]
pub(super) struct Style {
    colour: bool,
}

impl Output {
    pub(super) fn new(json: bool) -> Self {
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let colour = io::stdout().is_terminal() && !unwanted && !dumb;
        Self {
            json,
            style: Style { colour },
        }
    }

    /// Prints the result: the document, or the text.
    pub(super) fn tell(
        self,
        document: &impl Serialize,
        text: impl FnOnce(Style) -> String,
    ) -> io::Result<()> {
        let said = if self.json {
            serde_json::to_string(document)? + "\n"
        } else {
            text(self.style)
        };
        let mut stdout = io::stdout().lock();
        match stdout
            .write_all(said.as_bytes())
            .and_then(|()| stdout.flush())
        {
            // Whoever reads has read enough (`| head`).
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            result => result,
        }
    }
}

/// A document that is written while its parts are made, for what is too large to be held at once.
pub(super) struct Json {
    is_first: bool,
    is_read: bool,
}

impl Json {
    /// Writes the beginning, up to the bracket of the list.
    pub(super) fn begin(text: &str) -> io::Result<Self> {
        let mut json = Self {
            is_first: true,
            is_read: true,
        };
        json.write(text)?;
        Ok(json)
    }

    /// Writes one more item of the list; `false` once nobody reads any more.
    pub(super) fn item(&mut self, item: &impl Serialize) -> io::Result<bool> {
        let comma = if self.is_first { "" } else { "," };
        self.is_first = false;
        let text = serde_json::to_string(item)?;
        self.write(&[comma, &text].concat())?;
        Ok(self.is_read)
    }

    /// Writes what follows the list.
    pub(super) fn end(mut self, text: &str) -> io::Result<()> {
        self.write(text)?;
        self.write("\n")
    }

    fn write(&mut self, text: &str) -> io::Result<()> {
        if !self.is_read {
            return Ok(());
        }
        match io::stdout().lock().write_all(text.as_bytes()) {
            // Whoever reads has read enough (`| head`).
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => self.is_read = false,
            result => result?,
        }
        Ok(())
    }
}

/// Says something beside the result, on stderr.
pub(super) fn note(text: &str) {
    // Where stderr is closed nobody wants to know.
    let _ = writeln!(io::stderr(), "note: {}", plain(text));
}

/// Says on stderr what could not be done, where the command goes on with the rest.
pub(super) fn complain(text: &str) {
    // Where stderr is closed nobody wants to know.
    let _ = writeln!(io::stderr(), "{}", plain(text));
}

impl Style {
    fn paint(self, code: &str, text: &str) -> String {
        if self.colour {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }

    pub(super) fn strong(self, text: &str) -> String {
        self.paint("1", text)
    }

    pub(super) fn quiet(self, text: &str) -> String {
        self.paint("2", text)
    }

    pub(super) fn apply(self, tone: Tone, text: &str) -> String {
        match tone {
            Tone::Plain => text.to_owned(),
            Tone::Strong => self.strong(text),
            Tone::Quiet => self.quiet(text),
            Tone::Good => self.paint("32", text),
            Tone::Warning => self.paint("33", text),
            Tone::Bad => self.paint("31", text),
        }
    }
}

/// How a piece of text stands out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    Strong,
    Quiet,
    Good,
    Warning,
    Bad,
}

/// Text for a terminal: whatever could move the cursor or hide something is made visible.
pub(super) fn plain(text: &str) -> String {
    text.chars()
        .map(|c| if is_hidden(c) { '\u{fffd}' } else { c })
        .collect()
}

/// An aligned table.
#[derive(Debug)]
pub(super) struct Table {
    head: Vec<String>,
    rows: Vec<Vec<(Tone, String)>>,
}

impl Table {
    pub(super) fn new(head: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        Self {
            head: head.into_iter().map(|cell| plain(cell.as_ref())).collect(),
            rows: Vec::new(),
        }
    }

    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = (Tone, String)>) {
        let cells = cells.into_iter();
        self.rows
            .push(cells.map(|(tone, text)| (tone, plain(&text))).collect());
    }

    /// The lines; `nothing` stands for a table without rows.
    pub(super) fn print(&self, style: Style, nothing: &str) -> String {
        if self.rows.is_empty() {
            return format!("{}\n", style.quiet(nothing));
        }
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            let longest = cells.map(|(_, text)| length(text)).max().unwrap_or(0);
            longest.max(self.head.get(column).map_or(0, |head| length(head)))
        };
        let widths: Vec<usize> = (0..self.head.len()).map(width).collect();
        let head: Vec<_> = self.head.iter().map(|h| (Tone::Quiet, h.clone())).collect();
        let mut text = String::new();
        for row in std::iter::once(&head).chain(&self.rows) {
            let last = row.len().saturating_sub(1);
            for (position, ((tone, cell), width)) in row.iter().zip(&widths).enumerate() {
                text.push_str(&style.apply(*tone, cell));
                if position < last {
                    let gap = width.saturating_sub(length(cell)) + 2;
                    text.extend(std::iter::repeat_n(' ', gap));
                }
            }
            text.push('\n');
        }
        text
    }
}

fn length(text: &str) -> usize {
    text.chars().count()
}

/// Named values one below the other.
pub(super) fn record(style: Style, fields: &[(&str, String)]) -> String {
    let width = fields.iter().map(|(name, _)| length(name)).max();
    let mut text = String::new();
    for (name, value) in fields.iter().filter(|(_, value)| !value.is_empty()) {
        let gap = " ".repeat(width.unwrap_or(0).saturating_sub(length(name)) + 2);
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{}{gap}{}", style.quiet(name), plain(value));
    }
    text
}

/// What a switch says, in one word.
pub(super) fn yes_or_no(switch: bool) -> String {
    if switch { "yes" } else { "no" }.to_owned()
}

/// An instant for people: to the second, UTC.
pub(super) fn instant(at: crate::directory::time::UnixTime) -> String {
    let text = at.to_string();
    let (day, time) = text.split_once('T').unwrap_or((&text, ""));
    format!("{day} {}", time.get(..8).unwrap_or(time))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_aligned_whatever_the_letters() {
        let mut table = Table::new(["NAME", "ROLES"]);
        table.row([
            (Tone::Good, "Åsa".to_owned()),
            (Tone::Plain, "a".to_owned()),
        ]);
        table.row([
            (Tone::Plain, "longer".to_owned()),
            (Tone::Plain, "b, c".to_owned()),
        ]);
        let plain = table.print(Style { colour: false }, "nobody");
        assert_eq!(plain, "NAME    ROLES\nÅsa     a\nlonger  b, c\n");
        let coloured = table.print(Style { colour: true }, "nobody");
        assert!(
            coloured.contains("\u{1b}[32mÅsa\u{1b}[0m     a"),
            "{coloured:?}"
        );
    }

    #[test]
    fn nothing_stored_can_steer_the_terminal() {
        assert_eq!(plain("a\u{1b}[2Jb\u{202e}c"), "a\u{fffd}[2Jb\u{fffd}c");
    }
}
