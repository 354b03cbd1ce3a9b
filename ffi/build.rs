//! Gives the shared library the name by which the loader searches for it.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        println!(
            "cargo::rustc-cdylib-link-arg=-Wl,-soname,libusbtoken.so.{}",
            env!("CARGO_PKG_VERSION_MAJOR")
        );
    }
}
