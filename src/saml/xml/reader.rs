//! The strict reader: one pass of the tokeniser, every rule of well-formedness and namespaces that
//! it lets through checked here, and what SAML forbids beside (decision 5).

use std::collections::HashSet;
use std::sync::Arc;

use quick_xml::events::Event;

use super::attributes::{self, RawAttribute, RawName};
use super::chars::is_blank;
use super::declarations::{check_binding, check_declaration, declaration};
use super::pieces::{Piece, Pieces};
use super::tokens::{checked_text, rule_of, tokens};
use super::tree::{Attribute, Binding, Document, Element, Node, Scope, lookup};
use super::{Limits, XML_NAMESPACE, XmlError};

/// Reads a whole document, or says which rule it breaks.
///
/// One byte-order mark of UTF-8 is skipped, as XML 1.0, section 4.3.3 demands. The time taken is
/// linear in the number of bytes, within the limits.
pub fn read(bytes: &[u8], limits: &Limits) -> Result<Document, XmlError> {
    read_in(Arc::new([]), bytes, limits)
}

/// The same for a document that stands in the place of `element` and may use the namespaces that
/// are in scope there: what was encrypted where it stood (XML Encryption 1.1, section 4.5).
pub fn read_within(element: &Element, bytes: &[u8], limits: &Limits) -> Result<Document, XmlError> {
    read_in(Arc::clone(&element.scope), bytes, limits)
}

fn read_in(scope: Scope, bytes: &[u8], limits: &Limits) -> Result<Document, XmlError> {
    let mut tokens = tokens(checked_text(bytes, limits)?);
    let mut builder = Builder::new(scope, limits);
    loop {
        match tokens.read_event().map_err(|error| rule_of(&error))? {
            Event::Eof => return builder.finish(),
            event => builder.take(&event)?,
        }
    }
}

/// Reads a document whose outer elements only hold others together, one inner element at a time:
/// it is never in memory as a whole tree. The limit of nodes counts for each inner element.
///
/// `is_container` says which elements these are, from the root downwards. `Some` is a document
/// whose root is none: it was read whole, and no piece was handed out.
pub fn read_in_pieces<E: From<XmlError>>(
    bytes: &[u8],
    limits: &Limits,
    is_container: fn(&Element) -> bool,
    take: &mut dyn FnMut(Piece) -> Result<(), E>,
) -> Result<Option<Document>, E> {
    let text = checked_text(bytes, limits)?;
    let mut tokens = tokens(text);
    let mut builder = Builder::new(Arc::new([]), limits);
    builder.pieces = Some(Pieces::new(is_container));
    loop {
        let event = tokens.read_event().map_err(|error| rule_of(&error))?;
        let is_end = matches!(event, Event::Eof);
        if !is_end {
            builder.take(&event)?;
        }
        for piece in builder.pieces.iter_mut().flat_map(Pieces::drain) {
            take(piece)?;
        }
        if is_end {
            return Ok(builder.finish_pieces()?);
        }
    }
}

struct Builder<'l> {
    limits: &'l Limits,
    /// The elements whose end tags have not come yet.
    open: Vec<Element>,
    root: Option<Element>,
    /// The text that is being joined; it becomes one node at the next tag.
    text: String,
    ids: HashSet<String>,
    nodes: usize,
    /// Where elements go that are handed out one by one.
    pieces: Option<Pieces>,
    started: bool,
    /// The namespaces in scope around the root; none for a document of its own.
    outer_scope: Scope,
    no_namespace: Arc<Binding>,
    xml: Arc<Binding>,
}

fn binding(prefix: &str, namespace: &str) -> Arc<Binding> {
    Arc::new(Binding {
        prefix: prefix.into(),
        namespace: namespace.into(),
    })
}

impl<'l> Builder<'l> {
    fn new(scope: Scope, limits: &'l Limits) -> Self {
        Self {
            limits,
            open: Vec::new(),
            root: None,
            text: String::new(),
            ids: HashSet::new(),
            nodes: 0,
            pieces: None,
            started: false,
            outer_scope: scope,
            no_namespace: binding("", ""),
            xml: binding("xml", XML_NAMESPACE),
        }
    }

    fn take(&mut self, event: &Event<'_>) -> Result<(), XmlError> {
        let first = !std::mem::replace(&mut self.started, true);
        match event {
            Event::Start(tag) => self.start(tag),
            Event::Empty(tag) => {
                self.start(tag)?;
                self.end()
            }
            Event::End(_) => self.end(),
            Event::Text(text) => self.literal(text),
            Event::CData(data) => self.character_data(|value| {
                attributes::push_text(value, data);
                Ok(())
            }),
            Event::GeneralRef(name) => self.character_data(|value| {
                value.push(attributes::resolve(name)?);
                Ok(())
            }),
            Event::Comment(_) => self.comment(),
            Event::Decl(declaration) if first => check_declaration(declaration),
            Event::Decl(_) => Err(XmlError::Declaration),
            Event::PI(_) => Err(XmlError::ProcessingInstruction),
            Event::DocType(_) => Err(XmlError::DocumentType),
            Event::Eof => Ok(()),
        }
    }

    fn count_node(&mut self) -> Result<(), XmlError> {
        self.nodes += 1;
        if self.nodes > self.limits.nodes {
            Err(XmlError::TooManyNodes)
        } else {
            Ok(())
        }
    }

    fn literal(&mut self, text: &str) -> Result<(), XmlError> {
        if self.open.is_empty() {
            return if is_blank(text) {
                Ok(())
            } else {
                Err(XmlError::TextOutsideRoot)
            };
        }
        if text.contains("]]>") {
            return Err(XmlError::CdataEnd);
        }
        attributes::push_text(&mut self.text, text);
        Ok(())
    }

    /// CDATA sections and references: not even blank ones may stand outside the root.
    fn character_data(
        &mut self,
        append: impl FnOnce(&mut String) -> Result<(), XmlError>,
    ) -> Result<(), XmlError> {
        if self.open.is_empty() {
            return Err(XmlError::TextOutsideRoot);
        }
        append(&mut self.text)
    }

    fn comment(&mut self) -> Result<(), XmlError> {
        self.count_node()?;
        if let Some(open) = self.open.last_mut() {
            open.has_comment = true;
        }
        Ok(())
    }

    fn start(&mut self, tag: &str) -> Result<(), XmlError> {
        if self.root.is_some() {
            return Err(XmlError::SecondRoot);
        }
        self.flush_text()?;
        self.count_node()?;
        if self.open.len() >= self.limits.depth {
            return Err(XmlError::TooDeep);
        }
        let mut raw = Vec::new();
        let name = attributes::read_tag(tag, self.limits.attributes, &mut raw)?;
        let scope = self.scope(&raw)?;
        let element = Element {
            binding: self.element_binding(&scope, name)?,
            local: name.local.into(),
            attributes: self.attributes(&scope, &raw)?,
            content: Vec::new(),
            scope,
            has_comment: false,
        };
        self.remember_ids(&element)?;
        if let Some(pieces) = &mut self.pieces {
            pieces.opened(&element, self.open.len());
        }
        self.open.push(element);
        Ok(())
    }

    /// The bindings in scope at an element: its parent's, and what it declares itself.
    fn scope(&self, raw: &[RawAttribute<'_>]) -> Result<Scope, XmlError> {
        let inherited = self
            .open
            .last()
            .map_or(&self.outer_scope, |open| &open.scope);
        let mut declared = raw.iter().filter_map(declaration).peekable();
        if declared.peek().is_none() {
            return Ok(Arc::clone(inherited));
        }
        let mut here: Vec<(&str, String)> = Vec::new();
        for (prefix, value) in declared {
            if here.iter().any(|(other, _)| *other == prefix) {
                return Err(XmlError::DuplicateAttribute);
            }
            if here.len() >= self.limits.namespaces {
                return Err(XmlError::TooManyNamespaces);
            }
            here.push((
                prefix,
                check_binding(prefix, attributes::attribute_value(value)?)?,
            ));
        }
        let kept = inherited
            .iter()
            .filter(|old| here.iter().all(|(new, _)| **new != *old.prefix));
        let mut scope: Vec<_> = kept.cloned().collect();
        for (prefix, namespace) in here {
            // `xmlns=""` takes the default away, and `xml` is bound everywhere.
            if !namespace.is_empty() && prefix != "xml" {
                scope.push(binding(prefix, &namespace));
            }
        }
        if scope.len() > self.limits.namespaces {
            return Err(XmlError::TooManyNamespaces);
        }
        Ok(scope.into())
    }

    fn element_binding(&self, scope: &Scope, name: RawName<'_>) -> Result<Arc<Binding>, XmlError> {
        match (name.prefix, lookup(scope, name.prefix)) {
            (_, Some(found)) => Ok(Arc::clone(found)),
            ("", None) => Ok(Arc::clone(&self.no_namespace)),
            ("xml", None) => Ok(Arc::clone(&self.xml)),
            ("xmlns", None) => Err(XmlError::ReservedPrefix),
            _ => Err(XmlError::UndeclaredPrefix),
        }
    }

    /// The attributes that are no declarations, in canonical order, so that equal ones meet.
    fn attributes(
        &self,
        scope: &Scope,
        raw: &[RawAttribute<'_>],
    ) -> Result<Vec<Attribute>, XmlError> {
        let mut attributes = Vec::with_capacity(raw.len());
        for RawAttribute { name, value } in raw.iter().filter(|one| declaration(one).is_none()) {
            let binding = if name.prefix.is_empty() {
                // The default namespace does not apply to attributes.
                Arc::clone(&self.no_namespace)
            } else {
                self.element_binding(scope, *name)?
            };
            let value = attributes::attribute_value(value)?;
            attributes.push(Attribute {
                binding,
                local: name.local.into(),
                value,
            });
        }
        attributes.sort_unstable_by(|a, b| a.order().cmp(&b.order()));
        if attributes
            .windows(2)
            .any(|pair| matches!(pair, [a, b] if a.order() == b.order()))
        {
            return Err(XmlError::DuplicateAttribute);
        }
        Ok(attributes)
    }

    /// SAML's `ID` and `xml:id` share one set: no two elements may be meant by one reference.
    fn remember_ids(&mut self, element: &Element) -> Result<(), XmlError> {
        for id in [
            element.attribute("ID"),
            element.attribute_ns(XML_NAMESPACE, "id"),
        ] {
            if id.is_some_and(|id| !self.ids.insert(id.to_owned())) {
                return Err(XmlError::DuplicateId);
            }
        }
        Ok(())
    }

    fn flush_text(&mut self) -> Result<(), XmlError> {
        if self.text.is_empty() {
            return Ok(());
        }
        self.count_node()?;
        let text = std::mem::take(&mut self.text);
        if let Some(pieces) = self.pieces_of_innermost() {
            pieces.push(Piece::Text(text));
        } else if let Some(open) = self.open.last_mut() {
            open.content.push(Node::Text(text));
        }
        Ok(())
    }

    /// Where the content of the innermost open element goes, if that is a container.
    fn pieces_of_innermost(&mut self) -> Option<&mut Pieces> {
        let depth = self.open.len();
        self.pieces
            .as_mut()
            .filter(|pieces| depth > 0 && pieces.depth() == depth)
    }

    fn end(&mut self) -> Result<(), XmlError> {
        self.flush_text()?;
        if let Some(pieces) = self.pieces_of_innermost() {
            pieces.closed();
            // What it held is gone already; its name and attributes serve as the root, if it is.
            let container = self.open.pop();
            self.root = container.filter(|_| self.open.is_empty());
            return Ok(());
        }
        let Some(element) = self.open.pop() else {
            return Err(XmlError::Tags);
        };
        if element.has_comment && holds_value(&element) {
            return Err(XmlError::CommentInValue);
        }
        if let Some(pieces) = self.pieces_of_innermost() {
            pieces.push(Piece::Child(element));
            self.nodes = 0;
            return Ok(());
        }
        match self.open.last_mut() {
            Some(parent) => parent.content.push(Node::Element(element)),
            None => self.root = Some(element),
        }
        Ok(())
    }

    /// The document, unless it was handed out in pieces.
    fn finish_pieces(self) -> Result<Option<Document>, XmlError> {
        let in_pieces = self.pieces.as_ref().is_some_and(Pieces::handed_out);
        self.finish()
            .map(|document| Some(document).filter(|_| !in_pieces))
    }

    fn finish(self) -> Result<Document, XmlError> {
        if !self.open.is_empty() {
            return Err(XmlError::Tags);
        }
        self.root
            .map(|root| Document { root })
            .ok_or(XmlError::NoRoot)
    }
}

/// An element holds a value unless it holds elements with nothing but white space between them.
fn holds_value(element: &Element) -> bool {
    element.children().next().is_none() || element.texts().any(|text| !is_blank(text))
}
