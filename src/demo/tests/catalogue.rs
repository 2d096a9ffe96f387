//! What the publisher does, and what the store shows of it.

use super::*;

/// Both apps over one catalogue, with somebody signed in at each.
struct Pair {
    store: Running,
    publisher: Running,
    browser: Browser,
    _folder: tempfile::TempDir,
}

impl Pair {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (one, two) = (FakeIdp::rsa(2048), FakeIdp::rsa(2048));
        let store = Running::start_in(Kind::Store, folder.path(), one, |_| {}).await;
        let publisher = Running::start_in(Kind::Publisher, folder.path(), two, |_| {}).await;
        let browser = Browser::new();
        browser.sign_in(&store).await;
        browser.sign_in(&publisher).await;
        Self {
            store,
            publisher,
            browser,
            _folder: folder,
        }
    }

    async fn shown(&self, path: &str) -> String {
        self.browser.page(&self.store.url(path)).await
    }

    async fn post(&self, path: &str, form: &[(&str, &str)]) -> Response {
        let csrf = hidden(
            &self.browser.page(&self.publisher.url("/assets/new")).await,
            "csrf",
        );
        let mut form = form.to_vec();
        form.push(("csrf", &csrf));
        self.browser.post(&self.publisher.url(path), &form).await
    }

    async fn create(&self, name: &str) -> Response {
        let form = [
            ("name", name),
            ("kind", "api"),
            ("summary", "Gift cards, sold & redeemed."),
            ("description", "Two\r\nlines."),
            ("provider", "Payments"),
            ("owner", "Ada Ferris"),
            ("version", "1.0.0"),
            ("document", "openapi: 3.1.0\r\ninfo: <first>\r\n"),
        ];
        self.post("/assets", &form).await
    }

    async fn move_to(&self, path: &str, from: &str, to: &str) -> StatusCode {
        self.post(&format!("{path}/state"), &[("from", from), ("to", to)])
            .await
            .status()
    }
}

#[tokio::test]
async fn what_is_published_is_in_the_store_at_once_and_what_is_retired_is_gone() {
    let pair = Pair::start().await;
    assert_eq!(
        header(&pair.create("Gift Cards 2").await, "location"),
        "/assets/gift-cards-2"
    );
    assert!(
        !pair.shown("/").await.contains("Gift Cards 2"),
        "a draft is not in the store"
    );
    let response = pair
        .browser
        .get(&pair.store.url("/assets/gift-cards-2"))
        .await;
    assert_eq!(response.status(), StatusCode::NOT_FOUND);

    let version = "/assets/gift-cards-2/versions/1.0.0";
    assert_eq!(
        pair.move_to(version, "draft", "published").await,
        StatusCode::SEE_OTHER
    );
    assert!(pair.shown("/").await.contains("Gift Cards 2"));
    let page = pair.shown("/assets/gift-cards-2").await;
    assert!(page.contains("info: &#60;first&#62;"), "{page}");
    let document = pair.shown("/assets/gift-cards-2/1.0.0/document").await;
    assert_eq!(document, "openapi: 3.1.0\ninfo: <first>\n");

    assert_eq!(
        pair.move_to(version, "published", "deprecated").await,
        StatusCode::SEE_OTHER
    );
    assert!(
        pair.shown("/assets/gift-cards-2")
            .await
            .contains("This asset is deprecated")
    );
    assert_eq!(
        pair.move_to(version, "deprecated", "retired").await,
        StatusCode::SEE_OTHER
    );
    assert!(!pair.shown("/").await.contains("Gift Cards 2"));
    let history = pair
        .browser
        .page(&pair.publisher.url("/assets/gift-cards-2"))
        .await;
    assert!(
        history.contains("<b>Ada Ferris</b> retired <span"),
        "{history}"
    );
}

#[tokio::test]
async fn a_new_version_leaves_the_old_one_in_the_store_until_it_is_published() {
    let pair = Pair::start().await;
    let form = [
        ("version", "4.0.0"),
        ("note", "All new."),
        ("document", "new text"),
    ];
    let response = pair.post("/assets/orders-api/versions", &form).await;
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    assert!(!pair.shown("/assets/orders-api").await.contains("4.0.0"));
    let draft = "/assets/orders-api/versions/4.0.0";
    let edit = format!("{draft}/edit");
    let response = pair
        .post(&edit, &[("note", "All new."), ("document", "newer text")])
        .await;
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    pair.move_to(draft, "draft", "published").await;
    assert!(
        pair.shown("/assets/orders-api")
            .await
            .contains("newer text")
    );
    assert!(
        pair.shown("/assets/orders-api?version=3.0.0")
            .await
            .contains("Idempotency-Key")
    );
    let published = pair
        .post(&edit, &[("document", "changed under its number")])
        .await;
    assert_eq!(published.status(), StatusCode::CONFLICT);
    let same = pair.post("/assets/orders-api/versions", &form).await;
    assert_eq!(same.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        same.text()
            .await
            .unwrap()
            .contains("That version exists already")
    );
}

#[tokio::test]
async fn no_life_takes_a_step_that_it_does_not_have() {
    let pair = Pair::start().await;
    let version = "/assets/fraud-score/versions/0.9.0";
    for (from, to) in [
        ("draft", "retired"),
        ("draft", "deprecated"),
        ("published", "deprecated"),
        ("draft", "draft"),
        ("draft", "elsewhere"),
    ] {
        assert_eq!(
            pair.move_to(version, from, to).await,
            StatusCode::CONFLICT,
            "{from} {to}"
        );
    }
    assert_eq!(
        pair.move_to("/assets/none/versions/1", "draft", "published")
            .await,
        StatusCode::CONFLICT
    );
}

#[tokio::test]
async fn a_description_can_be_edited_and_a_refused_form_comes_back_filled_in() {
    let pair = Pair::start().await;
    let edit = "/assets/tax-rates/edit";
    let long = "a".repeat(161);
    let form = [
        ("name", "Tax Rates (old)"),
        ("provider", "Finance"),
        ("owner", "Jo"),
    ];
    let wrong = [&form[..], &[("summary", long.as_str())]].concat();
    let response = pair.post(edit, &wrong).await;
    assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let page = response.text().await.unwrap();
    assert!(
        page.contains("at most 160 characters") && page.contains("Tax Rates (old)"),
        "{page}"
    );
    let right = [&form[..], &[("summary", "Rates.")]].concat();
    assert_eq!(
        pair.post(edit, &right).await.status(),
        StatusCode::SEE_OTHER
    );
    assert!(
        pair.shown("/assets/tax-rates")
            .await
            .contains("Tax Rates (old)")
    );
}

#[tokio::test]
async fn names_are_taken_once_and_versions_have_to_look_like_versions() {
    let pair = Pair::start().await;
    for (name, words) in [
        ("Orders API", "of that name"),
        ("new", "letters"),
        ("…", "letters"),
    ] {
        let response = pair.create(name).await;
        assert_eq!(
            response.status(),
            StatusCode::UNPROCESSABLE_ENTITY,
            "{name}"
        );
        assert!(response.text().await.unwrap().contains(words), "{name}");
    }
    for number in ["", "v1", "1/2", "1 2", "1234567890.1234567890"] {
        let response = pair
            .post("/assets/orders-api/versions", &[("version", number)])
            .await;
        assert_eq!(
            response.status(),
            StatusCode::UNPROCESSABLE_ENTITY,
            "{number}"
        );
    }
    let nowhere = pair
        .post("/assets/none/versions", &[("version", "1.0.0")])
        .await;
    assert_eq!(nowhere.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn nothing_changes_without_the_sessions_own_token() {
    let pair = Pair::start().await;
    let url = pair
        .publisher
        .url("/assets/fraud-score/versions/0.9.0/state");
    let form = [("from", "draft"), ("to", "published"), ("csrf", "")];
    let store_page = pair.browser.page(&pair.store.url("/")).await;
    let of_the_store = hidden(&store_page, "csrf");
    for csrf in ["", "0", &of_the_store] {
        let form = [form[0], form[1], ("csrf", csrf)];
        assert_eq!(
            pair.browser.post(&url, &form).await.status(),
            StatusCode::FORBIDDEN
        );
    }
    let stranger = Browser::new().post(&url, &form).await;
    assert_eq!(stranger.status(), StatusCode::UNAUTHORIZED);
    assert!(!pair.shown("/").await.contains("Fraud Score"));
}

#[tokio::test]
async fn the_store_finds_by_words_and_by_kind() {
    let pair = Pair::start().await;
    let found = pair.shown("/?q=LOGISTICS").await;
    assert!(found.contains("Stock Levels") && found.contains("Shipment Tracking"));
    assert!(!found.contains("Payments API"));
    let found = pair.shown("/?q=logistics&kind=api").await;
    assert!(!found.contains("Stock Levels") && found.contains("Shipment Tracking"));
    let found = pair.shown("/?q=%3Cscript%3E").await;
    assert!(found.contains("Nothing found") && !found.contains("<script>"));
    let everything = pair.shown("/").await;
    assert!(!everything.contains("Fraud Score") && !everything.contains("Order Intake"));
}

#[tokio::test]
async fn the_publisher_filters_by_state() {
    let pair = Pair::start().await;
    let drafts = pair
        .browser
        .page(&pair.publisher.url("/?state=draft"))
        .await;
    assert!(drafts.contains("Fraud Score") && drafts.contains("Payments API"));
    assert!(!drafts.contains("Tax Rates"));
    for path in [
        "/assets/orders-api",
        "/assets/orders-api/edit",
        "/assets/payments-api/versions/2.1.0/edit",
    ] {
        pair.browser.page(&pair.publisher.url(path)).await;
    }
}

#[tokio::test]
async fn every_page_has_its_headers_and_a_stranger_sees_no_asset() {
    let pair = Pair::start().await;
    let stranger = Browser::new();
    for running in [&pair.store, &pair.publisher] {
        let landing = stranger.get(&running.url("/")).await;
        let policy = header(&landing, "content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'") && !policy.contains("unsafe"),
            "{policy}"
        );
        assert_eq!(header(&landing, "x-content-type-options"), "nosniff");
        assert_eq!(header(&landing, "cache-control"), "no-store");
        let page = landing.text().await.unwrap();
        assert!(page.contains("href=\"/saml/login\">Sign in") && !page.contains("/assets/"));
        let deep = stranger.get(&running.url("/assets/orders-api")).await;
        assert_eq!(
            header(&deep, "location"),
            "/saml/login?return=%2Fassets%2Forders-api"
        );
        assert_eq!(
            stranger.get(&running.url("/none")).await.status(),
            StatusCode::NOT_FOUND
        );
        let wrong_method = stranger.get(&running.url("/saml/acs")).await;
        assert_eq!(wrong_method.status(), StatusCode::METHOD_NOT_ALLOWED);
        assert!(
            wrong_method
                .text()
                .await
                .unwrap()
                .contains("To the start page")
        );
        assert_eq!(stranger.page(&running.url("/healthz")).await, "ok\n");
        for file in ["base.css", "app.css", "icon.svg", "post.js"] {
            stranger
                .page(&running.url(&format!("/static/{file}")))
                .await;
        }
    }
}
