//! [`Records`], the processes that a server remembers.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::history::STREAM_LIMIT;
use super::record::Record;

/// The number of processes that are remembered. Beyond it, the oldest ones that have ended are
/// forgotten.
const RECORDS: usize = 4096;
/// The output that is kept of all processes together: 384 MiB, a tenth of a usual sandbox.
const OUTPUT_BUDGET: usize = 384 << 20;
/// The output of a stream that is kept in any case.
const MIN_STREAM: usize = 256 << 10;

/// The processes in the order in which they were started. Their number hardly matters to the time
/// that adding or finding one takes.
#[derive(Default)]
pub(super) struct Records {
    /// By a number that grows from start to start.
    by_number: BTreeMap<u64, Arc<Record>>,
    /// The numbers by process id.
    pids: HashMap<u32, u64>,
    /// The numbers of all processes of a name.
    names: HashMap<String, Vec<u64>>,
    next: u64,
    /// The output that is kept of a stream of each process.
    limit: usize,
}

impl Records {
    /// Adds a process. A process id that is used again hides the process that had it.
    pub(super) fn add(&mut self, record: Arc<Record>) {
        if let Some(number) = self.pids.get(&record.pid) {
            self.remove(*number);
        }
        let number = self.next;
        self.next += 1;
        self.pids.insert(record.pid, number);
        let namesakes = self.names.entry(record.order.name.clone()).or_default();
        namesakes.push(number);
        record.history.set_limit(self.limit);
        self.by_number.insert(number, record);
        self.forget();
        self.share();
    }

    /// Forgets the oldest processes that have ended, if there are too many.
    fn forget(&mut self) {
        while self.by_number.len() > RECORDS {
            let mut all = self.by_number.iter();
            let Some((number, _)) = all.find(|(_, record)| !record.is_running()) else {
                return;
            };
            self.remove(*number);
        }
    }

    fn remove(&mut self, number: u64) {
        let Some(record) = self.by_number.remove(&number) else {
            return;
        };
        self.pids.remove(&record.pid);
        if let Some(namesakes) = self.names.get_mut(&record.order.name) {
            namesakes.retain(|other| *other != number);
            if namesakes.is_empty() {
                self.names.remove(&record.order.name);
            }
        }
    }

    /// Divides the room for output among the processes.
    fn share(&mut self) {
        let share = OUTPUT_BUDGET / (2 * self.by_number.len().max(1));
        let limit = share.clamp(MIN_STREAM, STREAM_LIMIT);
        if limit != self.limit {
            self.limit = limit;
            for record in self.by_number.values() {
                record.history.set_limit(limit);
            }
        }
    }

    /// Returns all processes.
    pub(super) fn all(&self) -> impl Iterator<Item = &Arc<Record>> {
        self.by_number.values()
    }

    /// Returns the process with an id, in the digits in which the API shows it.
    pub(super) fn with_pid(&self, digits: &str) -> Option<&Arc<Record>> {
        let pid: u32 = digits.parse().ok()?;
        let number = self.pids.get(&pid)?;
        let record = self.by_number.get(number);
        record.filter(|_| pid.to_string() == digits)
    }

    /// Returns the process of a name that was started last.
    pub(super) fn named(&self, name: &str) -> Option<&Arc<Record>> {
        let numbers = self.names.get(name)?;
        let named = numbers
            .iter()
            .filter_map(|number| self.by_number.get(number));
        named.max_by_key(|record| record.started())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;
    use tokio::sync::mpsc;

    use super::super::history::TRUNCATED;
    use super::super::record::{Channels, Order, SignalError};
    use super::*;
    use crate::process::{Control, ExitStatus, Stream};
    use crate::version::ServerVersion;

    fn record(pid: u32, name: &str, second: u64) -> Arc<Record> {
        controlled(pid, name, second, mpsc::channel(1).0)
    }

    fn controlled(
        pid: u32,
        name: &str,
        second: u64,
        control: mpsc::Sender<Control>,
    ) -> Arc<Record> {
        let channels = Channels {
            guest_pid: pid,
            stdin: None,
            control,
        };
        let order = Order::new(name.to_owned(), "true".to_owned(), ServerVersion::Current);
        Arc::new(Record::new(
            pid,
            order,
            channels,
            Duration::from_secs(second),
        ))
    }

    fn pid(found: Option<&Arc<Record>>) -> Option<u32> {
        found.map(|record| record.pid)
    }

    #[test]
    fn a_process_is_found_by_its_id_and_the_last_one_by_its_name() {
        let mut records = Records::default();
        records.add(record(100, "a", 1));
        records.add(record(101, "a", 2));
        records.add(record(102, "b", 3));
        assert_eq!(pid(records.with_pid("100")), Some(100));
        assert_eq!(pid(records.with_pid("0100")), None);
        assert_eq!(pid(records.with_pid("103")), None);
        assert_eq!(pid(records.named("a")), Some(101));
        assert_eq!(pid(records.named("b")), Some(102));
        assert_eq!(pid(records.named("c")), None);
    }

    #[test]
    fn a_process_hides_the_one_that_had_its_id() {
        let mut records = Records::default();
        records.add(record(100, "a", 1));
        records.add(record(101, "a", 2));
        records.add(record(101, "b", 3));
        assert_eq!(pid(records.named("a")), Some(100));
        assert_eq!(pid(records.named("b")), Some(101));
        let all: Vec<_> = records
            .all()
            .map(|record| record.order.name.as_str())
            .collect();
        assert_eq!(all, ["a", "b"]);
    }

    #[test]
    fn the_oldest_ended_processes_are_forgotten_and_no_running_one() {
        let mut records = Records::default();
        let count = u32::try_from(RECORDS).unwrap();
        for number in 0..count + 10 {
            let record = record(number, &format!("p{number}"), 1);
            if number != 3 {
                record.ended(ExitStatus::Code(0), Duration::from_secs(2));
            }
            records.add(record);
        }
        assert_eq!(records.all().count(), RECORDS);
        assert_eq!(pid(records.with_pid("3")), Some(3));
        assert_eq!(pid(records.named("p3")), Some(3));
        assert_eq!(pid(records.with_pid("10")), None);
        assert_eq!(pid(records.named("p10")), None);
        assert_eq!(pid(records.with_pid("11")), Some(11));
        assert_eq!(records.names.len(), RECORDS);
        assert_eq!(records.pids.len(), RECORDS);
    }

    #[test]
    fn the_more_processes_there_are_the_less_output_is_kept_of_each() {
        let mut records = Records::default();
        let first = record(100, "first", 1);
        records.add(Arc::clone(&first));
        first
            .history
            .push(Stream::Stdout, Bytes::from(vec![b'x'; 1 << 20]));
        assert!(
            !first
                .history
                .tail(Stream::Stdout, 1 << 20)
                .starts_with(TRUNCATED)
        );
        for number in 0..1000 {
            records.add(record(1000 + number, "other", 1));
        }
        let kept = first.history.tail(Stream::Stdout, 1 << 20);
        assert!(kept.starts_with(TRUNCATED));
        assert!(
            (MIN_STREAM / 2..=MIN_STREAM).contains(&kept.len()),
            "{}",
            kept.len()
        );
        let last = record(3000, "last", 1);
        records.add(Arc::clone(&last));
        last.history
            .push(Stream::Stdout, Bytes::from(vec![b'x'; 1 << 20]));
        assert!(
            last.history
                .tail(Stream::Stdout, 1 << 20)
                .starts_with(TRUNCATED)
        );
    }

    #[tokio::test]
    async fn a_process_of_which_nothing_is_left_keeps_no_channel() {
        let (control, mut controls) = mpsc::channel(1);
        let record = controlled(100, "a", 1, control);
        assert_eq!(record.kill().await, Ok(()));
        record.vanished();
        assert_eq!(controls.recv().await, Some(Control::Signal(9)));
        assert_eq!(controls.recv().await, None);
        assert_eq!(record.kill().await, Err(SignalError::NoProcess));
    }
}
