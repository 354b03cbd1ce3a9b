//! What the values in errors and warnings mean.

use super::numbered::numbered;

numbered! {
    /// What a value in an error or a notice means.
    Fact {
        /// A file's path.
        Path = 1 "path",
        /// The value that was expected or asked for.
        Expected = 2 "expected",
        /// The value that was found instead.
        Found = 3 "found",
        /// One of several candidates; stands once for each.
        Candidate = 4 "candidate",
        /// The token, by label and serial number.
        Token = 5 "token",
        /// A limit that applies.
        Limit = 6 "limit",
        /// An object's CKA_ID, in hexadecimal.
        Id = 7 "id",
        /// A date, in Japan standard time.
        Date = 8 "date",
        /// What a library or program said.
        Detail = 9 "detail",
        /// The driver's name or path.
        Driver = 10 "driver",
        /// The certificate's subject.
        Subject = 11 "subject",
        /// The certificate's serial number.
        Serial = 12 "serial",
        /// A number of days.
        Days = 13 "days",
        /// A device on a USB port.
        Device = 14 "device",
        /// The file in which the CA's answer is kept.
        SavedAnswer = 15 "saved_answer",
        /// The command that goes on.
        GoOn = 16 "go_on",
        /// A number of seconds to wait.
        Seconds = 17 "seconds",
        /// A size in bytes.
        Size = 18 "size",
        /// The first line of something that is not what it should be.
        FirstLine = 19 "first_line",
        /// What the clock of this computer says, in Japan standard time.
        Now = 20 "now",
        /// When a certificate begins to be valid, in Japan standard time.
        Begins = 21 "begins",
        /// The name of an algorithm.
        Algorithm = 24 "algorithm",
        /// Whether two certificates come from one CA, by its stable name; people read it in words.
        IssuerContinuity = 25 "issuer_continuity",
        /// What the token or its driver states.
        Stated = 27 "stated",
        /// A PKCS#11 URI (RFC 7512).
        Uri = 28 "uri",
        /// The program that is at work on the token, or `this_program`; people read that in words.
        Holder = 26 "holder",
        /// Why, by a stable name; people read it in words.
        Reason = 31 "reason",
        /// A line of a file, counted from 1.
        Line = 32 "line",
        /// A column of that line, in characters, counted from 1.
        Column = 33 "column",
        /// A key of a configuration file, with the tables it stands in.
        Key = 34 "key",
        /// A bank's profile, by name or path.
        Bank = 35 "bank",
        /// Whom to call and when.
        Contact = 36 "contact",
        /// The certificate that it is about, by its subject.
        Certificate = 40 "certificate",
        /// What was examined, by a stable name (`without_pin`: what shows before the login); people read it in words.
        Seen = 41 "seen",
        /// The address of a server or a page.
        Url = 50 "url",
        /// The status line of an HTTP response.
        HttpStatus = 51 "http_status",
        /// The TLS alert that a server sent, by its name in RFC 8446 §6.
        Alert = 52 "alert",
        /// A CA that a server says it accepts, or a way of signing; stands once for each.
        Accepted = 53 "accepted",
        /// The old certificate, which is on the token still.
        StillThere = 65 "still_there",
        /// The date in Japan from which on the new certificate works at the bank.
        WorksFrom = 105 "works_from",
        /// The date in Japan on which a certificate was ordered, as far as that is known.
        OrderedOn = 106 "ordered_on",
        /// The date in Japan on which the bank's window for a certificate opens.
        WindowOpens = 107 "window_opens",
        /// Where a certificate is that is not on the token, such as `file:/home/user/old.p12`.
        Place = 81 "place",
        /// The reference number of the order at the bank or its CA.
        Reference = 54 "reference",
        /// The PKCS#11 function that the driver was in.
        Function = 70 "function",
        /// The program in which the driver would run, which is not there or cannot be used.
        DriverHost = 71 "driver_host",
        /// The serial number of the certificate that takes the place of the one that it is about; where another certificate on the token
        /// has that number, `sha256:` and the fingerprint.
        Successor = 89 "successor",
        /// The same of the oldest certificate in the row of those whose place the one that it is about has taken.
        Older = 120 "older",
        /// The CKA_ID of the key of a certificate that stands under another one.
        KeyId = 121 "key_id",
    }
}
