//! The budget file: what each entry may cost at most.

use std::collections::BTreeMap;
use std::fmt;

use toml_edit::{Array, DocumentMut, Item, Table, TableLike, Value};

use super::entry::{BARE, Entry};
use super::{Figures, Scope};

/// How much over the time that was measured a budget is set, as a part of it. Two runs on a busy
/// machine differed by up to as much; what is over is measured again before it is believed.
const SLACK: f64 = 0.1;

/// How wide a line of names may be.
const WIDTH: usize = 100;

const CRATES: &str = "crates";
const TIME: &str = "time";

/// What an entry may cost.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Limit {
    pub(super) crates: usize,
    /// As a multiple of the control. None is left only by an update of the counts alone.
    pub(super) time: Option<f64>,
    /// The names of the crates: all of the bare entry, what is added to them of others.
    listed: Vec<String>,
}

/// All budgets, and the file as people wrote it.
#[derive(Debug)]
pub(super) struct Budget {
    document: DocumentMut,
    /// By package and choice of features.
    limits: BTreeMap<(String, String), Limit>,
}

impl Budget {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let document: DocumentMut = text
            .parse()
            .map_err(|error: toml_edit::TomlError| error.to_string())?;
        let mut limits = BTreeMap::new();
        for (package, choices) in document.iter() {
            let choices = choices
                .as_table_like()
                .ok_or_else(|| format!("`{package}` is not a table of entries"))?;
            for (choice, table) in choices.iter() {
                let limit = table
                    .as_table_like()
                    .ok_or_else(|| "it is not a table".to_owned())
                    .and_then(|table| Limit::parse(table, choice))
                    .map_err(|problem| format!("[{package}.{choice}]: {problem}"))?;
                limits.insert((package.to_owned(), choice.to_owned()), limit);
            }
        }
        Ok(Self { document, limits })
    }

    pub(super) fn limit(&self, entry: &Entry) -> Option<&Limit> {
        self.limit_of(&entry.package, entry.choice())
    }

    fn limit_of(&self, package: &str, choice: &str) -> Option<&Limit> {
        self.limits.get(&(package.to_owned(), choice.to_owned()))
    }

    /// The crates that an entry had when its budget was set.
    fn known(&self, entry: &Entry) -> Vec<&str> {
        let bare = match entry.choice() {
            BARE => None,
            _ => self.limit_of(&entry.package, BARE),
        };
        let lists = bare.into_iter().chain(self.limit(entry));
        lists
            .flat_map(|limit| limit.listed.iter().map(String::as_str))
            .collect()
    }

    /// The crates that an entry has and had not when its budget was set, with their versions.
    pub(super) fn added(&self, figures: &Figures) -> String {
        let tree = &figures.tree;
        let added = difference(&tree.names(), &self.known(&figures.entry));
        let added: Vec<String> = added
            .into_iter()
            .map(|name| {
                let all = tree.crates.iter().filter(|krate| krate.name == name);
                let versions: Vec<&str> = all.map(|krate| krate.version.as_str()).collect();
                format!("{name} {}", versions.join(" and "))
            })
            .collect();
        added.join(", ")
    }

    /// Sets the budgets to these figures. Returns what changed.
    pub(super) fn update(&mut self, figures: &[Figures], scope: &Scope) -> Vec<String> {
        let mut changes = self.remove_stale(figures, scope);
        // Before any changes, since an entry is known by its bare one as well.
        let added: Vec<String> = figures.iter().map(|one| self.added(one)).collect();
        for (one, added) in figures.iter().zip(&added) {
            let entry = &one.entry;
            let bare = figures
                .iter()
                .find(|other| other.entry.package == entry.package && other.entry.choice() == BARE);
            let names = one.tree.names();
            let listed = match bare {
                Some(bare) if entry.choice() != BARE => difference(&names, &bare.tree.names()),
                _ => names,
            };
            let new = Limit {
                crates: one.tree.crates.len(),
                time: None,
                listed: listed.into_iter().map(str::to_owned).collect(),
            };
            let old = self.limit(entry).cloned();
            let time = one.time.and_then(|time| new_time(old.as_ref(), time));
            changes.extend(told(entry, old.as_ref(), &new, added, time));
            self.set(entry, old.as_ref(), new, time);
        }
        changes
    }

    /// The budgets within this scope that none of the figures is for.
    pub(super) fn stale(
        &self,
        figures: &[Figures],
        scope: &Scope,
    ) -> impl Iterator<Item = (&str, &str)> {
        let is = |one: &Figures, package: &str, choice: &str| {
            one.entry.package == package && one.entry.choice() == choice
        };
        let names = self.limits.keys();
        names
            .map(|(package, choice)| (package.as_str(), choice.as_str()))
            .filter(move |(package, choice)| {
                scope.holds(package) && !figures.iter().any(|one| is(one, package, choice))
            })
    }

    /// Removes those. Returns what is gone.
    fn remove_stale(&mut self, figures: &[Figures], scope: &Scope) -> Vec<String> {
        let stale: Vec<(String, String)> = self
            .stale(figures, scope)
            .map(|(package, choice)| (package.to_owned(), choice.to_owned()))
            .collect();
        let mut changes = Vec::new();
        for name in stale {
            self.limits.remove(&name);
            let (package, choice) = name;
            if let Some(choices) = self.document[&package].as_table_like_mut() {
                choices.remove(&choice);
                if choices.is_empty() {
                    self.document.remove(&package);
                }
            }
            changes.push(format!("[{package}.{choice}]: removed, it does not exist"));
        }
        changes
    }

    /// Writes what differs from the old limit, and leaves all else as people wrote it.
    fn set(&mut self, entry: &Entry, old: Option<&Limit>, new: Limit, time: Option<f64>) {
        let package = self.document.entry(&entry.package).or_insert_with(|| {
            let mut table = Table::new();
            table.set_implicit(true);
            Item::Table(table)
        });
        let Some(choices) = package.as_table_like_mut() else {
            return;
        };
        if choices.get(entry.choice()).is_none() {
            choices.insert(entry.choice(), Item::Table(Table::new()));
        }
        let table = choices.get_mut(entry.choice());
        let Some(table) = table.and_then(Item::as_table_like_mut) else {
            return;
        };
        if old.map(|old| old.crates) != Some(new.crates) {
            // A count of crates is far below the range of any integer.
            let crates = i64::try_from(new.crates).unwrap_or(i64::MAX);
            put(table, CRATES, crates.into());
        }
        if let Some(time) = time {
            put(table, TIME, time.into());
        }
        if old.map(|old| &old.listed) != Some(&new.listed) {
            put(table, list_of(entry.choice()), wrapped(&new.listed).into());
        }
        let time = time.or_else(|| old?.time);
        let name = (entry.package.clone(), entry.choice().to_owned());
        self.limits.insert(name, Limit { time, ..new });
    }
}

impl Limit {
    fn parse(table: &dyn TableLike, choice: &str) -> Result<Self, String> {
        let list = list_of(choice);
        if let Some((unknown, _)) = table
            .iter()
            .find(|(key, _)| ![CRATES, TIME, list].contains(key))
        {
            return Err(format!("there is no `{unknown}` in an entry"));
        }
        let crates = table
            .get(CRATES)
            .and_then(Item::as_integer)
            .and_then(|crates| usize::try_from(crates).ok())
            .ok_or("`crates` is not a count")?;
        let time = match table.get(TIME) {
            None => None,
            Some(time) => Some(number(time).ok_or("`time` is not a positive number")?),
        };
        let listed = table
            .get(list)
            .and_then(Item::as_array)
            .and_then(|names| {
                let names = names.iter().map(|name| Some(name.as_str()?.to_owned()));
                names.collect::<Option<Vec<_>>>()
            })
            .ok_or_else(|| format!("`{list}` is not a list of names"))?;
        Ok(Self {
            crates,
            time,
            listed,
        })
    }
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.document.fmt(f)
    }
}

/// The names of one list that another lacks. What is twice in one and once in the other is lacking
/// once: it is there in one version more.
pub(super) fn difference<'a>(one: &[&'a str], other: &[&str]) -> Vec<&'a str> {
    let mut left = BTreeMap::new();
    for name in other {
        *left.entry(*name).or_insert(0) += 1;
    }
    let mut lacking = Vec::new();
    for name in one {
        match left.get_mut(name) {
            Some(left) if *left > 0 => *left -= 1,
            _ => lacking.push(*name),
        }
    }
    lacking
}

/// The time to set, if the old one is passed, or so generous that it would hide too much.
fn new_time(old: Option<&Limit>, measured: f64) -> Option<f64> {
    let old = old.and_then(|old| old.time);
    let holds = old.is_some_and(|old| measured <= old && old <= measured * (1.0 + 2.0 * SLACK));
    (!holds).then(|| (measured * (1.0 + SLACK) * 100.0).round() / 100.0)
}

/// What an update changes of an entry, in lines.
fn told(
    entry: &Entry,
    old: Option<&Limit>,
    new: &Limit,
    added: &str,
    time: Option<f64>,
) -> Vec<String> {
    let Some(old) = old else {
        let time = time.map(|time| format!(", time {time}"));
        let time = time.unwrap_or_default();
        return vec![format!("{entry}: new, crates {}{time}", new.crates)];
    };
    let mut changes = Vec::new();
    let verb = |raised| if raised { "raised" } else { "lowered" };
    if old.crates != new.crates {
        let verb = verb(new.crates > old.crates);
        let new = match added {
            "" => new.crates.to_string(),
            some => format!("{}; new: {some}", new.crates),
        };
        changes.push(format!(
            "{entry}: crates {verb} from {} to {new}",
            old.crates
        ));
    } else if old.listed != new.listed {
        changes.push(format!("{entry}: other crates, as many as before"));
    }
    if let Some(time) = time {
        changes.push(match old.time {
            Some(old) => format!("{entry}: time {} from {old} to {time}", verb(time > old)),
            None => format!("{entry}: time set to {time}"),
        });
    }
    changes
}

fn list_of(choice: &str) -> &'static str {
    if choice == BARE { "packages" } else { "adds" }
}

fn number(item: &Item) -> Option<f64> {
    // A person may write 1 for 1.0.
    let number = item
        .as_float()
        .or_else(|| item.as_integer().map(|integer| integer as f64))?;
    (number.is_finite() && number > 0.0).then_some(number)
}

/// Puts a value in the place of an old one, whose comments stay.
fn put(table: &mut dyn TableLike, key: &str, mut value: Value) {
    match table.get_mut(key).and_then(Item::as_value_mut) {
        Some(old) => {
            *value.decor_mut() = old.decor().clone();
            *old = value;
        }
        None => {
            table.insert(key, Item::Value(value));
        }
    }
}

/// Names as an array of lines of some width.
fn wrapped(names: &[String]) -> Array {
    const INDENT: &str = "\n    ";
    let mut array = Array::new();
    let mut width = WIDTH;
    for name in names {
        let mut value = Value::from(name.as_str());
        // The quotes, the comma and the space.
        let takes = name.len() + 4;
        if width + takes > WIDTH {
            width = INDENT.len();
            value.decor_mut().set_prefix(INDENT);
        } else {
            value.decor_mut().set_prefix(" ");
        }
        width += takes;
        array.push_formatted(value);
    }
    if !names.is_empty() {
        array.set_trailing_comma(true);
        array.set_trailing("\n");
    }
    array
}

#[cfg(test)]
mod tests {
    use super::super::compare::tests::figures;
    use super::*;

    const TEXT: &str = "\
# What kites may weigh.

# Only cloth.
[kite.bare]
crates = 2 # and no more
time = 1.0
packages = [
    \"air\", \"kite\",
]

[kite.wind]
crates = 3
time = 1.5
adds = [\"rain\"]
";

    fn update(text: &str, figures: &[Figures]) -> (String, Vec<String>) {
        let mut budget = Budget::parse(text).unwrap();
        let changes = budget.update(figures, &Scope::default());
        let text = budget.to_string();
        // What is kept in memory is what is written.
        assert_eq!(Budget::parse(&text).unwrap().limits, budget.limits);
        (text, changes)
    }

    fn bare() -> Figures {
        Figures {
            time: Some(0.9),
            ..figures("kite", "bare", &["air", "kite"])
        }
    }

    fn wind() -> Figures {
        Figures {
            time: Some(1.4),
            ..figures("kite", "wind", &["air", "kite", "rain"])
        }
    }

    #[test]
    fn an_update_to_what_is_within_the_budget_changes_nothing() {
        assert_eq!(update(TEXT, &[bare(), wind()]), (TEXT.to_owned(), vec![]));
    }

    #[test]
    fn an_update_changes_what_is_over_says_so_and_keeps_all_else() {
        let heavier = Figures {
            time: Some(2.0),
            ..figures("kite", "wind", &["air", "hail", "kite", "rain"])
        };
        let (text, changes) = update(TEXT, &[bare(), heavier]);
        let expected = TEXT
            .replace("crates = 3", "crates = 4")
            .replace("time = 1.5", "time = 2.2")
            .replace("adds = [\"rain\"]", "adds = [\n    \"hail\", \"rain\",\n]");
        assert_eq!(text, expected);
        assert_eq!(
            changes,
            [
                "kite with `wind`: crates raised from 3 to 4; new: hail 1.0.0",
                "kite with `wind`: time raised from 1.5 to 2.2"
            ]
        );
    }

    #[test]
    fn an_update_takes_back_what_is_not_needed_and_keeps_the_comments() {
        let lighter = Figures {
            time: Some(0.5),
            ..figures("kite", "bare", &["kite"])
        };
        let (text, changes) = update(TEXT, &[lighter, wind()]);
        assert!(text.contains("# Only cloth.\n[kite.bare]\ncrates = 1 # and no more\ntime = 0.55"));
        // What is not in the bare crate any more is added by the feature.
        assert!(text.contains("\"air\", \"rain\",\n"), "{text}");
        assert_eq!(
            changes,
            [
                "kite bare: crates lowered from 2 to 1",
                "kite bare: time lowered from 1 to 0.55",
                "kite with `wind`: other crates, as many as before"
            ]
        );
    }

    #[test]
    fn an_update_adds_what_is_new_and_removes_what_is_gone() {
        let sail = figures("boat", "bare", &["boat"]);
        let rain = figures("kite", "rain", &["air", "kite"]);
        let (text, changes) = update(TEXT, &[bare(), rain, sail]);
        assert!(!text.contains("[kite.wind]"), "{text}");
        assert!(
            text.ends_with(
                "\n[kite.rain]\ncrates = 2\nadds = []\n\n[boat.bare]\ncrates = 1\npackages = [\n    \
                 \"boat\",\n]\n"
            ),
            "{text}"
        );
        assert_eq!(
            changes,
            [
                "[kite.wind]: removed, it does not exist",
                "kite with `rain`: new, crates 2",
                "boat bare: new, crates 1"
            ]
        );
    }

    #[test]
    fn an_update_of_one_package_leaves_the_others() {
        let mut budget = Budget::parse(TEXT).unwrap();
        let scope = Scope(vec!["boat".to_owned()]);
        let changes = budget.update(&[figures("boat", "bare", &["boat"])], &scope);
        assert_eq!(changes, ["boat bare: new, crates 1"]);
        assert!(budget.to_string().starts_with(TEXT), "{budget}");
    }

    #[test]
    fn counts_alone_leave_the_times() {
        let without = |figures| Figures {
            time: None,
            ..figures
        };
        let (text, changes) = update(TEXT, &[without(bare()), without(wind())]);
        assert_eq!((text.as_str(), changes), (TEXT, vec![]));
    }

    #[test]
    fn names_are_wrapped_and_read_again() {
        let names: Vec<String> = (0..60).map(|number| format!("crate-{number}")).collect();
        let array = wrapped(&names);
        let text = array.to_string();
        assert!(text.lines().all(|line| line.len() <= WIDTH), "{text}");
        assert!(text.lines().count() < 12, "{text}");
        let read: Value = text.parse().unwrap();
        let read = read.as_array().unwrap().iter();
        assert!(read.filter_map(Value::as_str).eq(&names));
    }

    #[test]
    fn what_is_in_one_version_more_is_in_the_difference() {
        assert_eq!(
            difference(&["a", "b", "b", "c"], &["b", "c", "d"]),
            ["a", "b"]
        );
    }

    #[test]
    fn a_mistake_in_the_file_is_named_with_its_entry() {
        let refused = |from, to| Budget::parse(&TEXT.replace(from, to)).unwrap_err();
        let refusal = refused("crates = 3", "crate = 3");
        assert_eq!(refusal, "[kite.wind]: there is no `crate` in an entry");
        for (from, to, word) in [
            ("crates = 3", "crates = -3", "`crates` is not a count"),
            ("time = 1.5", "time = 0", "`time` is not a positive number"),
            ("[\"rain\"]", "[3]", "`adds` is not a list of names"),
            ("adds", "packages", "there is no `packages`"),
        ] {
            let refusal = refused(from, to);
            assert!(refusal.contains("[kite.wind]"), "{refusal}");
            assert!(refusal.contains(word), "{refusal}");
        }
        assert!(refused("# What", "kite").contains("TOML parse error"));
    }
}
