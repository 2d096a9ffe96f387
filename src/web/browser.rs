//! What a browser says about itself, in words that its owner knows: `Firefox on Linux`.
//!
//! For people's eyes only. Nothing is decided by it: a browser may say what it likes.

/// Words in a User-Agent and what they stand for. The order counts: Edge calls itself Chrome too,
/// and Chrome calls itself Safari.
const BROWSERS: [(&str, &str); 11] = [
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chromium/", "Chromium"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
    ("python", "a Python program"),
];

const SYSTEMS: [(&str, &str); 8] = [
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Macintosh", "macOS"),
    ("Linux", "Linux"),
    ("FreeBSD", "FreeBSD"),
];

/// The longest text of an unknown program that is shown.
const SHOWN: usize = 60;

/// The browser and its system, as far as they are known; else what it says, cut short.
pub(crate) fn in_words(user_agent: Option<&str>) -> String {
    let Some(said) = user_agent.filter(|said| !said.trim().is_empty()) else {
        return "a browser".to_owned();
    };
    let known = |names: &[(&str, &'static str)]| {
        names
            .iter()
            .find(|(word, _)| said.contains(word))
            .map(|(_, name)| *name)
    };
    match (known(&BROWSERS), known(&SYSTEMS)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(browser), None) => browser.to_owned(),
        (None, Some(system)) => format!("a browser on {system}"),
        (None, None) => said.chars().take(SHOWN).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::in_words;

    #[test]
    fn a_browser_is_named_as_its_owner_knows_it() {
        fn words(said: &str) -> String {
            in_words(Some(said))
        }
        let webkit = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)";
        assert_eq!(
            words(&format!("{webkit} Chrome/130.0 Safari/537.36")),
            "Chrome on Linux"
        );
        assert_eq!(
            words(&format!("{webkit} HeadlessChrome/130.0 Safari/537.36")),
            "Chrome on Linux"
        );
        assert_eq!(
            words(
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/130.0 \
                 Safari/537.36 Edg/130.0"
            ),
            "Edge on Windows"
        );
        assert_eq!(
            words("Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Version/17.0 Safari/604"),
            "Safari on iPhone"
        );
        assert_eq!(
            words("Mozilla/5.0 (Macintosh; rv:130.0) Gecko/20100101 Firefox/130.0"),
            "Firefox on macOS"
        );
        assert_eq!(words("curl/8.5.0"), "curl");
    }

    #[test]
    fn what_is_unknown_is_shown_as_it_came_but_short() {
        assert_eq!(in_words(None), "a browser");
        assert_eq!(in_words(Some(" ")), "a browser");
        assert_eq!(in_words(Some("Netfish")), "Netfish");
        assert_eq!(in_words(Some(&"x".repeat(500))).len(), 60);
    }
}
