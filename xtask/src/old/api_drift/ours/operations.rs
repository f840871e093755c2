//! The operations: `OperationInfo::new("GetAgent", Method::GET, "/agents/{agentName}")`, wherever it
//! stands, in the arguments of a macro too. What is chained to it is read for its query parameters.

use std::collections::BTreeSet;

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use syn::parse::Parser as _;
use syn::punctuated::Punctuated;
use syn::{Expr, Lit, Token};

use super::Ours;
use super::declared::Declarations;
use super::sources::Source;
use crate::old::api_drift::model::Operation;

/// Takes in the operations of a source file. Of two of one name the query parameters add up.
pub(super) fn collect(source: &Source, declarations: &Declarations, ours: &mut Ours) {
    let mut calls = Vec::new();
    scan(source.tokens.clone(), &mut calls);
    for call in calls {
        match call.read(declarations) {
            Ok(operation) => add(&mut ours.operations, operation),
            Err(problem) => ours.unreadable.push((source.file.clone(), problem)),
        }
    }
}

fn add(operations: &mut Vec<Operation>, operation: Operation) {
    let is_same = |known: &&mut Operation| {
        known.name == operation.name
            && known.method == operation.method
            && known.path == operation.path
    };
    match operations.iter_mut().find(is_same) {
        Some(known) => known.query.extend(operation.query),
        None => operations.push(operation),
    }
}

/// A call of `OperationInfo::new`, and what is chained to it.
struct Call {
    arguments: TokenStream,
    /// The arguments of each `.with_parameters(..)`.
    parameters: Vec<TokenStream>,
}

fn scan(tokens: TokenStream, calls: &mut Vec<Call>) {
    let trees: Vec<TokenTree> = tokens.into_iter().collect();
    let mut rest = trees.as_slice();
    while let [tree, after @ ..] = rest {
        if let Some(call) = call(rest) {
            calls.push(call);
        }
        if let TokenTree::Group(group) = tree {
            scan(group.stream(), calls);
        }
        rest = after;
    }
}

/// The call that these tokens begin with.
fn call(tokens: &[TokenTree]) -> Option<Call> {
    let [
        info,
        colon,
        second,
        new,
        TokenTree::Group(arguments),
        rest @ ..,
    ] = tokens
    else {
        return None;
    };
    let is_call = is_word(info, "OperationInfo")
        && is_sign(colon, ':')
        && is_sign(second, ':')
        && is_word(new, "new")
        && arguments.delimiter() == Delimiter::Parenthesis;
    is_call.then(|| Call {
        arguments: arguments.stream(),
        parameters: chained(rest, "with_parameters")
            .map(Group::stream)
            .collect(),
    })
}

/// The arguments of the methods of this name in a chain of calls.
fn chained<'a>(tokens: &'a [TokenTree], method: &str) -> impl Iterator<Item = &'a Group> {
    let links = tokens.chunks(3).map_while(|link| match link {
        [dot, TokenTree::Ident(name), TokenTree::Group(arguments)] if is_sign(dot, '.') => {
            Some((name, arguments))
        }
        _ => None,
    });
    links
        .filter(move |(name, _)| *name == method)
        .map(|(_, arguments)| arguments)
}

fn is_word(tree: &TokenTree, word: &str) -> bool {
    matches!(tree, TokenTree::Ident(ident) if ident == word)
}

fn is_sign(tree: &TokenTree, sign: char) -> bool {
    matches!(tree, TokenTree::Punct(punct) if punct.as_char() == sign)
}

impl Call {
    fn read(self, declarations: &Declarations) -> Result<Operation, String> {
        let arguments = expressions(self.arguments)?;
        let [name, method, path] = arguments.as_slice() else {
            return Err("an operation that is not made of three arguments".to_owned());
        };
        let (Some(name), Some(method), Some(path)) = (text(name), last_name(method), text(path))
        else {
            return Err("an operation that is not written in literals".to_owned());
        };
        let mut query = BTreeSet::new();
        for parameters in self.parameters {
            for argument in expressions(parameters)? {
                let texts = declarations.texts(&argument);
                query.extend(texts.map_err(|problem| format!("{name} takes {problem}"))?);
            }
        }
        Ok(Operation {
            name,
            method,
            path,
            query,
        })
    }
}

fn expressions(tokens: TokenStream) -> Result<Vec<Expr>, String> {
    let list = Punctuated::<Expr, Token![,]>::parse_terminated;
    let parsed = list.parse2(tokens);
    parsed
        .map(|list| list.into_iter().collect())
        .map_err(|problem| format!("an operation whose arguments cannot be parsed: {problem}"))
}

fn text(expression: &Expr) -> Option<String> {
    match expression {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Str(text) => Some(text.value()),
            _ => None,
        },
        _ => None,
    }
}

fn last_name(expression: &Expr) -> Option<String> {
    match expression {
        Expr::Path(path) => path.path.segments.last().map(|last| last.ident.to_string()),
        _ => None,
    }
}
