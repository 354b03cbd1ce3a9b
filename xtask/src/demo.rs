//! `cargo xtask demo`: the whole job on a throw-away token.

mod onto_token;

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use usbtoken_testkit::{
    Folder, Kind, SoftToken, TestCa, common_name, days_from_now, manual_bank, serial_hex,
};

use crate::setup;
use crate::work::{self, Done};

/// Runs the demonstration.
pub fn run(keep: bool, onto_token: bool) -> Done {
    setup::ensure(if onto_token { setup::DEMO_ONTO_TOKEN } else { setup::DEMO })?;
    work::run(work::cargo().args([
        "build",
        "--quiet",
        "-p",
        "usbtoken-cli",
        "-p",
        "usbtoken-testkit",
        "--bins",
    ]))?;
    let start = Instant::now();
    let folder = tempfile::Builder::new().prefix("usbtoken-demo-").tempdir();
    let folder = folder.map_err(|error| format!("no temporary folder: {error}"))?;

    let stage = Stage::set(folder.path(), onto_token)?;
    stage.show_bank()?;
    match onto_token {
        true => onto_token::show(&stage)?,
        false => stage.renew()?,
    }
    println!("\n{:.1} s", start.elapsed().as_secs_f64());
    if keep {
        stage.print_how_to_go_on();
        // Dropping the guard's right to remove the folder is what keeps it.
        let _ = folder.keep();
    } else {
        folder.close().map_err(|error| format!("the temporary folder cannot be removed: {error}"))?;
    }
    Ok(())
}

/// A folder with a token that holds a first certificate, and a CA.
struct Stage {
    folder: PathBuf,
    token: SoftToken,
    programs: PathBuf,
}

impl Stage {
    fn set(folder: &Path, empty: bool) -> Done<Stage> {
        let what = match empty {
            true => "An empty throw-away token and a test CA",
            false => "A throw-away token, a test CA and a first certificate that ends in 11 days",
        };
        println!("{what}, in {}", folder.display());
        let token = Folder::at(folder).token("BANK");
        let ca = TestCa::at(&folder.join("ca"));
        if !empty {
            token.first_credential(&ca, Kind::Rsa2048, days_from_now(11));
        }
        let stage = Stage { folder: folder.to_path_buf(), token, programs: work::programs()? };
        write_private(&stage.pin_file(), stage.token.pin())
            .map_err(|error| format!("the PIN file: {error}"))?;
        // The bank says the rest: which driver and token, which CA, how it is asked.
        let profile =
            format!("{}\n[issuer]\ncommand = {:?}\n", manual_bank(&folder.join("ca/ca.pem")), stage.issuer());
        std::fs::create_dir(stage.banks())
            .and_then(|()| std::fs::write(stage.banks().join("iyogin.toml"), profile))
            .map_err(|error| format!("the bank's profile: {error}"))?;
        Ok(stage)
    }

    fn show_bank(&self) -> Done {
        println!("\n$ usbtoken profile list    # examples/banks/manual-bank.toml, for this token and CA");
        print!("{}", work::output(self.usbtoken().args(["profile", "list"]))?);
        Ok(())
    }

    fn renew(&self) -> Done {
        let before = self.token.snapshot();
        println!("\n$ usbtoken list");
        print!("{}", work::output(self.usbtoken().arg("list"))?);

        println!("\n$ usbtoken renew");
        let screen = work::output(self.usbtoken().arg("renew"))?;
        print!("{screen}");

        let after = self.token.snapshot();
        after.assert_keeps(&before);
        let added = after.added_since(&before);
        let certificate = added.iter().find(|object| object.class == "CKO_CERTIFICATE");
        let certificate = certificate.ok_or("no new certificate is on the token")?;
        let der = certificate.bytes("Value").ok_or("the new certificate cannot be read")?;
        let (name, serial) = (common_name(der), serial_hex(der));
        if !screen.contains(&name) || !screen.contains(&serial) {
            return Err(format!("the command did not show {name} and {serial}, which are on the token"));
        }
        self.prove(&certificate.id, der)
    }

    /// A second opinion: another PKCS#11 client signs with the new key, and the new certificate verifies it.
    fn prove(&self, id: &[u8], certificate: &[u8]) -> Done {
        let challenge = format!("a challenge for {}", self.token.serial());
        let signature = self.token.sign(id, challenge.as_bytes());
        if !usbtoken_testkit::verify_with_certificate(certificate, challenge.as_bytes(), &signature) {
            return Err("the signature of the new key does not verify with the new certificate".to_owned());
        }
        println!("\nProved with another PKCS#11 client: the new key signs, the new certificate verifies it,");
        println!("and everything that was on the token before is there unchanged.");
        Ok(())
    }

    fn usbtoken(&self) -> Command {
        let mut command = Command::new(self.programs.join("usbtoken"));
        command.args(self.globals()).envs(self.token.env());
        command
    }

    fn openssl(&self, words: &[&str]) -> Done {
        let output = Command::new("openssl").args(words).current_dir(&self.folder).output();
        let output = output.map_err(|error| format!("openssl: {error}"))?;
        match output.status.success() {
            true => Ok(()),
            false => Err(format!("openssl {words:?}: {}", String::from_utf8_lossy(&output.stderr))),
        }
    }

    fn without_pin(&self) -> Vec<String> {
        ["--banks", &self.banks().display().to_string(), "--lang", "ja"].map(str::to_owned).to_vec()
    }

    fn globals(&self) -> Vec<String> {
        let banks = self.banks().display().to_string();
        let pin_file = self.pin_file().display().to_string();
        let words = ["--banks", &banks, "--pin-file", &pin_file, "--lang", "ja"];
        words.map(str::to_owned).to_vec()
    }

    fn issuer(&self) -> String {
        let quoted = |path: PathBuf| work::quoted(path.as_os_str());
        format!("{} --dir {}", quoted(self.programs.join("test-ca")), quoted(self.folder.join("ca")))
    }

    /// The folder of installed profiles: the only one in it is the default.
    fn banks(&self) -> PathBuf {
        self.folder.join("banks.d")
    }

    fn pin_file(&self) -> PathBuf {
        self.folder.join("pin")
    }

    fn print_how_to_go_on(&self) {
        let command = work::shown(&self.usbtoken());
        let program = self.programs.join("usbtoken");
        let command = command.replacen("usbtoken", &work::quoted(program.as_os_str()), 1);
        let folder = work::quoted(self.folder.as_os_str());
        println!("\nThe folder is kept. To go on by hand:\n");
        for (name, value) in self.token.env() {
            println!("    export {name}={}", work::quoted(value.as_ref()));
        }
        println!("    {command} list");
        println!("    {command} request --out {folder}/request.pem");
        println!("    {} < {folder}/request.pem > {folder}/answer.pem", self.issuer());
        println!("    {command} install {folder}/answer.pem");
        println!("    rm -r {folder}");
    }
}

/// Writes a file that nobody else can read, as a PIN's is.
fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(text.as_bytes())
}
