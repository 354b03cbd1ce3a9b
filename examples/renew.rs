//! Renews the one renewable credential on a token.
//!
//! ```sh
//! cargo run --example renew -- /usr/lib/softhsm/libsofthsm2.so pkcs11:token=BANK pin.txt 'ask-the-ca'
//! ```
//!
//! The last argument is a command that reads the certificate request (PEM) and prints the CA's answer.

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::SystemTime;
use usbtoken::pki::Window;
use usbtoken::{Finder, Install, Pin, Renewal, Response, Run};

type AnyResult<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> AnyResult<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [module, uri, pin_file, command] = arguments.as_slice() else {
        return Err("usage: renew MODULE URI PIN-FILE COMMAND".into());
    };

    let token = Finder::new().module(module).find(&uri.parse()?)?;
    // So that no one renews what is about to be renewed here.
    let reserved = token.reserve()?;
    let old = reserved.credentials()?.renewable(Window::default(), SystemTime::now()).only()?;
    let (renewal, run) = (Renewal::of(&old), Run::default());
    renewal.preflight(&token, &run).into_notices()?;

    let pin = std::fs::read_to_string(pin_file)?;
    let session = reserved.login(Pin::new(pin.trim_end().into()))?;
    let pending = renewal.begin(&session, &run)?;
    let response = Response::parse(&ask(command, &pending.request().to_pem())?)?;
    let new = Install::new(&response).run_for(&session, &pending, &run)?;
    println!("{}\n{}", new.credential.subject(), new.credential.certificate().serial());
    Ok(())
}

fn ask(command: &str, request: &str) -> AnyResult<Vec<u8>> {
    let mut child =
        Command::new("sh").args(["-c", command]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    child.stdin.take().ok_or("no pipe")?.write_all(request.as_bytes())?;
    let output = child.wait_with_output()?;
    if output.status.success() { Ok(output.stdout) } else { Err("the command failed".into()) }
}
