//! A made-up USB device.

/// One device with a smart-card interface, in the format of umockdev.
pub fn smart_card_device(usb: &str, maker: &str, product: &str) -> String {
    let (vendor, number) = usb.split_once(':').unwrap();
    let bus = "devices/pci0000:00/0000:00:14.0/usb1";
    format!(
        "P: /{bus}/1-1\nN: bus/usb/001/002\nE: DEVNAME=/dev/bus/usb/001/002\nE: DEVTYPE=usb_device\n\
         E: SUBSYSTEM=usb\nA: bDeviceClass=00\\n\nA: bDeviceProtocol=00\\n\nA: bDeviceSubClass=00\\n\n\
         A: bcdDevice=0100\\n\nA: busnum=1\\n\nA: devnum=2\\n\nA: devpath=1\\n\nA: idProduct={number}\\n\n\
         A: idVendor={vendor}\\n\nA: speed=12\\n\nA: version= 2.00\\n\nA: manufacturer={maker}\\n\n\
         A: product={product}\\n\n\nP: /{bus}/1-1/1-1:1.0\nE: DEVTYPE=usb_interface\nE: SUBSYSTEM=usb\n\
         A: bInterfaceClass=0b\\n\nA: bInterfaceNumber=00\\n\nA: bInterfaceProtocol=00\\n\n\
         A: bInterfaceSubClass=00\\n\n\n"
    )
}
