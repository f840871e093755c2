//! The part of HPACK (RFC 7541) that is needed to read a request's method and path and to send
//! headers.

use std::collections::VecDeque;

/// The names of the static table, from index 1 to the last one that is needed.
const STATIC_NAMES: [&str; 5] = [":authority", ":method", ":method", ":path", ":path"];
const STATIC_VALUES: [&str; 5] = ["", "GET", "POST", "/", "/index.html"];
const STATIC_SIZE: usize = 61;

/// The symbols of the Huffman code with up to 13 bits, by length. The code is canonical: codes
/// count up within a length and from one length to the next.
const SYMBOLS: [(u32, &[u8]); 8] = [
    (5, b"012aceiost"),
    (6, b" %-./3456789=A_bdfghlmnpru"),
    (7, b":BCDEFGHIJKLMNOPQRSTUVWYjkqvwxyz"),
    (8, b"&*,;XZ"),
    (10, b"!\"()?"),
    (11, b"'+|"),
    (12, b"#>"),
    (13, b"\0$@[]~"),
];

/// The dynamic table of a connection's incoming headers.
#[derive(Default)]
pub struct Decoder {
    entries: VecDeque<(String, String)>,
}

/// The headers of a request that are kept.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Fields {
    pub method: String,
    pub path: String,
}

impl Decoder {
    /// Decodes a header block. Returns `None` if it is malformed.
    pub fn read(&mut self, mut block: &[u8]) -> Option<Fields> {
        let mut fields = Fields::default();
        while let [first, ..] = block {
            let (name, value) = if first & 0x80 != 0 {
                self.entry(integer(&mut block, 7)?)?
            } else if first & 0xe0 == 0x20 {
                // A new size of the table. Evicted entries are not referred to again.
                integer(&mut block, 5)?;
                continue;
            } else {
                let kept = first & 0x40 != 0;
                let index = integer(&mut block, if kept { 6 } else { 4 })?;
                let name = match index {
                    0 => text(string(&mut block)?),
                    index => self.entry(index)?.0,
                };
                let value = string(&mut block)?;
                // All other values are skipped.
                let wanted = matches!(name.as_str(), ":method" | ":path");
                let field = (name, if wanted { text(value) } else { String::new() });
                if kept {
                    self.entries.push_front(field.clone());
                }
                field
            };
            match name.as_str() {
                ":method" => fields.method = value,
                ":path" => fields.path = value,
                _ => {}
            }
        }
        Some(fields)
    }

    fn entry(&self, index: usize) -> Option<(String, String)> {
        if index > STATIC_SIZE {
            return self.entries.get(index - STATIC_SIZE - 1).cloned();
        }
        let at = index.checked_sub(1)?;
        let text = |table: &[&str]| table.get(at).copied().unwrap_or_default().to_owned();
        Some((text(&STATIC_NAMES), text(&STATIC_VALUES)))
    }
}

fn integer(block: &mut &[u8], bits: u32) -> Option<usize> {
    let mask = (1_u8 << bits) - 1;
    let (first, rest) = block.split_first()?;
    *block = rest;
    let mut value = usize::from(first & mask);
    if value < usize::from(mask) {
        return Some(value);
    }
    for shift in [0, 7, 14] {
        let (next, rest) = block.split_first()?;
        *block = rest;
        value += usize::from(next & 0x7f) << shift;
        if next & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// Returns the bytes of a string, and whether they are Huffman-encoded.
fn string<'a>(block: &mut &'a [u8]) -> Option<(bool, &'a [u8])> {
    let packed = block.first()? & 0x80 != 0;
    let length = integer(block, 7)?;
    let (bytes, rest) = block.split_at_checked(length)?;
    *block = rest;
    Some((packed, bytes))
}

fn text((packed, bytes): (bool, &[u8])) -> String {
    let bytes = if packed {
        unpack(bytes)
    } else {
        bytes.to_vec()
    };
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Decodes the Huffman code. Symbols with longer codes than those in [`SYMBOLS`] occur in no method
/// or path; the text ends at the first of them.
fn unpack(bytes: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    let (mut code, mut length) = (0_u32, 0_u32);
    for byte in bytes {
        for bit in (0..8).rev() {
            code = code << 1 | u32::from(byte >> bit & 1);
            length += 1;
            if let Some(symbol) = symbol(code, length) {
                text.push(symbol);
                (code, length) = (0, 0);
            } else if length > 13 {
                return text;
            }
        }
    }
    text
}

fn symbol(code: u32, length: u32) -> Option<u8> {
    let (mut first, mut last_length) = (0, 0);
    for (of_length, symbols) in SYMBOLS {
        first <<= of_length - last_length;
        if of_length == length {
            return symbols
                .get(usize::try_from(code.checked_sub(first)?).ok()?)
                .copied();
        }
        first += u32::try_from(symbols.len()).ok()?;
        last_length = of_length;
    }
    None
}

/// Encodes a header block without the tables, except for the name of the status.
pub fn write(status: u16, headers: &[(&str, String)]) -> Vec<u8> {
    let mut block = Vec::new();
    // The static table has `:status` at index 8.
    block.push(0x08);
    push(&mut block, &status.to_string());
    for (name, value) in headers {
        block.push(0);
        push(&mut block, name);
        push(&mut block, value);
    }
    block
}

fn push(block: &mut Vec<u8>, text: &str) {
    let length = u8::try_from(text.len()).expect("headers of a test are short");
    assert!(length < 127, "headers of a test are short");
    block.push(length);
    block.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        let digits: Vec<_> = hex.chars().filter(|c| !c.is_whitespace()).collect();
        digits
            .chunks(2)
            .map(|pair| u8::from_str_radix(&pair.iter().collect::<String>(), 16).unwrap())
            .collect()
    }

    /// Checks the three requests of RFC 7541, appendix C.4, which share a dynamic table.
    #[test]
    fn decodes_the_examples_of_the_rfc() {
        let mut decoder = Decoder::default();
        let mut read = |hex| {
            let fields = decoder.read(&bytes(hex)).unwrap();
            (fields.method, fields.path)
        };
        let get = |path: &str| ("GET".to_owned(), path.to_owned());
        assert_eq!(read("8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff"), get("/"));
        assert_eq!(read("8286 84be 5886 a8eb 1064 9cbf"), get("/"));
        assert_eq!(
            read("8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf"),
            get("/index.html")
        );
        // A name from the dynamic table, and the two Huffman-encoded values.
        assert_eq!(decoder.entry(62).unwrap().0, "custom-key");
        assert_eq!(unpack(&bytes("25a8 49e9 5bb8 e8b4 bf")), b"custom-value");
        assert_eq!(
            unpack(&bytes("f1e3 c2e5 f23a 6ba0 ab90 f4ff")),
            b"www.example.com"
        );
    }

    #[test]
    fn encoded_headers_can_be_decoded() {
        let block = write(404, &[("x-a", "b".to_owned())]);
        assert_eq!(Decoder::default().read(&block), Some(Fields::default()));
        assert_eq!(Decoder::default().read(&[0x40, 0x05, b'x']), None);
    }
}
