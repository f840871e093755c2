//! The messages of a terminal: JSON objects with a type.

use blaxel_core::Error;
use serde::Serialize;
use serde_json::{Map, Value};

use super::event::TerminalEvent;
use crate::websocket::Message;

/// A message to the sandbox.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(super) enum ToSandbox<'a> {
    Input { data: &'a str },
    Resize { cols: u16, rows: u16 },
}

/// Input of nothing. The sandbox does nothing with it.
pub(super) const NOTHING: &str = r#"{"type":"input","data":""}"#;

impl ToSandbox<'_> {
    /// Returns the message as JSON.
    pub(super) fn write(&self) -> Result<Message, Error> {
        let json = serde_json::to_string(self);
        json.map(Message::Text)
            .map_err(|problem| Error::input("terminal input", &blaxel_core::Source::Code, problem))
    }
}

/// Reads a message of the sandbox. Returns `None` for output of nothing.
///
/// # Errors
///
/// [`Error::is_decode`] if it is not a JSON object with a type, or has output that is not text.
pub(super) fn read(message: &Message) -> Result<Option<TerminalEvent>, Error> {
    let bad = || Error::decode("the message of the terminal is not the expected JSON");
    // The error of the parser quotes the message.
    let mut members: Map<String, Value> =
        serde_json::from_slice(message.as_bytes()).map_err(|_| bad())?;
    let kind = members
        .get("type")
        .and_then(Value::as_str)
        .ok_or_else(bad)?;
    let make = match kind {
        "output" => TerminalEvent::Output,
        "error" => TerminalEvent::Error,
        _ => return Ok(Some(TerminalEvent::Other(members))),
    };
    let text = match members.remove("data") {
        Some(Value::String(text)) => text,
        // The server leaves an empty text out.
        None | Some(Value::Null) => String::new(),
        Some(_) => return Err(bad()),
    };
    let event = make(text);
    Ok(Some(event).filter(|event| *event != TerminalEvent::Output(String::new())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_written_as_the_server_reads_them() {
        let text = |message: ToSandbox<'_>| match message.write().unwrap() {
            Message::Text(text) => text,
            other => panic!("{other:?}"),
        };
        assert_eq!(
            text(ToSandbox::Input { data: "ls\n\u{3}" }),
            r#"{"type":"input","data":"ls\n\u0003"}"#
        );
        assert_eq!(
            text(ToSandbox::Resize {
                cols: 120,
                rows: 40
            }),
            r#"{"type":"resize","cols":120,"rows":40}"#
        );
        assert_eq!(text(ToSandbox::Input { data: "" }), NOTHING);
    }

    #[test]
    fn messages_of_the_server_are_read() {
        let output = |text: &str| Some(TerminalEvent::Output(text.into()));
        for (json, expected) in [
            (
                r#"{"type":"output","data":"\u001b[0mhi"}"#,
                output("\u{1b}[0mhi"),
            ),
            (
                r#"{"type":"output","data":"x","cols":0,"more":[1]}"#,
                output("x"),
            ),
            (r#"{"type":"output"}"#, None),
            (r#"{"type":"output","data":null}"#, None),
            (
                r#"{"type":"error"}"#,
                Some(TerminalEvent::Error(String::new())),
            ),
            (
                r#"{"type":"error","data":"no shell"}"#,
                Some(TerminalEvent::Error("no shell".into())),
            ),
        ] {
            assert_eq!(read(&Message::from(json)).unwrap(), expected, "{json}");
        }
        let later = read(&Message::from(r#"{"type":"title","data":7}"#)).unwrap();
        assert!(matches!(later, Some(TerminalEvent::Other(members)) if members["data"] == 7));
        for json in [
            "",
            "hi",
            "[]",
            "{}",
            r#"{"type":1}"#,
            r#"{"type":"output","data":1}"#,
        ] {
            let error = read(&Message::from(json)).unwrap_err();
            assert!(error.is_decode(), "{json}: {error}");
        }
    }
}
