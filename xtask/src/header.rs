//! `cargo xtask header`: makes `include/usbtoken.h` from the crate usbtoken-ffi, or checks that it is up to date.

use std::fmt::Write as _;
use std::fs;

use usbtoken::Code;
use usbtoken::error::{Fact, Notice, Point, Step};
use usbtoken::text::Lang;

use crate::work::{self, Done};

const HEADER: &str = "include/usbtoken.h";

/// Writes the header, or with `check` says what is wrong with the one that is there.
pub fn run(check: bool) -> Done {
    let made = make()?;
    let undocumented = undocumented(&made);
    if !undocumented.is_empty() {
        return Err(format!("these lack a documentation comment:\n  {}", undocumented.join("\n  ")));
    }
    let path = work::root().join(HEADER);
    if check {
        let there = fs::read_to_string(&path).map_err(|error| format!("{HEADER}: {error}"))?;
        if there != made {
            let line = there.lines().zip(made.lines()).take_while(|(there, made)| there == made).count() + 1;
            return Err(format!(
                "{HEADER} differs from line {line} on. Please type:\n\n    cargo xtask header\n"
            ));
        }
        println!("{HEADER} is up to date, and every item is documented");
        return Ok(());
    }
    fs::write(&path, made).map_err(|error| format!("{HEADER}: {error}"))
}

fn make() -> Done<String> {
    let ffi = work::root().join("ffi");
    let file = ffi.join("cbindgen.toml");
    let mut config =
        cbindgen::Config::from_file(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    config.after_includes = Some(lists());
    let bindings = cbindgen::Builder::new()
        .with_crate(&ffi)
        .with_config(config)
        .generate()
        .map_err(|error| format!("cbindgen: {error}"))?;
    let mut made = Vec::new();
    bindings.write(&mut made);
    String::from_utf8(made).map_err(|error| format!("cbindgen: {error}"))
}

/// What the macros' numbers are: those of `usbtoken::error`, so that there is one list.
fn lists() -> String {
    let mut out = String::from(
        "\n/** Instead of a length: the text ends at its NUL. */\n#define USBTOKEN_NUL_TERMINATED SIZE_MAX\n\n\
         /** A number that is not known, or does not exist. */\n#define USBTOKEN_UNKNOWN INT64_MIN\n",
    );
    let mut list = |title: &str, prefix: &str, rows: Vec<(u16, &str, &str)>| {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "\n/* {title} */\n");
        for (number, name, sentence) in rows {
            let macro_name = format!("{prefix}{}", name.to_ascii_uppercase());
            let _ = writeln!(out, "/** {sentence} */\n#define {macro_name} {number}");
        }
    };
    let en = Lang::En;
    list(
        "usbtoken_status: what went wrong.",
        "USBTOKEN_",
        Code::ALL.iter().map(|code| (code.number(), code.name(), code.message(en).sentence)).collect(),
    );
    list(
        "Steps of the job.",
        "USBTOKEN_STEP_",
        Step::ALL.iter().map(|step| (step.number(), step.name(), step.sentence(en))).collect(),
    );
    list(
        "Warnings.",
        "USBTOKEN_NOTICE_",
        Notice::ALL
            .iter()
            .map(|notice| (notice.number(), notice.name(), notice.message(en).sentence))
            .collect(),
    );
    list(
        "Points of the preflight, each with what is said when it is in order.",
        "USBTOKEN_POINT_",
        Point::ALL.iter().map(|point| (point.number(), point.name(), point.sentence(en))).collect(),
    );
    list(
        "What the facts of an error mean.",
        "USBTOKEN_FACT_",
        Fact::ALL.iter().map(|fact| (fact.number(), fact.name(), fact.label(en))).collect(),
    );
    out
}

/// The declarations that no comment stands before.
fn undocumented(header: &str) -> Vec<String> {
    let mut found = Vec::new();
    let (mut before, mut inside) = ("", "");
    for line in header.lines() {
        let text = line.trim();
        let starts = match inside {
            // A field or a prototype ends with a semicolon; one that goes on over lines began before.
            "struct" => {
                line.starts_with("    ") && !line.starts_with("     ") && !text.starts_with(['/', '*', '}'])
            }
            "comment" | "prototype" => false,
            _ => {
                text.starts_with("#define USBTOKEN_") && text.split_whitespace().count() > 2
                    || (text.contains("usbtoken_") && !text.starts_with(['/', '*', '}', '#']))
            }
        };
        if starts && !before.ends_with("*/") {
            found.push(text.to_owned());
        }
        inside = match (inside, text) {
            ("comment", text) if text.ends_with("*/") => "",
            ("comment", _) => "comment",
            ("struct", text) if text.starts_with('}') => "",
            ("struct", _) => "struct",
            ("prototype", text) if text.ends_with(';') => "",
            ("prototype", _) => "prototype",
            (_, text) if text.starts_with("/*") && !text.ends_with("*/") && !text.starts_with("/**") => {
                "comment"
            }
            (_, text) if text.ends_with('{') && text.contains("struct") => "struct",
            _ if starts && !text.ends_with(';') && !text.starts_with('#') => "prototype",
            _ => "",
        };
        if !text.is_empty() {
            before = text;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_comment_is_found() {
        let header = "/** Yes. */\n#define USBTOKEN_A 1\n#define USBTOKEN_B 2\n\n/**\n * Yes.\n */\n\
                      int usbtoken_a(int x,\n               int y);\n\nint usbtoken_b(void);\n\
                      /** Yes. */\ntypedef struct usbtoken_s {\n    /** Yes. */\n    int a;\n    int b;\n} usbtoken_s;\n";
        assert_eq!(undocumented(header), ["#define USBTOKEN_B 2", "int usbtoken_b(void);", "int b;"]);
    }
}
