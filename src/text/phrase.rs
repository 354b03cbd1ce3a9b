//! The words of the diagnosis and of lists: headings, labels, states.

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
    /// Label: the serial number of a certificate, as screen CCHK007 has it.
    CertificateSerial,
    /// Label: the end of validity.
    Expiry,
    /// Label: whether it can be renewed.
    Renewal,
    /// Label: kind of key.
    Key,
    /// Label: the identifier.
    Id,

    /// It can be renewed now.
    Renewable,
    /// It can be renewed from that date in Japan on, written `YYYY-MM-DD`.
    RenewableFrom(&'a str),
    /// It need not be: it has no end.
    NoRenewal,
    /// It has expired.
    NotRenewableExpired,
    /// The bank renews it no more.
    NotRenewableClosed,
    /// Its private key is not on the token.
    NotRenewableNoKey,
    /// It is renewed.
    Renewed {
        /// The serial number of the certificate that takes its place.
        serial: &'a str,
        /// The date in Japan from which that can be renewed, written `YYYY-MM-DD`.
        from: &'a str,
    },
    /// It seems to be renewed; whether it is, the private key tells after the login.
    SaidRenewed {
        /// The serial number of the certificate that seems to take its place.
        serial: &'a str,
        /// The date in Japan from which that can be renewed, written `YYYY-MM-DD`.
        from: &'a str,
    },
    /// It has expired, and a renewal that was begun before waits to be finished.
    ExpiredAndWaiting,

    /// What to do when it is too late: have a new certificate issued.
    TooLateNewIssue,
    /// The same: a master user revokes the old one first.
    TooLateRevokeFirst,
    /// The same: a form.
    TooLateForm,
    /// The same: ask.
    TooLateContact,

    /// What to do where the token comes without a certificate.
    FirstCertificate,
    /// There is no certificate on the token.
    NoCredentials,
    /// State of a point: a warning.
    Warning,
    /// State of a point: the renewal cannot work.
    Blocker,

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
    /// Heading: the banks whose profiles are installed.
    Banks,
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
}
