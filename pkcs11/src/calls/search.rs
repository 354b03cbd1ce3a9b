//! How long a search is followed.

use super::functions::{ObjectHandle, another_answer};
use crate::failure::{Failure, Outcome};
use crate::types::*;
use crate::wire::message::Answer;
use std::time::Duration;

const FUNCTION: &str = "C_FindObjects";

/// Where a search is given up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Handles asked for in one call.
    pub at_once: usize,
    /// A token that claims more objects than this is not believed.
    pub objects: usize,
    /// Nor one that goes on handing them out for longer than this.
    pub time: Duration,
}

impl Bounds {
    pub(super) const USUAL: Bounds = Bounds { at_once: 512, objects: 65_536, time: Duration::from_secs(120) };

    /// Calls for handles until none comes. `elapsed` is the time since the search began.
    pub(super) fn search(
        self,
        mut call: impl FnMut() -> Outcome<Answer<'static>>,
        elapsed: impl Fn() -> Duration,
    ) -> Outcome<Vec<ObjectHandle>> {
        let misbehaved = |how: String| Err(Failure::Misbehaved { function: FUNCTION, rv: CKR_OK, how });
        let (mut found, mut was_short) = (Vec::new(), false);
        loop {
            let (count, handles) = match call() {
                Ok(Answer::List { count, entries }) => (count, entries),
                Ok(_) => return Err(another_answer(FUNCTION)),
                // Some end the search themselves with the last of the objects: where they have handed out fewer than was asked for.
                Err(Failure::Returned { rv: CKR_OPERATION_NOT_INITIALIZED, .. }) if was_short => {
                    return Ok(found);
                }
                Err(failure) => return Err(failure),
            };
            // At the end some say that they do not know, in a number of 32 or of 64 bits.
            if is_unavailable(count) {
                return Ok(found);
            }
            if !usize::try_from(count).is_ok_and(|count| count <= self.at_once) {
                return misbehaved(format!("pulObjectCount {count} > {}", self.at_once));
            }
            if handles.is_empty() {
                return Ok(found);
            }
            was_short = handles.len() < self.at_once;
            found.extend(handles.into_iter().map(ObjectHandle));
            if found.len() > self.objects {
                return misbehaved(format!("pulObjectCount, Σ > {}", self.objects));
            }
            if elapsed() > self.time {
                return misbehaved(format!("pulObjectCount > 0, t > {} s", self.time.as_secs()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    const BOUNDS: Bounds = Bounds { at_once: 4, objects: 10, time: Duration::from_secs(3) };

    fn list(entries: &[CK_ULONG]) -> Outcome<Answer<'static>> {
        Ok(Answer::List { count: entries.len() as CK_ULONG, entries: entries.to_vec() })
    }

    fn over() -> Outcome<Answer<'static>> {
        Err(Failure::Returned { function: FUNCTION, rv: CKR_OPERATION_NOT_INITIALIZED })
    }

    /// Each call takes a second; and how many there were.
    fn search(answer: impl Fn(u64) -> Outcome<Answer<'static>>) -> (Outcome<Vec<ObjectHandle>>, u64) {
        let calls = Cell::new(0);
        let call = || {
            calls.set(calls.get() + 1);
            answer(calls.get())
        };
        let found = BOUNDS.search(call, || Duration::from_secs(calls.get()));
        (found, calls.get())
    }

    fn how(found: Outcome<Vec<ObjectHandle>>) -> String {
        match found {
            Err(Failure::Misbehaved { function: FUNCTION, how, .. }) => how,
            other => panic!("{other:?}"),
        }
    }

    /// One at a time, and the bound on the number is far.
    #[test]
    fn a_search_that_never_ends_ends_by_the_clock() {
        let (found, calls) = search(|_| list(&[7]));
        assert_eq!((how(found).as_str(), calls), ("pulObjectCount > 0, t > 3 s", 4));
        assert_eq!(Bounds::USUAL.time, Duration::from_secs(120));
    }

    #[test]
    fn a_search_that_never_ends_ends_by_the_number() {
        let (found, calls) = search(|_| list(&[1, 2, 3, 4]));
        assert_eq!((how(found).as_str(), calls), ("pulObjectCount, Σ > 10", 3));
    }

    #[test]
    fn a_search_within_its_bounds_is_whole() {
        let by_number =
            search(|call| list([&[1, 2, 3, 4][..], &[5, 6, 7, 8], &[9, 10], &[]][call as usize - 1]));
        assert_eq!((by_number.0.unwrap().len(), by_number.1), (10, 4));
        let by_time = search(|call| list(&[call as CK_ULONG][..usize::from(call <= 3)]));
        assert_eq!((by_time.0.unwrap().len(), by_time.1), (3, 4));
    }

    /// Drivers end a search in other ways, and hand out more than was asked for.
    #[test]
    fn a_search_ends_in_other_ways_too() {
        let (found, _) = search(|call| if call == 1 { list(&[1, 2]) } else { over() });
        assert_eq!(found.unwrap().len(), 2);
        let (found, _) = search(|call| if call == 1 { list(&[1, 2, 3, 4]) } else { over() });
        assert!(found.is_err(), "more may be there");
        assert!(search(|_| over()).0.is_err());
        let untold = || Ok(Answer::List { count: CK_UNAVAILABLE_INFORMATION, entries: Vec::new() });
        let (found, _) = search(|call| if call == 1 { list(&[1]) } else { untold() });
        assert_eq!(found.unwrap().len(), 1);
        assert_eq!(how(search(|_| list(&[1, 2, 3, 4, 5])).0), "pulObjectCount 5 > 4");
    }
}
