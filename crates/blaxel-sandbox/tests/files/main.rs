//! The file system of a sandbox, on scripted answers and on a server in memory.

mod calls;
mod fake;
mod reads;
mod uploads;
mod watches;
