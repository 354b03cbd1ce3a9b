//! Devices and drivers: what is plugged in, before any driver is involved.

use std::ffi::c_char;
use std::mem::MaybeUninit;
use std::path::{Path, PathBuf};
use std::ptr;

use usbtoken::doctor::{self, Inventory, State};
use usbtoken::driver::candidates::{Search, candidates};
use usbtoken::driver::catalogue::{Catalogue, Machine, user_file};
use usbtoken::driver::p11kit;
use usbtoken::error::{Result, Step};
use usbtoken::renewal::Progress;
use usbtoken::usb;

use crate::boundary;
use crate::callbacks::Host;
use crate::context::{Context, usbtoken_context};
use crate::handle::Noun;
use crate::status::usbtoken_status;
use crate::text::Texts;

/// The devices that are plugged in and may be tokens.
pub struct usbtoken_devices(());

/// usbtoken_devices_text: its name: what it tells itself, else what is known of it.
pub const USBTOKEN_DEVICE_NAME: u32 = 1;
/// usbtoken_devices_text: its USB numbers, such as "0529:0620".
pub const USBTOKEN_DEVICE_USB_ID: u32 = 2;
/// usbtoken_devices_text: the maker's name, as the device tells it.
pub const USBTOKEN_DEVICE_MANUFACTURER: u32 = 3;
/// usbtoken_devices_text: the product's name, as the device tells it.
pub const USBTOKEN_DEVICE_PRODUCT: u32 = 4;
/// usbtoken_devices_text: the device's serial number, which is not the token's.
pub const USBTOKEN_DEVICE_SERIAL: u32 = 5;
/// usbtoken_devices_text: the families of tokens it may belong to, one a line.
pub const USBTOKEN_DEVICE_FAMILIES: u32 = 6;
/// usbtoken_devices_text: the drivers: those that are installed, or those that are wanted, one a line.
pub const USBTOKEN_DEVICE_DRIVERS: u32 = 7;

/// usbtoken_devices_state: there is no such device.
pub const USBTOKEN_DEVICE_NONE: u32 = 0;
/// usbtoken_devices_state: a driver for it is installed.
pub const USBTOKEN_DEVICE_DRIVER_INSTALLED: u32 = 1;
/// usbtoken_devices_state: its driver is not installed.
pub const USBTOKEN_DEVICE_DRIVER_MISSING: u32 = 2;
/// usbtoken_devices_state: a smart-card interface that is not known: a card reader, or a token of another maker.
pub const USBTOKEN_DEVICE_UNKNOWN: u32 = 3;

/// The devices, as they were when they were listed.
pub(crate) struct DeviceList {
    devices: Vec<(u32, Texts)>,
    host: Host,
}

impl Noun for DeviceList {
    type Opaque = usbtoken_devices;

    fn host(&self) -> Option<&Host> {
        Some(&self.host)
    }
}

/// The drivers of this machine: the user's own, p11-kit's, and those of the catalogue that are installed.
fn known_drivers(machine: &Machine, catalogue: &Catalogue) -> Vec<PathBuf> {
    let configured = p11kit::read(&p11kit::Folders::usual(machine), &p11kit::this_program());
    let search = Search { explicit: &[], machine, p11kit: &configured.modules, catalogue };
    let found = candidates(&search, |path: &Path| path.canonicalize().ok());
    found.into_iter().map(|candidate| candidate.path).collect()
}

fn catalogue(machine: &Machine) -> Result<Catalogue> {
    match user_file(machine) {
        Some(file) => Catalogue::builtin().with_user_file(&file),
        None => Ok(Catalogue::builtin().clone()),
    }
}

impl DeviceList {
    fn read(host: &Host) -> Result<Self> {
        host.step(Step::ListDevices);
        let machine = Machine::current();
        let catalogue = catalogue(&machine)?;
        let drivers = known_drivers(&machine, &catalogue);
        let devices = usb::devices()?;
        // No driver is asked here, so none is known to see a token.
        let inventory =
            Inventory { catalogue: &catalogue, machine: &machine, drivers: &drivers, tokens: &[] };
        let findings = doctor::presence(&devices, &inventory);
        Ok(DeviceList { devices: findings.iter().map(describe).collect(), host: host.clone() })
    }
}

fn describe(finding: &doctor::Finding<'_>) -> (u32, Texts) {
    let lines = |paths: &[PathBuf]| {
        paths.iter().map(|path| path.to_string_lossy().into_owned()).collect::<Vec<_>>().join("\n")
    };
    let (state, drivers) = match &finding.state {
        State::Seen { driver } => (USBTOKEN_DEVICE_DRIVER_INSTALLED, driver.to_string_lossy().into_owned()),
        State::SomeSeen { .. } => (USBTOKEN_DEVICE_DRIVER_INSTALLED, String::new()),
        State::NotSeen { drivers } => (USBTOKEN_DEVICE_DRIVER_INSTALLED, lines(drivers)),
        State::DriverMissing { wanted } => {
            let files: Vec<&str> = wanted.iter().map(|wanted| wanted.file.as_str()).collect();
            (USBTOKEN_DEVICE_DRIVER_MISSING, files.join("\n"))
        }
        State::UnknownSmartCard { drivers } => (USBTOKEN_DEVICE_UNKNOWN, lines(drivers)),
    };
    let device = finding.device;
    let families: Vec<&str> = finding.families.iter().map(|family| family.name.as_str()).collect();
    let texts = Texts::default()
        .with(USBTOKEN_DEVICE_NAME, finding.name.as_str())
        .with(USBTOKEN_DEVICE_USB_ID, device.usb.to_string())
        .with_some(USBTOKEN_DEVICE_MANUFACTURER, device.manufacturer.as_deref())
        .with_some(USBTOKEN_DEVICE_PRODUCT, device.product.as_deref())
        .with_some(USBTOKEN_DEVICE_SERIAL, device.serial.as_deref())
        .with(USBTOKEN_DEVICE_FAMILIES, families.join("\n"))
        .with(USBTOKEN_DEVICE_DRIVERS, drivers);
    (state, texts)
}

/// Lists the devices on the USB ports that may be tokens. No device is opened, no driver is loaded.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_list_devices(
    context: *const usbtoken_context,
    out: Option<&mut MaybeUninit<*mut usbtoken_devices>>,
) -> usbtoken_status {
    boundary::on::<Context>(context, |context| {
        boundary::give::<DeviceList>(out, || DeviceList::read(&context.0.host))
    })
}

/// How many devices the list has.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_devices_count(devices: *const usbtoken_devices) -> usize {
    boundary::read::<DeviceList, _>(devices, 0, |list| Some(list.devices.len()))
}

/// What is to be said about the device at this place, from 0: USBTOKEN_DEVICE_DRIVER_INSTALLED ….
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_devices_state(devices: *const usbtoken_devices, index: usize) -> u32 {
    boundary::read::<DeviceList, _>(devices, USBTOKEN_DEVICE_NONE, |list| Some(list.devices.get(index)?.0))
}

/// A text about the device at this place, from 0: `field` is USBTOKEN_DEVICE_NAME …. NULL for what it does not
/// tell.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_devices_text(
    devices: *const usbtoken_devices,
    index: usize,
    field: u32,
) -> *const c_char {
    boundary::read::<DeviceList, _>(devices, ptr::null(), |list| Some(list.devices.get(index)?.1.utf8(field)))
}

/// As usbtoken_devices_text, in UTF-16.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_devices_text_utf16(
    devices: *const usbtoken_devices,
    index: usize,
    field: u32,
) -> *const u16 {
    boundary::read::<DeviceList, _>(devices, ptr::null(), |list| {
        Some(list.devices.get(index)?.1.utf16(field))
    })
}

/// Ends the handle and sets the pointer to NULL. Accepts NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_devices_free(devices: Option<&mut *mut usbtoken_devices>) {
    boundary::free::<DeviceList>(devices);
}
