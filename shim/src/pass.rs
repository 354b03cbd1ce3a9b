//! The way of a call: counted, delayed, forwarded (or made to fail), recorded.
//!
//! It is cut in two, what comes before the driver and what comes after. Between them a call carries plain values on its
//! stack and nothing else, no lock, no memory, no guard: a thread that never returns from the driver leaves nothing.

use crate::call::view::{Arg, Before};
use crate::call::{Call, Ordinal};
use crate::driver::Entries;
use crate::fault;
use crate::functions::{Function, FunctionList};
use crate::host::memory::look_from_here;
use crate::host::{own_work, stderr};
use crate::process::{Shim, shim, shim_if_started};
use std::cell::Cell;
use std::time::Instant;
use usbtoken_pkcs11::types::{CK_RV, CKR_FUNCTION_NOT_SUPPORTED, CKR_GENERAL_ERROR};

/// How a call goes on.
#[expect(clippy::large_enum_variant, reason = "it lives on the stack alone, so that nothing is to be freed")]
pub(crate) enum Way {
    /// It does not: this is the answer.
    Answered(CK_RV),
    /// Through this list of the driver's, and no one wants to know.
    Straight(&'static FunctionList),
    /// Through the list that it carries, and then to [`after`].
    Watched(Passing),
}

/// What a watched call carries past the driver.
pub(crate) struct Passing {
    shim: &'static Shim,
    functions: &'static FunctionList,
    function: Function,
    ordinal: Ordinal,
    started: Instant,
    before: Before,
    fault: fault::Passing,
}

impl Passing {
    pub(crate) fn functions(&self) -> &'static FunctionList {
        self.functions
    }

    fn call<'a>(&'a self, args: &'a [Arg]) -> Call<'a> {
        Call { function: self.function, args, before: &self.before, ordinal: self.ordinal }
    }
}

thread_local! {
    /// Where on its stack this thread came to the driver's C_Initialize; 0 when it is not there.
    static INITIALIZING: Cell<usize> = const { Cell::new(0) };
}

/// What comes before the driver.
///
/// Outside of [`own_work`] a thread may be cancelled at any instruction, so what stands there calls no closures: in an
/// unoptimised build those are functions of a kind that cannot be unwound from everywhere.
pub(crate) fn before(entries: &'static Entries, function: Function, list: usize, args: &[Arg]) -> Way {
    let started = match shim_if_started() {
        Some(shim) => Ok(shim),
        None => own_work(Err(CKR_GENERAL_ERROR), || shim(entries)),
    };
    let shim = match started {
        Ok(shim) => shim,
        // These have an answer for an application that does not examine return values.
        Err(_) if function.is_entry_point_query() => return Way::Straight(&FunctionList::EMPTY),
        Err(rv) => return Way::Answered(rv),
    };
    let Some(functions) = shim.driver.list(list) else {
        return Way::Answered(CKR_FUNCTION_NOT_SUPPORTED);
    };
    if !shim.watches() && function != Function::C_Initialize {
        return Way::Straight(functions);
    }
    own_work(Way::Answered(CKR_GENERAL_ERROR), || prepare(shim, functions, function, args))
}

fn prepare(shim: &'static Shim, functions: &'static FunctionList, function: Function, args: &[Arg]) -> Way {
    if function == Function::C_Initialize && !begin_to_initialize() {
        stderr("the driver leads back to this module: its C_Initialize calls ours");
        return Way::Answered(CKR_GENERAL_ERROR);
    }
    look_from_here();
    let mut passing = Passing {
        shim,
        functions,
        function,
        ordinal: shim.counter.next(function),
        started: Instant::now(),
        // Where nothing is recorded or made to fail, nothing of the application's is read either.
        before: if shim.reads_arguments() { Before::read(args) } else { Before::NOTHING },
        fault: fault::Passing::NONE,
    };
    shim.delays.wait(&passing.call(args));
    let (instead, fault) = shim.faults.before(&passing.call(args), functions);
    passing.fault = fault;
    match instead {
        None => Way::Watched(passing),
        Some(rv) => {
            finish(&passing, args, rv, fault);
            Way::Answered(rv)
        }
    }
}

/// Whether this thread is not in C_Initialize already. A call from within is further down the stack; one that is not comes
/// after a C_Initialize that was left by a longjmp.
#[inline(never)]
fn begin_to_initialize() -> bool {
    let here = 0_u8;
    let here = (&raw const here).addr();
    let before = INITIALIZING.get();
    if before != 0 && here < before {
        return false;
    }
    INITIALIZING.set(here);
    true
}

/// What comes after the driver. The application gets this in place of `rv`; without a fault it is `rv`.
pub(crate) fn after(passing: &Passing, args: &[Arg], rv: CK_RV) -> CK_RV {
    own_work(rv, || {
        look_from_here();
        let (rv, fault) = passing.shim.faults.after(&passing.call(args), passing.fault, rv);
        finish(passing, args, rv, fault);
        rv
    })
}

fn finish(passing: &Passing, args: &[Arg], rv: CK_RV, fault: fault::Passing) {
    let took = passing.started.elapsed();
    if passing.function == Function::C_Initialize {
        INITIALIZING.set(0);
    }
    if let Some(recorder) = &passing.shim.recorder {
        recorder.write(&passing.call(args), rv, took, passing.shim.faults.text(fault).as_deref());
    }
}
