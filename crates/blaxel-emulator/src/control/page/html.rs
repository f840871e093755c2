//! [`Html`], markup in which every value from outside is escaped.

use std::fmt::{Display, Write as _};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Markup. Only a template, which is a literal of this program, enters it without being escaped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Html(String);

/// A value that can stand in markup, as text or as the value of an attribute in quotes.
pub(super) trait Show {
    /// Appends the value, escaped.
    fn show(&self, to: &mut String);
}

/// Fills in a template: each `{}` is replaced by the next value.
pub(super) fn html(template: &'static str, values: &[&dyn Show]) -> Html {
    let mut parts = template.split("{}");
    let mut filled = String::from(parts.next().unwrap_or_default());
    let mut values = values.iter();
    for part in parts {
        let value = values.next();
        debug_assert!(value.is_some(), "too few values for {template}");
        if let Some(value) = value {
            value.show(&mut filled);
        }
        filled.push_str(part);
    }
    debug_assert!(values.next().is_none(), "too many values for {template}");
    Html(filled)
}

impl Html {
    pub(super) fn into_string(self) -> String {
        self.0
    }

    pub(super) fn push(&mut self, more: &Self) {
        self.0.push_str(&more.0);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<Html> for Html {
    fn from_iter<I: IntoIterator<Item = Self>>(parts: I) -> Self {
        let mut all = Self::default();
        parts.into_iter().for_each(|part| all.push(&part));
        all
    }
}

impl Show for Html {
    fn show(&self, to: &mut String) {
        to.push_str(&self.0);
    }
}

impl Show for str {
    fn show(&self, to: &mut String) {
        for character in self.chars() {
            match character {
                '&' => to.push_str("&amp;"),
                '<' => to.push_str("&lt;"),
                '>' => to.push_str("&gt;"),
                '"' => to.push_str("&quot;"),
                '\'' => to.push_str("&#39;"),
                // Not allowed in HTML, and not visible either.
                '\0' => to.push('\u{fffd}'),
                _ => to.push(character),
            }
        }
    }
}

impl Show for String {
    fn show(&self, to: &mut String) {
        self.as_str().show(to);
    }
}

impl<T: Show + ?Sized> Show for &T {
    fn show(&self, to: &mut String) {
        (**self).show(to);
    }
}

/// A missing value is empty.
impl<T: Show> Show for Option<T> {
    fn show(&self, to: &mut String) {
        if let Some(value) = self {
            value.show(to);
        }
    }
}

/// Implements [`Show`] for numbers.
macro_rules! numbers {
    ($($number:ty)*) => {
        $(impl Show for $number {
            fn show(&self, to: &mut String) {
                // A string does not refuse text.
                let _ = write!(to, "{self}");
            }
        })*
    };
}

numbers!(u16 u32 u64 usize i32);

/// The characters that are not written as they are in a link. A name of dots would lead elsewhere.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_');

/// Returns a name as it stands in a link.
pub(super) fn in_link(name: &str) -> impl Display {
    utf8_percent_encode(name, ESCAPED)
}

/// A name in a link.
pub(super) struct InLink<'a>(pub(super) &'a str);

impl Show for InLink<'_> {
    fn show(&self, to: &mut String) {
        // A string does not refuse text.
        let _ = write!(to, "{}", in_link(self.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_escaped_and_markup_is_not() {
        let hostile = "<script>\"'&\0";
        let escaped = "&lt;script&gt;&quot;&#39;&amp;\u{fffd}";
        let text = html("<b>{}</b>", &[&hostile]);
        assert_eq!(text.clone().into_string(), format!("<b>{escaped}</b>"));
        let link = html("<a href=\"?q={}\">{}</a>", &[&InLink("a-/&\"é"), &text]);
        let expected = format!("<a href=\"?q=a-%2F%26%22%C3%A9\"><b>{escaped}</b></a>");
        assert_eq!(link.into_string(), expected);
        let values = html("{}{}{}", &[&7_u16, &None::<&str>, &Some("{}")]);
        assert_eq!(values.into_string(), "7{}");
    }
}
