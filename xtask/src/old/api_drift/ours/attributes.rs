//! The attributes that decide about names in JSON.

use syn::ext::IdentExt as _;
use syn::meta::ParseNestedMeta;
use syn::{Attribute, Expr, Ident, LitStr, Token};

/// What serde is told about a type, a field or a variant.
#[derive(Default)]
pub(super) struct Serde {
    pub(super) rename: Option<String>,
    pub(super) rename_all: Option<String>,
    pub(super) flatten: bool,
    pub(super) skip: bool,
    pub(super) untagged: bool,
}

impl Serde {
    pub(super) fn of(attributes: &[Attribute]) -> Self {
        let mut found = Self::default();
        for attribute in attributes.iter().filter(|a| a.path().is_ident("serde")) {
            // What serde itself would refuse is the compiler's to report.
            let _ = attribute.parse_nested_meta(|meta| found.note(&meta));
        }
        found
    }

    fn note(&mut self, meta: &ParseNestedMeta<'_>) -> syn::Result<()> {
        let is = |name| meta.path.is_ident(name);
        if is("rename") {
            self.rename = name(meta)?;
        } else if is("rename_all") {
            self.rename_all = name(meta)?;
        } else {
            self.flatten |= is("flatten");
            self.skip |= is("skip");
            self.untagged |= is("untagged");
            pass_over(meta)?;
        }
        Ok(())
    }

    /// The name in JSON of what is called so in Rust, under the rule of its type.
    pub(super) fn name(&self, ident: &Ident, rule: Option<&str>, of: Named) -> String {
        let ident = ident.unraw().to_string();
        match (&self.rename, rule) {
            (Some(name), _) => name.clone(),
            (None, Some(rule)) => renamed(&ident, rule, of),
            (None, None) => ident,
        }
    }
}

/// What is named: fields are in snake case in Rust, variants in Pascal case.
#[derive(Clone, Copy)]
pub(super) enum Named {
    Field,
    Variant,
}

/// The value of `name = ".."`, or that for reading of `name(deserialize = "..")`.
fn name(meta: &ParseNestedMeta<'_>) -> syn::Result<Option<String>> {
    if meta.input.peek(Token![=]) {
        let text: LitStr = meta.value()?.parse()?;
        return Ok(Some(text.value()));
    }
    let mut found = None;
    meta.parse_nested_meta(|inner| {
        let text: LitStr = inner.value()?.parse()?;
        if inner.path.is_ident("deserialize") || found.is_none() {
            found = Some(text.value());
        }
        Ok(())
    })?;
    Ok(found)
}

fn pass_over(meta: &ParseNestedMeta<'_>) -> syn::Result<()> {
    if meta.input.peek(Token![=]) {
        meta.value()?.parse::<Expr>()?;
    } else if meta.input.peek(syn::token::Paren) {
        meta.parse_nested_meta(|inner| pass_over(&inner))?;
    }
    Ok(())
}

/// A name after one of serde's rules. A rule that serde does not have changes nothing.
fn renamed(ident: &str, rule: &str, of: Named) -> String {
    let words = match of {
        Named::Field => ident.split('_').map(str::to_owned).collect(),
        Named::Variant => pascal_words(ident),
    };
    let lower = || words.iter().map(|word| word.to_lowercase());
    let joined = |separator: &str| lower().collect::<Vec<_>>().join(separator);
    match rule {
        "lowercase" => ident.to_lowercase(),
        "UPPERCASE" => ident.to_uppercase(),
        "PascalCase" => lower().map(|word| capital(&word)).collect(),
        "camelCase" => {
            let mut words = lower();
            let first = words.next().unwrap_or_default();
            let rest: String = words.map(|word| capital(&word)).collect();
            first + &rest
        }
        "snake_case" => joined("_"),
        "SCREAMING_SNAKE_CASE" => joined("_").to_uppercase(),
        "kebab-case" => joined("-"),
        "SCREAMING-KEBAB-CASE" => joined("-").to_uppercase(),
        _ => ident.to_owned(),
    }
}

fn pascal_words(ident: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for letter in ident.chars() {
        match words.last_mut() {
            Some(word) if !letter.is_uppercase() => word.push(letter),
            _ => words.push(letter.to_string()),
        }
    }
    words
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    let first = letters.next().map(char::to_uppercase);
    first.into_iter().flatten().chain(letters).collect()
}

/// The names under `#[doc(alias = "..")]` and `#[doc(alias("..", ".."))]`.
pub(super) fn aliases(attributes: &[Attribute]) -> Vec<String> {
    let mut found = Vec::new();
    let listed = attributes.iter().filter(|attribute| {
        attribute.path().is_ident("doc") && matches!(attribute.meta, syn::Meta::List(_))
    });
    for attribute in listed {
        // As above: what rustdoc would refuse is not ours to report.
        let _ = attribute.parse_nested_meta(|meta| {
            if !meta.path.is_ident("alias") {
                return pass_over(&meta);
            }
            if meta.input.peek(Token![=]) {
                found.push(meta.value()?.parse::<LitStr>()?.value());
            } else {
                let inner;
                syn::parenthesized!(inner in meta.input);
                let names =
                    inner.parse_terminated(syn::parse::ParseBuffer::parse::<LitStr>, Token![,])?;
                found.extend(names.iter().map(LitStr::value));
            }
            Ok(())
        });
    }
    found
}
