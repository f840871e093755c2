//! The formats of `printf`, and the escapes of texts.

use super::TEXT_LIMIT;

/// The escapes that a text may have.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Escapes {
    /// Those of `echo` and `%b`: octal numbers begin with `\0`, and `\c` ends the output.
    Echo,
    /// Those of a format.
    Format,
}

/// Replaces the escapes of a text. Returns `true` with it if `\c` ended it.
pub(super) fn escape(text: &str, escapes: Escapes) -> (Vec<u8>, bool) {
    let mut output = Vec::new();
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        at += 1;
        if *byte != b'\\' {
            output.push(*byte);
            continue;
        }
        let Some(escaped) = bytes.get(at) else {
            output.push(b'\\');
            break;
        };
        at += 1;
        match escaped {
            b'a' => output.push(7),
            b'b' => output.push(8),
            b'e' => output.push(0x1b),
            b'f' => output.push(0x0c),
            b'n' => output.push(b'\n'),
            b'r' => output.push(b'\r'),
            b't' => output.push(b'\t'),
            b'v' => output.push(0x0b),
            b'\\' => output.push(b'\\'),
            b'"' if escapes == Escapes::Format => output.push(b'"'),
            b'c' if escapes == Escapes::Echo => return (output, true),
            b'0'..=b'7' => {
                if escapes == Escapes::Format || *escaped != b'0' {
                    at -= 1;
                }
                let digits = |at: usize| {
                    let digits = bytes.iter().skip(at).take(3);
                    digits.take_while(|b| (b'0'..=b'7').contains(b)).count()
                };
                let count = digits(at);
                let value = bytes.iter().skip(at).take(count);
                let value = value.fold(0_u32, |value, b| value * 8 + u32::from(b - b'0'));
                at += count;
                output.extend(value.to_le_bytes().first());
            }
            b'x' => {
                let digits: Vec<u32> = bytes
                    .iter()
                    .skip(at)
                    .take(2)
                    .map_while(|b| char::from(*b).to_digit(16))
                    .collect();
                if digits.is_empty() {
                    output.extend_from_slice(b"\\x");
                } else {
                    at += digits.len();
                    let value = digits.iter().fold(0, |value, digit| value * 16 + digit);
                    output.extend(value.to_le_bytes().first());
                }
            }
            other => output.extend([b'\\', *other]),
        }
    }
    (output, false)
}

/// A directive of a format.
#[derive(Default)]
struct Directive {
    is_left: bool,
    has_zeros: bool,
    has_plus: bool,
    has_space: bool,
    is_alternate: bool,
    width: usize,
    precision: Option<usize>,
}

/// The largest width of a directive.
const MAX_WIDTH: usize = 4096;

/// Formats values as `printf` does, and returns the values that should be numbers and are not.
pub(super) fn format(text: &str, values: &[String]) -> (Vec<u8>, Vec<String>) {
    let mut output = Vec::new();
    let mut errors = Vec::new();
    let mut values = values.iter();
    loop {
        let before = values.len();
        if format_once(text, &mut values, &mut output, &mut errors) {
            break;
        }
        if values.len() == 0 || values.len() == before || output.len() > TEXT_LIMIT {
            break;
        }
    }
    (output, errors)
}

/// The rest of a format.
struct Cursor<'a>(&'a str);

impl Cursor<'_> {
    fn accept(&mut self, characters: &str) -> Option<char> {
        let next = self.0.chars().next().filter(|c| characters.contains(*c))?;
        self.0 = self.0.get(next.len_utf8()..).unwrap_or_default();
        Some(next)
    }

    /// Reads a width or a precision: a number, or `*` for a value.
    fn number(&mut self, values: &mut std::slice::Iter<'_, String>) -> Option<i64> {
        if self.accept("*").is_some() {
            let given = values.next().and_then(|text| text.parse().ok());
            return Some(given.unwrap_or(0));
        }
        let count = self.0.bytes().take_while(u8::is_ascii_digit).count();
        let (digits, rest) = self.0.split_at(count);
        self.0 = rest;
        (count > 0).then(|| digits.parse().unwrap_or(i64::MAX))
    }

    fn directive(&mut self, values: &mut std::slice::Iter<'_, String>) -> Directive {
        let mut directive = Directive::default();
        while let Some(flag) = self.accept("-0+ #") {
            match flag {
                '-' => directive.is_left = true,
                '0' => directive.has_zeros = true,
                '+' => directive.has_plus = true,
                ' ' => directive.has_space = true,
                _ => directive.is_alternate = true,
            }
        }
        let limited = |n: i64| {
            usize::try_from(n.unsigned_abs())
                .unwrap_or(0)
                .min(MAX_WIDTH)
        };
        if let Some(width) = self.number(values) {
            directive.is_left |= width < 0;
            directive.width = limited(width);
        }
        if self.accept(".").is_some() {
            let precision = self.number(values).unwrap_or(0);
            directive.precision = (precision >= 0).then(|| limited(precision));
        }
        directive
    }
}

/// Applies the format once. Returns `true` if `\c` ended it.
fn format_once(
    text: &str,
    values: &mut std::slice::Iter<'_, String>,
    output: &mut Vec<u8>,
    errors: &mut Vec<String>,
) -> bool {
    let mut rest = Cursor(text);
    while let Some(start) = rest.0.find('%') {
        let (before, after) = rest.0.split_at(start);
        output.extend(escape(before, Escapes::Format).0);
        rest.0 = after.get(1..).unwrap_or_default();
        let directive = rest.directive(values);
        let kind = rest.0.chars().next();
        rest.0 = rest
            .0
            .get(kind.map_or(0, char::len_utf8)..)
            .unwrap_or_default();
        match kind {
            Some('%') => output.push(b'%'),
            Some('s') => {
                let value = values.next().map_or("", String::as_str);
                pad(
                    output,
                    cut(value, directive.precision).as_bytes(),
                    &directive,
                );
            }
            Some('b') => {
                let value = values.next().map_or("", String::as_str);
                let (value, ends) = escape(value, Escapes::Echo);
                pad(output, &value, &directive);
                if ends {
                    return true;
                }
            }
            Some('q') => {
                let value = values.next().map_or("", String::as_str);
                pad(output, quote(value).as_bytes(), &directive);
            }
            Some('c') => {
                let value = values.next().map_or("", String::as_str);
                let first: String = value.chars().take(1).collect();
                pad(output, first.as_bytes(), &directive);
            }
            Some(kind @ ('d' | 'i' | 'u' | 'x' | 'X' | 'o')) => {
                let value = integer(values.next(), errors);
                // A precision is the number of digits, so that zeros for the width do not count.
                let has_zeros = directive.has_zeros && directive.precision.is_none();
                let text = digits(kind, value, &directive);
                pad_number(output, &text, &directive, has_zeros);
            }
            Some(kind @ ('f' | 'F' | 'e' | 'E' | 'g' | 'G')) => {
                let given = values.next().map_or("", String::as_str);
                let value = given.trim().parse::<f64>().unwrap_or_else(|_| {
                    if !given.is_empty() {
                        errors.push(given.to_owned());
                    }
                    0.0
                });
                let text = float(kind, value, &directive);
                pad_number(output, &text, &directive, directive.has_zeros);
            }
            Some(other) => {
                output.push(b'%');
                output.extend(other.to_string().as_bytes());
            }
            None => output.push(b'%'),
        }
    }
    output.extend(escape(rest.0, Escapes::Format).0);
    false
}

fn cut(text: &str, precision: Option<usize>) -> String {
    match precision {
        Some(precision) => text.chars().take(precision).collect(),
        None => text.to_owned(),
    }
}

fn quote(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_./-:=@%+,".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    if text.is_empty() {
        return "''".to_owned();
    }
    let escaped = text.chars().flat_map(|c| match is_plain(c) {
        true => vec![c],
        false => vec!['\\', c],
    });
    escaped.collect()
}

fn integer(value: Option<&String>, errors: &mut Vec<String>) -> i64 {
    let Some(text) = value else { return 0 };
    let trimmed = text.trim();
    if let Some(quoted) = trimmed.strip_prefix(['\'', '"']) {
        return quoted.chars().next().map_or(0, |c| i64::from(u32::from(c)));
    }
    let (sign, digits) = match trimmed.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, trimmed.strip_prefix('+').unwrap_or(trimmed)),
    };
    let (digits, radix) = if let Some(hex) = digits.strip_prefix("0x") {
        (hex, 16)
    } else if digits.len() > 1 && digits.starts_with('0') {
        (digits.trim_start_matches('0'), 8)
    } else {
        (digits, 10)
    };
    let count = digits.chars().take_while(|c| c.is_digit(radix)).count();
    if count < digits.len() || trimmed.is_empty() {
        errors.push(text.clone());
    }
    let digits = digits.get(..count).unwrap_or_default();
    let value = i64::from_str_radix(digits, radix).unwrap_or(match digits {
        "" => 0,
        _ => i64::MAX,
    });
    value.wrapping_mul(sign)
}

fn digits(kind: char, value: i64, directive: &Directive) -> String {
    let is_signed = matches!(kind, 'd' | 'i');
    let mut digits = match kind {
        'd' | 'i' => value.unsigned_abs().to_string(),
        'u' => value.cast_unsigned().to_string(),
        'x' => format!("{value:x}"),
        'X' => format!("{value:X}"),
        _ => format!("{value:o}"),
    };
    if let Some(precision) = directive.precision {
        let missing = precision.saturating_sub(digits.len());
        digits.insert_str(0, &"0".repeat(missing));
    }
    if directive.is_alternate && value != 0 {
        match kind {
            'x' => digits.insert_str(0, "0x"),
            'X' => digits.insert_str(0, "0X"),
            'o' => digits.insert(0, '0'),
            _ => {}
        }
    }
    let sign = match (is_signed, value < 0) {
        (true, true) => "-",
        (true, false) if directive.has_plus => "+",
        (true, false) if directive.has_space => " ",
        _ => "",
    };
    format!("{sign}{digits}")
}

fn float(kind: char, value: f64, directive: &Directive) -> String {
    let precision = directive.precision.unwrap_or(6);
    let text = match kind {
        'f' | 'F' => format!("{value:.precision$}"),
        'e' | 'E' => exponent(value, precision),
        _ => {
            let precision = precision.max(1);
            let scientific = exponent(value, precision - 1);
            let power: i32 = scientific
                .split_once('e')
                .and_then(|(_, power)| power.parse().ok())
                .unwrap_or(0);
            let digits = i32::try_from(precision).unwrap_or(6);
            if power < -4 || power >= digits {
                let (mantissa, power) = scientific.split_once('e').unwrap_or((&scientific, "+00"));
                format!("{}e{power}", strip_zeros(mantissa))
            } else {
                let decimals = usize::try_from(digits - 1 - power).unwrap_or(0);
                strip_zeros(&format!("{value:.decimals$}"))
            }
        }
    };
    let text = match kind {
        'E' | 'G' => text.to_uppercase(),
        _ => text,
    };
    match directive.has_plus && value >= 0.0 {
        true => format!("+{text}"),
        false => text,
    }
}

fn strip_zeros(text: &str) -> String {
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text.to_owned(),
    }
}

/// Writes a number as C does, with at least two digits of the exponent.
fn exponent(value: f64, precision: usize) -> String {
    let text = format!("{value:.precision$e}");
    let (mantissa, power) = text.split_once('e').unwrap_or((&text, "0"));
    let power: i32 = power.parse().unwrap_or(0);
    let sign = if power < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", power.abs())
}

fn pad(output: &mut Vec<u8>, text: &[u8], directive: &Directive) {
    let missing = directive.width.saturating_sub(text.len());
    if !directive.is_left {
        output.extend(std::iter::repeat_n(b' ', missing));
    }
    output.extend_from_slice(text);
    if directive.is_left {
        output.extend(std::iter::repeat_n(b' ', missing));
    }
}

fn pad_number(output: &mut Vec<u8>, text: &str, directive: &Directive, has_zeros: bool) {
    if has_zeros && !directive.is_left {
        let missing = directive.width.saturating_sub(text.len());
        let sign = text.len() - text.trim_start_matches(['-', '+', ' ']).len();
        let (sign, digits) = text.split_at(sign);
        output.extend_from_slice(sign.as_bytes());
        output.extend(std::iter::repeat_n(b'0', missing));
        output.extend_from_slice(digits.as_bytes());
        return;
    }
    pad(output, text.as_bytes(), directive);
}
