use std::collections::BTreeMap;

use super::*;
use crate::catalogue::Os;

fn machine(environment: &[(&str, &str)]) -> Machine {
    let environment: BTreeMap<_, _> =
        environment.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    Machine { os: Os::Linux, bits: 64, multiarch: "x86_64-linux-gnu".into(), environment }
}

fn module(path: &str) -> p11kit::Module {
    p11kit::Module { name: "m".into(), file: "/etc/m.module".into(), path: path.into(), priority: 0 }
}

fn paths(candidates: &[Candidate]) -> Vec<&str> {
    candidates.iter().map(|candidate| candidate.path.to_str().unwrap()).collect()
}

/// A file system with these files; one of them is a link.
fn resolve(path: &Path) -> Option<PathBuf> {
    match path.to_str()? {
        "/usr/lib/x86_64-linux-gnu/pkcs11/opensc-pkcs11.so"
        | "/usr/lib/x86_64-linux-gnu/opensc-pkcs11.so" => {
            Some("/usr/lib/x86_64-linux-gnu/opensc-pkcs11.so".into())
        }
        "/usr/lib/libeToken.so" | "/opt/a.so" => Some(path.to_path_buf()),
        _ => None,
    }
}

#[test]
fn a_named_driver_is_the_one_that_is_asked() {
    let p11kit = [module("/opt/a.so")];
    let catalogue = Catalogue::builtin();
    let both = machine(&[(VARIABLE, "/env.so")]);
    let explicit = ["/x.so".into(), "/y.so".into(), "/x.so".into()];
    let search = Search { explicit: &explicit, machine: &both, p11kit: &p11kit, catalogue };
    let found = candidates(&search, resolve);
    assert_eq!(paths(&found), ["/x.so", "/y.so"]);
    assert!(found.iter().all(|candidate| candidate.origin == Origin::Explicit));

    let found = candidates(&Search { explicit: &[], ..search }, resolve);
    assert_eq!((paths(&found), &found[0].origin), (vec!["/env.so"], &Origin::Environment));

    let empty = machine(&[(VARIABLE, "")]);
    let found = candidates(&Search { explicit: &[], machine: &empty, ..search }, resolve);
    assert_eq!(found[0].origin, Origin::P11Kit { file: "/etc/m.module".into() });
}

#[test]
fn users_drivers_then_p11_kit_then_the_catalogue_and_each_file_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("drivers.toml");
    std::fs::write(&file, "[[driver]]\nname = \"B\"\npath = \"/opt/gone.so\"\n").unwrap();
    let catalogue = Catalogue::builtin().with_user_file(&file).unwrap();
    let p11kit =
        [module("/opt/a.so"), module("/usr/lib/x86_64-linux-gnu/pkcs11/opensc-pkcs11.so"), module("/no.so")];
    let here = machine(&[]);
    let search = Search { explicit: &[], machine: &here, p11kit: &p11kit, catalogue: &catalogue };
    let found = candidates(&search, resolve);
    assert_eq!(
        paths(&found),
        [
            "/opt/gone.so",
            "/opt/a.so",
            "/usr/lib/x86_64-linux-gnu/pkcs11/opensc-pkcs11.so",
            "/no.so",
            "/usr/lib/libeToken.so",
        ]
    );
    assert_eq!(found[0].origin, Origin::UserCatalogue { name: "B".into() });
    assert_eq!(found[4].origin, Origin::Catalogue { family: "safenet-etoken".into() });
}

#[test]
fn nothing_installed_gives_no_candidate() {
    let here = machine(&[]);
    let search = Search { explicit: &[], machine: &here, p11kit: &[], catalogue: Catalogue::builtin() };
    assert!(candidates(&search, |_| None).is_empty());
}

#[test]
fn a_driver_is_named_without_folder_lib_and_suffix() {
    let of = |path: &str, origin| Candidate { path: path.into(), origin };
    let eken = of("/usr/lib/libeToken.so.10.8", Origin::Explicit);
    assert!(eken.is_named("eToken") && eken.is_named("etoken") && eken.is_named("libetoken"));
    assert!(!eken.is_named("eTok") && !eken.is_named("libeToken.so.10.8") && !eken.is_named(""));
    assert!(of("/x/eTPKCS11.DLL", Origin::Explicit).is_named("etpkcs11"));
    let p11kit = of("/usr/lib/softhsm/libsofthsm2.so", Origin::P11Kit { file: "/m/bank.module".into() });
    assert!(p11kit.is_named("bank") && p11kit.is_named("softhsm2") && !p11kit.is_named("module"));
}

fn listing(paths: &[&str]) -> Listing {
    let candidate = |path: &&str| Candidate { path: path.into(), origin: Origin::Explicit };
    Listing {
        candidates: paths.iter().map(candidate).collect(),
        catalogue: Catalogue::builtin().clone(),
        skipped: Vec::new(),
        user_file_error: None,
    }
}

#[test]
fn a_uri_narrows_the_candidates() {
    let narrowed = |uri: &str| listing(&["/a/liba.so", "/b/b.so"]).narrowed(&uri.parse().unwrap());
    assert_eq!(paths(&narrowed("pkcs11:").unwrap().candidates), ["/a/liba.so", "/b/b.so"]);
    assert_eq!(paths(&narrowed("pkcs11:?module-name=a").unwrap().candidates), ["/a/liba.so"]);
    assert_eq!(paths(&narrowed("pkcs11:?module-path=/c/c.so").unwrap().candidates), ["/c/c.so"]);
    let error = narrowed("pkcs11:?module-name=c").unwrap_err();
    assert_eq!(error.code(), Code::DriverMissing);
    assert!(error.facts().any(|(_, value)| value == "c"));
    assert_eq!(listing(&[]).narrowed(&TokenUri::default()).unwrap_err().code(), Code::DriverMissing);
}

#[test]
fn a_module_path_may_be_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    for file in ["libone.so", "libtwo.so"] {
        std::fs::write(folder.path().join(file), b"").unwrap();
    }
    let uri = format!("pkcs11:?module-name=two&module-path={}", folder.path().display());
    let found = listing(&[]).narrowed(&uri.parse().unwrap()).unwrap();
    assert_eq!(found.candidates.len(), 1);
    assert_eq!(found.candidates[0].path, folder.path().join("libtwo.so"));
}

#[test]
fn a_users_file_with_a_mistake_is_reported_and_hides_no_other_driver() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("drivers.toml");
    std::fs::write(&file, "[[driver]]\n").unwrap();
    let modules = folder.path().join("modules");
    std::fs::create_dir(&modules).unwrap();
    std::fs::write(modules.join("m.module"), "module: /opt/m.so\n").unwrap();
    std::fs::write(modules.join("bad.module"), "what\n").unwrap();
    let places = SearchPaths {
        machine: machine(&[]),
        catalogue: Catalogue::builtin().clone(),
        user_file: Some(file),
        p11kit: p11kit::Folders { system_modules: vec![modules], ..Default::default() },
    };
    let found = places.list(&[]);
    assert_eq!(found.user_file_error.unwrap().code(), Code::BadArgument);
    assert!(paths(&found.candidates).contains(&"/opt/m.so"));
    assert_eq!(found.skipped.len(), 1);
}
