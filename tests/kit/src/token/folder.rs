//! Temporary folders with SoftHSM tokens.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::ThreadId;

use cryptoki::session::UserType;
use cryptoki::types::AuthPin;
use tempfile::TempDir;

use super::inspector::{self, Inspector};

/// The variable that tells SoftHSM where its configuration is. It is read once, at `C_Initialize`.
const CONF: &str = "SOFTHSM2_CONF";

/// A folder that holds SoftHSM tokens, their configuration and a private copy of SoftHSM to examine them.
pub struct Folder {
    path: PathBuf,
    keep: Option<TempDir>,
    _turn: Option<Turn>,
}

impl Folder {
    /// A temporary folder, removed when dropped. Sets `SOFTHSM2_CONF` for this process.
    ///
    /// The variable is one for the whole process, so folders of different threads wait for each other: tests
    /// that use them run one at a time by themselves. One thread may have several; the last one made is the one
    /// that a `C_Initialize` in this process will see.
    pub fn temporary() -> Arc<Folder> {
        let turn = Turn::wait();
        let dir = tempfile::Builder::new().prefix("usbtoken-").tempdir().expect("a temporary folder");
        let folder = Folder { path: dir.path().to_path_buf(), keep: Some(dir), _turn: Some(turn) };
        folder.write_configuration();
        set_conf(Some(&folder.conf().into_os_string()));
        Arc::new(folder)
    }

    /// A folder at this path, kept. This process's `SOFTHSM2_CONF` stays as it is: for child processes.
    pub fn at(path: &Path) -> Arc<Folder> {
        std::fs::create_dir_all(path).expect("the folder can be made");
        let folder = Folder { path: path.to_path_buf(), keep: None, _turn: None };
        folder.write_configuration();
        Arc::new(folder)
    }

    fn write_configuration(&self) {
        let tokens = self.path.join("tokens");
        std::fs::create_dir_all(&tokens).expect("the token folder can be made");
        let text = format!(
            "directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\nslots.removable = true\n",
            tokens.display()
        );
        std::fs::write(self.conf(), text).expect("SoftHSM's configuration can be written");
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Takes over the tokens of another folder, as they are now.
    pub fn copy_tokens(&self, from: &Path) {
        copy(&from.join("tokens"), &self.path.join("tokens"));
    }

    /// SoftHSM's configuration file.
    pub fn conf(&self) -> PathBuf {
        self.path.join("softhsm2.conf")
    }

    /// Environment variables with which a child process sees the tokens of this folder, and no others.
    pub fn env(&self) -> Vec<(&'static str, String)> {
        vec![(CONF, self.conf().display().to_string())]
    }

    /// Makes this folder the one that the next `C_Initialize` in this process sees.
    pub fn make_current(&self) {
        set_conf(Some(&self.conf().into_os_string()));
    }

    /// Makes a token with this label; labels may repeat. The PIN is `123456`, the SO PIN `87654321`.
    pub fn token(self: &Arc<Self>, label: &str) -> SoftToken {
        self.token_with_pin(label, "123456")
    }

    /// The same with this PIN, for example one that can be searched for where no PIN may be.
    pub fn token_with_pin(self: &Arc<Self>, label: &str, pin: &str) -> SoftToken {
        let so_pin = "87654321";
        let module = self.private_copy();
        let serial = self.with_conf(|| {
            inspector::with_module(&module, |pkcs11| {
                let slots = pkcs11.get_slots_with_token().expect("SoftHSM lists its slots");
                let free = slots
                    .into_iter()
                    .find(|slot| pkcs11.get_token_info(*slot).is_ok_and(|info| !info.token_initialized()));
                let slot = free.expect("SoftHSM always offers one uninitialised slot");
                pkcs11.init_token(slot, &AuthPin::from(so_pin), label).expect("C_InitToken");
                let session = pkcs11.open_rw_session(slot).expect("C_OpenSession");
                session.login(UserType::So, Some(&AuthPin::from(so_pin))).expect("C_Login as SO");
                session.init_pin(&AuthPin::from(pin)).expect("C_InitPIN");
                drop(session);
                pkcs11.get_token_info(slot).expect("C_GetTokenInfo").serial_number().to_owned()
            })
        });
        SoftToken {
            folder: Arc::clone(self),
            label: label.to_owned(),
            serial,
            pin: pin.to_owned(),
            so_pin: so_pin.to_owned(),
        }
    }

    /// SoftHSM once more, as a file of its own: the system's loader gives it its own static state, so examining
    /// a token neither sees nor disturbs the SoftHSM that the library under test has initialised.
    fn private_copy(&self) -> PathBuf {
        let copy = self.path.join("inspector.so");
        if !copy.exists() {
            std::fs::copy(softhsm_module(), &copy).expect("SoftHSM can be copied");
        }
        copy
    }

    /// Runs with `SOFTHSM2_CONF` on this folder and puts it back.
    fn with_conf<R>(&self, work: impl FnOnce() -> R) -> R {
        let before = std::env::var_os(CONF);
        self.make_current();
        let result = work();
        set_conf(before.as_deref());
        result
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.keep.is_some() && std::env::var_os(CONF).is_some_and(|conf| conf == *self.conf()) {
            set_conf(None);
        }
    }
}

/// A throw-away token in SoftHSM.
pub struct SoftToken {
    folder: Arc<Folder>,
    label: String,
    serial: String,
    pin: String,
    so_pin: String,
}

impl SoftToken {
    /// One token labelled `BANK` in a temporary folder of its own; see [`Folder::temporary`].
    pub fn fresh() -> SoftToken {
        Folder::temporary().token("BANK")
    }

    /// One more token in the same folder.
    pub fn sibling(&self, label: &str) -> SoftToken {
        self.folder.token(label)
    }

    /// The folder it lives in.
    pub fn folder(&self) -> &Arc<Folder> {
        &self.folder
    }

    /// The label.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// The serial number that SoftHSM gave it.
    pub fn serial(&self) -> &str {
        &self.serial
    }

    /// The user PIN.
    pub fn pin(&self) -> &str {
        &self.pin
    }

    /// The security officer's PIN.
    pub fn so_pin(&self) -> &str {
        &self.so_pin
    }

    /// A PKCS#11 URI that names exactly this token.
    pub fn uri(&self) -> String {
        format!("pkcs11:token={};serial={}", self.label.replace(' ', "%20"), self.serial)
    }

    /// The system's SoftHSM.
    pub fn module(&self) -> PathBuf {
        softhsm_module()
    }

    /// Environment variables with which a child process sees the tokens of this folder.
    pub fn env(&self) -> Vec<(&'static str, String)> {
        self.folder.env()
    }

    /// Logs in through the private copy of SoftHSM, runs the work and closes everything again.
    pub fn inspect<R>(&self, work: impl FnOnce(&Inspector) -> R) -> R {
        let module = self.folder.private_copy();
        self.folder.with_conf(|| inspector::inspect(&module, &self.serial, &self.pin, work))
    }
}

/// The path of SoftHSM: `USBTOKEN_SOFTHSM` when set, else where distributions put it.
///
/// # Panics
/// Says what to install when SoftHSM is missing. Tests fail then; they are never skipped.
pub fn softhsm_module() -> PathBuf {
    if let Some(path) = std::env::var_os("USBTOKEN_SOFTHSM") {
        return PathBuf::from(path);
    }
    softhsm_module_at(&[
        "/usr/lib/softhsm/libsofthsm2.so",
        "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
        "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
        "/usr/lib64/softhsm/libsofthsm2.so",
        "/usr/lib64/pkcs11/libsofthsm2.so",
        "/usr/lib64/libsofthsm2.so",
        "/usr/local/lib/softhsm/libsofthsm2.so",
        "/opt/homebrew/lib/softhsm/libsofthsm2.so",
    ])
}

/// The first of these paths that exists.
///
/// # Panics
/// Like [`softhsm_module`].
pub fn softhsm_module_at(places: &[&str]) -> PathBuf {
    let found = places.iter().map(PathBuf::from).find(|place| place.exists());
    found.unwrap_or_else(|| {
        panic!(
            "SoftHSM is not installed, and the tests need it. Run `cargo xtask test`, which installs it, or \
             `apt-get install softhsm2`, or set USBTOKEN_SOFTHSM to the path of libsofthsm2.so."
        )
    })
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder can be made");
    for entry in std::fs::read_dir(from).expect("a folder can be read").flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), &target).expect("a file can be copied");
        }
    }
}

fn set_conf(value: Option<&std::ffi::OsStr>) {
    // SAFETY: the environment may not change while another thread reads it. Tests that touch SoftHSM take turns
    // (see `Turn`), and no other thread of a test program reads the environment meanwhile through C.
    unsafe {
        match value {
            Some(value) => std::env::set_var(CONF, value),
            None => std::env::remove_var(CONF),
        }
    }
}

/// The right to own `SOFTHSM2_CONF`: one thread at a time, as often as it likes.
struct Turn;

struct Owner {
    thread: Option<ThreadId>,
    folders: usize,
}

static OWNER: Mutex<Owner> = Mutex::new(Owner { thread: None, folders: 0 });
static FREE: Condvar = Condvar::new();

impl Turn {
    fn wait() -> Turn {
        let me = std::thread::current().id();
        let mut owner = lock();
        while owner.thread.is_some_and(|thread| thread != me) {
            owner = FREE.wait(owner).unwrap_or_else(PoisonError::into_inner);
        }
        owner.thread = Some(me);
        owner.folders += 1;
        Turn
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut owner = lock();
        owner.folders -= 1;
        if owner.folders == 0 {
            owner.thread = None;
            FREE.notify_all();
        }
    }
}

fn lock() -> MutexGuard<'static, Owner> {
    OWNER.lock().unwrap_or_else(PoisonError::into_inner)
}
