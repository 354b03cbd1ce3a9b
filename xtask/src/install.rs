//! `cargo xtask install`: the C library into a prefix, laid out as Debian does it.
//!
//! ```text
//! lib/libusbtoken.so.0.1.0                       the shared library, soname libusbtoken.so.0
//! lib/libusbtoken.so.0, lib/libusbtoken.so       symbolic links
//! lib/libusbtoken.a                              the static library
//! lib/usbtoken-driver                            the program in which drivers run, found beside the library
//! lib/usbtoken-driver32                          with --host32, the same for 32-bit drivers
//! lib/pkgconfig/usbtoken.pc
//! lib/cmake/usbtoken/usbtoken-config.cmake       targets usbtoken::shared, usbtoken::static, usbtoken::usbtoken
//! lib/cmake/usbtoken/usbtoken-config-version.cmake
//! include/usbtoken.h, include/usbtoken.hpp
//! ```
//!
//! And, whatever the prefix, the folder in which jobs of different users exclude each other (`docs/transaction.md`).

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::work::{self, Done};

/// Where, and how much of it.
#[derive(clap::Args)]
pub struct Options {
    /// The folder that programs will find it in
    #[arg(long, default_value = "/usr/local")]
    prefix: PathBuf,
    /// A folder to put before every path that is written, for packages
    #[arg(long)]
    destdir: Option<PathBuf>,
    /// The folder of the libraries, beneath the prefix: for Debian lib/x86_64-linux-gnu
    #[arg(long, default_value = "lib")]
    libdir: PathBuf,
    /// The driver host for 32-bit drivers too; takes Rust's target i686-unknown-linux-gnu and a C compiler for it
    #[arg(long)]
    host32: bool,
    /// Install the unoptimised build
    #[arg(long)]
    debug: bool,
    /// Build nothing, and install what is in this folder: libusbtoken_ffi.so, libusbtoken_ffi.a and usbtoken-driver
    #[arg(long, value_name = "FOLDER", conflicts_with = "host32")]
    built: Option<PathBuf>,
    /// For this user alone: leave out the folder in which jobs of all users exclude each other
    #[arg(long)]
    own: bool,
}

/// What goes by the name of this version.
struct Version {
    whole: &'static str,
    major: &'static str,
}

const VERSION: Version = Version { whole: env!("CARGO_PKG_VERSION"), major: env!("CARGO_PKG_VERSION_MAJOR") };

/// The program in which drivers run.
const HOST: &str = "usbtoken-driver";

/// What the static library needs besides itself; rustc --print native-static-libs says it for Linux.
const NATIVE_LIBRARIES: &str = "-lgcc_s -lutil -lrt -lpthread -lm -ldl -lc";

/// Builds and installs.
pub fn run(options: &Options) -> Done {
    if !options.prefix.is_absolute() || options.libdir.is_absolute() {
        return Err("--prefix must be an absolute path, and --libdir a relative one".to_owned());
    }
    let built = match &options.built {
        Some(folder) => folder.clone(),
        None => build(options.debug)?,
    };
    let place = Place::new(options);
    let lib = place.folder(&options.libdir)?;
    let include = place.folder(Path::new("include"))?;

    let shared = format!("libusbtoken.so.{}", VERSION.whole);
    copy(&built.join("libusbtoken_ffi.so"), &lib.join(&shared), 0o755)?;
    strip(&lib.join(&shared), "--strip-unneeded", options.debug)?;
    link(&shared, &lib.join(format!("libusbtoken.so.{}", VERSION.major)))?;
    link(&shared, &lib.join("libusbtoken.so"))?;
    copy(&built.join("libusbtoken_ffi.a"), &lib.join("libusbtoken.a"), 0o644)?;
    strip(&lib.join("libusbtoken.a"), "--strip-debug", options.debug)?;
    let host = lib.join(HOST);
    copy(&built.join(HOST), &host, 0o755)?;
    strip(&host, "--strip-all", options.debug)?;
    if options.host32 {
        let host = lib.join("usbtoken-driver32");
        copy(&build_narrow_host(options.debug)?, &host, 0o755)?;
        strip(&host, "--strip-all", options.debug)?;
    }
    for header in ["usbtoken.h", "usbtoken.hpp"] {
        copy(&work::root().join("include").join(header), &include.join(header), 0o644)?;
    }
    write(&place.folder(&options.libdir.join("pkgconfig"))?.join("usbtoken.pc"), &pkg_config(options))?;
    let cmake = place.folder(&options.libdir.join("cmake/usbtoken"))?;
    write(&cmake.join("usbtoken-config.cmake"), &cmake_config(options))?;
    write(&cmake.join("usbtoken-config-version.cmake"), &cmake_version())?;
    if !options.own {
        make_lock_files(options.destdir.as_deref())?;
    }
    println!("installed into {}", place.root.display());
    Ok(())
}

/// Where files are written: the prefix, with the destination folder before it.
struct Place {
    root: PathBuf,
}

impl Place {
    fn new(options: &Options) -> Self {
        let root = match (&options.destdir, options.prefix.strip_prefix("/")) {
            (Some(destination), Ok(prefix)) => destination.join(prefix),
            _ => options.prefix.clone(),
        };
        Place { root }
    }

    fn folder(&self, name: &Path) -> Done<PathBuf> {
        let folder = self.root.join(name);
        fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        Ok(folder)
    }
}

/// Makes the files of the lock. Those that are there stay as they are: a job may be holding one. Their folders are the
/// administrator's, whoever was given them since.
fn make_lock_files(destination: Option<&Path>) -> Done {
    let first = usbtoken::driver::machine_lock_files().next();
    if let (None, Some(locks)) = (destination, first.as_deref().and_then(Path::parent)) {
        for folder in locks.parent().into_iter().chain([locks]) {
            give_to_administrator(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        }
    }
    for file in usbtoken::driver::machine_lock_files() {
        let file = match (destination, file.strip_prefix("/")) {
            (Some(destination), Ok(beneath)) => destination.join(beneath),
            _ => file,
        };
        if file.exists() {
            continue;
        }
        match make_lock_file(&file) {
            // Whoever may not write there installs for himself; his own jobs exclude each other without it.
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                println!(
                    "not made, for want of permission: {} (docs/transaction.md, Two at once)",
                    file.display()
                );
                return Ok(());
            }
            made => made.map_err(|error| format!("{}: {error}", file.display()))?,
        }
    }
    Ok(())
}

/// As it is made, where it is there and an administrator runs this. What is no folder has to be removed by a person.
fn give_to_administrator(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, lchown};
    let is_administrator = fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
    match folder.symlink_metadata() {
        Ok(found) if found.is_dir() && is_administrator => {
            lchown(folder, Some(0), Some(0))?;
            fs::set_permissions(folder, fs::Permissions::from_mode(0o755))
        }
        Ok(found) if !found.is_dir() => Err(std::io::Error::other("in the way: it is no folder")),
        _ => Ok(()),
    }
}

/// Empty, for everybody to read and nobody to write.
fn make_lock_file(file: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
    if let Some(folder) = file.parent() {
        fs::DirBuilder::new().recursive(true).mode(0o755).create(folder)?;
    }
    let made = fs::OpenOptions::new().write(true).create_new(true).mode(0o444).open(file)?;
    made.set_permissions(fs::Permissions::from_mode(0o444))
}

/// Builds the libraries and the driver host, and says where they are.
fn build(debug: bool) -> Done<PathBuf> {
    for what in
        [["--package", "usbtoken-ffi", "--lib"].as_slice(), &["--package", "usbtoken-cli", "--bin", HOST]]
    {
        let mut cargo = work::cargo();
        cargo.args(["build", "--quiet"]).args(what);
        if !debug {
            cargo.arg("--release");
        }
        work::run(&mut cargo)?;
    }
    Ok(target().join(if debug { "debug" } else { "release" }))
}

/// Builds the driver host for 32 bits, and says where it is.
fn build_narrow_host(debug: bool) -> Done<PathBuf> {
    const TARGET: &str = "i686-unknown-linux-gnu";
    let mut cargo = work::cargo();
    cargo.args(["build", "--quiet", "--package", "usbtoken-pkcs11", "--example", HOST, "--target", TARGET]);
    if !debug {
        cargo.arg("--release");
    }
    work::run(&mut cargo)?;
    Ok(target().join(TARGET).join(if debug { "debug" } else { "release" }).join("examples").join(HOST))
}

fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| work::root().join("target"), PathBuf::from)
}

/// Takes what only a debugger reads out of a library that was built for use.
fn strip(library: &Path, how: &str, debug: bool) -> Done {
    if debug || !work::on_path("strip") {
        return Ok(());
    }
    work::run(Command::new("strip").arg(how).arg(library))
}

fn pkg_config(options: &Options) -> String {
    format!(
        "prefix={prefix}\nlibdir=${{prefix}}/{libdir}\nincludedir=${{prefix}}/include\n\n\
         Name: usbtoken\nDescription: Renews the certificate on the USB token that a bank gave its customer\n\
         Version: {version}\nLibs: -L${{libdir}} -lusbtoken\nLibs.private: {NATIVE_LIBRARIES}\n\
         Cflags: -I${{includedir}}\n",
        prefix = options.prefix.display(),
        libdir = options.libdir.display(),
        version = VERSION.whole,
    )
}

fn cmake_config(options: &Options) -> String {
    // The folder of this file is as deep beneath the prefix as libdir/cmake/usbtoken is.
    let up = "../".repeat(options.libdir.components().count() + 2);
    let up = up.trim_end_matches('/');
    let libdir = options.libdir.display();
    let major = VERSION.major;
    let native: Vec<&str> = NATIVE_LIBRARIES.split(' ').map(|flag| flag.trim_start_matches("-l")).collect();
    let native = native.join(";");
    format!(
        r#"# usbtoken::shared, usbtoken::static, and usbtoken::usbtoken, which is the shared one unless
# usbtoken_USE_STATIC is on.
get_filename_component(_usbtoken_prefix "${{CMAKE_CURRENT_LIST_DIR}}/{up}" ABSOLUTE)
if(NOT TARGET usbtoken::shared)
  add_library(usbtoken::shared SHARED IMPORTED)
  set_target_properties(usbtoken::shared PROPERTIES
    IMPORTED_LOCATION "${{_usbtoken_prefix}}/{libdir}/libusbtoken.so.{major}"
    IMPORTED_SONAME "libusbtoken.so.{major}"
    INTERFACE_INCLUDE_DIRECTORIES "${{_usbtoken_prefix}}/include")
  add_library(usbtoken::static STATIC IMPORTED)
  set_target_properties(usbtoken::static PROPERTIES
    IMPORTED_LOCATION "${{_usbtoken_prefix}}/{libdir}/libusbtoken.a"
    INTERFACE_INCLUDE_DIRECTORIES "${{_usbtoken_prefix}}/include"
    INTERFACE_LINK_LIBRARIES "{native}")
  add_library(usbtoken::usbtoken INTERFACE IMPORTED)
  if(usbtoken_USE_STATIC)
    target_link_libraries(usbtoken::usbtoken INTERFACE usbtoken::static)
  else()
    target_link_libraries(usbtoken::usbtoken INTERFACE usbtoken::shared)
  endif()
endif()
unset(_usbtoken_prefix)
"#
    )
}

fn cmake_version() -> String {
    format!(
        r#"set(PACKAGE_VERSION "{whole}")
if(PACKAGE_FIND_VERSION VERSION_GREATER PACKAGE_VERSION OR
   (PACKAGE_FIND_VERSION_MAJOR AND NOT PACKAGE_FIND_VERSION_MAJOR EQUAL {major}))
  set(PACKAGE_VERSION_COMPATIBLE FALSE)
else()
  set(PACKAGE_VERSION_COMPATIBLE TRUE)
  if(PACKAGE_FIND_VERSION VERSION_EQUAL PACKAGE_VERSION)
    set(PACKAGE_VERSION_EXACT TRUE)
  endif()
endif()
"#,
        whole = VERSION.whole,
        major = VERSION.major
    )
}

fn copy(from: &Path, to: &Path, mode: u32) -> Done {
    let _ = fs::remove_file(to);
    fs::copy(from, to).map_err(|error| format!("{} to {}: {error}", from.display(), to.display()))?;
    let mut command = Command::new("chmod");
    work::run(command.arg(format!("{mode:o}")).arg(to))
}

fn link(to: &str, at: &Path) -> Done {
    let _ = fs::remove_file(at);
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(to, at).map_err(|error| format!("{}: {error}", at.display()))
    }
    #[cfg(not(unix))]
    {
        Err(format!("{}: symbolic links to {to} are for Unix", at.display()))
    }
}

fn write(path: &Path, text: &str) -> Done {
    fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_of_the_lock_is_given_back_to_the_administrator() {
        use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
        let here = std::env::temp_dir().join(format!("xtask-install-{}", std::process::id()));
        fs::create_dir(&here).unwrap();
        let is_administrator = fs::metadata(&here).unwrap().uid() == 0;
        fs::set_permissions(&here, fs::Permissions::from_mode(0o777)).unwrap();
        give_to_administrator(&here).unwrap();
        let mode = fs::metadata(&here).unwrap().permissions().mode() & 0o7777;
        assert_eq!(mode, if is_administrator { 0o755 } else { 0o777 });
        fs::write(here.join("file"), "").unwrap();
        assert!(give_to_administrator(&here.join("file")).is_err(), "a person has to remove it");
        give_to_administrator(&here.join("missing")).unwrap();
        fs::remove_dir_all(&here).unwrap();
    }
}
