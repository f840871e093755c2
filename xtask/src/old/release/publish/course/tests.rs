//! The course against a registry and a network that fail as a script tells them.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use super::super::pace::Pace;
use super::*;

/// What happens to one upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Fine,
    /// It is refused for so many seconds, and that is told.
    Told(u64),
    /// It is refused, and nothing is told.
    Untold,
    LostBefore,
    LostAfter,
    /// It arrives, and the index takes so many seconds to show it; the connection is lost.
    LostAndSlow(u64),
    /// It arrives, and the index takes so many seconds to show it.
    Slow(u64),
    Fails,
    KilledBefore,
    KilledAfter,
    /// It arrives, and the answer cannot be understood, which is nothing to try again.
    Garbled,
    /// It is refused, and the registry cannot be asked the next two times.
    Deaf,
}

const FATES: [Fate; 12] = [
    Fate::Fine,
    Fate::Told(90),
    Fate::Untold,
    Fate::LostBefore,
    Fate::LostAfter,
    Fate::LostAndSlow(30),
    Fate::Slow(40),
    Fate::Fails,
    Fate::KilledBefore,
    Fate::KilledAfter,
    Fate::Garbled,
    Fate::Deaf,
];

/// What is thrown where the process is killed.
struct Killed;

/// The registry, its clock and the network.
struct Registry {
    now: SystemTime,
    /// When each crate came, and when the index showed it.
    shown: BTreeMap<String, (SystemTime, SystemTime)>,
    fates: std::vec::IntoIter<Fate>,
    deaf: u32,
    /// Until when it wants to be left alone.
    closed: SystemTime,
    /// The crates in the order of their arrival.
    arrived: Vec<String>,
    uploads: u32,
    lines: Vec<String>,
}

impl Registry {
    fn new(fates: Vec<Fate>) -> Self {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        Self {
            now,
            shown: BTreeMap::new(),
            fates: fates.into_iter(),
            deaf: 0,
            closed: now,
            arrived: Vec::new(),
            uploads: 0,
            lines: Vec::new(),
        }
    }

    fn shows(&self, name: &str) -> bool {
        self.shown
            .get(name)
            .is_some_and(|(_, shown)| *shown <= self.now)
    }

    fn take(&mut self, item: &Crate, slowness: u64) -> Answer {
        if self.shown.contains_key(&item.name) {
            return Answer::TakenBefore;
        }
        self.arrived.push(item.name.clone());
        let shown = self.now + Duration::from_secs(slowness);
        self.shown.insert(item.name.clone(), (self.now, shown));
        Answer::Taken
    }
}

impl World for Registry {
    fn now(&self) -> SystemTime {
        self.now
    }

    fn wait(&mut self, time: Duration) {
        self.now += time;
    }

    fn say(&mut self, line: &str) {
        self.lines.push(line.to_owned());
    }

    fn holds(&mut self, item: &Crate) -> Result<bool, String> {
        if self.deaf > 0 {
            self.deaf -= 1;
            return Err("the index cannot be fetched".to_owned());
        }
        Ok(self.shows(&item.name))
    }

    fn upload(&mut self, item: &Crate) -> Answer {
        self.uploads += 1;
        assert!(!self.shows(&item.name), "{} is there", item.name);
        assert!(self.now >= self.closed, "sooner than told");
        for before in crates(3)
            .iter()
            .take_while(|before| before.name != item.name)
        {
            assert!(self.shows(&before.name), "{} comes first", before.name);
        }
        match self.fates.next().unwrap_or(Fate::Fine) {
            Fate::Fine => self.take(item, 0),
            Fate::Slow(seconds) => self.take(item, seconds),
            Fate::Told(seconds) => {
                self.closed = self.now + Duration::from_secs(seconds);
                failed("too many", Retry::Later(Some(self.closed)))
            }
            Fate::Untold => failed("too many", Retry::Later(None)),
            Fate::LostBefore => failed("[52] Empty reply", Retry::Soon),
            Fate::LostAfter => {
                self.take(item, 0);
                failed("[52] Empty reply", Retry::Soon)
            }
            Fate::LostAndSlow(seconds) => {
                self.take(item, seconds);
                failed("[52] Empty reply", Retry::Soon)
            }
            Fate::Fails => failed("status 500", Retry::Soon),
            Fate::KilledBefore => resume_unwind(Box::new(Killed)),
            Fate::KilledAfter => {
                self.take(item, 0);
                resume_unwind(Box::new(Killed))
            }
            Fate::Garbled => match self.take(item, 0) {
                Answer::Taken => failed("expected value at line 1 column 1", Retry::Never),
                other => other,
            },
            Fate::Deaf => {
                self.deaf = 2;
                failed("[52] Empty reply", Retry::Soon)
            }
        }
    }
}

fn failed(said: &str, retry: Retry) -> Answer {
    let said = said.to_owned();
    Answer::Failed(Failure { said, retry })
}

fn crates(count: usize) -> Vec<Crate> {
    let names = ["core", "auth", "front"].into_iter().take(count);
    names
        .map(|name| Crate {
            name: name.to_owned(),
            version: Version::new(0, 1, 0),
            standing: Standing::Nothing,
        })
        .collect()
}

/// The crates as a run that begins now finds them.
fn surveyed(registry: &Registry) -> Vec<Crate> {
    let mut crates = crates(3);
    for item in &mut crates {
        if registry.shows(&item.name) {
            item.standing = Standing::Version;
        }
    }
    crates
}

fn once(registry: &mut Registry, pace: Option<Pace>) -> Result<(), Stop> {
    let crates = surveyed(registry);
    let mut allowance = Allowance::full(pace, registry.now);
    run(&crates, &mut allowance, registry)
}

/// Runs again after each kill, as a person would.
fn resumed(registry: &mut Registry, pace: Option<Pace>) -> Result<(), Stop> {
    loop {
        match catch_unwind(AssertUnwindSafe(|| once(registry, pace))) {
            Ok(end) => return end,
            Err(thrown) if thrown.is::<Killed>() => {}
            Err(thrown) => resume_unwind(thrown),
        }
    }
}

/// Every script of this many fates.
fn scripts(length: u32) -> impl Iterator<Item = Vec<Fate>> {
    (0..FATES.len().pow(length)).map(move |number| {
        (0..length)
            .map(|place| FATES[number / FATES.len().pow(place) % FATES.len()])
            .collect()
    })
}

#[test]
fn whatever_fails_each_crate_arrives_once_and_in_order_and_no_wait_is_cut_short() {
    for script in scripts(4) {
        let mut registry = Registry::new(script.clone());
        let end = resumed(&mut registry, None);
        assert_eq!(end, Ok(()), "{script:?}: {:#?}", registry.lines);
        assert_eq!(registry.arrived, ["core", "auth", "front"], "{script:?}");
    }
}

#[test]
fn a_kill_at_any_upload_loses_nothing() {
    for script in scripts(3).filter(|script| script.contains(&Fate::KilledAfter)) {
        let mut registry = Registry::new(script.clone());
        assert_eq!(resumed(&mut registry, None), Ok(()), "{script:?}");
        let lost = script.iter().filter(|fate| **fate == Fate::KilledAfter);
        assert!(registry.uploads >= 3, "{script:?}");
        assert!(lost.count() >= 1);
        assert_eq!(once(&mut registry, None), Ok(()));
        assert_eq!(registry.arrived.len(), 3);
    }
}

#[test]
fn new_names_keep_the_pace_whatever_fails() {
    let pace = "1/600".parse().unwrap();
    let killed = |fate: &Fate| matches!(fate, Fate::KilledBefore | Fate::KilledAfter);
    for script in scripts(3).filter(|script| !script.iter().any(killed)) {
        let mut registry = Registry::new(script.clone());
        assert_eq!(once(&mut registry, Some(pace)), Ok(()), "{script:?}");
        let mut times: Vec<_> = registry.shown.values().map(|(came, _)| *came).collect();
        times.sort();
        for pair in times.windows(2) {
            let apart = pair[1].duration_since(pair[0]).unwrap();
            assert!(apart >= Duration::from_secs(600), "{script:?}: {apart:?}");
        }
    }
}

#[test]
fn known_names_do_not_wait_for_the_pace() {
    let mut registry = Registry::new(Vec::new());
    let start = registry.now;
    let mut crates = crates(3);
    for item in &mut crates {
        item.standing = Standing::Name;
    }
    let mut allowance = Allowance::full("1/600".parse().ok(), start);
    assert_eq!(run(&crates, &mut allowance, &mut registry), Ok(()));
    assert_eq!(registry.now, start);
}

/// A registry that answers every upload the same.
struct Stubborn(Answer, u32, SystemTime);

impl World for Stubborn {
    fn now(&self) -> SystemTime {
        self.2
    }

    fn wait(&mut self, time: Duration) {
        self.2 += time;
    }

    fn say(&mut self, _: &str) {}

    fn holds(&mut self, _: &Crate) -> Result<bool, String> {
        Ok(false)
    }

    fn upload(&mut self, _: &Crate) -> Answer {
        self.1 += 1;
        self.0.clone()
    }
}

/// Where the run stops, after how many uploads and how long.
fn stopped_by(answer: Answer) -> (Stop, u32, Duration) {
    let start = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    let mut world = Stubborn(answer, 0, start);
    let mut allowance = Allowance::full(None, start);
    let stop = run(&crates(3), &mut allowance, &mut world).unwrap_err();
    (stop, world.1, world.2.duration_since(start).unwrap())
}

#[test]
fn what_a_person_must_put_right_stops_at_once() {
    let (stop, uploads, took) = stopped_by(failed("not an owner", Retry::Never));
    let reason = "not an owner".to_owned();
    assert_eq!(stop, Stop { at: 0, reason });
    assert_eq!((uploads, took), (1, Duration::ZERO));
}

#[test]
fn patience_ends() {
    let (stop, uploads, took) = stopped_by(failed("[7] refused", Retry::Soon));
    assert_eq!(stop.reason, "[7] refused (5 failures)");
    assert_eq!(uploads, 5);
    assert_eq!(took.as_secs(), 5 + 10 + 20 + 40);

    let (stop, uploads, took) = stopped_by(failed("too many.", Retry::Later(None)));
    assert_eq!(stop.reason, "too many. (put off 10 times)");
    assert_eq!(uploads, 10);
    assert!(took > Duration::from_secs(3000), "{took:?}");
}

#[test]
fn a_wait_that_is_too_long_is_left_to_the_person_not_shortened() {
    let start = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    let until = Some(start + Duration::from_secs(3601));
    let (stop, uploads, took) = stopped_by(failed("Too many.", Retry::Later(until)));
    assert_eq!((uploads, took), (1, Duration::ZERO));
    let expected =
        "Too many. That is 1 h 1 min from now; go on after Fri, 15 Jan 2027 09:00:01 GMT";
    assert_eq!(stop.reason, expected);
}

#[test]
fn a_crate_that_never_shows_is_an_error_that_says_so() {
    let (stop, uploads, took) = stopped_by(Answer::Taken);
    assert_eq!(uploads, 1);
    assert_eq!(took, INDEX_WAIT);
    assert!(stop.reason.contains("took it, but after 5 min"), "{stop:?}");
}
