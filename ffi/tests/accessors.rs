//! What an accessor of a list costs does not depend on how long the list is: nothing is cloned but what is asked for. Bytes are counted by
//! the allocator of this program, which calls the functions of the C interface from Rust.

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::mem::MaybeUninit;

use common::Stage;
use usbtoken_ffi::base::status::{USBTOKEN_OK, usbtoken_status};
use usbtoken_ffi::find::context::{usbtoken_context_add_driver, usbtoken_context_new};
use usbtoken_ffi::find::token::usbtoken_find;
use usbtoken_ffi::job::credential::{
    USBTOKEN_CREDENTIAL_NOT_AFTER, USBTOKEN_CREDENTIAL_SERIAL, usbtoken_credential_number,
    usbtoken_credential_text, usbtoken_credentials, usbtoken_credentials_at, usbtoken_credentials_by_id,
    usbtoken_credentials_by_serial, usbtoken_credentials_count, usbtoken_credentials_unreadable,
};
use usbtoken_ffi::job::login::usbtoken_login;
use usbtoken_ffi::job::pending::{
    USBTOKEN_PENDING_ID, usbtoken_pending_list, usbtoken_pending_list_at, usbtoken_pending_list_count,
    usbtoken_pending_text,
};
use usbtoken_ffi::job::session::{usbtoken_session_credentials, usbtoken_session_pending};
use usbtoken_testkit::{Kind, NameDer, Text, days_from_now, serial_hex};

struct Counting;

thread_local! {
    static BYTES: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: every call goes to the system's allocator as it came; the count allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = BYTES.try_with(|bytes| bytes.set(bytes.get() + layout.size()));
        // SAFETY: the caller keeps to what GlobalAlloc demands.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps to what GlobalAlloc demands.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The bytes that a call allocates in this thread: the least of some, since now and then a table of handles grows.
fn bytes<T>(mut call: impl FnMut() -> T) -> usize {
    let once = |_| {
        let before = BYTES.get();
        call();
        BYTES.get() - before
    };
    (0..5).map(once).min().unwrap()
}

/// What a function gives through its last argument.
fn given<T>(call: impl FnOnce(Option<&mut MaybeUninit<*mut T>>) -> usbtoken_status) -> *mut T {
    let mut out = MaybeUninit::new(std::ptr::null_mut());
    assert_eq!(call(Some(&mut out)), USBTOKEN_OK);
    // SAFETY: it was initialised with NULL.
    unsafe { out.assume_init() }
}

struct Lists {
    credentials: *const usbtoken_credentials,
    pending: *const usbtoken_pending_list,
}

fn lists(stage: &Stage) -> Lists {
    let (module, uri) = (stage.token.module().display().to_string(), stage.token.uri());
    let pin = stage.token.pin();
    // SAFETY: handles of this interface, and texts with their lengths.
    unsafe {
        let context = given(|out| usbtoken_context_new(std::ptr::null(), out));
        let added = usbtoken_context_add_driver(context, module.as_ptr().cast(), module.len());
        assert_eq!(added, USBTOKEN_OK);
        let token = given(|out| usbtoken_find(context, uri.as_ptr().cast(), uri.len(), out));
        let session = given(|out| usbtoken_login(token, pin.as_ptr().cast(), pin.len(), 0, out));
        let credentials = given(|out| usbtoken_session_credentials(session, out));
        let pending = given(|out| usbtoken_session_pending(session, out));
        Lists { credentials, pending }
    }
}

/// Certificates and keys that wait, with these numbers.
fn add(stage: &Stage, serial: &str, spki: &[u8], numbers: std::ops::Range<u8>) {
    let waiting = format!("usbtoken:20261101:renews:{serial}");
    stage.token.inspect(|inspector| {
        for at in numbers {
            let name = NameDer::new().common(Text::Utf8, "another").to_der();
            let der = stage.ca.issue(&name, spki).not_after(days_from_now(200)).der();
            inspector.write_certificate(&der, &[0x70, at], "another");
            inspector.generate_pair_beside(Kind::P256, &[0x71, at], &waiting);
        }
    });
}

/// Of a token with so many of both, and the certificate with this serial number and identifier.
fn costs(stage: &Stage, serial: &str, id: &[u8], others: usize) -> Vec<(&'static str, usize)> {
    let Lists { credentials, pending } = lists(stage);
    // SAFETY: handles of this interface, and texts with their lengths.
    unsafe {
        assert_eq!(usbtoken_credentials_count(credentials), others + 1);
        assert_eq!(usbtoken_pending_list_count(pending), others);
        let first = given(|out| {
            usbtoken_credentials_by_serial(credentials, serial.as_ptr().cast(), serial.len(), out)
        });
        let key = given(|out| usbtoken_pending_list_at(pending, 0, out));
        // Texts are made when they are asked for first.
        assert!(!usbtoken_credential_text(first, USBTOKEN_CREDENTIAL_SERIAL).is_null());
        assert!(!usbtoken_pending_text(key, USBTOKEN_PENDING_ID).is_null());
        vec![
            ("count", bytes(|| usbtoken_credentials_count(credentials))),
            ("unreadable", bytes(|| usbtoken_credentials_unreadable(credentials))),
            ("text", bytes(|| usbtoken_credential_text(first, USBTOKEN_CREDENTIAL_SERIAL))),
            ("number", bytes(|| usbtoken_credential_number(first, USBTOKEN_CREDENTIAL_NOT_AFTER))),
            ("pending count", bytes(|| usbtoken_pending_list_count(pending))),
            ("pending text", bytes(|| usbtoken_pending_text(key, USBTOKEN_PENDING_ID))),
            ("at", bytes(|| given(|out| usbtoken_credentials_at(credentials, 0, out)))),
            (
                "by_id",
                bytes(|| given(|out| usbtoken_credentials_by_id(credentials, id.as_ptr(), id.len(), out))),
            ),
            (
                "by_serial",
                bytes(|| {
                    let text = (serial.as_ptr().cast(), serial.len());
                    given(|out| usbtoken_credentials_by_serial(credentials, text.0, text.1, out))
                }),
            ),
            ("pending at", bytes(|| given(|out| usbtoken_pending_list_at(pending, 0, out)))),
        ]
    }
}

#[test]
fn an_accessor_costs_the_same_of_a_long_list() {
    let stage = Stage::set();
    let objects = stage.token.snapshot();
    let old = objects.of_class("CKO_CERTIFICATE").next().unwrap();
    let serial = serial_hex(old.bytes("Value").unwrap());
    let spki = stage.token.inspect(|inspector| inspector.generate_pair(Kind::P256, b"another", "another"));
    add(&stage, &serial, &spki, 0..1);
    let short = costs(&stage, &serial, &old.id, 1);
    add(&stage, &serial, &spki, 1..40);
    let long = costs(&stage, &serial, &old.id, 40);
    for ((name, few), (_, many)) in short.iter().zip(&long) {
        // What the table of handles takes varies; a copy of the list is thousands.
        assert!(*many < few + 500, "{name}: {few}, {many}");
    }
    let free = short.iter().take(6).map(|(_, bytes)| *bytes);
    assert_eq!(free.sum::<usize>(), 0, "{short:?}");
}
