//! The chains of C2SP/x509-limbo, which its own program writes into one file: `python -m limbo compile`.

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use serde_json::Value;
use usbtoken::pki::{check_chain, read_anchors};
use usbtoken::{Certificate, Code, Error, Result};

use crate::work::Done;

/// Cases of other things than paths: names of TLS servers, the rules of public CAs.
const OTHERS: [&str; 3] = ["webpki::", "online::", "bettertls::"];

/// Judges every chain.
///
/// # Errors
/// When a valid chain is refused. An invalid one that is accepted is printed: most of these cases are rules for issuers.
pub fn run(file: &Path) -> Done {
    let text = fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let all: Value = serde_json::from_slice(&text).map_err(|error| format!("{}: {error}", file.display()))?;
    let cases = all["testcases"].as_array().ok_or("there are no testcases")?;
    let (mut agreed, mut judged, mut refused) = (0, 0, Vec::new());
    for case in cases {
        let name = case["id"].as_str().unwrap_or_default();
        if OTHERS.iter().any(|other| name.starts_with(other)) {
            continue;
        }
        judged += 1;
        let (valid, accepted) = (case["expected_result"] == "SUCCESS", judge(case));
        match (valid, &accepted) {
            (true, Err(error)) => refused.push(format!("{name}: {error}")),
            (false, Ok(())) => println!("  accepted: {name}"),
            _ => agreed += 1,
        }
    }
    println!("{judged} chains: {agreed} judged as x509-limbo says");
    if refused.is_empty() { Ok(()) } else { Err(format!("valid chains refused:\n{}", refused.join("\n"))) }
}

fn judge(case: &Value) -> Result<()> {
    let leaf = certificates(&Value::Array(vec![case["peer_certificate"].clone()]));
    let (answer, anchors) =
        (certificates(&case["untrusted_intermediates"]), certificates(&case["trusted_certs"]));
    let moment = case["validation_time"].as_str().and_then(|time| time.parse::<jiff::Timestamp>().ok());
    let now = moment.map_or_else(SystemTime::now, SystemTime::from);
    let leaf = leaf.first().ok_or_else(|| Error::new(Code::CertificateUnreadable))?;
    check_chain(leaf, &answer, &anchors, now)
}

fn certificates(pem: &Value) -> Vec<Certificate> {
    let texts = pem.as_array().into_iter().flatten().filter_map(Value::as_str);
    texts.filter_map(|text| read_anchors(text.as_bytes()).ok()).flatten().collect()
}
