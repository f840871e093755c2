//! The `Display` and `Debug` output of errors.

use std::fmt;

use crate::text::{one_line, unclosed};

use super::{Error, ErrorKind, JsonProblem, MAX_TEXT_CHARS};

/// Maximum number of causes that are printed.
const MAX_CAUSES: usize = 10;

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(operation) = self.operation() {
            write!(f, "{}: ", operation.name())?;
        }
        self.write_message(f)?;
        write_causes(self, f)?;
        self.write_advice(f)?;
        self.write_notes(f)
    }
}

impl Error {
    /// Writes what happened: our message, the server's, or both.
    fn write_message(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(unclosed(&self.0.message))?;
        let (Some(api), Some(status)) = (self.api(), self.status()) else {
            return Ok(());
        };
        if status.is_success() && !self.0.message.is_empty() {
            let mut stated = [api.code(), api.message()].into_iter().flatten();
            return stated.try_for_each(|text| write!(f, ": {}", unclosed(text)));
        }
        if !self.0.message.is_empty() {
            f.write_str(": ")?;
        }
        let phrase = status.canonical_reason().unwrap_or("unknown status");
        let name = api.code().unwrap_or(phrase);
        write!(f, "{} {name}", status.as_u16())?;
        // A server without a message often sends the phrase of the status instead.
        match api.message().map(unclosed) {
            Some(message) if !message.eq_ignore_ascii_case(name) => write!(f, ": {message}"),
            _ => Ok(()),
        }
    }

    /// Writes the next step, that of the server if it sent one, and the documentation link.
    fn write_advice(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let refused = self.0.response.as_ref();
        let refused = refused.and_then(|response| response.refused.as_ref());
        if let Some(action) = self.api().and_then(|api| api.action()) {
            write!(f, "; {}", unclosed(action))?;
        } else if let Some(source) = refused {
            write!(f, "; check the credential {source}")?;
        }
        if let Some(link) = self.api().and_then(|api| api.docs_url()) {
            write!(f, "; see {link}")?;
        }
        Ok(())
    }

    /// Writes the status, attempts, possible effect and request id, in parentheses.
    fn write_notes(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut notes = Vec::new();
        if let Some(status) = self.status()
            && (self.api().is_none() || status.is_success())
        {
            notes.push(format!("status {}", status.as_u16()));
        }
        if self.attempts() > 1 {
            notes.push(format!("{} attempts", self.attempts()));
        }
        if self.maybe_applied() {
            notes.push("it may have taken effect".to_owned());
        }
        if let Some(id) = self.request_id() {
            notes.push(format!("request id {id}"));
        }
        if notes.is_empty() {
            Ok(())
        } else {
            write!(f, " ({})", notes.join(", "))
        }
    }
}

/// Writes the chain of causes on the same line. A cause that is already part of the text is left
/// out, because many libraries print their causes themselves.
fn write_causes(error: &Error, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut above = error.0.message.clone();
    let mut causes = String::new();
    let chain = std::iter::successors(error.cause(), |cause| cause.source());
    for cause in chain.take(MAX_CAUSES) {
        let text = match cause.downcast_ref() {
            Some(json) => JsonProblem::new(json).to_string(),
            None => cause.to_string(),
        };
        let text = one_line(&text, MAX_TEXT_CHARS);
        let text = unclosed(&text);
        if !above.contains(text) {
            causes.push_str(": ");
            causes.push_str(text);
            above.push_str(text);
        }
    }
    if causes.is_empty() {
        return Ok(());
    }
    f.write_str(&one_line(&causes, MAX_TEXT_CHARS))
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Error");
        out.field("kind", &self.kind());
        if let Some(operation) = self.operation() {
            out.field("operation", &operation.name());
        }
        if self.kind() != ErrorKind::Status {
            out.field("message", &self.0.message);
        }
        if let Some(status) = self.status() {
            out.field("status", &status.as_u16());
        }
        if let Some(api) = self.api() {
            out.field("api", api);
        }
        out.field("delivery", &self.delivery())
            .field("attempts", &self.attempts());
        if let Some(id) = self.request_id() {
            out.field("request_id", &id);
        }
        if let Some(cause) = &self.0.cause {
            out.field("cause", cause);
        }
        out.finish()
    }
}
