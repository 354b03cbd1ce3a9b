/* What may not change: sizes, offsets, numbers, in 64 and in 32 bits. A change here is a change of the ABI: see
 * docs/c-abi.md. Freestanding, so that a compiler for another machine can read it without that machine's C library. */
#ifndef LAYOUT_H
#define LAYOUT_H

#include <stddef.h>

#include "usbtoken.h"

#define SAME(a, b) _Static_assert((a) == (b), #a " is not " #b)

#if UINTPTR_MAX == UINT64_MAX
SAME(sizeof(usbtoken_callbacks), 48);
SAME(offsetof(usbtoken_callbacks, user), 8);
SAME(offsetof(usbtoken_callbacks, pin), 16);
SAME(offsetof(usbtoken_callbacks, progress), 24);
SAME(offsetof(usbtoken_callbacks, cancel), 32);
SAME(offsetof(usbtoken_callbacks, log), 40);
SAME(sizeof(usbtoken_pin_request), 72);
SAME(offsetof(usbtoken_pin_request, token_label), 24);
SAME(offsetof(usbtoken_pin_request, origin), 40);
SAME(offsetof(usbtoken_pin_request, token_label_utf16), 48);
SAME(offsetof(usbtoken_pin_request, origin_utf16), 64);
SAME(sizeof(usbtoken_pin_reply), 64);
SAME(offsetof(usbtoken_pin_reply, pin), 8);
SAME(offsetof(usbtoken_pin_reply, length), 24);
SAME(offsetof(usbtoken_pin_reply, pin_utf16), 32);
SAME(offsetof(usbtoken_pin_reply, length_utf16), 48);
SAME(offsetof(usbtoken_pin_reply, pin_as_typed), 56);
SAME(sizeof(usbtoken_old_certificate), 72);
SAME(offsetof(usbtoken_old_certificate, password_length), 32);
SAME(offsetof(usbtoken_old_certificate, sign_user), 48);
SAME(offsetof(usbtoken_old_certificate, serial_length), 64);
SAME(sizeof(usbtoken_sign_request), 48);
SAME(offsetof(usbtoken_sign_request, signature_length), 40);
SAME(sizeof(usbtoken_renewal_params), 64);
SAME(offsetof(usbtoken_renewal_params, now), 24);
SAME(offsetof(usbtoken_renewal_params, subject), 32);
SAME(offsetof(usbtoken_renewal_params, subject_utf16), 48);
SAME(sizeof(usbtoken_install_params), 48);
SAME(offsetof(usbtoken_install_params, subject_rule), 40);
SAME(sizeof(usbtoken_retire_params), 64);
SAME(offsetof(usbtoken_retire_params, flags), 56);
SAME(offsetof(usbtoken_retire_params, successor), 48);
SAME(offsetof(usbtoken_retire_params, confirmations), 32);
SAME(sizeof(usbtoken_confirm_params), 88);
SAME(offsetof(usbtoken_confirm_params, url), 8);
SAME(offsetof(usbtoken_confirm_params, server_anchors), 40);
SAME(offsetof(usbtoken_confirm_params, after_login), 72);
SAME(offsetof(usbtoken_retire_params, anchors), 16);
SAME(offsetof(usbtoken_install_params, now), 16);
SAME(offsetof(usbtoken_install_params, anchors), 24);
SAME(sizeof(usbtoken_bytes), 16);
#else
SAME(sizeof(usbtoken_callbacks), 24);
SAME(offsetof(usbtoken_callbacks, log), 20);
SAME(sizeof(usbtoken_pin_request), 44);
SAME(offsetof(usbtoken_pin_request, origin), 28);
SAME(offsetof(usbtoken_pin_request, origin_utf16), 40);
SAME(sizeof(usbtoken_pin_reply), 36);
SAME(offsetof(usbtoken_pin_reply, length), 16);
SAME(offsetof(usbtoken_pin_reply, length_utf16), 28);
SAME(offsetof(usbtoken_pin_reply, pin_as_typed), 32);
SAME(sizeof(usbtoken_old_certificate), 40);
SAME(offsetof(usbtoken_old_certificate, password_length), 20);
SAME(offsetof(usbtoken_old_certificate, sign_user), 28);
SAME(offsetof(usbtoken_old_certificate, serial_length), 36);
SAME(sizeof(usbtoken_sign_request), 28);
SAME(offsetof(usbtoken_sign_request, signature_length), 24);
SAME(offsetof(usbtoken_renewal_params, now), 24);
SAME(offsetof(usbtoken_renewal_params, subject), 32);
SAME(offsetof(usbtoken_renewal_params, subject_utf16), 40);
SAME(offsetof(usbtoken_install_params, now), 16);
SAME(offsetof(usbtoken_install_params, anchors), 24);
SAME(offsetof(usbtoken_install_params, subject_rule), 32);
SAME(offsetof(usbtoken_retire_params, anchors), 16);
SAME(sizeof(usbtoken_bytes), 8);
#endif
SAME(sizeof(usbtoken_options), 16);
SAME(offsetof(usbtoken_options, struct_size), 0);
SAME(offsetof(usbtoken_options, language), 4);
SAME(offsetof(usbtoken_options, flags), 8);
SAME(offsetof(usbtoken_options, driver_milliseconds), 12);
SAME(offsetof(usbtoken_renewal_params, key_kind), 4);
SAME(offsetof(usbtoken_renewal_params, window_days), 8);
SAME(offsetof(usbtoken_renewal_params, flags), 12);
SAME(offsetof(usbtoken_renewal_params, required_proof), 16);
SAME(sizeof(usbtoken_status), 4);
SAME(sizeof(usbtoken_hresult), 4);

SAME(USBTOKEN_OK, 0);
SAME(USBTOKEN_BAD_ARGUMENT, 101);
SAME(USBTOKEN_BAD_HANDLE, 108);
SAME(USBTOKEN_TOKEN_NOT_FOUND, 223);
SAME(USBTOKEN_TOKEN_AMBIGUOUS, 224);
SAME(USBTOKEN_PIN_INCORRECT, 301);
SAME(USBTOKEN_PIN_LOCKED, 302);
SAME(USBTOKEN_PIN_FINAL_TRY, 303);
SAME(USBTOKEN_KEY_EXPORTABLE, 406);
SAME(USBTOKEN_ANSWER_IS_PFX, 505);
SAME(USBTOKEN_TOKEN_REMOVED, 601);
SAME(USBTOKEN_FORKED, 604);
SAME(USBTOKEN_PANIC, 703);
SAME(USBTOKEN_PENDING_EXISTS, 803);
SAME(USBTOKEN_BUSY, 804);
SAME(USBTOKEN_CANCELLED, 811);
SAME(USBTOKEN_STEP_GENERATE_KEY_PAIR, 10);
SAME(USBTOKEN_NOTICE_PROOF_CLAIMED, 11);
SAME(USBTOKEN_POINT_WINDOW, 6);
SAME(USBTOKEN_FACT_CANDIDATE, 4);
SAME(USBTOKEN_LANGUAGE_JA, 1);
SAME(USBTOKEN_LANGUAGE_EN, 2);
SAME(USBTOKEN_KEY_RSA_2048, 1);
SAME(USBTOKEN_KEY_P384, 5);
SAME(USBTOKEN_PROOF_PROVEN, 3);
SAME(USBTOKEN_FORMAT_PEM, 2);
SAME(USBTOKEN_RENEW_SIGNED_BY_OLD_KEY, 8);
SAME(USBTOKEN_RENEW_ALTHOUGH_DENIED, 16);
SAME(USBTOKEN_RENEW_ALTHOUGH_RENEWED, 32);
SAME(USBTOKEN_INSTALL_REUSE_KEY, 2);
SAME(USBTOKEN_SUBJECT_ANY, 3);
SAME(USBTOKEN_ISSUER_ANOTHER, 4);
SAME(USBTOKEN_INSTALLED_WAS_THERE, 4);
SAME(offsetof(usbtoken_retire_params, subject_rule), 4);
SAME(offsetof(usbtoken_retire_params, now), 8);
SAME(USBTOKEN_RENEWABLE_KEY_MISSING, 4);
SAME(USBTOKEN_PRIVATE_KEY_MISSING, 2);
SAME(USBTOKEN_PENDING_REMNANT, 4);
SAME(USBTOKEN_PIN_STATE_LOCKED, 5);
SAME(USBTOKEN_FINDING_BLOCKER, 2);
SAME(USBTOKEN_OPTION_WITHOUT_P11_KIT, 2);
SAME(USBTOKEN_DEVICE_NOT_SEEN, 6);
SAME(USBTOKEN_DRIVER_MILLISECONDS, 2);
SAME(USBTOKEN_DIAGNOSIS_BUNDLE, 3);
SAME(USBTOKEN_PROBLEM_FACTS, 4);
SAME(USBTOKEN_WEIGHT_REMARKS, 3);
SAME(USBTOKEN_ENROLL_ABANDON, 3);
SAME(USBTOKEN_ENROLL_RENEW_DOUBTFUL, 4);
SAME(USBTOKEN_ENCODING_NO_CRLF, 0x40000000);
SAME(USBTOKEN_ENCODING_NO_CR, 0x80000000);
SAME(USBTOKEN_HR_CANCELLED, -2147023673);
SAME(USBTOKEN_HR_NO_DRIVER, -2146435043);
SAME(USBTOKEN_ABI_VERSION, 1);

#endif
