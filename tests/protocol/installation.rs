//! One running identity provider with one person in it, and service providers as a test needs them.

use crate::support::app::Product;
use crate::support::browser::{Answer, Browser};
use crate::support::sp::{AuthnRequest, Sp};

pub(crate) const PASSWORD: &str = "correct horse battery";

/// A running identity provider, and ada, who may enter everywhere.
pub(crate) struct Installation {
    pub(crate) product: Product,
}

impl Installation {
    pub(crate) async fn start() -> Self {
        Self::with("signing_algorithm = \"rsa2048\"").await
    }

    pub(crate) async fn with(settings: &str) -> Self {
        let product = Product::serve(settings).await;
        product.add_user("ada", PASSWORD, &["member"]);
        Self { product }
    }

    /// Registers an SP by this metadata, for members.
    pub(crate) fn register(&self, name: &str, metadata: &str, options: &[&str]) {
        let added = self.try_register(name, metadata, options);
        assert_eq!(added, Ok(()), "{name}");
    }

    /// The same; what is wrong, if it is refused.
    pub(crate) fn try_register(
        &self,
        name: &str,
        metadata: &str,
        options: &[&str],
    ) -> Result<(), String> {
        let metadata = self.product.file(&format!("{name}.xml"), metadata);
        let mut arguments = vec!["sp", "add", "--metadata", &metadata, "--name", name];
        arguments.extend(["--require-role", "member"]);
        arguments.extend(options);
        let output = self.product.try_cli(&arguments, "");
        if output.status.success() {
            return Ok(());
        }
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }

    /// The address of the single sign-on endpoint.
    pub(crate) fn sso(&self) -> String {
        self.product.idp("/saml/sso")
    }

    /// Ada's browser, signed in.
    pub(crate) async fn ada(&self) -> Browser {
        let browser = self.product.browser();
        let form = browser.visit(&self.product.idp("/login")).await;
        let page = browser.sign_in(&form, "ada", PASSWORD).await;
        assert_eq!(page.status, 200, "{}", page.body);
        browser
    }

    /// Sends a request of this SP by HTTP-Redirect.
    pub(crate) async fn ask(&self, browser: &Browser, request: &AuthnRequest) -> Answer {
        browser.visit(&request.redirect(None)).await
    }

    /// An SP with its own name.
    pub(crate) fn sp(name: &str) -> Sp {
        Sp::new(
            &format!("https://{name}.example/saml"),
            &format!("https://{name}.example/acs"),
        )
    }
}
