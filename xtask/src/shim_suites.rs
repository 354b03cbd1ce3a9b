//! `cargo xtask shim-suites`: test suites that others wrote for PKCS#11, each run on a driver without the shim and
//! through it. What counts is not whether a test passes but whether it says the same on both sides.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use usbtoken_testkit::softhsm_module;

use crate::setup::{self, Need};
use crate::work::{self, Done};

/// What a suite said, test by test.
type Verdicts = BTreeMap<String, String>;

/// A suite.
struct Suite {
    name: &'static str,
    /// Whose it is.
    of: &'static str,
    needs: &'static [Need],
    run: fn(&Side) -> Done<Verdicts>,
}

const SUITES: &[Suite] = &[
    Suite { name: "nss", of: "Debian's libnss3-tools: modutil, certutil", needs: setup::NSS, run: nss },
    Suite { name: "ssh", of: "OpenSSH's ssh-keygen", needs: setup::SSH, run: ssh },
    Suite { name: "java", of: "Java's SunPKCS11, by keytool", needs: setup::JAVA, run: java },
    Suite {
        name: "python-pkcs11",
        of: "PyPI's python-pkcs11 0.10.1, its own tests",
        needs: setup::PYTHON,
        run: python_pkcs11,
    },
    Suite { name: "pykcs11", of: "PyPI's PyKCS11 1.5.20, its own tests", needs: setup::PYTHON, run: pykcs11 },
];

const LABEL: &str = "CHECK";
const PIN: &str = "1234";
const SO_PIN: &str = "123456";

/// One of the two ways to the driver, with a token of its own.
struct Side {
    module: PathBuf,
    /// Empty but for the token.
    folder: PathBuf,
    /// Where what was downloaded stays.
    cache: PathBuf,
    through: bool,
}

/// Which suites, and on which build.
#[derive(clap::Args)]
pub struct Options {
    /// Only these suites; without any, all of them
    #[arg(value_name = "SUITE")]
    suites: Vec<String>,
    /// List the suites and do nothing
    #[arg(long)]
    list: bool,
    /// Take the unoptimised build
    #[arg(long)]
    debug: bool,
}

/// Runs the suites.
pub fn run(options: &Options) -> Done {
    let only = &options.suites;
    if options.list {
        SUITES.iter().for_each(|suite| println!("{:14} {}", suite.name, suite.of));
        println!("{CHECK:14} PyPI's pkcs11-check 0.2.3, by shim/tests/pkcs11-check.sh; needs Python 3.12");
        println!("{COST:14} no suite: what a call costs, without and through");
        return Ok(());
    }
    let known =
        |name: &String| name == CHECK || name == COST || SUITES.iter().any(|suite| suite.name == *name);
    if let Some(unknown) = only.iter().find(|name| !known(name)) {
        return Err(format!("there is no suite `{unknown}`; --list shows them"));
    }
    setup::ensure(setup::SUITES)?;
    let mut build = work::cargo();
    build.args(["build", "--quiet", "--package", "usbtoken-shim"]);
    work::run(build.args((!options.debug).then_some("--release")))?;
    let profile = if options.debug { "debug" } else { "release" };
    let shim = work::root().join("target").join(profile).join("libusbtoken_shim.so");
    let cache = work::root().join("target/shim-suites");
    fs::create_dir_all(&cache).map_err(|error| format!("{}: {error}", cache.display()))?;

    let mut problems = Vec::new();
    let wanted = |name: &str| only.is_empty() || only.iter().any(|wanted| wanted == name);
    for suite in SUITES.iter().filter(|suite| wanted(suite.name)) {
        setup::ensure(suite.needs)?;
        let begin = Instant::now();
        match compare(suite, &shim, &cache) {
            Ok((tests, 0)) => {
                println!(
                    "{:14} {tests} verdicts, all the same, {:.0} s",
                    suite.name,
                    begin.elapsed().as_secs_f64()
                )
            }
            Ok((tests, different)) => problems.push(format!("{}: {different} of {tests} differ", suite.name)),
            Err(problem) => problems.push(format!("{}: {problem}", suite.name)),
        }
    }
    if wanted(CHECK) {
        setup::ensure(setup::PYTHON)?;
        let script = work::root().join("shim/tests/pkcs11-check.sh");
        let mut check = Command::new("sh");
        check.arg(script).arg(cache.join(CHECK)).arg(&shim).arg(softhsm_module());
        problems.extend(work::run(&mut check).err());
    }
    if wanted(COST) {
        problems.extend(cost(&shim, &cache).err());
    }
    if problems.is_empty() { Ok(()) } else { Err(problems.join("\n       ")) }
}

const CHECK: &str = "pkcs11-check";
const COST: &str = "cost";
const TURNS: usize = 5;

/// Measures what a call costs: with the driver alone, through the shim, through it with a trace, and through OpenSC's spy.
fn cost(shim: &Path, cache: &Path) -> Done {
    let side = Side::new(&softhsm_module(), cache, COST, false)?;
    let program = side.folder.join("hosts");
    let mut compiler = Command::new("cc");
    compiler.args(["-O2", "-w", "-o"]).arg(&program).arg(work::root().join("shim/tests/hosts/hosts.c"));
    work::run(compiler.args(["-ldl", "-lpthread"]))?;
    side.verdict(side.make_key("EC:prime256v1", "01").arg("--usage-sign"))?;

    let spy = Path::new("/usr/lib/x86_64-linux-gnu/pkcs11-spy.so");
    let mut ways = vec![
        ("driver", softhsm_module(), None),
        ("shim", shim.to_owned(), None),
        ("shim, trace", shim.to_owned(), Some(("USBTOKEN_SHIM_TRACE", "trace.jsonl"))),
    ];
    if spy.is_file() {
        ways.push(("pkcs11-spy", spy.to_owned(), Some(("PKCS11SPY_OUTPUT", "spy.log"))));
    }
    // By turns and the least of all, or a busy machine would decide.
    let mut table: Vec<(String, Vec<f64>)> = Vec::new();
    for (way, (_, module, output)) in (0..TURNS).flat_map(|_| ways.iter().enumerate()) {
        let mut host = side.command(&program.display().to_string());
        host.arg("costs").arg(module).arg(PIN).envs(output.iter().copied());
        host.env("USBTOKEN_SHIM_DRIVER", softhsm_module()).env("PKCS11SPY", softhsm_module());
        for line in work::output(&mut host)?.lines() {
            let (name, figure) = line.split_once('\t').ok_or_else(|| format!("no figure: {line}"))?;
            let figure: f64 = figure.parse().map_err(|_| format!("no figure: {line}"))?;
            if !table.iter().any(|(known, _)| known == name) {
                table.push((name.to_owned(), vec![f64::INFINITY; ways.len()]));
            }
            let least =
                table.iter_mut().find(|(known, _)| known == name).and_then(|(_, all)| all.get_mut(way));
            least.into_iter().for_each(|least| *least = least.min(figure));
        }
    }
    let names: Vec<_> = ways.iter().map(|(name, ..)| format!("{name:>20}")).collect();
    println!("{:28}{}", "µs of the processor", names.concat());
    for (name, figures) in &table {
        let first = figures.first().copied().unwrap_or(1.0);
        let shown = |figure: &f64| format!("{figure:12.2} ({:.2} ×)", figure / first);
        println!("{name:28}{}", figures.iter().map(shown).collect::<String>());
    }
    for kib in [16, 32, 64] {
        let mut works = Vec::new();
        for (name, module, output) in ways.iter().take(3) {
            let mut host = side.command(&program.display().to_string());
            host.arg("small_stack").arg(module).arg((kib * 1024).to_string()).envs(output.iter().copied());
            let output = host.env("USBTOKEN_SHIM_DRIVER", softhsm_module()).output();
            if output.is_ok_and(|output| output.status.success()) {
                works.push(*name);
            }
        }
        println!("first call on a stack of {kib} KiB works: {}", works.join("; "));
    }
    Ok(())
}

/// Runs a suite on both sides and prints where they differ: how many tests there are, and how many differ.
fn compare(suite: &Suite, shim: &Path, cache: &Path) -> Done<(usize, usize)> {
    let without = (suite.run)(&Side::new(&softhsm_module(), cache, suite.name, false)?)?;
    let side = Side::new(shim, cache, suite.name, true)?;
    let through = (suite.run)(&side)?;
    let trace = fs::read_to_string(side.folder.join("trace.jsonl")).unwrap_or_default();
    if !trace.contains("\"C_Initialize\"") {
        return Err("nothing went through the shim".to_owned());
    }
    if without.is_empty() {
        return Err("it has no tests".to_owned());
    }
    let names: std::collections::BTreeSet<_> = without.keys().chain(through.keys()).collect();
    let different: Vec<_> =
        names.into_iter().filter(|name| without.get(*name) != through.get(*name)).collect();
    for name in &different {
        let of = |verdicts: &Verdicts| verdicts.get(*name).cloned().unwrap_or("not there".to_owned());
        println!("{} {name}\n  without: {}\n  through: {}", suite.name, of(&without), of(&through));
    }
    Ok((without.len(), different.len()))
}

impl Side {
    fn new(module: &Path, cache: &Path, suite: &str, through: bool) -> Done<Self> {
        let folder = cache.join(format!("{suite}-{}", if through { "through" } else { "without" }));
        let problem = |error: std::io::Error| format!("{}: {error}", folder.display());
        if folder.exists() {
            fs::remove_dir_all(&folder).map_err(problem)?;
        }
        fs::create_dir_all(folder.join("tokens")).map_err(problem)?;
        let conf = format!(
            "directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\n",
            folder.join("tokens").display()
        );
        fs::write(folder.join("softhsm2.conf"), conf).map_err(problem)?;
        fs::write(folder.join("pin"), PIN).map_err(problem)?;
        let mut side = Self { module: module.to_owned(), folder, cache: cache.to_owned(), through };
        if through {
            // Some suites know SoftHSM by the name of its file, and leave out tests elsewhere.
            side.module = side.folder.join(softhsm_module().file_name().unwrap_or_default());
            fs::copy(module, &side.module).map_err(|error| format!("{}: {error}", side.module.display()))?;
        }
        let words = ["--init-token", "--free", "--label", LABEL, "--pin", PIN, "--so-pin", SO_PIN];
        side.verdict(side.command("softhsm2-util").args(words))?;
        Ok(side)
    }

    /// A program that finds this side's token, and the driver behind the shim.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        let configured = std::env::vars_os().map(|(name, _)| name);
        for name in configured.filter(|name| name.to_string_lossy().starts_with("USBTOKEN_SHIM_")) {
            command.env_remove(name);
        }
        command
            .current_dir(&self.folder)
            .env("SOFTHSM2_CONF", self.folder.join("softhsm2.conf"))
            .env("LC_ALL", "C");
        if self.through {
            command
                .env("USBTOKEN_SHIM_DRIVER", softhsm_module())
                .env("USBTOKEN_SHIM_TRACE", self.folder.join("trace.jsonl"));
        }
        command
    }

    /// The command that makes a key pair on the token.
    fn make_key(&self, kind: &str, id: &str) -> Command {
        let mut make = self.command("pkcs11-tool");
        make.args(["--module", &self.module(), "--token-label", LABEL, "--login", "--pin", PIN]);
        make.args(["--keypairgen", "--key-type", kind, "--id", id, "--label", "key"]);
        make
    }

    /// How a program ended and what it said, without what differs from run to run.
    fn verdict(&self, command: &mut Command) -> Done<String> {
        let line = work::shown(command);
        let output = command.output().map_err(|error| format!("`{line}` cannot be started: {error}"))?;
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).replace(&self.module.display().to_string(), "MODULE");
        let said = said.replace(&self.folder.display().to_string(), "FOLDER");
        Ok(format!("{}: {}", output.status, without_numbers(&said)))
    }

    /// A step of a suite that is made of commands.
    fn step(&self, verdicts: &mut Verdicts, name: &str, command: &mut Command) -> Done {
        let verdict = self.verdict(command)?;
        verdicts.insert(format!("{:02} {name}", verdicts.len()), verdict);
        Ok(())
    }

    fn module(&self) -> String {
        self.module.display().to_string()
    }
}

/// What is said, without what is drawn anew each time: serial numbers, key ids, fingerprints, times, and the order in which
/// SoftHSM lists objects.
fn without_numbers(said: &str) -> String {
    let drawn = |word: &str| {
        let hex = |c: char| c.is_ascii_hexdigit() || c == ':';
        word.len() >= 8 && word.trim_start_matches("0x").chars().all(hex)
    };
    let word = |word: &str| if drawn(word) { "NUMBER".to_owned() } else { word.to_owned() };
    let line = |line: &str| {
        let line =
            if line.starts_with("< ") { line.split_once('>').map_or(line, |(_, rest)| rest) } else { line };
        line.split([' ', '\t', '(', ')', '=', '"']).map(word).collect::<Vec<_>>().join(" ")
    };
    let dated = |line: &&str| !line.contains(" UTC 20") && !line.contains("GMT 20");
    let mut lines: Vec<_> = said.lines().filter(dated).map(line).collect();
    lines.sort_unstable();
    lines.join("\n")
}

/// NSS takes the module into a database, makes a key and a certificate on the token, and lists them.
fn nss(side: &Side) -> Done<Verdicts> {
    let mut verdicts = Verdicts::new();
    let database = format!("sql:{}", side.folder.display());
    let noise = side.folder.join("noise");
    fs::write(&noise, "not random at all, and not used by the token").map_err(|error| error.to_string())?;
    let noise = noise.display().to_string();
    let pin = side.folder.join("pin").display().to_string();
    let module = side.module();
    let modutil = |words: &[&str]| {
        let mut command = side.command("modutil");
        command.args(["-dbdir", &database, "-force"]).args(words);
        command
    };
    let certutil = |words: &[&str]| {
        let mut command = side.command("certutil");
        command.args(["-d", &database, "-h", LABEL, "-f", &pin]).args(words);
        command
    };
    side.step(&mut verdicts, "create", &mut modutil(&["-create"]))?;
    side.step(&mut verdicts, "add", &mut modutil(&["-add", "driver", "-libfile", &module]))?;
    side.step(&mut verdicts, "list", &mut modutil(&["-list", "driver"]))?;
    for (kind, size) in [("rsa", ["-g", "2048"]), ("ec", ["-q", "nistp256"])] {
        let subject = format!("CN={kind}");
        let make =
            ["-S", "-x", "-n", kind, "-s", &subject, "-t", ",,", "-k", kind, size[0], size[1], "-z", &noise];
        side.step(&mut verdicts, &format!("make {kind}"), &mut certutil(&make))?;
    }
    side.step(&mut verdicts, "certificates", &mut certutil(&["-L"]))?;
    side.step(&mut verdicts, "keys", &mut certutil(&["-K"]))?;
    let name = format!("{LABEL}:ec");
    side.step(&mut verdicts, "check", &mut certutil(&["-V", "-n", &name, "-u", "S"]))?;
    side.step(&mut verdicts, "delete", &mut certutil(&["-F", "-n", &name]))?;
    side.step(&mut verdicts, "what is left", &mut certutil(&["-L"]))?;
    Ok(verdicts)
}

/// ssh-keygen lists the keys of a token.
fn ssh(side: &Side) -> Done<Verdicts> {
    let mut verdicts = Verdicts::new();
    for (kind, id) in [("rsa:2048", "01"), ("EC:prime256v1", "02")] {
        let mut make = side.make_key(kind, id);
        make.arg("--usage-sign");
        side.step(&mut verdicts, &format!("make {kind}"), &mut make)?;
    }
    let mut list = side.command("ssh-keygen");
    let output =
        list.args(["-D", &side.module()]).output().map_err(|error| format!("ssh-keygen: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    // The keys are others on each side; what kinds there are is the same.
    let mut kinds: Vec<_> = text.lines().filter_map(|line| line.split(' ').next()).collect();
    kinds.sort_unstable();
    verdicts.insert("list".to_owned(), format!("{}: {}", output.status, kinds.join(" ")));
    Ok(verdicts)
}

/// keytool makes keys through Java's own PKCS#11 provider, and lists them.
fn java(side: &Side) -> Done<Verdicts> {
    let mut verdicts = Verdicts::new();
    let config = side.folder.join("java.cfg");
    let text = format!("name = Check\nlibrary = {}\nslotListIndex = 0\n", side.module());
    fs::write(&config, text).map_err(|error| error.to_string())?;
    let keytool = |words: &[&str]| {
        let mut command = side.command("keytool");
        let provider = "sun.security.pkcs11.SunPKCS11";
        command.args(words).args(["-keystore", "NONE", "-storetype", "PKCS11", "-storepass", PIN]);
        command.args(["-providerClass", provider, "-providerArg"]).arg(&config);
        command
    };
    for (kind, size) in [("RSA", ["-keysize", "2048"]), ("EC", ["-groupname", "secp256r1"])] {
        let make = ["-genkeypair", "-alias", kind, "-dname", "CN=java", "-keyalg", kind, size[0], size[1]];
        side.step(&mut verdicts, &format!("make {kind}"), &mut keytool(&make))?;
        side.step(
            &mut verdicts,
            &format!("request {kind}"),
            &mut quiet(keytool(&["-certreq", "-alias", kind])),
        )?;
    }
    let mut list = keytool(&["-list"]);
    let listed = list.output().map_err(|error| format!("keytool: {error}"))?;
    let entries = String::from_utf8_lossy(&listed.stdout).matches("PrivateKeyEntry").count();
    verdicts.insert("list".to_owned(), format!("{}: {entries} keys", listed.status));
    side.step(&mut verdicts, "delete", &mut keytool(&["-delete", "-alias", "EC"]))?;
    Ok(verdicts)
}

/// A command whose output is another each time: a signature, for one.
fn quiet(mut command: Command) -> Command {
    command.args(["-file", "/dev/null"]);
    command
}

fn python_pkcs11(side: &Side) -> Done<Verdicts> {
    let needed = ["parameterized", "oscrypto", "asn1crypto", "cryptography"];
    let (python, source) = python_suite(side, "python-pkcs11", "0.10.1", &needed)?;
    let mut tests = side.command(&python);
    tests
        .env("PKCS11_MODULE", &side.module)
        .env("PKCS11_TOKEN_LABEL", LABEL)
        .env("PKCS11_TOKEN_PIN", PIN)
        .env("PKCS11_TOKEN_SO_PIN", SO_PIN);
    pytest(side, tests, &source.join("tests"))
}

fn pykcs11(side: &Side) -> Done<Verdicts> {
    let (python, source) = python_suite(side, "pykcs11", "1.5.20", &["asn1crypto"])?;
    let mut tests = side.command(&python);
    tests.env("PYKCS11LIB", &side.module);
    pytest(side, tests, &source.join("test"))
}

/// An environment with the package and the source that its tests are in: the interpreter, and the folder.
fn python_suite(side: &Side, package: &str, version: &str, needed: &[&str]) -> Done<(String, PathBuf)> {
    let venv = side.cache.join(format!("{package}-{version}"));
    let (python, source) = (venv.join("bin/python"), venv.join("source"));
    if !source.is_dir() {
        let system = std::env::var("PYTHON").unwrap_or("python3".to_owned());
        work::run(Command::new(system).args(["-m", "venv"]).arg(&venv))?;
        let pip = || {
            let mut pip = Command::new(&python);
            pip.args(["-m", "pip", "--quiet", "--disable-pip-version-check"]);
            pip
        };
        let exact = format!("{package}=={version}");
        work::run(pip().args(["install", "pytest", &exact]).args(needed))?;
        let archives = venv.join("archives");
        let download = ["download", "--no-deps", "--no-binary", package, &exact, "--dest"];
        work::run(pip().args(download).arg(&archives))?;
        let unpacked = venv.join("unpacked");
        fs::create_dir_all(&unpacked).map_err(|error| error.to_string())?;
        let archive = first_in(&archives)?;
        work::run(Command::new("tar").arg("xzf").arg(archive).arg("-C").arg(&unpacked))?;
        fs::rename(first_in(&unpacked)?, &source).map_err(|error| error.to_string())?;
    }
    Ok((python.display().to_string(), source))
}

fn first_in(folder: &Path) -> Done<PathBuf> {
    let mut entries = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let entry = entries.next().ok_or_else(|| format!("{} is empty", folder.display()))?;
    entry.map(|entry| entry.path()).map_err(|error| error.to_string())
}

/// Runs tests and reads the verdict of each.
fn pytest(side: &Side, mut tests: Command, folder: &Path) -> Done<Verdicts> {
    // The tests alone, not the package that stands beside them in the source.
    let copy = side.folder.join("tests");
    work::run(Command::new("cp").arg("-r").arg(folder).arg(&copy))?;
    tests.args(["-m", "pytest", "-rA", "--tb=no", "--color=no", "-p", "no:cacheprovider"]).arg(&copy);
    let output = tests.output().map_err(|error| format!("pytest: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    fs::write(side.folder.join("output.txt"), &text).map_err(|error| error.to_string())?;
    let verdict = |line: &str| {
        let (verdict, test) = line.split_once(' ')?;
        let is_one = matches!(verdict, "PASSED" | "FAILED" | "ERROR" | "SKIPPED" | "XFAIL" | "XPASS");
        let (name, reason) = test.split_once(" - ").unwrap_or((test, ""));
        is_one.then(|| (name.to_owned(), format!("{verdict} {}", without_numbers(reason))))
    };
    let verdicts: Verdicts = text.lines().filter_map(verdict).collect();
    if verdicts.is_empty() {
        return Err(format!("pytest said nothing: {}", String::from_utf8_lossy(&output.stderr)));
    }
    Ok(verdicts)
}
