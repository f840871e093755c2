//! The course on a registry and a network that fail as a script says.

use super::super::tests::item;
use super::*;

/// Events of an upload after which the release still completes.
///
/// It arrives: `.`; and the index shows it after 40 s: `s`, or never: `n`; and the response is lost: `l`,
/// not understood: `g`, or followed by a kill: `k`. It does not arrive: `L`; and the next question has no
/// answer: `d`; and a kill follows: `K`. It is refused for 90 s: `t`, for 3601 s: `T`, for some time: `u`,
/// until a person has done something: `r`.
const FATES: [char; 10] = ['.', 's', 'l', 'g', 'k', 'L', 'd', 'K', 't', 'u'];
const NAMES: [&str; 3] = ["core", "auth", "front"];

/// The registry, its clock and the network. After the script, all goes well.
#[derive(Debug, Default)]
struct Registry {
    script: Vec<char>,
    /// The seconds since the start.
    now: u64,
    /// The crates in the order of their arrival, each with the time, and when the index shows it.
    taken: Vec<(String, u64, u64)>,
    uploads: usize,
    questions_lost: u32,
    /// The time before which it refuses uploads.
    closed: u64,
}

impl Registry {
    fn new(script: &[char]) -> Self {
        let mut registry = Self::default();
        registry.script.extend(script);
        registry
    }

    fn shows(&self, name: &str) -> bool {
        let mut taken = self.taken.iter();
        taken.any(|(it, _, shown)| it == name && *shown <= self.now)
    }

    /// Runs until an end that is not a kill, as a person would. Returns that end.
    fn publish(&mut self, pace: &str, known: Standing) -> String {
        loop {
            let items = NAMES.map(|name| match self.shows(name) {
                true => item(name, Standing::Version),
                false => item(name, known),
            });
            let end = Course::new(&items, Pace::parse(pace).unwrap(), self).run();
            let end = end.map_or_else(|error| error.to_string(), |()| "published".to_owned());
            if end != "killed" {
                return end;
            }
        }
    }
}

impl World for Registry {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(self.now)
    }

    fn sleep(&mut self, time: Duration) {
        self.now += time.as_secs();
    }

    fn has(&mut self, item: &Item) -> Result<bool> {
        if self.questions_lost > 0 {
            self.questions_lost -= 1;
            bail!("no answer");
        }
        Ok(self.shows(&item.name))
    }

    fn upload(&mut self, group: &[&Item]) -> Result<Answer> {
        let mut answer = Answer::default();
        for Item { name, .. } in group {
            self.uploads += 1;
            assert!(!self.shows(name), "{name} is sent again");
            assert!(self.now >= self.closed, "{name} is sent too early");
            let mut before = NAMES.iter().take_while(|before| *before != name);
            let is_ready = |it: &&str| self.shows(it) || answer.taken.contains(&it.to_string());
            assert!(before.all(is_ready), "{name} is sent before its turn");
            if self.taken.iter().any(|(it, ..)| it == name) {
                // The index is behind. The registry says that it has the version.
                answer.taken.push(name.clone());
                break;
            }
            let fate = self.script.get(self.uploads - 1).copied().unwrap_or('.');
            let seconds = match fate {
                's' => 40,
                't' => 90,
                'T' => 3601,
                'n' => 9999,
                _ => 0,
            };
            let then = self.now + seconds;
            if ".snlgk".contains(fate) {
                self.taken.push((name.clone(), self.now, then));
            }
            let retry = match fate {
                '.' | 's' | 'n' => {
                    answer.taken.push(name.clone());
                    continue;
                }
                'k' | 'K' => bail!("killed"),
                't' | 'T' => Retry::Later(Some(self.now() + Duration::from_secs(seconds))),
                'u' => Retry::Later(None),
                'g' | 'r' => Retry::Never,
                _ => Retry::Soon,
            };
            self.closed = then;
            self.questions_lost = u32::from(fate == 'd');
            answer.failure = Some((retry, fate.to_string()));
            break;
        }
        Ok(answer)
    }
}

/// Returns each script of three fates.
fn scripts() -> impl Iterator<Item = [char; 3]> {
    (0..1000).map(|n| [n / 100, n / 10, n].map(|it| FATES[it % 10]))
}

#[test]
fn each_crate_is_taken_once_and_in_order_whatever_fails() {
    for script in scripts() {
        let mut registry = Registry::new(&script);
        let end = registry.publish("1/0", Standing::Nothing);
        assert_eq!(end, "published", "{script:?}");
        let order = registry.taken.iter().map(|(name, ..)| name.as_str());
        assert!(order.eq(NAMES), "{script:?}: {registry:?}");
        let uploads = registry.uploads;
        registry.publish("1/0", Standing::Nothing);
        assert_eq!(registry.uploads, uploads, "a whole release is sent again");
    }
}

#[test]
fn new_names_keep_the_pace_whatever_fails() {
    // A run does not know of those before it.
    let is_whole = |script: &[char; 3]| !script.contains(&'k') && !script.contains(&'K');
    for script in scripts().filter(is_whole) {
        let mut registry = Registry::new(&script);
        registry.publish("1/600", Standing::Nothing);
        let mut pairs = registry.taken.windows(2);
        let is_kept = pairs.all(|pair| pair[1].1 >= pair[0].1 + 600);
        assert!(is_kept, "{script:?}: {registry:?}");
    }
    let mut registry = Registry::default();
    registry.publish("1/600", Standing::Name);
    assert_eq!(registry.now, 0, "known names wait");
}

#[test]
fn a_course_ends_when_going_on_has_no_sense() {
    for (fate, expected, uploads, seconds) in [
        ('r', "r", 1, 0),
        ('L', "L (failed 7 times; try again after ", 7, 5 * 63),
        ('u', "u (failed 7 times; try again after ", 7, 60 * 63),
        ('T', "T (failed 1 times; try again after ", 1, 0),
        ('n', "the registry has taken core 0.2.0, ", 3, 300),
        ('d', "no answer (failed 7 times; try again ", 0, 5 * 63),
    ] {
        let mut registry = Registry::new(&[fate; 7]);
        registry.questions_lost = if fate == 'd' { 99 } else { 0 };
        let end = registry.publish("1/0", Standing::Nothing);
        assert!(end.starts_with(expected), "{end}");
        let took = (registry.uploads, registry.now);
        assert_eq!(took, (uploads, seconds), "{end}");
    }
}
