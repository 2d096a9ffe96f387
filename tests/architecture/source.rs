//! Reads Rust source as text: comments, strings and tests blanked out, paths taken apart.

use std::fs;
use std::path::Path;

/// A file of `src/`, without what only tests compile.
pub(crate) struct SourceFile {
    /// Below `src/`, with `/`.
    pub(crate) path: String,
    /// The first folder, or the file's own name.
    pub(crate) room: String,
    /// As it stands.
    pub(crate) original: String,
    /// Its lines, those of tests taken off.
    pub(crate) lines_of_code: usize,
    /// Comments, strings and tests blanked.
    code: String,
    /// Comments and tests blanked.
    text: String,
    /// Modules that it declares under `#[cfg(test)]`.
    test_modules: Vec<String>,
}

/// Every Rust file below a folder, those left out that only tests compile.
pub(crate) fn read_all(folder: &Path) -> Vec<SourceFile> {
    let files = read_texts(folder, "rs");
    let tests: Vec<String> = files.iter().flat_map(SourceFile::test_files).collect();
    let of_tests = |path: &str| tests.iter().any(|test| path.starts_with(test.as_str()));
    files
        .into_iter()
        .filter(|file| !of_tests(&file.path))
        .collect()
}

/// Every file below a folder with this extension; none where there is no such folder.
pub(crate) fn read_texts(folder: &Path, extension: &str) -> Vec<SourceFile> {
    let (mut files, mut folders) = (Vec::new(), vec![folder.to_path_buf()]);
    while let Some(current) = folders.pop() {
        let Ok(entries) = fs::read_dir(&current) else {
            continue;
        };
        for path in entries.filter_map(Result::ok).map(|entry| entry.path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                let below = path.strip_prefix(folder).unwrap_or(&path).to_string_lossy();
                // What cannot be read is judged as if it were somebody else's: it breaks the rules.
                let text = fs::read_to_string(&path).unwrap_or_else(|_| "use crate::*;".to_owned());
                files.push(SourceFile::new(&below, &text));
            }
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

impl SourceFile {
    pub(crate) fn new(path: &str, original: &str) -> Self {
        let (mut code, mut text) = (blank(original, false), blank(original, true));
        let (mut test_lines, mut test_modules) = (0, Vec::new());
        while let Some((start, end)) = test_item(&code) {
            let item = code.get(start..end).unwrap_or_default().to_owned();
            test_lines += item.lines().count();
            test_modules.extend(module_declared_by(&item));
            code.replace_range(start..end, &spaces_for(&item));
            let shown = text.get(start..end).unwrap_or_default().to_owned();
            text.replace_range(start..end, &spaces_for(&shown));
        }
        let room = path
            .split('/')
            .next()
            .unwrap_or(path)
            .trim_end_matches(".rs");
        Self {
            path: path.to_owned(),
            room: room.to_owned(),
            original: original.to_owned(),
            lines_of_code: original.lines().count() - test_lines,
            code,
            text,
            test_modules,
        }
    }

    /// The file's name without its ending.
    pub(crate) fn stem(&self) -> &str {
        self.path
            .rsplit('/')
            .next()
            .unwrap_or_default()
            .trim_end_matches(".rs")
    }

    /// How many `super` lead from here to the crate's root.
    pub(crate) fn depth(&self) -> usize {
        let folders = self.path.matches('/').count();
        if ["mod", "lib", "main"].contains(&self.stem()) {
            folders.max(1)
        } else {
            folders + 1
        }
    }

    /// Whether it is the face of a room or of a part of one.
    pub(crate) fn opens_a_module(&self) -> bool {
        !self.path.contains('/') || self.stem() == "mod"
    }

    /// Whether it is the root of a crate; the lint `missing_docs` sees to its first lines.
    pub(crate) fn is_root(&self) -> bool {
        ["lib.rs", "main.rs"].contains(&self.path.as_str())
    }

    /// `mod NAME;` of this file, tests left out.
    pub(crate) fn declared_modules(&self) -> Vec<String> {
        self.code
            .split(';')
            .filter_map(|item| module_declared_by(&format!("{item};")))
            .collect()
    }

    /// Every path with its line, groups of `use` written out: `std::{fs, io::Read}` gives two.
    pub(crate) fn paths(&self) -> Vec<(usize, String)> {
        let tokens = tokens(&self.code);
        let token = |at: usize| tokens.get(at).map_or("", |(_, token)| *token);
        let (mut found, mut prefixes, mut at) = (Vec::new(), vec![String::new()], 0);
        while let Some((line, first)) = tokens.get(at) {
            at += 1;
            match *first {
                "{" => prefixes.push(String::new()),
                "}" => drop(prefixes.pop()),
                word if is_word(word)
                    || word == "*" && prefixes.last().is_some_and(|p| !p.is_empty()) =>
                {
                    let mut path = format!("{}{word}", prefixes.last().map_or("", String::as_str));
                    while token(at) == "::" && (is_word(token(at + 1)) || token(at + 1) == "*") {
                        path = format!("{path}::{}", token(at + 1));
                        at += 2;
                    }
                    if token(at) == "::" && token(at + 1) == "{" {
                        prefixes.push(format!("{path}::"));
                        at += 2;
                    } else {
                        found.push((*line, path));
                    }
                }
                _ => {}
            }
        }
        found
    }

    /// The lines where a struct of this name is made (or its fields are taken apart).
    pub(crate) fn literals_of(&self, name: &str) -> impl Iterator<Item = usize> {
        let tokens = tokens(&self.code);
        let lines: Vec<usize> = tokens
            .windows(3)
            .filter_map(|three| match three {
                [(_, before), (line, word), (_, "{")]
                    if *word == name && !["struct", "impl", "for", ">"].contains(before) =>
                {
                    Some(*line)
                }
                _ => None,
            })
            .collect();
        lines.into_iter()
    }

    /// The lines, strings included, that hold one of these.
    pub(crate) fn lines_with_any(&self, words: &[&str]) -> impl Iterator<Item = usize> {
        let numbered = self.text.lines().zip(1..);
        numbered
            .filter(|(line, _)| words.iter().any(|word| line.contains(word)))
            .map(|(_, at)| at)
    }

    /// The beginnings of the paths of files that only tests compile.
    fn test_files(&self) -> Vec<String> {
        let folder = match self.path.rsplit_once('/') {
            _ if !self.opens_a_module() => format!("{}/", self.path.trim_end_matches(".rs")),
            Some((folder, _)) => format!("{folder}/"),
            None if ["lib", "main"].contains(&self.stem()) => String::new(),
            None => format!("{}/", self.stem()),
        };
        let both = |name: &String| [format!("{folder}{name}.rs"), format!("{folder}{name}/")];
        self.test_modules.iter().flat_map(both).collect()
    }
}

/// Blanks comments, and strings where they are not kept; every byte keeps its place.
fn blank(source: &str, keep_strings: bool) -> String {
    let (mut out, mut rest) = (String::with_capacity(source.len()), source);
    while let Some(next) = rest.chars().next() {
        let string = string_length(rest);
        let length = comment_length(rest).or(string).unwrap_or(next.len_utf8());
        let (piece, after) = rest.split_at(length);
        let kept = comment_length(rest).is_none() && (keep_strings || string.is_none());
        if kept {
            out.push_str(piece);
        } else {
            out.push_str(&spaces_for(piece));
        }
        rest = after;
    }
    out
}

fn comment_length(rest: &str) -> Option<usize> {
    if rest.starts_with("//") {
        return Some(rest.find('\n').unwrap_or(rest.len()));
    }
    let (mut depth, mut at) = (0_usize, 0);
    while let Some(here) = rest.get(at..).filter(|_| rest.starts_with("/*")) {
        if here.starts_with("/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if here.starts_with("*/") {
            (depth, at) = (depth - 1, at + 2);
        } else {
            at += here.chars().next()?.len_utf8();
        }
        if depth == 0 {
            return Some(at);
        }
    }
    None
}

/// The length of the string or character literal that begins here.
fn string_length(rest: &str) -> Option<usize> {
    if let Some(inside) = rest.strip_prefix('\'') {
        let first = inside.chars().next()?;
        let width = first.len_utf8();
        if first == '\\' {
            return inside.get(2..)?.find('\'').map(|end| end + 4);
        }
        // Without a second quote it is a lifetime.
        return inside.get(width..)?.starts_with('\'').then_some(width + 2);
    }
    let unmarked = rest.trim_start_matches(['b', 'c', 'r']);
    let mark = rest.len() - unmarked.len();
    let inside = unmarked.trim_start_matches('#');
    let hashes = unmarked.len() - inside.len();
    let raw = rest.get(..mark)?.contains('r');
    let body = inside
        .strip_prefix('"')
        .filter(|_| mark <= 2 && (raw || hashes == 0))?;
    let opened = rest.len() - body.len();
    if raw {
        let close = format!("\"{}", "#".repeat(hashes));
        return body.find(&close).map(|end| opened + end + close.len());
    }
    let mut escaped = false;
    for (at, letter) in body.char_indices() {
        match letter {
            '"' if !escaped => return Some(opened + at + 1),
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    None
}

/// Where the next item under `#[cfg(test)]` begins and ends.
fn test_item(code: &str) -> Option<(usize, usize)> {
    let start = code.find("#[cfg(test)]")?;
    let mut depth = 0_usize;
    for (at, letter) in code.get(start..)?.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 && matches!(letter, ';' | '}') {
            return Some((start, start + at + 1));
        }
    }
    Some((start, code.len()))
}

fn module_declared_by(item: &str) -> Option<String> {
    let (before, name) = item
        .trim()
        .strip_suffix(';')?
        .rsplit_once(char::is_whitespace)?;
    before.ends_with("mod").then(|| name.to_owned())
}

/// Blanks of the same length in bytes, lines kept.
fn spaces_for(piece: &str) -> String {
    piece
        .bytes()
        .map(|byte| if byte == b'\n' { '\n' } else { ' ' })
        .collect()
}

fn is_word(token: &str) -> bool {
    token.starts_with(|first: char| first.is_alphabetic() || first == '_')
}

/// Words, `::` and single signs, each with its line.
fn tokens(code: &str) -> Vec<(usize, &str)> {
    let (mut found, mut rest, mut line) = (Vec::new(), code, 1);
    while let Some(first) = rest.chars().next() {
        let word = rest
            .find(|c: char| !(c.is_alphanumeric() || c == '_'))
            .unwrap_or(rest.len());
        let length = match word {
            0 if rest.starts_with("::") => 2,
            0 => first.len_utf8(),
            length => length,
        };
        let (token, after) = rest.split_at(length);
        if first == '\n' {
            line += 1;
        } else if !first.is_whitespace() {
            found.push((line, token));
        }
        rest = after;
    }
    found
}
