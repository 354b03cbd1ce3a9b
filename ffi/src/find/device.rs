//! Devices: what is plugged in.

use std::ffi::c_char;
use std::mem::MaybeUninit;
use std::path::PathBuf;
use std::ptr;

use usbtoken::Result;
use usbtoken::doctor::{self, DeviceReport, DeviceState};
use usbtoken::error::Step;
use usbtoken::renewal::Progress;

use crate::base::boundary;
use crate::base::callbacks::Host;
use crate::base::handle::Noun;
use crate::base::status::usbtoken_status;
use crate::base::text::Texts;
use crate::find::context::{Context, Shared, usbtoken_context};

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
/// usbtoken_devices_text: the stable names of the families of tokens it may belong to, one a line.
pub const USBTOKEN_DEVICE_FAMILIES: u32 = 6;
/// usbtoken_devices_text: the drivers: those that are installed, or those that are wanted, one a line.
pub const USBTOKEN_DEVICE_DRIVERS: u32 = 7;

/// usbtoken_devices_state: there is no such device.
pub const USBTOKEN_DEVICE_NONE: u32 = 0;
/// usbtoken_devices_state: a driver for it is installed; it was not asked.
pub const USBTOKEN_DEVICE_DRIVER_INSTALLED: u32 = 1;
/// usbtoken_devices_state: its driver is not installed.
pub const USBTOKEN_DEVICE_DRIVER_MISSING: u32 = 2;
/// usbtoken_devices_state: a smart-card interface that is not known: a card reader, or a token of another maker.
pub const USBTOKEN_DEVICE_UNKNOWN: u32 = 3;
/// usbtoken_devices_state: a driver sees its token. Only a diagnosis knows.
pub const USBTOKEN_DEVICE_SEEN: u32 = 4;
/// usbtoken_devices_state: several such devices are plugged in, and the drivers see fewer tokens. Only a diagnosis
/// knows.
pub const USBTOKEN_DEVICE_SOME_SEEN: u32 = 5;
/// usbtoken_devices_state: a driver for it is installed, and does not see it. Only a diagnosis knows.
pub const USBTOKEN_DEVICE_NOT_SEEN: u32 = 6;

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

impl DeviceList {
    fn read(shared: &Shared) -> Result<Self> {
        shared.host.step(Step::ListDevices);
        let devices = doctor::plugged_in(&shared.finder())?;
        let describe = |device: &DeviceReport| {
            // No driver was asked, so that none sees the token means nothing.
            let state = match state(device) {
                USBTOKEN_DEVICE_NOT_SEEN => USBTOKEN_DEVICE_DRIVER_INSTALLED,
                other => other,
            };
            (state, texts(device))
        };
        Ok(DeviceList { devices: devices.iter().map(describe).collect(), host: shared.host.clone() })
    }

    /// Those of a diagnosis, which asked the drivers.
    pub(crate) fn examined(devices: &[DeviceReport], host: &Host) -> Self {
        let devices = devices.iter().map(|device| (state(device), texts(device)));
        DeviceList { devices: devices.collect(), host: host.clone() }
    }
}

fn state(device: &DeviceReport) -> u32 {
    match device.state {
        DeviceState::Seen { .. } => USBTOKEN_DEVICE_SEEN,
        DeviceState::SomeSeen { .. } => USBTOKEN_DEVICE_SOME_SEEN,
        DeviceState::NotSeen { .. } => USBTOKEN_DEVICE_NOT_SEEN,
        DeviceState::DriverMissing { .. } => USBTOKEN_DEVICE_DRIVER_MISSING,
        DeviceState::UnknownSmartCard { .. } => USBTOKEN_DEVICE_UNKNOWN,
    }
}

fn texts(report: &DeviceReport) -> Texts {
    let lines = |paths: &[PathBuf]| {
        paths.iter().map(|path| path.to_string_lossy().into_owned()).collect::<Vec<_>>().join("\n")
    };
    let drivers = match &report.state {
        DeviceState::Seen { driver } => driver.to_string_lossy().into_owned(),
        DeviceState::SomeSeen { .. } => String::new(),
        DeviceState::NotSeen { drivers } | DeviceState::UnknownSmartCard { drivers } => lines(drivers),
        DeviceState::DriverMissing { wanted } => {
            wanted.iter().map(|wanted| wanted.file.as_str()).collect::<Vec<_>>().join("\n")
        }
    };
    let device = &report.device;
    Texts::default()
        .with(USBTOKEN_DEVICE_NAME, report.name.as_str())
        .with(USBTOKEN_DEVICE_USB_ID, device.usb.to_string())
        .with_some(USBTOKEN_DEVICE_MANUFACTURER, device.manufacturer.as_deref())
        .with_some(USBTOKEN_DEVICE_PRODUCT, device.product.as_deref())
        .with_some(USBTOKEN_DEVICE_SERIAL, device.serial.as_deref())
        .with(USBTOKEN_DEVICE_FAMILIES, report.families.join("\n"))
        .with(USBTOKEN_DEVICE_DRIVERS, drivers)
}

/// Lists the devices on the USB ports that may be tokens. No device is opened, no driver is loaded;
/// usbtoken_diagnosis_devices tells which of them a driver sees.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_list_devices(
    context: *const usbtoken_context,
    out: Option<&mut MaybeUninit<*mut usbtoken_devices>>,
) -> usbtoken_status {
    boundary::on::<Context>(context, |context| {
        boundary::give::<DeviceList>(out, || DeviceList::read(&context.0))
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
