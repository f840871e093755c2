//! Judging: paths become imports between siblings, which are searched for cycles and put in order.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::path::PathBuf;

use crate::collect::MentionKind;
use crate::resolve::Used;
use crate::source::Tree;

/// The imports between the children of one module, each with the lines that make it.
pub(crate) struct Siblings {
    /// The path of their parent; empty for the root.
    pub(crate) parent: String,
    pub(crate) modules: BTreeSet<String>,
    imports: BTreeMap<Import, Vec<Line>>,
}

/// One module of the crate, by its path, uses another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Import {
    pub(crate) from: String,
    pub(crate) to: String,
}

/// A line that makes an import.
struct Line {
    file: PathBuf,
    number: usize,
    is_use: bool,
    path: String,
    /// The path of the module that is used.
    used: String,
}

/// Returns the siblings of a crate, the children of its root first.
///
/// An import between modules deep in the tree counts for those of their ancestors that are siblings. A path
/// from a child to its parent or from a parent to its child is no import between siblings.
pub(crate) fn siblings(tree: &Tree) -> Vec<Siblings> {
    let mut groups: Vec<Siblings> = tree
        .modules
        .iter()
        .map(|module| Siblings {
            parent: module.path.clone(),
            modules: module
                .children
                .values()
                .filter(|&&child| tree.has_file(child))
                .map(|&child| tree.modules[child].path.clone())
                .collect(),
            imports: BTreeMap::new(),
        })
        .collect();
    for (from, module) in tree.modules.iter().enumerate() {
        for mention in &module.mentions {
            let mut used = Used::default();
            used.resolve(tree, from, mention);
            let used = used.modules.iter().map(|&to| tree.of_file(to));
            // Of several modules in one branch the deepest is the one that is meant.
            let imports: BTreeMap<_, _> = used
                .filter_map(|to| Some((branches(tree, tree.of_file(from), to)?, to)))
                .collect();
            for ((parent, near, far), to) in imports {
                let import = import(&tree.modules[near].path, &tree.modules[far].path);
                let lines = groups[parent].imports.entry(import).or_default();
                lines.push(Line {
                    file: module.file.clone(),
                    number: mention.line,
                    is_use: mention.kind == MentionKind::Use,
                    path: mention.segments.join("::"),
                    used: tree.modules[to].path.clone(),
                });
            }
        }
    }
    groups.retain(|group| group.modules.len() > 1);
    groups
}

/// Returns the last module that two modules are both in, and its children on the way to each.
/// `None` if one of the two is in the other.
fn branches(tree: &Tree, from: usize, to: usize) -> Option<(usize, usize, usize)> {
    let way = |module: usize| {
        let mut way = vec![module];
        while let Some(parent) = tree.modules[way[way.len() - 1]].parent {
            way.push(parent);
        }
        way.reverse();
        way
    };
    let (from, to) = (way(from), way(to));
    let shared = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    Some((from[shared - 1], *from.get(shared)?, *to.get(shared)?))
}

/// Modules that import one another in a circle.
#[derive(Debug)]
pub(crate) struct Cycle {
    /// A shortest circle: each module imports the next, and the last one the first.
    pub(crate) modules: Vec<String>,
    /// The lines that make it.
    lines: Vec<String>,
    /// The modules that other circles tie to these.
    tied: Vec<String>,
}

impl Siblings {
    /// Returns the cycles: one for each knot of modules that reach one another.
    pub(crate) fn cycles(&self) -> Vec<Cycle> {
        let mut done: BTreeSet<&str> = BTreeSet::new();
        let mut cycles = Vec::new();
        for start in &self.modules {
            let knot = self.knot(start);
            if done.contains(start.as_str()) || knot.is_empty() {
                continue;
            }
            done.extend(&knot);
            let circles = knot.iter().filter_map(|module| self.circle(module));
            let Some(modules) = circles.min_by_key(Vec::len) else {
                continue;
            };
            let next = modules.iter().cycle().skip(1);
            let imports = modules.iter().zip(next).map(|(from, to)| import(from, to));
            let lines = imports.flat_map(|import| shown(&self.imports[&import]));
            let tied = knot.into_iter().filter(|module| !modules.contains(module));
            cycles.push(Cycle {
                lines: lines.collect(),
                tied: tied.map(str::to_owned).collect(),
                modules: modules.into_iter().map(str::to_owned).collect(),
            });
        }
        cycles
    }

    /// The modules that can be reached from this one and can reach it, itself included if any.
    fn knot(&self, start: &str) -> BTreeSet<&str> {
        let reached: BTreeSet<&str> = self.ways(start).into_keys().collect();
        reached
            .into_iter()
            .filter(|module| self.ways(module).contains_key(start))
            .collect()
    }

    /// The shortest circle through a module.
    fn circle(&self, start: &str) -> Option<Vec<&str>> {
        let ways = self.ways(start);
        let mut circle = Vec::new();
        let mut at = *ways.get(start)?;
        loop {
            circle.push(at);
            if at == start {
                break;
            }
            at = ways[at];
        }
        circle.reverse();
        Some(circle)
    }

    /// The modules that can be reached from this one, each with the one before it on a shortest way.
    fn ways<'a>(&'a self, start: &str) -> BTreeMap<&'a str, &'a str> {
        let mut ways = BTreeMap::new();
        let mut waiting = VecDeque::from([start]);
        while let Some(at) = waiting.pop_front() {
            for import in self.imports.keys() {
                if import.from == at && !ways.contains_key(&*import.to) {
                    ways.insert(import.to.as_str(), import.from.as_str());
                    waiting.push_back(&import.to);
                }
            }
        }
        ways
    }

    /// Returns the modules in an order in which each comes after those that it imports: the given order
    /// where that is one.
    pub(crate) fn order(&self, given: &[String]) -> Vec<String> {
        let place = |module: &str| given.iter().position(|given| given == module);
        let mut left: Vec<&str> = self.modules.iter().map(String::as_str).collect();
        left.sort_by_key(|module| place(module).unwrap_or(usize::MAX));
        let mut order = Vec::new();
        while !left.is_empty() {
            let is_ready = |module: &&str| {
                let mut imports = self.imports.keys().filter(|import| import.from == *module);
                !imports.any(|import| left.contains(&&*import.to))
            };
            let ready = left.iter().position(is_ready).unwrap_or(0);
            order.push(left.remove(ready).to_owned());
        }
        order
    }
}

/// Shows each line that makes an import, without those that use what an earlier `use` brought in.
fn shown(lines: &[Line]) -> impl Iterator<Item = String> {
    let has_use = |file: &PathBuf| lines.iter().any(|line| line.is_use && line.file == *file);
    let shown = lines
        .iter()
        .filter(move |line| line.is_use || !has_use(&line.file));
    shown.map(ToString::to_string)
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            file,
            number,
            path,
            used,
            ..
        } = self;
        write!(f, "{}:{number}: {path}", file.display())?;
        if !format!("{path}::").contains(&format!("{used}::")) {
            write!(f, " (of {used})")?;
        }
        Ok(())
    }
}

fn import(from: &str, to: &str) -> Import {
    Import {
        from: from.to_owned(),
        to: to.to_owned(),
    }
}

impl fmt::Display for Cycle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = self.modules.first().map_or("", String::as_str);
        writeln!(f, "{} → {first}", self.modules.join(" → "))?;
        for line in &self.lines {
            writeln!(f, "    {line}")?;
        }
        if !self.tied.is_empty() {
            writeln!(f, "    other cycles tie to these: {}", self.tied.join(", "))?;
        }
        Ok(())
    }
}
