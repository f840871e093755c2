//! Variables in the texts of a manifest.

use std::borrow::Cow;
use std::collections::BTreeMap;

use blaxel_core::Secret;

/// The prefix of the variables that must be set.
const SECRETS: &str = "secrets.";

/// The values of variables.
pub(super) type Variables = BTreeMap<String, Secret>;

/// Replaces `$NAME`, `${NAME}` and `${NAME:default}`, and the same with `secrets.` before the name.
///
/// A variable that is not set stays as it is, like in `bl apply`: the `$` may be a part of a password. A secret that is
/// not set is an error.
pub(super) fn expand<'a>(text: &'a str, variables: &Variables) -> Result<Cow<'a, str>, String> {
    let mut expanded = String::new();
    let mut rest = text;
    // Without it, each `${` of a text with no `}` would be a search to the end.
    let last_brace = text.rfind('}').unwrap_or_default();
    while let Some((before, after)) = rest.split_once('$') {
        expanded.push_str(before);
        let is_closed = text.len().saturating_sub(after.len()) <= last_brace;
        let reference = Reference::read(after, is_closed);
        let value = match &reference {
            Some(reference) => reference.value(variables)?,
            None => None,
        };
        match (reference, value) {
            (Some(reference), Some(value)) => {
                expanded.push_str(value);
                rest = reference.after;
            }
            _ => {
                expanded.push('$');
                rest = after;
            }
        }
    }
    if expanded.is_empty() {
        return Ok(Cow::Borrowed(rest));
    }
    expanded.push_str(rest);
    Ok(Cow::Owned(expanded))
}

/// A reference to a variable.
struct Reference<'a> {
    name: &'a str,
    is_secret: bool,
    default: Option<&'a str>,
    /// The text after the reference.
    after: &'a str,
}

impl<'a> Reference<'a> {
    /// Reads the text after a `$`. `is_closed` tells if there is a `}` in it.
    fn read(text: &'a str, is_closed: bool) -> Option<Self> {
        if let Some(braced) = text.strip_prefix('{') {
            let (name, rest) = braced.split_at_checked(braced.find(['}', ':', '$'])?)?;
            if let Some(after) = rest.strip_prefix('}') {
                return Self::of(name.trim(), None, after);
            }
            let default = rest.strip_prefix(':').filter(|_| is_closed)?;
            let (default, after) = default.split_once('}')?;
            return Self::of(name.trim(), Some(default.trim()), after);
        }
        let is_end = |c: char| !(c.is_ascii_alphanumeric() || c == '_');
        let start = if text.starts_with(SECRETS) {
            SECRETS.len()
        } else {
            0
        };
        let length = text
            .get(start..)?
            .find(is_end)
            .map(|at| start.saturating_add(at));
        let (name, after) = text.split_at_checked(length.unwrap_or(text.len()))?;
        Self::of(name, None, after)
    }

    fn of(name: &'a str, default: Option<&'a str>, after: &'a str) -> Option<Self> {
        let (is_secret, name) = match name.strip_prefix(SECRETS) {
            Some(name) => (true, name),
            None => (false, name),
        };
        let is_name = !name.is_empty()
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        is_name.then_some(Self {
            name,
            is_secret,
            default: default.filter(|default| !default.is_empty()),
            after,
        })
    }

    /// Returns the value, or `None` for a reference that stays as it is.
    fn value<'v>(&self, variables: &'v Variables) -> Result<Option<&'v str>, String>
    where
        'a: 'v,
    {
        let set = variables.get(self.name).map(Secret::expose);
        match set.or(self.default) {
            None if self.is_secret => Err(format!(
                "it needs the secret `{}`, which is not set",
                self.name
            )),
            value => Ok(value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_replaced_and_other_dollars_stay() {
        let variables = [("A", "1"), ("TOKEN", "t$A"), ("a_b9", "x")];
        let variables = variables.map(|(name, value)| (name.to_owned(), Secret::from(value)));
        let variables = Variables::from(variables);
        for (text, expanded) in [
            ("plain", "plain"),
            ("$A", "1"),
            ("<$A>", "<1>"),
            ("${A}${ a_b9 }$a_b9.", "1xx."),
            ("$AB ${B:def} ${B: d:e }", "$AB def d:e"),
            (
                "$secrets.TOKEN ${secrets.TOKEN} ${secrets.B:c}",
                "t$A t$A c",
            ),
            ("pa$$A$ word$ ${A", "pa$1$ word$ ${A"),
            ("$ $1x ${} ${B:}", "$ $1x ${} ${B:}"),
            ("", ""),
        ] {
            assert_eq!(expand(text, &variables).unwrap(), expanded, "{text}");
        }
        for part in ["${", "${a:", "${a", "$", "${A:$"] {
            let long = part.repeat(500_000);
            assert_eq!(expand(&long, &variables).unwrap(), long);
        }
        let nested = "${".repeat(500_000) + "}";
        assert_eq!(expand(&nested, &variables).unwrap(), nested);
        assert_eq!(expand("${B:$A ${A:x}", &variables).unwrap(), "$A ${A:x");
        let problem = expand("a ${secrets.NO_SUCH} $A", &variables).unwrap_err();
        assert!(problem.contains("NO_SUCH"), "{problem}");
    }
}
