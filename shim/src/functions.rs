//! What is generated from the table: the function's names, the function list, and the entry points.

use crate::call::run;
use crate::table::with_functions;
use crate::view::View;
use pkcs11_sys::*;
use std::mem::{offset_of, size_of};

/// How many different function lists of one driver can be told apart: the one of C_GetFunctionList and those of
/// its interfaces. Drivers have up to three (v2.40, v3.0, v3.2).
pub(crate) const LISTS: usize = 4;

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
        unsafe { crate::interface::$own($($arg),*) }
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
        pub unsafe extern "C" fn $name($($arg: $ty),*) -> CK_RV {
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
        /// A function of PKCS#11.
        #[allow(non_camel_case_types, clippy::enum_variant_names)]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(usize)]
        pub(crate) enum Function { $($($name,)*)* }

        impl Function {
            /// All of them, in the order of the function lists.
            pub(crate) const ALL: &[Self] = &[$($(Self::$name,)*)*];

            pub(crate) const fn name(self) -> &'static str {
                match self { $($(Self::$name => stringify!($name),)*)* }
            }
        }

        /// A function list, as long as the longest that is known (v3.2). A shorter one is its beginning, followed
        /// by nulls, so that a caller who reads too far finds nothing rather than anything.
        #[allow(non_snake_case)]
        #[derive(Clone, Copy)]
        #[cfg_attr(windows, repr(C, packed(1)))]
        #[cfg_attr(not(windows), repr(C))]
        pub(crate) struct FunctionList {
            pub(crate) version: CK_VERSION,
            $($(pub(crate) $name: Option<unsafe extern "C" fn($($ty),*) -> CK_RV>,)*)*
        }

        impl FunctionList {
            pub(crate) const EMPTY: Self = Self {
                version: CK_VERSION { major: 0, minor: 0 },
                $($($name: None,)*)*
            };

            /// The list that stands in place of this one: same version, an entry of ours wherever the driver has a
            /// function, null where it has none.
            pub(crate) fn intercepted<const L: usize>(&self) -> Self {
                Self {
                    version: self.version,
                    $($($name: { self.$name }.map(|_| entry::$name::<L> as _),)*)*
                }
            }
        }

        /// The entry points, once for every list that a driver may have.
        #[allow(non_snake_case, clippy::too_many_arguments)]
        mod entry {
            use super::*;
            $($(
                pub(super) unsafe extern "C" fn $name<const L: usize>($($arg: $ty),*) -> CK_RV {
                    run(
                        Function::$name,
                        L,
                        &[$((stringify!($first), View::$view($first $(, $more)*))),*],
                        &|list| answer!(list $name ($($arg),*) $how $($own)?),
                    )
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

with_functions!(generate);

impl Function {
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|function| function.name() == name)
    }

    /// The functions that only hand out the others: they may come before C_Initialize, and no call counts them.
    pub(crate) fn is_introduction(self) -> bool {
        matches!(self, Self::C_GetFunctionList | Self::C_GetInterfaceList | Self::C_GetInterface)
    }
}

/// The length in bytes of a function list of this version; `None` when its layout is not known here.
pub(crate) fn list_size(version: CK_VERSION) -> Option<usize> {
    match (version.major, version.minor) {
        // C_WaitForSlotEvent came with v2.01.
        (2, 0) => Some(offset_of!(FunctionList, C_WaitForSlotEvent)),
        (2, _) => Some(size_of::<CK_FUNCTION_LIST>()),
        (3, 0 | 1) => Some(size_of::<CK_FUNCTION_LIST_3_0>()),
        (3, 2) => Some(size_of::<FunctionList>()),
        _ => None,
    }
}

// The generated list begins with pkcs11-sys's, to the byte; a row that is missing or out of order does not compile.
const _: () = {
    assert!(size_of::<CK_FUNCTION_LIST>() == offset_of!(FunctionList, C_GetInterfaceList));
    assert!(size_of::<CK_FUNCTION_LIST_3_0>() == offset_of!(FunctionList, C_EncapsulateKey));
};

macro_rules! same_layout {
    ($($since:ident { $( $name:ident $args:tt $views:tt $how:ident $($own:ident)?; )* })*) => {
        const _: () = { $($(same_layout!(@ $since $name);)*)* };
    };
    (@ v3_2 $name:ident) => {};
    (@ $since:ident $name:ident) => {
        assert!(offset_of!(CK_FUNCTION_LIST_3_0, $name) == offset_of!(FunctionList, $name));
    };
}

with_functions!(same_layout);
