//! A driver's functions, and the one way in which they are called.

use crate::driver::{Driver, Here};
use crate::failure::{Failure, LoadFailure, Outcome};
use crate::kept::KeptFiles;
use crate::types::{CK_FUNCTION_LIST, CK_OBJECT_HANDLE, CK_SESSION_HANDLE, CK_SLOT_ID, CKR_OK};
use crate::types::{CK_RV, CKR_SESSION_HANDLE_INVALID};
use crate::wire::message::{Answer, Reply, Request};
use std::fs::File;
use std::sync::atomic::{AtomicU32, Ordering};

/// The number of a slot: valid until the slot list is read again, never stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotId(pub CK_SLOT_ID);

/// The handle of an open session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionHandle {
    number: CK_SESSION_HANDLE,
    /// In which of the driver's hosts it was opened: in another one its number is somebody else's.
    host: u64,
}

/// The handle of an object, valid within the driver's present initialisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectHandle(pub CK_OBJECT_HANDLE);

/// A driver's functions. Each method is one function, named after it, and fails with a [`Failure`].
pub struct Functions {
    driver: Driver,
    /// The process that initialised the driver; 0 before that.
    process: AtomicU32,
}

impl Functions {
    /// Of a driver in this process.
    pub(crate) fn here(list: CK_FUNCTION_LIST) -> Self {
        Functions { driver: Driver::Here(Box::new(Here::new(list))), process: AtomicU32::new(0) }
    }

    /// Of a driver that runs in a host of its own. Nothing is started yet.
    #[cfg(target_os = "linux")]
    pub fn hosted(host: crate::HostOptions, driver: &std::path::Path) -> Self {
        let client = crate::client::Client::new(host, driver);
        Functions { driver: Driver::Host(Box::new(client)), process: AtomicU32::new(0) }
    }

    /// Loads the driver where that is not done yet: in its host.
    ///
    /// # Errors
    /// [`LoadFailure`].
    pub fn load(&self) -> Result<(), LoadFailure> {
        match &self.driver {
            Driver::Here(_) => Ok(()),
            #[cfg(target_os = "linux")]
            Driver::Host(client) => client.start(),
        }
    }

    /// Ends the driver's host, where it has one.
    pub(super) fn end_host(&self) {
        match &self.driver {
            Driver::Here(_) => {}
            #[cfg(target_os = "linux")]
            Driver::Host(client) => client.end(),
        }
    }

    /// Whether the driver runs in a host, where each message costs time.
    pub(super) fn is_hosted(&self) -> bool {
        !matches!(self.driver, Driver::Here(_))
    }

    /// The function that a thread of this process is in, where the driver has a host and that function may take minutes, and the
    /// thread. Until it has returned, another call waits.
    pub fn lasting_call(&self) -> Option<(&'static str, std::thread::ThreadId)> {
        match &self.driver {
            Driver::Here(_) => None,
            #[cfg(target_os = "linux")]
            Driver::Host(client) => client.lasting_call(),
        }
    }

    /// The function that a thread of this process is in, where the driver has a host, and the thread.
    pub fn call_now(&self) -> Option<(&'static str, std::thread::ThreadId)> {
        match &self.driver {
            Driver::Here(_) => None,
            #[cfg(target_os = "linux")]
            Driver::Host(client) => client.call(),
        }
    }

    /// Has the call that this thread is in end at once, with the driver's host: nobody waits for it. One that writes goes on. Returns
    /// whether the thread is in a call to a host.
    pub fn give_up(&self, thread: std::thread::ThreadId) -> bool {
        match &self.driver {
            Driver::Here(_) => false,
            #[cfg(target_os = "linux")]
            Driver::Host(client) => client.give_up(thread),
        }
    }

    /// Whether the driver's host has ended, so that it has to be loaded and initialised anew.
    pub fn has_ended(&self) -> bool {
        match &self.driver {
            Driver::Here(_) => false,
            #[cfg(target_os = "linux")]
            Driver::Host(client) => client.has_ended(),
        }
    }

    /// Has the driver's process keep these files open until what this returns goes: a lock on one of them is then held for as
    /// long as either process is there.
    ///
    /// # Errors
    /// That the driver's host has ended.
    pub fn keep(&self, files: Vec<File>) -> Outcome<KeptFiles<'_>> {
        match &self.driver {
            Driver::Here(_) => Ok(KeptFiles::here()),
            #[cfg(target_os = "linux")]
            Driver::Host(client) => client.keep(files),
        }
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

    /// Refuses to initialise a driver in a forked child whose parent had it initialised when it forked: some drivers take that for
    /// done, and log nobody in who is logged in there. A host knows by itself whose it is, and a new one has nothing of a parent's.
    ///
    /// # Errors
    /// [`Failure::Forked`].
    pub(super) fn not_inherited(&self, function: &'static str) -> Outcome<()> {
        if self.is_hosted() { Ok(()) } else { self.same_process(function) }
    }

    /// From now on the driver belongs to this process.
    pub(super) fn belongs_here(&self) {
        self.process.store(std::process::id(), Ordering::Relaxed);
    }

    /// From now on the driver is initialised in no process.
    pub(super) fn belongs_to_none(&self) {
        self.process.store(0, Ordering::Relaxed);
    }

    /// Calls a function in the process that initialised the driver, where the driver has it, and gives whatever came of it.
    pub(super) fn perform(&self, request: &Request<'_>) -> Outcome<Reply<'static>> {
        self.same_process(request.function())?;
        self.driver.perform(request)
    }

    /// As [`Functions::perform`], in any process.
    pub(super) fn perform_anywhere(&self, request: &Request<'_>) -> Outcome<Reply<'static>> {
        self.driver.perform(request)
    }

    /// As [`Functions::perform`]; a return value but CKR_OK is a failure.
    pub(super) fn call(&self, request: &Request<'_>) -> Outcome<Answer<'static>> {
        let reply = self.perform(request)?;
        checked(request.function(), reply.rv).map(|()| reply.answer)
    }

    /// The number of a session, where it was opened.
    pub(super) fn session(
        &self,
        function: &'static str,
        session: SessionHandle,
    ) -> Outcome<CK_SESSION_HANDLE> {
        if session.host == self.host() {
            Ok(session.number)
        } else {
            Err(Failure::Returned { function, rv: CKR_SESSION_HANDLE_INVALID })
        }
    }

    pub(super) fn opened(&self, number: CK_SESSION_HANDLE) -> SessionHandle {
        SessionHandle { number, host: self.host() }
    }

    /// Which of the driver's hosts this is.
    fn host(&self) -> u64 {
        match &self.driver {
            Driver::Here(_) => 0,
            #[cfg(target_os = "linux")]
            Driver::Host(client) => client.number(),
        }
    }
}

/// A return value but CKR_OK is a failure.
pub(super) fn checked(function: &'static str, rv: CK_RV) -> Outcome<()> {
    if rv == CKR_OK { Ok(()) } else { Err(Failure::Returned { function, rv }) }
}

/// What an answer is not, although it was asked for: a driver host has checked that before ([`Answer::fits`]).
pub(super) fn another_answer(function: &'static str) -> Failure {
    Failure::Misbehaved { function, rv: CKR_OK, how: "another answer".into() }
}
