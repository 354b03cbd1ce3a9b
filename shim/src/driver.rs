//! The real driver: loaded once, never unloaded, its function lists copied and stood before.

use crate::functions::{FunctionList, LISTS, exported, list_size};
use libloading::Library;
use pkcs11_sys::*;
use std::ffi::{CStr, c_void};
use std::path::Path;
use std::ptr;
use std::sync::{Mutex, OnceLock, PoisonError};

type GetFunctionList = unsafe extern "C" fn(CK_FUNCTION_LIST_PTR_PTR) -> CK_RV;
type GetInterfaceList = unsafe extern "C" fn(CK_INTERFACE_PTR, CK_ULONG_PTR) -> CK_RV;
type GetInterface =
    unsafe extern "C" fn(CK_UTF8CHAR_PTR, CK_VERSION_PTR, CK_INTERFACE_PTR_PTR, CK_FLAGS) -> CK_RV;

/// The name of the standard's own interfaces (PKCS#11 v3.1 §5.4.6); any other is a vendor's.
const STANDARD: &CStr = c"PKCS 11";

/// The vendor's driver.
pub(crate) struct Driver {
    get_function_list: GetFunctionList,
    get_interfaces: Option<(GetInterfaceList, GetInterface)>,
    /// Filled from the front; the index is the `L` of the entry points.
    lists: [OnceLock<Lists>; LISTS],
    /// Held while a list is entered, never while the driver works.
    entering: Mutex<Vec<Kept>>,
    /// Last, so that nothing above outlives it; and the driver itself is never dropped.
    _library: Library,
}

/// One function list of the driver and the one that stands before it.
struct Lists {
    source: *const c_void,
    size: usize,
    theirs: FunctionList,
    ours: FunctionList,
}

/// An interface that was handed out by address, and so must stay.
struct Kept(&'static mut CK_INTERFACE);

// SAFETY: both hold pointers to static data of a driver that is never unloaded; nobody writes through them.
unsafe impl Send for Lists {}
// SAFETY: as above.
unsafe impl Sync for Lists {}
// SAFETY: as above.
unsafe impl Send for Kept {}

/// What stands for an interface of the driver.
pub(crate) enum Offer {
    /// The list to hand out in place of the driver's.
    Ours(*const FunctionList),
    /// A vendor's own interface: nobody here knows its functions, it is passed through unchanged and unseen.
    Foreign,
    /// A standard list of a version whose layout is not known here.
    Unknown(String),
}

impl Driver {
    /// Loads the driver and asks it for its functions.
    ///
    /// # Errors
    /// One line that says what is wrong with it.
    pub(crate) fn load(path: &Path) -> Result<Self, String> {
        let shown = path.display();
        if !path.is_absolute() {
            return Err(format!("the driver's path must be absolute: {shown}"));
        }
        // SAFETY: loading runs the driver's own initialisers; that it is a PKCS#11 driver is the configuration's word.
        let library =
            unsafe { Library::new(path) }.map_err(|error| format!("cannot load the driver: {error}"))?;
        // SAFETY: the types are those of PKCS#11 v3.1 §5.4; the library outlives the pointers (it is kept beside them).
        let (get_function_list, get_interface_list, get_interface) = unsafe {
            (
                symbol::<GetFunctionList>(&library, "C_GetFunctionList"),
                symbol::<GetInterfaceList>(&library, "C_GetInterfaceList"),
                symbol::<GetInterface>(&library, "C_GetInterface"),
            )
        };
        let get_function_list = get_function_list
            .ok_or_else(|| format!("{shown} has no C_GetFunctionList: not a PKCS#11 driver"))?;
        if ptr::fn_addr_eq(get_function_list, exported::C_GetFunctionList as GetFunctionList) {
            return Err(format!("the driver is this very module: {shown}"));
        }
        let driver = Self {
            get_function_list,
            get_interfaces: get_interface_list.zip(get_interface),
            lists: [const { OnceLock::new() }; LISTS],
            entering: Mutex::new(Vec::new()),
            _library: library,
        };
        let mut list = ptr::null_mut();
        // SAFETY: a place for one pointer, as the function wants.
        let rv = unsafe { get_function_list(&mut list) };
        // SAFETY: checked to be set after CKR_OK.
        if rv != CKR_OK || list.is_null() || unsafe { driver.offer_first(list) }.is_none() {
            return Err(format!("C_GetFunctionList of {shown} gave no usable list (CKR {rv:#x})"));
        }
        if driver.is_bound_to_us() {
            return Err(format!(
                "{shown} is bound to this module's symbols: it was loaded for all to see (RTLD_GLOBAL)"
            ));
        }
        Ok(driver)
    }

    /// Whether the dynamic linker has resolved the driver's own functions to ours of the same name, which happens
    /// when this module was preloaded, linked to or loaded with RTLD_GLOBAL. Calls would go in a circle.
    fn is_bound_to_us(&self) -> bool {
        type Initialize = unsafe extern "C" fn(CK_VOID_PTR) -> CK_RV;
        let theirs = self.list(0).and_then(|list| list.C_Initialize);
        theirs.is_some_and(|theirs| ptr::fn_addr_eq(theirs, exported::C_Initialize as Initialize))
    }

    /// The functions behind the entry points of list `index`.
    pub(crate) fn list(&self, index: usize) -> Option<&FunctionList> {
        self.lists.get(index)?.get().map(|lists| &lists.theirs)
    }

    pub(crate) fn has_interfaces(&self) -> bool {
        self.get_interfaces.is_some()
    }

    /// # Safety
    /// As for C_GetFunctionList.
    pub(crate) unsafe fn get_function_list(&self, pp: CK_FUNCTION_LIST_PTR_PTR) -> CK_RV {
        // SAFETY: the caller's argument, forwarded.
        unsafe { (self.get_function_list)(pp) }
    }

    /// # Safety
    /// As for C_GetInterfaceList.
    pub(crate) unsafe fn get_interface_list(&self, list: CK_INTERFACE_PTR, count: CK_ULONG_PTR) -> CK_RV {
        match self.get_interfaces {
            // SAFETY: the caller's arguments, forwarded.
            Some((get, _)) => unsafe { get(list, count) },
            None => CKR_FUNCTION_NOT_SUPPORTED,
        }
    }

    /// # Safety
    /// As for C_GetInterface.
    pub(crate) unsafe fn get_interface(
        &self,
        name: CK_UTF8CHAR_PTR,
        version: CK_VERSION_PTR,
        pp: CK_INTERFACE_PTR_PTR,
        flags: CK_FLAGS,
    ) -> CK_RV {
        match self.get_interfaces {
            // SAFETY: the caller's arguments, forwarded.
            Some((_, get)) => unsafe { get(name, version, pp, flags) },
            None => CKR_FUNCTION_NOT_SUPPORTED,
        }
    }

    /// The driver's interfaces as it lists them.
    pub(crate) fn interfaces(&self) -> Result<Vec<CK_INTERFACE>, CK_RV> {
        let mut count = 0;
        // SAFETY: null asks for the number.
        let rv = unsafe { self.get_interface_list(ptr::null_mut(), &mut count) };
        if rv != CKR_OK {
            return Err(rv);
        }
        // A driver has a handful; a number beyond that is a mistake of the driver's that must not become an allocation.
        let count_wanted = (count as usize).min(64);
        let mut list = vec![CK_INTERFACE::default(); count_wanted];
        count = count_wanted as CK_ULONG;
        // SAFETY: room for `count` interfaces.
        let rv = unsafe { self.get_interface_list(list.as_mut_ptr(), &mut count) };
        if rv != CKR_OK {
            return Err(rv);
        }
        list.truncate(count as usize);
        Ok(list)
    }

    /// What stands for the list of C_GetFunctionList: its v2.40 part, whatever version it claims, because that is
    /// what the function hands out (PKCS#11 v3.1 §5.4.4).
    ///
    /// # Safety
    /// `list` is the driver's list.
    pub(crate) unsafe fn offer_first(&self, list: *const CK_FUNCTION_LIST) -> Option<*const FunctionList> {
        // SAFETY: the list begins with its version.
        let version = unsafe { list.cast::<CK_VERSION>().read_unaligned() };
        let size = match version.major {
            2 => list_size(version)?,
            _ => size_of::<CK_FUNCTION_LIST>(),
        };
        // SAFETY: the size is that of the list.
        unsafe { self.enter(list.cast(), size) }
    }

    /// What stands for this interface.
    ///
    /// # Safety
    /// `interface` is one of the driver's.
    pub(crate) unsafe fn offer(&self, interface: &CK_INTERFACE) -> Offer {
        let (name, list) = (interface.pInterfaceName, interface.pFunctionList);
        // SAFETY: an interface's name is null-terminated (PKCS#11 v3.1 §3.6.2).
        if name.is_null() || list.is_null() || unsafe { CStr::from_ptr(name.cast()) } != STANDARD {
            return Offer::Foreign;
        }
        // SAFETY: a standard list begins with its version.
        let version = unsafe { list.cast::<CK_VERSION>().read_unaligned() };
        let Some(size) = list_size(version) else {
            return Offer::Unknown(format!("{}.{}", version.major, version.minor));
        };
        // SAFETY: the size is that of this version's list.
        match unsafe { self.enter(list, size) } {
            Some(ours) => Offer::Ours(ours),
            None => Offer::Unknown(format!("{}.{} as a fifth list", version.major, version.minor)),
        }
    }

    /// Finds the list that stands before `source`, or makes it.
    unsafe fn enter(&self, source: *const c_void, size: usize) -> Option<*const FunctionList> {
        let _one_at_a_time = self.entering.lock().unwrap_or_else(PoisonError::into_inner);
        for (index, slot) in self.lists.iter().enumerate() {
            let lists = slot.get_or_init(|| {
                let mut theirs = FunctionList::EMPTY;
                // SAFETY: `size` is at most the size of FunctionList, `source` has that many bytes.
                unsafe {
                    ptr::copy_nonoverlapping(source.cast::<u8>(), (&raw mut theirs).cast::<u8>(), size)
                };
                Lists { source, size, theirs, ours: stand_before(index, &theirs) }
            });
            if lists.source == source && lists.size == size {
                return Some(&raw const lists.ours);
            }
        }
        None
    }

    /// The one interface of a driver that has only C_GetFunctionList.
    pub(crate) fn first_interface(&self) -> CK_INTERFACE {
        let list = self.lists[0].get().map_or(ptr::null(), |lists| &raw const lists.ours);
        CK_INTERFACE {
            pInterfaceName: STANDARD.as_ptr().cast_mut().cast(),
            pFunctionList: list.cast_mut().cast(),
            flags: 0,
        }
    }

    pub(crate) fn first_version(&self) -> CK_VERSION {
        self.list(0).map_or(CK_VERSION { major: 0, minor: 0 }, |list| list.version)
    }

    /// Keeps an interface for as long as the process lives; the same one is kept once.
    pub(crate) fn keep(&self, interface: CK_INTERFACE) -> CK_INTERFACE_PTR {
        let same = |kept: &CK_INTERFACE| {
            (kept.pInterfaceName, kept.pFunctionList, kept.flags)
                == (interface.pInterfaceName, interface.pFunctionList, interface.flags)
        };
        let mut kept = self.entering.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = kept.iter_mut().find(|known| same(known.0)) {
            return &raw mut *known.0;
        }
        let leaked = Box::leak(Box::new(interface));
        let at = &raw mut *leaked;
        kept.push(Kept(leaked));
        at
    }
}

/// The list of entry points for the list with this index.
fn stand_before(index: usize, theirs: &FunctionList) -> FunctionList {
    const { assert!(LISTS == 4) };
    match index {
        0 => theirs.intercepted::<0>(),
        1 => theirs.intercepted::<1>(),
        2 => theirs.intercepted::<2>(),
        _ => theirs.intercepted::<3>(),
    }
}

/// # Safety
/// `T` is the type of that symbol.
unsafe fn symbol<T: Copy>(library: &Library, name: &str) -> Option<T> {
    // SAFETY: the caller's word for the type.
    unsafe { library.get::<T>(name) }.ok().map(|symbol| *symbol)
}
