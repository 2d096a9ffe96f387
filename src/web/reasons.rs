//! `/reasons/CODE`: what a reason code means and what to do. No data about anybody.

use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::response::Response;

use super::failure::Failure;
use super::headers;
use super::pages::{ReasonPage, ReasonRow, ReasonsIndexPage};
use crate::directory::reason::ReasonCode;

/// `GET /reasons`: all of them.
pub(super) async fn index() -> Response {
    let row = |code: &ReasonCode| ReasonRow {
        code: code.word().to_owned(),
        title: code.explanation().meaning.to_owned(),
    };
    headers::page(&ReasonsIndexPage {
        reasons: ReasonCode::ALL.iter().map(row).collect(),
    })
}

/// `GET /reasons/{code}`.
pub(super) async fn show(code: Result<Path<String>, PathRejection>) -> Result<Response, Failure> {
    let code = code.ok().and_then(|Path(code)| ReasonCode::parse(&code));
    let code = code.ok_or_else(|| Failure::of(ReasonCode::NotFound))?;
    let explanation = code.explanation();
    Ok(headers::page(&ReasonPage {
        code: code.word().to_owned(),
        title: headline(code.word()),
        meaning: explanation.meaning.to_owned(),
        person: explanation.person.to_owned(),
        admin: explanation.administrator.to_owned(),
    }))
}

/// `missing-role` as a headline: `Missing role`.
fn headline(word: &str) -> String {
    let words = word.replace('-', " ");
    let mut letters = words.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => words,
    }
}
