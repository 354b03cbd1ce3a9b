//! Every function with arguments that no sane caller gives: NULL, stray pointers, freed handles, handles of another
//! type, absurd lengths, bytes that are no text. The calls are generated from the header, so a new function is in it
//! from its first day.

mod common;

use std::fmt::Write as _;
use std::path::PathBuf;

use common::{Stage, compile, name, prototypes};

/// One parameter of a prototype.
struct Parameter {
    /// Without the name.
    kind: String,
    name: String,
}

fn parameters(prototype: &str) -> Vec<Parameter> {
    let inside = prototype.split_once('(').unwrap().1.rsplit_once(')').unwrap().0;
    let parameter = |text: &str| {
        let text = text.trim();
        let at = text.rfind([' ', '*']).unwrap() + 1;
        Parameter { kind: text[..at].trim().replace("struct ", ""), name: text[at..].to_owned() }
    };
    if inside == "void" { Vec::new() } else { inside.split(',').map(parameter).collect() }
}

const STRUCTS: [&str; 5] = [
    "usbtoken_options",
    "usbtoken_callbacks",
    "usbtoken_renewal_params",
    "usbtoken_install_params",
    "usbtoken_old_certificate",
];

/// The C expression that picks an argument, and the statement that cleans up after the call.
fn argument(at: usize, parameters: &[Parameter]) -> (String, String, String) {
    let Parameter { kind, name } = &parameters[at];
    let none = String::new;
    let pointed = kind.trim_start_matches("const ").trim_end_matches('*').trim();
    let text = |unit: &str| (format!("{unit}_data[p{at} = pick(INPUTS)]"), none(), none());
    if kind == "const char *" {
        return text("char");
    }
    if kind == "const uint16_t *" {
        return text("wide");
    }
    if kind == "const uint8_t *" {
        return text("byte");
    }
    if name.ends_with("_length") {
        return (format!("lengths[p{}]", at - 1), none(), none());
    }
    if kind == "const void *" {
        return ("stray[pick(STRAYS)]".to_owned(), none(), none());
    }
    if kind == "void *" {
        return ("NULL".to_owned(), none(), none());
    }
    if STRUCTS.contains(&pointed) {
        return (format!("({kind})structs(sizeof({pointed}))"), none(), none());
    }
    if kind == "usbtoken_consent_callback" {
        return ("pick(2) ? yes : NULL".to_owned(), none(), none());
    }
    if kind.ends_with("**") && name == "out" {
        let variable = format!("{pointed} *o{at} = NULL;");
        return (format!("pick(8) ? &o{at} : NULL"), variable, format!("{pointed}_free(&o{at});"));
    }
    if kind.ends_with("**") {
        let variable = format!("{pointed} *f{at} = ({pointed} *)handle(\"{pointed}\");");
        return (format!("pick(8) ? &f{at} : NULL"), variable, none());
    }
    if kind.ends_with('*') && name == "out" {
        return (format!("pick(8) ? &n{at} : NULL"), format!("{pointed} n{at}; (void)n{at};"), none());
    }
    if kind.ends_with('*') {
        return (format!("({kind})handle(\"{pointed}\")"), none(), none());
    }
    if name == "milliseconds" {
        return ("pick(2)".to_owned(), none(), none());
    }
    (format!("({kind})numbers[pick(NUMBERS)]"), none(), none())
}

fn program() -> String {
    let mut body = String::new();
    let mut calls = String::new();
    for prototype in prototypes() {
        let (name, parameters) = (name(&prototype).to_owned(), parameters(&prototype));
        let picked: Vec<_> = (0..parameters.len()).map(|at| argument(at, &parameters)).collect();
        let mut lines = String::new();
        for (at, (expression, before, _)) in picked.iter().enumerate() {
            let kind = &parameters[at].kind;
            let space = if kind.ends_with('*') { "" } else { " " };
            let _ = writeln!(
                lines,
                "    size_t p{at} = 0; (void)p{at}; {before}\n    {kind}{space}a{at} = {expression};"
            );
        }
        let arguments: Vec<String> = (0..picked.len()).map(|at| format!("a{at}")).collect();
        let call = format!("{name}({})", arguments.join(", "));
        let result = prototype.split(&name).next().unwrap().trim();
        let call = match result {
            "void" => format!("    {call};"),
            _ if result.ends_with('*') => format!("    touch({call});"),
            "usbtoken_status" | "usbtoken_hresult" => format!("    count({call});"),
            _ => format!("    volatile long long r = (long long){call}; (void)r;"),
        };
        let after: String = picked.iter().map(|(_, _, after)| format!("    {after}\n")).collect();
        let _ = writeln!(body, "static void fuzz_{name}(void)\n{{\n{lines}{call}\n{after}}}\n");
        let _ = writeln!(calls, "    setup(); for (int i = 0; i < rounds; i++) fuzz_{name}(); teardown();");
    }
    format!(
        "{}\n{body}\nstatic void every_function(int rounds)\n{{\n{calls}}}\n{MAIN}",
        include_str!("c/fuzz.h")
    )
}

const MAIN: &str = "int main(int count, char **given)\n{\n    CHECK(count == 6);\n    arguments = given + 1;\n    \
                    every_function(atoi(given[1]));\n    \
                    printf(\"%d %d\\n\", succeeded, refused);\n    return 0;\n}\n";

fn build(stage: &Stage, flags: &[&str]) -> PathBuf {
    let source = stage.folder.path().join("fuzz.c");
    std::fs::write(&source, program()).unwrap();
    let into = stage.folder.path().join("fuzz");
    let flags: Vec<&str> = ["-std=c11", "-D_POSIX_C_SOURCE=200809L"].iter().chain(flags).copied().collect();
    compile("cc", &[source], &flags, &into);
    into
}

#[test]
fn no_argument_brings_the_library_down() {
    let stage = Stage::set();
    let program = build(&stage, &["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]);
    let before = stage.token.snapshot();
    let printed = stage.run(&[program.as_os_str(), "300".as_ref()]);
    // Both ways are taken often enough to mean something.
    let counts: Vec<usize> = printed.split_whitespace().map(|word| word.parse().unwrap()).collect();
    assert!(counts[0] > 1_000 && counts[1] > 5_000, "{counts:?}");
    // Keys may have been made and given up, but the old credential is no one's to take.
    let after = stage.token.snapshot();
    for object in before.with_id(&[1]) {
        assert!(after.objects().contains(object), "{}", after.difference(&before));
    }
}

#[test]
fn no_argument_is_read_beyond_its_end_under_valgrind() {
    let stage = Stage::set();
    let program = build(&stage, &[]);
    let wrapper = stage.folder.path().join("few-rounds");
    std::fs::write(&wrapper, format!("#!/bin/sh\nexec {} 10 \"$@\"\n", program.display())).unwrap();
    common::succeed(std::process::Command::new("chmod").arg("+x").arg(&wrapper).output().unwrap(), "chmod");
    common::valgrind(&stage, &wrapper, &["--trace-children=yes", "--trace-children-skip=/bin/sh"]);
}
