//! Prints the figures of benchmarks, one on a line, for people and for `cargo xtask bench`.

/// Prints a figure: the candidate, the measure, its value, and the minimum over the rounds if there
/// are several.
pub fn figure(who: &str, measure: &str, value: f64, least: Option<f64>) {
    let least = least.map_or(String::new(), |least| format!("\t{least:.1}"));
    println!("{who}\t{measure}\t{value:.1}{least}");
}
