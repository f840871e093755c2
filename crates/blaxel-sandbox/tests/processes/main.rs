//! Commands and processes on a simulated sandbox whose connections fail.

#![cfg(feature = "wait")]

mod exactly_once;
mod exactness;
mod following;
mod running;
mod sim;
