//! A driver's function list, and the one way in which a function of it is called.

use crate::failure::{Failure, Outcome};
use crate::types::{CK_FUNCTION_LIST, CK_OBJECT_HANDLE, CK_SESSION_HANDLE, CK_SLOT_ID};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The number of a slot: valid until the slot list is read again, never stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotId(pub CK_SLOT_ID);

/// The handle of an open session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionHandle(pub CK_SESSION_HANDLE);

/// The handle of an object, valid within the driver's present initialisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectHandle(pub CK_OBJECT_HANDLE);

/// A driver's functions. Each method is one function, named after it, and fails with a [`Failure`].
pub struct Functions {
    pub(super) list: CK_FUNCTION_LIST,
    /// The process that initialised the driver; 0 before that.
    process: AtomicU32,
    /// Whether the driver cannot lock, so that only one thread may be in it at a time.
    one_thread: AtomicBool,
    turn: Mutex<()>,
}

/// Calls a function of the list: in the process that initialised the driver, and where the driver has it. A return value
/// but CKR_OK is a failure.
macro_rules! call {
    ($functions:expr, $name:ident $arguments:tt) => {
        $functions.same_process(stringify!($name)).and_then(|()| call!(anywhere $functions, $name $arguments))
    };
    (anywhere $functions:expr, $name:ident ( $($argument:expr),* $(,)? )) => {{
        let function = stringify!($name);
        let _turn = $functions.turn();
        let _caught = $crate::calls::broken_pipe::BrokenPipe::caught();
        match $functions.list.$name {
            // SAFETY: the function comes from the driver's own list. The pointers among the arguments point to
            // live buffers whose lengths stand beside them, or are null where PKCS#11 allows it; each is
            // borrowed only for this call.
            Some(entry) => match unsafe { entry($($argument),*) } {
                $crate::types::CKR_OK => Ok(()),
                rv => Err($crate::failure::Failure::Returned { function, rv }),
            },
            None => Err($crate::failure::Failure::Missing { function }),
        }
    }};
}
pub(super) use call;

impl Functions {
    pub(crate) fn new(list: CK_FUNCTION_LIST) -> Self {
        let (process, one_thread) = (AtomicU32::new(0), AtomicBool::new(false));
        Functions { list, process, one_thread, turn: Mutex::new(()) }
    }

    /// Refuses a call in a forked child: handles, locks and the connection to the device belong to the parent.
    ///
    /// # Errors
    /// [`Failure::Forked`].
    pub fn same_process(&self, function: &'static str) -> Outcome<()> {
        let initialised_by = self.process.load(Ordering::Relaxed);
        if initialised_by == 0 || initialised_by == std::process::id() {
            Ok(())
        } else {
            Err(Failure::Forked { function })
        }
    }

    /// Says whether the driver does its own locking.
    pub(super) fn locks(&self, itself: bool) {
        self.one_thread.store(!itself, Ordering::SeqCst);
    }

    /// The turn of this thread in a driver that cannot lock, kept for one call.
    pub(super) fn turn(&self) -> Option<MutexGuard<'_, ()>> {
        let alone = self.one_thread.load(Ordering::SeqCst);
        alone.then(|| self.turn.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// From now on the driver belongs to this process.
    pub(super) fn belongs_here(&self) {
        self.process.store(std::process::id(), Ordering::Relaxed);
    }
}
