use std::fs::{self, File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};

use tempfile::TempDir;

use super::fault::ENTRY;
use super::*;

mod made;

const WINDOWS: Host = Host { format: platform::Format::Pe, bits: 64, processor: "x86_64" };
const MACOS: Host = Host { format: platform::Format::MachO, bits: 64, processor: "aarch64" };

/// A driver of this system.
fn softhsm() -> PathBuf {
    let folders = ["/usr/lib/softhsm", "/usr/lib64/softhsm", "/usr/lib64/pkcs11", "/usr/lib/pkcs11"]
        .map(str::to_owned)
        .into_iter()
        .chain([format!("/usr/lib/{}-linux-gnu/softhsm", std::env::consts::ARCH)]);
    let found = folders.map(|f| Path::new(&f).join("libsofthsm2.so")).find(|path| path.exists());
    found.expect("SoftHSM is needed for this test: apt-get install softhsm2")
}

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Folder(tempfile::tempdir().unwrap())
    }

    fn file(&self, contents: &[u8]) -> PathBuf {
        let path = self.0.path().join("driver.bin");
        fs::write(&path, contents).unwrap();
        path
    }

    fn fault(&self, contents: &[u8], host: &Host) -> Option<Code> {
        check_for(host, &self.file(contents), Trust::Anyone).err().map(|error| error.code())
    }
}

fn refused(path: &Path) -> Error {
    check(path, Trust::Owners).expect_err("must be refused")
}

fn fact(error: &Error, wanted: Fact) -> &str {
    error.facts().find(|(fact, _)| *fact == wanted).map(|(_, value)| value).unwrap_or_default()
}

#[test]
fn a_real_driver_is_accepted_and_links_are_resolved() {
    let folder = Folder::new();
    let link = folder.0.path().join("libdriver.so");
    std::os::unix::fs::symlink(softhsm(), &link).unwrap();
    let image = check(&link, Trust::Owners).unwrap();
    assert_eq!(image.path(), softhsm().canonicalize().unwrap());
}

#[test]
fn a_path_must_be_absolute_and_lead_to_a_file() {
    let folder = Folder::new();
    assert_eq!(refused(Path::new("libsofthsm2.so")).code(), Code::DriverPathRelative);
    assert_eq!(refused(Path::new("./libsofthsm2.so")).code(), Code::DriverPathRelative);
    assert_eq!(refused(Path::new("")).code(), Code::DriverPathRelative);

    let nothing = folder.0.path().join("nothing.so");
    let error = refused(&nothing);
    assert_eq!((error.code(), fact(&error, Fact::Path)), (Code::DriverMissing, nothing.to_str().unwrap()));
    std::os::unix::fs::symlink(&nothing, folder.0.path().join("dangling.so")).unwrap();
    assert_eq!(refused(&folder.0.path().join("dangling.so")).code(), Code::DriverMissing);
    assert_eq!(refused(&softhsm().join("x")).code(), Code::DriverMissing);

    let error = refused(folder.0.path());
    assert_eq!((error.code(), fact(&error, Fact::Found)), (Code::DriverNotLibrary, "directory"));
}

/// Opening a named pipe would wait for ever.
#[test]
fn a_named_pipe_is_refused_at_once() {
    let folder = Folder::new();
    let pipe = folder.0.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let error = refused(&pipe);
    assert_eq!((error.code(), fact(&error, Fact::Found)), (Code::DriverNotLibrary, "special file"));
}

#[test]
fn what_is_no_shared_library_is_named() {
    let folder = Folder::new();
    let program = std::env::current_exe().unwrap();
    let mut object = fs::read(softhsm()).unwrap();
    object[16] = 1;
    for (contents, found) in [
        (b"".to_vec(), "empty file"),
        (b"/* GNU ld script */\nGROUP ( libx.so.1 )\n".to_vec(), "text"),
        (b"#!/bin/sh\n".to_vec(), "text"),
        (b"!<arch>\nx.o/".to_vec(), "static library"),
        (b"\0\x01\x02".to_vec(), "data ([00, 01, 02] …)"),
        (b"\xca\xfe\xba\xbe\0\0\0\x34\0\x10".to_vec(), "not a universal Mach-O file"),
        (fs::read(program).unwrap(), "ELF executable"),
        (object, "ELF object file"),
    ] {
        let error = refused(&folder.file(&contents));
        assert_eq!((error.code(), fact(&error, Fact::Found)), (Code::DriverNotLibrary, found));
    }
}

#[test]
fn a_library_that_is_no_driver_is_refused() {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let libc = maps.split_whitespace().find(|word| word.contains("/libc.so") || word.contains("/ld-musl"));
    let error = refused(Path::new(libc.unwrap()));
    assert_eq!((error.code(), fact(&error, Fact::Expected)), (Code::DriverNoEntry, ENTRY));
}

/// A library that calls the function of another driver imports the name and does not export it.
#[test]
fn an_imported_entry_does_not_count() {
    let mut bytes = fs::read(softhsm()).unwrap();
    let path = Folder::new();
    assert_eq!(path.fault(&bytes, &Host::current()), None);
    for symbol in made::entry_symbols(&bytes) {
        bytes[symbol + 6..symbol + 8].fill(0);
    }
    assert_eq!(path.fault(&bytes, &Host::current()), Some(Code::DriverNoEntry));
}

#[test]
fn other_platforms_are_told_apart_from_other_bitness() {
    let bytes = fs::read(softhsm()).unwrap();
    let folder = Folder::new();
    let error = check_for(&WINDOWS, &folder.file(&bytes), Trust::Anyone).unwrap_err();
    assert_eq!(error.code(), Code::DriverWrongPlatform);
    assert_eq!(fact(&error, Fact::Expected), "Windows 64-bit x86_64");
    assert!(fact(&error, Fact::Found).starts_with("ELF 64-bit "));

    let narrow = Host { format: platform::Format::Elf, bits: 32, processor: "x86" };
    let file = check_for(&narrow, &softhsm(), Trust::Anyone).unwrap();
    let other = file.own_bitness().unwrap_err();
    assert_eq!(other.bits, 64);
    let error = file.wrong_bitness(other);
    assert_eq!(error.code(), Code::DriverWrongBitness);
    assert!(fact(&error, Fact::Expected).contains("32-bit") && fact(&error, Fact::Found).contains("64-bit"));

    for (number, found) in [(243u16, "ELF 64-bit riscv64"), (0xfefe, "ELF 64-bit processor 0xfefe")] {
        let mut other = bytes.clone();
        other[18..20].copy_from_slice(&number.to_le_bytes());
        let error = refused(&folder.file(&other));
        assert_eq!((error.code(), fact(&error, Fact::Found)), (Code::DriverWrongPlatform, found));
    }
    assert_eq!(folder.fault(&made::dll(), &Host::current()), Some(Code::DriverWrongPlatform));
    assert_eq!(folder.fault(&made::dylib(), &Host::current()), Some(Code::DriverWrongPlatform));
    assert_eq!(folder.fault(&made::universal(), &Host::current()), Some(Code::DriverWrongPlatform));
}

/// The loader would map such a file and die of SIGBUS at the first page that is not there.
#[test]
fn a_driver_that_was_cut_off_is_never_accepted() {
    let whole = fs::read(softhsm()).unwrap();
    let folder = Folder::new();
    let path = folder.file(&whole);
    check(&path, Trust::Owners).unwrap();
    let file = OpenOptions::new().write(true).open(&path).unwrap();
    let ends = (1..64).map(|n| whole.len() - n);
    let middle = (64..whole.len()).rev().step_by(4093);
    for len in ends.chain(middle) {
        file.set_len(len as u64).unwrap();
        let error = refused(&path);
        assert_eq!(error.code(), Code::DriverTruncated, "{len}");
        assert_eq!(fact(&error, Fact::Found), format!("{len} bytes"));
    }
    for len in (0..64).rev() {
        file.set_len(len).unwrap();
        assert!(matches!(refused(&path).code(), Code::DriverTruncated | Code::DriverNotLibrary), "{len}");
    }
}

#[test]
fn damaged_headers_never_panic() {
    let whole = fs::read(softhsm()).unwrap();
    let sections = u64::from_le_bytes(whole[40..48].try_into().unwrap()) as usize;
    let places = (0..64 + 9 * 56).chain(sections..whole.len());
    damage(&whole, places, &Host::current());
    damage(&made::dll(), 0..made::dll().len(), &WINDOWS);
    damage(&made::dylib(), 0..made::dylib().len(), &MACOS);
    damage(&made::universal(), 0..made::universal().len(), &MACOS);
}

fn damage(whole: &[u8], places: impl Iterator<Item = usize>, host: &Host) {
    let folder = Folder::new();
    let path = folder.file(whole);
    let mut file = OpenOptions::new().write(true).open(&path).unwrap();
    let mut put = |at: usize, bytes: &[u8]| {
        file.seek(SeekFrom::Start(at as u64)).unwrap();
        file.write_all(bytes).unwrap();
    };
    let mut refused = 0;
    for at in places {
        for value in [0x00, 0x01, 0x7f, 0x80, 0xff, whole[at].wrapping_add(1), whole[at] ^ 0x40] {
            put(at, &[value]);
            refused += u32::from(check_for(host, &path, Trust::Anyone).is_err());
        }
        // Offsets and counts are several bytes wide.
        let wide = &whole[at..whole.len().min(at + 4)];
        put(at, &vec![0xff; wide.len()]);
        refused += u32::from(check_for(host, &path, Trust::Anyone).is_err());
        put(at, wide);
    }
    assert!(refused > 100);
    assert_eq!(check_for(host, &path, Trust::Anyone).err().map(|e| e.code()), None);
}

#[test]
fn windows_libraries_are_read() {
    let folder = Folder::new();
    let dll = made::dll();
    assert_eq!(folder.fault(&dll, &WINDOWS), None);
    for len in 0..dll.len() {
        let code = folder.fault(&dll[..len], &WINDOWS);
        assert!(matches!(code, Some(Code::DriverTruncated | Code::DriverNotLibrary)), "{len}: {code:?}");
    }
    let with = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = made::dll();
        change(&mut bytes);
        folder.fault(&bytes, &WINDOWS)
    };
    assert_eq!(with(&|b| b[made::DLL_FLAGS + 1] = 0), Some(Code::DriverNotLibrary));
    assert_eq!(with(&|b| b[made::DLL_MACHINE] = 0), Some(Code::DriverWrongPlatform));
    assert_eq!(with(&|b| b[made::DLL_NAME] = b'D'), Some(Code::DriverNoEntry));
    assert_eq!(with(&|b| b[64] = b'N'), Some(Code::DriverNotLibrary));
    // A signature that is announced and not there.
    let at = made::DLL_DIRECTORIES + 4 * 8;
    assert_eq!(
        with(&|b| b[at..at + 8].copy_from_slice(&[0, 4, 0, 0, 1, 0, 0, 0])),
        Some(Code::DriverTruncated)
    );
    let arm = Host { processor: "aarch64", ..WINDOWS };
    assert_eq!(folder.fault(&dll, &arm), Some(Code::DriverWrongPlatform));
    let narrow = Host { bits: 32, processor: "x86", ..WINDOWS };
    assert_eq!(folder.fault(&dll, &narrow), Some(Code::DriverWrongBitness));
}

#[test]
fn macos_libraries_and_universal_ones_are_read() {
    let folder = Folder::new();
    for whole in [made::dylib(), made::universal()] {
        assert_eq!(folder.fault(&whole, &MACOS), None);
        for len in 0..whole.len() {
            let code = folder.fault(&whole[..len], &MACOS);
            assert!(matches!(code, Some(Code::DriverTruncated | Code::DriverNotLibrary)), "{len}: {code:?}");
        }
        let intel = Host { processor: "x86_64", ..MACOS };
        assert_eq!(folder.fault(&whole, &intel), Some(Code::DriverWrongPlatform));
        let mut other = whole.clone();
        let name = other.windows(4).position(|w| w == b"_C_G").unwrap();
        other[name + 3] = b'X';
        assert_eq!(folder.fault(&other, &MACOS), Some(Code::DriverNoEntry));
    }
    let mut program = made::dylib();
    program[12] = 2;
    assert_eq!(folder.fault(&program, &MACOS), Some(Code::DriverNotLibrary));
}

#[test]
fn a_huge_file_is_not_read() {
    let folder = Folder::new();
    let path = folder.file(b"\x7fELF");
    File::options().write(true).open(&path).unwrap().set_len(LARGEST + 1).unwrap();
    let error = refused(&path);
    assert_eq!((error.code(), fact(&error, Fact::Limit)), (Code::DriverNotLibrary, "268435456"));
}

#[cfg(unix)]
#[test]
fn a_driver_that_others_can_replace_is_refused_unless_allowed() {
    use std::os::unix::fs::PermissionsExt;

    let folder = Folder::new();
    let path = folder.file(&fs::read(softhsm()).unwrap());
    let set = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    check(&path, Trust::Owners).unwrap();

    set(&path, 0o666);
    let error = refused(&path);
    assert_eq!(error.code(), Code::DriverUntrusted);
    assert!(fact(&error, Fact::Found).starts_with(&format!("{}: mode 666", path.display())));
    check(&path, Trust::Anyone).unwrap();

    set(&path, 0o644);
    set(folder.0.path(), 0o777);
    let error = refused(&path);
    assert_eq!(error.code(), Code::DriverUntrusted);
    assert!(fact(&error, Fact::Found).starts_with(&format!("{}: mode 777", folder.0.path().display())));
    set(folder.0.path(), 0o1777);
    check(&path, Trust::Owners).unwrap();
}

#[cfg(unix)]
#[test]
fn owners_and_groups_are_judged() {
    use super::group::Members;
    use super::trust::{Place, Viewer};

    let viewer = Viewer { me: 1000, unmapped: None };
    let members = |group, _| if group == 60 { Members::NoOthers } else { Members::Unknown };
    let place = |owner, group, mode, folder| Place {
        owner,
        group,
        mode,
        folder,
        of_system: false,
        grants: Vec::new(),
    };
    let judge =
        |owner, group, mode, folder| place(owner, group, mode, folder).weakness(viewer, &members).is_some();
    for (owner, group, mode, folder, weak) in [
        (0, 0, 0o100644, false, false),
        (0, 0, 0o100664, false, false),
        (0, 50, 0o042775, true, true),
        // A group that no one is in, as Debian's staff.
        (0, 60, 0o042775, true, false),
        (0, 50, 0o042755, true, false),
        (0, 0, 0o041777, true, false),
        (0, 0, 0o100646, false, true),
        (0, 0, 0o101646, false, true),
        (1000, 1000, 0o100664, false, false),
        (1000, 100, 0o100664, false, true),
        (1001, 1001, 0o100644, false, true),
        (1001, 0, 0o041777, true, true),
    ] {
        assert_eq!(judge(owner, group, mode, folder), weak, "{owner} {group} {mode:o}");
    }
}

/// firejail, bubblewrap and rootless containers show root's files as those of 65534.
#[cfg(unix)]
#[test]
fn an_owner_who_cannot_be_seen_is_the_administrator_in_his_own_folders_only() {
    use super::group::Members;
    use super::trust::{Grant, Place, Viewer};

    let place = |of_system, grants| Place {
        owner: 65_534,
        group: 0,
        mode: 0o100664,
        folder: false,
        of_system,
        grants,
    };
    let inside = Viewer { me: 0, unmapped: Some(65_534) };
    let outside = Viewer { me: 1000, unmapped: None };
    let nobody = |_, _| Members::Unknown;
    assert!(place(true, Vec::new()).weakness(inside, &nobody).is_none());
    let (found, _) = place(false, Vec::new()).weakness(inside, &nobody).unwrap();
    assert!(found.contains("user namespace"), "{found}");
    assert!(place(true, Vec::new()).weakness(outside, &nobody).is_some());
    // What a list grants counts, and not the group's bits, which are its mask then.
    assert!(place(true, vec![Grant::User(1001)]).weakness(inside, &nobody).is_some());
    assert!(place(true, vec![Grant::User(0), Grant::Group(0)]).weakness(inside, &nobody).is_none());
}
