/* What may not change (layout.h), and that every number has its words. */
#include "layout.h"

#include "check.h"

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
