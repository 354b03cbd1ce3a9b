//! Which token devices are plugged in, before any driver is involved.
//!
//! A token that is plugged in and that no driver sees is the most frequent reason for a call to the support desk.
//! What is on the USB ports is listed here; [`crate::doctor`] compares it with the catalogue and with what the
//! drivers see. No device is opened and nothing is sent to one.
//!
//! Tested with made-up device trees (umockdev); no real USB device was at hand.

#[cfg(all(test, target_os = "linux"))]
mod tests;

use std::collections::BTreeSet;

use crate::catalogue::{Class, UsbId};
use crate::error::{Code, Error, Fact, Result, Step};

/// The class of a smart-card interface (USB Device Class: Smart Card CCID, §4.1).
const CLASS_CCID: u8 = 0x0b;
/// The class of a human-interface device (USB HID 1.11, §4.1).
const CLASS_HID: u8 = 0x03;
/// A class of the maker's own.
const CLASS_VENDOR: u8 = 0xff;

/// A device that is plugged in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// Its vendor and product numbers.
    pub usb: UsbId,
    /// What its interfaces are; empty when the system does not tell.
    pub classes: BTreeSet<Class>,
    /// The maker's name, as the device tells it.
    pub manufacturer: Option<String>,
    /// The product's name, as the device tells it.
    pub product: Option<String>,
    /// The device's serial number, which is not the token's.
    pub serial: Option<String>,
}

impl Device {
    /// Whether it has a smart-card interface.
    pub(crate) fn is_smart_card(&self) -> bool {
        self.classes.contains(&Class::Ccid)
    }

    /// Whether a HID device that was listed separately is this one.
    fn is(&self, other: &Device) -> bool {
        self.usb == other.usb
            && match (&self.serial, &other.serial) {
                (Some(one), Some(two)) => one == two,
                _ => true,
            }
    }
}

/// What is plugged in, and which of the system's lists could not be had.
#[derive(Debug, Default)]
pub(crate) struct Listed {
    /// The devices, by their numbers and serial numbers.
    pub devices: Vec<Device>,
    /// [`Code::DeviceFault`] for each list that the system refused: of USB devices, or of HID devices. The other one
    /// is not given up for it.
    pub skipped: Vec<Error>,
}

/// Lists the devices on the USB ports. A machine without USB has none.
pub(crate) fn devices() -> Listed {
    Listed::merged(usb_devices(), hid_devices())
}

impl Listed {
    fn merged(usb: Result<Vec<Device>>, hid: Result<Vec<Device>>) -> Self {
        let mut skipped = Vec::new();
        let mut unless_refused = |list: Result<Vec<Device>>| {
            list.unwrap_or_else(|error| {
                skipped.push(error);
                Vec::new()
            })
        };
        let (mut devices, hid) = (unless_refused(usb), unless_refused(hid));
        for device in hid {
            match devices.iter_mut().find(|known| known.is(&device)) {
                Some(known) => {
                    known.classes.insert(Class::Hid);
                    known.manufacturer = known.manufacturer.take().or(device.manufacturer);
                    known.product = known.product.take().or(device.product);
                    known.serial = known.serial.take().or(device.serial);
                }
                // Windows and macOS may hide the USB device behind the HID device.
                None => devices.push(device),
            }
        }
        devices.sort_by(|a, b| (a.usb, &a.serial).cmp(&(b.usb, &b.serial)));
        Listed { devices, skipped }
    }
}

/// Those that the system lists as USB devices; HID devices that hide theirs are missing.
pub(crate) fn usb_devices() -> Result<Vec<Device>> {
    use nusb::MaybeFuture;

    let listed = match nusb::list_devices().wait() {
        Ok(listed) => listed,
        // A container or a machine without USB: the folder that lists the devices does not exist.
        Err(_) if cfg!(target_os = "linux") && !std::path::Path::new("/sys/bus/usb/devices").exists() => {
            return Ok(Vec::new());
        }
        Err(error) => return Err(fault(error)),
    };
    Ok(listed
        .map(|device| Device {
            usb: UsbId { vendor: device.vendor_id(), product: device.product_id() },
            classes: device
                .interfaces()
                .map(|interface| interface.class())
                .chain(Some(device.class()))
                .filter_map(class)
                .collect(),
            manufacturer: text(device.manufacturer_string()),
            product: text(device.product_string()),
            serial: text(device.serial_number()),
        })
        .collect())
}

fn hid_devices() -> Result<Vec<Device>> {
    let api = hidapi::HidApi::new().map_err(fault)?;
    Ok(api
        .device_list()
        .filter(|device| !matches!(device.bus_type(), hidapi::BusType::Bluetooth | hidapi::BusType::I2c))
        .map(|device| Device {
            usb: UsbId { vendor: device.vendor_id(), product: device.product_id() },
            classes: BTreeSet::from([Class::Hid]),
            manufacturer: text(device.manufacturer_string()),
            product: text(device.product_string()),
            serial: text(device.serial_number()),
        })
        .collect())
}

fn class(number: u8) -> Option<Class> {
    match number {
        CLASS_CCID => Some(Class::Ccid),
        CLASS_HID => Some(Class::Hid),
        CLASS_VENDOR => Some(Class::Vendor),
        _ => None,
    }
}

/// A name without the blanks around it; what a device says may be anything, so control characters are left out.
fn text(value: Option<&str>) -> Option<String> {
    let clean: String = value?.chars().filter(|c| !c.is_control()).collect();
    let clean = clean.trim();
    (!clean.is_empty()).then(|| clean.to_owned())
}

fn fault(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(Code::DeviceFault).during(Step::ListDevices).fact(Fact::Detail, &error).caused_by(error)
}
