/*
 * A bank's profile: bank PROFILE MODULE URI PIN COMMAND [lifted]. Neither driver nor token, anchor nor rule is named by
 * the program; the profile lets the issuer be overridden and nothing else, or, where it is lifted, everything.
 */
#include "check.h"

#include <time.h>

static usbtoken_bank *open_bank(usbtoken_context *context, const char *profile)
{
    usbtoken_bank *bank = NULL;
    uint16_t wide[512];
    size_t length = strlen(profile);
    CHECK(length < 512);
    for (size_t at = 0; at < length; at++)
        wide[at] = (uint16_t)profile[at];
    OK(context, usbtoken_bank_open_utf16(context, wide, length, &bank));
    usbtoken_bank_free(&bank);
    CHECK(bank == NULL);
    EXPECT(USBTOKEN_PROFILE_NOT_FOUND, context, usbtoken_bank_open(context, "/no/such/bank.toml", NUL, &bank));
    OK(context, usbtoken_bank_open(context, profile, NUL, &bank));
    CHECK(strcmp(usbtoken_bank_text(bank, USBTOKEN_BANK_ID), "bank") == 0);
    CHECK(strcmp(usbtoken_bank_text(bank, USBTOKEN_BANK_NAME), "Iyo Bank") == 0);
    CHECK(usbtoken_bank_text_utf16(bank, USBTOKEN_BANK_NAME_JA)[0] == 0x3044);
    CHECK(strstr(usbtoken_bank_text(bank, USBTOKEN_BANK_CONTACTS), "0120-000-000") != NULL);
    CHECK(strstr(usbtoken_bank_text(bank, USBTOKEN_BANK_ORIGINS), "https://www.gaitame.example.jp") != NULL);
    CHECK(strcmp(usbtoken_bank_text(bank, USBTOKEN_BANK_PIN), "PIN") == 0);
    CHECK(usbtoken_bank_text_utf16(bank, USBTOKEN_BANK_PIN_JA)[0] == 0x6697);
    CHECK(usbtoken_bank_text(bank, 99) == NULL);
    CHECK(usbtoken_bank_number(bank, USBTOKEN_BANK_WINDOW_DAYS) == 40);
    CHECK(strstr(usbtoken_bank_text(bank, USBTOKEN_BANK_AFTER_INSTALLATION), "Close every browser") != NULL);
    CHECK(usbtoken_bank_text_utf16(bank, USBTOKEN_BANK_OLD_CERTIFICATE_JA)[0] == 0x53e4);
    CHECK(strstr(usbtoken_bank_text(bank, USBTOKEN_BANK_TOO_LATE), "new certificate issued") != NULL);
    CHECK(strncmp(usbtoken_bank_text(bank, USBTOKEN_BANK_REMINDERS), "40\n30\n", 6) == 0);
    CHECK(usbtoken_bank_text(bank, USBTOKEN_BANK_ISSUER_HELPER) == NULL);
    CHECK(usbtoken_bank_number(bank, USBTOKEN_BANK_ISSUER_SECONDS) == USBTOKEN_UNKNOWN);
    CHECK(usbtoken_bank_number(bank, USBTOKEN_BANK_REQUEST_FORMAT) == USBTOKEN_FORMAT_PEM);
    CHECK(usbtoken_bank_number(bank, USBTOKEN_BANK_OLD_CREDENTIAL) == USBTOKEN_BANK_OLD_KEEP);
    CHECK(usbtoken_bank_number(bank, 99) == USBTOKEN_UNKNOWN);
    return bank;
}

static void refusals(usbtoken_context *context, const char *module)
{
    static const uint8_t anchor[1] = {0x30};
    usbtoken_enroll *page = NULL;
    EXPECT(USBTOKEN_OVERRIDE_REFUSED, context, usbtoken_context_add_driver(context, module, NUL));
    EXPECT(USBTOKEN_OVERRIDE_REFUSED, context, usbtoken_context_add_anchor(context, anchor, 1));
    EXPECT(USBTOKEN_OVERRIDE_REFUSED, context, usbtoken_context_allow_origin(context, "https://evil.example", NUL));
    OK(context, usbtoken_context_allow_origin(context, "https://www.gaitame.example.jp", NUL));
    CHECK(usbtoken_enroll_new(context, "https://evil.example/page", NUL, &page) != 0);
    CHECK(usbtoken_enroll_new(context, "https://www.gaitame.example.jp/page", NUL, &page) == 0);
    usbtoken_enroll_free(&page);
}

/* A context that loads any driver is no bank's, unless that lets it. */
static void any_owner(const char *profile)
{
    usbtoken_options options = {.struct_size = sizeof options, .flags = USBTOKEN_OPTION_TRUST_ANY_OWNER};
    usbtoken_context *lax = NULL;
    usbtoken_bank *bank = NULL;
    CHECK(usbtoken_context_new(&options, &lax) == USBTOKEN_OK);
    OK(lax, usbtoken_bank_open(lax, profile, NUL, &bank));
    EXPECT(USBTOKEN_OVERRIDE_REFUSED, lax, usbtoken_context_use_bank(lax, bank));
    usbtoken_bank_free(&bank);
    usbtoken_context_free(&lax);
}

/* Each field that would have it otherwise than the bank; what the bank says itself is none. */
static void params_are_held_against_the_bank(usbtoken_session *session, usbtoken_credentials *list,
                                             usbtoken_credential *old)
{
    const int64_t years_ago = 1700000000;
    const usbtoken_renewal_params others[] = {
        {.struct_size = sizeof others[0], .key_kind = USBTOKEN_KEY_P384},
        {.struct_size = sizeof others[0], .window_days = 60},
        {.struct_size = sizeof others[0], .flags = USBTOKEN_RENEW_OUTSIDE_WINDOW},
        {.struct_size = sizeof others[0], .flags = USBTOKEN_RENEW_REUSE_KEY},
        {.struct_size = sizeof others[0], .flags = USBTOKEN_RENEW_SIGNED_BY_OLD_KEY},
        {.struct_size = sizeof others[0], .required_proof = USBTOKEN_PROOF_PROVEN},
        {.struct_size = sizeof others[0], .now = years_ago},
    };
    usbtoken_renewal *renewal = NULL;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        EXPECT(USBTOKEN_OVERRIDE_REFUSED, session, usbtoken_renewal_begin(session, old, &others[i], &renewal));
    usbtoken_credential *chosen = NULL;
    EXPECT(USBTOKEN_OVERRIDE_REFUSED, list, usbtoken_credentials_renewable(list, 60, 0, &chosen));
    OK(list, usbtoken_credentials_renewable(list, 40, 0, &chosen));
    usbtoken_credential_free(&chosen);
    CHECK(usbtoken_credential_renewable(old, 60, 0) == USBTOKEN_RENEWABLE_UNKNOWN);
    CHECK(usbtoken_credential_renewable(old, 0, 0) == USBTOKEN_RENEWABLE_YES);
}

/* Begins with these params and gives it up; the request has so many bytes. */
static void begun_otherwise(usbtoken_session *session, usbtoken_credential *old, usbtoken_renewal_params params,
                            size_t least, size_t most)
{
    usbtoken_renewal *renewal = NULL;
    usbtoken_pending *key = NULL;
    usbtoken_buffer *request = NULL;
    params.struct_size = sizeof params;
    OK(session, usbtoken_renewal_begin(session, old, &params, &renewal));
    OK(renewal, usbtoken_renewal_request(renewal, USBTOKEN_FORMAT_DER, &request));
    CHECK(usbtoken_buffer_size(request) >= least && usbtoken_buffer_size(request) <= most);
    usbtoken_buffer_free(&request);
    OK(renewal, usbtoken_renewal_key(renewal, &key));
    OK(session, usbtoken_session_abandon(session, key));
    usbtoken_pending_free(&key);
    usbtoken_renewal_free(&renewal);
}

/* What the profile lists is the program's to say. */
static void lifted(usbtoken_context *context, char **arguments)
{
    usbtoken_token *token = NULL;
    usbtoken_session *session = NULL;
    usbtoken_credentials *list = NULL;
    usbtoken_credential *old = NULL, *successor = NULL;
    usbtoken_enroll *page = NULL;
    usbtoken_renewal *renewal = NULL;
    usbtoken_installed *installed = NULL;
    usbtoken_buffer *request = NULL;
    OK(context, usbtoken_context_add_driver(context, arguments[2], NUL));
    OK(context, usbtoken_context_allow_origin(context, "https://other.example", NUL));
    CHECK(usbtoken_enroll_new(context, "https://other.example/page", NUL, &page) == 0);
    usbtoken_enroll_free(&page);
    OK(context, usbtoken_find(context, NULL, 0, &token));
    OK(token, usbtoken_login(token, arguments[4], NUL, 0, &session));
    usbtoken_token_free(&token);
    OK(session, usbtoken_session_credentials(session, &list));
    OK(list, usbtoken_credentials_renewable(list, 60, 0, &old));
    begun_otherwise(session, old, (usbtoken_renewal_params){.key_kind = USBTOKEN_KEY_P384}, 150, 700);
    begun_otherwise(session, old, (usbtoken_renewal_params){.flags = USBTOKEN_RENEW_OUTSIDE_WINDOW}, 150, 1400);
    begun_otherwise(session, old, (usbtoken_renewal_params){.flags = USBTOKEN_RENEW_SIGNED_BY_OLD_KEY}, 150, 1400);
    begun_otherwise(session, old, (usbtoken_renewal_params){.required_proof = USBTOKEN_PROOF_PROVEN}, 150, 1400);
    usbtoken_renewal_params window = {.struct_size = sizeof window, .window_days = 60};
    OK(session, usbtoken_renewal_begin(session, old, &window, &renewal));
    OK(renewal, usbtoken_renewal_request(renewal, USBTOKEN_FORMAT_PEM, &request));
    size_t size = 0;
    char *answer = ask_command(arguments[5], (const char *)usbtoken_buffer_data(request),
                               usbtoken_buffer_size(request), &size);
    usbtoken_install_params lax = {.struct_size = sizeof lax, .subject_rule = USBTOKEN_SUBJECT_ANY,
                                   .relax = USBTOKEN_RELAX_PURPOSE, .flags = USBTOKEN_INSTALL_CA_CERTIFICATES};
    OK(session, usbtoken_install(session, renewal, (const uint8_t *)answer, size, &lax, &installed));
    free(answer);
    /* The profile says that it works after the old one has ended, which this session does not live to see. */
    CHECK(strlen(usbtoken_installed_text(installed, USBTOKEN_INSTALLED_WORKS_FROM)) == 10);
    EXPECT(USBTOKEN_NOT_IN_USE_YET, session, usbtoken_session_retire(session, old, 0, &successor));

    usbtoken_buffer_free(&request);
    usbtoken_installed_free(&installed);
    usbtoken_renewal_free(&renewal);
    usbtoken_credential_free(&successor);
    usbtoken_credential_free(&old);
    usbtoken_credentials_free(&list);
    usbtoken_session_free(&session);
}

int main(int count, char **arguments)
{
    usbtoken_context *context = NULL;
    usbtoken_session *session = NULL;
    usbtoken_credentials *list = NULL;
    usbtoken_credential *old = NULL;
    usbtoken_renewal *renewal = NULL;
    usbtoken_installed *installed = NULL;
    usbtoken_buffer *request = NULL;
    CHECK(count == 6 || count == 7);
    CHECK(usbtoken_context_new(NULL, &context) == USBTOKEN_OK);
    usbtoken_bank *bank = open_bank(context, arguments[1]);
    OK(context, usbtoken_context_use_bank(context, bank));
    EXPECT(USBTOKEN_BAD_ARGUMENT, context, usbtoken_context_use_bank(context, bank));
    usbtoken_bank_free(&bank);
    if (count == 7) {
        lifted(context, arguments);
        usbtoken_context_free(&context);
        return 0;
    }
    refusals(context, arguments[2]);
    any_owner(arguments[1]);

    usbtoken_token *none = NULL;
    usbtoken_error *why = NULL;
    EXPECT(USBTOKEN_TOKEN_NOT_FOUND, context, usbtoken_find(context, "pkcs11:token=ANOTHER", NUL, &none));
    OK(context, usbtoken_last_error(context, &why));
    usbtoken_error_free(&why);

    usbtoken_token *token = NULL;
    OK(context, usbtoken_find(context, NULL, 0, &token));
    OK(token, usbtoken_login(token, arguments[4], NUL, 0, &session));
    usbtoken_token_free(&token);
    OK(session, usbtoken_session_credentials(session, &list));
    OK(list, usbtoken_credentials_renewable(list, 0, 0, &old));
    params_are_held_against_the_bank(session, list, old);
    usbtoken_renewal_params same = {.struct_size = sizeof same, .window_days = 40,
                                    .required_proof = USBTOKEN_PROOF_CLAIMED, .now = (int64_t)time(NULL)};
    OK(session, usbtoken_renewal_begin(session, old, &same, &renewal));
    OK(renewal, usbtoken_renewal_request(renewal, USBTOKEN_FORMAT_PEM, &request));
    size_t size = 0;
    char *answer = ask_command(arguments[5], (const char *)usbtoken_buffer_data(request),
                               usbtoken_buffer_size(request), &size);
    usbtoken_install_params lax = {.struct_size = sizeof lax, .subject_rule = USBTOKEN_SUBJECT_ANY};
    EXPECT(USBTOKEN_OVERRIDE_REFUSED, session,
           usbtoken_install(session, renewal, (const uint8_t *)answer, size, &lax, &installed));
    const usbtoken_install_params more[] = {
        {.struct_size = sizeof more[0], .relax = USBTOKEN_RELAX_PURPOSE},
        {.struct_size = sizeof more[0], .required_proof = USBTOKEN_PROOF_PROVEN},
        {.struct_size = sizeof more[0], .flags = USBTOKEN_INSTALL_CA_CERTIFICATES},
        {.struct_size = sizeof more[0], .flags = USBTOKEN_INSTALL_REUSE_KEY},
        {.struct_size = sizeof more[0], .now = 1700000000},
    };
    for (size_t i = 0; i < sizeof more / sizeof more[0]; i++)
        EXPECT(USBTOKEN_OVERRIDE_REFUSED, session,
               usbtoken_install(session, renewal, (const uint8_t *)answer, size, &more[i], &installed));
    OK(session, usbtoken_install(session, renewal, (const uint8_t *)answer, size, NULL, &installed));
    free(answer);
    usbtoken_credential *successor = NULL;
    EXPECT(USBTOKEN_OVERRIDE_REFUSED, session, usbtoken_session_retire(session, old, 0, &successor));

    usbtoken_buffer_free(&request);
    usbtoken_installed_free(&installed);
    usbtoken_renewal_free(&renewal);
    usbtoken_credential_free(&old);
    usbtoken_credentials_free(&list);
    usbtoken_session_free(&session);
    usbtoken_context_free(&context);
    return 0;
}
