//! What the tests share. A test in twenty lines:
//!
//! ```ignore
//! let product = Product::demo().await;                     // the real binary, its own ports and folder
//! let carla = product.browser();                             // a cookie jar; nobody is signed in
//! let form = carla.visit(&product.store("/saml/login")).await; // redirects followed, each one checked
//! let answer = carla.sign_in(&form, "carla", product.password("carla")).await;
//! let (acs, response) = answer.response().expect("the store gets a Response");
//! assert_eq!(response.short_status(), "Success");          // read by lxml, never by our own code
//! let home = carla.deliver(&answer).await;                   // what the page's form would do
//! product.cli(["user", "revoke", "carla", "store"]);         // an administrator, beside it
//! ```
//!
//! * [`app`]: the product as a process, and its command line.
//! * [`browser`]: a person's browser. Requests are sent one by one; each SAML message that comes
//!   back is held against xmlsec1 and the OASIS schemas before the test sees it.
//! * [`sp`]: a service provider that shares no code with the product.
//! * [`oracle`]: xmlsec1, the schemas, and a reader that is not ours.
//! * [`database`]: a database of the test's own, on the engine that the run is about.
//! * [`server`]: private database servers.
//! * [`http_server`]: somebody else's HTTP server, that answers as a test tells it to.

pub(crate) mod app;
pub(crate) mod browser;
pub(crate) mod database;
pub(crate) mod form;
pub(crate) mod http_server;
pub(crate) mod oracle;
pub(crate) mod server;
pub(crate) mod sp;
