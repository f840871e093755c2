//! The billing history of an account, and queries of it.

mod calendar;
mod history;
mod query;
mod random;
mod report;
mod resources;

pub(crate) use self::calendar::{Window, hour_time};
pub(crate) use self::history::History;
pub(crate) use self::query::{Dimension, MetricsQuery};
pub(crate) use self::report::report;
