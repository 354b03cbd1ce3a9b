//! Running programs.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The chores' result: a failure is a sentence.
pub type Done<T = ()> = Result<T, String>;

/// The root of the workspace.
pub fn root() -> PathBuf {
    // xtask is a folder of the workspace's root.
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new(".")).to_path_buf()
}

/// The Cargo that started this program.
pub fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
    command.current_dir(root());
    command
}

/// The folder of the programs that Cargo builds, next to this one.
pub fn programs() -> Done<PathBuf> {
    let this = std::env::current_exe().map_err(|error| format!("the path of this program: {error}"))?;
    this.parent().map(Path::to_path_buf).ok_or("this program is in no folder".to_owned())
}

/// Runs a program to its end, with its output on ours.
pub fn run(command: &mut Command) -> Done {
    let line = shown(command);
    let status = command.status().map_err(|error| format!("`{line}` cannot be started: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("`{line}` failed ({status})")) }
}

/// Runs a program to its end and returns what it printed; what it says on standard error is passed on.
pub fn output(command: &mut Command) -> Done<String> {
    let line = shown(command);
    let output = command.stderr(std::process::Stdio::inherit()).output();
    let output = output.map_err(|error| format!("`{line}` cannot be started: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        Ok(text)
    } else {
        Err(format!("{text}\n`{line}` failed ({})", output.status))
    }
}

/// Whether a program is on the path.
pub fn on_path(program: &str) -> bool {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&folders).any(|folder| folder.join(program).is_file())
}

/// The command as one would type it.
pub fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let words = std::iter::once(program).chain(command.get_args());
    words.map(quoted).collect::<Vec<_>>().join(" ")
}

/// A word, in quotes where the shell needs them.
pub fn quoted(word: &OsStr) -> String {
    let word = word.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:%+,@".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.into_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}
