//! The kinds of fault, as data.

/// One kind of fault: what the shim is told, and where it makes sense.
#[derive(Debug, PartialEq, Eq)]
pub struct Fault {
    /// As it stands in the name of a case.
    pub name: &'static str,
    what: &'static str,
    /// A second fault that goes with it.
    beside: &'static str,
    /// Only calls of these functions can be harmed so; all, when there is none.
    only: &'static [&'static str],
    /// Whether it also makes sense from a call on, not only at it.
    sticky: bool,
    /// Whether it is one of those that are swept over what mends an interrupted job, and not only over the renewal.
    compound: bool,
    /// Whether the driver is in a process of its own, so that the fault is that one's.
    hosted: bool,
}

impl Fault {
    const fn at_every_call(name: &'static str, what: &'static str) -> Fault {
        Fault { name, what, beside: "", only: &[], sticky: true, compound: false, hosted: false }
    }

    const fn only_at(name: &'static str, what: &'static str, only: &'static [&'static str]) -> Fault {
        Fault { name, what, beside: "", only, sticky: true, compound: false, hosted: false }
    }

    const fn once(name: &'static str, what: &'static str) -> Fault {
        Fault { name, what, beside: "", only: &[], sticky: false, compound: false, hosted: false }
    }

    const fn hosted(self) -> Fault {
        Fault { hosted: true, ..self }
    }

    const fn compound(self) -> Fault {
        Fault { compound: true, ..self }
    }

    /// The fault with this name.
    pub fn named(name: &str) -> Option<&'static Fault> {
        FAULTS.iter().find(|fault| fault.name == name)
    }

    /// Whether it can harm a call of this function.
    pub fn fits(&self, function: &str) -> bool {
        self.only.is_empty() || self.only.contains(&function)
    }

    /// Whether it can be told to stay.
    pub fn can_stay(&self) -> bool {
        self.sticky
    }

    /// Whether it is swept over what mends an interrupted job.
    pub fn is_compound(&self) -> bool {
        self.compound
    }

    /// Whether the driver is in a process of its own.
    pub fn is_hosted(&self) -> bool {
        self.hosted
    }

    /// Whether the process waits at the call.
    pub fn hangs(&self) -> bool {
        self.what.starts_with("hang")
    }

    /// Whether the process does not come to its end by itself.
    pub fn never_ends(&self) -> bool {
        self.what == "hang"
    }

    /// Whether the driver's process is killed at the call, from outside.
    pub fn kills_host(&self) -> bool {
        self.name == HOST_KILLED
    }

    /// Whether a second job comes meanwhile.
    pub fn has_company(&self) -> bool {
        COMPANY.contains(&self.name)
    }

    /// The configuration of the shim for this fault at a call.
    pub fn spec(&self, call: u64, sticky: bool) -> String {
        let stays = if sticky { ",sticky" } else { "" };
        format!("{call}:{}{stays}{}", self.what, self.beside)
    }
}

/// Another program gives an object of ours another label, between two calls.
pub const CHANGED: &str = "changed";

/// The process of its own that the driver has is sent SIGKILL while it is in a call.
const HOST_KILLED: &str = "host-kill";

/// A second job on the same token comes while the first is at a call, which then goes on, or is killed.
const COMPANY: [&str; 2] = ["second-job", "second-job-kill"];

const VALUES: &[&str] = &["C_GetAttributeValue"];
const SEARCH: &[&str] = &["C_FindObjects"];
const TOKEN: &[&str] = &["C_GetTokenInfo"];
const LOGIN: &[&str] = &["C_Login", "C_SetPIN"];
const CHANGE: &[&str] = &["C_SetPIN"];
const FIND: &[&str] = &["C_FindObjectsInit"];
const DESTROY: &[&str] = &["C_DestroyObject"];
const SET: &[&str] = &["C_SetAttributeValue"];
const GENERATE: &[&str] = &["C_GenerateKeyPair"];
/// Calls between which a removal has read an object and not destroyed it yet.
const READ: &[&str] = &["C_GetAttributeValue", "C_SignInit"];

/// Every kind. The return values stand for what drivers make of them: a failure of the device, a failure of
/// no one knows what, no room, a refusal of attributes, a dead session.
pub const FAULTS: &[Fault] = &[
    Fault::at_every_call("device-error", "ckr=CKR_DEVICE_ERROR").compound(),
    Fault::at_every_call("general-error", "ckr=CKR_GENERAL_ERROR").compound(),
    Fault::at_every_call("no-memory", "ckr=CKR_DEVICE_MEMORY"),
    Fault::at_every_call("attribute-refused", "ckr=CKR_ATTRIBUTE_VALUE_INVALID").compound(),
    Fault::at_every_call("session-invalid", "ckr=CKR_SESSION_HANDLE_INVALID"),
    Fault::only_at("pin-incorrect", "ckr=CKR_PIN_INCORRECT", LOGIN),
    Fault::only_at("pin-locked", "ckr=CKR_PIN_LOCKED", LOGIN),
    Fault::at_every_call("lose", "lose").compound(),
    Fault::at_every_call("lose-general", "lose=CKR_GENERAL_ERROR").compound(),
    Fault::at_every_call("lose-refused", "lose=CKR_ATTRIBUTE_VALUE_INVALID"),
    Fault::once("removed", "remove").compound(),
    Fault::at_every_call("removed-and-back", "remove,back=1").compound(),
    Fault {
        beside: ";C_DestroyObject:ckr=CKR_DEVICE_ERROR,sticky",
        ..Fault::once("no-way-back", "ckr=CKR_DEVICE_ERROR").compound()
    },
    Fault::once("kill-before", "exit").compound(),
    Fault::once("kill-after", "exit-after").compound(),
    Fault::once("kill-hanging", "hang"),
    Fault::once("host-crash", "exit").hosted().compound(),
    Fault::once("host-crash-after", "exit-after").hosted().compound(),
    Fault::once("host-hang", "hang").hosted().compound(),
    Fault::once(HOST_KILLED, "hang").hosted().compound(),
    Fault::once(COMPANY[0], "hang=1500").compound(),
    Fault::once(COMPANY[1], "hang").compound(),
    Fault::only_at("longer", "lie=longer", VALUES).compound(),
    Fault::only_at("absurd", "lie=absurd", VALUES),
    Fault::only_at("truncated", "lie=truncated", VALUES).compound(),
    Fault::only_at("unavailable", "lie=unavailable", VALUES).compound(),
    Fault::only_at("search-all", "otherwise=search-all", FIND).compound(),
    Fault { only: DESTROY, ..Fault::once("destroy-pretends", "ckr=CKR_OK").compound() },
    Fault::only_at("set-refused", "ckr=CKR_ATTRIBUTE_READ_ONLY", SET).compound(),
    Fault::only_at("id-ignored", "otherwise=id-ignored", GENERATE),
    Fault::only_at("id-refused", "otherwise=id-refused", GENERATE),
    Fault { only: READ, ..Fault::once(CHANGED, "otherwise=changed").compound() },
    Fault::only_at("ec-raw", "lie=ec-raw", VALUES),
    Fault::only_at("ec-bit-string", "lie=ec-bit-string", VALUES),
    Fault::only_at("fresh-zero", "lie=fresh-zero", VALUES),
    Fault::only_at("garbage-handles", "lie=garbage-handles", SEARCH).compound(),
    Fault::only_at("more-handles", "lie=more-handles", SEARCH),
    Fault::only_at("pin-pad", "lie=pin-pad", TOKEN),
    Fault::only_at("count-low", "lie=count-low", TOKEN),
    Fault::only_at("final-try", "lie=final-try", TOKEN),
    Fault::only_at("locked", "lie=locked", TOKEN),
    Fault::only_at("to-be-changed", "lie=to-be-changed", TOKEN),
    Fault::only_at("write-protected", "lie=write-protected", TOKEN),
    Fault::only_at("memory-full", "lie=memory-full", TOKEN),
    Fault::only_at("wrong-pin-general", "lie=wrong-pin-general-error", LOGIN),
    Fault::only_at("new-pin-invalid", "ckr=CKR_PIN_INVALID", CHANGE),
    Fault::only_at("new-pin-length", "ckr=CKR_PIN_LEN_RANGE", CHANGE),
    Fault::only_at("new-pin-weak", "ckr=CKR_PIN_TOO_WEAK", CHANGE),
    Fault::only_at("no-change", "ckr=CKR_FUNCTION_NOT_SUPPORTED", CHANGE),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique() {
        for fault in FAULTS {
            assert_eq!(Fault::named(fault.name), Some(fault));
        }
    }

    #[test]
    fn a_fault_is_written_as_the_shim_reads_it() {
        let spec = |name, sticky| Fault::named(name).unwrap().spec(17, sticky);
        assert_eq!(spec("lose", true), "17:lose,sticky");
        assert_eq!(spec("removed-and-back", false), "17:remove,back=1");
        assert!(spec("no-way-back", false).starts_with("17:ckr=CKR_DEVICE_ERROR;C_DestroyObject:"));
    }
}
