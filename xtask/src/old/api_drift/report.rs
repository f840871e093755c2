//! The differences as text.

use std::fmt::Write as _;

use super::allowed::Sorted;
use super::finding::Thing;

/// The report: what is unexplained, grouped by what it is about, and the count of it.
pub(super) fn render(sorted: &Sorted, list: &str) -> String {
    let mut report = String::new();
    for thing in Thing::ALL {
        let group = sorted.unexplained.iter();
        let group: Vec<_> = group.filter(|finding| finding.key.thing == thing).collect();
        if group.is_empty() {
            continue;
        }
        let _ = writeln!(report, "{} ({})", thing.heading(), group.len());
        for finding in group {
            let _ = writeln!(report, "  {finding}");
        }
        report.push('\n');
    }
    if !sorted.stale.is_empty() {
        let _ = writeln!(report, "explained in vain ({})", sorted.stale.len());
        for entry in &sorted.stale {
            let _ = writeln!(
                report,
                "  {}: {list}:{} matches nothing",
                entry.key, entry.line
            );
        }
        report.push('\n');
    }
    let count = match sorted.unexplained.len() + sorted.stale.len() {
        0 => "nothing unexplained".to_owned(),
        count => format!("{count} unexplained"),
    };
    let _ = writeln!(report, "api-drift: {count}, {} meant", sorted.meant);
    report
}

#[cfg(test)]
mod tests {
    use super::super::allowed::Allowed;
    use super::super::finding::{Finding, Key, Kind};
    use super::*;

    fn finding(thing: Thing, subject: &str, kind: Kind, detail: &str) -> Finding {
        Finding {
            key: Key {
                thing,
                subject: subject.to_owned(),
                kind,
            },
            detail: detail.to_owned(),
        }
    }

    #[test]
    fn the_report_is_grouped_sorted_and_counted() {
        let list = "# Meant.\nmember Kite.b type = \"why\"\nmember Kite.c type = \"why\"\n";
        let findings = [
            finding(Thing::Member, "Kite.b", Kind::Type, "meant"),
            finding(
                Thing::Member,
                "Kite.a",
                Kind::Type,
                "string there, integer here",
            ),
            finding(
                Thing::Member,
                "Kite.a",
                Kind::Required,
                "optional there, required here",
            ),
            finding(
                Thing::Operation,
                "GetKite",
                Kind::Missing,
                "GET /kites/{kiteName}",
            ),
        ];
        let sorted = Allowed::parse(list).unwrap().sort(findings.into());
        assert_eq!(
            render(&sorted, "list.txt"),
            "\
operations (1)
  operation GetKite missing: GET /kites/{kiteName}

members (2)
  member Kite.a required: optional there, required here
  member Kite.a type: string there, integer here

explained in vain (1)
  member Kite.c type: list.txt:3 matches nothing

api-drift: 4 unexplained, 1 meant
"
        );
    }

    #[test]
    fn nothing_unexplained_is_one_line() {
        let sorted = Allowed::default().sort([].into());
        assert_eq!(
            render(&sorted, "list.txt"),
            "api-drift: nothing unexplained, 0 meant\n"
        );
    }
}
