//! Where code that is still to be rewritten looks for it.

pub(crate) use crate::public_api::{Difference, FILE, difference};
