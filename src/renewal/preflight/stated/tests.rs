//! What is told of the numbers that a token states.

use super::*;

fn told(free: [Option<u64>; 2]) -> Option<Notice> {
    match memory(free) {
        PointResult::Ok => None,
        PointResult::Warning(warning) => Some(warning.notice),
        PointResult::Blocker(error) => panic!("{error}"),
    }
}

/// A pair and a certificate go into both kinds of memory: the lesser counts, where it is known.
#[test]
fn little_memory_is_told() {
    const ENOUGH: u64 = 8192;
    assert_eq!(told([None, None]), Some(Notice::MemoryUnknown));
    for free in
        [[Some(ENOUGH), None], [None, Some(ENOUGH)], [Some(ENOUGH), Some(ENOUGH)], [Some(1 << 40), None]]
    {
        assert_eq!(told(free), None, "{free:?}");
    }
    let little = Some(ENOUGH - 1);
    for free in
        [[little, None], [None, little], [little, Some(1 << 20)], [Some(1 << 20), little], [Some(0), None]]
    {
        assert_eq!(told(free), Some(Notice::MemoryLow), "{free:?}");
    }
}

#[test]
fn lengths_that_no_pin_of_a_bank_has_are_told() {
    for usual in [(0, 0), (0, 8), (4, 4), (4, 8), (8, 8), (8, 255), (1, 4), (4, 255), (6, 6)] {
        assert!(!is_odd(usual), "{usual:?}");
    }
    for odd in [(5, 4), (4, 0), (9, 9), (9, 255), (1, 3), (0, 1), (3, 3)] {
        assert!(is_odd(odd), "{odd:?}");
    }
}
