//! What the demo and the tests need from the system, and how it gets there.

use std::path::Path;
use std::process::Command;

use crate::work::{self, Done};

/// Something that a package of the system brings.
pub struct Need {
    /// The package, as Debian calls it.
    pub package: &'static str,
    /// How to see that it is there.
    pub sign: Sign,
    /// What it is for.
    pub purpose: &'static str,
}

/// How to see that a package is there.
pub enum Sign {
    /// A program on the path.
    Program(&'static str),
    /// One of these files.
    File(&'static [&'static str]),
    /// A module that python3 has.
    Module(&'static str),
}

const SOFTHSM: Need = Need {
    package: "softhsm2",
    sign: Sign::File(&[
        "/usr/lib/softhsm/libsofthsm2.so",
        "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
        "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
        "/usr/lib64/pkcs11/libsofthsm2.so",
        "/usr/local/lib/softhsm/libsofthsm2.so",
        "/opt/homebrew/lib/softhsm/libsofthsm2.so",
    ]),
    purpose: "a token in software",
};

/// What the demo needs.
pub const DEMO: &[Need] = &[SOFTHSM];

/// What the demonstration needs whose old certificate is on the computer.
pub const DEMO_ONTO_TOKEN: &[Need] = &[
    SOFTHSM,
    Need { package: "openssl", sign: Sign::Program("openssl"), purpose: "makes the old certificate's file" },
    Need { package: "libnss3-tools", sign: Sign::Program("certutil"), purpose: "makes a browser's profile" },
];

/// What the tests need.
pub const TESTS: &[Need] = &[
    SOFTHSM,
    OPENSSL,
    Need { package: "bsdutils", sign: Sign::Program("script"), purpose: "plays a person at a terminal" },
    NGINX,
    Need {
        package: "python3-jsonschema",
        sign: Sign::Module("jsonschema"),
        purpose: "holds profiles of banks against their schema",
    },
    Need { package: "curl", sign: Sign::Program("curl"), purpose: "asks a CA over HTTPS in an example" },
    Need {
        package: "gnutls-bin",
        sign: Sign::Program("certtool"),
        purpose: "checks requests and URIs a second time",
    },
    Need {
        package: "opensc",
        sign: Sign::Program("pkcs11-tool"),
        purpose: "looks at tokens and signs with them",
    },
    Need {
        package: "opensc-pkcs11",
        sign: Sign::File(&[
            "/usr/lib/x86_64-linux-gnu/pkcs11-spy.so",
            "/usr/lib/aarch64-linux-gnu/pkcs11-spy.so",
            "/usr/lib64/pkcs11-spy.so",
            "/usr/lib64/pkcs11/pkcs11-spy.so",
        ]),
        purpose: "counts PKCS#11 calls",
    },
    Need {
        package: "umockdev",
        sign: Sign::Program("umockdev-run"),
        purpose: "makes USB devices up: tests of what is plugged in",
    },
    ENGINE,
    Need {
        package: "libp11-kit0",
        sign: Sign::File(&[
            "/usr/lib/x86_64-linux-gnu/p11-kit-proxy.so",
            "/usr/lib/aarch64-linux-gnu/p11-kit-proxy.so",
            "/usr/lib64/p11-kit-proxy.so",
        ]),
        purpose: "a module that makes its function lists anew, for the shim",
    },
    Need {
        package: "util-linux",
        sign: Sign::Program("unshare"),
        purpose: "plays several users, and a terminal",
    },
    Need { package: "procps", sign: Sign::Program("pgrep"), purpose: "finds the job of another user" },
    Need { package: "gcc", sign: Sign::Program("cc"), purpose: "builds the C tests and examples" },
    Need { package: "g++", sign: Sign::Program("c++"), purpose: "builds the C++ example" },
    Need { package: "binutils", sign: Sign::Program("nm"), purpose: "lists what the C library exports" },
    Need {
        package: "valgrind",
        sign: Sign::Program("valgrind"),
        purpose: "finds leaks and bad reads from C",
    },
    Need {
        package: "cmake",
        sign: Sign::Program("cmake"),
        purpose: "builds a program on the installed library",
    },
    Need { package: "make", sign: Sign::Program("make"), purpose: "does what CMake plans" },
    Need { package: "pkg-config", sign: Sign::Program("pkg-config"), purpose: "the same, without CMake" },
    Need { package: "python3", sign: Sign::Program("python3"), purpose: "runs the Python example" },
    Need { package: "libnss3-tools", sign: Sign::Program("certutil"), purpose: "a CA: NSS" },
    Need { package: "botan", sign: Sign::Program("botan"), purpose: "a CA: Botan" },
    Need { package: "golang-cfssl", sign: Sign::Program("cfssl"), purpose: "a CA: cfssl" },
    Need {
        package: "easy-rsa",
        sign: Sign::File(&["/usr/share/easy-rsa/easyrsa"]),
        purpose: "a CA: easy-rsa",
    },
    Need { package: "strongswan-pki", sign: Sign::Program("pki"), purpose: "a CA: strongSwan" },
    Need {
        package: "libstrongswan-standard-plugins",
        sign: Sign::File(&["/usr/lib/ipsec/plugins/libstrongswan-openssl.so"]),
        purpose: "teaches strongSwan's CA elliptic curves",
    },
    Need {
        package: "python3-cryptography",
        sign: Sign::File(&["/usr/lib/python3/dist-packages/cryptography/__init__.py"]),
        purpose: "a CA: Python's cryptography",
    },
    Need {
        package: "default-jdk-headless",
        sign: Sign::Program("javac"),
        purpose: "a CA: Java's keytool; runs BouncyCastle",
    },
    Need {
        package: "libbcpkix-java",
        sign: Sign::File(&["/usr/share/java/bcpkix.jar"]),
        purpose: "a CA: BouncyCastle",
    },
];

const OPENSSL: Need =
    Need { package: "openssl", sign: Sign::Program("openssl"), purpose: "checks requests and certificates" };
const NGINX: Need = Need {
    package: "nginx-light",
    sign: Sign::Program("nginx"),
    purpose: "a server that demands a client certificate",
};
const ENGINE: Need = Need {
    package: "libengine-pkcs11-openssl",
    sign: Sign::File(&[
        "/usr/lib/x86_64-linux-gnu/engines-3/pkcs11.so",
        "/usr/lib/aarch64-linux-gnu/engines-3/pkcs11.so",
        "/usr/lib64/engines-3/pkcs11.so",
    ]),
    purpose: "lets OpenSSL sign with a token",
};

/// What the suites of others need (`cargo xtask shim-suites`): all of them, and each.
pub const SUITES: &[Need] = &[
    SOFTHSM,
    Need { package: "opensc", sign: Sign::Program("pkcs11-tool"), purpose: "makes keys for the suites" },
];

/// What brings SoftHSM up, and logs in with it (`cargo xtask tokens`).
pub const SOFT: &[Need] = &[SOFTHSM, PKCS11_TOOL, OPENSSL, NGINX, ENGINE];
/// What brings tokens up.
pub const TOKENS: &[Need] = &[
    SOFTHSM,
    PKCS11_TOOL,
    OPENSSL,
    NGINX,
    ENGINE,
    Need { package: "libnss3", sign: Sign::File(SOFTOKN), purpose: "NSS's token" },
    Need { package: "libnss3-tools", sign: Sign::Program("certutil"), purpose: "makes NSS's token" },
    Need { package: "gcc", sign: Sign::Program("cc"), purpose: "hands NSS its parameter string" },
    Need { package: "p11-kit", sign: Sign::Program("p11-kit"), purpose: "a token in another process" },
    Need {
        package: "p11-kit-modules",
        sign: Sign::File(&[
            "/usr/lib/x86_64-linux-gnu/pkcs11/p11-kit-client.so",
            "/usr/lib/aarch64-linux-gnu/pkcs11/p11-kit-client.so",
        ]),
        purpose: "a token in another process",
    },
    Need {
        package: "opencryptoki",
        sign: Sign::File(&["/usr/sbin/pkcsslotd"]),
        purpose: "openCryptoki's token",
    },
    Need {
        package: "libopencryptoki0",
        sign: Sign::File(&[
            "/usr/lib/x86_64-linux-gnu/opencryptoki/libopencryptoki.so.0",
            "/usr/lib/aarch64-linux-gnu/opencryptoki/libopencryptoki.so.0",
        ]),
        purpose: "openCryptoki's token",
    },
    Need {
        package: "libtpm2-pkcs11-1",
        sign: Sign::File(&[
            "/usr/lib/x86_64-linux-gnu/libtpm2_pkcs11.so.1",
            "/usr/lib/aarch64-linux-gnu/libtpm2_pkcs11.so.1",
        ]),
        purpose: "a TPM as a token",
    },
    Need { package: "swtpm", sign: Sign::Program("swtpm"), purpose: "a TPM in software" },
    Need {
        package: "tpm2-abrmd",
        sign: Sign::File(&["/usr/sbin/tpm2-abrmd"]),
        purpose: "shares the TPM out",
    },
    Need {
        package: "libtss2-tcti-tabrmd0",
        sign: Sign::File(&[
            "/usr/lib/x86_64-linux-gnu/libtss2-tcti-tabrmd.so.0",
            "/usr/lib/aarch64-linux-gnu/libtss2-tcti-tabrmd.so.0",
        ]),
        purpose: "the way to tpm2-abrmd",
    },
    Need {
        package: "dbus-daemon",
        sign: Sign::Program("dbus-run-session"),
        purpose: "tpm2-abrmd talks over it",
    },
];
const SOFTOKN: &[&str] = &[
    "/usr/lib/x86_64-linux-gnu/libsoftokn3.so",
    "/usr/lib/x86_64-linux-gnu/nss/libsoftokn3.so",
    "/usr/lib/aarch64-linux-gnu/libsoftokn3.so",
    "/usr/lib/aarch64-linux-gnu/nss/libsoftokn3.so",
];
/// A card behind OpenSC.
pub const CARD: &[Need] = &[
    PKCS11_TOOL,
    Need { package: "pcscd", sign: Sign::Program("pcscd"), purpose: "a card behind OpenSC" },
    Need {
        package: "vsmartcard-vpcd",
        sign: Sign::File(&["/usr/lib/pcsc/drivers/serial/libifdvpcd.so"]),
        purpose: "a reader for a card in software",
    },
];
/// What Kryoptic is built with.
pub const KRYOPTIC: &[Need] = &[
    SOFTHSM,
    PKCS11_TOOL,
    OPENSSL,
    NGINX,
    ENGINE,
    Need {
        package: "libclang-dev",
        sign: Sign::File(&["/usr/lib/llvm-14/lib/libclang.so", "/usr/lib/x86_64-linux-gnu/libclang-14.so.1"]),
        purpose: "builds Kryoptic",
    },
    Need {
        package: "libssl-dev",
        sign: Sign::File(&["/usr/include/openssl/evp.h"]),
        purpose: "builds Kryoptic",
    },
    Need {
        package: "libsqlite3-dev",
        sign: Sign::File(&["/usr/include/sqlite3.h"]),
        purpose: "builds Kryoptic",
    },
    Need { package: "pkg-config", sign: Sign::Program("pkg-config"), purpose: "builds Kryoptic" },
];
const PKCS11_TOOL: Need =
    Need { package: "opensc", sign: Sign::Program("pkcs11-tool"), purpose: "initialises tokens" };
/// NSS.
pub const NSS: &[Need] =
    &[Need { package: "libnss3-tools", sign: Sign::Program("certutil"), purpose: "NSS as an application" }];
/// OpenSSH.
pub const SSH: &[Need] = &[Need {
    package: "openssh-client",
    sign: Sign::Program("ssh-keygen"),
    purpose: "OpenSSH as an application",
}];
/// Java.
pub const JAVA: &[Need] = &[Need {
    package: "default-jre-headless",
    sign: Sign::Program("keytool"),
    purpose: "Java as an application",
}];
/// What comes from PyPI.
pub const PYTHON: &[Need] =
    &[Need { package: "python3-venv", sign: Sign::Program("python3"), purpose: "the suites from PyPI" }];

/// What the comparison with openssl needs.
pub const CORPORA: &[Need] = &[
    Need { package: "openssl", sign: Sign::Program("openssl"), purpose: "reads the same certificates" },
    Need { package: "python3", sign: Sign::Program("python3"), purpose: "runs pip" },
    Need {
        package: "python3-pip",
        sign: Sign::Module("pip"),
        purpose: "fetches test certificates from PyPI",
    },
    Need {
        package: "ca-certificates",
        sign: Sign::File(&["/etc/ssl/certs/ca-certificates.crt"]),
        purpose: "the certificates of the public CAs",
    },
];

/// Installs what is missing, saying so before it does.
///
/// # Errors
/// When something is missing and this program may not install it: with the one command to type.
pub fn ensure(needs: &[Need]) -> Done {
    let missing: Vec<&Need> = needs.iter().filter(|need| !need.is_there()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    for need in &missing {
        println!("{} is missing: {}.", need.package, need.purpose);
    }
    let packages: Vec<&str> = missing.iter().map(|need| need.package).collect();
    let by_hand = format!("apt-get install -y {}", packages.join(" "));
    if !work::on_path("apt-get") {
        let names = packages.join(", ");
        return Err(format!(
            "this system has no apt-get: please install what Debian calls {names}, then start again"
        ));
    }
    let Some(prefix) = become_root() else {
        return Err(format!(
            "only root can install packages, and sudo is not here. Please type, as root:\n\n    {by_hand}\n"
        ));
    };
    println!("Installing: {}", packages.join(" "));
    let install = || {
        let mut command = apt(&prefix);
        command.args(["install", "-y", "--no-install-recommends"]).args(&packages);
        work::run(&mut command)
    };
    // The package lists may be older than the packages, or not there at all.
    let installed = install().or_else(|_| work::run(apt(&prefix).arg("update")).and_then(|()| install()));
    installed.map_err(|problem| format!("{problem}. Please type, as root:\n\n    {by_hand}\n"))?;
    match needs.iter().find(|need| !need.is_there()) {
        None => Ok(()),
        Some(need) => {
            Err(format!("{} is installed, and what it should bring is still not there", need.package))
        }
    }
}

/// Adds Rust's formatter and linter where they are missing: minimal installations lack them.
///
/// # Errors
/// When they are missing and rustup is not here, or cannot add them.
pub fn ensure_components() -> Done {
    for (subcommand, component) in [("fmt", "rustfmt"), ("clippy", "clippy")] {
        if work::output(work::cargo().args([subcommand, "--version"])).is_ok() {
            continue;
        }
        println!("{component} is missing; adding it.");
        work::run(Command::new("rustup").args(["component", "add", component])).map_err(|problem| {
            format!("{problem}. Please type:\n\n    rustup component add {component}\n")
        })?;
    }
    Ok(())
}

impl Need {
    fn is_there(&self) -> bool {
        match self.sign {
            Sign::Program(name) => work::on_path(name),
            Sign::Module(name) => {
                work::output(Command::new("python3").args(["-m", name, "--version"])).is_ok()
            }
            Sign::File(paths) => paths.iter().any(|path| Path::new(path).exists()),
        }
    }
}

/// What has to stand before a command so that root runs it; `None` when there is no way.
fn become_root() -> Option<Vec<&'static str>> {
    let id = Command::new("id").arg("-u").output().ok()?;
    if String::from_utf8_lossy(&id.stdout).trim() == "0" {
        return Some(Vec::new());
    }
    work::on_path("sudo").then(|| vec!["sudo"])
}

fn apt(prefix: &[&str]) -> Command {
    let mut words = prefix.iter().copied().chain(["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"]);
    let mut command = Command::new(words.next().unwrap_or("env"));
    command.args(words);
    command
}
