//! Runs programs on the token of one folder, each in a process of its own.

use std::cell::OnceCell;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;
use usbtoken_shim::trace::Trace;
use usbtoken_testkit::{Folder, command, driver_host, program, shim, softhsm_module};

use super::seen::Seen;

/// No run takes a tenth of this; one that does is a finding.
const LONGEST: Duration = Duration::from_secs(60);
/// Between a call's line in the trace and the process being stuck in the next call.
const SETTLED: Duration = Duration::from_millis(40);

/// How many seconds a driver in a process of its own has for a call that reads.
const LIMIT: &str = "2";
/// How long a driver's process may go on when the command is gone: a call that writes has some seconds.
const OUTLIVED: Duration = Duration::from_secs(30);

/// The PIN of every token here. It stands nowhere else, so that it can be searched for.
pub const PIN: &str = "pin-8264-kv";
/// Another one.
pub const WRONG_PIN: &str = "nip-5937-wt";

/// The one that a change of the PIN makes of it.
pub const NEW_PIN: &str = "new-2957-qz";

/// The variable through which the command gets the new PIN.
pub const NEW_PIN_VARIABLE: &str = "SWEEP_NEW_PIN";

/// The variable through which the command gets the PIN.
const PIN_VARIABLE: &str = "SWEEP_PIN";

/// Copies of the programs, so that no one builds them anew meanwhile.
pub struct Programs {
    command: PathBuf,
    driver_host: PathBuf,
    shim: PathBuf,
    /// The test CA, which answers requests.
    pub test_ca: PathBuf,
    /// This program.
    pub sweep: PathBuf,
}

impl Programs {
    /// Builds them and copies them into a folder.
    pub fn gather(sweep: &Path, root: &Path) -> Programs {
        let copy = |from: PathBuf| {
            let to = root.join(from.file_name().expect("a file"));
            fs::copy(&from, &to).unwrap_or_else(|error| panic!("{}: {error}", from.display()));
            to
        };
        Programs {
            command: copy(command()),
            driver_host: copy(driver_host()),
            shim: copy(shim()),
            test_ca: copy(program("test-ca")),
            sweep: copy(sweep.to_path_buf()),
        }
    }
}

/// How a run ended.
#[derive(Debug)]
pub struct Run {
    /// The exit status; `None` after a signal.
    pub exit: Option<i32>,
    /// The signal.
    pub signal: Option<i32>,
    /// Whether it had to be stopped because it took too long.
    pub endless: bool,
    /// Whether the driver's process did not end with it.
    pub outlived: bool,
    /// What it printed.
    pub out: String,
    /// What it said on standard error.
    pub err: String,
    /// The calls that it made, when the shim was there to see.
    pub trace: Trace,
    /// The same as text.
    pub trace_text: String,
}

/// A folder with a token, in which nothing else happens.
pub struct Place {
    folder: Arc<Folder>,
    /// The serial number of its token.
    serial: OnceCell<String>,
}

/// The URI of the token in each place.
pub const URI: &str = "pkcs11:token=BANK";

/// Names the token, where the words do not.
fn token(words: &[&str]) -> &'static [&'static str] {
    if words.contains(&"--token") { &[] } else { &["--token", URI] }
}

impl Place {
    /// An empty one.
    pub fn at(path: PathBuf) -> Place {
        // What an earlier run of the same case left is not wanted; mostly there is nothing.
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(path.join("tmp")).expect("a folder");
        Place { folder: Folder::at(&path), serial: OnceCell::new() }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The serial number of its token, once there is one.
    pub fn serial(&self) -> &str {
        self.serial.get().map_or("", String::as_str)
    }

    /// Says which token was made here.
    pub fn holds(&self, serial: &str) {
        self.serial.set(serial.to_owned()).expect("one token is made here, once");
    }

    /// Takes over the token of another folder, as a token of its own: with one serial number two cases would keep each
    /// other from it.
    pub fn copy_token(&self, from: &Path, serial: &str) {
        static COPIES: AtomicU32 = AtomicU32::new(0);
        // SoftHSM makes the slot's number of the second half; small ones are those of slots without a token.
        let number = 0x1000_0000 + COPIES.fetch_add(1, Ordering::Relaxed);
        let own = format!("{:08x}{number:08x}", std::process::id());
        self.folder.copy_tokens(from);
        each_file(&self.path().join("tokens"), &mut |file| {
            if file.ends_with("token.object") {
                replace_in(file, serial.as_bytes(), own.as_bytes());
            }
        });
        self.holds(&own);
    }

    /// A folder beside it, with a copy of its token.
    pub fn same(&self, name: &str) -> Place {
        let file = self.path().file_name().unwrap_or_default().to_string_lossy().into_owned();
        let same = Place::at(self.path().with_file_name(format!("{file}.{name}")));
        same.copy_token(self.path(), self.serial());
        same
    }

    /// Removes it.
    pub fn clear(self) {
        // A folder that stays is only lost room.
        let _ = fs::remove_dir_all(self.path());
    }

    /// Runs the command; with the shim when it is told what to do.
    pub fn play(&self, programs: &Programs, words: &[&str], fault: Option<Told<'_>>, pin: &str) -> Run {
        let trace = self.path().join("trace.jsonl");
        let _ = fs::remove_file(&trace);
        let module = if fault.is_some() { programs.shim.clone() } else { softhsm_module() };
        let mut command = self.command(&programs.command);
        // A run after one that was told of a wrong PIN is a person's.
        command.args(words).args(["--json", "--lang", "en", "--pin-corrected"]);
        command.args(token(words));
        command.args(["--pin-env", PIN_VARIABLE]).arg("--module").arg(module).env(PIN_VARIABLE, pin);
        command.env(NEW_PIN_VARIABLE, NEW_PIN);
        let host = fault.as_ref().filter(|told| told.is_hosted).map(|_| self.driver_host(programs));
        match &host {
            Some(host) => command.args(["--driver-limit", LIMIT]).arg("--driver-host").arg(host),
            None => command.arg("--in-process"),
        };
        if let Some(Told { spec, .. }) = fault {
            command.env("USBTOKEN_SHIM_DRIVER", softhsm_module()).env("USBTOKEN_SHIM_TRACE", &trace);
            if !spec.is_empty() {
                command.env("USBTOKEN_SHIM_FAULT", spec);
            }
        }
        let mut child = self.start(&mut command);
        let endless = wait(&mut child, &trace, fault.and_then(|told| told.hang), host.as_deref());
        let status = child.wait().expect("the process has ended");
        let outlived = host.is_some_and(|host| outlives(&host));
        let read = |name: &str| fs::read(self.path().join(name)).unwrap_or_default();
        let text = |name: &str| String::from_utf8_lossy(&read(name)).into_owned();
        let trace_text = text("trace.jsonl");
        Run {
            exit: status.code(),
            signal: status.signal(),
            endless,
            outlived,
            out: text("out"),
            err: text("err"),
            trace: Trace::parse(&trace_text),
            trace_text,
        }
    }

    /// Runs the command beside a run that hangs, without the shim, and as somebody else would: no variable is the same.
    pub fn play_beside(&self, programs: &Programs, words: &[&str]) -> Output {
        let elsewhere = self.path().join("elsewhere");
        fs::create_dir_all(&elsewhere).expect("a folder");
        let mut command = self.command(&programs.command);
        command.args(words).args(["--in-process", "--json", "--lang", "en"]).args(token(words));
        command
            .args(["--pin-env", PIN_VARIABLE])
            .arg("--module")
            .arg(softhsm_module())
            .env(PIN_VARIABLE, PIN);
        for variable in ["HOME", "TMPDIR", "XDG_STATE_HOME"] {
            command.env(variable, &elsewhere);
        }
        command
            .env_remove("XDG_RUNTIME_DIR")
            .env_remove("USER")
            .env_remove("LOGNAME")
            .current_dir(&elsewhere);
        command.output().expect("the command can be started")
    }

    /// What a fresh process sees on the token.
    pub fn inspect(&self, programs: &Programs) -> Result<Seen, String> {
        self.ask(&programs.sweep, &["look", self.serial()])
    }

    /// The same with the new PIN.
    pub fn inspect_with_new_pin(&self, programs: &Programs) -> Result<Seen, String> {
        self.ask(&programs.sweep, &["look", self.serial(), "--new-pin"])
    }

    /// Runs a part of this program in a process of its own and reads what it prints.
    pub fn ask<T: DeserializeOwned>(&self, sweep: &Path, words: &[&str]) -> Result<T, String> {
        let mut command = self.command(sweep);
        command.args(words).env(PIN_VARIABLE, PIN);
        let output = command.output().map_err(|error| error.to_string())?;
        let said = String::from_utf8_lossy(&output.stderr);
        if !output.status.success() {
            return Err(format!("{words:?}: {}: {said}", output.status));
        }
        serde_json::from_slice(&output.stdout).map_err(|error| format!("{words:?}: {error}: {said}"))
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        let tmp = self.path().join("tmp");
        command.envs(self.folder.env()).stdin(Stdio::null());
        command.env("TMPDIR", &tmp).env("XDG_RUNTIME_DIR", &tmp).env("HOME", &tmp).current_dir(&tmp);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("USBTOKEN_") {
                command.env_remove(name);
            }
        }
        command
    }

    /// The driver host by a name of this place's own, so that its process is known.
    fn driver_host(&self, programs: &Programs) -> PathBuf {
        let host = self.path().join("usbtoken-driver");
        let _ = fs::remove_file(&host);
        fs::hard_link(&programs.driver_host, &host).expect("one folder has both");
        host
    }

    fn start(&self, command: &mut Command) -> Child {
        let file = |name| fs::File::create(self.path().join(name)).expect("a file");
        command.stdout(file("out")).stderr(file("err"));
        command.spawn().expect("the command can be started")
    }

    /// The files of the folder in which one of the words stands.
    pub fn files_with(&self, words: &[&str]) -> Vec<PathBuf> {
        let mut found = Vec::new();
        each_file(self.path(), &mut |file| {
            let bytes = fs::read(file).unwrap_or_default();
            let text = String::from_utf8_lossy(&bytes);
            if words.iter().any(|word| text.contains(word)) {
                found.push(file.to_path_buf());
            }
        });
        found
    }
}

/// What the shim is told in a run.
#[derive(Clone, Copy)]
pub struct Told<'a> {
    /// Its faults.
    pub spec: &'a str,
    /// The call at which something is done.
    pub hang: Option<Hang<'a>>,
    /// Whether the driver has a process of its own.
    pub is_hosted: bool,
}

/// A call at which the process hangs.
#[derive(Clone, Copy)]
pub struct Hang<'a> {
    /// Its number.
    pub call: u64,
    /// What is done meanwhile.
    pub meanwhile: &'a dyn Fn(),
    /// What is killed then.
    pub kills: Kills,
}

/// What is killed while a process hangs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kills {
    /// Nothing: it goes on by itself.
    Nothing,
    Command,
    /// The driver's process; the command goes on.
    Host,
}

/// Waits for the end. Says whether it took too long.
fn wait(child: &mut Child, trace: &Path, mut hang: Option<Hang<'_>>, host: Option<&Path>) -> bool {
    let begin = Instant::now();
    loop {
        if child.try_wait().expect("a child of ours").is_some() {
            return false;
        }
        if let Some(hung) = hang.take_if(|hang| has_reached(trace, hang.call)) {
            std::thread::sleep(SETTLED);
            (hung.meanwhile)();
            match hung.kills {
                Kills::Nothing => {}
                Kills::Command => {
                    let _ = child.kill();
                    return false;
                }
                Kills::Host => host.into_iter().flat_map(processes_of).for_each(kill),
            }
        }
        if begin.elapsed() > LONGEST {
            let _ = child.kill();
            return true;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Whether a process of this program is there still after a while.
fn outlives(program: &Path) -> bool {
    let begin = Instant::now();
    while !processes_of(program).is_empty() {
        if begin.elapsed() > OUTLIVED {
            return true;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    false
}

/// The numbers of the processes that run this program.
fn processes_of(program: &Path) -> Vec<String> {
    let is_it = |process: &fs::DirEntry| {
        let line = fs::read(process.path().join("cmdline")).unwrap_or_default();
        line.split(|byte| *byte == 0).next() == Some(program.as_os_str().as_bytes())
    };
    let processes = fs::read_dir("/proc").expect("Linux").flatten().filter(is_it);
    processes.map(|process| process.file_name().to_string_lossy().into_owned()).collect()
}

/// Sends SIGKILL; one that has just ended needs none.
fn kill(process: String) {
    let _ = Command::new("kill").args(["-s", "KILL", &process]).status();
}

/// Whether every call before this one has returned.
fn has_reached(trace: &Path, call: u64) -> bool {
    let text = fs::read_to_string(trace).unwrap_or_default();
    match call {
        0 | 1 => text.contains("C_GetFunctionList"),
        _ => text.contains(&format!("\"n\":{},", call - 1)),
    }
}

/// Replaces bytes of a file by as many others.
fn replace_in(file: &Path, what: &[u8], by: &[u8]) {
    let mut bytes = fs::read(file).expect("a file");
    assert_eq!(what.len(), by.len(), "SoftHSM's serial numbers have 16 characters");
    let at = bytes.windows(what.len()).position(|window| window == what).expect("the token's serial number");
    bytes[at..at + by.len()].copy_from_slice(by);
    fs::write(file, bytes).expect("a file");
}

fn each_file(folder: &Path, work: &mut impl FnMut(&Path)) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() { each_file(&path, work) } else { work(&path) }
    }
}
