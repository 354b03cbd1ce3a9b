//! Nothing is changed on the way: programs that others wrote do the same through the shim and without it, and every
//! function of every list reaches its own counterpart with its own arguments.

mod common;

use common::{PIN, Scene, Token, arg, shim, softhsm};
use std::ffi::{CStr, OsStr};
use std::os::raw::c_ulong;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::ptr;
use usbtoken_pkcs11::types::*;
use usbtoken_shim::trace::Trace;

/// What a program said and how it ended, the module's path made the same on both sides.
fn verdict(command: &mut Command, module: &Path) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    format!("{}\n{}", output.status, said.replace(arg(module), "MODULE"))
}

/// Runs the same commands on equal tokens without the shim and through it.
fn both(run: impl Fn(&Token, &Path, &dyn Fn(&str) -> Command) -> String) -> [String; 2] {
    let token = Token::new();
    let without = run(&token, &softhsm(), &|program| token.command(program));
    let token = Token::new();
    let through = run(&token, &shim(), &|program| token.command_through(program));
    let trace = Trace::parse(&token.trace_text());
    assert!(trace.counted() > 0 && trace.unreadable.is_empty(), "it went through the shim");
    assert!(!token.trace_text().contains(PIN));
    [without, through]
}

fn pkcs11_tool(token: &dyn Fn(&str) -> Command, module: &Path, args: &[&str]) -> Command {
    let mut tool = token("pkcs11-tool");
    tool.arg("--module")
        .arg(module)
        .args(["--token-label", common::LABEL, "--login", "--pin", PIN])
        .args(args);
    tool
}

fn make_keys(token: &dyn Fn(&str) -> Command, module: &Path, kinds: &[(&str, &str)]) {
    for (kind, id) in kinds {
        let args = ["--keypairgen", "--key-type", kind, "--id", id, "--label", "key", "--usage-sign"];
        let made = pkcs11_tool(token, module, &args).output().unwrap();
        assert!(made.status.success(), "{made:?}");
    }
}

const RSA: (&str, &str) = ("rsa:2048", "01");
const EC: (&str, &str) = ("EC:prime256v1", "02");

/// SoftHSM lists objects in any order: the lines, without the numbers of the objects, in alphabetical order.
fn in_any_order(said: &str) -> String {
    let mut lines: Vec<_> = said.lines().filter(|line| !line.starts_with("Object ")).collect();
    lines.sort_unstable();
    lines.join("\n")
}

#[test]
fn opensc_tests_it_with_the_same_verdicts() {
    let [without, through] = both(|_, module, command| {
        make_keys(command, module, &[RSA]);
        let mut said = String::new();
        for args in [&["--test"][..], &["--list-mechanisms"], &["--list-slots"]] {
            said += &verdict(&mut pkcs11_tool(command, module, args), module);
        }
        without_numbers(&said)
    });
    assert!(
        without.contains("all 4 digest functions seem to work") && without.contains("RSA-X-509: OK"),
        "{without}"
    );
    assert_eq!(without, through);
}

/// Slot ids and serial numbers of SoftHSM are drawn by lot.
fn without_numbers(said: &str) -> String {
    let hex = |word: &str| word.chars().all(|c| c.is_ascii_hexdigit());
    let drawn = |word: &&str| word.len() >= 8 && hex(word.trim_start_matches("0x"));
    let mut said = said.to_owned();
    let words: Vec<_> =
        said.split([' ', '\n', '(', ')', '=', ';']).filter(drawn).map(str::to_owned).collect();
    for word in words {
        said = said.replace(&word, "NUMBER");
    }
    said
}

#[test]
fn gnutls_lists_and_signs_the_same() {
    let [without, through] = both(|_, module, command| {
        make_keys(command, module, &[RSA, EC]);
        let mut said = String::new();
        let token = format!("pkcs11:token={}", common::LABEL);
        let key = format!("{token};id=%01;type=private");
        for what in
            [&["--list-tokens"][..], &["--login", "--list-all", &token], &["--login", "--test-sign", &key]]
        {
            let mut tool = command("p11tool");
            tool.env("GNUTLS_PIN", PIN).arg("--provider").arg(module).args(what);
            said += &verdict(&mut tool, module);
        }
        in_any_order(&without_numbers(&said))
    });
    assert!(without.contains("Verifying against public key in the token... ok"), "{without}");
    assert_eq!(without, through);
}

#[test]
fn openssl_signs_through_its_engine() {
    let [without, through] = both(|token, module, command| {
        make_keys(command, module, &[RSA, EC]);
        let (message, signature, public) =
            (token.path("message"), token.path("signature"), token.path("key.pem"));
        std::fs::write(&message, "to be signed").unwrap();
        let openssl = |args: &[&OsStr]| {
            let mut openssl = command("openssl");
            openssl.env("PKCS11_MODULE_PATH", module).args(args);
            verdict(&mut openssl, module)
        };
        let key = |id: &str, kind: &str| {
            format!("pkcs11:token={};id=%{id};type={kind};pin-value={PIN}", common::LABEL)
        };
        let mut said = String::new();
        for id in ["01", "02"] {
            let (private, public_key) = (key(id, "private"), key(id, "public"));
            let sign =
                ["dgst", "-sha256", "-engine", "pkcs11", "-keyform", "engine", "-sign", &private, "-out"];
            let get = [
                "pkey",
                "-engine",
                "pkcs11",
                "-inform",
                "engine",
                "-pubin",
                "-in",
                &public_key,
                "-pubout",
                "-out",
            ];
            let verify = ["dgst", "-sha256", "-verify"];
            let path = |path: &'_ PathBuf| path.as_os_str().to_owned();
            let owned = |args: &[&str]| args.iter().map(|arg| OsStr::new(arg).to_owned()).collect::<Vec<_>>();
            let run = |args: Vec<std::ffi::OsString>| {
                openssl(&args.iter().map(|arg| arg.as_os_str()).collect::<Vec<_>>())
            };
            said += &run([owned(&sign), vec![path(&signature), path(&message)]].concat());
            said += &run([owned(&get), vec![path(&public)]].concat());
            said += &run([
                owned(&verify),
                vec![path(&public), "-signature".into(), path(&signature), path(&message)],
            ]
            .concat());
        }
        said
    });
    assert_eq!(without.matches("Verified OK").count(), 2, "{without}");
    assert_eq!(without, through);
}

/// Builds the driver of these tests.
fn mock(folder: &Path) -> PathBuf {
    let module = folder.join("mock.so");
    let built = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-w", "-o"])
        .arg(&module)
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mock/mock.c"))
        .status()
        .expect("a C compiler, which Rust needs too");
    assert!(built.success());
    module
}

type GetFunctionList = unsafe extern "C" fn(*mut *mut CK_FUNCTION_LIST) -> CK_RV;
type GetInterfaceList = unsafe extern "C" fn(CK_INTERFACE_PTR, CK_ULONG_PTR) -> CK_RV;
type GetInterface =
    unsafe extern "C" fn(CK_UTF8CHAR_PTR, CK_VERSION_PTR, CK_INTERFACE_PTR_PTR, CK_FLAGS) -> CK_RV;
type Any = unsafe extern "C" fn(
    c_ulong,
    c_ulong,
    c_ulong,
    c_ulong,
    c_ulong,
    c_ulong,
    c_ulong,
    c_ulong,
    c_ulong,
    c_ulong,
) -> CK_RV;

/// Plays in a process of its own, where the shim stands before the mock.
fn with_mock(
    test: &str,
    body: impl FnOnce(&libloading::Library, &libloading::Library),
) -> std::process::Output {
    // SAFETY: both are modules of these tests.
    let open = |path: &Path| unsafe { libloading::Library::new(path) }.unwrap();
    if let Some(driver) = std::env::var_os("SHIM_TEST_MOCK") {
        body(&open(&shim()), &open(Path::new(&driver)));
        println!("[mock played]");
        std::process::exit(0);
    }
    let folder = tempfile::tempdir().unwrap();
    let driver = mock(folder.path());
    let output = Command::new(std::env::current_exe().unwrap())
        .args([test, "--exact", "--nocapture"])
        .env("SHIM_TEST_MOCK", &driver)
        .env("USBTOKEN_SHIM_DRIVER", &driver)
        .env("USBTOKEN_SHIM_TRACE", folder.path().join("trace"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("[mock played]"),
        "{said}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

fn symbol<T: Copy>(library: &libloading::Library, name: &str) -> T {
    // SAFETY: the callers name PKCS#11's own types.
    *unsafe { library.get::<T>(name) }.unwrap()
}

fn interfaces(library: &libloading::Library) -> Vec<CK_INTERFACE> {
    let get: GetInterfaceList = symbol(library, "C_GetInterfaceList");
    let mut count = 0;
    // SAFETY: null asks for the number.
    assert_eq!(unsafe { get(ptr::null_mut(), &mut count) }, CKR_OK);
    let mut list = vec![CK_INTERFACE::default(); count as usize];
    // SAFETY: room for that many.
    assert_eq!(unsafe { get(list.as_mut_ptr(), &mut count) }, CKR_OK);
    list
}

/// Name, flags and version of an interface.
fn told(interface: &CK_INTERFACE) -> (String, CK_FLAGS, (u8, u8)) {
    // SAFETY: a null-terminated name, and a list that begins with its version.
    unsafe {
        let name = CStr::from_ptr(interface.pInterfaceName.cast()).to_str().unwrap().to_owned();
        let version = *interface.pFunctionList.cast::<[u8; 2]>();
        (name, interface.flags, (version[0], version[1]))
    }
}

/// The pointers of a function list.
fn pointers(list: *const std::ffi::c_void, count: usize) -> Vec<Option<Any>> {
    // SAFETY: a list with so many functions after its version.
    unsafe {
        std::slice::from_raw_parts(list.cast::<u8>().add(size_of::<usize>()).cast::<Option<Any>>(), count)
    }
    .to_vec()
}

#[test]
fn every_function_of_every_list_reaches_its_own() {
    with_mock("every_function_of_every_list_reaches_its_own", |shim, driver| {
        let seen: *const [c_ulong; 12] = symbol(driver, "seen");
        // Every argument is an address of zeroes: readable as whatever the function takes it for.
        let zeroes = [[0u64; 64]; 10];
        let args: Vec<c_ulong> = zeroes.iter().map(|block| block.as_ptr() as c_ulong).collect();
        let mut lists = vec![(0, 68, {
            let get: GetFunctionList = symbol(shim, "C_GetFunctionList");
            let mut list = ptr::null_mut();
            // SAFETY: a place for one pointer.
            assert_eq!(unsafe { get(&mut list) }, CKR_OK);
            list.cast::<std::ffi::c_void>().cast_const()
        })];
        for interface in interfaces(shim) {
            match told(&interface).2 {
                (3, 0) => lists.push((1, 92, interface.pFunctionList.cast_const())),
                (3, 2) => lists.push((2, 104, interface.pFunctionList.cast_const())),
                _ => {}
            }
        }
        assert_eq!(lists.len(), 3);
        let mut reached = 0;
        for (list, count, at) in lists {
            for (place, function) in pointers(at, count).into_iter().enumerate() {
                // The three that hand out the others are answered here; the callback has its own test.
                if matches!(place, 3 | 68 | 69) {
                    continue;
                }
                if (list, place) == (0, 5) {
                    assert!(function.is_none(), "what the driver has not, the shim has not");
                    continue;
                }
                let notify = if place == 12 { 0 } else { args[3] };
                // SAFETY: more arguments than the function takes are left unread (C calling convention).
                let rv = unsafe {
                    function.unwrap()(
                        args[0], args[1], args[2], notify, args[4], args[5], args[6], args[7], args[8],
                        args[9],
                    )
                };
                assert_eq!(rv, 0x8000_0000 + 1000 * list + place as c_ulong);
                // SAFETY: the mock's own array.
                let seen = unsafe { *seen };
                assert_eq!((seen[0], seen[1]), (place as c_ulong, list));
                let takes = arguments(place);
                for (i, arg) in args.iter().enumerate().take(takes) {
                    let (got, sent) = (seen[2 + i], if i == 3 { notify } else { *arg });
                    // C_GetSlotList begins with a CK_BBOOL, one byte.
                    let same = if (place, i) == (4, 0) { got as u8 == sent as u8 } else { got == sent };
                    assert!(same, "list {list}, function {place}, argument {i}: {got:#x} for {sent:#x}");
                }
                reached += 1;
            }
        }
        assert_eq!(reached, (68 - 2) + (92 - 3) + (104 - 3));
    });
}

/// How many arguments the function at this place of the lists takes (PKCS#11 v3.2, pkcs11f.h).
fn arguments(place: usize) -> usize {
    const COUNTS: [usize; 104] = [
        1, 1, 1, 1, 3, 2, 2, 3, 3, 4, 3, 5, 5, 1, 1, 2, 3, 5, 4, 1, 4, 5, 2, 3, 4, 4, 3, 4, 1, 3, 5, 5, 3, 3,
        5, 5, 3, 2, 5, 3, 2, 3, 3, 5, 3, 3, 3, 5, 3, 5, 3, 3, 3, 5, 5, 5, 5, 5, 5, 8, 6, 8, 6, 3, 3, 1, 1, 3,
        2, 4, 6, 2, 3, 9, 5, 8, 1, 3, 9, 5, 8, 1, 3, 7, 3, 7, 1, 3, 7, 3, 7, 1, 8, 8, 5, 3, 3, 1, 3, 3, 3, 5,
        8, 10,
    ];
    COUNTS[place]
}

#[test]
fn interfaces_keep_name_flags_and_order() {
    let output = with_mock("interfaces_keep_name_flags_and_order", |shim, driver| {
        let (ours, theirs) = (interfaces(shim), interfaces(driver));
        // The one of an unknown version cannot be offered; all others are, in their order.
        let known: Vec<_> = theirs.iter().map(told).filter(|(_, _, version)| *version != (9, 9)).collect();
        assert_eq!(ours.iter().map(told).collect::<Vec<_>>(), known);
        assert_eq!(
            ours.last().unwrap().pFunctionList,
            theirs.last().unwrap().pFunctionList,
            "the vendor's, untouched"
        );
        assert_ne!(ours[0].pFunctionList, theirs[1].pFunctionList);

        let get: GetInterface = symbol(shim, "C_GetInterface");
        let ask = |name: &CStr, version: Option<(u8, u8)>, flags: CK_FLAGS| {
            let mut version = version.map(|(major, minor)| CK_VERSION { major, minor });
            let version = version.as_mut().map_or(ptr::null_mut(), ptr::from_mut);
            let mut interface = ptr::null_mut();
            // SAFETY: a null-terminated name, a version or null, a place for one pointer.
            let rv = unsafe { get(name.as_ptr().cast_mut().cast(), version, &mut interface, flags) };
            // SAFETY: an interface, when it said so.
            if rv == CKR_OK { Ok((interface, told(unsafe { &*interface }))) } else { Err(rv) }
        };
        let standard = |version, flags| ask(c"PKCS 11", version, flags).map(|(_, told)| told.2);
        assert_eq!(standard(Some((3, 0)), 0), Ok((3, 0)));
        assert_eq!(standard(Some((3, 2)), 1), Ok((3, 2)));
        assert_eq!(standard(Some((3, 0)), 1), Err(CKR_ARGUMENTS_BAD), "the driver's own answer");
        assert_eq!(standard(Some((9, 9)), 0), Err(CKR_ARGUMENTS_BAD));
        assert_eq!(standard(None, 0), Ok((3, 2)), "the driver's default is not known here: the next");
        assert_eq!(ask(c"Vendor", None, 0).unwrap().1.0, "Vendor");
        assert_eq!(ask(c"PKCS 11", Some((3, 0)), 0).unwrap().0, ask(c"PKCS 11", Some((3, 0)), 0).unwrap().0);
    });
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("usbtoken-shim: the driver offers version 9.9"), "{said}");
}

unsafe extern "C" fn called_back(session: CK_SESSION_HANDLE, _: CK_NOTIFICATION, at: CK_VOID_PTR) -> CK_RV {
    // SAFETY: the test's own place.
    unsafe { *at.cast::<CK_ULONG>() = session + 41 };
    CKR_CANCEL
}

#[test]
fn callbacks_reach_the_application() {
    with_mock("callbacks_reach_the_application", |shim, _| {
        let open: unsafe extern "C" fn(
            CK_SLOT_ID,
            CK_FLAGS,
            CK_VOID_PTR,
            CK_NOTIFY,
            CK_SESSION_HANDLE_PTR,
        ) -> CK_RV = symbol(shim, "C_OpenSession");
        let (mut place, mut session): (CK_ULONG, _) = (0, 0);
        // SAFETY: the application's pointer and callback, as the specification has it.
        let rv = unsafe { open(0, 4, (&raw mut place).cast(), Some(called_back), &mut session) };
        assert_eq!((rv, place), (CKR_CANCEL, 42));
    });
}

#[test]
fn a_driver_with_functions_only_has_one_interface() {
    // SoftHSM 2.6 has no C_GetInterface; the shim's must lead somewhere, for those who ask there first.
    Scene::new().play("a_driver_with_functions_only_has_one_interface", |p| {
        // SAFETY: the module that is loaded already.
        let shim = unsafe { libloading::Library::new(shim()) }.unwrap();
        let only = interfaces(&shim);
        assert_eq!(only.iter().map(told).collect::<Vec<_>>(), [("PKCS 11".to_owned(), 0, (2, 40))]);
        let first = p.list().C_Initialize.unwrap() as *const ();
        assert_eq!(pointers(only[0].pFunctionList, 68)[0].unwrap() as *const (), first);
        let get: GetInterface = symbol(&shim, "C_GetInterface");
        let mut interface = ptr::null_mut();
        let mut ask = |name: &CStr, version: Option<CK_VERSION>| {
            let version = version.map_or(ptr::null_mut(), |version| Box::leak(Box::new(version)));
            // SAFETY: a null-terminated name, a version or null, a place for one pointer.
            unsafe { get(name.as_ptr().cast_mut().cast(), version, &mut interface, 0) }
        };
        assert_eq!(ask(c"PKCS 11", None), CKR_OK);
        assert_eq!(ask(c"PKCS 11", Some(CK_VERSION { major: 2, minor: 40 })), CKR_OK);
        assert_eq!(ask(c"PKCS 11", Some(CK_VERSION { major: 3, minor: 0 })), CKR_ARGUMENTS_BAD);
        assert_eq!(ask(c"Vendor", None), CKR_ARGUMENTS_BAD);
    });
}

#[test]
fn opensc_offers_the_same_interfaces_through_it() {
    let opensc = [
        "/usr/lib/x86_64-linux-gnu/opensc-pkcs11.so",
        "/usr/lib/opensc-pkcs11.so",
        "/usr/lib64/opensc-pkcs11.so",
    ];
    let opensc =
        opensc.iter().map(Path::new).find(|path| path.is_file()).expect("OpenSC is installed (opensc)");
    const NAME: &str = "opensc_offers_the_same_interfaces_through_it";
    // SAFETY: OpenSC's module and ours.
    let open = |path: &Path| unsafe { libloading::Library::new(path) }.unwrap();
    if std::env::var_os("SHIM_TEST_OPENSC").is_some() {
        let (shim, opensc) = (open(&shim()), open(opensc));
        let (ours, theirs) = (interfaces(&shim), interfaces(&opensc));
        assert_eq!(ours.iter().map(told).collect::<Vec<_>>(), theirs.iter().map(told).collect::<Vec<_>>());
        println!("[{} interfaces]", ours.len());
        std::process::exit(0);
    }
    let mut child = Command::new(std::env::current_exe().unwrap());
    child
        .args([NAME, "--exact", "--nocapture"])
        .env("SHIM_TEST_OPENSC", "1")
        .env("USBTOKEN_SHIM_DRIVER", opensc);
    let output = child.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains(" interfaces]") && !said.contains("[0 "), "{output:?}");
}
