//! A stage for applications and drivers in C (`tests/hosts/`).

use super::shim;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use usbtoken_shim::trace::Trace;

/// A folder with the host, the driver and whatever a scene leaves.
pub struct Stage {
    pub folder: tempfile::TempDir,
    /// How the driver misbehaves.
    driver: &'static str,
}

/// Compiles the host and the driver, once for each run.
fn compiled() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("shim-hosts");
        fs::create_dir_all(&folder).unwrap();
        const LIBRARY: &[&str] = &["-shared", "-fPIC"];
        let all = [
            ("hosts.c", "hosts", &[][..]),
            ("driver.c", "driver.so", LIBRARY),
            ("late.c", "late.so", LIBRARY),
        ];
        for (source, to, options) in all {
            let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hosts").join(source);
            let mut compiler = Command::new("cc");
            compiler.args(["-O1", "-w", "-o"]).arg(folder.join(to)).args(options).arg(source);
            let status = compiler.args(["-ldl", "-lpthread"]).status();
            assert!(status.expect("a C compiler, which Rust needs too").success());
        }
        folder
    })
}

impl Stage {
    pub fn new(driver: &'static str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["hosts", "driver.so", "late.so"] {
            fs::copy(compiled().join(name), folder.path().join(name)).unwrap();
        }
        Self { folder, driver }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn command(&self, scene: &str, module: &Path, words: &[&str]) -> Command {
        let mut command = Command::new(self.path("hosts"));
        for (name, _) in
            std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("USBTOKEN_SHIM_"))
        {
            command.env_remove(name);
        }
        command
            .arg(scene)
            .arg(module)
            .args(words)
            .current_dir(self.folder.path())
            .env("DRIVER", self.driver)
            // What was freed is overwritten, or its use could go unnoticed.
            .env("MALLOC_PERTURB_", "165")
            .env("BACK", shim())
            .env("USBTOKEN_SHIM_DRIVER", self.path("driver.so"))
            .stdin(Stdio::null());
        command
    }

    pub fn direct(&self, scene: &str, words: &[&str]) -> Output {
        self.command(scene, &self.path("driver.so"), words).output().unwrap()
    }

    /// Through the shim, without a trace.
    pub fn through(&self, scene: &str, words: &[&str]) -> Output {
        self.command(scene, &shim(), words).output().unwrap()
    }

    /// Through the shim, with a trace at this place.
    pub fn traced(&self, scene: &str, words: &[&str], trace: impl AsRef<OsStr>) -> Output {
        self.command(scene, &shim(), words).env("USBTOKEN_SHIM_TRACE", trace).output().unwrap()
    }

    /// Plays the scene without the shim, through it, and through it with a trace; each must end and print the same.
    pub fn same(&self, scene: &str, words: &[&str]) -> Output {
        let direct = self.direct(scene, words);
        let through = self.through(scene, words);
        // Last, so that what it leaves is what is examined.
        let traced = self.traced(scene, words, "trace");
        for output in [&through, &traced] {
            assert_eq!(told(output), told(&direct), "{scene}: {}", said(output));
        }
        assert!(direct.status.success(), "{scene} ends well without the shim: {direct:?}");
        traced
    }

    pub fn trace(&self) -> Trace {
        Trace::parse(&self.trace_text())
    }

    pub fn trace_text(&self) -> String {
        fs::read_to_string(self.path("trace")).unwrap_or_default()
    }
}

/// How a host ended, and what it printed.
pub fn told(output: &Output) -> String {
    format!("{}\n{}", output.status, String::from_utf8_lossy(&output.stdout))
}

pub fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

pub fn functions(trace: &Trace) -> Vec<&str> {
    trace.calls.iter().map(|call| call.function.as_str()).collect()
}
