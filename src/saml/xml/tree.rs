//! The small immutable tree that a document is read into.
//!
//! It holds the infoset as far as SAML acts on it and C14N depends on it: no comments (the
//! canonical form is "without comments"), text joined, attributes in canonical order.

use std::fmt;
use std::sync::Arc;

use super::XmlError;

/// A prefix and the namespace that it means; the default namespace has the empty prefix.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Binding {
    pub(super) prefix: Box<str>,
    pub(super) namespace: Box<str>,
}

/// The bindings in scope at an element, innermost only, each prefix once. The prefix `xml` and an
/// undeclared default namespace are not among them. Elements that declare nothing share it.
pub(super) type Scope = Arc<[Arc<Binding>]>;

/// Looks a prefix up. The limit of bindings in scope keeps this short.
pub(super) fn lookup<'s>(scope: &'s Scope, prefix: &str) -> Option<&'s Arc<Binding>> {
    scope.iter().find(|binding| *binding.prefix == *prefix)
}

/// A document that was read whole and without objection.
pub struct Document {
    pub(super) root: Element,
}

impl Document {
    /// The root element.
    #[must_use]
    pub const fn root(&self) -> &Element {
        &self.root
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Document").field(&self.root).finish()
    }
}

/// An element with its expanded name, attributes and content.
pub struct Element {
    pub(super) binding: Arc<Binding>,
    pub(super) local: Box<str>,
    pub(super) attributes: Vec<Attribute>,
    pub(super) content: Vec<Node>,
    pub(super) scope: Scope,
    pub(super) has_comment: bool,
}

/// What an element holds. Two texts never stand side by side.
pub(super) enum Node {
    Element(Element),
    Text(String),
}

/// An attribute with its expanded name; namespace declarations are not attributes.
#[derive(Clone, PartialEq, Eq)]
pub struct Attribute {
    pub(super) binding: Arc<Binding>,
    pub(super) local: Box<str>,
    pub(super) value: String,
}

impl Attribute {
    /// The namespace, empty for an attribute without prefix.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.binding.namespace
    }

    /// The name without prefix.
    #[must_use]
    pub fn local_name(&self) -> &str {
        &self.local
    }

    /// The normalised value.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }

    /// The canonical order: namespace, then local name (C14N 1.0, section 2.2).
    pub(super) fn order(&self) -> (&str, &str) {
        (&self.binding.namespace, &self.local)
    }
}

impl Element {
    /// Whether this is the element of that namespace and local name.
    #[must_use]
    pub fn is(&self, namespace: &str, local: &str) -> bool {
        *self.local == *local && *self.binding.namespace == *namespace
    }

    /// Its start tag alone: name, attributes and bindings, no content.
    #[must_use]
    pub fn copy_of_start(&self) -> Self {
        Self {
            binding: Arc::clone(&self.binding),
            local: self.local.clone(),
            attributes: self.attributes.clone(),
            content: Vec::new(),
            scope: Arc::clone(&self.scope),
            has_comment: self.has_comment,
        }
    }

    /// The namespace, empty for none.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.binding.namespace
    }

    /// The name without prefix.
    #[must_use]
    pub fn local_name(&self) -> &str {
        &self.local
    }

    /// The value of an attribute in no namespace: `ID`, never `x:ID`.
    #[must_use]
    pub fn attribute(&self, local: &str) -> Option<&str> {
        self.attribute_ns("", local)
    }

    /// The value of the attribute of that namespace and local name.
    #[must_use]
    pub fn attribute_ns(&self, namespace: &str, local: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|a| a.order() == (namespace, local))
            .map(|a| a.value.as_str())
    }

    /// All attributes, in canonical order.
    pub fn attributes(&self) -> impl Iterator<Item = &Attribute> {
        self.attributes.iter()
    }

    /// The child elements in document order.
    pub fn children(&self) -> impl Iterator<Item = &Self> {
        self.content.iter().filter_map(|node| match node {
            Node::Element(element) => Some(element),
            Node::Text(_) => None,
        })
    }

    /// The first child element of that name.
    #[must_use]
    pub fn child(&self, namespace: &str, local: &str) -> Option<&Self> {
        self.children().find(|child| child.is(namespace, local))
    }

    /// The child elements of that name in document order.
    pub fn children_named<'e>(
        &'e self,
        namespace: &'e str,
        local: &'e str,
    ) -> impl Iterator<Item = &'e Self> {
        self.children()
            .filter(move |child| child.is(namespace, local))
    }

    /// Whether a comment stood directly in it; the comment itself is not in the tree.
    #[must_use]
    pub const fn has_comment(&self) -> bool {
        self.has_comment
    }

    /// The whole value of an element that holds nothing but a value.
    ///
    /// There is one run of text at most: the reader has joined CDATA sections and references and
    /// has refused comments. White space is kept.
    pub fn text(&self) -> Result<&str, XmlError> {
        match self.content.as_slice() {
            [] => Ok(""),
            [Node::Text(text)] => Ok(text),
            _ => Err(XmlError::ElementInValue),
        }
    }

    /// The runs of text directly in this element: blank between the children of most elements.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.content.iter().filter_map(|node| match node {
            Node::Text(text) => Some(text.as_str()),
            Node::Element(_) => None,
        })
    }

    /// What `prefix` means here, for values that are qualified names (`xsi:type`).
    #[must_use]
    pub fn namespace_of_prefix(&self, prefix: &str) -> Option<&str> {
        lookup(&self.scope, prefix).map(|binding| &*binding.namespace)
    }

    /// How many elements of that name are here: this one and all below it.
    #[must_use]
    pub fn count(&self, namespace: &str, local: &str) -> usize {
        let below: usize = self
            .children()
            .map(|child| child.count(namespace, local))
            .sum();
        usize::from(self.is(namespace, local)) + below
    }
}

impl fmt::Debug for Element {
    /// Only the name: values may be personal, and a message has no place in a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{{}}}{}", self.binding.namespace, self.local)
    }
}

impl fmt::Debug for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{{}}}{}", self.binding.namespace, self.local)
    }
}
