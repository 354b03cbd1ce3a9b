//! Faults: at a chosen call, the driver is made to fail as tokens have been seen to fail.
//!
//! Nothing here is random. The same configuration and the same calls give the same answers.

mod lie;
mod otherwise;
mod removal;
mod spec;

use crate::call::Call;
use crate::call::view::View;
use crate::functions::{Function, FunctionList};
use crate::host::memory::read;
use lie::Fresh;
use removal::Removal;
use spec::{Fault, Kind};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use usbtoken_pkcs11::types::*;

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

/// What a call carries past the driver. Plain values: see [`pass`](crate::pass).
#[derive(Clone, Copy)]
pub(crate) struct Passing {
    /// The faults of the plan that this call meets.
    met: Places,
    /// Those that had an effect.
    injected: Places,
    /// Whether the call met a token that was pulled out before.
    removed: bool,
    saved: Option<Saved>,
}

impl Passing {
    pub(crate) const NONE: Self = Self { met: Places(0), injected: Places(0), removed: false, saved: None };
}

/// Places in the plan, as bits.
#[derive(Clone, Copy)]
struct Places(u64);

impl Places {
    fn has(self, place: usize) -> bool {
        self.0 & 1 << place != 0
    }

    fn add(&mut self, place: usize) {
        self.0 |= 1 << place;
    }
}

/// As many as there are bits.
const MOST_FAULTS: usize = 64;

unsafe extern "C" {
    /// Ends the process at once: no destructors, no exit handlers, no flushing. As good as a kill.
    safe fn _exit(status: std::ffi::c_int) -> !;
}

impl Faults {
    /// # Errors
    /// One line that names the fault that cannot be understood.
    pub(crate) fn parse(specs: &[String]) -> Result<Self, String> {
        if specs.len() > MOST_FAULTS {
            return Err(format!("{} faults are more than {MOST_FAULTS}", specs.len()));
        }
        let plan = specs.iter().map(|spec| Fault::parse(spec)).collect::<Result<_, _>>()?;
        Ok(Self { plan, state: Mutex::default() })
    }

    pub(crate) fn any(&self) -> bool {
        !self.plan.is_empty()
    }

    /// The faults as they may be shown.
    pub(crate) fn texts(&self) -> Vec<String> {
        self.plan.iter().map(|fault| fault.text.clone()).collect()
    }

    /// What was done to a call, for the trace.
    pub(crate) fn text(&self, passing: Passing) -> Option<String> {
        let injected = self.faults_at(passing.injected).map(|(_, fault)| fault.text.as_str());
        let texts: Vec<_> = passing.removed.then_some("removed").into_iter().chain(injected).collect();
        (!texts.is_empty()).then(|| texts.join("; "))
    }

    fn faults_at(&self, places: Places) -> impl Iterator<Item = (usize, &Fault)> {
        self.plan.iter().enumerate().filter(move |(place, _)| places.has(*place))
    }

    /// What happens before the driver is called, or instead of it: then with the answer.
    pub(crate) fn before(&self, call: &Call, functions: &FunctionList) -> (Option<CK_RV>, Passing) {
        let mut passing = Passing::NONE;
        if !self.any() {
            return (None, passing);
        }
        for (place, fault) in self.plan.iter().enumerate().filter(|(_, fault)| fault.is_met_by(call)) {
            passing.met.add(place);
            match fault.kind {
                Kind::Hang(None) => loop {
                    std::thread::sleep(Duration::from_secs(3600));
                },
                Kind::Hang(Some(ms)) => std::thread::sleep(Duration::from_millis(ms)),
                Kind::Exit(status) => _exit(status),
                Kind::Remove { back } => {
                    let sessions = self.state().removal.begin(call.ordinal.call, back);
                    removal::close(functions, &sessions);
                }
                _ => continue,
            }
            passing.injected.add(place);
        }
        let instead = self.instead(call, functions, &mut passing);
        (instead, passing)
    }

    fn instead(&self, call: &Call, functions: &FunctionList, passing: &mut Passing) -> Option<CK_RV> {
        if let Some(rv) = self.state().removal.answer(call) {
            passing.removed = passing.injected.0 == 0;
            return Some(rv);
        }
        let met = passing.met;
        for (place, fault) in self.faults_at(met) {
            match &fault.kind {
                Kind::Ckr(rv) => {
                    passing.injected.add(place);
                    return Some(*rv);
                }
                Kind::Lose(_) if passing.saved.is_none() => passing.saved = Some(Saved::of(call)),
                _ => {}
            }
        }
        for (place, fault) in self.faults_at(met) {
            let Kind::Otherwise(otherwise) = fault.kind else { continue };
            let (answer, had_effect) = otherwise.call(call, functions);
            if had_effect {
                passing.injected.add(place);
            }
            if let Some(rv) = answer {
                let (rv, after) = self.after(call, *passing, rv);
                *passing = after;
                return Some(rv);
            }
        }
        let rv = self.faults_at(met).find_map(|(_, fault)| {
            pin_pad(call, functions, &fault.kind).or_else(|| pad_change(call, functions, &fault.kind))
        })?;
        let (rv, after) = self.after(call, *passing, rv);
        *passing = after;
        Some(rv)
    }

    /// What becomes of the driver's answer.
    pub(crate) fn after(&self, call: &Call, mut passing: Passing, mut rv: CK_RV) -> (CK_RV, Passing) {
        if !self.any() {
            return (rv, passing);
        }
        {
            let mut state = self.state();
            state.removal.note(call, rv);
            state.fresh.note(call, rv);
            if state.removal.is_out() && call.function == Function::C_GetSlotInfo && rv == CKR_OK {
                lie::empty_slot(call);
                passing.removed = true;
            }
        }
        for (place, fault) in self.faults_at(passing.met) {
            match &fault.kind {
                Kind::Lie(lie) => {
                    let Some(lied) = lie.tell(call, rv, &self.state().fresh) else { continue };
                    rv = lied;
                }
                Kind::ExitAfter(status) => _exit(*status),
                Kind::Lose(instead) => {
                    if let Some(saved) = passing.saved {
                        saved.restore(call);
                    }
                    rv = *instead;
                }
                _ => continue,
            }
            passing.injected.add(place);
        }
        (rv, passing)
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A token with a PIN pad takes its PIN there: C_Login with a null PIN is forwarded with the one configured.
fn pin_pad(call: &Call, functions: &FunctionList, fault: &Kind) -> Option<CK_RV> {
    let Kind::PinPad(pin) = fault else { return None };
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

/// The same for a change of the PIN: C_SetPIN with null PINs.
fn pad_change(call: &Call, functions: &FunctionList, fault: &Kind) -> Option<CK_RV> {
    let Kind::PadChange(old, new) = fault else { return None };
    let (
        [(_, View::Session(session)), (_, View::Pin(given_old)), (_, View::Pin(given_new))],
        Function::C_SetPIN,
    ) = (call.args, call.function)
    else {
        return None;
    };
    if !given_old.is_null() || !given_new.is_null() {
        return None;
    }
    let set_pin = { functions.C_SetPIN }?;
    let [old, new] = [old, new].map(|pin| (pin.as_ptr().cast_mut(), pin.len() as CK_ULONG));
    // SAFETY: the caller's session, and PINs of our own that outlive the call.
    Some(unsafe { set_pin(*session, old.0, old.1, new.0, new.1) })
}

/// The handles and lengths that the application held before a call whose answer is to be lost.
#[derive(Clone, Copy)]
struct Saved {
    /// No function writes more than two.
    numbers: [Option<(CK_ULONG_PTR, CK_ULONG)>; 2],
}

impl Saved {
    fn of(call: &Call) -> Self {
        let pointers = call.args.iter().filter_map(|(_, view)| match *view {
            View::NewSession(pointer) | View::NewObject(pointer) | View::Number(pointer) => Some(pointer),
            View::Found(_, _, pointer)
            | View::Output(_, pointer)
            | View::SlotList(_, pointer)
            | View::MechanismList(_, pointer)
            | View::SlotEvent(pointer) => Some(pointer),
            _ => None,
        });
        let mut held = pointers.filter_map(|pointer| read(pointer).map(|number| (pointer, number)));
        Self { numbers: [held.next(), held.next()] }
    }

    fn restore(&self, call: &Call) {
        for (pointer, number) in self.numbers.into_iter().flatten() {
            // SAFETY: the caller's, read from before the call.
            unsafe { pointer.write_unaligned(number) };
        }
        lie::restore_lengths(call);
    }
}

impl Fault {
    /// Whether this fault is due at this call.
    fn is_met_by(&self, call: &Call) -> bool {
        let number = match self.function {
            None => call.ordinal.call,
            Some(function) if function == call.function => call.ordinal.of_function,
            Some(_) => 0,
        };
        number == self.nth || (self.sticky && number > self.nth)
    }
}
