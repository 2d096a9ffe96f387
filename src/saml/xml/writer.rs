//! The writer: what it produces is in exclusive-C14N form already (decision 7), so that a
//! signature is a digest over our own bytes and nothing is parsed again.

use std::cmp::Ordering;

use super::WriteError;
use super::chars::all_legal;
use super::escape::{escape_attribute, escape_text};

/// A namespace together with the prefix that we write it with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Namespace<'n> {
    /// The prefix; empty for a default namespace.
    pub prefix: &'n str,
    /// The namespace name, an absolute URI.
    pub uri: &'n str,
}

impl<'n> Namespace<'n> {
    /// The namespace `uri`, written with `prefix`.
    #[must_use]
    pub const fn new(prefix: &'n str, uri: &'n str) -> Self {
        Self { prefix, uri }
    }
}

/// Writes one element with all below it.
///
/// Every namespace is declared at its first visible use, never on an ancestor that does not use
/// it: an element written in here by itself has the same text as one written alone, unless its
/// namespaces were used around it. Attributes are put into canonical order. The first fault is
/// kept and comes out of [`Writer::finish`], so that nothing faulty leaves.
#[derive(Debug)]
pub struct Writer<'n> {
    out: String,
    open: Vec<Open<'n>>,
    /// The declarations written and still in scope, outermost first.
    rendered: Vec<Namespace<'n>>,
    /// Whether the innermost start tag still takes attributes.
    in_tag: bool,
    declared: Vec<Namespace<'n>>,
    attributes: Vec<Pending<'n>>,
    /// The escaped values of `attributes`.
    values: String,
    fault: Option<WriteError>,
}

#[derive(Debug)]
struct Open<'n> {
    namespace: Namespace<'n>,
    local: &'n str,
    /// The length of `rendered` outside this element.
    outside: usize,
}

#[derive(Debug)]
struct Pending<'n> {
    namespace: Namespace<'n>,
    local: &'n str,
    value: std::ops::Range<usize>,
}

impl<'n> Writer<'n> {
    /// A writer whose buffer is made for about that many bytes.
    #[must_use]
    pub fn with_capacity(bytes: usize) -> Self {
        Self {
            out: String::with_capacity(bytes),
            open: Vec::with_capacity(16),
            rendered: Vec::with_capacity(8),
            in_tag: false,
            declared: Vec::new(),
            attributes: Vec::with_capacity(8),
            values: String::with_capacity(512),
            fault: None,
        }
    }

    /// A writer that goes on inside others, around which `rendered` is declared.
    pub(super) fn inside(rendered: Vec<Namespace<'n>>, bytes: usize) -> Self {
        Self {
            rendered,
            ..Self::with_capacity(bytes)
        }
    }

    /// What is declared where the writer stands.
    pub(super) fn rendered(&mut self) -> &[Namespace<'n>] {
        self.flush_tag();
        &self.rendered
    }

    /// Starts an element; its attributes follow.
    pub fn start(&mut self, namespace: Namespace<'n>, local: &'n str) -> &mut Self {
        if self.open.is_empty() && !self.out.is_empty() {
            self.fail(WriteError::Unbalanced);
        }
        self.open_tag(namespace.prefix, namespace.uri, local);
        self
    }

    /// An attribute in no namespace.
    pub fn attribute(&mut self, local: &'n str, value: &str) -> &mut Self {
        self.attribute_ns(Namespace::new("", ""), local, value)
    }

    /// An attribute in a namespace, whose prefix must not be empty.
    pub fn attribute_ns(
        &mut self,
        namespace: Namespace<'n>,
        local: &'n str,
        value: &str,
    ) -> &mut Self {
        if !self.in_tag {
            self.fail(WriteError::LateAttribute);
        } else if namespace.prefix.is_empty() && !namespace.uri.is_empty() {
            self.fail(WriteError::PrefixConflict);
        }
        self.check(value);
        self.push_attribute(namespace.prefix, namespace.uri, local, value);
        self
    }

    /// Declares a namespace here though no name uses it: for a prefix that only a value uses
    /// (`xs:string`) and that every signature's `PrefixList` therefore names.
    pub fn declare(&mut self, namespace: Namespace<'n>) -> &mut Self {
        if !self.in_tag {
            self.fail(WriteError::LateAttribute);
        }
        self.declare_raw(namespace.prefix, namespace.uri);
        self
    }

    /// Appends text to the content of the innermost element.
    pub fn text(&mut self, text: &str) -> &mut Self {
        if self.open.is_empty() {
            self.fail(WriteError::Unbalanced);
        }
        self.check(text);
        self.push_text(text);
        self
    }

    /// Ends the innermost element.
    pub fn end(&mut self) -> &mut Self {
        self.close_tag();
        self
    }

    /// An element without attributes that holds nothing but a value.
    pub fn element(&mut self, namespace: Namespace<'n>, local: &'n str, text: &str) -> &mut Self {
        self.start(namespace, local).text(text).end()
    }

    /// Writes an element that is finished already, for example a signed assertion.
    ///
    /// `canonical` must be in exclusive-C14N form by itself.
    pub fn embed(&mut self, canonical: &str) -> &mut Self {
        self.flush_tag();
        if self.open.is_empty() {
            self.fail(WriteError::Unbalanced);
        }
        if self
            .rendered
            .iter()
            .any(|one| root_declares(canonical, *one))
        {
            self.fail(WriteError::RepeatedDeclaration);
        }
        self.out.push_str(canonical);
        self
    }

    /// How many bytes are written: after an [`Writer::end`] the place right behind that element,
    /// where a signature may be put in.
    pub fn position(&mut self) -> usize {
        self.flush_tag();
        self.out.len()
    }

    /// The finished text, or the first fault.
    pub fn finish(mut self) -> Result<String, WriteError> {
        if !self.open.is_empty() || self.out.is_empty() {
            self.fail(WriteError::Unbalanced);
        }
        self.fault.map_or(Ok(self.out), Err)
    }

    /// The text of a tree, whose reader has seen to it that there is no fault.
    pub(super) fn into_canonical(self) -> String {
        self.out
    }

    fn fail(&mut self, fault: WriteError) {
        self.fault.get_or_insert(fault);
    }

    fn check(&mut self, value: &str) {
        if !all_legal(value) {
            self.fail(WriteError::IllegalCharacter);
        }
    }

    pub(super) fn open_tag(&mut self, prefix: &'n str, uri: &'n str, local: &'n str) {
        self.flush_tag();
        let namespace = Namespace { prefix, uri };
        self.open.push(Open {
            namespace,
            local,
            outside: self.rendered.len(),
        });
        self.in_tag = true;
    }

    pub(super) fn declare_raw(&mut self, prefix: &'n str, uri: &'n str) {
        self.declared.push(Namespace { prefix, uri });
    }

    pub(super) fn push_attribute(
        &mut self,
        prefix: &'n str,
        uri: &'n str,
        local: &'n str,
        value: &str,
    ) {
        let start = self.values.len();
        escape_attribute(&mut self.values, value);
        let value = start..self.values.len();
        self.attributes.push(Pending {
            namespace: Namespace { prefix, uri },
            local,
            value,
        });
    }

    pub(super) fn push_text(&mut self, text: &str) {
        self.flush_tag();
        escape_text(&mut self.out, text);
    }

    pub(super) fn close_tag(&mut self) {
        self.flush_tag();
        let Some(Open {
            namespace,
            local,
            outside,
        }) = self.open.pop()
        else {
            return self.fail(WriteError::Unbalanced);
        };
        self.rendered.truncate(outside);
        self.out.push_str("</");
        push_name(&mut self.out, namespace.prefix, local);
        self.out.push('>');
    }

    /// Writes the pending start tag: name, declarations, attributes, each in canonical order.
    fn flush_tag(&mut self) {
        if !std::mem::replace(&mut self.in_tag, false) {
            return;
        }
        let Some(Open {
            namespace,
            local,
            outside,
        }) = self.open.last()
        else {
            return;
        };
        let (namespace, local, outside) = (*namespace, *local, *outside);
        self.out.push('<');
        push_name(&mut self.out, namespace.prefix, local);
        self.render(namespace, outside);
        for at in 0..self.declared.len() {
            if let Some(declared) = self.declared.get(at).copied() {
                self.render(declared, outside);
            }
        }
        for at in 0..self.attributes.len() {
            // An attribute without prefix uses no namespace, not even the default one.
            let used = self.attributes.get(at).map(|attribute| attribute.namespace);
            if let Some(used) = used.filter(|namespace| !namespace.prefix.is_empty()) {
                self.render(used, outside);
            }
        }
        self.write_declarations(outside);
        self.write_attributes();
        self.out.push('>');
        self.declared.clear();
        self.attributes.clear();
        self.values.clear();
    }

    /// Notes that a declaration has to be written, unless the same is in scope in the output.
    fn render(&mut self, namespace: Namespace<'n>, outside: usize) {
        if namespace.prefix == "xml" {
            return;
        }
        let found = self
            .rendered
            .iter()
            .rposition(|one| one.prefix == namespace.prefix);
        let in_scope = found
            .and_then(|at| self.rendered.get(at))
            .map_or("", |one| one.uri);
        if in_scope == namespace.uri {
            return;
        }
        if found.is_some_and(|at| at >= outside) {
            self.fail(WriteError::PrefixConflict);
        }
        self.rendered.push(namespace);
    }

    fn write_declarations(&mut self, outside: usize) {
        let Some(new) = self.rendered.get_mut(outside..) else {
            return;
        };
        new.sort_unstable_by(|a, b| a.prefix.cmp(b.prefix));
        for Namespace { prefix, uri } in new {
            self.out.push_str(if prefix.is_empty() {
                " xmlns"
            } else {
                " xmlns:"
            });
            self.out.push_str(prefix);
            self.out.push_str("=\"");
            escape_attribute(&mut self.out, uri);
            self.out.push('"');
        }
    }

    fn write_attributes(&mut self) {
        self.attributes.sort_unstable_by(Pending::order);
        let mut repeated = false;
        let mut before: Option<&Pending<'_>> = None;
        for attribute in &self.attributes {
            repeated |= before.is_some_and(|before| before.order(attribute) == Ordering::Equal);
            before = Some(attribute);
            self.out.push(' ');
            push_name(&mut self.out, attribute.namespace.prefix, attribute.local);
            self.out.push_str("=\"");
            self.out
                .push_str(self.values.get(attribute.value.clone()).unwrap_or_default());
            self.out.push('"');
        }
        if repeated {
            self.fail(WriteError::DuplicateAttribute);
        }
    }
}

impl Pending<'_> {
    /// Attributes come in the order of namespace, then local name (C14N 1.0, section 2.2).
    fn order(&self, other: &Self) -> Ordering {
        (self.namespace.uri, self.local).cmp(&(other.namespace.uri, other.local))
    }
}

fn push_name(out: &mut String, prefix: &str, local: &str) {
    if !prefix.is_empty() {
        out.push_str(prefix);
        out.push(':');
    }
    out.push_str(local);
}

/// Whether the root of a canonical text declares `namespace`. Declarations come first in a
/// canonical start tag, and their values hold neither blanks nor quotes.
fn root_declares(canonical: &str, namespace: Namespace<'_>) -> bool {
    canonical
        .split(' ')
        .skip(1)
        .map_while(|part| part.strip_prefix("xmlns"))
        .any(|declaration| {
            let declaration = declaration.strip_prefix(':').unwrap_or(declaration);
            declaration
                .split_once("=\"")
                .is_some_and(|(prefix, value)| {
                    prefix == namespace.prefix
                        && value
                            .split('"')
                            .next()
                            .is_some_and(|uri| uri == namespace.uri)
                })
        })
}
