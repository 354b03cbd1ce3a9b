//! The driver host by itself, for targets that the command is not built for: a 64-bit program starts the 32-bit one for a 32-bit
//! driver (`cargo xtask install --host32`).

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
