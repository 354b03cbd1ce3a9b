//! The labels of a driver's tokens, by a host: `slots HOST DRIVER`, both by absolute paths.

#[cfg(target_os = "linux")]
fn main() {
    use usbtoken_pkcs11::text::unpadded;
    use usbtoken_pkcs11::{Deadlines, Functions, HostOptions};

    let mut arguments = std::env::args_os().skip(1);
    let (Some(program), Some(driver)) = (arguments.next(), arguments.next()) else {
        panic!("usage: slots HOST DRIVER")
    };
    let options = HostOptions {
        program: program.into(),
        deadlines: Deadlines::default(),
        without: Vec::new(),
        confined: None,
    };
    let driver = Functions::hosted(options, driver.as_ref());
    driver.load().expect("a driver");
    driver.initialize().expect("C_Initialize");
    println!("{} bits", usize::BITS);
    for slot in driver.slots(true).expect("C_GetSlotList") {
        println!("{}", unpadded(&driver.token_info(slot).expect("C_GetTokenInfo").label));
    }
    driver.finalize().expect("C_Finalize");
}

#[cfg(not(target_os = "linux"))]
fn main() {}
