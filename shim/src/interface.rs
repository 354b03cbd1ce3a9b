//! The ways an application comes to the functions: C_GetFunctionList, C_GetInterfaceList and C_GetInterface.
//!
//! The driver answers; in its answer each function list is exchanged for ours. Names, flags, versions and order stay.

use crate::driver::{Driver, Offer};
use crate::{shim, stderr};
use pkcs11_sys::*;

/// # Safety
/// As PKCS#11 v3.1 §5.4.4 says.
pub(crate) unsafe fn function_list(pp: CK_FUNCTION_LIST_PTR_PTR) -> CK_RV {
    let driver = match shim() {
        Ok(shim) => &shim.driver,
        Err(rv) => return rv,
    };
    // SAFETY: the caller's own argument, forwarded.
    let rv = unsafe { driver.get_function_list(pp) };
    if rv != CKR_OK || pp.is_null() {
        return rv;
    }
    // SAFETY: the driver said CKR_OK, so it wrote a pointer there, and the pointer is to its list.
    unsafe {
        match driver.offer_first(*pp) {
            Some(ours) => *pp = ours.cast_mut().cast(),
            None => return CKR_GENERAL_ERROR,
        }
    }
    CKR_OK
}

/// # Safety
/// As PKCS#11 v3.1 §5.4.5 says.
pub(crate) unsafe fn interface_list(list: CK_INTERFACE_PTR, count: CK_ULONG_PTR) -> CK_RV {
    let driver = match shim() {
        Ok(shim) => &shim.driver,
        Err(rv) => return rv,
    };
    let interfaces = match interfaces(driver) {
        Ok(Some(interfaces)) => interfaces,
        // Nothing of the driver's has to be left out: it answers itself, with every nicety of its own.
        Ok(None) => {
            // SAFETY: the caller's own arguments, forwarded.
            let rv = unsafe { driver.get_interface_list(list, count) };
            if rv == CKR_OK && !list.is_null() && !count.is_null() {
                // SAFETY: the driver said CKR_OK, so `count` interfaces stand in the caller's array.
                unsafe { exchange(driver, list, *count) };
            }
            return rv;
        }
        Err(rv) => return rv,
    };
    // SAFETY: the caller's pointers, used as the specification says.
    unsafe { hand_out(&interfaces, list, count) }
}

/// # Safety
/// As PKCS#11 v3.1 §5.4.6 says.
pub(crate) unsafe fn interface(
    name: CK_UTF8CHAR_PTR,
    version: CK_VERSION_PTR,
    pp: CK_INTERFACE_PTR_PTR,
    flags: CK_FLAGS,
) -> CK_RV {
    let driver = match shim() {
        Ok(shim) => &shim.driver,
        Err(rv) => return rv,
    };
    if !driver.has_interfaces() {
        // SAFETY: the caller's pointers, used as the specification says.
        return unsafe { only_interface(driver, name, version, pp, flags) };
    }
    // SAFETY: the caller's own arguments, forwarded.
    let rv = unsafe { driver.get_interface(name, version, pp, flags) };
    if rv != CKR_OK || pp.is_null() {
        return rv;
    }
    // SAFETY: the driver said CKR_OK, so it wrote a pointer to one of its interfaces.
    let theirs = unsafe { (*pp).read_unaligned() };
    // SAFETY: `theirs` is the driver's interface.
    let list = match unsafe { driver.offer(&theirs) } {
        Offer::Ours(list) => list,
        Offer::Foreign => return CKR_OK,
        Offer::Unknown(newer) => {
            stderr(&format!(
                "the driver offers version {newer}, which this build cannot stand before; not offered"
            ));
            // Whoever asks for a version gets that or nothing; whoever takes the default gets the first that is known.
            let known = if version.is_null() { interfaces(driver).ok().flatten() } else { None };
            let default = known.and_then(|known| known.into_iter().find(|known| flags & !known.flags == 0));
            // SAFETY: the caller's pointer, which the driver has just written to.
            unsafe { *pp = default.map_or(std::ptr::null_mut(), |known| driver.keep(known)) };
            return if default.is_some() { CKR_OK } else { CKR_FUNCTION_FAILED };
        }
    };
    let ours = CK_INTERFACE { pFunctionList: list.cast_mut().cast(), ..theirs };
    // SAFETY: as above; the interface that is handed out lives as long as the process.
    unsafe { *pp = driver.keep(ours) };
    CKR_OK
}

/// The list as it is to be handed out, when the driver cannot be left to answer by itself: it has none (then its
/// v2.40 functions are the only interface, which is how v3 describes such a driver), or one of a version that is
/// not known here.
fn interfaces(driver: &Driver) -> Result<Option<Vec<CK_INTERFACE>>, CK_RV> {
    if !driver.has_interfaces() {
        return Ok(Some(vec![driver.first_interface()]));
    }
    let theirs = driver.interfaces()?;
    let mut ours = Vec::with_capacity(theirs.len());
    for interface in &theirs {
        // SAFETY: an interface that the driver has just listed.
        match unsafe { driver.offer(interface) } {
            Offer::Ours(list) => {
                ours.push(CK_INTERFACE { pFunctionList: list.cast_mut().cast(), ..*interface })
            }
            Offer::Foreign => ours.push(*interface),
            Offer::Unknown(newer) => {
                stderr(&format!(
                    "the driver offers version {newer}, which this build cannot stand before; not offered"
                ));
            }
        }
    }
    Ok(if ours.len() == theirs.len() { None } else { Some(ours) })
}

/// Exchanges every function list in an answer of the driver.
unsafe fn exchange(driver: &Driver, list: CK_INTERFACE_PTR, count: CK_ULONG) {
    for i in 0..count as usize {
        // SAFETY: within the array that the driver has just filled; it may be unaligned on Windows.
        unsafe {
            let at = list.add(i);
            let theirs = at.read_unaligned();
            if let Offer::Ours(ours) = driver.offer(&theirs) {
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

/// Answers C_GetInterface for a driver that has no such function.
unsafe fn only_interface(
    driver: &Driver,
    name: CK_UTF8CHAR_PTR,
    version: CK_VERSION_PTR,
    pp: CK_INTERFACE_PTR_PTR,
    flags: CK_FLAGS,
) -> CK_RV {
    if pp.is_null() {
        return CKR_ARGUMENTS_BAD;
    }
    let only = driver.first_interface();
    // SAFETY: a null-terminated name or null, a version or null, as the specification says.
    let wanted = unsafe {
        (name.is_null() || std::ffi::CStr::from_ptr(name.cast()).to_bytes() == b"PKCS 11")
            && (version.is_null() || {
                let (wanted, has) = (*version, driver.first_version());
                (wanted.major, wanted.minor) == (has.major, has.minor)
            })
    };
    if !wanted || flags & !only.flags != 0 {
        return CKR_FUNCTION_FAILED;
    }
    // SAFETY: not null; the interface that is handed out lives as long as the process.
    unsafe { *pp = driver.keep(only) };
    CKR_OK
}
