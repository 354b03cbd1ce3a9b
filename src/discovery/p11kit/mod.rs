//! p11-kit's configuration of modules (pkcs11.conf(5)): which drivers the system's packages and the user registered.
//!
//! Only the files are read; p11-kit itself is not needed. Modules that are a source of trust policy hold no tokens
//! and are left out, `remote:` modules are reported as skipped.

mod file;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use self::file::Fields;
use crate::catalogue::{Machine, Os};

/// Where p11-kit keeps its configuration. The folders are chosen when p11-kit is built; these are the usual ones.
#[derive(Clone, Debug, Default)]
pub struct Folders {
    /// The system's global configuration.
    pub system_config: PathBuf,
    /// The user's global configuration.
    pub user_config: Option<PathBuf>,
    /// The `.module` files of the user.
    pub user_modules: Option<PathBuf>,
    /// The `.module` files of the system, in order of precedence: the administrator's, then the packages'.
    pub system_modules: Vec<PathBuf>,
    /// Where a module that is named without a folder is.
    pub libraries: Vec<PathBuf>,
}

impl Folders {
    /// The usual folders of this machine; none on Windows. As in p11-kit, the user's are left out for root and for
    /// programs that run with another user's rights.
    pub(crate) fn usual(machine: &Machine) -> Self {
        Self::usual_for(machine, privileged())
    }

    fn usual_for(machine: &Machine, privileged: bool) -> Self {
        if machine.os == Os::Windows {
            return Folders::default();
        }
        let prefixes: &[&str] = match machine.os {
            Os::Macos => &["/opt/homebrew", "/usr/local"],
            _ => &[""],
        };
        let folder = |prefix: &&str, rest: &str| PathBuf::from(format!("{prefix}{rest}"));
        let user = machine
            .folder("XDG_CONFIG_HOME")
            .map(Path::to_path_buf)
            .or_else(|| machine.folder("HOME").map(|home| home.join(".config")))
            .map(|config| config.join("pkcs11"))
            .filter(|_| !privileged);
        let shared =
            if machine.os == Os::Macos { "/share/p11-kit/modules" } else { "/usr/share/p11-kit/modules" };
        let libraries = match machine.os {
            Os::Macos => ["/opt/homebrew/lib/pkcs11", "/usr/local/lib/pkcs11"].map(PathBuf::from).to_vec(),
            _ => vec![
                format!("/usr/lib/{}/pkcs11", machine.multiarch).into(),
                "/usr/lib64/pkcs11".into(),
                "/usr/lib/pkcs11".into(),
            ],
        };
        Folders {
            system_config: prefixes.first().map(|p| folder(p, "/etc/pkcs11/pkcs11.conf")).unwrap_or_default(),
            user_config: user.as_ref().map(|user| user.join("pkcs11.conf")),
            user_modules: user.map(|user| user.join("modules")),
            system_modules: prefixes
                .iter()
                .flat_map(|prefix| [folder(prefix, "/etc/pkcs11/modules"), folder(prefix, shared)])
                .collect(),
            libraries,
        }
    }
}

#[cfg(unix)]
fn privileged() -> bool {
    use rustix::process::{getegid, geteuid, getgid, getuid};

    geteuid().is_root() || geteuid() != getuid() || getegid() != getgid()
}

#[cfg(not(unix))]
fn privileged() -> bool {
    false
}

/// A module that p11-kit would load into this program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Module {
    /// The name of its file without `.module`.
    pub name: String,
    /// The file that names it; where the user's file and the system's have the same name, the user's.
    pub file: PathBuf,
    /// The library, absolute.
    pub path: PathBuf,
    /// Modules with a higher number come first.
    pub priority: i64,
}

/// Why a file of the configuration gives no module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SkipReason {
    /// It cannot be read; the system's message.
    Unreadable(String),
    /// This line is not `name: value`.
    Malformed {
        /// The line's number, from 1.
        line: usize,
    },
    /// A field has a value that it cannot have.
    BadValue {
        /// The field.
        field: &'static str,
    },
    /// The module runs in another process (`remote:`), which is not supported.
    Remote,
    /// `enable-in` or `disable-in` keep it out of this program.
    NotForThisProgram,
}

/// A file of the configuration that gives no module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// The file.
    pub file: PathBuf,
    /// Why.
    pub reason: SkipReason,
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.file.display())?;
        match &self.reason {
            SkipReason::Unreadable(message) => f.write_str(message),
            SkipReason::Malformed { line } => write!(f, "line {line}: not name: value"),
            SkipReason::BadValue { field } => write!(f, "{field}: bad value"),
            SkipReason::Remote => f.write_str("remote: not supported"),
            SkipReason::NotForThisProgram => f.write_str("not for this program"),
        }
    }
}

/// What p11-kit's configuration says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Configuration {
    /// The modules, the highest priority first, then by name.
    pub modules: Vec<Module>,
    /// The files that give none, with reasons.
    pub skipped: Vec<Skipped>,
}

/// Which of the system's and the user's configuration count (`user-config`).
#[derive(Clone, Copy, PartialEq, Eq)]
enum UserConfig {
    None,
    Merge,
    Only,
}

/// The name by which `enable-in` and `disable-in` mean this program: that of its file.
pub(crate) fn this_program() -> String {
    let file = std::env::current_exe().ok();
    file.as_deref()
        .and_then(Path::file_name)
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

/// Reads the configuration for the program of this name. What cannot be read is reported in the result and stops
/// nothing; folders and files that are missing are empty.
pub(crate) fn read(folders: &Folders, program: &str) -> Configuration {
    let mut reader = Reader { folders, program, files: BTreeMap::new(), result: Configuration::default() };
    let mode = reader.mode();
    if let (UserConfig::Merge | UserConfig::Only, Some(user)) = (mode, &folders.user_modules) {
        reader.folder(user);
    }
    if mode != UserConfig::Only {
        folders.system_modules.iter().for_each(|folder| reader.folder(folder));
    }
    reader.finish()
}

struct Reader<'a> {
    folders: &'a Folders,
    program: &'a str,
    /// By the file's name: the first file that was found, and the fields of all files of that name.
    files: BTreeMap<String, (PathBuf, Fields)>,
    result: Configuration,
}

impl Reader<'_> {
    /// The user's own `user-config` counts unless the system's says `none`. The default is to merge.
    fn mode(&mut self) -> UserConfig {
        let system = self.mode_in(&self.folders.system_config.clone()).unwrap_or(UserConfig::Merge);
        match self.folders.user_config.clone() {
            Some(user) if system != UserConfig::None => self.mode_in(&user).unwrap_or(system),
            _ => system,
        }
    }

    fn mode_in(&mut self, file: &Path) -> Option<UserConfig> {
        match self.fields(file)?.get("user-config")? {
            "none" => Some(UserConfig::None),
            "merge" => Some(UserConfig::Merge),
            // The older name is still read by p11-kit.
            "only" | "override" => Some(UserConfig::Only),
            _ => {
                self.skip(file, SkipReason::BadValue { field: "user-config" });
                None
            }
        }
    }

    fn folder(&mut self, folder: &Path) {
        let entries = match std::fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return,
            Err(error) => return self.skip(folder, SkipReason::Unreadable(error.to_string())),
        };
        let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        files.sort();
        for file in files {
            if let Some(name) = module_name(&file)
                && let Some(fields) = self.fields(&file)
            {
                let (_, known) = self.files.entry(name).or_insert_with(|| (file, Fields::default()));
                known.fill(fields);
            }
        }
    }

    /// The fields of a file; none if it is missing or not well-formed.
    fn fields(&mut self, file: &Path) -> Option<Fields> {
        match Fields::read(file) {
            Ok(fields) => fields,
            Err(reason) => {
                self.skip(file, reason);
                None
            }
        }
    }

    fn skip(&mut self, file: &Path, reason: SkipReason) {
        self.result.skipped.push(Skipped { file: file.to_path_buf(), reason });
    }

    fn finish(mut self) -> Configuration {
        for (name, (file, fields)) in std::mem::take(&mut self.files) {
            match self.module(&name, &file, &fields) {
                Ok(Some(module)) => self.result.modules.push(module),
                Ok(None) => {}
                Err(reason) => self.skip(&file, reason),
            }
        }
        // The names are sorted already, and sorting keeps the order of equals.
        self.result.modules.sort_by_key(|module| std::cmp::Reverse(module.priority));
        self.result
    }

    fn module(&self, name: &str, file: &Path, fields: &Fields) -> Result<Option<Module>, SkipReason> {
        if fields.get("trust-policy") == Some("yes") {
            return Ok(None);
        }
        if fields.get("remote").is_some_and(|remote| !remote.is_empty()) {
            return Err(SkipReason::Remote);
        }
        // An empty value in a user's file switches the system's module off.
        let Some(library) = fields.get("module").filter(|library| !library.is_empty()) else {
            return Ok(None);
        };
        let listed = |list: &str| list.split([',', ' ', '\t']).any(|program| program == self.program);
        let enabled = match (fields.get("enable-in"), fields.get("disable-in")) {
            (Some(list), _) => listed(list),
            (None, Some(list)) => !listed(list),
            (None, None) => true,
        };
        if !enabled {
            return Err(SkipReason::NotForThisProgram);
        }
        let priority = match fields.get("priority") {
            None | Some("") => 0,
            Some(number) => number.parse().map_err(|_| SkipReason::BadValue { field: "priority" })?,
        };
        let path = self.library(library).ok_or(SkipReason::BadValue { field: "module" })?;
        Ok(Some(Module { name: name.to_owned(), file: file.to_path_buf(), path, priority }))
    }

    /// A name without a folder is searched for in p11-kit's folders; where it is in none, the first one names it.
    fn library(&self, library: &str) -> Option<PathBuf> {
        let library = Path::new(library);
        if library.is_absolute() {
            return Some(library.to_path_buf());
        }
        let candidates = || self.folders.libraries.iter().map(|folder| folder.join(library));
        candidates().find(|path| path.exists()).or_else(|| candidates().next())
    }
}

/// The name of a module's file without `.module`: it begins with a letter or digit, then also `_`, `-`, `.`, `,`.
fn module_name(file: &Path) -> Option<String> {
    let name = file.file_name()?.to_str()?.strip_suffix(".module")?;
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b',');
    let first = name.bytes().next()?;
    (first.is_ascii_alphanumeric() && name.bytes().all(allowed)).then(|| name.to_owned())
}
