//! Loading the driver and asking for its function list.

use super::{Failure, Functions, Outcome};
use crate::error::{Code, Error, Fact, Result, Step};
use std::path::Path;
use usbtoken_pkcs11::types::{CK_C_GetFunctionList, CK_FUNCTION_LIST, CKR_OK};

/// Loads a driver that has passed [`super::super::file::check`] and returns its functions.
///
/// The library is never unloaded: vendors' drivers leave threads and exit handlers behind that would then point
/// into nothing.
///
/// # Errors
/// [`Code::DriverUnloadable`], [`Code::DriverNoEntry`], [`Code::DriverInitFailed`].
pub(in crate::driver) fn load(path: &Path) -> Result<Functions> {
    let library = open(path).map_err(|e| {
        Error::new(Code::DriverUnloadable)
            .during(Step::LoadDriver)
            .fact(Fact::Path, path.display())
            .fact(Fact::Detail, e)
    })?;
    let library = std::mem::ManuallyDrop::new(library);
    // SAFETY: the symbol has the type that PKCS#11 v3.1 §5.4.4 gives it, and the library is never unloaded.
    let symbol = unsafe { library.get::<CK_C_GetFunctionList>(b"C_GetFunctionList\0") };
    let entry = symbol.ok().and_then(|symbol| *symbol).ok_or_else(|| {
        Error::new(Code::DriverNoEntry).during(Step::LoadDriver).fact(Fact::Path, path.display())
    })?;
    function_list(entry).map_err(|failure| {
        let error = failure.during(Step::LoadDriver);
        let detail = error.to_string();
        Error::new(Code::DriverInitFailed)
            .during(Step::LoadDriver)
            .fact(Fact::Path, path.display())
            .fact(Fact::Detail, detail)
            .caused_by(error)
    })
}

#[cfg(unix)]
fn open(path: &Path) -> std::result::Result<libloading::Library, libloading::Error> {
    use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};
    // SAFETY: running the initialisers of a PKCS#11 driver is what the caller asks for; the path is absolute, so
    // nothing is searched, and the file was checked to be a whole library of this platform.
    unsafe { Library::open(Some(path), RTLD_NOW | RTLD_LOCAL) }.map(Into::into)
}

#[cfg(windows)]
fn open(path: &Path) -> std::result::Result<libloading::Library, libloading::Error> {
    use libloading::os::windows::{LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR, LOAD_LIBRARY_SEARCH_SYSTEM32, Library};
    // SAFETY: as on Unix; the flags keep the loader from looking in the current folder or in PATH for what the
    // driver itself depends on.
    unsafe { Library::load_with_flags(path, LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR | LOAD_LIBRARY_SEARCH_SYSTEM32) }
        .map(Into::into)
}

type GetFunctionList = unsafe extern "C" fn(*mut *mut CK_FUNCTION_LIST) -> usbtoken_pkcs11::types::CK_RV;

fn function_list(entry: GetFunctionList) -> Outcome<Functions> {
    const FUNCTION: &str = "C_GetFunctionList";
    let mut list: *mut CK_FUNCTION_LIST = std::ptr::null_mut();
    // SAFETY: the function takes a place for one pointer (PKCS#11 v3.1 §5.4.4).
    let rv = unsafe { entry(&mut list) };
    if rv != CKR_OK {
        return Err(Failure::Returned { function: FUNCTION, rv });
    }
    if list.is_null() {
        return Err(Failure::Misbehaved { function: FUNCTION, rv: CKR_OK, how: "no function list".into() });
    }
    // SAFETY: the driver says that a CK_FUNCTION_LIST is there; it lives as long as the library, which is for
    // ever. Unaligned, because Windows drivers pack it to one byte.
    let list = unsafe { list.read_unaligned() };
    let major = list.version.major;
    if !(2..=3).contains(&major) {
        let how = format!("function list of version {major}.{}", list.version.minor);
        return Err(Failure::Misbehaved { function: FUNCTION, rv: CKR_OK, how });
    }
    Ok(Functions::new(list))
}
