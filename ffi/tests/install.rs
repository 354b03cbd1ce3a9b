//! `cargo xtask install`, and programs that find the library there: with pkg-config and with CMake, shared and static,
//! each built from scratch.

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use common::{Stage, libraries, root, succeed};
use usbtoken_testkit::{driver_host, is_all_built, target};

/// The installed tree, made once.
fn installed() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = std::env::temp_dir().join(format!("usbtoken-install-{}", std::process::id()));
        let mut install = install(&folder.with_extension("built"));
        succeed(install.arg("--own").arg("--prefix").arg(&folder).output().unwrap(), "cargo xtask install");
        folder
    })
}

/// `cargo xtask install --debug`, of what was built before where the tests are run so.
fn install(built: &Path) -> Command {
    if !is_all_built() {
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
        cargo.current_dir(root()).args(["run", "--quiet", "--package", "xtask", "--", "install", "--debug"]);
        return cargo;
    }
    std::fs::create_dir_all(built).unwrap();
    for library in ["libusbtoken_ffi.so", "libusbtoken_ffi.a"] {
        std::fs::copy(libraries().join(library), built.join(library)).unwrap();
    }
    std::fs::copy(driver_host(), built.join("usbtoken-driver")).unwrap();
    let mut xtask = Command::new(target().join("debug/xtask"));
    xtask.current_dir(root()).args(["install", "--debug", "--built"]).arg(built);
    xtask
}

fn lists(stage: &Stage, program: &Path, run: &mut Command) {
    run.arg(stage.token.module()).arg(stage.token.uri()).envs(stage.token.env());
    let printed = succeed(run.output().unwrap(), &program.display().to_string());
    assert!(printed.contains("days left  11"), "{printed}");
}

/// The soname in a program's list of needed libraries.
fn needed(program: &Path) -> String {
    let mut readelf = Command::new("readelf");
    succeed(readelf.arg("-d").arg(program).output().unwrap(), "readelf")
}

#[test]
fn programs_find_it_with_pkg_config_and_with_cmake() {
    let prefix = installed();
    let stage = Stage::set();
    layout(prefix);
    for kind in ["shared", "static"] {
        pkg_config(&stage, prefix, kind);
        cmake(&stage, prefix, kind);
    }
    moved(&stage, prefix);
    std::fs::remove_dir_all(prefix).unwrap();
    let _ = std::fs::remove_dir_all(prefix.with_extension("built"));
}

fn layout(prefix: &Path) {
    let lib = prefix.join("lib");
    let real = lib.join(format!("libusbtoken.so.{}", env!("CARGO_PKG_VERSION")));
    for link in ["libusbtoken.so", "libusbtoken.so.0"] {
        assert_eq!(lib.join(link).canonicalize().unwrap(), real.canonicalize().unwrap());
    }
    assert!(needed(&real).contains("soname: [libusbtoken.so.0]"), "{}", needed(&real));
    let same = |name: &str| {
        let (there, here) = (prefix.join("include").join(name), root().join("include").join(name));
        std::fs::read(there).unwrap() == std::fs::read(here).unwrap()
    };
    assert!(same("usbtoken.h") && same("usbtoken.hpp"));
}

fn pkg_config(stage: &Stage, prefix: &Path, kind: &str) {
    let mut query = Command::new("pkg-config");
    query.env("PKG_CONFIG_PATH", prefix.join("lib/pkgconfig")).args(["--cflags", "--libs"]);
    if kind == "static" {
        query.arg("--static");
    }
    let flags = succeed(query.arg("usbtoken").output().unwrap(), "pkg-config");
    let program = stage.folder.path().join(format!("by-pkg-config-{kind}"));
    let mut cc = Command::new("cc");
    cc.arg(root().join("examples/c/list.c")).arg("-o").arg(&program);
    // The usual way to the static library where both are installed.
    let flags = if kind == "static" { flags.replace("-lusbtoken", "-l:libusbtoken.a") } else { flags };
    cc.args(flags.split_whitespace());
    succeed(cc.output().unwrap(), "cc");
    assert_eq!(needed(&program).contains("libusbtoken.so.0"), kind == "shared");
    lists(stage, &program, Command::new(&program).env("LD_LIBRARY_PATH", prefix.join("lib")));
}

const PROJECT: &str = "cmake_minimum_required(VERSION 3.13)\nproject(consumer C)\n\
                       find_package(usbtoken 0.1 REQUIRED)\nadd_executable(consumer list.c)\n\
                       target_link_libraries(consumer usbtoken::usbtoken)\n";

fn cmake(stage: &Stage, prefix: &Path, kind: &str) {
    let folder = stage.folder.path().join(format!("cmake-{kind}"));
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("CMakeLists.txt"), PROJECT).unwrap();
    std::fs::copy(root().join("examples/c/list.c"), folder.join("list.c")).unwrap();
    let mut configure = Command::new("cmake");
    configure.args(["-S", ".", "-B", "build"]).current_dir(&folder);
    configure.arg(format!("-DCMAKE_PREFIX_PATH={}", prefix.display()));
    configure.arg(format!("-Dusbtoken_USE_STATIC={}", if kind == "static" { "ON" } else { "OFF" }));
    succeed(configure.output().unwrap(), "cmake");
    succeed(Command::new("cmake").args(["--build", "build"]).current_dir(&folder).output().unwrap(), "make");
    let program = folder.join("build/consumer");
    assert_eq!(needed(&program).contains("libusbtoken.so.0"), kind == "shared");
    lists(stage, &program, &mut Command::new(&program));

    // A newer one than there is must not be found.
    std::fs::write(folder.join("CMakeLists.txt"), PROJECT.replace(" 0.1 ", " 9.0 ")).unwrap();
    let mut configure = Command::new("cmake");
    configure.args(["-S", ".", "-B", "other"]).current_dir(&folder);
    let output = configure.arg(format!("-DCMAKE_PREFIX_PATH={}", prefix.display())).output().unwrap();
    assert!(!output.status.success());
}

/// Installed with DESTDIR in Debian's layout, paths in the files are those of the prefix.
fn moved(stage: &Stage, prefix: &Path) {
    let destination = stage.folder.path().join("package");
    let mut install = install(&stage.folder.path().join("built"));
    install.args(["--prefix", "/usr", "--libdir", "lib/x86_64-linux-gnu", "--destdir"]).arg(&destination);
    succeed(install.output().unwrap(), "cargo xtask install");
    let lib = destination.join("usr/lib/x86_64-linux-gnu");
    assert!(lib.join("libusbtoken.so.0").exists() && lib.join("libusbtoken.a").exists());
    let pc = std::fs::read_to_string(lib.join("pkgconfig/usbtoken.pc")).unwrap();
    assert!(pc.contains("prefix=/usr\nlibdir=${prefix}/lib/x86_64-linux-gnu\n"), "{pc}");
    let config = std::fs::read_to_string(lib.join("cmake/usbtoken/usbtoken-config.cmake")).unwrap();
    assert!(config.contains("${CMAKE_CURRENT_LIST_DIR}/../../../..\""), "{config}");
    assert!(!config.contains(&*prefix.to_string_lossy()));
}
