//! Faults: at a chosen call, the driver is made to fail as tokens have been seen to fail.
//!
//! Nothing here is random. The same configuration and the same calls give the same answers.

mod lie;
mod removal;
mod spec;

use crate::call::Call;
use crate::functions::{Function, FunctionList};
use crate::view::{View, read};
use lie::Fresh;
use pkcs11_sys::*;
use removal::Removal;
use spec::{Fault, Kind};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The faults of one process, and what has become of it through them.
pub(crate) struct Faults {
    plan: Vec<Fault>,
    /// Never held while the driver works.
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    removal: Removal,
    fresh: Fresh,
}

unsafe extern "C" {
    /// Ends the process at once: no destructors, no exit handlers, no flushing. As good as a kill.
    safe fn _exit(status: std::ffi::c_int) -> !;
}

impl Faults {
    /// # Errors
    /// One line that names the fault that cannot be understood.
    pub(crate) fn parse(specs: &[String]) -> Result<Self, String> {
        let plan = specs.iter().map(|spec| Fault::parse(spec)).collect::<Result<_, _>>()?;
        Ok(Self { plan, state: Mutex::default() })
    }

    pub(crate) fn any(&self) -> bool {
        !self.plan.is_empty()
    }

    /// The faults as they may be told.
    pub(crate) fn texts(&self) -> Vec<String> {
        self.plan.iter().map(|fault| fault.text.clone()).collect()
    }

    /// Lets a call pass to the driver, or not, or not unharmed. With the return value comes what was done to it.
    pub(crate) fn pass(
        &self,
        call: &Call,
        functions: &FunctionList,
        forward: &dyn Fn() -> CK_RV,
    ) -> (CK_RV, Option<String>) {
        if !self.any() {
            return (forward(), None);
        }
        let struck: Vec<&Fault> = self.plan.iter().filter(|fault| fault.strikes(call)).collect();
        let mut told = Vec::new();
        let rv = self.before(call, functions, &struck, &mut told).unwrap_or_else(|| {
            let saved =
                struck.iter().any(|fault| matches!(fault.kind, Kind::Lose(_))).then(|| Saved::of(call));
            let rv = pin_pad(call, functions, &struck).unwrap_or_else(forward);
            self.after(call, rv, &struck, saved, &mut told)
        });
        (rv, (!told.is_empty()).then(|| told.join("; ")))
    }

    /// What happens instead of the forwarded call.
    fn before(
        &self,
        call: &Call,
        functions: &FunctionList,
        struck: &[&Fault],
        told: &mut Vec<String>,
    ) -> Option<CK_RV> {
        for fault in struck {
            match fault.kind {
                Kind::Hang(None) => loop {
                    std::thread::sleep(Duration::from_secs(3600));
                },
                Kind::Hang(Some(ms)) => std::thread::sleep(Duration::from_millis(ms)),
                Kind::Exit(status) => _exit(status),
                Kind::Remove { back } => {
                    let sessions = self.state().removal.strike(call.ordinal.call, back);
                    removal::close(functions, &sessions);
                }
                _ => continue,
            }
            told.push(fault.text.clone());
        }
        if let Some(rv) = self.state().removal.answer(call) {
            if told.is_empty() {
                told.push("removed".to_owned());
            }
            return Some(rv);
        }
        struck.iter().find_map(|fault| match fault.kind {
            Kind::Ckr(rv) => {
                told.push(fault.text.clone());
                Some(rv)
            }
            _ => None,
        })
    }

    /// What becomes of the driver's answer.
    fn after(
        &self,
        call: &Call,
        mut rv: CK_RV,
        struck: &[&Fault],
        saved: Option<Saved>,
        told: &mut Vec<String>,
    ) -> CK_RV {
        {
            let mut state = self.state();
            state.removal.note(call, rv);
            state.fresh.note(call, rv);
            if state.removal.is_out() && call.function == Function::C_GetSlotInfo && rv == CKR_OK {
                lie::empty_slot(call);
                told.push("removed".to_owned());
            }
        }
        for fault in struck {
            match &fault.kind {
                Kind::Lie(lie) => {
                    let lied = lie.tell(call, rv, &self.state().fresh);
                    if let Some(lied) = lied {
                        rv = lied;
                        told.push(fault.text.clone());
                    }
                }
                Kind::ExitAfter(status) => _exit(*status),
                Kind::Lose(instead) => {
                    if let Some(saved) = &saved {
                        saved.restore(call);
                    }
                    rv = *instead;
                    told.push(fault.text.clone());
                }
                _ => {}
            }
        }
        rv
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A token with a PIN pad takes its PIN there: C_Login with a null PIN is forwarded with the one configured.
fn pin_pad(call: &Call, functions: &FunctionList, struck: &[&Fault]) -> Option<CK_RV> {
    let pin = struck.iter().find_map(|fault| match &fault.kind {
        Kind::PinPad(pin) => Some(pin),
        _ => None,
    })?;
    let ([(_, View::Session(session)), (_, View::User(user)), (_, View::Pin(given))], Function::C_Login) =
        (call.args, call.function)
    else {
        return None;
    };
    if !given.is_null() {
        return None;
    }
    let login = { functions.C_Login }?;
    // SAFETY: the caller's session and user, and a PIN of our own that outlives the call.
    Some(unsafe { login(*session, *user, pin.as_ptr().cast_mut(), pin.len() as CK_ULONG) })
}

/// The handles and lengths that the application held before a call whose answer is to be lost.
struct Saved {
    numbers: Vec<(CK_ULONG_PTR, CK_ULONG)>,
}

impl Saved {
    fn of(call: &Call) -> Self {
        let mut numbers = Vec::new();
        for (_, view) in call.args {
            let pointer = match *view {
                View::NewSession(pointer) | View::NewObject(pointer) | View::Number(pointer) => pointer,
                View::Found(_, _, pointer)
                | View::Output(_, pointer)
                | View::SlotList(_, pointer)
                | View::MechanismList(_, pointer)
                | View::SlotEvent(pointer) => pointer,
                _ => continue,
            };
            numbers.extend(read(pointer).map(|number| (pointer, number)));
        }
        Self { numbers }
    }

    fn restore(&self, call: &Call) {
        for (pointer, number) in &self.numbers {
            // SAFETY: the caller's, read from before the call.
            unsafe { pointer.write_unaligned(*number) };
        }
        lie::restore_lengths(call);
    }
}

impl Fault {
    /// Whether this fault is due at this call.
    fn strikes(&self, call: &Call) -> bool {
        let number = match self.function {
            None => call.ordinal.call,
            Some(function) if function == call.function => call.ordinal.of_function,
            Some(_) => 0,
        };
        number == self.nth || (self.sticky && number > self.nth)
    }
}
