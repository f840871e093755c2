//! The types and lists of texts that the sources declare, found again by the names used for them.

mod scope;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use syn::punctuated::Punctuated;
use syn::{Attribute, Expr, Fields, Item, ItemEnum, ItemStruct, Token, Type, Variant};

use super::attributes::{self, Named, Serde};
use super::sources::Source;

pub(super) use self::scope::Scope;

/// A type.
pub(super) struct Declared {
    pub(super) name: String,
    pub(super) scope: Rc<Scope>,
    /// Its `#[doc(alias = "..")]`.
    pub(super) aliases: Vec<String>,
    /// Its type parameters with their defaults.
    pub(super) parameters: Vec<(String, Option<Type>)>,
    pub(super) body: Body,
}

pub(super) enum Body {
    Struct(Vec<Field>),
    /// A list of values.
    Texts(BTreeSet<String>),
    /// Another name for a type, or a type around one that JSON does not show.
    Same(Box<Type>),
    /// A choice among several that JSON does not name.
    Untagged,
    /// It is declared, but what it looks like in JSON is not to be seen from that.
    Opaque(&'static str),
}

pub(super) struct Field {
    pub(super) name: String,
    pub(super) flatten: bool,
    pub(super) of: Type,
}

/// Everything declared.
#[derive(Default)]
pub(super) struct Declarations {
    types: BTreeMap<String, Vec<Declared>>,
    /// By name, and by type and name (`ListParams::QUERY`).
    constants: BTreeMap<String, Vec<Expr>>,
    pub(super) unreadable: Vec<(String, String)>,
}

impl Declarations {
    pub(super) fn collect(sources: &[Source]) -> Self {
        let mut found = Self::default();
        for source in sources {
            let scope = Scope::new(source.module.clone(), source.home, &source.syntax.items);
            found.items(&source.file, &Rc::new(scope), &source.syntax.items, None);
        }
        found
    }

    /// Takes in items; `rule` is how fields are renamed unless their struct says otherwise.
    fn items(&mut self, file: &str, scope: &Rc<Scope>, items: &[Item], rule: Option<&str>) {
        for item in items {
            match item {
                Item::Struct(item) => self.add(structure(scope, item, rule)),
                Item::Enum(item) => self.add(enumeration(scope, item)),
                Item::Type(item) => {
                    let body = Body::Same(item.ty.clone());
                    let declared = declared(scope, &item.ident, &item.attrs, &item.generics, body);
                    self.add(declared);
                }
                Item::Const(item) => self.constant(None, &item.ident, &item.expr),
                Item::Static(item) => self.constant(None, &item.ident, &item.expr),
                Item::Impl(item) => {
                    let owner = last_name(&item.self_ty);
                    for inner in &item.items {
                        if let syn::ImplItem::Const(inner) = inner {
                            self.constant(owner.as_deref(), &inner.ident, &inner.expr);
                        }
                    }
                }
                Item::Mod(item) => {
                    let items = item.content.as_ref().map(|(_, items)| items.as_slice());
                    let items = items.unwrap_or_default();
                    let inner = Rc::new(scope.inner(&item.ident, items));
                    self.items(file, &inner, items, rule);
                }
                Item::Macro(item) => self.invocation(file, scope, &item.mac),
                _ => {}
            }
        }
    }

    /// The types inside the macros that declare some.
    fn invocation(&mut self, file: &str, scope: &Rc<Scope>, invoked: &syn::Macro) {
        let Some(name) = invoked
            .path
            .segments
            .last()
            .map(|last| last.ident.to_string())
        else {
            return;
        };
        let rule = match name.as_str() {
            "record" | "answer" | "document" => Some("camelCase"),
            "open_enum" => None,
            _ => return,
        };
        match syn::parse2::<syn::File>(invoked.tokens.clone()) {
            Ok(inner) => self.items(file, scope, &inner.items, rule),
            Err(problem) => {
                let problem = format!("`{name}!` holds what is no plain item: {problem}");
                self.unreadable.push((file.to_owned(), problem));
            }
        }
    }

    fn add(&mut self, declared: Declared) {
        let named = self.types.entry(declared.name.clone()).or_default();
        named.push(declared);
    }

    fn constant(&mut self, owner: Option<&str>, name: &syn::Ident, value: &Expr) {
        let qualified = owner.map(|owner| format!("{owner}::{name}"));
        for name in qualified.into_iter().chain([name.to_string()]) {
            self.constants.entry(name).or_default().push(value.clone());
        }
    }

    /// All types.
    pub(super) fn all(&self) -> impl Iterator<Item = &Declared> {
        self.types.values().flatten()
    }

    /// The type that a path means where it is written, or why there is none.
    pub(super) fn find(&self, path: &syn::Path, from: &Scope) -> Result<&Declared, String> {
        let path = from.full(path);
        let name = path.last().map(String::as_str).unwrap_or_default();
        let candidates = self.types.get(name).map(Vec::as_slice).unwrap_or_default();
        let narrowed = scope::narrow(candidates, &path, from, |declared| &declared.scope);
        match narrowed.as_slice() {
            [] => Err(format!("`{name}` is not declared in the sources")),
            [one] => Ok(one),
            several => {
                let modules: Vec<String> = several.iter().map(|found| found.key()).collect();
                Err(format!("`{name}` may be {}", modules.join(" or ")))
            }
        }
    }

    /// The texts that an expression lists: a slice of literals, or the name of a constant that is
    /// one.
    pub(super) fn texts(&self, expression: &Expr) -> Result<BTreeSet<String>, String> {
        self.texts_within(expression, 8)
    }

    fn texts_within(&self, expression: &Expr, depth: usize) -> Result<BTreeSet<String>, String> {
        let Some(depth) = depth.checked_sub(1) else {
            return Err("constants that name each other".to_owned());
        };
        match expression {
            Expr::Lit(literal) => match &literal.lit {
                syn::Lit::Str(text) => Ok([text.value()].into()),
                _ => Err("a literal that is no text".to_owned()),
            },
            Expr::Array(array) => {
                let mut texts = BTreeSet::new();
                for element in &array.elems {
                    texts.extend(self.texts_within(element, depth)?);
                }
                Ok(texts)
            }
            Expr::Reference(reference) => self.texts_within(&reference.expr, depth),
            Expr::Paren(inner) => self.texts_within(&inner.expr, depth),
            Expr::Group(inner) => self.texts_within(&inner.expr, depth),
            Expr::Path(path) => self.texts_of(&path.path, depth),
            _ => Err("neither a list of literals nor the name of one".to_owned()),
        }
    }

    /// The texts of a constant.
    fn texts_of(&self, path: &syn::Path, depth: usize) -> Result<BTreeSet<String>, String> {
        let segments: Vec<String> = path.segments.iter().map(|s| s.ident.to_string()).collect();
        let qualified = match segments.as_slice() {
            [.., owner, name] => format!("{owner}::{name}"),
            _ => String::new(),
        };
        let name = segments.last().map(String::as_str).unwrap_or_default();
        let values = self
            .constants
            .get(&qualified)
            .or_else(|| self.constants.get(name));
        let values = values.map(Vec::as_slice).unwrap_or_default();
        let mut found: Option<BTreeSet<String>> = None;
        for value in values {
            let texts = self.texts_within(value, depth)?;
            if found.as_ref().is_some_and(|found| *found != texts) {
                return Err(format!("there are several constants `{name}`"));
            }
            found = Some(texts);
        }
        found.ok_or_else(|| format!("there is no constant `{name}`"))
    }
}

impl Declared {
    /// Module and name, such as `agents::AgentSpec`.
    pub(super) fn key(&self) -> String {
        let path = self.scope.module.iter().chain([&self.name]);
        path.map(String::as_str).collect::<Vec<_>>().join("::")
    }
}

fn declared(
    scope: &Rc<Scope>,
    ident: &syn::Ident,
    attributes: &[Attribute],
    generics: &syn::Generics,
    body: Body,
) -> Declared {
    let parameters = generics.type_params().map(|parameter| {
        let default = parameter
            .default
            .as_ref()
            .map(|(_, default)| default.clone());
        (parameter.ident.to_string(), default)
    });
    Declared {
        name: ident.to_string(),
        scope: Rc::clone(scope),
        aliases: attributes::aliases(attributes),
        parameters: parameters.collect(),
        body,
    }
}

fn structure(scope: &Rc<Scope>, item: &ItemStruct, rule: Option<&str>) -> Declared {
    let serde = Serde::of(&item.attrs);
    let rule = serde.rename_all.as_deref().or(rule);
    let body = match &item.fields {
        Fields::Named(named) => {
            let fields = named.named.iter().filter_map(|field| {
                let serde = Serde::of(&field.attrs);
                let ident = field.ident.as_ref().filter(|_| !serde.skip)?;
                Some(Field {
                    name: serde.name(ident, rule, Named::Field),
                    flatten: serde.flatten,
                    of: field.ty.clone(),
                })
            });
            Body::Struct(fields.collect())
        }
        Fields::Unnamed(fields) => match only(&fields.unnamed) {
            Some(field) => Body::Same(Box::new(field.ty.clone())),
            None => Body::Opaque("a tuple"),
        },
        Fields::Unit => Body::Opaque("a unit"),
    };
    declared(scope, &item.ident, &item.attrs, &item.generics, body)
}

/// An enum: inside `open_enum!`, where a variant is given its text, or of serde's kind.
fn enumeration(scope: &Rc<Scope>, item: &ItemEnum) -> Declared {
    let serde = Serde::of(&item.attrs);
    let text = |variant: &Variant| match &variant.discriminant {
        Some((_, Expr::Lit(literal))) => match &literal.lit {
            syn::Lit::Str(text) => text.value(),
            _ => variant.ident.to_string(),
        },
        _ => {
            let rule = serde.rename_all.as_deref();
            Serde::of(&variant.attrs).name(&variant.ident, rule, Named::Variant)
        }
    };
    let is_unit = |variant: &Variant| matches!(variant.fields, Fields::Unit);
    let body = if item.variants.iter().all(is_unit) {
        let told = item.variants.iter().filter(|v| !Serde::of(&v.attrs).skip);
        Body::Texts(told.map(text).collect())
    } else if serde.untagged {
        Body::Untagged
    } else {
        Body::Opaque("an enum whose variants hold something")
    };
    declared(scope, &item.ident, &item.attrs, &item.generics, body)
}

fn only<T>(elements: &Punctuated<T, Token![,]>) -> Option<&T> {
    elements.first().filter(|_| elements.len() == 1)
}

/// The last name in the path of a type.
fn last_name(of: &Type) -> Option<String> {
    match of {
        Type::Path(path) => path.path.segments.last().map(|last| last.ident.to_string()),
        _ => None,
    }
}
