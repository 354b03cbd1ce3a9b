use std::collections::BTreeMap;
use std::fs;

use tempfile::TempDir;

use super::*;

struct Setup {
    root: TempDir,
    folders: Folders,
}

impl Setup {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let at = |path: &str| root.path().join(path);
        let folders = Folders {
            system_config: at("etc/pkcs11.conf"),
            user_config: Some(at("home/pkcs11.conf")),
            user_modules: Some(at("home/modules")),
            system_modules: vec![at("etc/modules"), at("usr/modules")],
            libraries: vec![at("lib/first"), at("lib/second")],
        };
        Setup { root, folders }
    }

    fn put(self, path: &str, text: &str) -> Self {
        let path = self.root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    fn read(&self) -> Configuration {
        read(&self.folders, "usbtoken")
    }

    fn names(&self) -> Vec<String> {
        self.read().modules.into_iter().map(|module| module.name).collect()
    }

    fn reason(&self) -> Option<SkipReason> {
        let mut skipped = self.read().skipped;
        assert!(skipped.len() < 2, "{skipped:?}");
        skipped.pop().map(|skipped| skipped.reason)
    }
}

#[test]
fn nothing_configured_is_no_error() {
    assert_eq!(Setup::new().read(), Configuration::default());
    assert_eq!(read(&Folders::default(), "usbtoken"), Configuration::default());
}

#[test]
fn modules_are_ordered_by_priority_then_name() {
    let setup = Setup::new()
        .put("usr/modules/b.module", "module: /b.so\n")
        .put("usr/modules/a.module", "# comment\n\n  module :  /a.so  \nx-other: a:b\n")
        .put("etc/modules/z.module", "module: /z.so\npriority: 10\n")
        .put("usr/modules/y.module", "module: /y.so\npriority: -1\n")
        .put("home/modules/c.module", "module: /c.so\npriority:\n");
    assert_eq!(setup.names(), ["z", "a", "b", "c", "y"]);
    assert_eq!(setup.read().modules[1].path, Path::new("/a.so"));
    assert_eq!(setup.reason(), None);
}

#[test]
fn a_name_without_folder_is_looked_for_in_the_module_folders() {
    let setup = Setup::new()
        .put("usr/modules/a.module", "module: a.so\n")
        .put("usr/modules/b.module", "module: b.so\n")
        .put("lib/second/b.so", "");
    let modules = setup.read().modules;
    assert_eq!(modules[0].path, setup.root.path().join("lib/first/a.so"));
    assert_eq!(modules[1].path, setup.root.path().join("lib/second/b.so"));
    assert!(modules.iter().all(|module| module.path.is_absolute()));
}

#[test]
fn a_users_file_goes_before_the_systems_of_the_same_name() {
    let setup = Setup::new()
        .put("usr/modules/a.module", "module: /system.so\npriority: 5\n")
        .put("etc/modules/a.module", "priority: 6\n")
        .put("home/modules/a.module", "module: /user.so\n");
    let module = &setup.read().modules[0];
    assert_eq!((module.path.as_path(), module.priority), (Path::new("/user.so"), 6));
    assert_eq!(module.file, setup.root.path().join("home/modules/a.module"));

    let off = setup.put("home/modules/a.module", "module:\n");
    assert!(off.names().is_empty());
    assert_eq!(off.reason(), None);
}

#[test]
fn user_config_decides_whose_modules_count() {
    let with = |system: Option<&str>, user: Option<&str>| {
        let mut setup = Setup::new()
            .put("usr/modules/s.module", "module: /s.so\n")
            .put("home/modules/u.module", "module: /u.so\n");
        for (file, mode) in [("etc/pkcs11.conf", system), ("home/pkcs11.conf", user)] {
            if let Some(mode) = mode {
                setup = setup.put(file, &format!("user-config: {mode}\n"));
            }
        }
        setup.names()
    };
    assert_eq!(with(None, None), ["s", "u"]);
    assert_eq!(with(Some("merge"), None), ["s", "u"]);
    assert_eq!(with(Some("only"), None), ["u"]);
    assert_eq!(with(Some("none"), None), ["s"]);
    assert_eq!(with(Some("none"), Some("only")), ["s"]);
    assert_eq!(with(Some("merge"), Some("only")), ["u"]);
    assert_eq!(with(Some("only"), Some("merge")), ["s", "u"]);
    assert_eq!(with(None, Some("none")), ["s"]);
    assert_eq!(with(Some("perhaps"), None), ["s", "u"]);
    let bad = Setup::new().put("etc/pkcs11.conf", "user-config: perhaps\n");
    assert_eq!(bad.reason(), Some(SkipReason::BadValue { field: "user-config" }));
}

#[test]
fn modules_are_for_some_programs_or_not() {
    for (field, enabled) in [
        ("enable-in: usbtoken", true),
        ("enable-in: firefox, usbtoken", true),
        ("enable-in: firefox usbtoken", true),
        ("enable-in: firefox", false),
        ("enable-in: usbtoken2", false),
        ("enable-in:", false),
        ("disable-in: firefox,thunderbird", true),
        ("disable-in: p11-kit-proxy", true),
        ("disable-in: firefox,usbtoken", false),
        ("disable-in:", true),
    ] {
        let setup = Setup::new().put("etc/modules/a.module", &format!("module: /a.so\n{field}\n"));
        assert_eq!(setup.names().len(), usize::from(enabled), "{field}");
        assert_eq!(setup.reason(), (!enabled).then_some(SkipReason::NotForThisProgram), "{field}");
    }
}

#[test]
fn what_cannot_be_used_is_reported_and_stops_nothing() {
    for (text, reason) in [
        ("module: /a.so\nremote: |ssh host p11-kit remote /a.so\n", SkipReason::Remote),
        ("remote: |ssh host p11-kit remote /a.so\n", SkipReason::Remote),
        ("module: /a.so\n\nnonsense\n", SkipReason::Malformed { line: 3 }),
        ("module: /a.so\npriority: high\n", SkipReason::BadValue { field: "priority" }),
    ] {
        let setup =
            Setup::new().put("etc/modules/a.module", text).put("etc/modules/b.module", "module: /b.so\n");
        assert_eq!(setup.reason(), Some(reason), "{text}");
        assert_eq!(setup.names(), ["b"]);
    }
    let setup = Setup::new().put("etc/modules/b.module", "module: /b.so\n");
    fs::create_dir(setup.root.path().join("etc/modules/a.module")).unwrap();
    assert!(matches!(setup.reason(), Some(SkipReason::Unreadable(_))));
    assert_eq!(setup.names(), ["b"]);
    let setup = Setup::new().put("etc/modules", "");
    assert!(matches!(setup.reason(), Some(SkipReason::Unreadable(_))));
}

#[test]
fn trust_modules_and_other_files_are_passed_over() {
    let setup = Setup::new()
        .put("usr/modules/trust.module", "module: p11-kit-trust.so\ntrust-policy: yes\n")
        .put("usr/modules/a.module~", "module: /backup.so\n")
        .put("usr/modules/a.module.dpkg-old", "module: /old.so\n")
        .put("usr/modules/.hidden.module", "module: /hidden.so\n")
        .put("usr/modules/.module", "module: /empty.so\n")
        .put("usr/modules/README", "read me")
        .put("usr/modules/nothing.module", "critical: no\n");
    assert_eq!(setup.read(), Configuration::default());
}

#[test]
fn the_usual_folders_follow_the_environment() {
    let machine = |os, environment: &[(&str, &str)]| Machine {
        os,
        bits: 64,
        multiarch: "x86_64-linux-gnu".into(),
        environment: environment
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect::<BTreeMap<_, _>>(),
    };
    let linux = Folders::usual_for(&machine(Os::Linux, &[("HOME", "/home/a")]), false);
    assert_eq!(linux.system_config, Path::new("/etc/pkcs11/pkcs11.conf"));
    assert_eq!(linux.user_modules.as_deref(), Some(Path::new("/home/a/.config/pkcs11/modules")));
    assert_eq!(
        linux.system_modules,
        ["/etc/pkcs11/modules", "/usr/share/p11-kit/modules"].map(PathBuf::from)
    );
    assert_eq!(linux.libraries[0], Path::new("/usr/lib/x86_64-linux-gnu/pkcs11"));
    let moved =
        Folders::usual_for(&machine(Os::Linux, &[("HOME", "/home/a"), ("XDG_CONFIG_HOME", "/c")]), false);
    assert_eq!(moved.user_config.as_deref(), Some(Path::new("/c/pkcs11/pkcs11.conf")));
    assert_eq!(Folders::usual_for(&machine(Os::Linux, &[]), false).user_config, None);
    let root = Folders::usual_for(&machine(Os::Linux, &[("HOME", "/root")]), true);
    assert_eq!((root.user_config, root.user_modules), (None, None));
    assert!(Folders::usual(&machine(Os::Windows, &[("HOME", "C:\\a")])).system_modules.is_empty());
}
