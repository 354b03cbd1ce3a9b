use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::*;
use crate::driver::catalogue::{Catalogue, Machine, Os};

mod tree;

use tree::{CCID, HID, MASS_STORAGE, Tree, VENDOR};

/// Set for the tests that are run inside a made-up device tree.
const INSIDE: &str = "USBTOKEN_INSIDE_UMOCKDEV";

/// Runs one of the tests below, marked as ignored, inside a made-up device tree.
fn run_inside(tree: &Tree, test: &str) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("devices.umockdev");
    fs::write(&file, tree.text()).unwrap();
    let result = Command::new("umockdev-run")
        .arg("-d")
        .arg(&file)
        .arg("--")
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", &format!("usb::tests::{test}"), "--ignored", "--nocapture"])
        .env(INSIDE, "1")
        .output()
        .expect("umockdev is needed for this test: apt-get install umockdev");
    let output = String::from_utf8_lossy(&result.stdout);
    assert!(
        result.status.success() && output.contains("1 passed"),
        "{output}{}",
        String::from_utf8_lossy(&result.stderr)
    );
}

fn inside() {
    assert!(std::env::var_os(INSIDE).is_some(), "runs only inside umockdev-run, started by another test");
}

fn list() -> Vec<(String, Vec<Class>)> {
    devices().unwrap().into_iter().map(|d| (d.usb.to_string(), d.classes.into_iter().collect())).collect()
}

/// A token of each class, the same HID token twice, and a disk.
fn mixed() -> Tree {
    Tree::default()
        .device("0529:0620", CCID, Some(("SafeNet", "Token JC", "")))
        .device("096e:0005", HID, Some(("Feitian", "ePass2000", "A1")))
        .device("096e:0005", HID, Some(("Feitian", "ePass2000", "A2")))
        .device("0529:0600", VENDOR, None)
        .device("1234:5678", MASS_STORAGE, Some(("Maker", "Disk", "1")))
        .device("4321:8765", CCID, None)
}

#[test]
fn devices_of_every_class_are_listed() {
    run_inside(&mixed(), "inside_devices_of_every_class_are_listed");
}

#[test]
#[ignore = "run by devices_of_every_class_are_listed inside umockdev-run"]
fn inside_devices_of_every_class_are_listed() {
    inside();
    let expected = [
        ("0529:0600", vec![Class::Vendor]),
        ("0529:0620", vec![Class::Ccid]),
        ("096e:0005", vec![Class::Hid]),
        ("096e:0005", vec![Class::Hid]),
        ("1234:5678", vec![]),
        ("4321:8765", vec![Class::Ccid]),
    ];
    assert_eq!(list(), expected.map(|(usb, classes)| (usb.to_owned(), classes)));
    let devices = devices().unwrap();
    assert_eq!(devices[1].product.as_deref(), Some("Token JC"));
    assert_eq!((devices[1].manufacturer.as_deref(), &devices[1].serial), (Some("SafeNet"), &None));
    assert_eq!(devices[2].serial.as_deref(), Some("A1"));
    assert_eq!(devices[3].serial.as_deref(), Some("A2"));
    assert_eq!((&devices[0].manufacturer, &devices[0].product), (&None, &None));
    // Both ways of listing see the HID devices, which become one each.
    let hid: Vec<_> = hid_devices().unwrap().into_iter().map(|device| device.usb.to_string()).collect();
    assert_eq!(hid, ["096e:0005", "096e:0005"]);
    assert_eq!(usb_devices().unwrap().len(), 6);
}

#[test]
fn a_token_is_gone_when_unplugged_and_back_when_plugged_in_again() {
    run_inside(&mixed(), "inside_a_token_is_gone_when_unplugged_and_back_when_plugged_in_again");
}

#[test]
#[ignore = "run by a_token_is_gone_when_unplugged_and_back_when_plugged_in_again inside umockdev-run"]
fn inside_a_token_is_gone_when_unplugged_and_back_when_plugged_in_again() {
    inside();
    let before = list();
    for (port, usb) in [(1, "0529:0620"), (2, "096e:0005"), (4, "0529:0600")] {
        let unplugged = tree::unplug(port);
        let mut expected = before.clone();
        expected.remove(before.iter().position(|(known, _)| known == usb).unwrap());
        assert_eq!(list(), expected, "{usb}");
        unplugged.plug_in();
        assert_eq!(list(), before, "{usb}");
    }
    let all: Vec<_> = (1..=6).map(tree::unplug).collect();
    assert_eq!(list(), []);
    all.into_iter().for_each(tree::Unplugged::plug_in);
    assert_eq!(list(), before);
}

#[test]
fn damaged_entries_are_passed_over() {
    let tree = mixed().with("A: idVendor=0529\\n", "A: idVendor=zzzz\\n");
    run_inside(&tree, "inside_damaged_entries_are_passed_over");
}

#[test]
#[ignore = "run by damaged_entries_are_passed_over inside umockdev-run"]
fn inside_damaged_entries_are_passed_over() {
    inside();
    let found: Vec<_> = list().into_iter().map(|(usb, _)| usb).collect();
    assert_eq!(found, ["0529:0600", "096e:0005", "096e:0005", "1234:5678", "4321:8765"]);
}

#[test]
fn no_device_is_no_error() {
    run_inside(&Tree::default().device("1234:5678", MASS_STORAGE, None), "inside_no_device_is_no_error");
}

#[test]
#[ignore = "run by no_device_is_no_error inside umockdev-run"]
fn inside_no_device_is_no_error() {
    inside();
    let unplugged = tree::unplug(1);
    assert_eq!(devices().unwrap(), []);
    let sys = PathBuf::from(std::env::var_os("UMOCKDEV_DIR").unwrap()).join("sys");
    fs::remove_dir_all(sys.join("bus")).unwrap();
    assert_eq!(devices().unwrap(), []);
    drop(unplugged);
}

#[test]
fn what_a_device_says_is_cleaned() {
    assert_eq!(text(Some("  Token\u{1b}[2J JC\n\0")).as_deref(), Some("Token[2J JC"));
    assert_eq!(text(Some(" \n")), None);
    assert_eq!(text(None), None);
}

fn device(usb: &str, classes: &[Class], product: Option<&str>) -> Device {
    Device {
        usb: usb.parse().unwrap(),
        classes: classes.iter().copied().collect(),
        manufacturer: None,
        product: product.map(str::to_owned),
        serial: None,
    }
}

fn states(devices: &[Device], drivers: &[&str], tokens: &[(&str, &str)]) -> Vec<(String, State)> {
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
    let inventory =
        Inventory { catalogue: Catalogue::builtin(), machine: &machine, drivers: &drivers, tokens: &tokens };
    presence(devices, &inventory).into_iter().map(|finding| (finding.name, finding.state)).collect()
}

fn state(device: Device, drivers: &[&str], tokens: &[(&str, &str)]) -> State {
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
        State::Seen { driver: ETOKEN.into() }
    );
    assert_eq!(
        state(etoken(), &[SOFTHSM, ETOKEN, OPENSC], &[(SOFTHSM, "SoftHSM slot ID 0x1")]),
        State::NotSeen { drivers: vec![ETOKEN.into()] }
    );
    let missing = state(etoken(), &[SOFTHSM, OPENSC], &[(SOFTHSM, "SoftHSM slot ID 0x1")]);
    let State::DriverMissing { wanted } = missing else { panic!("{missing:?}") };
    let files: Vec<_> = wanted.iter().map(|wanted| wanted.file.as_str()).collect();
    assert_eq!(files, ["libeToken.so", "libeTPkcs11.so", "libeTokenHID.so"]);
    assert_eq!(wanted[0].folders[0], Path::new("/usr/lib"));
    // Another driver that sees it is as good.
    assert_eq!(
        state(etoken(), &[OPENSC], &[(OPENSC, "SafeNet Token JC (1) 00 00")]),
        State::Seen { driver: OPENSC.into() }
    );
    assert_eq!(
        state(device("0529:0620", &[Class::Ccid], None), &[OPENSC], &[(OPENSC, "SafeNet eToken 5100 00 00")]),
        State::Seen { driver: OPENSC.into() }
    );
}

#[test]
fn a_version_behind_the_drivers_name_does_not_matter() {
    let etoken = device("0529:0620", &[Class::Ccid], None);
    assert_eq!(
        state(etoken, &["/usr/lib/libeToken.so.10.8.28"], &[]),
        State::NotSeen { drivers: vec!["/usr/lib/libeToken.so.10.8.28".into()] }
    );
}

#[test]
fn an_unknown_smart_card_interface_is_told_and_other_unknown_devices_are_not() {
    assert_eq!(
        state(device("4321:8765", &[Class::Ccid], Some("Reader X")), &[OPENSC, ETOKEN], &[]),
        State::UnknownSmartCard { drivers: vec![OPENSC.into()] }
    );
    assert_eq!(
        state(
            device("4321:8765", &[Class::Ccid], Some("Reader X")),
            &[OPENSC],
            &[(OPENSC, "Reader X 00 00")]
        ),
        State::Seen { driver: OPENSC.into() }
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
        assert_eq!(state, State::SomeSeen { devices: 2, tokens: 1 });
    }
    let both = [(ETOKEN, "AKS ifdh 00 00"), (ETOKEN, "AKS ifdh 01 00")];
    assert!(states(&two, &[ETOKEN], &both).iter().all(|(_, state)| matches!(state, State::Seen { .. })));
}

#[test]
fn families_with_the_same_numbers_are_all_looked_for() {
    let state = state(device("163c:0417", &[Class::Ccid], None), &[], &[]);
    let State::DriverMissing { wanted } = state else { panic!("{state:?}") };
    let files: Vec<_> = wanted.iter().map(|wanted| wanted.file.as_str()).collect();
    assert_eq!(files, ["libwdpkcs.so", "libwdpkcs_SignatureP11.so"]);
}

/// The maker has no driver for Linux that is known.
#[test]
fn a_device_whose_driver_is_not_known_here_is_still_recognised() {
    let state = state(device("096e:0401", &[Class::Hid], None), &[], &[]);
    assert_eq!(state, State::DriverMissing { wanted: vec![] });
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
