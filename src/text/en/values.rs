//! English: values of facts that are stable names.

use crate::error::Fact;

/// The words for a value that is a stable name.
pub(in crate::text) fn fact_value(fact: Fact, value: &str) -> Option<&'static str> {
    Some(match (fact, value) {
        (Fact::Reason, "subject_differs") => "the rule for the subject does not allow the successor's name",
        (Fact::Reason, "successor_is_the_old_one") => {
            "the successor that was named is the certificate to be removed"
        }
        (Fact::Reason, "successor_not_there") => "the successor that was named is not on the token",
        (Fact::Reason, "successor_has_ended") => "the successor that was named has expired",
        (Fact::Reason, "successor_ends_earlier") => {
            "the successor that was named ends before the certificate to be removed: that one stays until its end"
        }
        (Fact::Reason, "windows_only") => "this place (windows:) exists on Windows only",
        (Fact::Reason, "replaced_meanwhile") => "another file was put in its place while it was read",
        (Fact::Reason, "delivered_empty") => {
            "this USB token comes without a certificate: the first one is to be issued, not renewed"
        }
        (Fact::Reason, "initial_pin") => {
            "this USB token comes with an initial PIN: enter that one until it is changed, the changed one afterwards"
        }
        (Fact::Reason, "no_home") => {
            "the system's list of users gives this user no home of their own here, so that only the installer's folder would do"
        }
        (Fact::Reason, "file_not_there") => {
            "there is no file of the name that was given (the name is not shown)"
        }
        (Fact::Reason, "variable_not_set") => {
            "there is no environment variable of the name that was given (the name is not shown)"
        }
        (Fact::Reason, "pin_several_lines") => "it has several lines; write the PIN alone, on one",
        (Fact::Reason, "pin_utf16") => "it is in UTF-16; save it as UTF-8 without byte order mark",
        (Fact::Reason, "pin_control_character") => "it has a tab or another control character",
        (Fact::Reason, "full_width") => "it has full-width characters",
        (Fact::Reason, "blank_at_edge") => "it begins or ends with a blank",
        (Fact::Reason, "change_no_longer_wanted") => {
            "the token does not want a change any more: the new PIN seems to hold"
        }
        (Fact::Reason, "wrong_pin_counted") => {
            "the token states that it counted a wrong PIN: the old one seems to have been wrong, and nothing was changed"
        }
        (Fact::Reason, "pin_change_interrupted") => {
            "a change of the PIN was interrupted: the NEW PIN may hold; try that one first, and if it is wrong, the old one"
        }
        (Fact::Reason, "ca_missing") => "the certificate of this CA is missing",
        (Fact::Reason, "too_many_ways") => "the certificates can be combined in too many ways",
        (Fact::Reason, "signature_not_from_ca") => {
            "the signature is not from the CA that the certificate names"
        }
        (Fact::Reason, "not_der") => "it is not written by the rules of DER, so that no chain can be checked",
        (Fact::Reason, "not_yet_valid") => "it is not valid yet",
        (Fact::Reason, "expired") => "it has expired",
        (Fact::Reason, "not_ca") => "it is not a CA's (basicConstraints)",
        (Fact::Reason, "too_many_cas_below") => "a CA above it allows fewer CAs below (pathLenConstraint)",
        (Fact::Reason, "usage_not_certificates") => {
            "its key usage does not allow signing certificates (keyUsage)"
        }
        (Fact::Reason, "purpose_not_client") => {
            "it does not allow certificates for client authentication (extendedKeyUsage)"
        }
        (Fact::Reason, "policy_demanded") => {
            "it demands a certificate policy that holds for the whole chain, and there is none (policyConstraints)"
        }
        (Fact::Reason, "policy_mapping") => "it maps the policy anyPolicy (policyMappings)",
        (Fact::Reason, "too_many_policies") => "its policies are too many",
        (Fact::Reason, "name_not_permitted") => {
            "its names are not those that a CA above it may certify (nameConstraints)"
        }
        (Fact::Reason, "extension_unknown") => "it has a critical extension that is not known",
        (Fact::Reason, "extension_repeated") => "it has an extension more than once",
        (Fact::Reason, "malformed") => "it has an extension that is not written by the rules",
        (Fact::Reason, "rule_broken") => "it breaks a rule of RFC 5280 section 6.1",
        (Fact::Reason, "driver_in_this_process") => "the driver would run in this process",
        (Fact::Reason, "driver_is_confined") => "the driver reached only what was named",
        (Fact::Reason, "softokn_in_use") => "this program uses the same library (NSS) already",
        (Fact::Reason, "nss_crashed") => "the library that reads it (NSS) crashed",
        (Fact::Reason, "nss_not_permitted") => {
            "the profile's certificates (cert9.db) may not be read by this user"
        }
        (Fact::Reason, "nss_damaged") => {
            "one of the profile's two databases, cert9.db and key4.db, is damaged"
        }
        (Fact::Reason, "nss_too_large") => "its database (cert9.db) is far larger than that of any profile",
        (Fact::Reason, "nss_no_copy") => {
            "no private copy of its databases could be made in the folder for temporary files, or in /dev/shm; see that there is room"
        }
        (Fact::Reason, "nss_hangs") => "the library that reads it (NSS) did not answer in time",
        (Fact::Reason, "first_issue") => {
            "the request is for a first certificate and renews none; leave the old certificate out"
        }
        (Fact::Reason, "password_file_itself") => {
            "it is a file with a certificate or a key; a file with its password in the first line is meant"
        }
        (Fact::Reason, "password_utf16") => "it is in UTF-16; save it as UTF-8",
        (Fact::Reason, "password_not_utf8") => {
            "it is not in UTF-8 but in another encoding, such as Shift_JIS; save it as UTF-8"
        }
        (Fact::Reason, "password_too_long") => "its first line is longer than any password",
        (Fact::Reason, "no_cert9") => "there is no cert9.db",
        (Fact::Reason, "nss_old_form") => "it is a profile of the old form (cert8.db)",
        (Fact::Reason, "pkcs12_malformed") => "it cannot be read as PKCS#12",
        (Fact::Reason, "too_many_rounds") => "it asks for far more computing than other files",
        (Fact::Reason, "truncated") => "it ends in the middle",
        (Fact::Reason, "not_a_certificate") => "it has not the form of a certificate",
        (Fact::Reason, "no_installation") => "it is no record of an installation",
        (Fact::Reason, "no_record") => "it is no record of a login",
        (Fact::Reason, "no_ca_for_servers") => {
            "the system has no CA that is trusted for servers, and none was given"
        }
        (Fact::Reason, "not_given") => "the driver does not give its value",
        (Fact::Reason, "same_record") => "another private key carries the same record",
        (Fact::Reason, "id_of_another_certificate") => {
            "a certificate that is not the key's own has its CKA_ID"
        }
        (Fact::Reason, "record_of_public_key") => {
            "the public key carries another record than the private key"
        }
        (Fact::Reason, "old_certificate_not_there") => {
            "the certificate that its record names is not on this token"
        }
        (Fact::Reason, "certificate_of_another") => "a certificate of somebody else is for it",
        (Fact::Reason, "public_key_alone") => "it is a public key alone, and nothing signs for it",
        (Fact::Reason, "name_of_another_user") => {
            "the new certificate has the name of another user whose certificate is on the token"
        }
        (Fact::Reason, "another_subject") => "its subject is another one",
        (Fact::Reason, "common_name_changed") => "it was issued for this renewal, but in another common name",
        (Fact::Reason, "another_ca") => "another CA has issued it",
        (Fact::Reason, "another_follows") => {
            "by its record another certificate on this token has taken its place"
        }
        (Fact::Reason, "follows_another") => {
            "by its record the certificate that was named takes the place of another one"
        }
        (Fact::Reason, "same_record_and_id") => "two private keys have this record and this CKA_ID",
        (Fact::Reason, "not_requested_here") => {
            "only its record on the token says that it is ours: no request for this key is kept on this computer"
        }
        (Fact::Reason, "no_private_key_shows") => {
            "no private key shows on the token, so that of this public key may be there too"
        }
        (Fact::Reason, "request_kept_here") => {
            "this computer keeps the request for its key, which may only not show for a while"
        }
        (Fact::Reason, "key_of_renewed") => "it is the key of the new certificate, which is on the token",
        (Fact::Reason, "request_of_another_key") => {
            "this computer made the request of this job for another key, so that this one carries a copy of its record"
        }
        (Fact::Reason, "public_key_unreadable") => "the public key cannot be read",
        (Fact::Reason, "public_key_label_truncated") => "the label of the public key came in part",
        (Fact::Reason, "key_does_not_sign") => "the key does not sign",
        (Fact::Reason, "another_key_signed") => "another key has signed",
        (Fact::Reason, "two_keys_sign") => "two private keys sign for this certificate",
        (Fact::Reason, "handle_of_another_object") => {
            "the driver gave another key, which was there before, for the new one"
        }
        (Fact::Reason, "renewed_by_another_program") => "another program has renewed it",
        (Fact::Reason, "not_beside_its_key") => "the new certificate does not have the identifier of its key",
        (Fact::Reason, "issuer_not_shown") => "it is not shown that both come from one CA",
        (Fact::Reason, "public_keys_alike") => {
            "which public key is ours cannot be told: another program's key has its identifier or value"
        }
        (Fact::Reason, "certificates_alike") => {
            "which certificate object is ours cannot be told: another one under its identifier seems to be the same"
        }
        (Fact::Reason, "object_changed") => "the object is not what it was",
        (Fact::Reason, "not_kept") => {
            "the driver says that it has taken the certificate, and keeps nothing of it, which will be so each time: use another driver for the token, or report it to the maker of this one"
        }
        (Fact::Reason, "value_of_another_call") => {
            "this function cannot mean what the name of the return value says: it tells nothing of the PIN, of the room on the token or of a certificate"
        }
        (Fact::Reason, "pin_may_have_counted") => {
            "the PIN was sent and not answered, so it may have counted as a wrong one: make sure of it before the next run"
        }
        (Fact::Reason, "key_may_be_there") => {
            "the new key, or half of it, may be on the token; the certificate in use is as it was"
        }
        (Fact::Reason, "certificate_may_be_there") => {
            "the new certificate may be on the token beside its key, which waits there; the certificate in use is as it was"
        }
        (Fact::Reason, "object_may_be_gone") => {
            "a part of what was to be removed is gone or may be gone, and the rest is there still"
        }
        (Fact::Reason, "new_key_stays") => {
            "the new key is on the token and waits there; the certificate in use is as it was"
        }
        (Fact::Reason, "new_certificate_stays") => {
            "the new certificate is on the token; that its key signs was not seen to the end. The certificate in use is as it was"
        }
        (Fact::Reason, "nothing_changed") => "nothing on the token was changed",
        (Fact::Reason, "object_unreadable") => "the object cannot be read",
        (Fact::Reason, "another_session") => "the object was read in another session",
        (Fact::Reason, "no_anchor") => "no trust anchor was given",
        (Fact::Reason, "first_names_no_object") => {
            "a first certificate is for no object that is on the token already"
        }
        (Fact::Reason, "certificate_came") => "a certificate for this key has come meanwhile",
        (Fact::Reason, "follower_not_there") => {
            "the certificate that takes its place is not on this token either"
        }
        (Fact::Reason, "successor_went") => "the certificate that takes its place, or its key, is gone",
        (Fact::Reason, "profile_database") => "it is a browser's database of certificates and keys",
        (Fact::Reason, "read_by_this_command") => "the same command reads it",
        (Fact::Reason, "old_certificate_there") => "the old certificate was read from this file",
        (Fact::Reason, "no_old_key") => "there is no old credential whose key could be used",
        (Fact::Reason | Fact::Detail, "after_last") => "it lies behind the last entry",
        (Fact::Reason | Fact::Detail, "both_encodings") => "it is set in both encodings",
        (Fact::Reason | Fact::Detail, "call_under_way") => "another call on it has not returned yet",
        (Fact::Reason | Fact::Detail, "ec_point") => "the EC point cannot be read",
        (Fact::Reason | Fact::Detail, "ec_point_form") => "the EC point is not in the uncompressed form",
        (Fact::Reason | Fact::Detail, "ec_point_off_curve") => "the EC point is not on the curve",
        (Fact::Reason | Fact::Detail, "empty") => "it is empty",
        (Fact::Reason | Fact::Detail, "key_must_be_new") => "the key must be new",
        (Fact::Reason | Fact::Detail, "misaligned") => "it is not aligned",
        (Fact::Reason | Fact::Detail, "no_credential_nor_subject") => {
            "there is neither a credential nor a subject"
        }
        (Fact::Reason | Fact::Detail, "no_folder") => "it is no folder",
        (Fact::Reason | Fact::Detail, "no_regular_file") => "it is no regular file",
        (Fact::Reason | Fact::Detail, "no_reference") => "it is no reference number",
        (Fact::Reason | Fact::Detail, "not_0_or_1") => "it must be 0 or 1",
        (Fact::Reason | Fact::Detail, "not_exactly_one") => "there must be exactly one",
        (Fact::Reason | Fact::Detail, "not_hexadecimal") => "it is not hexadecimal",
        (Fact::Reason | Fact::Detail, "not_of_algorithm") => "it is not one that the Algorithm has",
        (Fact::Reason | Fact::Detail, "not_signed_by_old_key") => {
            "it was not asked for with USBTOKEN_RENEW_SIGNED_BY_OLD_KEY"
        }
        (Fact::Reason | Fact::Detail, "not_utf16") => "it is not UTF-16",
        (Fact::Reason | Fact::Detail, "not_utf8") => "it is not UTF-8",
        (Fact::Reason | Fact::Detail, "not_zero") => "it must be 0",
        (Fact::Reason | Fact::Detail, "not_zero_allowed") => "it must not be 0",
        (Fact::Reason | Fact::Detail, "nul_inside") => "it has a NUL inside",
        (Fact::Reason | Fact::Detail, "null") => "it is NULL",
        (Fact::Reason | Fact::Detail, "null_or_misaligned") => "it is NULL or not aligned",
        (Fact::Reason | Fact::Detail, "of_another_user") => "it belongs to another user",
        (Fact::Reason | Fact::Detail, "one_in_use") => "one is in use already",
        (Fact::Reason | Fact::Detail, "open_to_others") => "other users may read or write it",
        (Fact::Reason | Fact::Detail, "out_of_range") => "it is out of range",
        (Fact::Reason | Fact::Detail, "rest_cut_off") => "the rest is cut off",
        (Fact::Reason | Fact::Detail, "rsa_numbers") => "the RSA modulus or exponent is not possible",
        (Fact::Reason | Fact::Detail, "set_beside_credential") => "it is set beside a credential",
        (Fact::Reason | Fact::Detail, "struct_size_unset") => "its struct_size is not set",
        (Fact::Reason | Fact::Detail, "too_large") => "it is too large",
        (Fact::Reason | Fact::Detail, "too_long") => "it is too long",
        (Fact::Reason | Fact::Detail, "too_many") => "there are too many",
        (Fact::Reason | Fact::Detail, "unknown_fields") => "it has fields that this version does not know",
        (Fact::Reason | Fact::Detail, "unknown_property") => {
            "the property is not known, or the value is not one of its own"
        }
        (Fact::Reason | Fact::Detail, "unknown_value") => "the value is not known",
        (Fact::Reason | Fact::Detail, "unused_bits") => "subjectPublicKey has unused bits",
        (Fact::Detail, "lock_removed") => "it was removed or renamed, or its folder was",
        (Fact::Detail, "lock_replaced") => "another file has taken its place",
        (Fact::Detail, "not_the_administrators") => "it does not belong to the administrator",
        (Fact::Reason | Fact::Detail, "writable_by_others") => "other users may write to it",
        (Fact::Expected, "absolute_path") => "an absolute path",
        (Fact::Expected, "cookie_64_kib") => "a cookie of 64 KiB at most",
        (Fact::Expected, "cookie_utf8") => "a cookie in UTF-8",
        (Fact::Expected, "cookie_without_nul") => "a cookie without NUL",
        (Fact::Expected, "fewer_than_before") => "fewer than the one before",
        (Fact::Expected, "no_control_characters") => "no control characters",
        (Fact::Expected, "not_empty") => "not empty",
        (Fact::Expected, "once") => "once",
        (Fact::Expected, "proxy_url") => "http://host:port, without user name and password",
        (Fact::Expected, "seconds_first") => "seconds to wait in the first line",
        (Fact::Expected, "text") => "text",
        (Fact::IssuerContinuity, "not_checked") => {
            "not known (the CA's certificate is not at hand, or a CA of the same name has another key)"
        }
        (Fact::IssuerContinuity, "another_issuer") => "a CA of another name, with another key",
        (Fact::Seen, "without_pin") => {
            "the certificates that show without the PIN; some tokens show others after the login"
        }
        (Fact::Holder, "this_program") => "this program itself, in another of its jobs",
        _ => return None,
    })
}
