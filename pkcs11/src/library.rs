//! Loading a driver's file and asking it for its function list.

use crate::calls::Functions;
pub use crate::failure::LoadFailure;
use crate::failure::{Failure, Outcome};
use crate::types::{CK_C_GetFunctionList, CK_FUNCTION_LIST, CK_RV, CKR_OK};
use std::mem::ManuallyDrop;
use std::path::Path;
use std::ptr;

/// Loads a driver and returns its functions.
///
/// The library is never unloaded: vendors' drivers leave threads and exit handlers behind that would then point
/// into nothing.
///
/// # Errors
/// [`LoadFailure`].
pub fn load(path: &Path) -> Result<Functions, LoadFailure> {
    functions(path).map(Functions::here)
}

pub(crate) fn functions(path: &Path) -> Result<CK_FUNCTION_LIST, LoadFailure> {
    let library = ManuallyDrop::new(open(path).map_err(|error| LoadFailure::Unloadable(words(&error)))?);
    // SAFETY: the symbol has the type that PKCS#11 v3.1 §5.4.4 gives it, and the library is never unloaded.
    let symbol = unsafe { library.get::<CK_C_GetFunctionList>(b"C_GetFunctionList\0") };
    let entry = symbol.ok().and_then(|symbol| *symbol).ok_or(LoadFailure::NoEntry)?;
    function_list(entry).map_err(LoadFailure::NoList)
}

/// What the system's loader says: which file, and what it lacks, is in the cause.
fn words(error: &libloading::Error) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

/// Has the system's loader load a driver, with everything bound at once and its symbols to itself. Its initialisers
/// run: that the path is absolute and leads to a whole library that is a PKCS#11 driver is the caller's word.
///
/// # Errors
/// What the loader says.
pub fn open(path: &Path) -> Result<libloading::Library, libloading::Error> {
    open_with_flags(path)
}

#[cfg(unix)]
fn open_with_flags(path: &Path) -> Result<libloading::Library, libloading::Error> {
    use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};
    // SAFETY: running the initialisers of a PKCS#11 driver is what the caller asks for, by an absolute path, so that
    // nothing is searched.
    unsafe { Library::open(Some(path), RTLD_NOW | RTLD_LOCAL) }.map(Into::into)
}

#[cfg(windows)]
fn open_with_flags(path: &Path) -> Result<libloading::Library, libloading::Error> {
    use libloading::os::windows::{LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR, LOAD_LIBRARY_SEARCH_SYSTEM32, Library};
    // SAFETY: as on Unix; the flags keep the loader from looking in the current folder or in PATH for what the
    // driver itself depends on.
    unsafe { Library::load_with_flags(path, LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR | LOAD_LIBRARY_SEARCH_SYSTEM32) }
        .map(Into::into)
}

type GetFunctionList = unsafe extern "C" fn(*mut *mut CK_FUNCTION_LIST) -> CK_RV;

fn function_list(entry: GetFunctionList) -> Outcome<CK_FUNCTION_LIST> {
    const FUNCTION: &str = "C_GetFunctionList";
    let mut list: *mut CK_FUNCTION_LIST = ptr::null_mut();
    // SAFETY: the function takes a place for one pointer (PKCS#11 v3.1 §5.4.4).
    let rv = unsafe { entry(&mut list) };
    if rv != CKR_OK {
        return Err(Failure::Returned { function: FUNCTION, rv });
    }
    if list.is_null() {
        return Err(Failure::Misbehaved {
            function: FUNCTION,
            rv: CKR_OK,
            how: "ppFunctionList == NULL".into(),
        });
    }
    // SAFETY: the driver says that a CK_FUNCTION_LIST is there; it lives as long as the library, which is for
    // ever. Unaligned, because Windows drivers pack it to one byte.
    // What it states of its version is not asked: there is no list of another form.
    Ok(unsafe { list.read_unaligned() })
}
