//! Exclusive XML Canonicalization 1.0, without comments, of an element of the tree.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::tree::{Element, Node, Scope, lookup};
use super::writer::{Namespace, Writer};

/// The canonical octets of `element` and all below it.
///
/// `inclusive_prefixes` is the `PrefixList` of `InclusiveNamespaces`: prefixes that are treated as in
/// inclusive C14N, `#default` among them. `without` is left out with all below it: the signature
/// of the enveloped-signature transform. It is compared by identity, not by equality.
#[must_use]
pub fn canonicalize(
    element: &Element,
    inclusive_prefixes: &[&str],
    without: Option<&Element>,
) -> Vec<u8> {
    let inclusive = prefixes(inclusive_prefixes);
    let mut writer = Writer::with_capacity(4096);
    Walk {
        inclusive: &inclusive,
        without,
    }
    .element(&mut writer, element, None);
    writer.into_canonical().into_bytes()
}

fn prefixes<'p>(list: &[&'p str]) -> Vec<&'p str> {
    let meant = |prefix: &&'p str| if *prefix == "#default" { "" } else { *prefix };
    list.iter().map(meant).collect()
}

/// The text of an element as a document of its own: every prefix that is bound around it or in it
/// stays bound, so that values which are qualified names (`xsi:type`) keep their meaning.
#[must_use]
pub fn standalone(element: &Element) -> String {
    let mut bound = BTreeSet::new();
    collect_prefixes(element, None, &mut bound);
    let inclusive: Vec<&str> = bound.into_iter().collect();
    let mut writer = Writer::with_capacity(4096);
    Walk {
        inclusive: &inclusive,
        without: None,
    }
    .element(&mut writer, element, None);
    writer.into_canonical()
}

fn collect_prefixes<'e>(
    element: &'e Element,
    above: Option<&Scope>,
    bound: &mut BTreeSet<&'e str>,
) {
    if !above.is_some_and(|scope| Arc::ptr_eq(scope, &element.scope)) {
        bound.extend(element.scope.iter().map(|binding| &*binding.prefix));
    }
    for child in element.children() {
        collect_prefixes(child, Some(&element.scope), bound);
    }
}

/// Canonicalises a document that is read in pieces: the same octets as [`canonicalize`] of the
/// whole, given out piece by piece.
#[derive(Debug)]
pub struct PiecewiseC14n {
    inclusive: Vec<String>,
    /// What is declared in the output so far and still in scope: prefix and namespace.
    rendered: Vec<(Box<str>, Box<str>)>,
    open: Vec<OpenContainer>,
}

#[derive(Debug)]
struct OpenContainer {
    end_tag: String,
    /// The length of `rendered` outside.
    outside: usize,
    scope: Scope,
}

impl PiecewiseC14n {
    /// Canonicalises with that `PrefixList`.
    #[must_use]
    pub fn new(inclusive_prefixes: &[&str]) -> Self {
        let inclusive = prefixes(inclusive_prefixes);
        Self {
            inclusive: inclusive.into_iter().map(str::to_owned).collect(),
            rendered: Vec::new(),
            open: Vec::new(),
        }
    }

    /// The start tag of a container.
    pub fn start(&mut self, container: &Element) -> String {
        let inclusive: Vec<&str> = self.inclusive.iter().map(String::as_str).collect();
        let walk = Walk {
            inclusive: &inclusive,
            without: None,
        };
        let mut writer = self.writer(256);
        let above = self.open.last().map(|open| &open.scope);
        walk.tag(&mut writer, container, above);
        let rendered = writer.rendered();
        let rendered = rendered
            .iter()
            .map(|one| (one.prefix.into(), one.uri.into()));
        let (rendered, text) = (rendered.collect(), writer.into_canonical());
        let prefix = &container.binding.prefix;
        let colon = if prefix.is_empty() { "" } else { ":" };
        self.open.push(OpenContainer {
            end_tag: format!("</{prefix}{colon}{}>", container.local),
            outside: self.rendered.len(),
            scope: Arc::clone(&container.scope),
        });
        self.rendered = rendered;
        text
    }

    /// A whole element in the innermost container.
    #[must_use]
    pub fn child(&self, element: &Element) -> String {
        let inclusive: Vec<&str> = self.inclusive.iter().map(String::as_str).collect();
        let walk = Walk {
            inclusive: &inclusive,
            without: None,
        };
        let mut writer = self.writer(8192);
        let above = self.open.last().map(|open| &open.scope);
        walk.element(&mut writer, element, above);
        writer.into_canonical()
    }

    /// Text in the innermost container.
    #[must_use]
    pub fn text(&self, text: &str) -> String {
        let mut writer = Writer::with_capacity(text.len());
        writer.push_text(text);
        writer.into_canonical()
    }

    /// The end tag of the innermost container.
    pub fn end(&mut self) -> String {
        match self.open.pop() {
            Some(open) => {
                self.rendered.truncate(open.outside);
                open.end_tag
            }
            None => String::new(),
        }
    }

    /// A writer that goes on where the output is.
    fn writer(&self, bytes: usize) -> Writer<'_> {
        let declared = self.rendered.iter();
        let declared = declared.map(|(prefix, uri)| Namespace::new(prefix, uri));
        Writer::inside(declared.collect(), bytes)
    }
}

struct Walk<'c> {
    inclusive: &'c [&'c str],
    without: Option<&'c Element>,
}

impl Walk<'_> {
    /// The reader's limit of depth bounds this recursion.
    fn element<'e>(&self, writer: &mut Writer<'e>, element: &'e Element, above: Option<&Scope>) {
        self.tag(writer, element, above);
        for node in &element.content {
            match node {
                Node::Text(text) => writer.push_text(text),
                Node::Element(child)
                    if self.without.is_some_and(|out| std::ptr::eq(out, child)) => {}
                Node::Element(child) => self.element(writer, child, Some(&element.scope)),
            }
        }
        writer.close_tag();
    }

    fn tag<'e>(&self, writer: &mut Writer<'e>, element: &'e Element, above: Option<&Scope>) {
        writer.open_tag(
            &element.binding.prefix,
            &element.binding.namespace,
            &element.local,
        );
        // Below the apex an inclusive prefix can change its meaning only where something is
        // declared, which gives the element a scope of its own.
        if !above.is_some_and(|scope| Arc::ptr_eq(scope, &element.scope)) {
            for prefix in self.inclusive {
                match lookup(&element.scope, prefix) {
                    Some(found) => writer.declare_raw(&found.prefix, &found.namespace),
                    None if prefix.is_empty() => writer.declare_raw("", ""),
                    None => {}
                }
            }
        }
        for attribute in &element.attributes {
            let binding = &attribute.binding;
            let (prefix, namespace) = (&*binding.prefix, &*binding.namespace);
            writer.push_attribute(prefix, namespace, &attribute.local, &attribute.value);
        }
    }
}
