//! Assembling the tool calls of one choice.
//!
//! By the API, a delta names its call by index, and the first delta of a call has its id and name. Providers
//! deviate: all calls have the same index, every delta repeats id and name, or there is neither index nor id. A
//! delta goes to the call that it names by index and id; a name that does not belong to that call starts a new
//! one; and a delta that names no call continues the only one that is incomplete. Otherwise it is an error:
//! arguments of two calls are never mixed.

use blaxel_core::Error;

use crate::chat::chunk::ToolCallDelta;
use crate::chat::tool::ToolCall;

/// The tool calls so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Calls(Vec<Call>);

#[derive(Clone, Debug)]
struct Call {
    index: Option<u32>,
    call: ToolCall,
    arguments: Nesting,
}

/// A delta, without texts that are empty.
#[derive(Clone, Copy)]
struct Addition<'a> {
    index: Option<u32>,
    id: Option<&'a str>,
    name: Option<&'a str>,
    arguments: &'a str,
}

impl<'a> Addition<'a> {
    fn of(delta: &'a ToolCallDelta) -> Self {
        let text = |text: &'a Option<String>| text.as_deref().filter(|text| !text.is_empty());
        Self {
            index: delta.index,
            id: text(&delta.id),
            name: text(&delta.function.name),
            arguments: text(&delta.function.arguments).unwrap_or_default(),
        }
    }

    fn has_arguments(&self) -> bool {
        !self.arguments.trim().is_empty()
    }
}

/// The call that a delta belongs to.
enum Place {
    Call(usize),
    New,
    /// The delta repeats a call that is complete, or adds nothing.
    Nowhere,
}

impl Calls {
    /// Adds a delta to its call. Returns the length of the added arguments.
    pub(super) fn add(&mut self, delta: &ToolCallDelta) -> Result<usize, Error> {
        let addition = Addition::of(delta);
        let position = match self.place(&addition)? {
            Place::Call(position) => position,
            Place::New => {
                self.0.push(Call::new(addition.index));
                self.0.len() - 1
            }
            Place::Nowhere => return Ok(0),
        };
        let Some(call) = self.0.get_mut(position) else {
            return Ok(0);
        };
        call.add(&addition);
        for (member, value) in &delta.other {
            call.call.other.insert(member.clone(), value.clone());
        }
        Ok(addition.arguments.len())
    }

    pub(super) fn into_calls(self) -> Vec<ToolCall> {
        self.0.into_iter().map(|call| call.call).collect()
    }

    fn place(&self, addition: &Addition<'_>) -> Result<Place, Error> {
        let named = self.named(addition);
        let names_none = addition.id.is_none() && addition.name.is_none();
        // An index says nothing about calls that were started without one.
        let without_index = |call: &Call| addition.index.is_none() || call.index.is_none();
        if named.is_none()
            && names_none
            && (addition.index.is_none() || self.0.iter().any(without_index))
        {
            return self.only_incomplete(addition, without_index);
        }
        Ok(match named {
            Some((_, call)) if call.is_repeated_by(addition) => Place::Nowhere,
            Some((_, call)) if call.is_exceeded_by(addition) => return Err(not_told_apart()),
            Some((position, call)) if call.may_take(addition) => Place::Call(position),
            _ => Place::New,
        })
    }

    /// Returns the call with the index or the id of a delta.
    fn named(&self, addition: &Addition<'_>) -> Option<(usize, &Call)> {
        let by_id = |id| self.last(|call| call.call.id == id);
        let Some(index) = addition.index else {
            return addition.id.and_then(by_id);
        };
        let same_index = |call: &Call| call.index == Some(index);
        let by_both = |id| self.last(|call| same_index(call) && call.call.id == id);
        // A delta without a name starts no call: its server counts the deltas.
        let id_alone = || {
            addition
                .id
                .filter(|_| addition.name.is_none())
                .and_then(by_id)
        };
        let exact = addition.id.and_then(by_both);
        exact.or_else(|| self.last(same_index)).or_else(id_alone)
    }

    /// Returns the place of a delta that names no call: the last one, if it is the only one that is incomplete.
    fn only_incomplete(
        &self,
        addition: &Addition<'_>,
        is_possible: impl Fn(&Call) -> bool,
    ) -> Result<Place, Error> {
        let mut incomplete = self.0.iter().filter(|call| !call.arguments.is_whole());
        let only = incomplete.next().is_some() && incomplete.next().is_none();
        match self.0.last() {
            Some(call) if only && !call.arguments.is_whole() && is_possible(call) => {
                Ok(Place::Call(self.0.len() - 1))
            }
            _ if !addition.has_arguments() => Ok(Place::Nowhere),
            _ => Err(not_told_apart()),
        }
    }

    fn last(&self, is_it: impl Fn(&Call) -> bool) -> Option<(usize, &Call)> {
        self.0.iter().enumerate().rfind(|(_, call)| is_it(call))
    }
}

fn not_told_apart() -> Error {
    Error::decode(
        "the tool calls of the answer cannot be told apart: some arguments belong to no call",
    )
}

impl Call {
    fn new(index: Option<u32>) -> Self {
        Self {
            index,
            call: ToolCall::new(),
            arguments: Nesting::default(),
        }
    }

    /// Returns `true` if a delta with the id of this call only repeats it.
    fn is_repeated_by(&self, addition: &Addition<'_>) -> bool {
        let is_own = |own: &str, new: Option<&str>| new.is_none_or(|new| new == own);
        self.arguments.is_whole()
            && addition.has_arguments()
            && is_own(&self.call.id, addition.id)
            && is_own(&self.call.function.name, addition.name)
            && addition.arguments == self.call.function.arguments
    }

    /// Returns `true` for a further object without a name, of which it is unknown whose arguments they are.
    fn is_exceeded_by(&self, addition: &Addition<'_>) -> bool {
        self.arguments.is_whole()
            && addition.name.is_none()
            && addition.arguments.trim_start().starts_with(['{', '['])
    }

    /// Returns `false` for a delta that has the index or the id of this call, but starts another one.
    fn may_take(&self, addition: &Addition<'_>) -> bool {
        let Some(name) = addition.name else {
            return true;
        };
        let differs = |own: &str, other: &str| !own.is_empty() && own != other;
        let other_id = addition.id.is_some_and(|id| differs(&self.call.id, id));
        let other_name = differs(&self.call.function.name, name);
        // A complete object cannot be continued.
        let other_arguments = self.arguments.is_whole() && addition.has_arguments();
        !(other_id || other_name || other_arguments)
    }

    fn add(&mut self, addition: &Addition<'_>) {
        self.index = self.index.or(addition.index);
        let ToolCall { id, function, .. } = &mut self.call;
        // Most providers send id and name once, some with each delta, and none in parts.
        for (own, new) in [(id, addition.id), (&mut function.name, addition.name)] {
            if own.is_empty() {
                *own = new.unwrap_or_default().to_owned();
            }
        }
        function.arguments.push_str(addition.arguments);
        self.arguments.read(addition.arguments);
    }
}

/// The nesting of JSON that arrives in fragments. A JSON parser would have to read all of it again for each
/// fragment, which takes quadratic time.
#[derive(Clone, Debug, Default)]
struct Nesting {
    depth: usize,
    in_text: bool,
    escaped: bool,
    closed: bool,
}

impl Nesting {
    fn read(&mut self, fragment: &str) {
        for byte in fragment.bytes() {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = self.in_text,
                b'"' => self.in_text = !self.in_text,
                _ if self.in_text => {}
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => {
                    self.depth = self.depth.saturating_sub(1);
                    self.closed = true;
                }
                _ => {}
            }
        }
    }

    /// Returns `true` after a complete object or list.
    fn is_whole(&self) -> bool {
        self.closed && self.depth == 0 && !self.in_text
    }
}
