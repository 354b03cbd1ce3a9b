/*
 * Ways of giving the PIN that SoftHSM does not know by itself, played by the driver shim:
 *   pin TEST MODULE URI PIN CA-COMMAND, where TEST is one of
 *     pad     the PIN is entered at the token
 *     last    one wrong PIN more locks the token
 *     locked  the PIN is locked
 *     asks    the old key demands the PIN for each signature
 *     change  the PIN is changed, and back; the answers in between are the shim's
 *     keys    the PIN is changed at the token's own keys
 */
#include "check.h"

struct person {
    const char *pin;
    uint32_t expected_state, expected_pad;
    uint32_t accepts;
    int asked;
};

static usbtoken_status on_pin(void *user, const usbtoken_pin_request *request, usbtoken_pin_reply *reply)
{
    struct person *person = user;
    CHECK(request->pin_state == person->expected_state && request->pin_pad == person->expected_pad);
    CHECK(strcmp(request->token_label, "BANK") == 0 && request->origin == NULL);
    person->asked++;
    CHECK(reply->capacity >= strlen(person->pin) && reply->accept_final_try == 0);
    memcpy(reply->pin, person->pin, strlen(person->pin));
    reply->length = strlen(person->pin);
    reply->accept_final_try = person->accepts;
    return USBTOKEN_OK;
}

static void ask(usbtoken_context *context, struct person *person)
{
    usbtoken_callbacks callbacks = { .struct_size = sizeof callbacks, .user = person, .pin = on_pin };
    OK(context, usbtoken_context_set_callbacks(context, &callbacks));
}

/* The whole renewal on a session, with a request signed by the old key too. */
static void renew(usbtoken_token *token, usbtoken_session *session, const char *ca)
{
    usbtoken_credentials *list = NULL;
    usbtoken_credential *old = NULL;
    usbtoken_renewal *renewal = NULL;
    usbtoken_buffer *request = NULL;
    usbtoken_renewal_params params = { .struct_size = sizeof params, .key_kind = USBTOKEN_KEY_P256,
                                       .flags = USBTOKEN_RENEW_SIGNED_BY_OLD_KEY };
    OK(token, usbtoken_token_credentials(token, &list));
    OK(list, usbtoken_credentials_renewable(list, 0, 0, &old));
    OK(session, usbtoken_renewal_begin(session, old, &params, &renewal));
    OK(renewal, usbtoken_renewal_request(renewal, USBTOKEN_FORMAT_CMS_PEM, &request));
    usbtoken_buffer_free(&request);
    OK(renewal, usbtoken_renewal_request(renewal, USBTOKEN_FORMAT_PEM, &request));
    size_t size = 0;
    char *answer = ask_command(ca, usbtoken_buffer_text(request), usbtoken_buffer_size(request), &size);
    OK(session, usbtoken_install(session, renewal, (const uint8_t *)answer, size, NULL, NULL));
    free(answer);
    usbtoken_buffer_free(&request);
    usbtoken_renewal_free(&renewal);
    usbtoken_credential_free(&old);
    usbtoken_credentials_free(&list);
}

static void pad(usbtoken_context *context, usbtoken_token *token, const char *ca)
{
    /* Whatever a program gives is not sent: a PIN pad asks by itself. Callback, none, and a PIN of the program's. */
    struct person person = { .pin = "not-sent-1", .expected_pad = 1 };
    usbtoken_session *session = NULL;
    CHECK(usbtoken_token_number(token, USBTOKEN_TOKEN_PIN_PAD) == 1);
    OK(token, usbtoken_login(token, NULL, 0, 0, &session));
    usbtoken_session_free(&session);
    OK(token, usbtoken_login(token, "not-sent-2", NUL, 0, &session));
    usbtoken_session_free(&session);
    ask(context, &person);
    OK(token, usbtoken_login(token, NULL, 0, 0, &session));
    CHECK(person.asked == 1);
    renew(token, session, ca);
    usbtoken_session_free(&session);
}

static void last(usbtoken_context *context, usbtoken_token *token, const char *pin, const char *ca)
{
    struct person person = { .pin = pin, .expected_state = USBTOKEN_PIN_STATE_FINAL_TRY };
    usbtoken_session *session = NULL;
    CHECK(usbtoken_token_number(token, USBTOKEN_TOKEN_PIN_STATE) == USBTOKEN_PIN_STATE_FINAL_TRY);
    /* Without a callback, and without the caller's word that the person knows. */
    EXPECT(USBTOKEN_PIN_FINAL_TRY, token, usbtoken_login(token, pin, NUL, 0, &session));
    EXPECT(USBTOKEN_PIN_REQUIRED, token,
           usbtoken_login(token, NULL, 0, USBTOKEN_LOGIN_ACCEPT_FINAL_TRY, &session));
    /* The dialog can say that it is the last try; the person says no. */
    ask(context, &person);
    EXPECT(USBTOKEN_PIN_FINAL_TRY, token, usbtoken_login(token, NULL, 0, 0, &session));
    CHECK(person.asked == 1 && session == NULL);
    person.accepts = 2; /* 1 is yes, nothing else is */
    EXPECT(USBTOKEN_PIN_FINAL_TRY, token, usbtoken_login(token, NULL, 0, 0, &session));
    printf("refused\n");
    fflush(stdout);
    /* The person says yes, in the dialog or to the program. */
    person.accepts = 1;
    OK(token, usbtoken_login(token, NULL, 0, 0, &session));
    CHECK(person.asked == 3);
    usbtoken_session_free(&session);
    OK(token, usbtoken_login(token, pin, NUL, USBTOKEN_LOGIN_ACCEPT_FINAL_TRY, &session));
    renew(token, session, ca);
    usbtoken_session_free(&session);
}

static void locked(usbtoken_context *context, usbtoken_token *token, const char *pin)
{
    struct person person = { .pin = pin };
    usbtoken_session *session = NULL;
    ask(context, &person);
    CHECK(usbtoken_token_number(token, USBTOKEN_TOKEN_PIN_STATE) == USBTOKEN_PIN_STATE_LOCKED);
    EXPECT(USBTOKEN_PIN_LOCKED, token, usbtoken_login(token, NULL, 0, USBTOKEN_LOGIN_ACCEPT_FINAL_TRY, &session));
    EXPECT(USBTOKEN_PIN_LOCKED, token, usbtoken_login(token, pin, NUL, 0, &session));
    CHECK(person.asked == 0 && session == NULL);
}

static void asks(usbtoken_context *context, usbtoken_token *token, const char *pin, const char *ca)
{
    struct person person = { .pin = pin };
    usbtoken_session *session = NULL;
    ask(context, &person);
    OK(token, usbtoken_login(token, NULL, 0, 0, &session));
    renew(token, session, ca);
    CHECK(person.asked == 1); /* the person is; the token is given the PIN for each signature of that key */
    usbtoken_session_free(&session);
}

static void change(usbtoken_token *token, const char *pin)
{
    static const uint16_t wide_new[] = { 'n', 'e', 'w', '-', '7', '7', '1', '3' };
    static const uint16_t wide[] = { 'n', 'e', 'w', '-', '7', '7', '1', '4' };
    usbtoken_session *session = NULL;
    /* What is refused before the token is asked. */
    EXPECT(USBTOKEN_NEW_PIN_SAME, token, usbtoken_change_pin(token, pin, NUL, pin, NUL, 0));
    EXPECT(USBTOKEN_NEW_PIN_LENGTH, token, usbtoken_change_pin(token, pin, NUL, "12", NUL, 0));
    EXPECT(USBTOKEN_NEW_PIN_DOUBTFUL, token, usbtoken_change_pin(token, pin, NUL, "new-7713 ", NUL, 0));
    EXPECT(USBTOKEN_PIN_DOUBTFUL, token, usbtoken_change_pin(token, " new-7713", NUL, "new-7713", NUL, 0));
    EXPECT(USBTOKEN_PIN_REQUIRED, token, usbtoken_change_pin(token, NULL, 0, NULL, 0, 0));
    EXPECT(USBTOKEN_BAD_ARGUMENT, token, usbtoken_change_pin(token, pin, NUL, NULL, 0, 0));
    EXPECT(USBTOKEN_BAD_ARGUMENT, token, usbtoken_change_pin(token, NULL, 0, pin, NUL, 0));
    EXPECT(USBTOKEN_BAD_ARGUMENT, token, usbtoken_change_pin(token, pin, NUL, "new-7713", NUL, 8));
    printf("refused\n");
    fflush(stdout);
    /* The first answer is the shim's, the second one is lost by it: the token has done it. */
    EXPECT(USBTOKEN_NEW_PIN_REFUSED, token, usbtoken_change_pin(token, pin, NUL, "new-7712", NUL, 0));
    EXPECT(USBTOKEN_PIN_CHANGE_UNCERTAIN, token, usbtoken_change_pin(token, pin, NUL, "new-7712", NUL, 0));
    OK(token, usbtoken_change_pin(token, "new-7712", 8, "new-7713", 8, 0));
    OK(token, usbtoken_login(token, "new-7713", NUL, 0, &session));
    usbtoken_session_free(&session);
    OK(token, usbtoken_change_pin_utf16(token, wide_new, 8, wide, 8, 0));
    /* A token that is taken is taken for this too; its handle changes it all the same. */
    OK(token, usbtoken_reserve(token));
    OK(token, usbtoken_change_pin(token, "new-7714", NUL, pin, NUL,
                                  USBTOKEN_CHANGE_NEW_PIN_AS_TYPED | USBTOKEN_LOGIN_PIN_AS_TYPED));
    OK(token, usbtoken_login(token, pin, NUL, 0, &session));
    usbtoken_session_free(&session);
}

static void keys(usbtoken_token *token)
{
    OK(token, usbtoken_change_pin(token, NULL, 0, NULL, NUL, 0));
    EXPECT(USBTOKEN_PIN_CANCELLED, token, usbtoken_change_pin(token, "not-sent-1", NUL, "not-sent-2", NUL, 0));
}

int main(int count, char **arguments)
{
    usbtoken_context *context = NULL;
    usbtoken_token *token = NULL;
    CHECK(count == 6);
    const char *test = arguments[1], *pin = arguments[4], *ca = arguments[5];
    CHECK(usbtoken_context_new(NULL, &context) == USBTOKEN_OK);
    OK(context, usbtoken_context_add_driver(context, arguments[2], NUL));
    OK(context, usbtoken_find(context, arguments[3], NUL, &token));
    if (strcmp(test, "pad") == 0)
        pad(context, token, ca);
    else if (strcmp(test, "last") == 0)
        last(context, token, pin, ca);
    else if (strcmp(test, "locked") == 0)
        locked(context, token, pin);
    else if (strcmp(test, "change") == 0)
        change(token, pin);
    else if (strcmp(test, "keys") == 0)
        keys(token);
    else if (strcmp(test, "asks") == 0)
        asks(context, token, pin, ca);
    else
        CHECK(!"no such test");
    usbtoken_token_free(&token);
    usbtoken_context_free(&context);
    return 0;
}
