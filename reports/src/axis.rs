//! Marks on a line of time: round offsets, not too many.

use std::time::Duration;

use counterpoint_dns::time::human;

use crate::at::At;

/// Round steps, in seconds.
const STEPS: [u64; 20] = [
    1, 5, 15, 30, 60, 300, 600, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400, 172_800,
    432_000, 864_000, 1_728_000, 2_592_000, 8_640_000,
];

/// At most `most` marks from the start to `end`, each with what stands at it.
pub fn marks(end: At, most: u64) -> Vec<(At, String)> {
    let length = (end - At::START).as_secs();
    let fits = |step: &&u64| length / **step < most;
    let step = STEPS
        .iter()
        .find(fits)
        .copied()
        .unwrap_or(STEPS[STEPS.len() - 1]);
    let mark = |number: u64| {
        let span = Duration::from_secs(number * step);
        let name = if number == 0 {
            "T".into()
        } else {
            format!("+{}", human(span))
        };
        (At::START + span, name)
    };
    (0..=(length / step).min(most)).map(mark).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_round_and_few() {
        let names = |seconds, most| -> Vec<String> {
            marks(At::seconds(seconds), most)
                .into_iter()
                .map(|(_, name)| name)
                .collect()
        };
        assert_eq!(names(36_900, 6), ["T", "+2h", "+4h", "+6h", "+8h", "+10h"]);
        assert_eq!(names(0, 6), ["T"]);
        assert!(names(i64::from(u32::MAX), 10).len() <= 11);
    }
}
