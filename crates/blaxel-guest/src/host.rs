//! Directories of this machine that hold files of sandboxes, and what removes them.

mod copy;
mod count;
mod directory;
pub(crate) mod errors;
mod read;
mod remove;
mod shell;
mod temporary;

pub(crate) use self::directory::Directory;
pub(crate) use self::read::children;
pub(crate) use self::remove::remove_entry;
pub(crate) use self::shell::{SHELL, shell};
pub(crate) use self::temporary::{make_temporary, new_name};
