//! The C types and numbers of PKCS#11, as its header declares them (v3.2).
//!
//! On Windows CK_ULONG has 32 bits also where pointers have 64, and structures are packed to one byte (PKCS#11 v3.1
//! §2.1). Whether the declarations keep to that is checked below when they are compiled, for the target that they are
//! compiled for.

pub use cryptoki_sys::*;

/// Whether a number is CK_UNAVAILABLE_INFORMATION: of 64 bits, or of 32 as drivers and their hosts say it that have no more.
pub const fn is_unavailable(number: CK_ULONG) -> bool {
    number == CK_UNAVAILABLE_INFORMATION || number == 0xFFFF_FFFF
}

/// Where a field of this size stands that comes after so many bytes.
const fn place(after: usize, align: usize) -> usize {
    if cfg!(windows) { after } else { after.next_multiple_of(align) }
}

/// The size of a type and how it is aligned where nothing is packed.
const ULONG: (usize, usize) = (size_of::<CK_ULONG>(), size_of::<CK_ULONG>());
const POINTER: (usize, usize) = (size_of::<usize>(), size_of::<usize>());
const VERSION: (usize, usize) = (2, 1);

const fn bytes(count: usize) -> (usize, usize) {
    (count, 1)
}

/// Holds each field's offset and the size of the whole against the fields before it.
macro_rules! layout {
    ($name:ident { $($field:ident: $size:expr),* $(,)? }) => {
        const _: () = {
            let (mut end, mut widest) = (0, 1);
            $(
                let (size, align) = $size;
                let start = place(end, align);
                assert!(std::mem::offset_of!($name, $field) == start);
                end = start + size;
                widest = if align > widest { align } else { widest };
            )*
            assert!(size_of::<$name>() == place(end, widest));
        };
    };
}

const _: () = assert!(size_of::<CK_ULONG>() == if cfg!(windows) { 4 } else { size_of::<usize>() });

layout!(CK_VERSION { major: bytes(1), minor: bytes(1) });
layout!(CK_INFO {
    cryptokiVersion: VERSION,
    manufacturerID: bytes(32),
    flags: ULONG,
    libraryDescription: bytes(32),
    libraryVersion: VERSION,
});
layout!(CK_SLOT_INFO {
    slotDescription: bytes(64),
    manufacturerID: bytes(32),
    flags: ULONG,
    hardwareVersion: VERSION,
    firmwareVersion: VERSION,
});
layout!(CK_TOKEN_INFO {
    label: bytes(32),
    manufacturerID: bytes(32),
    model: bytes(16),
    serialNumber: bytes(16),
    flags: ULONG,
    ulMaxSessionCount: ULONG,
    ulSessionCount: ULONG,
    ulMaxRwSessionCount: ULONG,
    ulRwSessionCount: ULONG,
    ulMaxPinLen: ULONG,
    ulMinPinLen: ULONG,
    ulTotalPublicMemory: ULONG,
    ulFreePublicMemory: ULONG,
    ulTotalPrivateMemory: ULONG,
    ulFreePrivateMemory: ULONG,
    hardwareVersion: VERSION,
    firmwareVersion: VERSION,
    utcTime: bytes(16),
});
layout!(CK_SESSION_INFO { slotID: ULONG, state: ULONG, flags: ULONG, ulDeviceError: ULONG });
layout!(CK_MECHANISM_INFO { ulMinKeySize: ULONG, ulMaxKeySize: ULONG, flags: ULONG });
layout!(CK_MECHANISM { mechanism: ULONG, pParameter: POINTER, ulParameterLen: ULONG });
layout!(CK_RSA_PKCS_PSS_PARAMS { hashAlg: ULONG, mgf: ULONG, sLen: ULONG });
layout!(CK_ATTRIBUTE { type_: ULONG, pValue: POINTER, ulValueLen: ULONG });
layout!(CK_C_INITIALIZE_ARGS {
    CreateMutex: POINTER,
    DestroyMutex: POINTER,
    LockMutex: POINTER,
    UnlockMutex: POINTER,
    flags: ULONG,
    pReserved: POINTER,
});
layout!(CK_INTERFACE { pInterfaceName: POINTER, pFunctionList: POINTER, flags: ULONG });

/// The first and the last of the 68 functions of v2.40, the 24 that v3.0 adds and the 12 of v3.2, one pointer each.
macro_rules! function_list {
    ($name:ident: $count:literal, $last:ident) => {
        const _: () = {
            let (pointer, _) = POINTER;
            let first = place(size_of::<CK_VERSION>(), pointer);
            assert!(std::mem::offset_of!($name, C_Initialize) == first);
            assert!(std::mem::offset_of!($name, $last) == first + ($count - 1) * pointer);
            assert!(size_of::<$name>() == first + $count * pointer);
        };
    };
}

function_list!(CK_FUNCTION_LIST: 68, C_WaitForSlotEvent);
function_list!(CK_FUNCTION_LIST_3_0: 92, C_MessageVerifyFinal);
function_list!(CK_FUNCTION_LIST_3_2: 104, C_UnwrapKeyAuthenticated);
