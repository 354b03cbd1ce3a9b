use std::collections::BTreeMap;

use super::*;
use crate::driver::catalogue::Os;

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
fn whoever_names_a_driver_gets_that_one() {
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
