//! The command's own words, in English.

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
        Phrase::Guess => " (characters guessed)",
        Phrase::DaysLeft(-1) => "expired yesterday",
        Phrase::DaysLeft(days @ ..0) => return format!("expired {} days ago", days.unsigned_abs()),
        Phrase::DaysLeft(0) => "0 days left (ends today)",
        Phrase::DaysLeft(1) => "1 day left",
        Phrase::DaysLeft(days) => return format!("{days} days left"),
        Phrase::Age(..=0) => "made today",
        Phrase::Age(1) => "made yesterday",
        Phrase::Age(days) => return format!("made {days} days ago"),

        Phrase::Token => "Token",
        Phrase::TokenSerial => "serial number",
        Phrase::CertificateSerial => "Certificate serial number",
        Phrase::Expiry => "Expires",
        Phrase::Renewal => "Renewal",
        Phrase::Key => "Key",
        Phrase::Protection => "Private key",
        Phrase::Id => "Id",
        Phrase::Concerns => "For serial number",
        Phrase::Status => "State",
        Phrase::Since => "Begun",
        Phrase::FirstIssue => "first issue",

        Phrase::Renewable => "possible now",
        Phrase::RenewableFrom(date) => return format!("possible from {date} on"),
        Phrase::NotRenewableExpired => "not possible, it has expired (a reissue is needed)",
        Phrase::NotRenewableNoKey => "not possible, its private key is missing",

        Phrase::ProofProven => "cannot leave the token (proven)",
        Phrase::ProofClaimed => "cannot leave the token (as the driver claims)",
        Phrase::ProofRefused => "may be able to leave the token",
        Phrase::ProofUnknown => "unknown (log in to see)",

        Phrase::AwaitingAnswer => "waits for the CA's answer",
        Phrase::CertificateWritten => "the certificate is written, its key has not signed yet",
        Phrase::HalfRetired => "the removal of an old certificate stopped in the middle",
        Phrase::Remnant => "only a public key is left; it can be abandoned",

        Phrase::NoCredentials => "There is no certificate on the token.",
        Phrase::NoPending => "There is no pending key.",

        Phrase::PinPrompt(token) => return format!("PIN of {token}: "),
        Phrase::PinPad(token) => {
            return format!("Enter the PIN of {token} on the keys of the token or its reader.");
        }
        Phrase::LoginIdPrompt => "Login ID: ",
        Phrase::PasswordPrompt => "Password: ",
        Phrase::ConfirmSignAgain => {
            "The request that was made first is not on this computer, and one that is signed anew differs: the CA may take it for a second order. To go on all the same, type yes: "
        }
        Phrase::ConfirmFinalTry => "To enter it all the same, type yes: ",
        Phrase::ConfirmResume => "A renewal of this certificate is pending. To go on with it, type yes: ",
        Phrase::ConfirmRemoval => "This cannot be undone. To remove it, type yes: ",

        Phrase::Installed => "The certificate was issued and installed.",
        Phrase::RestartBrowsers => "To make it effective, close every browser window once.",
        Phrase::RequestWritten(file) => return format!("The request was written to {file}."),
        Phrase::SendRequest => "Send it to the CA, then install the answer with \"usbtoken install FILE\".",
        Phrase::Retired => "The old certificate was removed.",
        Phrase::Abandoned => "The pending key was removed.",

        Phrase::Fine => "ok",
        Phrase::Warning => "warning",
        Phrase::Blocker => "blocker",
        Phrase::CanRenew => "The renewal can work.",
        Phrase::CannotRenew => "The renewal cannot work like this.",

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

        Phrase::HintModule => "Name the driver with --module and its absolute path.",
        Phrase::HintToken => "Name the token, for example with --token 'pkcs11:serial=…'.",
        Phrase::HintCredential => {
            "List the certificates with \"usbtoken list\" and name one with --id or --serial."
        }
        Phrase::HintPending => {
            "See \"usbtoken pending\"; \"usbtoken resume\" goes on with it, \"usbtoken abandon\" removes it."
        }
        Phrase::HintForce => "To renew before the period begins, add --force.",
        Phrase::HintBegun => {
            "If a request was made in time, \"usbtoken resume\" or \"usbtoken install FILE\" finishes it."
        }
        Phrase::HintAnchor => "The CA's certificate is given with --trust-anchor FILE.",
        Phrase::HintFinalTry => "To go on with what may be the last attempt, add --final-try.",
        Phrase::HintPin => "The PIN may come from --pin-file, --pin-env or the terminal.",
        Phrase::HintOverwrite => "To overwrite the file, add --overwrite.",
        Phrase::HintSignAgain => "To sign it anew, add --sign-again.",
        Phrase::HintSaveAnswer => "To name a file for the answer yourself, add --save-answer FILE.",
    };
    fixed.to_owned()
}

fn unknown_date() -> String {
    "unknown date".to_owned()
}
