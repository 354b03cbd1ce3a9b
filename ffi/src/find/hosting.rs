//! Where the drivers of a context run, and what they may reach.

use std::ffi::c_char;
use std::mem::MaybeUninit;
use std::path::PathBuf;

use usbtoken::Result;
use usbtoken::driver::Confinement;

use crate::base::args;
use crate::base::boundary;
use crate::base::status::usbtoken_status;
use crate::find::context::{Context, usbtoken_context};

/// Runs the drivers of this context in processes of their own, whose program is this usbtoken-driver, by its absolute path in
/// UTF-8. Without this the one in the folder of the library is used, where it is there (usbtoken_context_is_in_process). A driver that hangs is then ended with its process (USBTOKEN_DRIVER_TIMEOUT), one that crashes ends nothing else
/// (USBTOKEN_DRIVER_CRASHED), and none is initialised in this process. An empty path: in this process. Linux only; drivers that
/// are in use already stay where they are.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_context_set_driver_host(
    context: *const usbtoken_context,
    path: *const c_char,
    path_length: usize,
) -> usbtoken_status {
    boundary::on::<Context>(context, |context| {
        // SAFETY: rule 4 of the header.
        context.0.set_driver_host(unsafe { args::text("path", path, path_length) }?);
        Ok(())
    })
}

/// usbtoken_context_confine_drivers: drivers may read the path, a file or a folder.
pub const USBTOKEN_DRIVER_READS: u32 = 1;
/// usbtoken_context_confine_drivers: drivers may read and change the path, a file, a folder, a device or a socket.
pub const USBTOKEN_DRIVER_WRITES: u32 = 2;

/// Keeps the drivers of this context, in processes of their own, from everything but the system's programs and settings, their
/// own folders, and the paths that are added so, one with each call (absolute, in UTF-8). `access` is USBTOKEN_DRIVER_READS or
/// USBTOKEN_DRIVER_WRITES. An empty path adds none: what a driver gets is then the system's alone. There is no way back. Where
/// drivers cannot be confined (no Landlock, Linux before 6.2, in this process), none is loaded: USBTOKEN_DRIVER_NOT_CONFINED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_context_confine_drivers(
    context: *const usbtoken_context,
    access: u32,
    path: *const c_char,
    path_length: usize,
) -> usbtoken_status {
    boundary::on::<Context>(context, |context| {
        // SAFETY: rule 4 of the header.
        let path = unsafe { args::text("path", path, path_length) }?;
        context.0.confine(|to| add(to, access, path))
    })
}

/// As usbtoken_context_confine_drivers, in UTF-16; the length is in code units.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_context_confine_drivers_utf16(
    context: *const usbtoken_context,
    access: u32,
    path: *const u16,
    path_length: usize,
) -> usbtoken_status {
    boundary::on::<Context>(context, |context| {
        // SAFETY: rule 4 of the header.
        let path = unsafe { args::wide("path", path, path_length) }?;
        context.0.confine(|to| add(to, access, &path))
    })
}

/// Writes 1 where the drivers of this context run in this process, and 0 where each has a process of its own, as it is where
/// usbtoken-driver is installed beside the library or was named. Linux only; elsewhere it is always 1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_context_is_in_process(
    context: *const usbtoken_context,
    out: Option<&mut MaybeUninit<i32>>,
) -> usbtoken_status {
    boundary::on::<Context>(context, |context| {
        args::required("out", out)?.write(i32::from(context.0.finder().is_in_process()?));
        Ok(())
    })
}

/// As usbtoken_context_set_driver_host, in UTF-16; the length is in code units.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usbtoken_context_set_driver_host_utf16(
    context: *const usbtoken_context,
    path: *const u16,
    path_length: usize,
) -> usbtoken_status {
    boundary::on::<Context>(context, |context| {
        // SAFETY: rule 4 of the header.
        context.0.set_driver_host(&unsafe { args::wide("path", path, path_length) }?);
        Ok(())
    })
}

/// An empty path adds nothing.
fn add(to: &mut Confinement, access: u32, path: &str) -> Result<()> {
    let paths = match access {
        USBTOKEN_DRIVER_READS => &mut to.reads,
        USBTOKEN_DRIVER_WRITES => &mut to.writes,
        _ => return Err(args::bad("access", "unknown_value")),
    };
    paths.extend(Some(path).filter(|path| !path.is_empty()).map(PathBuf::from));
    Ok(())
}
