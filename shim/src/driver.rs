//! The real driver: loaded once, unloaded with this module, its function lists copied and wrapped.

use crate::functions::{FunctionList, list_size};
use crate::host::{lock_briefly, stderr};
use libloading::Library;
use std::ffi::{CStr, c_void};
use std::path::Path;
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock};
use usbtoken_pkcs11::library;
use usbtoken_pkcs11::types::*;

pub(crate) type Initialize = unsafe extern "C-unwind" fn(CK_VOID_PTR) -> CK_RV;
pub(crate) type GetFunctionList = unsafe extern "C-unwind" fn(CK_FUNCTION_LIST_PTR_PTR) -> CK_RV;
type GetInterfaceList = unsafe extern "C-unwind" fn(CK_INTERFACE_PTR, CK_ULONG_PTR) -> CK_RV;
type GetInterface =
    unsafe extern "C-unwind" fn(CK_UTF8CHAR_PTR, CK_VERSION_PTR, CK_INTERFACE_PTR_PTR, CK_FLAGS) -> CK_RV;

/// The name of the standard's own interfaces (PKCS#11 v3.1 §5.4.6); any other is a vendor's.
const STANDARD: &CStr = c"PKCS 11";

/// How many different function lists of one driver can be told apart: the one of C_GetFunctionList, those of its
/// interfaces (v2.40, v3.0, v3.2), and those of drivers that make a new one whenever they are asked.
pub(crate) const LISTS: usize = 16;

/// The entry points of this module, which stand above everything that they lead to.
pub(crate) struct Entries {
    /// Makes the list of entry points that leads to the driver's list with this index.
    pub(crate) wrap: fn(usize, &FunctionList) -> Option<FunctionList>,
    /// Makes the list of a module that could not start.
    pub(crate) of_a_failed_start: fn() -> FunctionList,
    /// The exported C_GetFunctionList.
    pub(crate) get_function_list: GetFunctionList,
    /// The exported C_Initialize.
    pub(crate) initialize: Initialize,
}

/// The vendor's driver.
pub(crate) struct Driver {
    get_function_list: GetFunctionList,
    get_interfaces: Option<(GetInterfaceList, GetInterface)>,
    entries: &'static Entries,
    /// Filled from the front; the index is the `L` of the entry points.
    lists: [OnceLock<Box<Lists>>; LISTS],
    /// Whether the application has been given the list that was asked for while loading.
    first_given: AtomicBool,
    /// Held while a list is entered, never while the driver works.
    #[expect(clippy::vec_box, reason = "they are handed out by address")]
    entering: Mutex<Vec<Box<Kept>>>,
    /// Last: nothing above outlives it.
    _library: Library,
}

/// One function list of the driver and the one that is handed out in its place.
struct Lists {
    theirs: FunctionList,
    ours: FunctionList,
    size: usize,
}

/// An interface that was handed out by address, and so must stay where it is.
struct Kept(CK_INTERFACE);

// SAFETY: it holds pointers to static data of a driver that stays as long as this; no one writes through them.
unsafe impl Send for Kept {}

/// What is handed out in place of an interface of the driver's.
pub(crate) enum Wrapped {
    /// This list.
    Ours(*const FunctionList),
    /// A vendor's own interface: no one here knows its functions, it is passed through unchanged and unseen.
    Foreign,
    /// A standard list of a version whose layout is not known here.
    Unknown(String),
}

impl Driver {
    /// Loads the driver and asks it for its functions.
    ///
    /// # Errors
    /// One line that says what is wrong with it.
    pub(crate) fn load(path: &Path, entries: &'static Entries) -> Result<Self, String> {
        let shown = path.display();
        if !path.is_absolute() {
            return Err(format!("the driver's path must be absolute: {shown}"));
        }
        let library = library::open(path).map_err(|error| format!("cannot load the driver: {error}"))?;
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
        if ptr::fn_addr_eq(get_function_list, entries.get_function_list) {
            return Err(format!("the driver is this very module: {shown}"));
        }
        let driver = Self {
            get_function_list,
            get_interfaces: get_interface_list.zip(get_interface),
            entries,
            lists: [const { OnceLock::new() }; LISTS],
            first_given: AtomicBool::new(false),
            entering: Mutex::new(Vec::new()),
            _library: library,
        };
        let mut list = ptr::null_mut();
        // SAFETY: a place for one pointer, as the function wants.
        let rv = unsafe { get_function_list(&mut list) };
        // SAFETY: checked to be set after CKR_OK.
        if rv != CKR_OK || list.is_null() || unsafe { driver.wrapped_first(list) }.is_none() {
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
        let theirs = self.list(0).and_then(|list| list.C_Initialize);
        theirs.is_some_and(|theirs| ptr::fn_addr_eq(theirs, self.entries.initialize))
    }

    /// The functions behind the entry points of list `index`.
    pub(crate) fn list(&self, index: usize) -> Option<&FunctionList> {
        match self.lists.get(index)?.get() {
            Some(lists) => Some(&lists.theirs),
            None => None,
        }
    }

    pub(crate) fn has_interfaces(&self) -> bool {
        self.get_interfaces.is_some()
    }

    /// The list that was asked for while loading, once: the driver is asked as often as the application asks.
    pub(crate) fn first_list(&self) -> Option<*const FunctionList> {
        let list = self.lists[0].get()?;
        (!self.first_given.swap(true, Ordering::Relaxed)).then_some(&raw const list.ours)
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

    /// What is handed out in place of the list of C_GetFunctionList: its v2.40 part, whatever version it claims, because
    /// that is what the function hands out (PKCS#11 v3.1 §5.4.4).
    ///
    /// # Safety
    /// `list` is the driver's list.
    pub(crate) unsafe fn wrapped_first(&self, list: *const CK_FUNCTION_LIST) -> Option<*const FunctionList> {
        // SAFETY: the list begins with its version.
        let version = unsafe { list.cast::<CK_VERSION>().read_unaligned() };
        let size = match version.major {
            2 => list_size(version)?,
            _ => size_of::<CK_FUNCTION_LIST>(),
        };
        // SAFETY: the size is that of the list.
        unsafe { self.enter(list.cast(), size) }
    }

    /// What is handed out in place of this interface.
    ///
    /// # Safety
    /// `interface` is one of the driver's.
    pub(crate) unsafe fn wrapped(&self, interface: &CK_INTERFACE) -> Wrapped {
        let (name, list) = (interface.pInterfaceName, interface.pFunctionList);
        // SAFETY: an interface's name is null-terminated (PKCS#11 v3.1 §3.6.2).
        if name.is_null() || list.is_null() || unsafe { CStr::from_ptr(name.cast()) } != STANDARD {
            return Wrapped::Foreign;
        }
        // SAFETY: a standard list begins with its version.
        let version = unsafe { list.cast::<CK_VERSION>().read_unaligned() };
        let unknown = || Wrapped::Unknown(format!("{}.{}", version.major, version.minor));
        let Some(size) = list_size(version) else { return unknown() };
        // SAFETY: the size is that of this version's list.
        unsafe { self.enter(list, size) }.map_or_else(unknown, Wrapped::Ours)
    }

    /// Finds what is handed out in place of the list at `source`, or makes it. Lists are told apart by what is in them:
    /// some drivers make copies of the same one, others put another one where the last was.
    #[inline(never)]
    unsafe fn enter(&self, source: *const c_void, size: usize) -> Option<*const FunctionList> {
        let mut theirs = FunctionList::EMPTY;
        // SAFETY: `size` is at most the size of FunctionList, `source` has that many bytes.
        unsafe { ptr::copy_nonoverlapping(source.cast::<u8>(), (&raw mut theirs).cast::<u8>(), size) };
        let _one_at_a_time = lock_briefly(&self.entering)?;
        for (index, slot) in self.lists.iter().enumerate() {
            if let Some(lists) = slot.get() {
                if lists.size == size && lists.theirs.is_same_as(&theirs) {
                    return Some(&raw const lists.ours);
                }
            } else {
                let ours = (self.entries.wrap)(index, &theirs)?;
                return Some(&raw const slot.get_or_init(|| Box::new(Lists { theirs, ours, size })).ours);
            }
        }
        self.last_like(&theirs, size)
    }

    /// Beyond so many lists, another request leads to the last one: it is a list of this driver's all the same.
    fn last_like(&self, theirs: &FunctionList, size: usize) -> Option<*const FunctionList> {
        static SAID: AtomicBool = AtomicBool::new(false);
        if !SAID.swap(true, Ordering::Relaxed) {
            stderr(&format!("the driver makes more than {LISTS} function lists; the last is used again"));
        }
        let version = |list: &FunctionList| (list.version.major, list.version.minor);
        let like = |lists: &&Lists| lists.size == size && version(&lists.theirs) == version(theirs);
        self.lists
            .iter()
            .rev()
            .filter_map(|slot| slot.get().map(Box::as_ref))
            .find(like)
            .map(|lists| &raw const lists.ours)
    }

    /// The one interface of a driver that has only C_GetFunctionList.
    pub(crate) fn first_interface(&self) -> CK_INTERFACE {
        standard_interface(self.lists[0].get().map_or(ptr::null(), |lists| &raw const lists.ours))
    }

    pub(crate) fn first_version(&self) -> CK_VERSION {
        self.list(0).map_or(CK_VERSION { major: 0, minor: 0 }, |list| list.version)
    }

    /// Keeps an interface for as long as the driver; the same one is kept once. `None`: see [`lock_briefly`].
    pub(crate) fn keep(&self, interface: CK_INTERFACE) -> Option<CK_INTERFACE_PTR> {
        let parts = |one: &CK_INTERFACE| (one.pInterfaceName, one.pFunctionList, one.flags);
        let mut kept = lock_briefly(&self.entering)?;
        let at = match kept.iter().position(|known| parts(&known.0) == parts(&interface)) {
            Some(at) => at,
            None => {
                kept.push(Box::new(Kept(interface)));
                kept.len() - 1
            }
        };
        Some(&raw mut kept.get_mut(at)?.0)
    }
}

/// The interface of the standard's own functions that leads to this list.
pub(crate) fn standard_interface(list: *const FunctionList) -> CK_INTERFACE {
    CK_INTERFACE {
        pInterfaceName: STANDARD.as_ptr().cast_mut().cast(),
        pFunctionList: list.cast_mut().cast(),
        flags: 0,
    }
}

/// # Safety
/// `T` is the type of that symbol.
unsafe fn symbol<T: Copy>(library: &Library, name: &str) -> Option<T> {
    // SAFETY: the caller's word for the type.
    unsafe { library.get::<T>(name) }.ok().map(|symbol| *symbol)
}
