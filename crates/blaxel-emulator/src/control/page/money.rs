//! Amounts for people.

/// Returns an amount in micro-dollars as text: `$1,234.50`.
pub(super) fn dollars(amount: u64) -> String {
    let cents = (amount + 5_000) / 10_000;
    let digits = (cents / 100).to_string();
    let mut whole = String::new();
    for (number, digit) in digits.chars().enumerate() {
        if number > 0 && (digits.len() - number).is_multiple_of(3) {
            whole.push(',');
        }
        whole.push(digit);
    }
    format!("${whole}.{:02}", cents % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_rounded_to_cents_and_grouped() {
        for (amount, text) in [
            (0, "$0.00"),
            (4_999, "$0.00"),
            (5_000, "$0.01"),
            (999_995_000, "$1,000.00"),
            (1_234_567_890_000, "$1,234,567.89"),
        ] {
            assert_eq!(dollars(amount), text);
        }
    }
}
