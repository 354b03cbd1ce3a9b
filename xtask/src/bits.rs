//! `cargo xtask bits`: a 64-bit program with a 32-bit driver, and the other way. What a 32-bit program needs comes from Debian's
//! i386 packages, unpacked beneath `target/`: nothing of it is installed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::work::{self, Done};

const TARGET: &str = "i686-unknown-linux-gnu";

/// Whether this machine can run 32-bit programs, and get them.
fn may_run() -> bool {
    cfg!(all(target_os = "linux", target_arch = "x86_64"))
        && work::on_path("apt-get")
        && work::on_path("dpkg")
}

/// Fetches, builds, and runs the tests.
///
/// # Errors
/// When one of these fails.
pub fn run() -> Done {
    if !may_run() {
        return Err("32-bit programs come from Debian's packages, for x86_64 alone".to_owned());
    }
    let place = work::root().join("target/i386");
    let root = place.join("root");
    if !root.join("usr/lib/i386-linux-gnu/softhsm/libsofthsm2.so").exists() {
        fetch(&place, &root)?;
    }
    let linker = write_linker(&place, &root)?;
    work::run(Command::new("rustup").args(["target", "add", TARGET]).current_dir(work::root()))?;
    let cargo = |arguments: &[&str]| {
        let mut cargo = work::cargo();
        // The configuration's flags are for the programs of this machine.
        cargo.args(arguments).env("CARGO_TARGET_I686_UNKNOWN_LINUX_GNU_LINKER", &linker);
        work::run(&mut cargo)
    };
    cargo(&[
        "build",
        "--quiet",
        "--package",
        "usbtoken-pkcs11",
        "--examples",
        "--target",
        TARGET,
        "--target-dir",
        "target/i386",
    ])?;
    let built = place.join(TARGET).join("debug/examples");
    let mut tests = work::cargo();
    tests.args(["test", "--package", "usbtoken", "--test", "bits", "--", "--ignored"]);
    work::run(tests.env("USBTOKEN_TEST_32_BITS", built).env("USBTOKEN_TEST_32_BIT_ROOT", root))
}

/// SoftHSM and what a C compiler needs, of the system that this machine has.
fn fetch(place: &Path, root: &Path) -> Done {
    let gcc = work::output(Command::new("gcc").arg("-dumpversion"))?;
    let gcc = gcc.trim().split('.').next().unwrap_or_default().to_owned();
    for folder in ["state/lists/partial", "cache/archives/partial"] {
        fs::create_dir_all(place.join(folder)).map_err(|error| error.to_string())?;
    }
    let write = |name: &str, text: &str| {
        fs::write(place.join(name), text).map_err(|error| format!("{name}: {error}"))?;
        Done::Ok(place.join(name))
    };
    // No package of this machine counts, and none is changed.
    let status = write("state/status", "")?;
    let configuration = format!(
        "Dir::State \"{0}/state\";\nDir::State::status \"{1}\";\nDir::Cache \"{0}/cache\";\n\
         APT::Architecture \"i386\";\nAPT::Architectures {{ \"i386\"; }};\nAPT::Sandbox::User \"\";\n",
        place.display(),
        status.display()
    );
    let configuration = write("apt.conf", &configuration)?;
    let apt = |arguments: &[&str]| {
        let mut apt = Command::new("apt-get");
        work::run(apt.args(arguments).env("APT_CONFIG", &configuration))
    };
    // A source that has nothing for i386 is none that is needed.
    let _ = apt(&["update"]);
    let compiler = format!("libgcc-{gcc}-dev");
    apt(&[
        "install",
        "-y",
        "--no-install-recommends",
        "--download-only",
        "softhsm2",
        "libc6-dev",
        &compiler,
    ])?;
    let archives = fs::read_dir(place.join("cache/archives")).map_err(|error| error.to_string())?;
    for file in archives.flatten().map(|entry| entry.path()) {
        if file.extension().is_some_and(|kind| kind == "deb") {
            work::run(Command::new("dpkg").arg("-x").arg(file).arg(root))?;
        }
    }
    Ok(())
}

/// A compiler whose programs run with what is beneath this root.
fn write_linker(place: &Path, root: &Path) -> Done<PathBuf> {
    let gcc = root.join("usr/lib/gcc/i686-linux-gnu");
    let version = fs::read_dir(&gcc).ok().and_then(|mut entries| entries.next()?.ok());
    let version = version.ok_or_else(|| format!("{} is empty", gcc.display()))?.path();
    let script = format!(
        "#!/bin/sh\nr='{root}'\n\
         exec gcc -m32 --sysroot=\"$r\" -B\"$r/usr/lib/i386-linux-gnu\" -B'{gcc}' -L'{gcc}' -L\"$r/lib/i386-linux-gnu\" \
         -L\"$r/usr/lib/i386-linux-gnu\" -Wl,--dynamic-linker=\"$r/lib/ld-linux.so.2\" -Wl,--disable-new-dtags \
         -Wl,-rpath,\"$r/lib/i386-linux-gnu:$r/usr/lib/i386-linux-gnu\" \"$@\"\n",
        root = root.display(),
        gcc = version.display()
    );
    let linker = place.join("cc");
    fs::write(&linker, script).map_err(|error| format!("{}: {error}", linker.display()))?;
    work::run(Command::new("chmod").arg("755").arg(&linker))?;
    Ok(linker)
}
