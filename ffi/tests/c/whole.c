/* The whole job, and what goes wrong on the way: whole MODULE URI PIN CA-COMMAND */
#include "check.h"

#include <time.h>

struct seen {
    int steps, lines, stop_at, pins, wrong_pin;
    const char *pin;
    usbtoken_session *busy;
};

static void on_step(void *user, uint32_t step, const char *sentence)
{
    struct seen *seen = user;
    CHECK(step != 0 && sentence != NULL && *sentence != 0);
    CHECK(strcmp(sentence, usbtoken_text(USBTOKEN_TEXT_STEP, (int32_t)step, USBTOKEN_TEXT_SENTENCE,
                                         USBTOKEN_LANGUAGE_JA)) == 0);
    seen->steps++;
    /* Calling back with the handle whose call is under way is answered, and does not wait for itself. */
    if (seen->busy != NULL && step == USBTOKEN_STEP_GENERATE_KEY_PAIR) {
        usbtoken_credentials *list = NULL;
        CHECK(usbtoken_session_credentials(seen->busy, &list) == USBTOKEN_BUSY && list == NULL);
        seen->busy = NULL;
    }
}

static int32_t on_cancel(void *user)
{
    struct seen *seen = user;
    return seen->stop_at != 0 && seen->steps >= seen->stop_at;
}

static void on_line(void *user, uint32_t level, const char *line)
{
    struct seen *seen = user;
    CHECK(level >= USBTOKEN_LOG_ERROR && level <= USBTOKEN_LOG_INFO && line != NULL);
    CHECK(strstr(line, seen->pin) == NULL);
    seen->lines++;
}

static void widen(uint16_t *wide, const char *text)
{
    do
        *wide++ = (unsigned char)*text;
    while (*text++ != 0);
}

static usbtoken_status on_pin(void *user, const usbtoken_pin_request *request, usbtoken_pin_reply *reply)
{
    struct seen *seen = user;
    CHECK(request->struct_size == sizeof *request && reply->struct_size == sizeof *reply);
    CHECK(request->pin_pad == 0 && request->origin == NULL && strcmp(request->token_label, "BANK") == 0);
    CHECK(request->token_serial != NULL && request->shortest <= request->longest);
    CHECK(request->token_label_utf16[0] == 'B' && request->token_label_utf16[4] == 0);
    CHECK(request->token_serial_utf16[0] == request->token_serial[0] && request->origin_utf16 == NULL);
    seen->pins++;
    if (seen->wrong_pin == 2)
        return USBTOKEN_PIN_CANCELLED;
    if (seen->wrong_pin == 4) { /* the right one, in UTF-16 */
        CHECK(reply->capacity_utf16 > strlen(seen->pin));
        widen(reply->pin_utf16, seen->pin);
        reply->length_utf16 = strlen(seen->pin);
        return USBTOKEN_OK;
    }
    if (seen->wrong_pin >= 5) { /* no text, too long, both encodings */
        reply->pin_utf16[0] = 0xd800;
        reply->length_utf16 = seen->wrong_pin == 6 ? reply->capacity_utf16 + 1 : 1;
        reply->length = seen->wrong_pin == 7;
        return USBTOKEN_OK;
    }
    const char *pin = seen->wrong_pin ? "999999" : seen->pin;
    reply->length = seen->wrong_pin == 3 ? reply->capacity + 1 : strlen(pin);
    memcpy(reply->pin, pin, strlen(pin));
    return USBTOKEN_OK;
}

static usbtoken_credential *renewable(usbtoken_token *token)
{
    usbtoken_credentials *list = NULL;
    usbtoken_credential *old = NULL;
    OK(token, usbtoken_token_credentials(token, &list));
    CHECK(usbtoken_credentials_count(list) >= 1 && usbtoken_credentials_unreadable(list) <= 1);
    size_t odd = usbtoken_credentials_unreadable(list);
    CHECK(usbtoken_credentials_unreadable_text(list, odd, USBTOKEN_UNREADABLE_ID) == NULL);
    if (odd == 1) {
        CHECK(strcmp(usbtoken_credentials_unreadable_text(list, 0, USBTOKEN_UNREADABLE_ID), "c1") == 0);
        CHECK(strcmp(usbtoken_credentials_unreadable_text(list, 0, USBTOKEN_UNREADABLE_LABEL), "odd one") == 0);
        CHECK(strcmp(usbtoken_credentials_unreadable_text(list, 0, USBTOKEN_UNREADABLE_SIZE), "14") == 0);
        CHECK(usbtoken_credentials_unreadable_text(list, 0, USBTOKEN_UNREADABLE_REASON)[0] != '\0');
        CHECK(usbtoken_credentials_unreadable_text_utf16(list, 0, USBTOKEN_UNREADABLE_ID)[0] == 'c');
        CHECK(usbtoken_credentials_unreadable_text(list, 0, 99) == NULL);
    }
    OK(list, usbtoken_credentials_renewable(list, 0, 0, &old));

    usbtoken_credential *same = NULL;
    const char *serial = usbtoken_credential_text(old, USBTOKEN_CREDENTIAL_SERIAL);
    OK(list, usbtoken_credentials_by_serial(list, serial, NUL, &same));
    usbtoken_credential_free(&same);
    uint16_t wide[64];
    widen(wide, serial);
    OK(list, usbtoken_credentials_by_serial_utf16(list, wide, strlen(serial), &same));
    usbtoken_credential_free(&same);
    wide[0] = 0xdc00;
    EXPECT(USBTOKEN_BAD_ARGUMENT, list, usbtoken_credentials_by_serial_utf16(list, wide, NUL, &same));
    uint8_t id[1] = { 1 };
    OK(list, usbtoken_credentials_by_id(list, id, 1, &same));
    CHECK(strcmp(usbtoken_credential_text(same, USBTOKEN_CREDENTIAL_ID), "01") == 0);
    usbtoken_credential_free(&same);
    EXPECT(USBTOKEN_CREDENTIAL_NOT_SEEN, list, usbtoken_credentials_by_serial(list, "00ff00ff", NUL, &same));
    EXPECT(USBTOKEN_CREDENTIAL_NOT_SEEN, list, usbtoken_credentials_by_id(list, NULL, 0, &same));
    EXPECT(USBTOKEN_NOT_YET_RENEWABLE, list, usbtoken_credentials_renewable(list, 1, 0, &same));
    EXPECT(USBTOKEN_BAD_ARGUMENT, list, usbtoken_credentials_renewable(list, 0, INT64_MAX, &same));
    EXPECT(USBTOKEN_BAD_ARGUMENT, list, usbtoken_credentials_at(list, 1000, &same));
    CHECK(same == NULL);
    OK(list, usbtoken_credentials_at(list, 0, &same));
    usbtoken_credential_free(&same);
    usbtoken_credentials_free(&list);
    return old;
}

static void look_at(usbtoken_credential *old)
{
    CHECK(usbtoken_credential_days_left(old, 0) == 11);
    CHECK(usbtoken_credential_days_left(NULL, 0) == USBTOKEN_UNKNOWN);
    CHECK(usbtoken_credential_days_left(old, INT64_MIN) == USBTOKEN_UNKNOWN);
    CHECK(usbtoken_credential_renewable(old, 0, 0) == USBTOKEN_RENEWABLE_YES);
    CHECK(usbtoken_credential_renewable(old, 5, 0) == USBTOKEN_RENEWABLE_NOT_YET);
    int64_t end = usbtoken_credential_number(old, USBTOKEN_CREDENTIAL_NOT_AFTER);
    CHECK(end > usbtoken_credential_number(old, USBTOKEN_CREDENTIAL_NOT_BEFORE));
    CHECK(usbtoken_credential_renewable(old, 0, end) == USBTOKEN_RENEWABLE_YES);
    CHECK(usbtoken_credential_renewable(old, 0, end + 1) == USBTOKEN_RENEWABLE_EXPIRED);
    CHECK(usbtoken_credential_number(old, USBTOKEN_CREDENTIAL_PRIVATE_KEY) == USBTOKEN_PRIVATE_KEY_NOT_LOOKED_FOR);
    CHECK(usbtoken_credential_number(old, 99) == USBTOKEN_UNKNOWN);
    CHECK(usbtoken_credential_text(old, 99) == NULL);
    const uint16_t *wide = usbtoken_credential_text_utf16(old, USBTOKEN_CREDENTIAL_COMMON_NAME);
    const char *narrow = usbtoken_credential_text(old, USBTOKEN_CREDENTIAL_COMMON_NAME);
    for (size_t at = 0; narrow[at] != 0; at++)
        CHECK(wide[at] == (unsigned char)narrow[at]);
    const char *summary = usbtoken_credential_text(old, USBTOKEN_CREDENTIAL_SUMMARY);
    CHECK(strstr(summary, narrow) != NULL);
    CHECK(strstr(summary, usbtoken_credential_text(old, USBTOKEN_CREDENTIAL_SERIAL)) != NULL);
    usbtoken_buffer *der = NULL;
    OK(old, usbtoken_credential_certificate(old, &der));
    CHECK(usbtoken_buffer_size(der) > 200 && usbtoken_buffer_data(der)[0] == 0x30);
    CHECK(usbtoken_buffer_text(der) == NULL && usbtoken_buffer_text_utf16(der) == NULL);
    usbtoken_buffer_free(&der);
    CHECK(der == NULL);
}

static usbtoken_context *context(const char *module, struct seen *seen)
{
    usbtoken_options options = { .struct_size = sizeof options, .language = USBTOKEN_LANGUAGE_JA };
    usbtoken_context *context = NULL;
    CHECK(usbtoken_context_new(NULL, NULL) == USBTOKEN_BAD_ARGUMENT);
    usbtoken_options wrong = options;
    wrong.language = 9;
    CHECK(usbtoken_context_new(&wrong, &context) == USBTOKEN_BAD_ARGUMENT);
    wrong = options;
    wrong.flags = 1u << 31;
    CHECK(usbtoken_context_new(&wrong, &context) == USBTOKEN_BAD_ARGUMENT);
    wrong.struct_size = 0;
    CHECK(usbtoken_context_new(&wrong, &context) == USBTOKEN_BAD_ARGUMENT && context == NULL);
    CHECK(usbtoken_context_new(&options, &context) == USBTOKEN_OK);

    usbtoken_callbacks callbacks = { .struct_size = sizeof callbacks, .user = seen, .pin = on_pin,
                                     .progress = on_step, .cancel = on_cancel, .log = on_line };
    OK(context, usbtoken_context_set_callbacks(context, &callbacks));
    usbtoken_token *token = NULL;
    usbtoken_context *lost = NULL;
    CHECK(usbtoken_context_new(&options, &lost) == USBTOKEN_OK);
    OK(lost, usbtoken_context_set_callbacks(lost, &callbacks));
    OK(lost, usbtoken_context_add_driver(lost, "/no/such/driver.so", NUL));
    EXPECT(USBTOKEN_DRIVER_MISSING, lost, usbtoken_find(lost, NULL, 0, &token));
    usbtoken_context_free(&lost);
    CHECK(seen->lines > 0);
    OK(context, usbtoken_context_add_driver(context, module, NUL));
    EXPECT(USBTOKEN_BAD_ARGUMENT, context, usbtoken_context_add_driver(context, "", 0));
    EXPECT(USBTOKEN_BAD_ARGUMENT, context, usbtoken_context_add_driver(context, "/a\xff", NUL));
    EXPECT(USBTOKEN_BAD_ARGUMENT, context, usbtoken_context_add_driver(context, "/a\0b", 4));

    /* The details of the last failure, which a success leaves. */
    usbtoken_error *error = NULL;
    OK(context, usbtoken_last_error(context, &error));
    CHECK(usbtoken_error_number(error, USBTOKEN_ERROR_CODE) == USBTOKEN_BAD_ARGUMENT);
    CHECK(usbtoken_error_number(error, USBTOKEN_ERROR_FACT_COUNT) == 2);
    CHECK(usbtoken_error_number(error, USBTOKEN_ERROR_STEP) == USBTOKEN_UNKNOWN);
    CHECK(usbtoken_error_number(error, USBTOKEN_ERROR_RETURN_VALUE) == USBTOKEN_UNKNOWN);
    CHECK(usbtoken_error_fact_kind(error, 0) == USBTOKEN_FACT_DETAIL);
    CHECK(usbtoken_error_fact_kind(error, 1) == USBTOKEN_FACT_REASON && usbtoken_error_fact_kind(error, 2) == 0);
    CHECK(strcmp(usbtoken_error_fact(error, 0), "path") == 0 && usbtoken_error_fact(error, 2) == NULL);
    CHECK(strcmp(usbtoken_error_fact(error, 1), "nul_inside") == 0);
    CHECK(usbtoken_error_fact_utf16(error, 0)[0] == 'p');
    CHECK(usbtoken_error_text(error, USBTOKEN_ERROR_FUNCTION, USBTOKEN_LANGUAGE_JA) == NULL);
    CHECK(usbtoken_error_text_utf16(error, USBTOKEN_ERROR_CODE_NAME, USBTOKEN_LANGUAGE_JA)[0] == 'b');
    usbtoken_error_free(&error);

    /* One more handle on the same context has errors of its own. */
    usbtoken_context *mine = NULL;
    OK(context, usbtoken_context_clone(context, &mine));
    OK(mine, usbtoken_last_error(mine, &error));
    CHECK(error == NULL);
    OK(mine, usbtoken_find(mine, "pkcs11:token=BANK", NUL, &token));
    usbtoken_token_free(&token);
    usbtoken_context_free(&mine);
    usbtoken_context_free(&mine);
    usbtoken_context_free(NULL);
    CHECK(mine == NULL);
    return context;
}

static usbtoken_token *find(usbtoken_context *context, const char *uri)
{
    usbtoken_token *token = NULL;
    usbtoken_tokens *tokens = NULL;
    OK(context, usbtoken_list_tokens(context, &tokens));
    CHECK(usbtoken_tokens_count(tokens) == 1);
    usbtoken_error *passed_over = NULL;
    OK(tokens, usbtoken_tokens_passed_over(tokens, 0, &passed_over));
    CHECK(passed_over == NULL);
    OK(tokens, usbtoken_tokens_at(tokens, 0, &token));
    EXPECT(USBTOKEN_BAD_ARGUMENT, tokens, usbtoken_tokens_at(tokens, 1, &token));
    usbtoken_token_free(&token);
    usbtoken_tokens_free(&tokens);

    EXPECT(USBTOKEN_TOKEN_NOT_FOUND, context, usbtoken_find(context, "pkcs11:token=OTHER", NUL, &token));
    usbtoken_error *error = NULL;
    OK(context, usbtoken_last_error(context, &error));
    CHECK(usbtoken_error_number(error, USBTOKEN_ERROR_STEP) == USBTOKEN_STEP_FIND_TOKEN);
    CHECK(strstr(usbtoken_error_text(error, USBTOKEN_ERROR_REPORT, USBTOKEN_LANGUAGE_JA), "BANK") != NULL);
    usbtoken_error_free(&error);
    EXPECT(USBTOKEN_PIN_IN_URI, context, usbtoken_find(context, "pkcs11:token=BANK?pin-value=1", NUL, &token));
    EXPECT(USBTOKEN_WAIT_TIMED_OUT, context, usbtoken_wait(context, "pkcs11:token=OTHER", NUL, 30, &token));
    OK(context, usbtoken_wait(context, uri, NUL, 30000, &token));
    usbtoken_token_free(&token);
    uint16_t wide[] = { 'p', 'k', 'c', 's', '1', '1', ':', 't', 'o', 'k', 'e', 'n', '=', 'B', 'A', 'N', 'K', 0 };
    OK(context, usbtoken_find_utf16(context, wide, NUL, &token));
    usbtoken_token_free(&token);
    wide[7] = 0xd800;
    EXPECT(USBTOKEN_BAD_ARGUMENT, context, usbtoken_find_utf16(context, wide, NUL, &token));
    OK(context, usbtoken_find(context, uri, strlen(uri), &token));

    CHECK(strcmp(usbtoken_token_text(token, USBTOKEN_TOKEN_LABEL), "BANK") == 0);
    CHECK(usbtoken_token_text_utf16(token, USBTOKEN_TOKEN_LABEL)[3] == 'K');
    CHECK(strncmp(usbtoken_token_text(token, USBTOKEN_TOKEN_URI), "pkcs11:", 7) == 0);
    CHECK(strstr(usbtoken_token_text(token, USBTOKEN_TOKEN_DRIVER_DESCRIPTION), "PKCS11") != NULL);
    CHECK(usbtoken_token_text(token, USBTOKEN_TOKEN_DRIVER_PATH)[0] == '/');
    CHECK(strstr(usbtoken_token_text(token, USBTOKEN_TOKEN_JSON), "\"label\":\"BANK\"") != NULL);
    CHECK(usbtoken_token_number(token, USBTOKEN_TOKEN_PIN_STATE) == USBTOKEN_PIN_STATE_USABLE);
    CHECK(usbtoken_token_number(token, USBTOKEN_TOKEN_PIN_PAD) == 0);
    CHECK(usbtoken_token_number(token, 99) == USBTOKEN_UNKNOWN);
    int32_t known = -1;
    OK(token, usbtoken_token_supports(token, USBTOKEN_KEY_P256, &known));
    CHECK(known == 1);
    EXPECT(USBTOKEN_BAD_ARGUMENT, token, usbtoken_token_supports(token, 77, &known));
    usbtoken_token *fresh = NULL;
    OK(token, usbtoken_token_refresh(token, &fresh));
    usbtoken_token_free(&token);
    return fresh;
}

static usbtoken_session *login(usbtoken_token *token, struct seen *seen)
{
    usbtoken_session *session = NULL;
    EXPECT(USBTOKEN_PIN_INCORRECT, token, usbtoken_login(token, "999999", NUL, 0, &session));
    usbtoken_error *error = NULL;
    OK(token, usbtoken_last_error(token, &error));
    CHECK(strcmp(usbtoken_error_text(error, USBTOKEN_ERROR_FUNCTION, 0), "C_Login") == 0);
    CHECK(strcmp(usbtoken_error_text(error, USBTOKEN_ERROR_RETURN_VALUE_NAME, 0), "CKR_PIN_INCORRECT") == 0);
    CHECK(usbtoken_error_number(error, USBTOKEN_ERROR_RETURN_VALUE) == 0xa0);
    CHECK(strcmp(usbtoken_error_text(error, USBTOKEN_ERROR_STEP_NAME, 0), "log_in") == 0);
    CHECK(strstr(usbtoken_error_text(error, USBTOKEN_ERROR_SUPPORT, 0), "301 pin_incorrect") != NULL);
    usbtoken_error_free(&error);
    EXPECT(USBTOKEN_PIN_LENGTH, token, usbtoken_login(token, "1", NUL, 0, &session));
    EXPECT(USBTOKEN_BAD_ARGUMENT, token, usbtoken_login(token, "123456", NUL, 8, &session));
    EXPECT(USBTOKEN_BAD_ARGUMENT, token, usbtoken_login(token, "123456", SIZE_MAX / 2, 0, &session));

    seen->wrong_pin = 1;
    EXPECT(USBTOKEN_PIN_INCORRECT, token, usbtoken_login(token, NULL, 0, 0, &session));
    seen->wrong_pin = 2;
    EXPECT(USBTOKEN_PIN_CANCELLED, token, usbtoken_login(token, NULL, 0, 0, &session));
    seen->wrong_pin = 3;
    EXPECT(USBTOKEN_BAD_ARGUMENT, token, usbtoken_login(token, NULL, 0, 0, &session));
    for (seen->wrong_pin = 5; seen->wrong_pin <= 7; seen->wrong_pin++)
        EXPECT(USBTOKEN_BAD_ARGUMENT, token, usbtoken_login(token, NULL, 0, 0, &session));
    CHECK(session == NULL && seen->pins == 6);
    seen->wrong_pin = 4;
    OK(token, usbtoken_login(token, NULL, 0, 0, &session));
    usbtoken_session_free(&session);
    seen->wrong_pin = 0;
    OK(token, usbtoken_login(token, NULL, 0, USBTOKEN_LOGIN_ACCEPT_FINAL_TRY, &session));
    usbtoken_session_free(&session);

    /* Reserved by one handle, the token is another's only after the login of the first has ended. */
    usbtoken_token *other = NULL;
    OK(token, usbtoken_token_refresh(token, &other));
    OK(token, usbtoken_reserve(token));
    OK(token, usbtoken_reserve(token));
    EXPECT(USBTOKEN_BUSY, other, usbtoken_reserve(other));
    OK(token, usbtoken_login(token, seen->pin, NUL, 0, &session));
    EXPECT(USBTOKEN_BUSY, other, usbtoken_reserve(other));
    usbtoken_session_free(&session);
    OK(other, usbtoken_reserve(other));
    EXPECT(USBTOKEN_BUSY, token, usbtoken_reserve(token));
    EXPECT(USBTOKEN_PIN_LENGTH, other, usbtoken_login(other, "1", NUL, 0, &session));
    OK(token, usbtoken_reserve(token));
    usbtoken_token_free(&other);
    uint16_t wide[32];
    widen(wide, seen->pin);
    OK(token, usbtoken_login_utf16(token, wide, NUL, 0, &session));
    usbtoken_session_free(&session);
    OK(token, usbtoken_login(token, seen->pin, strlen(seen->pin), 0, &session));
    return session;
}

/* Two years after the end: it has expired by a clock that may be wrong, whose time is told. */
static void clock_in_doubt(usbtoken_token *token, usbtoken_credential *old)
{
    usbtoken_renewal_params params = { .struct_size = sizeof params };
    params.now = (int64_t)time(NULL) + INT64_C(2) * 366 * 24 * 60 * 60;
    usbtoken_preflight *list = NULL;
    OK(token, usbtoken_renewal_preflight(token, old, &params, &list));
    size_t at = 0;
    while (usbtoken_preflight_point(list, at) != USBTOKEN_POINT_CLOCK)
        at++;
    CHECK(usbtoken_preflight_notice(list, at) == USBTOKEN_NOTICE_CLOCK_UNCERTAIN);
    CHECK(usbtoken_preflight_notice_fact_kind(list, at, 0) == USBTOKEN_FACT_NOW);
    CHECK(usbtoken_preflight_notice_fact(list, at, 0)[0] == '2');
    CHECK(usbtoken_preflight_notice_fact_utf16(list, at, 0)[4] == '-');
    CHECK(usbtoken_preflight_notice_fact(list, at, 9) == NULL);
    CHECK(usbtoken_preflight_notice_fact_kind(list, at - 1, 0) == 0);
    usbtoken_preflight_free(&list);
}

static void preflight(usbtoken_token *token, usbtoken_credential *old)
{
    usbtoken_preflight *list = NULL;
    OK(token, usbtoken_renewal_preflight(token, old, NULL, &list));
    CHECK(usbtoken_preflight_can_begin(list) == 1 && usbtoken_preflight_count(list) > 5);
    usbtoken_preflight_free(&list);

    usbtoken_renewal_params params = { .struct_size = sizeof params, .window_days = 5 };
    OK(token, usbtoken_renewal_preflight(token, old, &params, &list));
    CHECK(usbtoken_preflight_can_begin(list) == 0);
    int blockers = 0;
    for (size_t at = 0; usbtoken_preflight_point(list, at) != 0; at++) {
        CHECK(usbtoken_preflight_text(list, at) != NULL && usbtoken_preflight_text_utf16(list, at) != NULL);
        usbtoken_error *why = NULL;
        OK(list, usbtoken_preflight_blocker(list, at, &why));
        if (usbtoken_preflight_point(list, at) == USBTOKEN_POINT_WINDOW) {
            CHECK(usbtoken_preflight_state(list, at) == USBTOKEN_FINDING_BLOCKER);
            CHECK(usbtoken_error_number(why, USBTOKEN_ERROR_CODE) == USBTOKEN_NOT_YET_RENEWABLE);
            blockers++;
        } else {
            CHECK(why == NULL);
        }
        CHECK((usbtoken_preflight_notice(list, at) != 0) ==
              (usbtoken_preflight_state(list, at) == USBTOKEN_FINDING_WARNING));
        usbtoken_error_free(&why);
    }
    CHECK(blockers == 1);
    usbtoken_preflight_free(&list);
    clock_in_doubt(token, old);
    EXPECT(USBTOKEN_BAD_ARGUMENT, token, usbtoken_renewal_preflight(token, NULL, NULL, &list));
    params.flags = 0x100;
    EXPECT(USBTOKEN_BAD_ARGUMENT, token, usbtoken_renewal_preflight(token, old, &params, &list));
}

static size_t pending_count(usbtoken_session *session)
{
    usbtoken_pending_list *list = NULL;
    OK(session, usbtoken_session_pending(session, &list));
    size_t count = usbtoken_pending_list_count(list);
    usbtoken_pending_list_free(&list);
    return count;
}

/* Begins, is stopped, begins a first one, abandons it. */
static void give_up(usbtoken_session *session, usbtoken_credential *old, struct seen *seen)
{
    usbtoken_renewal *renewal = NULL;
    usbtoken_renewal_params params = { .struct_size = sizeof params, .key_kind = USBTOKEN_KEY_P256 };
    seen->stop_at = seen->steps + 3; /* preflight, key pair, then no more */
    EXPECT(USBTOKEN_CANCELLED, session, usbtoken_renewal_begin(session, old, &params, &renewal));
    /* Whoever wants no more can still look. */
    CHECK(on_cancel(seen) && renewal == NULL && pending_count(session) == 0);
    seen->stop_at = 0;

    params.subject = "CN=first,O=bank";
    params.subject_length = NUL;
    EXPECT(USBTOKEN_BAD_ARGUMENT, session, usbtoken_renewal_begin(session, old, &params, &renewal));
    uint16_t wide[] = { 'C', 'N', '=', 0x66f4, 0x65b0, ',', 'O', '=', 'b', 'a', 'n', 'k', 0 };
    params.subject_utf16 = wide;
    params.subject_utf16_length = NUL;
    EXPECT(USBTOKEN_BAD_ARGUMENT, session, usbtoken_renewal_begin(session, NULL, &params, &renewal));
    params.subject = NULL;
    params.subject_length = 0;
    wide[3] = 0xd800;
    EXPECT(USBTOKEN_BAD_ARGUMENT, session, usbtoken_renewal_begin(session, NULL, &params, &renewal));
    wide[3] = 0x66f4;
    OK(session, usbtoken_renewal_begin(session, NULL, &params, &renewal));
    CHECK(strcmp(usbtoken_renewal_text(renewal, USBTOKEN_RENEWAL_SUBJECT), "CN=更新,O=bank") == 0);
    usbtoken_pending *key = NULL;
    OK(renewal, usbtoken_renewal_key(renewal, &key));
    CHECK(usbtoken_pending_text(key, USBTOKEN_PENDING_CONCERNS) == NULL);
    CHECK(usbtoken_pending_number(key, USBTOKEN_PENDING_STATE) == USBTOKEN_PENDING_AWAITS_ANSWER);
    CHECK(usbtoken_pending_number(key, USBTOKEN_PENDING_AGE_DAYS) == 0);
    OK(session, usbtoken_session_abandon(session, key));
    /* Asked for again it is done, and said so. */
    OK(session, usbtoken_session_abandon(session, key));
    EXPECT(USBTOKEN_BAD_HANDLE, session, usbtoken_session_abandon(session, NULL));
    usbtoken_pending_free(&key);
    usbtoken_renewal_free(&renewal);
    CHECK(pending_count(session) == 0);
}

/* The number of the order for this key, asked for by itself. */
static void order_is(usbtoken_context *context, const char *id, const char *number)
{
    usbtoken_buffer *reference = NULL;
    OK(context, usbtoken_context_order(context, id, NUL, &reference));
    CHECK((reference == NULL) == (number == NULL));
    CHECK(number == NULL || strcmp(usbtoken_buffer_text(reference), number) == 0);
    usbtoken_buffer_free(&reference);
}

/* The order's number stands with its key, in the report of an error about it, and is gone when it is forgotten. */
static void number_of_order(usbtoken_context *context, usbtoken_session *session, usbtoken_credential *old, const char *id)
{
    usbtoken_pending_list *list = NULL;
    usbtoken_pending *key = NULL;
    usbtoken_renewal *again = NULL;
    usbtoken_error *error = NULL;
    const char *bad[] = { "", "  ", "a\nb", "\xc2\x9b" };
    for (size_t at = 0; at < sizeof bad / sizeof *bad; at++)
        EXPECT(USBTOKEN_BAD_ARGUMENT, context, usbtoken_context_note_order(context, id, NUL, bad[at], NUL));
    EXPECT(USBTOKEN_BAD_ARGUMENT, context, usbtoken_context_note_order(context, "xy", NUL, "A-1", NUL));
    EXPECT(USBTOKEN_BAD_ARGUMENT, context, usbtoken_context_note_order(context, NULL, NUL, "A-1", NUL));
    order_is(context, id, NULL);
    EXPECT(USBTOKEN_BAD_ARGUMENT, context, usbtoken_context_order(context, id, NUL, NULL));
    usbtoken_buffer *none = NULL;
    EXPECT(USBTOKEN_BAD_ARGUMENT, context, usbtoken_context_order(context, "no id", NUL, &none));
    CHECK(none == NULL);
    OK(context, usbtoken_context_note_order(context, id, NUL, "受付 A-1", NUL));
    order_is(context, id, "受付 A-1");
    order_is(context, "00", NULL);
    OK(session, usbtoken_session_pending(session, &list));
    OK(list, usbtoken_pending_list_at(list, 0, &key));
    CHECK(strcmp(usbtoken_pending_text(key, USBTOKEN_PENDING_REFERENCE), "受付 A-1") == 0);
    usbtoken_pending_free(&key);
    EXPECT(USBTOKEN_PENDING_EXISTS, session, usbtoken_renewal_begin(session, old, NULL, &again));
    OK(session, usbtoken_last_error(session, &error));
    CHECK(strstr(usbtoken_error_text(error, USBTOKEN_ERROR_REPORT, USBTOKEN_LANGUAGE_JA), "受付番号: 受付 A-1") != NULL);
    uint16_t wide_id[129] = { 0 }, wide[] = { 'B', '-', 0x7b2c, 0 };
    for (size_t at = 0; id[at] != 0 && at < 128; at++)
        wide_id[at] = (uint16_t)id[at];
    OK(context, usbtoken_context_note_order_utf16(context, wide_id, NUL, wide, NUL));
    OK(list, usbtoken_pending_list_at(list, 0, &key));
    CHECK(strcmp(usbtoken_pending_text(key, USBTOKEN_PENDING_REFERENCE), "B-第") == 0);
    order_is(context, id, "B-第");
    usbtoken_pending_free(&key);
    OK(context, usbtoken_context_note_order(context, id, NUL, NULL, 0));
    OK(list, usbtoken_pending_list_at(list, 0, &key));
    CHECK(usbtoken_pending_text(key, USBTOKEN_PENDING_REFERENCE) == NULL);
    usbtoken_pending_free(&key);
    usbtoken_pending_list_free(&list);
}

static usbtoken_installed *renew(usbtoken_context *context, usbtoken_session *session, usbtoken_credential *old,
                                 const char *ca, struct seen *seen)
{
    usbtoken_renewal *renewal = NULL, *again = NULL;
    usbtoken_renewal_params params = { .struct_size = sizeof params, .key_kind = USBTOKEN_KEY_P256,
                                       .required_proof = USBTOKEN_PROOF_PROVEN,
                                       .flags = USBTOKEN_RENEW_SIGNED_BY_OLD_KEY };
    seen->busy = session;
    OK(session, usbtoken_renewal_begin(session, old, &params, &renewal));
    CHECK(seen->busy == NULL);
    CHECK(usbtoken_renewal_number(renewal, USBTOKEN_RENEWAL_PROOF) == USBTOKEN_PROOF_PROVEN);
    CHECK(usbtoken_renewal_number(renewal, USBTOKEN_RENEWAL_KEY_REUSED) == 0);
    CHECK(usbtoken_renewal_notice(renewal, 99) == 0);
    CHECK(strstr(usbtoken_renewal_text(renewal, USBTOKEN_RENEWAL_PROOF_JSON), "\"level\":\"proven\"") != NULL);
    CHECK(usbtoken_renewal_text_utf16(renewal, USBTOKEN_RENEWAL_ID) != NULL);
    EXPECT(USBTOKEN_PENDING_EXISTS, session, usbtoken_renewal_begin(session, old, &params, &again));

    usbtoken_pending_list *list = NULL;
    usbtoken_pending *key = NULL;
    OK(session, usbtoken_session_pending(session, &list));
    CHECK(usbtoken_pending_list_count(list) == 1);
    OK(list, usbtoken_pending_list_at(list, 0, &key));
    EXPECT(USBTOKEN_BAD_ARGUMENT, list, usbtoken_pending_list_at(list, 1, &key));
    CHECK(usbtoken_pending_text(key, USBTOKEN_PENDING_REFERENCE) == NULL);
    CHECK(strcmp(usbtoken_pending_text(key, USBTOKEN_PENDING_CONCERNS),
                 usbtoken_credential_text(old, USBTOKEN_CREDENTIAL_SERIAL)) == 0);
    CHECK(usbtoken_pending_text_utf16(key, USBTOKEN_PENDING_SINCE)[4] == '-');
    number_of_order(context, session, old, usbtoken_pending_text(key, USBTOKEN_PENDING_ID));
    OK(session, usbtoken_renewal_resume(session, key, NULL, &again));
    CHECK(strcmp(usbtoken_renewal_text(again, USBTOKEN_RENEWAL_ID),
                 usbtoken_renewal_text(renewal, USBTOKEN_RENEWAL_ID)) == 0);
    usbtoken_pending_free(&key);
    usbtoken_pending_list_free(&list);

    usbtoken_buffer *request = NULL;
    EXPECT(USBTOKEN_BAD_ARGUMENT, again, usbtoken_renewal_request(again, USBTOKEN_FORMAT_CMS_PEM, &request));
    usbtoken_renewal_free(&again);
    EXPECT(USBTOKEN_BAD_ARGUMENT, renewal, usbtoken_renewal_request(renewal, 99, &request));
    OK(renewal, usbtoken_renewal_request(renewal, USBTOKEN_FORMAT_CMS_DER, &request));
    usbtoken_buffer_free(&request);
    OK(renewal, usbtoken_renewal_request(renewal, USBTOKEN_FORMAT_CMS_PEM, &request));
    CHECK(strncmp(usbtoken_buffer_text(request), "-----BEGIN", 10) == 0);
    usbtoken_buffer_free(&request);
    OK(renewal, usbtoken_renewal_request(renewal, USBTOKEN_FORMAT_DER, &request));
    CHECK(usbtoken_buffer_data(request)[0] == 0x30);
    usbtoken_buffer_free(&request);
    OK(renewal, usbtoken_renewal_request(renewal, USBTOKEN_FORMAT_PEM, &request));
    CHECK(usbtoken_buffer_text_utf16(request)[0] == '-');
    CHECK(strlen(usbtoken_buffer_text(request)) == usbtoken_buffer_size(request));

    size_t size = 0;
    char *answer = ask_command(ca, usbtoken_buffer_text(request), usbtoken_buffer_size(request), &size);
    const uint8_t *bytes = (const uint8_t *)answer;
    const uint8_t *csr = usbtoken_buffer_data(request);
    usbtoken_installed *installed = NULL;
    EXPECT(USBTOKEN_ANSWER_EMPTY, session, usbtoken_install(session, renewal, NULL, 0, NULL, &installed));
    EXPECT(USBTOKEN_ANSWER_TOO_LARGE, session, usbtoken_install(session, NULL, bytes, SIZE_MAX / 2, NULL, NULL));
    EXPECT(USBTOKEN_ANSWER_IS_REQUEST, session,
           usbtoken_install(session, renewal, csr, usbtoken_buffer_size(request), NULL, &installed));
    usbtoken_buffer_free(&request);
    usbtoken_install_params how = { .struct_size = sizeof how, .relax = 1u << 20 };
    EXPECT(USBTOKEN_BAD_ARGUMENT, session, usbtoken_install(session, renewal, bytes, size, &how, &installed));
    how.relax = 0;
    how.anchor_count = 1;
    EXPECT(USBTOKEN_BAD_ARGUMENT, session, usbtoken_install(session, renewal, bytes, size, &how, &installed));
    usbtoken_bytes nonsense = { (const uint8_t *)"nonsense", 8 };
    how.anchors = &nonsense;
    EXPECT(USBTOKEN_ANCHOR_UNUSABLE, session, usbtoken_install(session, renewal, bytes, size, &how, &installed));
    how.anchor_count = 0;
    how.subject_rule = 9;
    EXPECT(USBTOKEN_BAD_ARGUMENT, session, usbtoken_install(session, renewal, bytes, size, &how, &installed));
    how.subject_rule = USBTOKEN_SUBJECT_EXACT;
    how.reserved = 1;
    EXPECT(USBTOKEN_BAD_ARGUMENT, session, usbtoken_install(session, renewal, bytes, size, &how, &installed));
    how.reserved = 0;
    how.relax = USBTOKEN_RELAX_SERIAL;
    /* By this clock the certificate begins later: it is installed, and both times are told. */
    how.now = (int64_t)time(NULL) - 2 * 60 * 60;
    CHECK(installed == NULL && pending_count(session) == 1);
    const char *key_id = usbtoken_renewal_text(renewal, USBTOKEN_RENEWAL_ID);
    OK(context, usbtoken_context_note_order(context, key_id, NUL, "C-3", NUL));
    OK(session, usbtoken_install(session, renewal, bytes, size, &how, &installed));
    /* The number is there to the end, and so is the day, which a later process is told. */
    CHECK(strcmp(usbtoken_installed_text(installed, USBTOKEN_INSTALLED_REFERENCE), "C-3") == 0);
    order_is(context, key_id, "C-3");
    const char *record = usbtoken_installed_text(installed, USBTOKEN_INSTALLED_RECORD);
    CHECK(strstr(record, "\"day\":\"20") != NULL);
    OK(context, usbtoken_context_note_installation(context, record, NUL));
    EXPECT(USBTOKEN_BAD_ARGUMENT, context, usbtoken_context_note_installation(context, "{}", NUL));
    EXPECT(USBTOKEN_BAD_ARGUMENT, context, usbtoken_context_note_installation(context, NULL, NUL));
    /* A second time it is a success that writes nothing. */
    usbtoken_installed *second = NULL;
    OK(session, usbtoken_install(session, NULL, bytes, size, NULL, &second));
    CHECK(usbtoken_installed_number(second, USBTOKEN_INSTALLED_WAS_THERE) == 1);
    CHECK(usbtoken_installed_notice(second, 0) == USBTOKEN_NOTICE_ALREADY_INSTALLED);
    CHECK(strcmp(usbtoken_installed_text(second, USBTOKEN_INSTALLED_RECORD), record) == 0);
    usbtoken_installed_free(&second);
    free(answer);
    usbtoken_renewal_free(&renewal);
    CHECK(pending_count(session) == 0);
    return installed;
}

/* Whether the answer holds the CA's certificate; the token does not. */
#ifdef ALTHOUGH_ISSUER_NOT_SHOWN
#define ISSUER_SHOWN USBTOKEN_ISSUER_NOT_CHECKED
#else
#define ISSUER_SHOWN USBTOKEN_ISSUER_SAME
#endif

static void shown(usbtoken_installed *installed, usbtoken_credential *old)
{
    usbtoken_credential *new = NULL, *replaced = NULL;
    OK(installed, usbtoken_installed_credential(installed, &new));
    OK(installed, usbtoken_installed_replaced(installed, &replaced));
    CHECK(usbtoken_credential_number(new, USBTOKEN_CREDENTIAL_PRIVATE_KEY) == USBTOKEN_PRIVATE_KEY_PRESENT);
    CHECK(strcmp(usbtoken_credential_text(replaced, USBTOKEN_CREDENTIAL_SERIAL),
                 usbtoken_credential_text(old, USBTOKEN_CREDENTIAL_SERIAL)) == 0);
    CHECK(usbtoken_installed_number(installed, USBTOKEN_INSTALLED_PROOF) == USBTOKEN_PROOF_PROVEN);
    CHECK(usbtoken_installed_number(installed, USBTOKEN_INSTALLED_KEY_REUSED) == 0);
    CHECK(usbtoken_installed_number(installed, USBTOKEN_INSTALLED_WAS_THERE) == 0);
    CHECK(usbtoken_installed_number(installed, USBTOKEN_INSTALLED_ISSUER) == ISSUER_SHOWN);
    size_t at = 0;
    while (usbtoken_installed_notice(installed, at) != 0 &&
           usbtoken_installed_notice(installed, at) != USBTOKEN_NOTICE_NOT_YET_VALID)
        at++;
    CHECK(usbtoken_installed_notice(installed, at) == USBTOKEN_NOTICE_NOT_YET_VALID);
    CHECK(usbtoken_installed_notice_fact_kind(installed, at, 0) == USBTOKEN_FACT_NOW);
    CHECK(usbtoken_installed_notice_fact_kind(installed, at, 1) == USBTOKEN_FACT_BEGINS);
    CHECK(strcmp(usbtoken_installed_notice_fact(installed, at, 0), usbtoken_installed_notice_fact(installed, at, 1)) < 0);
    CHECK(usbtoken_installed_notice_fact_utf16(installed, at, 1)[4] == '-');
    CHECK(usbtoken_installed_notice_fact_kind(installed, at, 2) == 0);
    CHECK(usbtoken_installed_notice_fact(installed, 99, 0) == NULL);
    CHECK(strstr(usbtoken_installed_text(installed, USBTOKEN_INSTALLED_PROOF_JSON), "proven") != NULL);
    CHECK(usbtoken_installed_text_utf16(installed, USBTOKEN_INSTALLED_PROOF_JSON)[0] == '{');
    printf("%s\n", usbtoken_credential_text(new, USBTOKEN_CREDENTIAL_SUMMARY));
    usbtoken_credential_free(&new);
    usbtoken_credential_free(&replaced);
}

static void devices(usbtoken_context *context)
{
    usbtoken_devices *list = NULL;
    OK(context, usbtoken_list_devices(context, &list));
    for (size_t at = 0; at < usbtoken_devices_count(list); at++) {
        CHECK(usbtoken_devices_state(list, at) != USBTOKEN_DEVICE_NONE);
        CHECK(usbtoken_devices_text(list, at, USBTOKEN_DEVICE_NAME) != NULL);
        CHECK(usbtoken_devices_text_utf16(list, at, USBTOKEN_DEVICE_USB_ID) != NULL);
    }
    CHECK(usbtoken_devices_state(list, 9999) == USBTOKEN_DEVICE_NONE);
    CHECK(usbtoken_devices_text(list, 9999, USBTOKEN_DEVICE_NAME) == NULL);
    usbtoken_devices_free(&list);
    uint16_t wide[] = { '/', 0x8a3c, 0 };
    OK(context, usbtoken_context_add_driver_utf16(context, wide, NUL));
}

int main(int count, char **arguments)
{
    CHECK(count == 5);
    struct seen seen = { .pin = arguments[3] };
    usbtoken_context *main_context = context(arguments[1], &seen);
    usbtoken_token *token = find(main_context, arguments[2]);
    usbtoken_credential *old = renewable(token);
    look_at(old);
    preflight(token, old);
    usbtoken_session *session = login(token, &seen);
    /* What was made from a context lives on without it. */
    usbtoken_token_free(&token);
    give_up(session, old, &seen);
    usbtoken_installed *installed = renew(main_context, session, old, arguments[4], &seen);
    shown(installed, old);

    usbtoken_credential *successor = NULL, *new = NULL;
    usbtoken_retire_params how = { .struct_size = sizeof how, .subject_rule = 9 };
    EXPECT(USBTOKEN_BAD_ARGUMENT, session, usbtoken_session_retire_with(session, old, &how, &successor));
    how.subject_rule = USBTOKEN_SUBJECT_EXACT;
    usbtoken_bytes nonsense = { (const uint8_t *)"nonsense", 8 };
    how.anchors = &nonsense;
    how.anchor_count = 1;
    EXPECT(USBTOKEN_ANCHOR_UNUSABLE, session, usbtoken_session_retire_with(session, old, &how, &successor));
    OK(installed, usbtoken_installed_credential(installed, &new));
    usbtoken_retire_params named = { .struct_size = sizeof named, .flags = USBTOKEN_RETIRE_ALTHOUGH_ISSUER_NOT_SHOWN };
    EXPECT(USBTOKEN_BAD_ARGUMENT, session, usbtoken_session_retire_with(session, old, &named, &successor));
    named.successor = new;
    named.flags = 2;
    EXPECT(USBTOKEN_BAD_ARGUMENT, session, usbtoken_session_retire_with(session, old, &named, &successor));
    named.flags = 0;
    named.successor = old;
    EXPECT(USBTOKEN_RETIRE_NO_SUCCESSOR, session, usbtoken_session_retire_with(session, old, &named, &successor));
    named.successor = new;
#ifdef ALTHOUGH_ISSUER_NOT_SHOWN
    EXPECT(USBTOKEN_RETIRE_ISSUER_NOT_SHOWN, session, usbtoken_session_retire(session, old, 0, &successor));
    EXPECT(USBTOKEN_RETIRE_ISSUER_NOT_SHOWN, session, usbtoken_session_retire_with(session, old, NULL, &successor));
    /* What a person names counts, and says nothing of who has issued it. */
    EXPECT(USBTOKEN_RETIRE_ISSUER_NOT_SHOWN, session, usbtoken_session_retire_with(session, old, &named, &successor));
    /* A program that was built before the flags have no say in it; one that has to name what follows, and knows no others. */
    named.flags = USBTOKEN_RETIRE_ALTHOUGH_ISSUER_NOT_SHOWN;
    named.struct_size = offsetof(usbtoken_retire_params, flags);
    EXPECT(USBTOKEN_RETIRE_ISSUER_NOT_SHOWN, session, usbtoken_session_retire_with(session, old, &named, &successor));
    named.struct_size = sizeof named;
    OK(session, usbtoken_session_retire_with(session, old, &named, &successor));
#else
    OK(session, usbtoken_session_retire_replaced(session, installed, &successor));
#endif
    usbtoken_credential_free(&new);
    EXPECT(USBTOKEN_CREDENTIAL_NOT_FOUND, session, usbtoken_session_retire_replaced(session, installed, NULL));
    usbtoken_installed_free(&installed);
    CHECK(usbtoken_credential_number(successor, USBTOKEN_CREDENTIAL_TWINS) >= 0);
    EXPECT(USBTOKEN_CREDENTIAL_NOT_FOUND, session, usbtoken_session_retire(session, old, 0, NULL));
    usbtoken_credentials *list = NULL;
    OK(session, usbtoken_session_credentials(session, &list));
    usbtoken_credential *gone = NULL;
    const char *serial = usbtoken_credential_text(old, USBTOKEN_CREDENTIAL_SERIAL);
    EXPECT(USBTOKEN_CREDENTIAL_NOT_FOUND, list, usbtoken_credentials_by_serial(list, serial, NUL, &gone));
    usbtoken_credentials_free(&list);
    usbtoken_credential_free(&successor);
    usbtoken_credential_free(&old);
    devices(main_context);
    usbtoken_context_free(&main_context);
    usbtoken_session_free(&session);
    CHECK(seen.steps > 10 && seen.lines > 10);
    return 0;
}
