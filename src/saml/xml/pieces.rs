//! What a document that is read in pieces hands out.

use super::tree::Element;

/// One piece of a document, in document order.
#[derive(Debug)]
pub enum Piece {
    /// The start tag of a container: an element without content.
    Start(Element),
    /// Text directly in the innermost open container.
    Text(String),
    /// A whole element in the innermost open container.
    Child(Element),
    /// The end tag of the innermost open container.
    End,
}

/// The containers that are open, and the pieces that were not fetched yet.
pub(super) struct Pieces {
    is_container: fn(&Element) -> bool,
    open: usize,
    handed_out: bool,
    ready: Vec<Piece>,
}

impl Pieces {
    pub(super) fn new(is_container: fn(&Element) -> bool) -> Self {
        Self {
            is_container,
            open: 0,
            handed_out: false,
            ready: Vec::new(),
        }
    }

    /// How many containers are open, one inside the other, from the root on.
    pub(super) const fn depth(&self) -> usize {
        self.open
    }

    pub(super) const fn handed_out(&self) -> bool {
        self.handed_out
    }

    /// An element began inside `outside` others.
    pub(super) fn opened(&mut self, element: &Element, outside: usize) {
        if self.open == outside && (self.is_container)(element) {
            self.open += 1;
            self.handed_out = true;
            self.ready.push(Piece::Start(element.copy_of_start()));
        }
    }

    /// The innermost container ended.
    pub(super) fn closed(&mut self) {
        self.open = self.open.saturating_sub(1);
        self.ready.push(Piece::End);
    }

    pub(super) fn push(&mut self, piece: Piece) {
        self.ready.push(piece);
    }

    pub(super) fn drain(&mut self) -> impl Iterator<Item = Piece> {
        self.ready.drain(..)
    }
}
