//! Collecting: the names that a module defines and brings in, and every path that it mentions.
//!
//! Paths are those of `use` items, of types and expressions, of macros' tokens, and of attributes such as
//! `#[serde(with = "crate::seconds")]`. What is compiled for tests alone is left out.

use std::collections::BTreeSet;

use proc_macro2::{Span, TokenStream, TokenTree};
use syn::ext::IdentExt as _;
use syn::punctuated::Punctuated;
use syn::visit::{self, Visit};
use syn::{Attribute, Ident, Item, ItemUse, LitStr, Macro, Meta, Token, UseTree};

/// A path that stands somewhere in a module.
pub(crate) struct Mention {
    pub(crate) segments: Vec<String>,
    pub(crate) kind: MentionKind,
    pub(crate) line: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum MentionKind {
    Use,
    Path,
    Macro,
}

/// Returns `true` if the attributes say that something is compiled for tests alone.
pub(crate) fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute
                .parse_args::<Meta>()
                .is_ok_and(|condition| needs_test(&condition))
    })
}

fn needs_test(condition: &Meta) -> bool {
    match condition {
        Meta::Path(path) => path.is_ident("test"),
        Meta::List(list) if list.path.is_ident("all") => list
            .parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated)
            .is_ok_and(|conditions| conditions.iter().any(needs_test)),
        _ => false,
    }
}

pub(crate) fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::ExternCrate(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// The name that an item defines in its module.
fn defined(item: &Item) -> Option<&Ident> {
    match item {
        Item::Const(item) => Some(&item.ident),
        Item::Enum(item) => Some(&item.ident),
        Item::Fn(item) => Some(&item.sig.ident),
        Item::Static(item) => Some(&item.ident),
        Item::Struct(item) => Some(&item.ident),
        Item::Trait(item) => Some(&item.ident),
        Item::Type(item) => Some(&item.ident),
        Item::Union(item) => Some(&item.ident),
        _ => None,
    }
}

/// Collects what stands in one module. It does not go into the modules within.
#[derive(Default)]
pub(crate) struct Collector {
    depth: usize,
    /// The names of the items that the module defines itself.
    pub(crate) items: BTreeSet<String>,
    /// The names that its `use` items bring in, with the path that each stands for.
    pub(crate) names: Vec<(String, Vec<String>)>,
    /// The modules of which it brings in everything.
    pub(crate) globs: Vec<Vec<String>>,
    pub(crate) mentions: Vec<Mention>,
    /// The macros that it defines, and whether each is `#[macro_export]`.
    pub(crate) macros: Vec<(String, bool)>,
}

impl<'ast> Visit<'ast> for Collector {
    fn visit_item(&mut self, item: &'ast Item) {
        if matches!(item, Item::Mod(_)) || is_for_tests(attributes(item)) {
            return;
        }
        if self.depth == 0 {
            self.items
                .extend(defined(item).map(|ident| ident.unraw().to_string()));
        }
        self.depth += 1;
        visit::visit_item(self, item);
        self.depth -= 1;
    }

    fn visit_item_macro(&mut self, item: &'ast syn::ItemMacro) {
        if let Some(name) = &item.ident {
            let exported = item
                .attrs
                .iter()
                .any(|attribute| attribute.path().is_ident("macro_export"));
            self.macros.push((name.unraw().to_string(), exported));
            self.tokens(item.mac.tokens.clone());
        } else {
            visit::visit_item_macro(self, item);
        }
    }

    fn visit_impl_item(&mut self, item: &'ast syn::ImplItem) {
        let attributes: &[Attribute] = match item {
            syn::ImplItem::Const(item) => &item.attrs,
            syn::ImplItem::Fn(item) => &item.attrs,
            syn::ImplItem::Type(item) => &item.attrs,
            _ => &[],
        };
        if !is_for_tests(attributes) {
            visit::visit_impl_item(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        if item.leading_colon.is_none() {
            self.use_tree(&mut Vec::new(), &item.tree);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.leading_colon.is_none() {
            let segments: Vec<_> = path.segments.iter().map(|segment| &segment.ident).collect();
            self.mention(&segments, MentionKind::Path);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, invoked: &'ast Macro) {
        let path: Vec<_> = invoked.path.segments.iter().map(|s| &s.ident).collect();
        self.mention(&path, MentionKind::Macro);
        self.tokens(invoked.tokens.clone());
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if let Meta::List(list) = &attribute.meta
            && !list.path.is_ident("cfg")
            && !list.path.is_ident("doc")
        {
            self.tokens(list.tokens.clone());
        }
    }

    /// The path in `pub(in path)` imports nothing.
    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}
}

impl Collector {
    fn mention(&mut self, segments: &[&Ident], kind: MentionKind) {
        let Some(first) = segments.first() else {
            return;
        };
        let segments = segments.iter().map(|ident| ident.unraw().to_string());
        self.note(segments.collect(), kind, first.span());
    }

    fn note(&mut self, segments: Vec<String>, kind: MentionKind, span: Span) {
        self.mentions.push(Mention {
            segments,
            kind,
            line: span.start().line,
        });
    }

    fn use_tree(&mut self, prefix: &mut Vec<String>, tree: &UseTree) {
        match tree {
            UseTree::Path(path) => {
                prefix.push(path.ident.unraw().to_string());
                self.use_tree(prefix, &path.tree);
                prefix.pop();
            }
            UseTree::Name(name) => self.use_name(prefix, &name.ident, &name.ident),
            UseTree::Rename(rename) => self.use_name(prefix, &rename.ident, &rename.rename),
            UseTree::Glob(glob) => {
                self.globs.push(prefix.clone());
                let span = glob.star_token.spans[0];
                self.note(prefix.clone(), MentionKind::Use, span);
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.use_tree(prefix, tree);
                }
            }
        }
    }

    fn use_name(&mut self, prefix: &[String], ident: &Ident, name: &Ident) {
        let mut path = prefix.to_vec();
        if ident != "self" {
            path.push(ident.unraw().to_string());
        }
        let name = if name == "self" {
            path.last().cloned().unwrap_or_default()
        } else {
            name.unraw().to_string()
        };
        self.note(path.clone(), MentionKind::Use, ident.span());
        self.names.push((name, path));
    }

    /// Collects paths from tokens whose syntax is unknown: those of macros and attributes.
    fn tokens(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let is = |at: usize, wanted: char| matches!(tokens.get(at), Some(TokenTree::Punct(punct)) if punct.as_char() == wanted);
        let is_separator = |at: usize| is(at, ':') && is(at + 1, ':');
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            let start = at;
            at += 1;
            match token {
                TokenTree::Group(group) => self.tokens(group.stream()),
                TokenTree::Literal(literal) => self.literal(literal),
                TokenTree::Punct(_) => {}
                TokenTree::Ident(first) => {
                    let mut path = vec![first];
                    while let (true, Some(TokenTree::Ident(next))) =
                        (is_separator(at), tokens.get(at + 2))
                    {
                        path.push(next);
                        at += 3;
                    }
                    let is_variable = start >= 1 && is(start - 1, '$') && first != "crate";
                    let goes_on = start >= 2 && is_separator(start - 2);
                    if is_variable || goes_on {
                        continue;
                    }
                    let is_invoked =
                        is(at, '!') && matches!(tokens.get(at + 1), Some(TokenTree::Group(_)));
                    if is_invoked {
                        self.mention(&path, MentionKind::Macro);
                    } else if path.len() > 1 {
                        self.mention(&path, MentionKind::Path);
                    }
                }
            }
        }
    }

    /// A text such as that of `#[serde(with = "crate::seconds")]`.
    fn literal(&mut self, literal: &proc_macro2::Literal) {
        let text = syn::parse_str::<LitStr>(&literal.to_string());
        let path = text.and_then(|text| syn::parse_str::<syn::Path>(&text.value()));
        let Ok(path) = path else {
            return;
        };
        if path.leading_colon.is_none() && path.segments.len() > 1 {
            let segments = path.segments.iter().map(|s| s.ident.unraw().to_string());
            self.note(segments.collect(), MentionKind::Path, literal.span());
        }
    }
}
