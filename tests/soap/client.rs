//! A SOAP client that shares no code with the product.

use reqwest::header::HeaderMap;

use crate::support::app::Product;
use crate::support::oracle::{self, Message};

/// What came back.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

/// The envelope of a message, with these header blocks.
pub(crate) fn envelope(header: &str, message: &str) -> String {
    let header = if header.is_empty() {
        String::new()
    } else {
        format!("<e:Header>{header}</e:Header>")
    };
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<e:Envelope \
         xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\">{header}<e:Body>{message}</e:Body>\
         </e:Envelope>"
    )
}

/// Posts an envelope to a path of the product.
pub(crate) async fn post(product: &Product, path: &str, envelope: &str) -> Reply {
    send(product, path, envelope, |request| {
        request.header("Content-Type", "text/xml; charset=utf-8")
    })
    .await
}

/// The same with other headers.
pub(crate) async fn send(
    product: &Product,
    path: &str,
    envelope: &str,
    headers: impl FnOnce(reqwest::RequestBuilder) -> reqwest::RequestBuilder,
) -> Reply {
    let request = reqwest::Client::new()
        .post(product.idp(path))
        .body(envelope.to_owned());
    let answer = headers(request).send().await.expect("an answer comes");
    Reply {
        status: answer.status().as_u16(),
        headers: answer.headers().clone(),
        body: answer.text().await.expect("the answer is text"),
    }
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let value = self.headers.get(name)?;
        Some(value.to_str().expect("our headers are ASCII"))
    }

    /// The text of the one element in the Body.
    pub(crate) fn message_xml(&self) -> String {
        assert_eq!(
            self.header("content-type"),
            Some("text/xml; charset=utf-8"),
            "{}",
            self.body
        );
        assert_eq!(self.header("cache-control"), Some("no-store"));
        let inside = |text: &str, from: &str, to: &str| {
            let (_, rest) = text.split_once(from)?;
            Some(rest.rsplit_once(to)?.0.to_owned())
        };
        inside(&self.body, "<S:Body>", "</S:Body>")
            .unwrap_or_else(|| panic!("no envelope came:\n{}", self.body))
    }

    /// The message in the Body, held against both sets of schemas.
    pub(crate) fn message(&self) -> Message {
        let xml = self.message_xml();
        oracle::read(&xml).unwrap_or_else(|why| panic!("{why}\n{xml}"))
    }

    /// The code of the Fault in the Body.
    pub(crate) fn fault(&self) -> Option<String> {
        let (_, rest) = self.body.split_once("<faultcode>")?;
        Some(rest.split_once("</faultcode>")?.0.to_owned())
    }
}
