//! The ways an application comes to the functions: C_GetFunctionList, C_GetInterfaceList and C_GetInterface.
//!
//! The driver answers; in its answer each function list is exchanged for ours. Names, flags, versions and order stay.
//! As everywhere, the driver is called with nothing of ours to drop, and what is done with its answer is work of our own.

use crate::driver::{Driver, Entries, Wrapped, standard_interface};
use crate::functions::FunctionList;
use crate::host::memory::{look_from_here, read};
use crate::host::{own_work, stderr};
use crate::process::shim_if_started;
use std::ptr;
use std::sync::OnceLock;
use usbtoken_pkcs11::types::*;

/// # Safety
/// As PKCS#11 v3.1 §5.4.4 says.
pub(crate) unsafe fn function_list(entries: &Entries, pp: CK_FUNCTION_LIST_PTR_PTR) -> CK_RV {
    let Some(shim) = shim_if_started() else {
        // SAFETY: the caller's pointer.
        return own_work(CKR_GENERAL_ERROR, || unsafe { fail(entries, pp.cast()) });
    };
    let driver = &shim.driver;
    if !pp.is_null()
        && let Some(first) = driver.first_list()
    {
        // SAFETY: not null; a place for one pointer, by the specification.
        unsafe { *pp = first.cast_mut().cast() };
        return CKR_OK;
    }
    // SAFETY: the caller's own argument, forwarded.
    let rv = unsafe { driver.get_function_list(pp) };
    if rv != CKR_OK || pp.is_null() {
        return rv;
    }
    // SAFETY: the driver said CKR_OK, so it wrote a pointer there, and the pointer is to its list.
    own_work(CKR_GENERAL_ERROR, || unsafe {
        match driver.wrapped_first(*pp) {
            Some(ours) => *pp = ours.cast_mut().cast(),
            None => return CKR_GENERAL_ERROR,
        }
        CKR_OK
    })
}

/// # Safety
/// As PKCS#11 v3.1 §5.4.5 says.
pub(crate) unsafe fn interface_list(_: &Entries, list: CK_INTERFACE_PTR, count: CK_ULONG_PTR) -> CK_RV {
    let Some(shim) = shim_if_started() else {
        if !count.is_null() {
            // SAFETY: not null; a place for a number, by the specification.
            unsafe { *count = 0 };
        }
        return CKR_GENERAL_ERROR;
    };
    let driver = &shim.driver;
    let answered = own_work(Some(CKR_GENERAL_ERROR), || match incomplete(driver) {
        // SAFETY: the caller's pointers, used as the specification says.
        Ok(Some(interfaces)) => Some(unsafe { hand_out(&interfaces, list, count) }),
        Ok(None) => None,
        Err(rv) => Some(rv),
    });
    if let Some(rv) = answered {
        return rv;
    }
    // Nothing of the driver's has to be left out: it answers itself, with every nicety of its own.
    // SAFETY: the caller's own arguments, forwarded.
    let rv = unsafe { driver.get_interface_list(list, count) };
    if rv == CKR_OK && !list.is_null() && !count.is_null() {
        // SAFETY: the driver said CKR_OK, so `count` interfaces stand in the caller's array.
        own_work((), || unsafe { exchange(driver, list, *count) });
    }
    rv
}

/// # Safety
/// As PKCS#11 v3.1 §5.4.6 says.
pub(crate) unsafe fn interface(
    entries: &Entries,
    name: CK_UTF8CHAR_PTR,
    version: CK_VERSION_PTR,
    pp: CK_INTERFACE_PTR_PTR,
    flags: CK_FLAGS,
) -> CK_RV {
    let Some(shim) = shim_if_started() else {
        // SAFETY: the caller's pointer.
        return own_work(CKR_GENERAL_ERROR, || unsafe { fail_with_interface(entries, pp) });
    };
    let driver = &shim.driver;
    if !driver.has_interfaces() {
        // SAFETY: the caller's pointers, used as the specification says.
        return own_work(CKR_GENERAL_ERROR, || unsafe { only_interface(driver, name, version, pp, flags) });
    }
    // SAFETY: the caller's own arguments, forwarded.
    let rv = unsafe { driver.get_interface(name, version, pp, flags) };
    if rv != CKR_OK || pp.is_null() {
        return rv;
    }
    // SAFETY: the driver said CKR_OK, so it wrote a pointer to one of its interfaces.
    own_work(CKR_GENERAL_ERROR, || unsafe { exchange_one(driver, !version.is_null(), pp, flags) })
}

/// What a module that could not start hands out: an application that examines the return value gives up, one that does
/// not finds functions that fail.
struct Failed {
    list: FunctionList,
    interface: OnceLock<FailedInterface>,
}

struct FailedInterface(CK_INTERFACE);

// SAFETY: it points to statics that no one writes to.
unsafe impl Send for FailedInterface {}
// SAFETY: as above.
unsafe impl Sync for FailedInterface {}

fn failed(entries: &Entries) -> &'static Failed {
    static FAILED: OnceLock<Failed> = OnceLock::new();
    FAILED.get_or_init(|| Failed { list: (entries.of_a_failed_start)(), interface: OnceLock::new() })
}

unsafe fn fail(entries: &Entries, pp: *mut *const FunctionList) -> CK_RV {
    if !pp.is_null() {
        // SAFETY: not null; a place for one pointer, by the specification.
        unsafe { *pp = &raw const failed(entries).list };
    }
    CKR_GENERAL_ERROR
}

unsafe fn fail_with_interface(entries: &Entries, pp: CK_INTERFACE_PTR_PTR) -> CK_RV {
    let failed = failed(entries);
    let interface =
        failed.interface.get_or_init(|| FailedInterface(standard_interface(&raw const failed.list)));
    if !pp.is_null() {
        // SAFETY: not null; a place for one pointer, by the specification.
        unsafe { *pp = (&raw const interface.0).cast_mut() };
    }
    CKR_GENERAL_ERROR
}

/// Exchanges the driver's answer to C_GetInterface.
unsafe fn exchange_one(
    driver: &Driver,
    asked_for_a_version: bool,
    pp: CK_INTERFACE_PTR_PTR,
    flags: CK_FLAGS,
) -> CK_RV {
    // SAFETY: the driver has written a pointer to one of its interfaces.
    let theirs = unsafe { (*pp).read_unaligned() };
    // SAFETY: `theirs` is the driver's interface.
    let ours = match unsafe { driver.wrapped(&theirs) } {
        Wrapped::Ours(list) => CK_INTERFACE { pFunctionList: list.cast_mut().cast(), ..theirs },
        Wrapped::Foreign => return CKR_OK,
        Wrapped::Unknown(version) => {
            not_offered(&version);
            // Whoever asks for a version gets that or nothing; whoever takes the default gets the first that is known.
            let known = if asked_for_a_version { None } else { incomplete(driver).ok().flatten() };
            match known.and_then(|known| known.into_iter().find(|known| flags & !known.flags == 0)) {
                Some(known) => known,
                None => {
                    // SAFETY: the caller's pointer, which the driver has just written to.
                    unsafe { *pp = ptr::null_mut() };
                    return CKR_ARGUMENTS_BAD;
                }
            }
        }
    };
    let Some(kept) = driver.keep(ours) else { return CKR_GENERAL_ERROR };
    // SAFETY: as above; the interface that is handed out stays until the module is unloaded.
    unsafe { *pp = kept };
    CKR_OK
}

/// The interfaces as they are to be listed, when the driver cannot be left to answer by itself: it has no such function
/// (then its v2.40 functions are the only interface, which is how v3 describes such a driver), or lists a version that
/// is not known here.
fn incomplete(driver: &Driver) -> Result<Option<Vec<CK_INTERFACE>>, CK_RV> {
    if !driver.has_interfaces() {
        return Ok(Some(vec![driver.first_interface()]));
    }
    let theirs = driver.interfaces()?;
    let mut ours = Vec::with_capacity(theirs.len());
    for interface in &theirs {
        // SAFETY: an interface that the driver has just listed.
        match unsafe { driver.wrapped(interface) } {
            Wrapped::Ours(list) => {
                ours.push(CK_INTERFACE { pFunctionList: list.cast_mut().cast(), ..*interface })
            }
            Wrapped::Foreign => ours.push(*interface),
            Wrapped::Unknown(version) => not_offered(&version),
        }
    }
    Ok(if ours.len() == theirs.len() { None } else { Some(ours) })
}

fn not_offered(version: &str) {
    stderr(&format!("the driver offers version {version}, which is not known here; not offered"));
}

/// Exchanges every function list in an answer of the driver.
unsafe fn exchange(driver: &Driver, list: CK_INTERFACE_PTR, count: CK_ULONG) {
    for i in 0..count as usize {
        // SAFETY: within the array that the driver has just filled; it may be unaligned on Windows.
        unsafe {
            let at = list.add(i);
            let theirs = at.read_unaligned();
            if let Wrapped::Ours(ours) = driver.wrapped(&theirs) {
                at.write_unaligned(CK_INTERFACE { pFunctionList: ours.cast_mut().cast(), ..theirs });
            }
        }
    }
}

/// Answers C_GetInterfaceList from a list of our own.
unsafe fn hand_out(interfaces: &[CK_INTERFACE], list: CK_INTERFACE_PTR, count: CK_ULONG_PTR) -> CK_RV {
    if count.is_null() {
        return CKR_ARGUMENTS_BAD;
    }
    // SAFETY: not null; the caller's number and, where given, room for that many interfaces.
    unsafe {
        let room = *count as usize;
        *count = interfaces.len() as CK_ULONG;
        if list.is_null() {
            return CKR_OK;
        }
        if room < interfaces.len() {
            return CKR_BUFFER_TOO_SMALL;
        }
        for (i, interface) in interfaces.iter().enumerate() {
            list.add(i).write_unaligned(*interface);
        }
    }
    CKR_OK
}

/// Answers C_GetInterface for a driver that has no such function. What it has not is a bad argument, as OpenSC's own
/// module and its p11test have it.
unsafe fn only_interface(
    driver: &Driver,
    name: CK_UTF8CHAR_PTR,
    version: CK_VERSION_PTR,
    pp: CK_INTERFACE_PTR_PTR,
    flags: CK_FLAGS,
) -> CK_RV {
    const NAME: &[u8; 8] = b"PKCS 11\0";
    if pp.is_null() {
        return CKR_ARGUMENTS_BAD;
    }
    look_from_here();
    let only = driver.first_interface();
    let has = driver.first_version();
    let named = name.is_null() || read(name.cast::<[u8; 8]>()).is_some_and(|name| name == *NAME);
    let of_version = version.is_null()
        || read(version).is_some_and(|wanted| (wanted.major, wanted.minor) == (has.major, has.minor));
    if !named || !of_version || flags & !only.flags != 0 {
        return CKR_ARGUMENTS_BAD;
    }
    let Some(kept) = driver.keep(only) else { return CKR_GENERAL_ERROR };
    // SAFETY: not null; the interface that is handed out stays until the module is unloaded.
    unsafe { *pp = kept };
    CKR_OK
}
