//! The words of the command's own output: headings, results, prompts.

use std::time::SystemTime;

/// Words that a program shows besides errors, warnings and progress. Values in them are printed as they are:
/// pass what comes from outside through [`super::printable`].
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Phrase<'a> {
    /// A point in time, in Japan standard time with the zone named.
    Moment(SystemTime),
    /// A date, given as `YYYY-MM-DD`.
    Day(&'a str),
    /// How many days a certificate is still valid, counted in Japanese calendar dates.
    DaysLeft(i64),
    /// In the place of an end and of days left: the certificate names none (99991231235959Z).
    NoEnd,
    /// Behind a value whose bytes may stand for other characters.
    Guess,
    /// How many days ago something was made.
    Age(i64),

    /// Heading: a token.
    Token,
    /// Label: the serial number of a token.
    TokenSerial,
    /// Label: the serial number of a certificate, as screen CCHK007 has it.
    CertificateSerial,
    /// Label: the end of validity.
    Expiry,
    /// Label: whether it can be renewed.
    Renewal,
    /// Label: kind of key.
    Key,
    /// Label: how well the private key is protected.
    Protection,
    /// Label: the identifier.
    Id,
    /// Label: the serial number of the certificate that a pending key will replace, or belonged to.
    Concerns,
    /// Label: how far something got.
    Status,
    /// Label: the day on which it began.
    Since,
    /// Title: a first issue, without an old certificate.
    FirstIssue,

    /// It can be renewed now.
    Renewable,
    /// It can be renewed from that date in Japan on, written `YYYY-MM-DD`.
    RenewableFrom(&'a str),
    /// It has expired.
    NotRenewableExpired,
    /// Its private key is not on the token.
    NotRenewableNoKey,

    /// The key is proven not to be exportable.
    ProofProven,
    /// The driver claims that the key is not exportable.
    ProofClaimed,
    /// The key may be exportable.
    ProofRefused,
    /// Not known before login.
    ProofUnknown,

    /// State of a pending key: the CA's answer is awaited.
    AwaitingAnswer,
    /// State of a pending key: the certificate is written, the key has not signed yet.
    CertificateWritten,
    /// State of a pending key: the removal of an old credential stopped in the middle.
    HalfRetired,
    /// State of a pending key: only a public key is left.
    Remnant,

    /// There is no certificate on the token.
    NoCredentials,
    /// There is no pending key on the token.
    NoPending,

    /// Prompt for the PIN of that token.
    PinPrompt(&'a str),
    /// The PIN is entered at the token itself.
    PinPad(&'a str),
    /// Prompt for the login ID at the CA.
    LoginIdPrompt,
    /// Prompt for the password that goes with it.
    PasswordPrompt,
    /// Question before what may be the last attempt at the PIN; the answer is the word `yes`.
    ConfirmFinalTry,
    /// Question before a credential or key is removed; the answer is the word `yes`.
    ConfirmRemoval,

    /// A certificate was issued and installed.
    Installed,
    /// What to do for the browser to see the new certificate.
    RestartBrowsers,
    /// The request was written to that file.
    RequestWritten(&'a str),
    /// What to do with the request.
    SendRequest,
    /// The old credential was removed.
    Retired,
    /// The pending key was removed.
    Abandoned,
    /// Question whether to go on with the key that is pending; the answer is the word `yes`.
    ConfirmResume,

    /// Question whether to sign a request anew; the answer is the word `yes`.
    ConfirmSignAgain,

    /// State of a point: in order.
    Fine,
    /// State of a point: a warning.
    Warning,
    /// State of a point: the renewal cannot work.
    Blocker,
    /// All points allow the renewal.
    CanRenew,
    /// At least one point forbids the renewal.
    CannotRenew,

    /// Title: what is plugged in, installed and on the tokens.
    Diagnosis,
    /// Label: the version of this program.
    Version,
    /// Label: operating system and processor.
    Platform,
    /// Label: when it was looked.
    Taken,
    /// Heading: the problems.
    Problems,
    /// No problem was found.
    NoProblems,
    /// Heading: the drivers.
    Drivers,
    /// No driver was found.
    NoDrivers,
    /// Heading: the devices on the USB ports that are or may be tokens.
    Devices,
    /// There is none.
    NoDevices,
    /// Heading: the tokens.
    Tokens,
    /// No driver sees a token.
    NoTokens,
    /// State of a problem: good to know, and stops nothing.
    Remark,
    /// A driver that the caller named.
    OriginExplicit,
    /// A driver that this environment variable names.
    OriginVariable(&'a str),
    /// A driver that this file of p11-kit's configuration names.
    OriginP11Kit(&'a str),
    /// A driver of the user's own list, with the entry's name.
    OriginUser(&'a str),
    /// A driver of the catalogue, with the family's name.
    OriginCatalogue(&'a str),
    /// A driver that works.
    DriverWorks {
        /// Milliseconds to check, load and initialise it.
        milliseconds: u64,
        /// The number of its slots.
        slots: usize,
        /// The number of tokens that it sees.
        tokens: usize,
    },
    /// A driver that does not.
    DriverFails,
    /// A device whose token this driver sees.
    DeviceSeen(&'a str),
    /// Alike devices of which the drivers see a part.
    DevicePartlySeen {
        /// The number of devices.
        devices: usize,
        /// The number of tokens.
        tokens: usize,
    },
    /// A device that these drivers should see and do not.
    DeviceNotSeen(&'a str),
    /// A device whose driver is not installed.
    DeviceWithoutDriver,
    /// A smart-card interface that is not known.
    DeviceUnknown,
    /// A driver's file and the folders where it was looked for.
    LookedFor {
        /// The file.
        file: &'a str,
        /// The folders.
        folders: &'a str,
    },
    /// Label: the state of the PIN.
    Pin,
    /// State of the PIN: nothing speaks against it.
    PinUsable,
    /// State of the PIN: a wrong one was entered.
    PinCountLow,
    /// State of the PIN: one more wrong one locks it.
    PinFinalTry,
    /// State of the PIN: locked.
    PinLocked,
    /// State of the PIN: none is set.
    PinNotSet,
    /// State of the PIN: to be changed.
    PinToBeChanged,
    /// Label: free memory.
    FreeMemory,
    /// A number of bytes.
    Bytes(u64),
    /// The token does not tell.
    NotTold,
    /// Label: whether one more key pair and certificate fit.
    OneMorePair,
    /// They do.
    Fits,
    /// They may not.
    MayNotFit,
    /// Label: kinds of key that the token makes and signs with.
    KeyKinds,
    /// Label: mechanisms.
    Mechanisms,
    /// Label: the driver through which a token is seen.
    Driver,
    /// Label: versions of hardware and firmware.
    Versions,
    /// Label: the quirk profile.
    Profile,
    /// The token refuses every write.
    WriteProtected,
    /// That many certificates cannot be read.
    Unreadable(usize),

    /// Hint of the command: name the driver.
    HintModule,
    /// Hint of the command: name the token.
    HintToken,
    /// Hint of the command: name the credential.
    HintCredential,
    /// Hint of the command: the pending keys.
    HintPending,
    /// Hint of the command: renew outside the window.
    HintForce,
    /// Hint of the command: a renewal that was begun in time is finished later too.
    HintBegun,
    /// Hint of the command: name the CA's certificate.
    HintAnchor,
    /// Hint of the command: confirm the last attempt.
    HintFinalTry,
    /// Hint of the command: where the PIN may come from.
    HintPin,
    /// Hint of the command: overwrite a file.
    HintOverwrite,
    /// Hint of the command: sign the request anew.
    HintSignAgain,
    /// Hint of the command: name the file for the answer.
    HintSaveAnswer,
}
