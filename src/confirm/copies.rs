//! Copies of a token's certificates that other software keeps, and that go on showing the old one.

use std::fs;
use std::path::{Path, PathBuf};

use crate::pki::Certificate;

/// The largest file that is examined: what OpenSC keeps of a card's file is never longer.
const LARGEST: u64 = 64 * 1024;
/// How many files are examined.
const MOST: usize = 1000;

/// Where OpenSC's configuration is, unless the environment says it (opensc.conf(5)).
const CONFIGURATION: &str = "/etc/opensc/opensc.conf";

/// The folders of OpenSC's file cache, of this and of earlier releases (opensc.conf(5), `use_file_caching`): copies of a
/// card's files. An administrator may have chosen another one (`file_cache_dir`).
fn folders() -> Vec<PathBuf> {
    let configuration = std::env::var_os("OPENSC_CONF").map_or_else(|| CONFIGURATION.into(), PathBuf::from);
    let chosen = fs::read_to_string(configuration).ok().and_then(|text| chosen(&text));
    let home = std::env::home_dir();
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let cache = cache.or_else(|| home.as_ref().map(|home| home.join(".cache")));
    let older = home.map(|home| home.join(".eid/cache"));
    chosen.into_iter().chain(cache.map(|cache| cache.join("opensc"))).chain(older).collect()
}

/// The folder that an opensc.conf names. Comments begin with `#`.
fn chosen(configuration: &str) -> Option<PathBuf> {
    let value = |line: &str| {
        let value = line.trim().strip_prefix("file_cache_dir")?.trim_start().strip_prefix('=')?;
        let value = value.split(['#', ';']).next()?.trim().trim_matches('"');
        Some(PathBuf::from(value)).filter(|folder| folder.is_absolute())
    };
    configuration.lines().find_map(value)
}

/// The files of other software on this computer that hold the old certificate while none of them holds the new one: who
/// goes by them may still offer the old one. What such software keeps in memory cannot be seen.
pub fn stale_copies(old: &Certificate, new: &Certificate) -> Vec<PathBuf> {
    folders().iter().flat_map(|folder| stale_in(folder, old, new)).collect()
}

fn stale_in(folder: &Path, old: &Certificate, new: &Certificate) -> Vec<PathBuf> {
    let Ok(files) = fs::read_dir(folder) else { return Vec::new() };
    let mut stale = Vec::new();
    for path in files.filter_map(Result::ok).take(MOST).map(|file| file.path()) {
        let small = fs::symlink_metadata(&path).is_ok_and(|data| data.is_file() && data.len() <= LARGEST);
        let Some(bytes) = small.then(|| fs::read(&path).ok()).flatten() else { continue };
        if holds(&bytes, new) {
            return Vec::new();
        }
        if holds(&bytes, old) {
            stale.push(path);
        }
    }
    stale
}

fn holds(bytes: &[u8], certificate: &Certificate) -> bool {
    let der = certificate.der();
    bytes.windows(der.len()).any(|window| window == der)
}

#[cfg(test)]
mod tests {
    use super::*;
    use usbtoken_testkit::TestCa;

    #[test]
    fn the_folder_may_be_chosen() {
        let named =
            "app default {\n\t# file_cache_dir = /x;\n\tfile_cache_dir = \"/var/cache/opensc\"; # ours\n}";
        assert_eq!(chosen(named), Some("/var/cache/opensc".into()));
        for none in [
            "",
            "app default {\n# file_cache_dir = /x;\n}",
            "file_cache_dir = relative;",
            "file_cache_directory = /x;",
        ] {
            assert_eq!(chosen(none), None, "{none}");
        }
    }

    #[test]
    fn a_copy_of_the_old_one_alone_is_stale() {
        let certificate = || Certificate::from_der(TestCa::new().root()).unwrap();
        let (old, new) = (certificate(), certificate());
        let folder = tempfile::tempdir().unwrap();
        let put = |name: &str, one: &Certificate| {
            fs::write(folder.path().join(name), [b"head", one.der(), b"\0\0"].concat()).unwrap();
        };
        assert_eq!(stale_in(folder.path(), &old, &new), Vec::<PathBuf>::new());
        fs::write(folder.path().join("other"), b"something else").unwrap();
        put("first", &old);
        assert_eq!(stale_in(folder.path(), &old, &new), [folder.path().join("first")]);
        put("second", &new);
        assert_eq!(stale_in(folder.path(), &old, &new), Vec::<PathBuf>::new());
        assert_eq!(stale_in(&folder.path().join("missing"), &old, &new), Vec::<PathBuf>::new());
    }
}
