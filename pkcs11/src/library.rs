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
    load_beside(path);
    let library = ManuallyDrop::new(open(path).map_err(|error| LoadFailure::Unloadable(words(&error)))?);
    // SAFETY: the symbol has the type that PKCS#11 v3.1 §5.4.4 gives it, and the library is never unloaded.
    let symbol = unsafe { library.get::<CK_C_GetFunctionList>(b"C_GetFunctionList\0") };
    let entry = symbol.ok().and_then(|symbol| *symbol).ok_or(LoadFailure::NoEntry)?;
    function_list(entry).map_err(LoadFailure::NoList)
}

/// A browser's own NSS stands beside it, where the system's loader does not search: what softokn wants is loaded first, and is then known
/// by its name. What is not there, or cannot be loaded, softokn's own loading says.
fn load_beside(path: &Path) {
    const SOFTOKN: &str = "libsoftokn3.so";
    /// Each after those that it wants itself.
    const WANTED: [&str; 5] =
        ["libnspr4.so", "libplc4.so", "libplds4.so", "libnssutil3.so", "libmozsqlite3.so"];
    if path.file_name().is_none_or(|name| name != SOFTOKN) {
        return;
    }
    let beside = WANTED.iter().map(|name| path.with_file_name(name)).filter(|file| file.is_file());
    // They stay loaded, as softokn does.
    beside.filter_map(|file| open(&file).ok()).for_each(std::mem::forget);
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
