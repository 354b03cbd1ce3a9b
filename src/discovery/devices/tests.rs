use std::fs;
use std::path::PathBuf;
use std::process::Command;

use super::*;

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
        .args(["--exact", &format!("discovery::devices::tests::{test}"), "--ignored", "--nocapture"])
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

fn all() -> Vec<Device> {
    let listed = devices();
    assert!(listed.skipped.is_empty(), "{:?}", listed.skipped);
    listed.devices
}

fn list() -> Vec<(String, Vec<Class>)> {
    all().into_iter().map(|d| (d.usb.to_string(), d.classes.into_iter().collect())).collect()
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
    let devices = all();
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
    assert_eq!(all(), []);
    let sys = PathBuf::from(std::env::var_os("UMOCKDEV_DIR").unwrap()).join("sys");
    fs::remove_dir_all(sys.join("bus")).unwrap();
    assert_eq!(all(), []);
    drop(unplugged);
}

#[test]
fn what_a_device_says_is_cleaned() {
    assert_eq!(text(Some("  Token\u{1b}[2J JC\n\0")).as_deref(), Some("Token[2J JC"));
    assert_eq!(text(Some(" \n")), None);
    assert_eq!(text(None), None);
}

#[test]
fn one_list_that_is_refused_does_not_cost_the_other() {
    let device = |usb: &str, class| Device {
        usb: usb.parse().unwrap(),
        classes: BTreeSet::from([class]),
        manufacturer: None,
        product: None,
        serial: None,
    };
    let refused = || Err(fault(std::io::Error::other("no access")));
    let (ccid, hid) = (device("0529:0620", Class::Ccid), device("096e:0005", Class::Hid));
    for (usb, other, expected) in [
        (Ok(vec![ccid.clone()]), refused(), vec![ccid.clone()]),
        (refused(), Ok(vec![hid.clone()]), vec![hid.clone()]),
        (Ok(vec![ccid.clone()]), Ok(vec![hid.clone()]), vec![ccid, hid]),
        (refused(), refused(), vec![]),
    ] {
        let failed = [&usb, &other].iter().filter(|list| list.is_err()).count();
        let listed = Listed::merged(usb, other);
        assert_eq!(listed.devices, expected);
        assert_eq!(listed.skipped.len(), failed);
    }
}
