//! The finder itself, on made-up crates.

use std::collections::BTreeMap;
use std::path::Path;

use crate::graph::{Siblings, siblings};
use crate::source::Tree;

/// Reads a crate from its files.
fn read<const N: usize>(files: [(&str, &str); N]) -> Vec<Siblings> {
    let files: BTreeMap<_, _> = files.into();
    let text = |file: &Path| {
        let text = files.get(file.to_str()?)?;
        Some((*text).to_owned())
    };
    siblings(&Tree::read(Path::new("src/lib.rs"), &text))
}

/// Shows the cycles of a crate, each with its lines.
fn cycles<const N: usize>(files: [(&str, &str); N]) -> String {
    let groups = read(files);
    let cycles = groups.iter().flat_map(Siblings::cycles);
    cycles.map(|cycle| cycle.to_string()).collect()
}

/// Shows the cycles of a crate of two modules, `a` with this text, and `b`, which imports `A` of it.
fn with_b_on_a(root: &str, a: &str) -> String {
    cycles([
        ("src/lib.rs", &format!("mod a; mod b;\n{root}")),
        ("src/a.rs", a),
        ("src/b.rs", "use crate::a::A;\npub struct B;"),
    ])
}

#[test]
fn two_that_import_each_other_are_found_with_their_lines() {
    assert_eq!(
        with_b_on_a("", "pub struct A;\nuse crate::b::{\n    B,\n};"),
        "a → b → a\n    src/a.rs:3: crate::b::B\n    src/b.rs:1: crate::a::A\n"
    );
    assert_eq!(with_b_on_a("", "pub struct A;"), "");
}

#[test]
fn three_in_a_circle_are_found() {
    let found = cycles([
        ("src/lib.rs", "mod a; mod b; mod c; mod d;"),
        ("src/a.rs", "use super::b::B;"),
        ("src/b.rs", "use super::c::C;"),
        ("src/c.rs", "use super::a::A;"),
        ("src/d.rs", "use super::a::A;"),
    ]);
    assert!(found.starts_with("a → b → c → a\n"), "{found}");
    assert_eq!(found.lines().count(), 4, "{found}");
}

#[test]
fn of_several_circles_a_shortest_is_shown_and_the_rest_is_named() {
    let found = cycles([
        ("src/lib.rs", "mod a; mod b; mod c;"),
        ("src/a.rs", "use super::b::B;"),
        ("src/b.rs", "use super::c::C;"),
        ("src/c.rs", "use super::{a::A, b::B};"),
    ]);
    assert!(found.starts_with("b → c → b\n"), "{found}");
    assert!(found.ends_with("other cycles tie to these: a\n"), "{found}");
}

#[test]
fn a_path_counts_wherever_it_stands() {
    for a in [
        "fn f() { crate::b::g() }",
        "fn f(_: super::b::B) {}",
        "impl From<u8> for crate::b::B {}",
        "use crate::b; fn f() {}",
        "use super::b::*;",
        "fn f() { use crate::b as c; }",
        "fn f() { println!(\"{}\", crate::b::g()) }",
        "fn f() { vec![assert!(super::b::g())]; }",
        "macro_rules! m { () => { $crate::b::B }; }",
        "struct A { #[serde(with = \"crate::b\")] x: u8 }",
        "mod inner { fn f() { super::super::b::g() } }",
    ] {
        let found = with_b_on_a("", a);
        assert!(found.starts_with("a → b → a\n"), "{a}: {found}");
    }
}

#[test]
fn a_re_export_counts_for_the_file_that_it_is_of() {
    for (root, a) in [
        ("pub use self::b::B;", "use crate::B;"),
        ("pub use b::B as C;", "fn f(_: crate::C) {}"),
        ("pub use self::b::*;", "use super::B;"),
        (
            "pub mod kites { pub use crate::b::B; }",
            "use crate::kites::B;",
        ),
        ("use self::b::B;", "use super::*; fn f(_: B) {}"),
    ] {
        let found = with_b_on_a(root, a);
        assert!(found.starts_with("a → b → a\n"), "{root}: {found}");
    }
    assert_eq!(
        with_b_on_a("pub use self::b::B;", "use crate::B;"),
        "a → b → a\n    src/a.rs:1: crate::B (of b)\n    src/b.rs:1: crate::a::A\n"
    );
}

#[test]
fn a_macro_counts_for_the_file_that_defines_it() {
    let files = |use_of_it| {
        cycles([
            ("src/lib.rs", "#[macro_use] mod a; mod b;"),
            ("src/a.rs", "macro_rules! m { () => { $crate::b::B }; }"),
            ("src/b.rs", use_of_it),
        ])
    };
    assert!(files("m!();").starts_with("a → b → a\n"));
    assert!(files("fn f() { vec![m!()]; }").starts_with("a → b → a\n"));
    assert_eq!(files("vec!();"), "");
}

#[test]
fn imports_deep_in_the_tree_count_for_the_siblings_above_and_for_no_others() {
    let found = cycles([
        ("src/lib.rs", "mod a; mod b;"),
        ("src/a.rs", "mod x; mod y;"),
        ("src/a/x.rs", "use crate::b::z::Z;"),
        ("src/a/y.rs", "use super::x::X;"),
        ("src/b/mod.rs", "pub mod z;"),
        ("src/b/z.rs", "use crate::a::y::Y;"),
    ]);
    assert_eq!(
        found,
        "a → b → a\n    src/a/x.rs:1: crate::b::z::Z\n    src/b/z.rs:1: crate::a::y::Y\n"
    );
}

#[test]
fn a_child_may_use_its_parent_and_a_parent_its_child() {
    let found = cycles([
        (
            "src/lib.rs",
            "mod a; mod b; pub struct Root; use self::a::A;",
        ),
        (
            "src/a.rs",
            "mod x; use self::x::X; pub struct A; use crate::Root;",
        ),
        (
            "src/a/x.rs",
            "use super::A; use crate::Root; pub(in crate::a) struct X;",
        ),
        ("src/b.rs", "use crate::a::A;"),
    ]);
    assert_eq!(found, "");
}

#[test]
fn a_block_in_a_file_is_no_module_of_its_own() {
    let found = cycles([
        (
            "src/lib.rs",
            "mod a; pub mod hidden { pub use crate::a::A; }",
        ),
        (
            "src/a.rs",
            "pub struct A; macro_rules! m { () => { $crate::hidden::A }; }",
        ),
    ]);
    assert_eq!(found, "");
}

#[test]
fn what_only_tests_import_is_left_out() {
    for a in [
        "#[cfg(test)] mod tests { use crate::b::B; }",
        "#[cfg(all(test, feature = \"x\"))] use crate::b::B;",
        "impl A { #[cfg(test)] fn f() { crate::b::g() } }",
        "/// See [`crate::b::B`].\npub struct A;",
    ] {
        assert_eq!(with_b_on_a("", a), "", "{a}");
    }
    let found = with_b_on_a("", "#[cfg(any(test, feature = \"x\"))] use crate::b::B;");
    assert!(found.starts_with("a → b → a\n"), "{found}");
}

#[test]
fn what_is_of_other_crates_or_of_a_function_is_left_out() {
    for a in [
        "use b_of_another::b::B;",
        "use ::b::B;",
        "fn f() { let b = 1; g(b); let _ = json!({\"b\": b}); }",
        "fn f() { x.b::<u8>(); }",
        "use anyhow::{Result, anyhow}; fn f() -> Result { anyhow::b(anyhow!(1)) }",
    ] {
        assert_eq!(with_b_on_a("", a), "", "{a}");
    }
}

#[test]
fn an_order_keeps_what_is_right_of_the_given_one() {
    let groups = read([
        ("src/lib.rs", "mod a; mod b; mod c;"),
        ("src/a.rs", "use super::b::B;"),
        ("src/b.rs", ""),
        ("src/c.rs", ""),
    ]);
    let order = |given: &[&str]| {
        let given: Vec<_> = given.iter().map(ToString::to_string).collect();
        groups[0].order(&given).join(" ")
    };
    assert_eq!(order(&["c", "b", "a"]), "c b a");
    assert_eq!(order(&["a", "c", "b"]), "c b a");
    assert_eq!(order(&[]), "b a c");
}
