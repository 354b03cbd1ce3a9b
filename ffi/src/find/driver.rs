//! Drivers: which of them are there, and which of them work.

use std::ffi::c_char;
use std::mem::MaybeUninit;
use std::ptr;

use usbtoken::discovery::{Loaded, Probed};
use usbtoken::error::Step;
use usbtoken::renewal::Progress;

use crate::base::args;
use crate::base::boundary;
use crate::base::callbacks::Host;
use crate::base::details::Details;
use crate::base::handle::{self, Noun};
use crate::base::status::{UNKNOWN, usbtoken_status};
use crate::base::text::Texts;
use crate::find::context::{Context, usbtoken_context};
use crate::values::error::usbtoken_error;

/// The drivers (PKCS#11 modules) that were asked, those that cannot be used among them.
pub struct usbtoken_drivers(());

/// usbtoken_drivers_text: the path, as it was named.
pub const USBTOKEN_DRIVER_PATH: u32 = 1;
/// usbtoken_drivers_text: who named it: "explicit", "environment", "p11_kit", "user" or "catalogue".
pub const USBTOKEN_DRIVER_ORIGIN: u32 = 2;
/// usbtoken_drivers_text: the file of p11-kit's configuration, or the entry of a catalogue, that names it.
pub const USBTOKEN_DRIVER_NAMED_IN: u32 = 3;
/// usbtoken_drivers_text: who made the driver.
pub const USBTOKEN_DRIVER_MANUFACTURER: u32 = 4;
/// usbtoken_drivers_text: what the driver calls itself.
pub const USBTOKEN_DRIVER_DESCRIPTION: u32 = 5;
/// usbtoken_drivers_text: the driver's own version, such as "2.6".
pub const USBTOKEN_DRIVER_VERSION: u32 = 6;
/// usbtoken_drivers_text: the version of PKCS#11 that it speaks, such as "2.40".
pub const USBTOKEN_DRIVER_PKCS11_VERSION: u32 = 7;

/// usbtoken_drivers_number: how many tokens it sees, blank ones too.
pub const USBTOKEN_DRIVER_TOKENS: u32 = 1;
/// usbtoken_drivers_number: how many milliseconds it took to check, load and initialise it.
pub const USBTOKEN_DRIVER_MILLISECONDS: u32 = 2;

/// The drivers, in the order in which they were asked.
pub(crate) struct DriverList {
    drivers: Vec<Driver>,
    host: Host,
}

struct Driver {
    texts: Texts,
    tokens: Option<i64>,
    milliseconds: Option<i64>,
    error: Option<Details>,
}

impl Noun for DriverList {
    type Opaque = usbtoken_drivers;

    fn host(&self) -> Option<&Host> {
        Some(&self.host)
    }
}

impl Driver {
    fn new(Probed { candidate, outcome }: Probed) -> Self {
        let texts = Texts::default()
            .with(USBTOKEN_DRIVER_PATH, candidate.path.to_string_lossy())
            .with(USBTOKEN_DRIVER_ORIGIN, candidate.origin.to_string())
            .with_some(USBTOKEN_DRIVER_NAMED_IN, candidate.origin.named_in());
        match outcome {
            Ok(loaded) => Self::working(texts, &loaded),
            Err(error) => {
                Driver { texts, tokens: None, milliseconds: None, error: Some(Details::new(error)) }
            }
        }
    }

    fn working(mut texts: Texts, loaded: &Loaded) -> Self {
        if let Ok(info) = loaded.module.info() {
            let version = |(major, minor): (u8, u8)| format!("{major}.{minor}");
            texts = texts
                .with(USBTOKEN_DRIVER_MANUFACTURER, info.manufacturer)
                .with(USBTOKEN_DRIVER_DESCRIPTION, info.description)
                .with(USBTOKEN_DRIVER_VERSION, version(info.version))
                .with(USBTOKEN_DRIVER_PKCS11_VERSION, version(info.cryptoki_version));
        }
        Driver {
            texts,
            tokens: i64::try_from(loaded.tokens.len()).ok(),
            milliseconds: i64::try_from(loaded.took.as_millis()).ok(),
            error: None,
        }
    }
}

/// Loads every driver that would be asked for tokens, and tells what came of it. A driver that cannot be used is in
/// the list with the reason; a list without any driver is no failure of the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_list_drivers(
    context: *const usbtoken_context,
    out: Option<&mut MaybeUninit<*mut usbtoken_drivers>>,
) -> usbtoken_status {
    boundary::on::<Context>(context, |context| {
        boundary::give::<DriverList>(out, || {
            let shared = &context.0;
            shared.host.step(Step::FindDrivers);
            let drivers = shared.finder().survey()?.drivers;
            let drivers = drivers.into_iter().map(Driver::new).collect();
            Ok(DriverList { drivers, host: shared.host.clone() })
        })
    })
}

/// How many drivers the list has.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_drivers_count(drivers: *const usbtoken_drivers) -> usize {
    boundary::read::<DriverList, _>(drivers, 0, |list| Some(list.drivers.len()))
}

/// A text about the driver at this place, from 0: `field` is USBTOKEN_DRIVER_PATH …. NULL for what it does not tell.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_drivers_text(
    drivers: *const usbtoken_drivers,
    index: usize,
    field: u32,
) -> *const c_char {
    boundary::read::<DriverList, _>(drivers, ptr::null(), |list| {
        Some(list.drivers.get(index)?.texts.utf8(field))
    })
}

/// As usbtoken_drivers_text, in UTF-16.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_drivers_text_utf16(
    drivers: *const usbtoken_drivers,
    index: usize,
    field: u32,
) -> *const u16 {
    boundary::read::<DriverList, _>(drivers, ptr::null(), |list| {
        Some(list.drivers.get(index)?.texts.utf16(field))
    })
}

/// A number about the driver at this place, from 0: `field` is USBTOKEN_DRIVER_TOKENS …. USBTOKEN_UNKNOWN for a driver
/// that cannot be used.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_drivers_number(
    drivers: *const usbtoken_drivers,
    index: usize,
    field: u32,
) -> i64 {
    boundary::read::<DriverList, _>(drivers, UNKNOWN, |list| {
        let driver = list.drivers.get(index)?;
        match field {
            USBTOKEN_DRIVER_TOKENS => driver.tokens,
            USBTOKEN_DRIVER_MILLISECONDS => driver.milliseconds,
            _ => None,
        }
    })
}

/// Why the driver at this place cannot be used; writes NULL when it can, and after the last.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_drivers_error(
    drivers: *const usbtoken_drivers,
    index: usize,
    out: Option<&mut MaybeUninit<*mut usbtoken_error>>,
) -> usbtoken_status {
    boundary::on::<DriverList>(drivers, |list| {
        let out = args::required("out", out)?;
        let error = list.drivers.get(index).and_then(|driver| driver.error.clone());
        out.write(error.map_or(Ok(ptr::null_mut()), handle::give)?);
        Ok(())
    })
}

/// Ends the handle and sets the pointer to NULL. Accepts NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_drivers_free(drivers: Option<&mut *mut usbtoken_drivers>) {
    boundary::free::<DriverList>(drivers);
}
