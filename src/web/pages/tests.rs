//! Every page with every sample: a snapshot, and what holds for all of them.

use std::fs;
use std::path::Path;

use askama::Template;

use super::*;
use crate::web::assets;

/// In every field of one sample of every page.
pub(super) const HOSTILE: &str =
    "\"><script>alert(1)</script><b onclick='x'>\u{202e}evil\u{2066}&amp;{{7*7}}";

fn render<P: Template>(name: &'static str, pages: Vec<P>) -> Vec<(String, String)> {
    let render = |(at, page): (usize, P)| (format!("{name}-{}", at + 1), page.render().unwrap());
    pages.into_iter().enumerate().map(render).collect()
}

fn all() -> Vec<(String, String)> {
    [
        render("login", LoginPage::samples()),
        render("denied", DeniedPage::samples()),
        render("launcher", LauncherPage::samples()),
        render("logout_confirm", LogoutConfirmPage::samples()),
        render("signed_out", SignedOutPage::samples()),
        render("logout", LogoutPage::samples()),
        render("post_form", PostFormPage::samples()),
        render("artifact_form", ArtifactFormPage::samples()),
        render("post_message", PostMessagePage::samples()),
        render("hand_on", HandOnPage::samples()),
        render("idp_initiated", IdpInitiatedConfirmPage::samples()),
        render("error", ErrorPage::samples()),
        render("reason", ReasonPage::samples()),
        render("reasons_index", ReasonsIndexPage::samples()),
        render("account", AccountPage::samples()),
        render("consent", ConsentPage::samples()),
        render("change_password", ChangePasswordPage::samples()),
    ]
    .concat()
}

/// The opening tags of a page by their name: `(name, attributes)`.
fn tags(html: &str) -> Vec<(&str, &str)> {
    let opening = |piece: &'_ str| piece.starts_with(|c: char| c.is_ascii_alphabetic());
    html.split('<')
        .skip(1)
        .filter(|piece| opening(piece))
        .map(|piece| piece.split('>').next().unwrap())
        .map(|tag| tag.split_once(' ').unwrap_or((tag, "")))
        .collect()
}

fn attribute<'a>(attributes: &'a str, name: &str) -> Option<&'a str> {
    let at = format!(" {attributes}").find(&format!(" {name}=\""))?;
    attributes[at..].split('"').nth(1)
}

#[test]
fn every_page_looks_as_its_snapshot_says() {
    for (name, html) in all() {
        let html = html.replace(assets::VERSION.as_str(), "VERSION");
        insta::assert_snapshot!(name, html);
    }
}

#[test]
fn every_page_has_a_language_a_title_one_heading_and_one_main_part() {
    for (name, html) in all() {
        assert!(html.starts_with("<!DOCTYPE html>"), "{name}: quirks mode");
        assert!(html.contains("<html lang=\"en\">"), "{name}: no language");
        let title = html
            .split("<title>")
            .nth(1)
            .unwrap()
            .split("</title>")
            .next()
            .unwrap();
        assert!(
            title.len() > " – Doorward".len() && title.ends_with(" – Doorward"),
            "{name}"
        );
        let count = |of: &str| tags(&html).iter().filter(|(tag, _)| *tag == of).count();
        assert_eq!(
            (count("h1"), count("main"), count("title")),
            (1, 1, 1),
            "{name}"
        );
    }
}

#[test]
fn no_page_has_an_inline_script_an_inline_style_or_a_foreign_source() {
    for (page, html) in all() {
        for (tag, attributes) in tags(&html) {
            assert_ne!(tag, "style", "{page}");
            if tag == "script" {
                assert_eq!(
                    attributes,
                    format!("src=\"{}\"", assets::SUBMIT.as_str()),
                    "{page}"
                );
            }
            // Outside the quotes stand the names.
            for name in attributes
                .split('"')
                .step_by(2)
                .flat_map(|names| names.split(' '))
            {
                assert!(
                    !name.starts_with("style=") && !name.starts_with("on"),
                    "{page}: {name}"
                );
            }
            if matches!(tag, "link" | "img" | "script") {
                let from = attribute(attributes, "href")
                    .or(attribute(attributes, "src"))
                    .unwrap();
                assert!(from.starts_with("/static/"), "{page}: {from}");
            }
        }
    }
}

#[test]
fn only_the_pages_that_post_on_have_a_script() {
    for (name, html) in all() {
        let posts_on = ["post_form", "post_message", "artifact_form", "hand_on"]
            .iter()
            .any(|page| name.starts_with(page));
        assert_eq!(html.contains("<script"), posts_on, "{name}");
        assert_eq!(html.contains("id=\"auto-submit\""), posts_on, "{name}");
    }
}

#[test]
fn no_value_can_leave_its_place() {
    for (name, html) in all() {
        assert!(!html.contains("alert(1)</script>"), "{name}");
        assert!(!html.contains("<b onclick"), "{name}");
        for (tag, attributes) in tags(&html) {
            for at in ["href", "action"] {
                let Some(url) = attribute(attributes, at) else {
                    continue;
                };
                let harmless = ["/", "#main", "https://", "http://", "mailto:"];
                assert!(
                    harmless.iter().any(|start| url.starts_with(start)),
                    "{name}: {tag} {url}"
                );
                assert!(!url.starts_with("//"), "{name}: {tag} {url}");
            }
        }
    }
}

#[test]
fn no_text_can_turn_the_writing_direction_of_ours() {
    for (name, html) in all() {
        // What a form sends on stays exact.
        for piece in html
            .split_inclusive('>')
            .filter(|piece| !piece.contains("<input "))
        {
            assert!(!piece.contains(['\u{202e}', '\u{2066}']), "{name}: {piece}");
        }
    }
}

#[test]
fn every_input_has_a_label_and_every_reference_by_id_has_its_target() {
    for (name, html) in all() {
        let tags = tags(&html);
        let ids: Vec<_> = tags
            .iter()
            .filter_map(|(_, at)| attribute(at, "id"))
            .collect();
        let labels: Vec<_> = tags
            .iter()
            .filter_map(|(_, at)| attribute(at, "for"))
            .collect();
        for (at, id) in ids.iter().enumerate() {
            assert!(!ids[..at].contains(id), "{name}: {id} twice");
        }
        for (tag, attributes) in &tags {
            let hidden = attributes.contains("type=\"hidden\"") || attributes.ends_with(" hidden");
            if *tag == "input" && !hidden {
                let id = attribute(attributes, "id").unwrap();
                assert!(labels.contains(&id), "{name}: {id} has no label");
            }
            for by in ["aria-describedby", "aria-labelledby"] {
                for id in attribute(attributes, by)
                    .into_iter()
                    .flat_map(|ids| ids.split(' '))
                {
                    assert!(ids.contains(&id), "{name}: {id} does not exist");
                }
            }
        }
    }
}

#[test]
fn the_sign_in_form_has_a_user_name_and_then_one_password() {
    for (name, html) in render("login", LoginPage::samples()) {
        let inputs: Vec<_> = tags(&html)
            .into_iter()
            .filter(|(tag, _)| *tag == "input")
            .collect();
        let names: Vec<_> = inputs
            .iter()
            .filter_map(|(_, at)| attribute(at, "name"))
            .collect();
        assert_eq!(names, ["token", "username", "password"], "{name}");
        let password = |at: &str| attribute(at, "type") == Some("password");
        assert_eq!(
            inputs.iter().filter(|(_, at)| password(at)).count(),
            1,
            "{name}"
        );
        assert_eq!(
            attribute(inputs[1].1, "autocomplete"),
            Some("username"),
            "{name}"
        );
        assert_eq!(
            attribute(inputs[2].1, "autocomplete"),
            Some("current-password"),
            "{name}"
        );
    }
}

#[test]
fn every_failed_form_says_so_in_an_alert() {
    for (name, html) in all() {
        let failed = html.contains("<title>Error: ");
        assert_eq!(html.contains("role=\"alert\""), failed, "{name}");
    }
}

#[test]
fn the_page_that_posts_to_an_sp_stays_small_and_exact() {
    let pages = render("post_form", PostFormPage::samples());
    let html = &pages[0].1;
    assert!(html.len() < 1_500, "{}", html.len());
    assert!(html.contains("name=\"SAMLResponse\" value=\"PHNhbWxwOlJlc3BvbnNlLz4+ICA/\""));
    assert!(html.contains("name=\"RelayState\" value=\"/assets?q=a&#38;b=&#34;&#60;c&#62;&#34;\""));
    assert!(!pages[1].1.contains("RelayState"));
    assert!(
        pages[1]
            .1
            .contains("action=\"http://127.0.0.1:8082/saml/acs?tenant=1&#38;x=2\"")
    );
}

#[test]
fn the_refusal_never_speaks_of_roles() {
    for (name, html) in render("denied", DeniedPage::samples()) {
        let words = html.replace("role=\"", "").to_lowercase();
        assert!(!words.contains("role"), "{name}");
    }
}

#[test]
fn only_addresses_that_a_click_may_follow_become_links() {
    for url in [
        "https://sp.example/",
        "HTTP://sp.example/",
        "/",
        "/saml/sso?x=//y",
    ] {
        assert_eq!(href(url), url);
    }
    let unfit = [
        "javascript:alert(1)",
        "//evil.example",
        "/\\evil.example",
        " /",
        "data:,",
        "",
        "é",
    ];
    for url in unfit {
        assert_eq!(href(url), "/", "{url}");
    }
}

#[test]
fn only_a_bare_address_becomes_a_mail_link() {
    assert_eq!(
        mailto("help.desk+sso@example.org").unwrap(),
        "mailto:help.desk+sso@example.org"
    );
    for text in [
        "Ask Bob",
        "bob@",
        "@x",
        "a@b?bcc=c@d",
        "Bob <bob@example.org>",
        "a@b@c",
    ] {
        assert_eq!(mailto(text), None, "{text}");
    }
}

#[test]
fn a_wait_is_told_in_words() {
    let said = [0, 1, 2, 90, 91, 600].map(wait);
    assert_eq!(
        said,
        [
            "a second",
            "a second",
            "2 seconds",
            "90 seconds",
            "2 minutes",
            "10 minutes"
        ]
    );
}

/// All samples, to be opened in a browser.
#[test]
fn every_page_is_written_to_target_pages_for_looking_at() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/pages");
    fs::create_dir_all(&folder).unwrap();
    for (name, content) in assets::names_and_contents() {
        fs::write(folder.join(name), content).unwrap();
    }
    let address = format!("/static/{}/", assets::VERSION.as_str());
    for (name, html) in all() {
        // Without the script, else the pages that post on would be gone before one sees them.
        let html = html
            .replace(assets::SUBMIT.as_str(), "none.js")
            .replace(&address, "");
        fs::write(folder.join(format!("{name}.html")), html).unwrap();
    }
}
