//! html5ever under caps.
//!
//! The HTML standard's algorithms are quadratic where pages are hostile: every tag looks through the open elements,
//! every attribute through those before it, every paragraph opens forgotten formatting again. Browsers bear it; a
//! login does not. So a page is fed in small pieces, and given up when it is too deep, too large, or when one tag
//! grows too many attributes.

use std::borrow::Cow;
use std::cell::{Cell, Ref, RefCell};
use std::collections::HashMap;

use ego_tree::NodeId;
use html5ever::buffer_queue::BufferQueue;
use html5ever::tendril::StrTendril;
use html5ever::tokenizer::{Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts};
use html5ever::tree_builder::{ElementFlags, NodeOrText, QuirksMode, TreeBuilder, TreeBuilderOpts, TreeSink};
use html5ever::{Attribute, QualName, TokenizerResult};
use scraper::{Html, HtmlTreeSink};

use crate::document::MAX_NODES;

/// How deep elements may nest. Browsers stop at 512; login pages with tables in tables reach 40.
pub(super) const MAX_DEPTH: usize = 256;

/// Bytes a piece: small enough that little is done after a cap is passed, large enough to cost nothing.
const PIECE: usize = 1024;

/// How many comparisons of attribute names one page may cost, at most: the tokenizer compares each with all before
/// it. A comment looks the same from here; one of 8000 words passes, as does ASP.NET's view state of 400 KB.
const MAX_COMPARISONS: usize = 1 << 25;

/// Which form a control belongs to by where its tag stood, whatever the tree says: in `<table><form><tr><td><input>` the
/// form is empty, and its controls are elsewhere (WHATWG HTML 13.2.6.1, "form element pointer").
pub(super) type Owners = HashMap<NodeId, NodeId>;

/// Parses a page.
pub(super) fn parse(text: &str) -> Result<(Html, Owners), &'static str> {
    let sink = CountingSink {
        inner: HtmlTreeSink::new(Html::new_document()),
        owners: RefCell::default(),
        nodes: Cell::new(0),
        over: Cell::new(None),
    };
    let guard = Guard { tree: TreeBuilder::new(sink, TreeBuilderOpts::default()), emitted: Cell::new(false) };
    let tokenizer = Tokenizer::new(guard, TokenizerOpts::default());
    let queue = BufferQueue::default();
    let (mut pending, mut comparisons) = (0, 0);
    let mut rest = text;
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(rest.floor_char_boundary(PIECE).max(1));
        rest = after;
        tokenizer.sink.emitted.set(false);
        queue.push_back(StrTendril::from(piece));
        feed(&tokenizer, &queue);
        if let Some(cause) = tokenizer.sink.tree.sink.over.get() {
            return Err(cause);
        }
        // Without a token in this piece the tokenizer is still inside the tag (or comment) of the one before.
        let attributes = starts_of_attributes(piece);
        if tokenizer.sink.emitted.get() {
            pending = attributes;
        } else {
            pending += attributes;
            comparisons += pending * attributes;
        }
        if comparisons > MAX_COMPARISONS {
            return Err("a tag with too many attributes");
        }
    }
    tokenizer.end();
    match tokenizer.sink.tree.sink.over.get() {
        Some(cause) => Err(cause),
        None => Ok(tokenizer.sink.tree.sink.finish()),
    }
}

/// Lets the tokenizer take all of the queue; it stops at scripts and encodings, which mean nothing here.
fn feed(tokenizer: &Tokenizer<Guard>, queue: &BufferQueue) {
    while !matches!(tokenizer.feed(queue), TokenizerResult::Done) {}
}

/// How many attributes could start in a piece, if all of it were one tag.
fn starts_of_attributes(piece: &str) -> usize {
    let separates = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b'\x0c' | b'/' | b'"' | b'\'');
    piece.as_bytes().windows(2).filter(|pair| separates(&pair[0]) && !separates(&pair[1])).count() + 1
}

/// Stands before the tree builder and lets nothing through once a cap is passed.
struct Guard {
    tree: TreeBuilder<NodeId, CountingSink>,
    emitted: Cell<bool>,
}

impl TokenSink for Guard {
    type Handle = NodeId;

    fn process_token(&self, token: Token, line: u64) -> TokenSinkResult<NodeId> {
        // Complaints come from inside a tag, too; nothing reads them.
        if matches!(token, Token::ParseError(_)) {
            return TokenSinkResult::Continue;
        }
        self.emitted.set(true);
        // Those of a start tag are counted with its element.
        if let Token::TagToken(Tag { kind: TagKind::EndTag, attrs, .. }) = &token {
            self.tree.sink.count(attrs.len());
        }
        match self.tree.sink.over.get() {
            None => self.tree.process_token(token, line),
            Some(_) => TokenSinkResult::Continue,
        }
    }

    fn end(&self) {
        if self.tree.sink.over.get().is_none() {
            self.tree.end();
        }
    }

    fn adjusted_current_node_present_but_not_in_html_namespace(&self) -> bool {
        self.tree.adjusted_current_node_present_but_not_in_html_namespace()
    }
}

/// scraper's tree, counting what is put into it.
struct CountingSink {
    inner: HtmlTreeSink,
    owners: RefCell<Owners>,
    nodes: Cell<usize>,
    over: Cell<Option<&'static str>>,
}

impl CountingSink {
    fn count(&self, nodes: usize) {
        self.nodes.set(self.nodes.get() + nodes);
        if self.nodes.get() > MAX_NODES {
            self.over.set(Some("too many elements and attributes"));
        }
    }

    /// Looks whether a child of `parent` would be too deep.
    fn measure(&self, parent: NodeId) {
        let html = self.inner.0.borrow();
        let depth = html.tree.get(parent).map_or(0, |node| node.ancestors().take(MAX_DEPTH).count());
        if depth >= MAX_DEPTH {
            self.over.set(Some("nested too deep"));
        }
    }
}

impl TreeSink for CountingSink {
    type Handle = NodeId;
    type Output = (Html, Owners);
    type ElemName<'a> = Ref<'a, QualName>;

    fn finish(self) -> (Html, Owners) {
        (self.inner.finish(), self.owners.into_inner())
    }

    fn parse_error(&self, _: Cow<'static, str>) {}

    fn get_document(&self) -> NodeId {
        self.inner.get_document()
    }

    fn elem_name<'a>(&'a self, target: &'a NodeId) -> Ref<'a, QualName> {
        self.inner.elem_name(target)
    }

    fn create_element(&self, name: QualName, attrs: Vec<Attribute>, flags: ElementFlags) -> NodeId {
        self.count(1 + attrs.len());
        self.inner.create_element(name, attrs, flags)
    }

    fn create_comment(&self, text: StrTendril) -> NodeId {
        self.count(1);
        self.inner.create_comment(text)
    }

    fn create_pi(&self, target: StrTendril, data: StrTendril) -> NodeId {
        self.count(1);
        self.inner.create_pi(target, data)
    }

    fn append(&self, parent: &NodeId, child: NodeOrText<NodeId>) {
        self.measure(*parent);
        self.inner.append(parent, child);
    }

    fn append_based_on_parent_node(&self, element: &NodeId, previous: &NodeId, child: NodeOrText<NodeId>) {
        self.measure(*previous);
        self.inner.append_based_on_parent_node(element, previous, child);
    }

    fn append_doctype_to_document(&self, name: StrTendril, public_id: StrTendril, system_id: StrTendril) {
        self.inner.append_doctype_to_document(name, public_id, system_id);
    }

    fn get_template_contents(&self, target: &NodeId) -> NodeId {
        self.inner.get_template_contents(target)
    }

    fn same_node(&self, x: &NodeId, y: &NodeId) -> bool {
        self.inner.same_node(x, y)
    }

    fn set_quirks_mode(&self, mode: QuirksMode) {
        self.inner.set_quirks_mode(mode);
    }

    fn append_before_sibling(&self, sibling: &NodeId, new_node: NodeOrText<NodeId>) {
        self.measure(*sibling);
        self.inner.append_before_sibling(sibling, new_node);
    }

    fn add_attrs_if_missing(&self, target: &NodeId, attrs: Vec<Attribute>) {
        self.count(attrs.len());
        self.inner.add_attrs_if_missing(target, attrs);
    }

    fn associate_with_form(&self, target: &NodeId, form: &NodeId, _: (&NodeId, Option<&NodeId>)) {
        self.owners.borrow_mut().insert(*target, *form);
    }

    fn remove_from_parent(&self, target: &NodeId) {
        self.inner.remove_from_parent(target);
    }

    fn reparent_children(&self, node: &NodeId, new_parent: &NodeId) {
        self.inner.reparent_children(node, new_parent);
    }
}
