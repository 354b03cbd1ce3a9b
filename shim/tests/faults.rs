//! Every fault is seen once, with its effect.

#[macro_use]
mod common;

use common::pkcs11::Pkcs11;
use common::{PIN, Scene, Token, shim};
use std::time::{Duration, Instant};
use usbtoken_pkcs11::types::*;

#[test]
fn a_return_value_comes_without_the_driver() {
    let played = Scene::faults("C_CreateObject:ckr=CKR_DEVICE_MEMORY").play(
        "a_return_value_comes_without_the_driver",
        |p| {
            let session = p.ready();
            assert_eq!(p.create_data(session, "first", b"1"), (CKR_DEVICE_MEMORY, 7));
            assert_eq!(p.create_data(session, "second", b"2").0, CKR_OK);
        },
    );
    let objects = played.token.objects();
    assert!(!objects.contains("first") && objects.contains("second"), "{objects}");
    let told: Vec<_> =
        played.calls_of("C_CreateObject").into_iter().map(|call| (call.rv, call.fault)).collect();
    let fault = "C_CreateObject:ckr=CKR_DEVICE_MEMORY".to_owned();
    assert_eq!(told, [("CKR_DEVICE_MEMORY".to_owned(), Some(fault)), ("CKR_OK".to_owned(), None)]);
}

#[test]
fn the_nth_call_of_all_is_met() {
    let played = Scene::faults("3:ckr=CKR_DEVICE_ERROR").play("the_nth_call_of_all_is_met", |p| {
        assert_eq!(p.initialize(), CKR_OK);
        let slot = p.slots(false)[0];
        assert_eq!(p.token_info(slot).0, CKR_DEVICE_ERROR);
        assert_eq!(p.token_info(slot).0, CKR_OK);
    });
    assert_eq!(played.trace().counted(), 4);
}

#[test]
fn a_sticky_fault_stays_and_another_does_not() {
    Scene::faults("C_GetTokenInfo#2:ckr=0x80000123,sticky").play(
        "a_sticky_fault_stays_and_another_does_not",
        |p| {
            assert_eq!(p.initialize(), CKR_OK);
            let slot = p.slots(false)[0];
            let answers: Vec<_> = (0..4).map(|_| p.token_info(slot).0).collect();
            assert_eq!(answers, [CKR_OK, 0x8000_0123, 0x8000_0123, 0x8000_0123]);
            assert_eq!(p.finalize(), CKR_OK);
        },
    );
}

#[test]
fn a_lost_answer_is_work_done() {
    let played = Scene::faults("C_CreateObject:lose; C_GetAttributeValue:lose=CKR_FUNCTION_FAILED").play(
        "a_lost_answer_is_work_done",
        |p| {
            let session = p.ready();
            // The handle is the caller's old one, as if nothing had come back.
            assert_eq!(p.create_data(session, "done", b"1"), (CKR_DEVICE_REMOVED, 7));
            let (_, _, found) = p.find(session, CKO_DATA);
            let lost = p.ask(session, found[0], CKA_LABEL, Some(10));
            assert_eq!((lost.rv, lost.length), (CKR_FUNCTION_FAILED, 10));
            assert_eq!(p.ask(session, found[0], CKA_LABEL, Some(10)).length, 4);
        },
    );
    assert!(played.token.objects().contains("done"));
}

#[test]
fn a_removed_token_is_gone() {
    Scene::faults("C_SignInit:remove").play("a_removed_token_is_gone", |p| {
        let session = p.ready();
        let slot = p.slot();
        let (_, _, key) = p.generate(session, b"1");
        assert_eq!(p.sign(session, key, &[1; 32]).0, CKR_DEVICE_REMOVED);
        assert_eq!(p.sign(session, key, &[1; 32]).0, CKR_SESSION_HANDLE_INVALID);
        assert!(p.slots(true).is_empty());
        assert!(!p.slots(false).is_empty());
        assert_eq!(p.token_info(slot).0, CKR_TOKEN_NOT_PRESENT);
        assert_eq!(p.open(slot).0, CKR_TOKEN_NOT_PRESENT);
        let mut info = CK_SLOT_INFO::default();
        assert_eq!(call!(p, C_GetSlotInfo(slot, &mut info)), CKR_OK);
        assert_eq!(info.flags & CKF_TOKEN_PRESENT, 0);
        // It does not come back with a fresh start.
        assert_eq!(p.finalize(), CKR_OK);
        assert_eq!(p.initialize(), CKR_OK);
        assert!(p.slots(true).is_empty());
    });
}

#[test]
fn a_token_that_is_back_is_another() {
    Scene::faults("C_SignInit:remove,back=2").play("a_token_that_is_back_is_another", |p| {
        let session = p.ready();
        let slot = p.slot();
        let (_, _, key) = p.generate(session, b"1");
        assert_eq!(p.sign(session, key, &[1; 32]).0, CKR_DEVICE_REMOVED);
        assert_eq!(p.token_info(slot).0, CKR_TOKEN_NOT_PRESENT);
        assert_eq!(p.token_info(slot).0, CKR_TOKEN_NOT_PRESENT);
        assert_eq!(p.token_info(slot).0, CKR_OK);
        // The old session is dead, and no one is logged in.
        assert_eq!(p.sign(session, key, &[1; 32]).0, CKR_SESSION_HANDLE_INVALID);
        let (rv, session) = p.open(slot);
        assert_eq!(rv, CKR_OK);
        assert!(p.find(session, CKO_PRIVATE_KEY).2.is_empty());
        assert_ne!(p.sign(session, key, &[1; 32]).0, CKR_OK, "a handle of before");
        assert_eq!(p.login(session, PIN), CKR_OK);
        assert_eq!(p.sign(session, p.find(session, CKO_PRIVATE_KEY).2[0], &[1; 32]).0, CKR_OK);
    });
}

#[test]
fn a_call_hangs_for_a_while() {
    Scene::faults("C_GetTokenInfo:hang=400").play("a_call_hangs_for_a_while", |p| {
        assert_eq!(p.initialize(), CKR_OK);
        let slot = p.slots(false)[0];
        let started = Instant::now();
        assert_eq!(p.token_info(slot).0, CKR_OK);
        assert!(started.elapsed() >= Duration::from_millis(400));
    });
}

#[test]
fn a_call_that_hangs_holds_up_no_other_thread() {
    Scene::faults("C_GetTokenInfo:hang").play("a_call_that_hangs_holds_up_no_other_thread", |p| {
        assert_eq!(p.initialize(), CKR_OK);
        let slot = p.slots(false)[0];
        std::thread::scope(|scope| {
            scope.spawn(|| p.token_info(slot));
            // Long enough that the other has begun to hang; then this one must not.
            std::thread::sleep(Duration::from_millis(300));
            assert_eq!(p.token_info(slot).0, CKR_OK);
            println!("[the scene was played to its end]");
            std::process::exit(0);
        });
    });
}

#[test]
fn the_process_ends_before_the_work_or_after_it() {
    for (fault, status, done) in
        [("C_CreateObject:exit", 86, false), ("C_CreateObject:exit-after=41", 41, true)]
    {
        let played = Scene::faults(fault).play_until("the_process_ends_before_the_work_or_after_it", |p| {
            let session = p.ready();
            p.create_data(session, "witness", b"1");
        });
        assert_eq!(played.output.status.code(), Some(status), "{fault}");
        assert_eq!(played.token.objects().contains("witness"), done, "{fault}");
        // The last call has left no line, those before it have.
        assert!(played.calls_of("C_CreateObject").is_empty());
        assert_eq!(played.calls_of("C_Login").len(), 1);
    }
}

#[test]
fn lengths_are_lied_about() {
    let faults = "C_GetAttributeValue#1:lie=longer; C_GetAttributeValue#2:lie=absurd; C_GetAttributeValue#3:lie=absurd; \
                  C_GetAttributeValue#4:lie=truncated; C_GetAttributeValue#5:lie=longer";
    Scene::faults(faults).play("lengths_are_lied_about", |p| {
        let session = p.ready();
        let (_, object) = p.create_data(session, "abcdefgh", b"1");
        let longer = p.ask(session, object, CKA_LABEL, Some(8));
        assert_eq!((longer.rv, longer.length, &longer.bytes[..]), (CKR_OK, 8 + 4096, &b"abcdefgh"[..]));
        let absurd = p.ask(session, object, CKA_LABEL, Some(8));
        assert!(
            absurd.rv == CKR_OK
                && absurd.length > isize::MAX as CK_ULONG / 2
                && absurd.length < CK_ULONG::MAX
        );
        assert_eq!(p.ask(session, object, CKA_LABEL, None).length, absurd.length);
        let truncated = p.ask(session, object, CKA_LABEL, Some(8));
        assert_eq!((truncated.rv, truncated.length), (CKR_OK, 4));
        // The question for the length is not lied about: the lie comes with the answer.
        assert_eq!(p.ask(session, object, CKA_LABEL, None).length, 8);
    });
}

#[test]
fn handles_are_lied_about() {
    let faults = "C_FindObjects#2:lie=garbage-handles; C_FindObjects#3:lie=more-handles";
    Scene::faults(faults).play("handles_are_lied_about", |p| {
        let session = p.ready();
        p.create_data(session, "x", b"1");
        let (_, _, real) = p.find(session, CKO_DATA);
        let (rv, count, garbage) = p.find(session, CKO_DATA);
        assert_eq!((rv, count), (CKR_OK, 1));
        assert_ne!(garbage, real);
        assert_eq!(p.ask(session, garbage[0], CKA_LABEL, Some(8)).rv, CKR_OBJECT_HANDLE_INVALID);
        assert_eq!(p.find(session, CKO_DATA).1, 8 + 4096);
        assert_eq!(p.find(session, CKO_DATA).1, 1);
    });
}

#[test]
fn a_search_finds_more_than_was_searched_for() {
    Scene::faults("C_FindObjectsInit#2:otherwise=search-all").play(
        "a_search_finds_more_than_was_searched_for",
        |p| {
            let session = p.ready();
            p.create_data(session, "x", b"1");
            assert_eq!(p.find(session, CKO_CERTIFICATE).1, 0);
            assert_eq!(p.find(session, CKO_CERTIFICATE).1, 1);
            assert_eq!(p.find(session, CKO_CERTIFICATE).1, 0);
        },
    );
}

#[test]
fn an_identifier_that_is_given_may_be_ignored_or_refused() {
    let faults = "C_GenerateKeyPair#2:otherwise=id-ignored; C_GenerateKeyPair#3:otherwise=id-refused";
    Scene::faults(faults).play("an_identifier_that_is_given_may_be_ignored_or_refused", |p| {
        let session = p.ready();
        let (rv, public, _) = p.generate(session, b"1");
        assert_eq!((rv, p.ask(session, public, CKA_ID, Some(8)).length), (CKR_OK, 1));
        let (rv, public, private) = p.generate(session, b"2");
        assert_eq!((rv, p.ask(session, public, CKA_ID, Some(8)).length), (CKR_OK, 0));
        assert_eq!(p.ask(session, private, CKA_ID, Some(8)).length, 0);
        assert_eq!(p.generate(session, b"3").0, CKR_ATTRIBUTE_READ_ONLY);
    });
}

#[test]
fn another_program_changes_what_has_a_record_and_nothing_else() {
    let faults = "C_GetAttributeValue#2:otherwise=changed; C_GetAttributeValue#3:otherwise=changed";
    Scene::faults(faults).play("another_program_changes_what_has_a_record_and_nothing_else", |p| {
        let session = p.ready();
        let (_, ours) = p.create_data(session, "ut2oCdkmc5xQL1FejSvvfVmXjwECAwQF", b"1");
        let (_, other) = p.create_data(session, "notes", b"1");
        let label = |object| p.ask(session, object, CKA_LABEL, Some(64)).length;
        assert_eq!(label(ours), 32);
        assert_eq!(label(ours), "changed by another program".len() as CK_ULONG);
        assert_eq!(label(other), 5);
    });
}

#[test]
fn a_destruction_is_pretended_and_values_are_not_there() {
    let faults = "C_DestroyObject:ckr=CKR_OK; C_GetAttributeValue#1:lie=unavailable";
    let played = Scene::faults(faults).play("a_destruction_is_pretended_and_values_are_not_there", |p| {
        let session = p.ready();
        let (_, object) = p.create_data(session, "stays", b"1");
        let answer = p.ask(session, object, CKA_LABEL, Some(8));
        assert_eq!((answer.rv, answer.length), (CKR_ATTRIBUTE_TYPE_INVALID, CK_UNAVAILABLE_INFORMATION));
        // SAFETY: a session and an object of this module's.
        assert_eq!(unsafe { p.list().C_DestroyObject.unwrap()(session, object) }, CKR_OK);
    });
    assert!(played.token.objects().contains("stays"));
}

#[test]
fn points_come_in_every_dress() {
    let faults = "C_GetAttributeValue#2:lie=ec-raw; C_GetAttributeValue#3:lie=ec-raw; \
                  C_GetAttributeValue#4:lie=ec-bit-string; C_GetAttributeValue#5:lie=ec-bit-string; \
                  C_GetAttributeValue#6:lie=ec-bit-string";
    Scene::faults(faults).play("points_come_in_every_dress", |p| {
        let session = p.ready();
        let (_, public, _) = p.generate(session, b"1");
        let ask = |room| p.ask(session, public, CKA_EC_POINT, room);
        let octets = ask(Some(67));
        assert_eq!((octets.length, octets.bytes[0], octets.bytes[2]), (67, 0x04, 0x04));
        assert_eq!(ask(None).length, 65);
        let raw = ask(Some(100));
        assert_eq!((raw.length, &raw.bytes[..65]), (65, &octets.bytes[2..]));
        assert_eq!(ask(None).length, 68);
        let bits = ask(Some(68));
        assert_eq!(
            (bits.length, &bits.bytes[..3], &bits.bytes[3..]),
            (68, &[3, 66, 0][..], &octets.bytes[2..])
        );
        let small = ask(Some(67));
        assert_eq!((small.rv, small.length), (CKR_BUFFER_TOO_SMALL, CK_ULONG::MAX));
    });
}

#[test]
fn points_come_in_forms_that_nobody_writes_any_more() {
    let faults = "C_GetAttributeValue#2:lie=ec-hybrid; C_GetAttributeValue#3:lie=ec-coordinates; \
                  C_GetAttributeValue#4:lie=ec-coordinates; C_GetAttributeValue#5:lie=lengths-stay";
    Scene::faults(faults).play("points_come_in_forms_that_nobody_writes_any_more", |p| {
        let session = p.ready();
        let (_, public, _) = p.generate(session, b"1");
        let ask = |room| p.ask(session, public, CKA_EC_POINT, room);
        let octets = ask(Some(67));
        let hybrid = ask(Some(67));
        assert_eq!((hybrid.length, hybrid.bytes[2]), (67, 6 + (octets.bytes[66] & 1)));
        assert_eq!(hybrid.bytes[3..], octets.bytes[3..]);
        assert_eq!(ask(None).length, 64);
        assert_eq!(ask(Some(64)).rv, CKR_BUFFER_TOO_SMALL, "the driver writes the whole");
        let stays = ask(Some(100));
        assert_eq!((stays.length, &stays.bytes[..67]), (100, &octets.bytes[..]));
    });
}

#[cfg(target_os = "linux")]
#[test]
fn descriptors_are_closed_and_the_trace_goes_on() {
    let played = Scene::faults("C_GetTokenInfo#2:otherwise=closes-descriptors").play(
        "descriptors_are_closed_and_the_trace_goes_on",
        |p| {
            assert_eq!(p.initialize(), CKR_OK);
            let slot = p.slots(false)[0];
            // Handed over: what is closed behind its back is not closed once more.
            let number = std::os::fd::IntoRawFd::into_raw_fd(std::fs::File::open("/dev/null").unwrap());
            let is_open = || std::path::Path::new("/proc/self/fd").join(number.to_string()).exists();
            assert_eq!(p.token_info(slot).0, CKR_OK);
            assert!(is_open());
            assert_eq!(p.token_info(slot).0, CKR_OK);
            assert!(!is_open());
            assert_eq!(p.finalize(), CKR_OK);
        },
    );
    assert_eq!(played.calls_of("C_Finalize").len(), 1);
}

#[test]
fn what_a_token_states_and_how_its_text_is_written_is_lied_about() {
    let lies = ["nothing-stated", "pin-lengths", "texts-end-with-nul", "label-latin-1"];
    let faults: Vec<_> = (2..).zip(lies).map(|(n, lie)| format!("C_GetTokenInfo#{n}:lie={lie}")).collect();
    Scene::faults(&faults.join(";")).play(
        "what_a_token_states_and_how_its_text_is_written_is_lied_about",
        |p| {
            assert_eq!(p.initialize(), CKR_OK);
            let slot = p.slots(false)[0];
            let truth = p.token_info(slot).1;
            let forgotten = truth.flags & !p.token_info(slot).1.flags;
            assert_eq!(forgotten, CKF_TOKEN_INITIALIZED | CKF_USER_PIN_INITIALIZED);
            let lengths = p.token_info(slot).1;
            assert_eq!((lengths.ulMinPinLen, lengths.ulMaxPinLen), (12, 16));
            let with_nul = p.token_info(slot).1;
            assert_eq!(with_nul.model.last(), Some(&0));
            assert_eq!(with_nul.label.map(|byte| if byte == 0 { b' ' } else { byte }), truth.label);
            assert!(p.token_info(slot).1.label.starts_with(b"B\xE4nk  "));
            assert_eq!(p.token_info(slot).1.label, truth.label);
        },
    );
}

#[test]
fn an_operation_that_failed_may_stay_active() {
    Scene::faults("C_Sign:ckr=CKR_DEVICE_ERROR").play("an_operation_that_failed_may_stay_active", |p| {
        let session = p.ready();
        let (_, _, key) = p.generate(session, b"1");
        assert_eq!(p.sign(session, key, &[1; 32]).0, CKR_DEVICE_ERROR);
        assert_eq!(p.sign(session, key, &[1; 32]).0, CKR_OPERATION_ACTIVE);
    });
}

#[test]
fn fresh_keys_are_denied_until_the_next_start() {
    Scene::faults("*:lie=fresh-zero").play("fresh_keys_are_denied_until_the_next_start", |p| {
        let kinds = [CKA_LOCAL, CKA_ALWAYS_SENSITIVE, CKA_NEVER_EXTRACTABLE, CKA_SENSITIVE];
        let session = p.ready();
        let (_, _, key) = p.generate(session, b"1");
        let said = kinds.map(|kind| p.ask(session, key, kind, Some(1)).bytes[0]);
        assert_eq!(said, [0, 0, 0, 1]);
        assert_eq!(p.finalize(), CKR_OK);
        let session = p.ready();
        let key = p.find(session, CKO_PRIVATE_KEY).2[0];
        assert_eq!(kinds.map(|kind| p.ask(session, key, kind, Some(1)).bytes[0]), [1, 1, 1, 1]);
    });
}

#[test]
fn the_tokens_state_is_lied_about() {
    let lies =
        ["pin-pad", "count-low", "final-try", "locked", "to-be-changed", "write-protected", "memory-full"];
    let faults: Vec<_> = (2..).zip(lies).map(|(n, lie)| format!("C_GetTokenInfo#{n}:lie={lie}")).collect();
    Scene::faults(&faults.join(";")).play("the_tokens_state_is_lied_about", |p| {
        assert_eq!(p.initialize(), CKR_OK);
        let slot = p.slots(false)[0];
        let truth = p.token_info(slot).1;
        let added = || p.token_info(slot).1.flags & !truth.flags;
        assert_eq!(added(), CKF_PROTECTED_AUTHENTICATION_PATH);
        assert_eq!(added(), CKF_USER_PIN_COUNT_LOW);
        assert_eq!(added(), CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_FINAL_TRY);
        assert_eq!(added(), CKF_USER_PIN_LOCKED);
        assert_eq!(added(), CKF_USER_PIN_TO_BE_CHANGED);
        assert_eq!(added(), CKF_WRITE_PROTECTED);
        let full = p.token_info(slot).1;
        assert_eq!((full.ulFreePublicMemory, full.ulFreePrivateMemory), (0, 0));
        assert_eq!(added(), 0);
    });
}

#[test]
fn a_wrong_pin_is_a_general_error() {
    Scene::faults("C_Login:lie=wrong-pin-general-error").play("a_wrong_pin_is_a_general_error", |p| {
        assert_eq!(p.initialize(), CKR_OK);
        let (_, session) = p.open(p.slot());
        assert_eq!(p.login(session, "wrong-pin"), CKR_GENERAL_ERROR);
        assert_eq!(p.login(session, "wrong-pin"), CKR_PIN_INCORRECT);
        assert_eq!(p.login(session, PIN), CKR_OK);
    });
}

#[test]
fn a_pin_pad_takes_the_pin_itself() {
    let faults = format!("*:lie=pin-pad; *:pin-pad={PIN}");
    let played = Scene::faults(&faults).play("a_pin_pad_takes_the_pin_itself", |p| {
        assert_eq!(p.initialize(), CKR_OK);
        let slot = p.slot();
        assert_ne!(p.token_info(slot).1.flags & CKF_PROTECTED_AUTHENTICATION_PATH, 0);
        let (_, session) = p.open(slot);
        assert_eq!(p.login(session, "wrong-pin"), CKR_PIN_INCORRECT);
        assert_eq!(p.login_at_pad(session), CKR_OK);
    });
    common::assert_nowhere(&played.token.trace_text(), PIN.as_bytes(), "the PIN pad's PIN");
}

#[test]
fn a_fault_that_cannot_be_understood_is_refused() {
    let token = Token::new();
    let run = token
        .command_through("pkcs11-tool")
        .arg("--module")
        .arg(shim())
        .arg("-I")
        .env("USBTOKEN_SHIM_FAULT", "C_Login:ckr=CKR_NO_SUCH")
        .output()
        .unwrap();
    assert!(!run.status.success());
    let said = String::from_utf8_lossy(&run.stderr).into_owned();
    assert!(said.contains("usbtoken-shim: fault \"C_Login:ckr=CKR_NO_SUCH\": no return value"), "{said}");
}

#[test]
fn the_same_faults_give_the_same_trace() {
    let play = || {
        let faults = "C_FindObjects:lie=garbage-handles; C_GetAttributeValue:lie=longer; 11:ckr=CKR_DEVICE_ERROR,sticky";
        let played = Scene::faults(faults).play("the_same_faults_give_the_same_trace", |p: &Pkcs11| {
            let session = p.ready();
            let (_, object) = p.create_data(session, "x", b"1");
            p.find(session, CKO_DATA);
            p.ask(session, object, CKA_LABEL, Some(1));
            p.ask(session, object, CKA_LABEL, Some(1));
            p.ask(session, object, CKA_LABEL, Some(1));
        });
        let told = |call: usbtoken_shim::trace::Call| (call.n, call.function, call.rv, call.fault);
        played.trace().calls.into_iter().map(told).collect::<Vec<_>>()
    };
    let first = play();
    assert_eq!(first.iter().filter(|(.., fault)| fault.is_some()).count(), 4, "{first:?}");
    assert_eq!(first, play());
}
