//! XML as SAML needs it: one strict reader into one small tree, exclusive C14N of that very tree,
//! and one writer that produces canonical form directly.
//!
//! It knows nothing of SAML, of signatures and of where the bytes came from. There is no second
//! parser in Doorward: what was canonicalised is what is read (decision 5).

mod attributes;
mod c14n;
mod chars;
mod declarations;
mod escape;
mod pieces;
mod reader;
mod tokens;
mod tree;
mod writer;

pub use c14n::{PiecewiseC14n, canonicalize, standalone};
pub use chars::{is_blank, is_nc_name};
pub use pieces::Piece;
pub use reader::{read, read_in_pieces, read_within};
pub use tree::{Attribute, Document, Element};
pub use writer::{Namespace, Writer};

/// The namespace that the prefix `xml` always means (Namespaces in XML 1.0, section 3).
pub const XML_NAMESPACE: &str = "http://www.w3.org/XML/1998/namespace";
/// The namespace that the prefix `xmlns` always means; nothing else may be bound to it.
pub const XMLNS_NAMESPACE: &str = "http://www.w3.org/2000/xmlns/";

/// How much of anything a document may hold; the reader stops at the first excess.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the whole document.
    pub bytes: usize,
    /// Elements inside each other; the root is the first.
    pub depth: usize,
    /// Elements, runs of text and comments, all together.
    pub nodes: usize,
    /// Attributes of one element, namespace declarations among them.
    pub attributes: usize,
    /// Namespace bindings in scope at one place.
    pub namespaces: usize,
}

impl Limits {
    /// For protocol messages: a real one has some 40 nodes and 6 namespaces.
    pub const MESSAGE: Self = Self {
        bytes: 256 * 1024,
        depth: 32,
        nodes: 2_000,
        attributes: 64,
        namespaces: 32,
    };
    /// For the metadata of one entity, which federations fill with extensions and logos.
    pub const METADATA: Self = Self {
        bytes: 20 << 20,
        depth: 64,
        nodes: 100_000,
        attributes: 128,
        namespaces: 64,
    };
    /// For the metadata of a whole federation, read entity by entity: eduGAIN's has some 100 MB.
    pub const AGGREGATE: Self = Self {
        bytes: 128 << 20,
        ..Self::METADATA
    };
}

/// Why a document was not taken: one variant per rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum XmlError {
    /// More bytes than [`Limits::bytes`].
    #[error("the document is larger than allowed")]
    TooLarge,
    /// Elements nest deeper than [`Limits::depth`].
    #[error("elements nest deeper than allowed")]
    TooDeep,
    /// More nodes than [`Limits::nodes`].
    #[error("the document has more nodes than allowed")]
    TooManyNodes,
    /// More attributes on one element than [`Limits::attributes`].
    #[error("an element has more attributes than allowed")]
    TooManyAttributes,
    /// More namespace bindings in scope than [`Limits::namespaces`].
    #[error("more namespaces are in scope than allowed")]
    TooManyNamespaces,
    /// The bytes are not UTF-8.
    #[error("the document is not UTF-8")]
    NotUtf8,
    /// The XML declaration names another encoding than UTF-8.
    #[error("the XML declaration names another encoding than UTF-8")]
    ForeignEncoding,
    /// The XML declaration names another version than 1.0.
    #[error("the XML declaration names another version than 1.0")]
    ForeignVersion,
    /// The XML declaration is malformed, or does not stand at the very start.
    #[error("the XML declaration is malformed or misplaced")]
    Declaration,
    /// A character that XML 1.0 does not allow, literally or by reference.
    #[error("a character that XML does not allow")]
    IllegalCharacter,
    /// A DOCTYPE.
    #[error("a document type declaration")]
    DocumentType,
    /// A processing instruction.
    #[error("a processing instruction")]
    ProcessingInstruction,
    /// A reference that is neither one of the five entities nor a character reference.
    #[error("a reference to an entity beyond the five of XML")]
    Entity,
    /// A tag, comment or CDATA section that has no end, or is none.
    #[error("the markup is malformed")]
    Markup,
    /// An end tag that does not match, or is missing.
    #[error("start and end tags do not match")]
    Tags,
    /// `--` within a comment.
    #[error("a comment holds two hyphens")]
    Comment,
    /// A comment in an element that holds a value, where it could split the value in two.
    #[error("a comment stands inside a value")]
    CommentInValue,
    /// A name that is no `QName`, or a prefix that is no `NCName`.
    #[error("a name that is no qualified name")]
    Name,
    /// A prefix that nothing declares.
    #[error("a prefix is used that is not declared")]
    UndeclaredPrefix,
    /// `xmlns:p=""`, which Namespaces in XML 1.0 forbids.
    #[error("a prefix is bound to no namespace")]
    EmptyNamespace,
    /// A namespace name that is not an absolute URI; C14N is undefined for it.
    #[error("a namespace name is not an absolute URI")]
    RelativeNamespace,
    /// `xml` or `xmlns` is rebound, or their namespaces are bound to another prefix.
    #[error("the prefixes xml and xmlns cannot be rebound")]
    ReservedPrefix,
    /// An attribute without `=` or quotes.
    #[error("an attribute is malformed")]
    AttributeSyntax,
    /// No white space between two attributes.
    #[error("white space is missing between attributes")]
    MissingSpace,
    /// `<` in an attribute value.
    #[error("an attribute value holds <")]
    LessThanInAttribute,
    /// Two attributes of one element are equal after their prefixes are expanded.
    #[error("an attribute occurs twice on one element")]
    DuplicateAttribute,
    /// Two elements bear the same ID.
    #[error("the same ID occurs twice")]
    DuplicateId,
    /// `]]>` in text.
    #[error("text holds ]]>")]
    CdataEnd,
    /// Text before or after the root element.
    #[error("text stands outside the root element")]
    TextOutsideRoot,
    /// A second root element.
    #[error("the document has a second root element")]
    SecondRoot,
    /// No root element at all.
    #[error("the document has no root element")]
    NoRoot,
    /// A value was asked for, but the element holds elements.
    #[error("an element stands where only a value may")]
    ElementInValue,
}

/// Why nothing was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// A value holds a character that XML 1.0 cannot carry, not even by reference.
    #[error("a value holds a character that XML cannot carry")]
    IllegalCharacter,
    /// An attribute or declaration came after the content had begun.
    #[error("an attribute was written after the content had begun")]
    LateAttribute,
    /// The same attribute was written twice on one element.
    #[error("an attribute was written twice")]
    DuplicateAttribute,
    /// One element uses one prefix for two namespaces.
    #[error("a prefix was used for two namespaces on one element")]
    PrefixConflict,
    /// Elements were not ended, or ended too often.
    #[error("elements are not ended as often as started")]
    Unbalanced,
    /// An embedded element declares a namespace that is declared around it already, so that the
    /// canonical form of the whole would leave the declaration out.
    #[error("an embedded element repeats a declaration")]
    RepeatedDeclaration,
}
