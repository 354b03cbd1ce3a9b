//! Reading `drivers.toml` and `profiles.toml`.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

use super::Catalogue;
use super::family::{Family, FamilyDevice, FamilyModule, Profile};
use super::machine::{Machine, Os};
use super::usb_id::{Class, UsbId};

/// The file, compiled in.
pub(super) const BUILTIN: &str = include_str!("drivers.toml");

/// What families of tokens need, compiled in.
pub(super) const PROFILES: &str = include_str!("profiles.toml");

/// The file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    sources: BTreeMap<String, String>,
    folders: Folders,
    vendors: BTreeMap<String, String>,
    family: Vec<FamilyEntry>,
}

/// The other file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProfileFile {
    sources: BTreeMap<String, String>,
    profile: Vec<ProfileEntry>,
}

/// Folders that are searched for every module.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Folders {
    #[serde(rename = "windows-64")]
    pub(super) windows_64: Vec<String>,
    #[serde(rename = "windows-32")]
    pub(super) windows_32: Vec<String>,
    pub(super) macos: Vec<String>,
    pub(super) linux: Vec<String>,
}

impl Folders {
    pub(super) fn of(&self, machine: &Machine) -> &[String] {
        match (machine.os, machine.bits) {
            (Os::Windows, 32) => &self.windows_32,
            (Os::Windows, _) => &self.windows_64,
            (Os::Macos, _) => &self.macos,
            (Os::Linux, _) => &self.linux,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProfileEntry {
    name: String,
    #[serde(default)]
    manufacturers: Vec<String>,
    #[serde(default)]
    public_key_in_session: bool,
    #[serde(default)]
    sources: Vec<String>,
    #[serde(default)]
    uncertain: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FamilyEntry {
    id: String,
    name: String,
    profile: String,
    #[serde(default)]
    generic: bool,
    #[serde(default)]
    device: Vec<DeviceEntry>,
    #[serde(default)]
    module: Vec<ModuleEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DeviceEntry {
    #[serde(deserialize_with = "usb_id")]
    usb: UsbId,
    class: Class,
    #[serde(default)]
    name: String,
    #[serde(default)]
    shared: bool,
    sources: Vec<String>,
    #[serde(default)]
    uncertain: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ModuleEntry {
    os: Os,
    bits: Option<u32>,
    file: String,
    #[serde(default)]
    folders: Vec<String>,
    sources: Vec<String>,
    #[serde(default)]
    uncertain: bool,
}

/// Reads USB numbers.
fn usb_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<UsbId, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
}

impl Catalogue {
    /// Reads the catalogue.
    pub(super) fn parse(text: &str) -> Result<Catalogue, String> {
        let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
        check_sources(&file)?;
        let vendor = |(id, name): (String, String)| {
            u16::from_str_radix(&id, 16).map(|id| (id, name)).map_err(|error| format!("vendor {id}: {error}"))
        };
        Ok(Catalogue {
            families: file.family.into_iter().map(Family::from).collect(),
            vendors: file.vendors.into_iter().map(vendor).collect::<Result<_, _>>()?,
            folders: file.folders,
        })
    }
}

impl Profile {
    /// Reads the profiles.
    pub(super) fn parse(text: &str) -> Result<Vec<Profile>, String> {
        let file: ProfileFile = toml::from_str(text).map_err(|error| error.to_string())?;
        for profile in file.profile.iter().filter(|profile| profile.name != "generic") {
            check_source(&file.sources, &profile.name, &profile.sources)?;
        }
        Ok(file.profile.into_iter().map(Profile::from).collect())
    }
}

/// Every fact has a source, and every source is told in full once.
fn check_source(told: &BTreeMap<String, String>, what: &str, sources: &[String]) -> Result<(), String> {
    match sources.iter().find(|source| !told.contains_key(*source)) {
        Some(unknown) => Err(format!("{what}: unknown source {unknown}")),
        None if sources.is_empty() => Err(format!("{what}: no source")),
        None => Ok(()),
    }
}

fn check_sources(file: &File) -> Result<(), String> {
    let check = |what: &str, sources: &[String]| check_source(&file.sources, what, sources);
    for family in &file.family {
        for device in &family.device {
            check(&format!("{} {}", family.id, device.usb), &device.sources)?;
        }
        for module in &family.module {
            check(&format!("{} {}", family.id, module.file), &module.sources)?;
        }
    }
    Ok(())
}

impl From<FamilyEntry> for Family {
    fn from(entry: FamilyEntry) -> Self {
        Family {
            id: entry.id,
            name: entry.name,
            profile: entry.profile,
            generic: entry.generic,
            devices: entry.device.into_iter().map(FamilyDevice::from).collect(),
            modules: entry.module.into_iter().map(FamilyModule::from).collect(),
            from_user: false,
        }
    }
}

impl From<DeviceEntry> for FamilyDevice {
    fn from(DeviceEntry { usb, class, name, shared, uncertain, .. }: DeviceEntry) -> Self {
        FamilyDevice { usb, class, name, shared, uncertain }
    }
}

impl From<ModuleEntry> for FamilyModule {
    fn from(ModuleEntry { os, bits, file, folders, uncertain, .. }: ModuleEntry) -> Self {
        FamilyModule { os, bits, file, folders, uncertain }
    }
}

impl From<ProfileEntry> for Profile {
    fn from(entry: ProfileEntry) -> Self {
        Profile {
            name: entry.name,
            manufacturers: entry.manufacturers,
            public_key_in_session: entry.public_key_in_session,
            uncertain: entry.uncertain,
        }
    }
}
