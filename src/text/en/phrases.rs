//! The words of the diagnosis and of lists, in English.

use crate::pki::in_japan;
use crate::text::phrase::Phrase;

pub(in crate::text) fn phrase(phrase: &Phrase<'_>) -> String {
    let fixed = match *phrase {
        Phrase::Moment(moment) => {
            return in_japan(moment)
                .map_or_else(unknown_date, |t| format!("{} {} JST", t.date(), t.strftime("%H:%M:%S")));
        }
        Phrase::Day(date) => return date.to_owned(),
        Phrase::NoEnd => "no expiry date",
        Phrase::DaysLeft(-1) => "expired yesterday",
        Phrase::DaysLeft(days @ ..0) => return format!("expired {} days ago", days.unsigned_abs()),
        Phrase::DaysLeft(0) => "0 days left (ends today)",
        Phrase::DaysLeft(1) => "1 day left",
        Phrase::DaysLeft(days) => return format!("{days} days left"),

        Phrase::CertificateSerial => "Certificate serial number",
        Phrase::Expiry => "Expires",
        Phrase::Renewal => "Renewal",
        Phrase::Key => "Key",
        Phrase::Id => "Id",

        Phrase::Renewable => "possible now",
        Phrase::RenewableFrom(date) => return format!("possible from {date} on"),
        Phrase::NoRenewal => "not needed, it has no expiry date",
        Phrase::NotRenewableClosed => "not possible, the bank renews it no more",
        Phrase::NotRenewableExpired => "not possible, it has expired (a reissue is needed)",
        Phrase::NotRenewableNoKey => "not possible, its private key is missing",
        Phrase::Renewed { serial, from } => {
            return format!(
                "done, by the certificate with serial number {serial}; the next one from {from} on"
            );
        }
        Phrase::SaidRenewed { serial, from } => {
            return format!(
                "seems to be done, by the certificate with serial number {serial}; the next one from {from} on \
                 (a renewal makes sure after the login)"
            );
        }
        Phrase::ExpiredAndWaiting => {
            "it has expired; a renewal of it was begun and can be finished, where it is not finished already"
        }

        Phrase::TooLateNewIssue => {
            "Have a new certificate issued on the bank's site, with login ID and password."
        }
        Phrase::TooLateRevokeFirst => {
            "Have a master user revoke the old certificate on the bank's site first; then have a new one issued."
        }
        Phrase::TooLateForm => "Hand the bank's form in at your branch to have it reissued.",
        Phrase::TooLateContact => "Ask for a reissue; whom to call is shown below.",
        Phrase::FirstCertificate => {
            "Have the first certificate issued as the bank's branch says; only then can it be renewed."
        }
        Phrase::NoCredentials => "There is no certificate on the token.",

        Phrase::Warning => "warning",
        Phrase::Blocker => "blocker",

        Phrase::Diagnosis => "USB token diagnosis",
        Phrase::Version => "Version",
        Phrase::Platform => "System",
        Phrase::Taken => "Looked at",
        Phrase::Problems => "Problems",
        Phrase::NoProblems => "No problem was found.",
        Phrase::Drivers => "Drivers",
        Phrase::NoDrivers => "No driver (PKCS#11 module) was found.",
        Phrase::Devices => "Devices on the USB ports",
        Phrase::NoDevices => "No token and no card reader is plugged in.",
        Phrase::Banks => "Bank's profiles",
        Phrase::Tokens => "Tokens",
        Phrase::NoTokens => "No driver sees a token.",
        Phrase::Remark => "note",
        Phrase::OriginExplicit => "named by the caller",
        Phrase::OriginVariable(name) => return format!("named by the variable {name}"),
        Phrase::OriginP11Kit(file) => return format!("p11-kit: {file}"),
        Phrase::OriginUser(name) => return format!("your own list: {name}"),
        Phrase::OriginCatalogue(family) => return format!("catalogue: {family}"),
        Phrase::DriverWorks { milliseconds, slots, tokens } => {
            return format!("started in {milliseconds} ms; slots: {slots}; tokens: {tokens}");
        }
        Phrase::DriverFails => "cannot be used",
        Phrase::DeviceSeen(driver) => return format!("recognised; seen by {driver}"),
        Phrase::DevicePartlySeen { devices, tokens } => {
            return format!("recognised; {devices} such devices, {tokens} seen by the drivers");
        }
        Phrase::DeviceNotSeen(drivers) => {
            return format!("recognised; installed but not seeing it: {drivers}");
        }
        Phrase::DeviceWithoutDriver => "recognised; its driver is missing",
        Phrase::DeviceUnknown => "unknown device with a smart-card interface",
        Phrase::LookedFor { file, folders } => return format!("looked for {file} in {folders}"),
        Phrase::Pin => "PIN",
        Phrase::PinUsable => "no flag speaks against it",
        Phrase::PinCountLow => "a wrong PIN was entered since the last right one",
        Phrase::PinFinalTry => "one more wrong PIN locks it",
        Phrase::PinLocked => "locked",
        Phrase::PinNotSet => "not set",
        Phrase::PinToBeChanged => "to be changed",
        Phrase::FreeMemory => "Free memory",
        Phrase::Bytes(bytes) => return format!("{bytes} bytes"),
        Phrase::NotTold => "the token does not tell",
        Phrase::OneMorePair => "One more key and certificate",
        Phrase::Fits => "fit",
        Phrase::MayNotFit => "may not fit",
        Phrase::KeyKinds => "Kinds of key",
        Phrase::Mechanisms => "Mechanisms",
        Phrase::Driver => "Driver",
        Phrase::Versions => "Hardware and firmware",
        Phrase::Profile => "Profile",
        Phrase::WriteProtected => "write-protected",
        Phrase::Unreadable(1) => "1 certificate cannot be read",
        Phrase::Unreadable(count) => return format!("{count} certificates cannot be read"),
    };
    fixed.to_owned()
}

fn unknown_date() -> String {
    "unknown date".to_owned()
}
