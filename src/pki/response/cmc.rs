//! The status in a CMC full response (RFC 5272 §3.2.2 and §6.1).

use crate::error::{Code, Error, Fact, Result};
use crate::pki::asn1::oid;
use crate::pki::asn1::tlv::{INTEGER, OID, Read, SEQUENCE, SET, Tlv, UTF8_STRING};

/// Passes a PKIResponse in which every status is success.
///
/// # Errors
/// [`Code::CmcFailed`]: `Found` is the status and the reason by their names in RFC 5272 §6.1.3 and §6.1.4,
/// `Detail` the CA's own words.
pub(super) fn check(response: &[u8]) -> Result<()> {
    for status in statuses(response).map_err(|cause| Error::new(Code::AnswerUnreadable).caused_by(cause))? {
        if status.number != 0 {
            let found = match &status.reason {
                Some(reason) => format!("{}, {reason}", status.name()),
                None => status.name(),
            };
            let error = Error::new(Code::CmcFailed).fact(Fact::Found, found);
            return Err(match status.text {
                Some(text) => error.fact(Fact::Detail, text),
                None => error,
            });
        }
    }
    Ok(())
}

struct Status {
    number: u8,
    text: Option<String>,
    reason: Option<String>,
}

impl Status {
    fn name(&self) -> String {
        let names =
            ["success", "", "failed", "pending", "noSupport", "confirmRequired", "popRequired", "partial"];
        match names.get(usize::from(self.number)) {
            Some(name) if !name.is_empty() => (*name).to_owned(),
            _ => format!("status {}", self.number),
        }
    }
}

/// The status controls of PKIResponse ::= SEQUENCE { controlSequence, cmsSequence, otherMsgSequence }.
fn statuses(response: &[u8]) -> Read<Vec<Status>> {
    let controls = Tlv::whole(response)?.tagged(SEQUENCE)?.fields().expect(SEQUENCE)?;
    let mut found = Vec::new();
    for control in controls.fields() {
        let mut control = control?.tagged(SEQUENCE)?.fields();
        control.expect(INTEGER)?;
        let kind = control.expect(OID)?.value;
        if kind != oid::CMC_STATUS_INFO.as_bytes() && kind != oid::CMC_STATUS_INFO_V2.as_bytes() {
            continue;
        }
        for status in control.expect(SET)?.fields() {
            found.push(status_info(status?)?);
        }
    }
    Ok(found)
}

/// CMCStatusInfo and CMCStatusInfoV2 differ in their body list, which is passed over, and in the tags of the
/// last field's choices: an INTEGER is failInfo in both.
fn status_info(info: Tlv<'_>) -> Read<Status> {
    let mut fields = info.tagged(SEQUENCE)?.fields();
    let number = small(fields.expect(INTEGER)?);
    fields.expect(SEQUENCE)?;
    let text = fields.optional(UTF8_STRING)?.map(|text| String::from_utf8_lossy(text.value).into_owned());
    let reason = fields.optional(INTEGER)?.map(|reason| fail_info(small(reason)));
    Ok(Status { number, text, reason })
}

/// The value of a small INTEGER; any other is a number that means nothing here.
fn small(integer: Tlv<'_>) -> u8 {
    match integer.value {
        [value] => *value,
        _ => u8::MAX,
    }
}

fn fail_info(number: u8) -> String {
    let names = [
        "badAlg",
        "badMessageCheck",
        "badRequest",
        "badTime",
        "badCertId",
        "unsupportedExt",
        "mustArchiveKeys",
        "badIdentity",
        "popRequired",
        "popFailed",
        "noKeyReuse",
        "internalCAError",
        "tryLater",
        "authDataFail",
    ];
    names.get(usize::from(number)).map_or(format!("failInfo {number}"), |name| (*name).to_owned())
}
