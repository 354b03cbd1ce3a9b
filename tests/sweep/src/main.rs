//! The fault sweep as a program: the whole of it, a slice, or one case again. See `docs/testing.md`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use usbtoken_sweep::{
    CaseName, Extent, FAULTS, Fault, NEW_PIN, PIN, Scene, Seen, Sweep, provision, strangers,
};
use usbtoken_testkit::Kind;

/// Runs every job with every fault at every call, and examines what is on the token each time.
#[derive(Parser)]
#[command(name = "sweep")]
struct Arguments {
    /// Run this case again, for example renew/ec/17/lose/once or renew/ec/C_Sign#2/lose/once; may be given
    /// several times
    #[arg(long, value_name = "NAME")]
    case: Vec<CaseName>,
    /// Only this scene; may be given several times
    #[arg(long, value_name = "NAME", value_parser = scene)]
    scene: Vec<Scene>,
    /// Only this kind of fault; may be given several times
    #[arg(long, value_name = "NAME", value_parser = kind)]
    kind: Vec<&'static str>,
    /// Only the slice that the tests run
    #[arg(long)]
    slice: bool,
    /// Only the first of four parts, for example; the parts of different numbers are different cases
    #[arg(long, value_name = "1/4", value_parser = part, default_value = "1/1")]
    part: (usize, usize),
    /// How many cases run at the same time
    #[arg(long, value_name = "NUMBER", default_value_t = 2)]
    jobs: usize,
    #[command(subcommand)]
    own: Option<Part>,
}

/// The parts that the sweep runs in processes of their own.
#[derive(Subcommand)]
enum Part {
    /// Makes a token
    #[command(hide = true)]
    Provision { folder: PathBuf, ca: PathBuf, kind: Kind },
    /// Adds what strangers may have on it to the token with this serial number
    #[command(hide = true)]
    Strangers { serial: String, old_serial: String },
    /// Examines the token with this serial number
    #[command(hide = true)]
    Look {
        serial: String,
        /// With the PIN that a change makes
        #[arg(long)]
        new_pin: bool,
    },
}

fn scene(name: &str) -> Result<Scene, String> {
    Scene::named(name).ok_or_else(|| {
        let names: Vec<&str> = Scene::ALL.iter().map(|scene| scene.name()).collect();
        format!("there are: {}", names.join(", "))
    })
}

fn kind(name: &str) -> Result<&'static str, String> {
    let names: Vec<&str> = FAULTS.iter().map(|fault| fault.name).collect();
    Fault::named(name).map(|fault| fault.name).ok_or_else(|| format!("there are: {}", names.join(", ")))
}

fn part(text: &str) -> Result<(usize, usize), String> {
    let numbers = text.split_once('/').and_then(|(part, of)| Some((part.parse().ok()?, of.parse().ok()?)));
    let whole = |(part, of): &(usize, usize)| *part > 0 && part <= of;
    numbers.filter(whole).ok_or_else(|| "a part is written like 1/4".to_owned())
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match arguments.own {
        Some(Part::Provision { folder, ca, kind }) => print(&provision(&folder, &ca, kind)),
        Some(Part::Strangers { serial, old_serial }) => print(&strangers(&serial, &old_serial)),
        Some(Part::Look { serial, new_pin }) => {
            print(&Seen::now(&serial, if new_pin { NEW_PIN } else { PIN }));
        }
        None => return sweep(&arguments),
    }
    ExitCode::SUCCESS
}

fn print(value: &impl serde::Serialize) {
    println!("{}", serde_json::to_string(value).expect("JSON"));
}

fn sweep(arguments: &Arguments) -> ExitCode {
    let sweep = Sweep::new(&std::env::current_exe().expect("the path of this program"));
    if arguments.case.is_empty() {
        let sweep = sweep.part(arguments.part.0, arguments.part.1).kinds(&arguments.kind);
        let extent = if arguments.slice { Extent::Slice } else { Extent::Whole };
        let report = sweep.run(extent, &arguments.scene, arguments.jobs);
        println!("{report}");
        return status(report.failed().is_empty());
    }
    let mut passed = true;
    for name in &arguments.case {
        match sweep.one(name) {
            Ok(case) => println!("{case} ({}): passed", case.spec()),
            Err(findings) => {
                passed = false;
                println!("{name}:\n    {}", findings.join("\n    "));
            }
        }
    }
    status(passed)
}

fn status(passed: bool) -> ExitCode {
    if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
