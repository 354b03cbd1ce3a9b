//! The driver host: loads one PKCS#11 driver and calls it for the program that started it.

use std::process::ExitCode;

fn main() -> ExitCode {
    #[cfg(target_os = "linux")]
    return usbtoken_pkcs11::host::main();
    #[cfg(not(target_os = "linux"))]
    {
        eprintln!("usbtoken-driver: not for this system yet");
        ExitCode::from(2)
    }
}
