//! One call on its way through: counted, delayed, forwarded (or made to fail), recorded.

use crate::functions::{Function, FunctionList};
use crate::view::{Arg, Before};
use crate::{Shim, shim};
use pkcs11_sys::{CK_RV, CKR_FUNCTION_NOT_SUPPORTED, CKR_GENERAL_ERROR};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

/// A call as every station on its way sees it.
pub(crate) struct Call<'a> {
    pub(crate) function: Function,
    pub(crate) args: &'a [Arg],
    /// What the arguments pointed to before the driver wrote there.
    pub(crate) before: Before,
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

    fn next(&self, function: Function) -> Ordinal {
        if function.is_introduction() {
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

/// The way of every entry point.
pub(crate) fn run(
    function: Function,
    list: usize,
    args: &[Arg],
    forward: &dyn Fn(&FunctionList) -> CK_RV,
) -> CK_RV {
    guarded(|| match shim() {
        Ok(shim) => pass(shim, function, list, args, forward),
        Err(rv) => rv,
    })
}

/// Nothing unwinds into the application.
fn guarded(way: impl FnOnce() -> CK_RV) -> CK_RV {
    catch_unwind(AssertUnwindSafe(way)).unwrap_or(CKR_GENERAL_ERROR)
}

/// No lock is held while the driver works: threads meet in the driver as they would without us.
fn pass(
    shim: &Shim,
    function: Function,
    list: usize,
    args: &[Arg],
    forward: &dyn Fn(&FunctionList) -> CK_RV,
) -> CK_RV {
    let Some(functions) = shim.driver.list(list) else {
        return CKR_FUNCTION_NOT_SUPPORTED;
    };
    let ordinal = shim.counter.next(function);
    // Where nothing is recorded or made to fail, nothing of the application's is read either.
    let before = if shim.looks() { Before::look(args) } else { Before::default() };
    let call = Call { function, args, before, ordinal };
    let started = Instant::now();
    shim.delays.wait(&call);
    let (rv, fault) = shim.faults.pass(&call, functions, &|| forward(functions));
    if let Some(recorder) = &shim.recorder {
        recorder.write(&call, rv, started.elapsed(), fault.as_deref());
    }
    rv
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_a_general_error() {
        assert_eq!(guarded(|| panic!("seen by nobody")), CKR_GENERAL_ERROR);
        assert_eq!(guarded(|| 7), 7);
    }

    #[test]
    fn counts_from_the_first_initialize_on_and_never_the_introductions() {
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
