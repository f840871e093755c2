//! Types as shapes of JSON.

use std::collections::{BTreeMap, BTreeSet};

use syn::{GenericArgument, PathArguments, PathSegment, Type};

use super::Type as Entry;
use super::declared::{Body, Declarations, Declared, Field, Scope};
use crate::old::api_drift::model::{Member, Members, Shape};

/// How deep types are followed into each other.
const DEPTH: usize = 64;

/// What type parameters are bound to.
type Bound = BTreeMap<String, Shape>;

/// The types that stand by themselves, and those that they lead to.
pub(super) fn types(declarations: &Declarations) -> BTreeMap<String, Entry> {
    let mut resolver = Resolver {
        declarations,
        types: BTreeMap::new(),
        open: Vec::new(),
        circles: BTreeSet::new(),
    };
    for declared in declarations.all() {
        if declared
            .parameters
            .iter()
            .all(|(_, default)| default.is_some())
        {
            resolver.instance(declared, Vec::new());
        }
    }
    resolver.types
}

struct Resolver<'a> {
    declarations: &'a Declarations,
    types: BTreeMap<String, Entry>,
    /// The types that are being looked at, each for the sake of the one before.
    open: Vec<String>,
    /// Those of them that led back to themselves before it was known what they are.
    circles: BTreeSet<String>,
}

impl<'a> Resolver<'a> {
    fn shape(&mut self, of: &Type, from: &Scope, bound: &Bound) -> Shape {
        match of {
            Type::Reference(reference) => self.shape(&reference.elem, from, bound),
            Type::Paren(inner) => self.shape(&inner.elem, from, bound),
            Type::Group(inner) => self.shape(&inner.elem, from, bound),
            Type::Slice(slice) => array(self.shape(&slice.elem, from, bound)),
            Type::Array(slice) => array(self.shape(&slice.elem, from, bound)),
            Type::Path(path) if path.qself.is_none() => match path.path.segments.last() {
                Some(last) => self.named(&path.path, last, from, bound),
                None => Shape::Unknown("a type without a name".to_owned()),
            },
            _ => Shape::Unknown("a type that is neither named nor a list".to_owned()),
        }
    }

    fn named(
        &mut self,
        path: &syn::Path,
        last: &PathSegment,
        from: &Scope,
        bound: &Bound,
    ) -> Shape {
        let name = last.ident.to_string();
        if path.segments.len() == 1
            && let Some(shape) = bound.get(&name)
        {
            return shape.clone();
        }
        let arguments: Vec<Shape> = arguments(last)
            .map(|argument| self.shape(argument, from, bound))
            .collect();
        let argument = |at: usize| {
            let given = arguments.get(at).cloned();
            given.unwrap_or_else(|| Shape::Unknown(format!("`{name}` does not say of what")))
        };
        match name.as_str() {
            "Option" | "Clearable" | "Box" | "Rc" | "Arc" | "Cow" => argument(0),
            "Vec" | "VecDeque" | "BTreeSet" | "HashSet" => array(argument(0)),
            "BTreeMap" | "HashMap" | "Map" => Shape::Map(Box::new(argument(1))),
            _ => simple(&name).unwrap_or_else(|| match self.declarations.find(path, from) {
                Ok(declared) => self.instance(declared, arguments),
                Err(problem) => Shape::Unknown(problem),
            }),
        }
    }

    /// A declared type with its parameters bound to arguments, or to their defaults.
    fn instance(&mut self, declared: &'a Declared, arguments: Vec<Shape>) -> Shape {
        let mut key = declared.key();
        if !arguments.is_empty() {
            let names: Vec<String> = arguments.iter().map(ToString::to_string).collect();
            key = format!("{key}<{}>", names.join(", "));
        }
        if self.open.contains(&key) && !self.types.contains_key(&key) {
            self.circles.insert(key.clone());
            return Shape::Named(key);
        }
        if self.open.len() == DEPTH {
            return Shape::Unknown(format!("`{key}` goes too deep"));
        }
        self.open.push(key.clone());
        let shape = self.built(declared, key, arguments);
        self.open.pop();
        shape
    }

    fn built(&mut self, declared: &'a Declared, key: String, arguments: Vec<Shape>) -> Shape {
        let is_itself = arguments.is_empty();
        let mut arguments = arguments.into_iter();
        let mut bound = Bound::new();
        for (name, default) in &declared.parameters {
            let shape = match (arguments.next(), default) {
                (Some(shape), _) => shape,
                (None, Some(default)) => self.shape(default, &declared.scope, &bound),
                (None, None) => Shape::Unknown(format!("`{key}` lacks an argument for {name}")),
            };
            bound.insert(name.clone(), shape);
        }
        let shape = match &declared.body {
            Body::Untagged => return Shape::Anything,
            Body::Opaque(what) => return Shape::Unknown(format!("`{key}` is {what}")),
            Body::Texts(texts) => Shape::Values(texts.clone()),
            Body::Struct(_) => Shape::Object(Members::new()),
            Body::Same(other) => match self.shape(other, &declared.scope, &bound) {
                shape if !self.needs_name(&key, &shape) => return shape,
                shape => shape,
            },
        };
        if !self.types.contains_key(&key) {
            let entry = Entry {
                // With arguments it is a shape that others are made from, and stands for nothing.
                name: Some(&declared.name).filter(|_| is_itself).cloned(),
                aliases: if is_itself {
                    declared.aliases.clone()
                } else {
                    Vec::new()
                },
                home: declared.scope.home,
                shape,
            };
            self.types.insert(key.clone(), entry);
            // Only now, as the members may lead back to this type.
            if let Body::Struct(fields) = &declared.body {
                let members = self.members(fields, &declared.scope, &bound);
                if let Some(entry) = self.types.get_mut(&key) {
                    entry.shape = Shape::Object(members);
                }
            }
        }
        Shape::Named(key)
    }

    /// Whether a type that is the same as another has to be kept under its own name: it has members
    /// or values, or others speak of it already.
    fn needs_name(&self, key: &str, shape: &Shape) -> bool {
        matches!(shape, Shape::Named(_)) || self.circles.contains(key)
    }

    fn members(&mut self, fields: &[Field], from: &Scope, bound: &Bound) -> Members {
        let mut members = Members::new();
        for field in fields {
            let required = !is_optional(&field.of);
            let shape = self.shape(&field.of, from, bound);
            if field.flatten {
                members.extend(self.flattened(&field.name, required, shape));
            } else {
                members.insert(field.name.clone(), Member { required, shape });
            }
        }
        members
    }

    /// The members that a field adds instead of itself.
    fn flattened(&self, name: &str, required: bool, shape: Shape) -> Members {
        match super::resolve(&self.types, &shape) {
            Shape::Object(members) => {
                let mut members = members.clone();
                for member in members.values_mut() {
                    member.required &= required;
                }
                members
            }
            // It takes in what has no field.
            Shape::Map(_) | Shape::Anything => Members::new(),
            other => {
                let problem = match other {
                    Shape::Unknown(problem) => problem.clone(),
                    _ => format!("{other} cannot be flattened"),
                };
                let shape = Shape::Unknown(problem);
                Members::from([(name.to_owned(), Member { required, shape })])
            }
        }
    }
}

/// The types that JSON shows as one value, whatever they are made of.
fn simple(name: &str) -> Option<Shape> {
    Some(match name {
        "String" | "str" | "Timestamp" | "Period" | "SecretText" | "ApiVersion" => Shape::Text,
        "bool" => Shape::Boolean,
        "u8" | "u16" | "u32" | "u64" | "usize" | "i8" | "i16" | "i32" | "i64" | "isize"
        | "Megabytes" | "ByteSize" => Shape::Integer,
        "f32" | "f64" => Shape::Number,
        "Value" => Shape::Anything,
        _ => return None,
    })
}

fn array(element: Shape) -> Shape {
    Shape::Array(Box::new(element))
}

/// The types among the arguments of a name.
fn arguments(segment: &PathSegment) -> impl Iterator<Item = &Type> {
    let arguments = match &segment.arguments {
        PathArguments::AngleBracketed(bracketed) => Some(&bracketed.args),
        _ => None,
    };
    arguments
        .into_iter()
        .flatten()
        .filter_map(|argument| match argument {
            GenericArgument::Type(of) => Some(of),
            _ => None,
        })
}

/// Whether a member of this type may be left out.
fn is_optional(of: &Type) -> bool {
    match of {
        Type::Path(path) => {
            let last = path.path.segments.last();
            last.is_some_and(|last| last.ident == "Option" || last.ident == "Clearable")
        }
        Type::Paren(inner) => is_optional(&inner.elem),
        Type::Group(inner) => is_optional(&inner.elem),
        _ => false,
    }
}
