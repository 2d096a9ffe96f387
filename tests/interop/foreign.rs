//! A service provider in another process, spoken to in lines of JSON.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::support::app::Product;
use crate::support::oracle::python;
use crate::support::sp::Sp;

/// A foreign service provider, running.
pub(crate) struct ForeignSp {
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
    process: Child,
    metadata: String,
}

/// An AuthnRequest on its way.
#[derive(Deserialize)]
pub(crate) struct Request {
    pub(crate) url: String,
    pub(crate) id: String,
}

/// What the service provider made of a Response.
#[derive(Debug, Deserialize)]
pub(crate) struct Judgement {
    pub(crate) authenticated: bool,
    pub(crate) errors: Vec<String>,
    pub(crate) name_id: Option<String>,
    pub(crate) name_id_format: Option<String>,
    pub(crate) session_index: Option<String>,
    pub(crate) attributes: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize)]
struct Metadata {
    metadata: String,
}

impl ForeignSp {
    /// python3-saml with `strict`, and these of its `security` settings changed.
    pub(crate) fn python3_saml(product: &Product, name_id_format: &str, security: &Value) -> Self {
        let program =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop/python3_saml_sp.py");
        let mut process = Command::new(python())
            .arg(program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python starts");
        let mut sp = Self {
            orders: process.stdin.take().expect("stdin is piped"),
            answers: BufReader::new(process.stdout.take().expect("stdout is piped")),
            process,
            metadata: String::new(),
        };
        let keys = Sp::new("https://sp.example/metadata", "https://sp.example/acs");
        let answer: Metadata = sp.ask(&json!({
            "do": "settings",
            "sp": {
                "entity_id": keys.entity_id,
                "acs": keys.acs,
                "name_id_format": name_id_format,
                "certificate": keys.certificate_base64(),
                "key": keys.key_pem(),
            },
            "idp_metadata": product.metadata_xml,
            "security": security,
        }));
        sp.metadata = answer.metadata;
        sp
    }

    /// Registers it by the metadata that it wrote itself, under the name `foreign`.
    pub(crate) fn register(&self, product: &Product, options: &[&str]) {
        let metadata = product.file("foreign.xml", &self.metadata);
        let mut arguments = vec!["sp", "add", "--metadata", &metadata, "--name", "foreign"];
        arguments.extend(options);
        let output = product.try_cli(&arguments, "");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}\n{}", self.metadata);
    }

    /// Has it write an AuthnRequest, with these flags of python3-saml's `login`.
    pub(crate) fn request(&mut self, relay_state: &str, mut flags: Value) -> Request {
        flags["do"] = json!("request");
        flags["relay_state"] = json!(relay_state);
        self.ask(&flags)
    }

    /// Has it judge a Response to the request with this ID.
    pub(crate) fn judge(&mut self, response: &str, id: &str) -> Judgement {
        self.ask(&json!({"do": "accept", "response": response, "id": id}))
    }

    fn ask<T: DeserializeOwned>(&mut self, order: &Value) -> T {
        let mut line = String::new();
        writeln!(self.orders, "{order}").expect("it reads");
        self.answers.read_line(&mut line).expect("it writes");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{order}: {line} ({error})"))
    }
}

impl Drop for ForeignSp {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
