//! How the benchmarks tell what they found: one line for each figure, for people and for
//! `cargo xtask bench` alike.

/// Prints a figure: who, what, how much, and the least of the rounds where there were rounds.
pub fn figure(who: &str, measure: &str, value: f64, least: Option<f64>) {
    let least = least.map_or(String::new(), |least| format!("\t{least:.1}"));
    println!("{who}\t{measure}\t{value:.1}{least}");
}
