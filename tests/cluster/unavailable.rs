//! What people see when no node answers.

use std::net::SocketAddr;
use std::process::Child;

use crate::cluster::{free_ports, start_nginx};
use crate::nginx::{self, NAMES, Topology};
use crate::wire::{Browser, Wire};

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn what_no_node_answers_is_said_by_a_page_of_ours_whatever_was_asked() {
    let folder = tempfile::tempdir().unwrap();
    let ports = free_ports(8);
    let nobody = |offset| SocketAddr::from(([127, 0, 0, 1], ports + offset));
    let topology = Topology {
        http: ports,
        https: ports + 1,
        nodes: [
            [nobody(2), nobody(3)],
            [nobody(4), nobody(5)],
            [nobody(6), nobody(7)],
        ],
    };
    let certificates = nginx::lay_out(folder.path(), &topology);
    let _nginx = Running(start_nginx(folder.path(), topology.https));
    let mut browser = Browser::new(&Wire::new(&certificates, topology.https));
    let paths = ["/", "/login", "/account/password", "/logout", "/saml/sso"];
    for name in NAMES {
        for path in paths {
            let url = format!("https://{name}:{}{path}", topology.https);
            let field = [("password".to_owned(), "secret".to_owned())];
            for answer in [browser.get(&url), browser.post(&url, &field)] {
                let answer = answer.unwrap();
                assert_eq!(answer.status, 502, "{url}: {}", answer.body);
                assert!(answer.body.contains("try again"), "{}", answer.body);
                assert_eq!(answer.header("retry-after"), Some("5"), "{url}");
                let policy = answer.header("content-security-policy");
                assert!(policy.is_some_and(|policy| policy.contains("default-src 'none'")));
            }
        }
    }
}
