//! `.dockerignore` patterns, compared with the matcher of Docker.

use blaxel_management::image_builder::IgnoreRules;

#[test]
fn patterns_match_as_in_docker() {
    let cases = include_str!("ignore_cases.txt").lines();
    let mut wrong = Vec::new();
    let mut count = 0;
    for case in cases.filter(|line| !line.starts_with('#')) {
        let mut parts = case.split('\t');
        let (outcome, path, patterns) = (
            parts.next().unwrap(),
            parts.next().unwrap(),
            parts.next().unwrap(),
        );
        let rules = IgnoreRules::parse(&patterns.replace(' ', "\n")).unwrap();
        if rules.ignores(path) != (outcome == "skip") {
            wrong.push(case);
        }
        count += 1;
    }
    assert!(count > 400 && wrong.is_empty(), "{}", wrong.join("\n"));
}
