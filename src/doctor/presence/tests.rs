use std::path::{Path, PathBuf};

use super::*;
use crate::catalogue::Class;
use crate::catalogue::{Catalogue, Machine, Os};
use crate::discovery::devices::Device;

fn device(usb: &str, classes: &[Class], product: Option<&str>) -> Device {
    Device {
        usb: usb.parse().unwrap(),
        classes: classes.iter().copied().collect(),
        manufacturer: None,
        product: product.map(str::to_owned),
        serial: None,
    }
}

fn states(devices: &[Device], drivers: &[&str], tokens: &[(&str, &str)]) -> Vec<(String, DeviceState)> {
    let machine = Machine {
        os: Os::Linux,
        bits: 64,
        multiarch: "x86_64-linux-gnu".into(),
        environment: Default::default(),
    };
    let drivers: Vec<_> = drivers.iter().map(PathBuf::from).collect();
    let tokens: Vec<_> = tokens
        .iter()
        .map(|(driver, slot)| SeenToken { driver: driver.into(), slot_description: (*slot).to_owned() })
        .collect();
    let installed = InstalledDrivers {
        catalogue: Catalogue::builtin(),
        machine: &machine,
        drivers: &drivers,
        tokens: &tokens,
    };
    presence(devices, &installed).into_iter().map(|finding| (finding.name, finding.state)).collect()
}

fn state(device: Device, drivers: &[&str], tokens: &[(&str, &str)]) -> DeviceState {
    let mut states = states(&[device], drivers, tokens);
    assert_eq!(states.len(), 1);
    states.remove(0).1
}

const ETOKEN: &str = "/usr/lib/libeToken.so";
const OPENSC: &str = "/usr/lib/x86_64-linux-gnu/opensc-pkcs11.so";
const SOFTHSM: &str = "/usr/lib/softhsm/libsofthsm2.so";

#[test]
fn a_known_device_is_in_one_of_three_states() {
    let etoken = || device("0529:0620", &[Class::Ccid], Some("Token JC"));
    assert_eq!(
        state(etoken(), &[SOFTHSM, ETOKEN], &[(SOFTHSM, "SoftHSM slot ID 0x1"), (ETOKEN, "AKS ifdh 00 00")]),
        DeviceState::Seen { driver: ETOKEN.into() }
    );
    assert_eq!(
        state(etoken(), &[SOFTHSM, ETOKEN, OPENSC], &[(SOFTHSM, "SoftHSM slot ID 0x1")]),
        DeviceState::NotSeen { drivers: vec![ETOKEN.into()] }
    );
    let missing = state(etoken(), &[SOFTHSM, OPENSC], &[(SOFTHSM, "SoftHSM slot ID 0x1")]);
    let DeviceState::DriverMissing { wanted } = missing else { panic!("{missing:?}") };
    let files: Vec<_> = wanted.iter().map(|wanted| wanted.file.as_str()).collect();
    assert_eq!(files, ["libeToken.so", "libeTPkcs11.so", "libeTokenHID.so"]);
    assert_eq!(wanted[0].folders[0], Path::new("/usr/lib"));
    // Another driver that sees it is as good.
    assert_eq!(
        state(etoken(), &[OPENSC], &[(OPENSC, "SafeNet Token JC (1) 00 00")]),
        DeviceState::Seen { driver: OPENSC.into() }
    );
    assert_eq!(
        state(device("0529:0620", &[Class::Ccid], None), &[OPENSC], &[(OPENSC, "SafeNet eToken 5100 00 00")]),
        DeviceState::Seen { driver: OPENSC.into() }
    );
}

#[test]
fn a_version_behind_the_drivers_name_does_not_matter() {
    let etoken = device("0529:0620", &[Class::Ccid], None);
    assert_eq!(
        state(etoken, &["/usr/lib/libeToken.so.10.8.28"], &[]),
        DeviceState::NotSeen { drivers: vec!["/usr/lib/libeToken.so.10.8.28".into()] }
    );
}

#[test]
fn an_unknown_smart_card_interface_is_told_and_other_unknown_devices_are_not() {
    assert_eq!(
        state(device("4321:8765", &[Class::Ccid], Some("Reader X")), &[OPENSC, ETOKEN], &[]),
        DeviceState::UnknownSmartCard { drivers: vec![OPENSC.into()] }
    );
    assert_eq!(
        state(
            device("4321:8765", &[Class::Ccid], Some("Reader X")),
            &[OPENSC],
            &[(OPENSC, "Reader X 00 00")]
        ),
        DeviceState::Seen { driver: OPENSC.into() }
    );
    let others = [
        device("1234:5678", &[], None),
        device("046d:c31c", &[Class::Hid], None),
        device("ffff:0001", &[Class::Vendor], None),
    ];
    assert_eq!(states(&others, &[OPENSC], &[]), []);
}

#[test]
fn two_tokens_of_which_a_driver_sees_one() {
    let two = [device("0529:0620", &[Class::Ccid], None), device("0529:0620", &[Class::Ccid], None)];
    for (_, state) in states(&two, &[ETOKEN], &[(ETOKEN, "AKS ifdh 00 00")]) {
        assert_eq!(state, DeviceState::SomeSeen { devices: 2, tokens: 1 });
    }
    let both = [(ETOKEN, "AKS ifdh 00 00"), (ETOKEN, "AKS ifdh 01 00")];
    assert!(
        states(&two, &[ETOKEN], &both).iter().all(|(_, state)| matches!(state, DeviceState::Seen { .. }))
    );
}

#[test]
fn families_with_the_same_numbers_are_all_looked_for() {
    let state = state(device("163c:0417", &[Class::Ccid], None), &[], &[]);
    let DeviceState::DriverMissing { wanted } = state else { panic!("{state:?}") };
    let files: Vec<_> = wanted.iter().map(|wanted| wanted.file.as_str()).collect();
    assert_eq!(files, ["libwdpkcs.so", "libwdpkcs_SignatureP11.so"]);
}

/// The maker has no driver for Linux that is known.
#[test]
fn a_device_whose_driver_is_not_known_here_is_still_recognised() {
    let state = state(device("096e:0401", &[Class::Hid], None), &[], &[]);
    assert_eq!(state, DeviceState::DriverMissing { wanted: vec![] });
}

#[test]
fn a_device_is_named_by_itself_else_by_the_catalogue_else_by_its_numbers() {
    let name = |usb, product: Option<&str>, maker: Option<&str>| {
        let mut device = device(usb, &[Class::Ccid], product);
        device.manufacturer = maker.map(str::to_owned);
        states(&[device], &[], &[]).remove(0).0
    };
    assert_eq!(name("0529:0620", Some("Token JC"), Some("SafeNet")), "SafeNet Token JC");
    assert_eq!(name("0529:0620", Some("Token JC"), None), "Aladdin Knowledge Systems Token JC");
    assert_eq!(name("0529:0620", None, None), "SafeNet eToken 5100");
    assert_eq!(name("0529:ffff", None, None), "Aladdin Knowledge Systems 0529:ffff");
    assert_eq!(name("4321:8765", Some("Reader"), None), "Reader");
    assert_eq!(name("4321:8765", None, None), "4321:8765");
}
