/* What may not change: sizes, offsets, numbers. A change here is a change of the ABI: see docs/c-abi.md. */
#include <stddef.h>

#include "check.h"

#define SAME(a, b) _Static_assert((a) == (b), #a " is not " #b)

#if UINTPTR_MAX == UINT64_MAX
SAME(sizeof(usbtoken_options), 16);
SAME(sizeof(usbtoken_callbacks), 48);
SAME(offsetof(usbtoken_callbacks, user), 8);
SAME(offsetof(usbtoken_callbacks, pin), 16);
SAME(offsetof(usbtoken_callbacks, progress), 24);
SAME(offsetof(usbtoken_callbacks, cancel), 32);
SAME(offsetof(usbtoken_callbacks, log), 40);
SAME(sizeof(usbtoken_pin_request), 48);
SAME(offsetof(usbtoken_pin_request, token_label), 24);
SAME(offsetof(usbtoken_pin_request, origin), 40);
SAME(sizeof(usbtoken_pin_reply), 32);
SAME(offsetof(usbtoken_pin_reply, pin), 8);
SAME(offsetof(usbtoken_pin_reply, length), 24);
SAME(sizeof(usbtoken_renewal_params), 48);
SAME(offsetof(usbtoken_renewal_params, now), 24);
SAME(offsetof(usbtoken_renewal_params, subject), 32);
SAME(sizeof(usbtoken_install_params), 40);
SAME(offsetof(usbtoken_install_params, now), 16);
SAME(offsetof(usbtoken_install_params, anchors), 24);
SAME(sizeof(usbtoken_bytes), 16);
#endif
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
SAME(USBTOKEN_RELAX_ALGORITHM, 128);
SAME(USBTOKEN_INSTALL_REUSE_KEY, 2);
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
SAME(USBTOKEN_ENCODING_NO_CRLF, 0x40000000);
SAME(USBTOKEN_ENCODING_NO_CR, 0x80000000);
SAME(USBTOKEN_HR_CANCELLED, -2147023673);
SAME(USBTOKEN_HR_NO_DRIVER, -2146435043);
SAME(USBTOKEN_ABI_VERSION, 1);

static void every_number_has_its_words(void)
{
    static const int32_t last[] = { 0, 899, 99, 99, 99 };
    for (uint32_t kind = USBTOKEN_TEXT_STATUS; kind <= USBTOKEN_TEXT_POINT; kind++) {
        int found = 0;
        for (int32_t number = 1; number <= last[kind]; number++) {
            const char *name = usbtoken_text(kind, number, USBTOKEN_TEXT_NAME, USBTOKEN_LANGUAGE_JA);
            if (name == NULL)
                continue;
            found++;
            for (uint32_t language = USBTOKEN_LANGUAGE_JA; language <= USBTOKEN_LANGUAGE_EN; language++) {
                const char *sentence = usbtoken_text(kind, number, USBTOKEN_TEXT_SENTENCE, language);
                CHECK(sentence != NULL && *sentence != 0);
                const char *next = usbtoken_text(kind, number, USBTOKEN_TEXT_NEXT_ACTION, language);
                CHECK((next != NULL) == (kind == USBTOKEN_TEXT_STATUS || kind == USBTOKEN_TEXT_NOTICE));
            }
        }
        CHECK(found > 5);
    }
    CHECK(strcmp(usbtoken_text(USBTOKEN_TEXT_STATUS, USBTOKEN_PIN_LOCKED, USBTOKEN_TEXT_NAME, 0), "pin_locked") == 0);
    CHECK(strcmp(usbtoken_text(USBTOKEN_TEXT_STATUS, USBTOKEN_OK, USBTOKEN_TEXT_NAME, 0), "ok") == 0);
    CHECK(usbtoken_text(USBTOKEN_TEXT_STATUS, 12345, USBTOKEN_TEXT_NAME, 0) == NULL);
    CHECK(usbtoken_text(USBTOKEN_TEXT_STATUS, USBTOKEN_PIN_LOCKED, USBTOKEN_TEXT_NAME, 99) == NULL);
    CHECK(usbtoken_text(99, 1, USBTOKEN_TEXT_NAME, 0) == NULL);

    const uint16_t *wide = usbtoken_text_utf16(USBTOKEN_TEXT_HRESULT, USBTOKEN_HR_NO_TOKEN, USBTOKEN_TEXT_SENTENCE,
                                               USBTOKEN_LANGUAGE_JA);
    /* USBトークン… */
    CHECK(wide != NULL && wide[0] == 'U' && wide[3] == 0x30c8);
    CHECK(strcmp(usbtoken_text(USBTOKEN_TEXT_HRESULT, USBTOKEN_HR_CANCELLED, USBTOKEN_TEXT_NAME, 0),
                 "ERROR_CANCELLED") == 0);
}

int main(void)
{
    CHECK(usbtoken_abi_version() == USBTOKEN_ABI_VERSION);
    char version[32];
    snprintf(version, sizeof version, "%d.%d.%d", USBTOKEN_VERSION_MAJOR, USBTOKEN_VERSION_MINOR,
             USBTOKEN_VERSION_PATCH);
    CHECK(strcmp(usbtoken_version(), version) == 0);
    every_number_has_its_words();
    CHECK(usbtoken_hresult_from_status(USBTOKEN_OK) == USBTOKEN_HR_OK);
    CHECK(usbtoken_hresult_from_status(USBTOKEN_PIN_INCORRECT) == USBTOKEN_HR_PIN_WRONG);
    CHECK(usbtoken_hresult_from_status(99999) == USBTOKEN_HR_UNEXPECTED);
    return 0;
}
