//! Reads a token through the crate cryptoki, which shares nothing with the library under test but
//! the C declarations.

use std::path::Path;

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::object::{Attribute, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::Slot;
use cryptoki::types::AuthPin;

use super::snapshot::Snapshot;

/// A logged-in read-write session.
pub struct Inspector {
    pub(crate) session: Session,
}

impl Inspector {
    /// Everything on the token.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::take(&self.session)
    }

    /// The only object of this class with this CKA_ID.
    pub(crate) fn object(&self, class: ObjectClass, id: &[u8]) -> ObjectHandle {
        let template = [Attribute::Class(class), Attribute::Id(id.to_vec())];
        let found = self.session.find_objects(&template).expect("C_FindObjects");
        assert_eq!(found.len(), 1, "one object {class} with id {id:02x?}");
        found[0]
    }
}

/// Loads a module that no one else in this process uses, logs in to the token with this serial number, runs the
/// work and finalises the module. One `C_Login`; a wrong PIN is a panic, not a second try.
pub fn inspect<R>(module: &Path, serial: &str, pin: &str, work: impl FnOnce(&Inspector) -> R) -> R {
    with_module(module, |pkcs11| logged_in(pkcs11, slot_of(pkcs11, serial), pin, work))
}

/// The same in the slot with this number, for the driver of a token that is no SoftHSM: who asks has made sure that it is the
/// right one. The library under test must have let go of the driver first.
pub fn inspect_slot<R>(module: &Path, slot: u64, pin: &str, work: impl FnOnce(&Inspector) -> R) -> R {
    with_module(module, |pkcs11| {
        let slots = pkcs11.get_slots_with_token().expect("C_GetSlotList");
        let slot = slots.into_iter().find(|one| one.id() == slot).expect("the slot is still there");
        logged_in(pkcs11, slot, pin, work)
    })
}

fn logged_in<R>(pkcs11: &Pkcs11, slot: Slot, pin: &str, work: impl FnOnce(&Inspector) -> R) -> R {
    {
        let session = pkcs11.open_rw_session(slot).expect("C_OpenSession");
        session.login(UserType::User, Some(&AuthPin::from(pin))).expect("C_Login");
        let inspector = Inspector { session };
        let result = work(&inspector);
        inspector.session.logout().expect("C_Logout");
        result
    }
}

/// Loads, initialises, runs, finalises.
pub(crate) fn with_module<R>(module: &Path, work: impl FnOnce(&Pkcs11) -> R) -> R {
    let pkcs11 = Pkcs11::new(module)
        .unwrap_or_else(|error| panic!("the test kit cannot load {}: {error}", module.display()));
    pkcs11.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)).expect("C_Initialize");
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| work(&pkcs11)));
    pkcs11.finalize().expect("C_Finalize");
    result.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

fn slot_of(pkcs11: &Pkcs11, serial: &str) -> Slot {
    let slots = pkcs11.get_slots_with_token().expect("C_GetSlotList");
    let of = |slot: &Slot| pkcs11.get_token_info(*slot).is_ok_and(|info| info.serial_number() == serial);
    slots.into_iter().find(of).unwrap_or_else(|| panic!("no token with the serial number {serial}"))
}
