//! What is generated from the table: the functions' names, and the function list. The entry points are the table's
//! second use ([`entry`](crate::entry)).

use crate::functions::table::with_functions;
use std::mem::{offset_of, size_of};
use usbtoken_pkcs11::types::*;

macro_rules! generate {
    ($($since:ident { $(
        $name:ident ($($arg:ident: $ty:ty),*) $views:tt $how:ident $($own:ident)?;
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
        ///
        /// The functions may unwind: a thread that is cancelled in the driver passes through us on its way out.
        #[allow(non_snake_case)]
        #[derive(Clone, Copy)]
        #[cfg_attr(windows, repr(C, packed(1)))]
        #[cfg_attr(not(windows), repr(C))]
        pub(crate) struct FunctionList {
            pub(crate) version: CK_VERSION,
            $($(pub(crate) $name: Option<unsafe extern "C-unwind" fn($($ty),*) -> CK_RV>,)*)*
        }

        impl FunctionList {
            pub(crate) const EMPTY: Self = Self {
                version: CK_VERSION { major: 0, minor: 0 },
                $($($name: None,)*)*
            };

            /// Whether this is the same list, wherever the driver may keep its copies.
            pub(crate) fn is_same_as(&self, other: &Self) -> bool {
                (self.version.major, self.version.minor) == (other.version.major, other.version.minor)
                    $($(&& { self.$name }.map(|function| function as usize)
                        == { other.$name }.map(|function| function as usize))*)*
            }
        }
    };
}

with_functions!(generate);

impl Function {
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|function| function.name() == name)
    }

    /// The functions that only hand out the others: they may come before C_Initialize, and no call counts them.
    pub(crate) fn is_entry_point_query(self) -> bool {
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

// The generated list is that of the header, to the byte; a row that is missing or out of order does not compile.
const _: () = {
    assert!(size_of::<CK_FUNCTION_LIST>() == offset_of!(FunctionList, C_GetInterfaceList));
    assert!(size_of::<CK_FUNCTION_LIST_3_0>() == offset_of!(FunctionList, C_EncapsulateKey));
    assert!(size_of::<CK_FUNCTION_LIST_3_2>() == size_of::<FunctionList>());
};

macro_rules! same_layout {
    ($($since:ident { $( $name:ident $args:tt $views:tt $how:ident $($own:ident)?; )* })*) => {
        const _: () = {
            $($(assert!(offset_of!(CK_FUNCTION_LIST_3_2, $name) == offset_of!(FunctionList, $name));)*)*
        };
    };
}

with_functions!(same_layout);
