//! One call, and its number.

pub(crate) mod redact;
pub(crate) mod view;

use self::view::{Arg, Before};
use crate::functions::Function;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// A call as every station on its way sees it.
pub(crate) struct Call<'a> {
    pub(crate) function: Function,
    pub(crate) args: &'a [Arg],
    /// What the arguments pointed to before the driver wrote there.
    pub(crate) before: &'a Before,
    pub(crate) ordinal: Ordinal,
}

/// The number of a call. Zero: not counted, because it came before C_Initialize or only asks for the functions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ordinal {
    /// Among all calls of the process, from 1.
    pub(crate) call: u64,
    /// Among the calls of the same function, from 1.
    pub(crate) of_function: u64,
}

/// Counts calls from the first C_Initialize on, through any later one.
pub(crate) struct Counter {
    running: AtomicBool,
    calls: AtomicU64,
    of_function: [AtomicU64; Function::ALL.len()],
}

impl Counter {
    pub(crate) const fn new() -> Self {
        Self {
            running: AtomicBool::new(false),
            calls: AtomicU64::new(0),
            of_function: [const { AtomicU64::new(0) }; Function::ALL.len()],
        }
    }

    pub(crate) fn next(&self, function: Function) -> Ordinal {
        if function.is_entry_point_query() {
            return Ordinal::default();
        }
        if function == Function::C_Initialize {
            self.running.store(true, Ordering::Relaxed);
        } else if !self.running.load(Ordering::Relaxed) {
            return Ordinal::default();
        }
        Ordinal {
            call: self.calls.fetch_add(1, Ordering::Relaxed) + 1,
            of_function: self.of_function[function as usize].fetch_add(1, Ordering::Relaxed) + 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_from_the_first_initialize_on_and_never_the_queries() {
        let counter = Counter::new();
        assert_eq!(counter.next(Function::C_GetFunctionList), Ordinal::default());
        assert_eq!(counter.next(Function::C_GetInfo), Ordinal::default());
        assert_eq!(counter.next(Function::C_Initialize), Ordinal { call: 1, of_function: 1 });
        assert_eq!(counter.next(Function::C_GetInterface), Ordinal::default());
        assert_eq!(counter.next(Function::C_GetInfo), Ordinal { call: 2, of_function: 1 });
        assert_eq!(counter.next(Function::C_Finalize), Ordinal { call: 3, of_function: 1 });
        assert_eq!(counter.next(Function::C_Initialize), Ordinal { call: 4, of_function: 2 });
    }
}
