//! Made-up device trees for umockdev.

use std::fmt::Write;
use std::fs;
use std::path::PathBuf;

/// Interface classes.
pub(super) const HID: u8 = 0x03;
pub(super) const MASS_STORAGE: u8 = 0x08;
pub(super) const CCID: u8 = 0x0b;
pub(super) const VENDOR: u8 = 0xff;

const BUS: &str = "devices/pci0000:00/0000:00:14.0/usb1";

/// Devices on the ports of one hub, in umockdev's format.
#[derive(Default)]
pub(super) struct Tree {
    text: String,
    ports: u32,
}

impl Tree {
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The same tree with one piece of its text changed, once.
    pub(super) fn with(mut self, from: &str, to: &str) -> Self {
        assert!(self.text.contains(from));
        self.text = self.text.replacen(from, to, 1);
        self
    }

    /// A device on the next port with one interface, and the maker's, product's and serial strings.
    pub(super) fn device(mut self, usb: &str, class: u8, strings: Option<(&str, &str, &str)>) -> Self {
        self.ports += 1;
        let port = self.ports;
        let (vendor, product) = usb.split_once(':').unwrap();
        let strings = strings.map_or_else(String::new, |(maker, name, serial)| {
            let serial = if serial.is_empty() { String::new() } else { format!("A: serial={serial}\\n\n") };
            format!("A: manufacturer={maker}\\n\nA: product={name}\\n\n{serial}")
        });
        let number = port + 1;
        let device = format!("1-{port}");
        let interface = format!("{device}/{device}:1.0");
        write!(
            self.text,
            "P: /{BUS}/{device}\n\
             N: bus/usb/001/{number:03}\n\
             E: DEVNAME=/dev/bus/usb/001/{number:03}\n\
             E: DEVTYPE=usb_device\n\
             E: SUBSYSTEM=usb\n\
             A: bDeviceClass=00\\n\n\
             A: bDeviceProtocol=00\\n\n\
             A: bDeviceSubClass=00\\n\n\
             A: bcdDevice=0100\\n\n\
             A: busnum=1\\n\n\
             A: devnum={number}\\n\n\
             A: devpath={port}\\n\n\
             A: idProduct={product}\\n\n\
             A: idVendor={vendor}\\n\n\
             A: speed=12\\n\n\
             A: version= 2.00\\n\n\
             {strings}\n\
             P: /{BUS}/{interface}\n\
             E: DEVTYPE=usb_interface\n\
             E: SUBSYSTEM=usb\n\
             A: bInterfaceClass={class:02x}\\n\n\
             A: bInterfaceNumber=00\\n\n\
             A: bInterfaceProtocol=00\\n\n\
             A: bInterfaceSubClass=00\\n\n\n"
        )
        .unwrap();
        if class == HID {
            self.hid(&interface, vendor, product);
        }
        self
    }

    fn hid(&mut self, interface: &str, vendor: &str, product: &str) {
        let (vendor, product) = (vendor.to_uppercase(), product.to_uppercase());
        let port = self.ports;
        let hid = format!("{interface}/0003:{vendor}:{product}.{port:04X}");
        write!(
            self.text,
            "P: /{BUS}/{hid}\n\
             E: HID_ID=0003:0000{vendor}:0000{product}\n\
             E: HID_NAME=HID {port}\n\
             E: HID_PHYS=usb-0000:00:14.0-{port}/input0\n\
             E: HID_UNIQ=\n\
             E: SUBSYSTEM=hid\n\n\
             P: /{BUS}/{hid}/hidraw/hidraw{port}\n\
             N: hidraw{port}\n\
             E: DEVNAME=/dev/hidraw{port}\n\
             E: SUBSYSTEM=hidraw\n\n"
        )
        .unwrap();
    }
}

/// A device that was pulled out.
pub(super) struct Unplugged(Vec<(PathBuf, PathBuf)>);

/// Pulls out the device on this port: everything about it leaves the tree that the process sees.
pub(super) fn unplug(port: u32) -> Unplugged {
    let root = PathBuf::from(std::env::var_os("UMOCKDEV_DIR").expect("inside umockdev-run"));
    let away = root.join(format!("unplugged-{port}"));
    fs::create_dir_all(&away).unwrap();
    let entries = [
        format!("sys/bus/usb/devices/1-{port}"),
        format!("sys/bus/usb/devices/1-{port}:1.0"),
        format!("sys/class/hidraw/hidraw{port}"),
        format!("sys/{BUS}/1-{port}"),
    ];
    let moved = entries
        .iter()
        .map(|entry| root.join(entry))
        .filter(|from| from.symlink_metadata().is_ok())
        .enumerate()
        .map(|(index, from)| {
            let to = away.join(index.to_string());
            fs::rename(&from, &to).unwrap();
            (from, to)
        })
        .collect();
    Unplugged(moved)
}

impl Unplugged {
    /// Plugs the device in again.
    pub(super) fn plug_in(self) {
        for (from, to) in self.0.into_iter().rev() {
            fs::rename(to, from).unwrap();
        }
    }
}
