//! What the devices, the installed drivers and the tokens they see say together.

use std::path::{Path, PathBuf};

use crate::catalogue::{Catalogue, Family, Machine, Wanted};
use crate::discovery::devices::Device;

/// A token that a driver sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SeenToken {
    /// The driver's path.
    pub driver: PathBuf,
    /// The slot's description (CK_SLOT_INFO), padding blanks stripped. For a smart-card interface it begins with
    /// the device's name.
    pub slot_description: String,
}

/// What is known besides the devices.
#[derive(Clone, Copy, Debug)]
pub(super) struct InstalledDrivers<'a> {
    /// The catalogue, with the user's drivers.
    pub catalogue: &'a Catalogue,
    /// This machine.
    pub machine: &'a Machine,
    /// The drivers that are installed, whether or not they could be loaded.
    pub drivers: &'a [PathBuf],
    /// The tokens that the drivers see.
    pub tokens: &'a [SeenToken],
}

/// What is to be said about a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeviceState {
    /// An installed driver sees its token.
    Seen {
        /// The driver.
        driver: PathBuf,
    },
    /// Several such devices are plugged in, and the drivers see fewer tokens.
    SomeSeen {
        /// The number of such devices.
        devices: usize,
        /// The number of tokens that are seen.
        tokens: usize,
    },
    /// A driver is installed and does not see it.
    NotSeen {
        /// The drivers for this device.
        drivers: Vec<PathBuf>,
    },
    /// No driver is installed.
    DriverMissing {
        /// The drivers that are searched for, and where. Empty if none is known for this system.
        wanted: Vec<Wanted>,
    },
    /// A smart-card interface that the catalogue does not know: a card reader, or a token of another maker.
    UnknownSmartCard {
        /// The drivers that serve many makers' tokens and are installed.
        drivers: Vec<PathBuf>,
    },
}

/// A device that is, or may be, a token.
#[derive(Clone, Debug)]
pub(super) struct DeviceFinding<'a> {
    /// The device.
    pub device: &'a Device,
    /// The families that it may belong to; none for [`DeviceState::UnknownSmartCard`].
    pub families: Vec<&'a Family>,
    /// Its name: what it tells itself, else the catalogue's, else its numbers.
    pub name: String,
    /// What is to be said about it.
    pub state: DeviceState,
}

/// Compares the devices with the catalogue and the drivers. Devices that are neither known nor have a smart-card
/// interface are left out: keyboards, disks and the like.
pub(super) fn presence<'a>(
    devices: &'a [Device],
    installed: &InstalledDrivers<'a>,
) -> Vec<DeviceFinding<'a>> {
    let known: Vec<_> = devices
        .iter()
        .map(|device| (device, installed.catalogue.families_of(device.usb)))
        .filter(|(device, families)| !families.is_empty() || device.is_smart_card())
        .collect();
    known
        .iter()
        .map(|(device, families)| {
            let alike = known.iter().filter(|(other, _)| other.usb == device.usb).count();
            DeviceFinding {
                device,
                families: families.clone(),
                name: installed.name(device, families),
                state: installed.state(device, families, alike),
            }
        })
        .collect()
}

impl InstalledDrivers<'_> {
    fn state(&self, device: &Device, families: &[&Family], alike: usize) -> DeviceState {
        let seen: Vec<&SeenToken> =
            self.tokens.iter().filter(|token| self.belongs(token, device, families)).collect();
        if let Some(first) = seen.first() {
            if seen.len() < alike {
                return DeviceState::SomeSeen { devices: alike, tokens: seen.len() };
            }
            return DeviceState::Seen { driver: first.driver.clone() };
        }
        let drivers = self.drivers_of(|family| families.iter().any(|wanted| wanted.id == family.id));
        if families.is_empty() {
            DeviceState::UnknownSmartCard { drivers: self.drivers_of(|family| family.generic) }
        } else if drivers.is_empty() {
            DeviceState::DriverMissing {
                wanted: families.iter().flat_map(|f| self.catalogue.wanted(f, self.machine)).fold(
                    Vec::new(),
                    |mut all, wanted| {
                        // Families that share their numbers may share a driver.
                        if !all.contains(&wanted) {
                            all.push(wanted);
                        }
                        all
                    },
                ),
            }
        } else {
            DeviceState::NotSeen { drivers }
        }
    }

    /// A token belongs to a device if its driver is one for the device's families, or if its slot has the device's
    /// name: drivers of PC/SC pass the reader's name on, and that begins with it.
    fn belongs(&self, token: &SeenToken, device: &Device, families: &[&Family]) -> bool {
        let of_family = self
            .families_of(&token.driver)
            .iter()
            .any(|family| families.iter().any(|wanted| wanted.id == family.id));
        let slot = token.slot_description.to_lowercase();
        let named_by = |name: &str| name.chars().count() >= 4 && slot.contains(&name.to_lowercase());
        of_family
            || device.product.as_deref().is_some_and(named_by)
            || self.names(device, families).any(named_by)
    }

    fn drivers_of(&self, wanted: impl Fn(&Family) -> bool) -> Vec<PathBuf> {
        self.drivers
            .iter()
            .filter(|driver| self.families_of(driver).into_iter().any(&wanted))
            .cloned()
            .collect()
    }

    fn families_of(&self, driver: &Path) -> Vec<&Family> {
        let file = driver.file_name().and_then(|file| file.to_str());
        file.map_or_else(Vec::new, |file| self.catalogue.families_of_driver(file))
    }

    /// The catalogue's names of this device.
    fn names<'b>(&self, device: &Device, families: &[&'b Family]) -> impl Iterator<Item = &'b str> {
        let usb = device.usb;
        families
            .iter()
            .flat_map(|family| &family.devices)
            .filter(move |entry| entry.usb == usb)
            .map(|entry| entry.name.as_str())
    }

    fn name(&self, device: &Device, families: &[&Family]) -> String {
        let maker = device.manufacturer.as_deref().or_else(|| self.catalogue.vendor(device.usb.vendor));
        match (maker, &device.product, self.names(device, families).next()) {
            (Some(maker), Some(product), _) => format!("{maker} {product}"),
            (None, Some(product), _) => product.clone(),
            (_, None, Some(name)) => name.to_owned(),
            (Some(maker), None, None) => format!("{maker} {}", device.usb),
            (None, None, None) => device.usb.to_string(),
        }
    }
}

#[cfg(test)]
mod tests;
