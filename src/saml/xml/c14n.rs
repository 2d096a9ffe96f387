//! Exclusive XML Canonicalization 1.0, without comments, of an element of the tree.

use std::sync::Arc;

use super::tree::{Element, Node, Scope, lookup};
use super::writer::Writer;

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
    let inclusive: Vec<&str> = inclusive_prefixes
        .iter()
        .map(|prefix| if *prefix == "#default" { "" } else { prefix })
        .collect();
    let mut writer = Writer::with_capacity(4096);
    Walk {
        inclusive: &inclusive,
        without,
    }
    .element(&mut writer, element, None);
    writer.into_canonical().into_bytes()
}

struct Walk<'c> {
    inclusive: &'c [&'c str],
    without: Option<&'c Element>,
}

impl Walk<'_> {
    /// The reader's limit of depth bounds this recursion.
    fn element<'e>(&self, writer: &mut Writer<'e>, element: &'e Element, above: Option<&Scope>) {
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
}
