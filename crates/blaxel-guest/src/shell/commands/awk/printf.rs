//! `printf` and `sprintf` of `awk` programs.

use super::value::Value;
use crate::shell::format::format;

/// Formats values. Missing ones are empty, and further ones are ignored.
pub(super) fn sprintf(text: &str, values: &[Value]) -> String {
    let mut output = String::new();
    let mut values = values.iter();
    let mut rest = text;
    while let Some(start) = rest.find('%') {
        let (before, directive) = rest.split_at(start);
        output.push_str(before);
        let is_modifier = |c: char| c.is_ascii_digit() || "-+ #.*%".contains(c);
        let length = directive
            .char_indices()
            .skip(1)
            .find(|(at, c)| !is_modifier(*c) || *c == '%' && *at > 0)
            .map_or(directive.len(), |(at, c)| at + c.len_utf8());
        let (directive, after) = directive.split_at(length);
        rest = after;
        let mut directive = directive.to_owned();
        while let Some(at) = directive.find('*') {
            let width = values.next().map_or(0.0, Value::number);
            directive.replace_range(at..=at, &format!("{width:.0}"));
        }
        let kind = directive.chars().next_back().unwrap_or('%');
        let value = match kind {
            '%' => {
                output.push('%');
                continue;
            }
            _ => values.next().cloned().unwrap_or_default(),
        };
        let value = match kind {
            'd' | 'i' | 'o' | 'x' | 'X' | 'u' => format!("{:.0}", value.number().trunc() + 0.0),
            'e' | 'E' | 'f' | 'F' | 'g' | 'G' => value.number().to_string(),
            'c' => match value {
                // The character with this number.
                Value::Number(number) => char::from_u32(number as u32)
                    .map(String::from)
                    .unwrap_or_default(),
                other => other.text().chars().take(1).collect(),
            },
            _ => value.text(),
        };
        let (bytes, _) = format(&directive, &[value]);
        output.push_str(&String::from_utf8_lossy(&bytes));
    }
    output.push_str(rest);
    output
}
