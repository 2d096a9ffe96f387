//! A real browser: headless Chromium through its WebDriver, one of its own for each test.

use std::future::Future;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use fantoccini::elements::Element;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::app::free_ports;

/// How long a page may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// A browser window, as a person uses it.
#[derive(Clone)]
pub(crate) struct Window(Client);

/// Whether the browser runs scripts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scripts {
    Run,
    Off,
}

/// Runs a scene in a browser of its own. Where it fails, what was on screen stays behind in
/// `target/screenshots/NAME.png`.
pub(crate) async fn scene<S, F>(name: &str, scripts: Scripts, scene: S)
where
    S: FnOnce(Window) -> F,
    F: Future<Output = ()> + Send + 'static,
{
    let mut driver = Driver::start().await;
    let window = driver.window(scripts).await;
    let outcome = tokio::spawn(scene(window.clone())).await;
    if outcome.is_err() {
        window.keep_screenshot(name).await;
    }
    let _ = window.0.close().await;
    driver.stop();
    if let Err(failed) = outcome {
        std::panic::resume_unwind(failed.into_panic());
    }
}

/// chromedriver, stopped by its own process id.
struct Driver {
    process: Child,
    port: u16,
    profile: TempDir,
}

impl Driver {
    async fn start() -> Self {
        let port = free_ports(1);
        let process = Command::new("chromedriver")
            .arg(format!("--port={port}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver is missing: run `make test` or `scripts/setup.sh test` once");
        let profile = tempfile::tempdir().expect("a temporary folder");
        let driver = Self {
            process,
            port,
            profile,
        };
        for _ in 0..500 {
            if reqwest::get(format!("{}/status", driver.address()))
                .await
                .is_ok()
            {
                return driver;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("chromedriver does not answer");
    }

    fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    async fn window(&self, scripts: Scripts) -> Window {
        let profile = format!("--user-data-dir={}", self.profile.path().display());
        let mut options = json!({"args": [
            "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            "--disable-dev-shm-usage", "--window-size=1000,900", profile,
        ]});
        if scripts == Scripts::Off {
            options["prefs"] = json!({"profile.managed_default_content_settings.javascript": 2});
        }
        let mut capabilities = serde_json::Map::new();
        capabilities.insert("goog:chromeOptions".to_owned(), options);
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities)
            .connect(&self.address())
            .await
            .expect("chromium starts");
        Window(client)
    }

    fn stop(&mut self) {
        let pid = self.process.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &pid]).status();
        let _ = self.process.wait();
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Window {
    pub(crate) async fn visit(&self, url: &str) {
        self.0.goto(url).await.expect("the page loads");
    }

    /// What can be read on the page.
    pub(crate) async fn text(&self) -> String {
        let body = self.find(Locator::Css("body")).await;
        body.text().await.expect("the body has a text")
    }

    pub(crate) async fn url(&self) -> String {
        self.0
            .current_url()
            .await
            .expect("a page is open")
            .to_string()
    }

    /// Waits until the page shows this text.
    pub(crate) async fn sees(&self, text: &str) {
        let shown = format!("//body[contains(normalize-space(.), {text:?})]");
        let wait = self.0.wait().at_most(PATIENCE);
        let found = wait.for_element(Locator::XPath(&shown)).await;
        let found = found.is_ok();
        let (url, shown) = (self.url().await, self.text().await);
        assert!(
            found,
            "{text:?} is not on {url}:
{shown}"
        );
    }

    /// Waits until the address begins so.
    pub(crate) async fn arrives_at(&self, address: &str) {
        for _ in 0..400 {
            if self.url().await.starts_with(address) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!(
            "at {} instead of {address}:\n{}",
            self.url().await,
            self.text().await
        );
    }

    /// Types into the sign-in form and presses Enter, without touching the mouse.
    pub(crate) async fn sign_in(&self, name: &str, password: &str) {
        self.fill_in(name, password).await;
        let field = self.find(Locator::Css("input[type=password]")).await;
        field
            .send_keys("\u{e007}")
            .await
            .expect("Enter can be pressed");
    }

    /// Types into the sign-in form.
    pub(crate) async fn fill_in(&self, name: &str, password: &str) {
        let who = self
            .find(Locator::Css("input[autocomplete=username]"))
            .await;
        who.clear().await.expect("the name can be cleared");
        who.send_keys(name).await.expect("the name can be typed");
        let secret = self.find(Locator::Css("input[type=password]")).await;
        secret
            .send_keys(password)
            .await
            .expect("the password can be typed");
    }

    /// Presses the button or link that says this.
    pub(crate) async fn press(&self, label: &str) {
        let says = format!(
            "//*[self::button or self::a][normalize-space(.)={label:?}] | //input[@value={label:?}]"
        );
        let button = self.find(Locator::XPath(&says)).await;
        button
            .click()
            .await
            .unwrap_or_else(|error| panic!("{label:?}: {error}"));
    }

    pub(crate) async fn back(&self) {
        self.0.back().await.expect("there is a page before");
    }

    /// Runs a script that stands outside the page's own policy.
    pub(crate) async fn script(&self, script: &str) -> Value {
        self.0
            .execute(script, Vec::new())
            .await
            .expect("the script runs")
    }

    /// Opens another tab and goes on there; gives a way back.
    pub(crate) async fn other_tab(&self) -> Tab {
        let before = self.0.window().await.expect("a window is open");
        let tab = self.0.new_window(true).await.expect("a tab opens");
        self.0
            .switch_to_window(tab.handle)
            .await
            .expect("the tab is there");
        Tab(before)
    }

    pub(crate) async fn switch_to(&self, tab: Tab) {
        self.0
            .switch_to_window(tab.0)
            .await
            .expect("the tab is still there");
    }

    async fn find(&self, what: Locator<'_>) -> Element {
        let found = self.0.wait().at_most(PATIENCE).for_element(what).await;
        match found {
            Ok(element) => element,
            Err(error) => {
                let source = self.0.source().await.unwrap_or_default();
                panic!(
                    "{what:?} is not on {} ({error}):\n{source}",
                    self.url().await
                )
            }
        }
    }

    async fn keep_screenshot(&self, name: &str) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/screenshots");
        let shot = self.0.screenshot().await;
        if let (Ok(()), Ok(png)) = (std::fs::create_dir_all(&folder), shot) {
            let file = folder.join(format!("{name}.png"));
            if std::fs::write(&file, png).is_ok() {
                eprintln!("what was on screen: {}", file.display());
            }
        }
    }
}

/// A tab that was left.
pub(crate) struct Tab(fantoccini::wd::WindowHandle);
