//! Two real nodes on one database, behind a balancer that remembers nothing.

use crate::balancer::{Balancer, Way};
use crate::support::app::{Product, free_ports};
use crate::support::browser::Browser;

pub(crate) const PASSWORD: &str = "a long enough password";

/// Cheap passwords: what is tested here is who may do what, and when.
const SETTINGS: &str = "argon2.memory_kib = 64\nargon2.iterations = 1";

pub(crate) struct Cluster {
    pub(crate) a: Product,
    pub(crate) b: Product,
    balancer: Balancer,
}

impl Cluster {
    pub(crate) async fn start() -> Self {
        Self::with("").await
    }

    /// The same with these lines in the configuration of both.
    pub(crate) async fn with(settings: &str) -> Self {
        let (first, second) = (free_ports(1), free_ports(1));
        let balancer = Balancer::before(vec![first, second]);
        let settings = format!("{SETTINGS}\n{settings}");
        let a = Product::node(&balancer.url, first, None, &settings).await;
        let b = Product::node(&balancer.url, second, Some(&a), &settings).await;
        Self { a, b, balancer }
    }

    /// From now on everybody reaches node A alone.
    pub(crate) fn at_a(&self) {
        self.balancer.send(Way::To(0));
    }

    /// From now on everybody reaches node B alone.
    pub(crate) fn at_b(&self) {
        self.balancer.send(Way::To(1));
    }

    /// From now on each request goes to the node that did not get the one before.
    pub(crate) fn in_turn(&self) {
        self.balancer.send(Way::InTurn);
    }

    /// Both nodes' own addresses of a path.
    pub(crate) fn both(&self, path: &str) -> [String; 2] {
        [&self.a, &self.b].map(|node| format!("{}{path}", node.at))
    }

    /// A browser in which somebody has signed in, at whichever node is reached now.
    pub(crate) async fn signed_in(&self, name: &str) -> Browser {
        let browser = self.a.browser();
        let form = browser.visit(&self.a.idp("/login")).await;
        let home = browser.sign_in(&form, name, PASSWORD).await;
        assert_eq!(home.status, 200, "{}", home.body);
        browser
    }
}
