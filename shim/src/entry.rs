//! The entry points, generated from the table: what an application calls in place of the driver's functions.
//!
//! Between the application and the driver no frame of ours has anything to drop or catches anything: a thread may be
//! cancelled in the driver, a C++ exception or a longjmp may leave it, as without us.

use crate::call::view::{Arg, View};
use crate::driver::{Entries, LISTS};
use crate::functions::table::with_functions;
use crate::functions::{Function, FunctionList};
use crate::interface;
use crate::pass::{self, Way};
use usbtoken_pkcs11::types::*;

/// What is handed to the modules below.
static ENTRIES: Entries = Entries {
    wrap,
    of_a_failed_start,
    get_function_list: exported::C_GetFunctionList,
    initialize: exported::C_Initialize,
};

/// How one row is answered: by the driver's own function, or here.
macro_rules! answer {
    ($list:ident $name:ident ($($arg:ident),*) forwards) => {
        match { $list.$name } {
            // SAFETY: the pointer comes from the driver's list, its type is that of the specification, and the
            // arguments are the caller's, unchanged.
            Some(function) => unsafe { function($($arg),*) },
            None => CKR_FUNCTION_NOT_SUPPORTED,
        }
    };
    ($list:ident $name:ident ($($arg:ident),*) answers $own:ident) => {{
        let _ = $list;
        // SAFETY: the arguments are the caller's, under the contract of this very function.
        unsafe { interface::$own(&ENTRIES, $($arg),*) }
    }};
}

/// The symbols of the library itself, for applications that look functions up one by one. Functions of v3.0 and
/// later are reached through their interfaces only, as in the drivers that have them.
macro_rules! export {
    (v2_40 $name:ident ($($arg:ident: $ty:ty),*)) => { export!(@ $name ($($arg: $ty),*)); };
    (v3_0_exported $name:ident ($($arg:ident: $ty:ty),*)) => { export!(@ $name ($($arg: $ty),*)); };
    (v3_0 $name:ident ($($arg:ident: $ty:ty),*)) => {};
    (v3_2 $name:ident ($($arg:ident: $ty:ty),*)) => {};
    (@ $name:ident ($($arg:ident: $ty:ty),*)) => {
        /// The exported function of this name.
        ///
        /// # Safety
        /// As PKCS#11 says for it.
        #[unsafe(no_mangle)]
        pub unsafe extern "C-unwind" fn $name($($arg: $ty),*) -> CK_RV {
            // SAFETY: same function, same arguments.
            unsafe { super::entry::$name::<0>($($arg),*) }
        }
    };
}

macro_rules! generate {
    ($($since:ident { $(
        $name:ident ($($arg:ident: $ty:ty),*)
        [$($view:ident ($first:ident $(, $more:ident)*)),*]
        $how:ident $($own:ident)?;
    )* })*) => {
        /// The list that stands in place of this one: same version, an entry of ours wherever the driver has a
        /// function, null where it has none.
        fn wrapped<const L: usize>(theirs: &FunctionList) -> FunctionList {
            FunctionList {
                version: theirs.version,
                $($($name: { theirs.$name }.map(|_| entry::$name::<L> as _),)*)*
            }
        }

        /// The list of a module that could not start, as far as v2.40 goes: every function can be called, and fails.
        fn of_a_failed_start() -> FunctionList {
            let mut list = FunctionList { version: CK_VERSION { major: 2, minor: 40 }, ..FunctionList::EMPTY };
            $($(failing!($since $name list);)*)*
            list
        }

        /// The entry points, once for every list that a driver may have: so short because they are so many.
        #[allow(non_snake_case, clippy::too_many_arguments)]
        mod entry {
            use super::*;
            $($(
                pub(super) unsafe extern "C-unwind" fn $name<const L: usize>($($arg: $ty),*) -> CK_RV {
                    // SAFETY: same function, same arguments.
                    unsafe { through::$name(L, $($arg),*) }
                }
            )*)*
        }

        /// The way of each function through this module.
        #[allow(non_snake_case, clippy::too_many_arguments)]
        mod through {
            use super::*;
            $($(
                #[inline(never)]
                pub(super) unsafe fn $name(list: usize, $($arg: $ty),*) -> CK_RV {
                    let args: &[Arg] = &[$((stringify!($first), View::$view($first $(, $more)*))),*];
                    let way = pass::before(&ENTRIES, Function::$name, list, args);
                    let functions = match &way {
                        Way::Answered(rv) => return *rv,
                        Way::Straight(functions) => *functions,
                        Way::Watched(passing) => passing.functions(),
                    };
                    let rv = answer!(functions $name ($($arg),*) $how $($own)?);
                    match &way {
                        Way::Watched(passing) => pass::after(passing, args, rv),
                        _ => rv,
                    }
                }
            )*)*
        }

        /// The exported symbols.
        #[allow(non_snake_case, clippy::too_many_arguments)]
        pub mod exported {
            use super::*;
            $($(export!($since $name ($($arg: $ty),*));)*)*
        }
    };
}

macro_rules! failing {
    (v2_40 $name:ident $list:ident) => {
        $list.$name = Some(entry::$name::<0>);
    };
    ($since:ident $name:ident $list:ident) => {};
}

with_functions!(generate);

macro_rules! wrap_by_index {
    ($($index:literal)*) => {
        const _: () = assert!([$($index),*].len() == LISTS);

        /// The list of entry points that leads to the driver's list with this index.
        fn wrap(index: usize, theirs: &FunctionList) -> Option<FunctionList> {
            match index {
                $($index => Some(wrapped::<$index>(theirs)),)*
                _ => None,
            }
        }
    };
}

wrap_by_index!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
