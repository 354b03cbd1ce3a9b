/*
 * A demand that goes through a whole job, and a key of which the driver only claims what it is:
 *   proof TEST MODULE URI PIN CA-COMMAND, where TEST is one of
 *     handle  the request is signed and its answer installed by one program
 *     other   the answer is installed by another program, which is given the demand too
 *     less    and by one that demands nothing beyond the usual
 */
#include "check.h"

static uint8_t *answer;
static size_t size;

static usbtoken_status install(usbtoken_session *session, usbtoken_renewal *renewal, uint32_t proof)
{
    usbtoken_install_params params = { .struct_size = sizeof params, .required_proof = proof };
    return usbtoken_install(session, renewal, answer, size, &params, NULL);
}

static usbtoken_renewal *resume(usbtoken_session *session, uint32_t proof)
{
    usbtoken_pending_list *list = NULL;
    usbtoken_pending *key = NULL;
    usbtoken_renewal *renewal = NULL;
    usbtoken_renewal_params params = { .struct_size = sizeof params, .required_proof = proof };
    OK(session, usbtoken_session_pending(session, &list));
    CHECK(usbtoken_pending_list_count(list) == 1);
    OK(list, usbtoken_pending_list_at(list, 0, &key));
    OK(session, usbtoken_renewal_resume(session, key, &params, &renewal));
    usbtoken_pending_free(&key);
    usbtoken_pending_list_free(&list);
    return renewal;
}

/* The handle keeps the demand, with params of the installation, with others, and without. */
static void handle(usbtoken_session *session)
{
    usbtoken_renewal *renewal = resume(session, USBTOKEN_PROOF_PROVEN);
    CHECK(usbtoken_renewal_number(renewal, USBTOKEN_RENEWAL_PROOF) == USBTOKEN_PROOF_CLAIMED);
    EXPECT(USBTOKEN_PROOF_INSUFFICIENT, session, usbtoken_install(session, renewal, answer, size, NULL, NULL));
    EXPECT(USBTOKEN_PROOF_INSUFFICIENT, session, install(session, renewal, USBTOKEN_PROOF_DEFAULT));
    EXPECT(USBTOKEN_PROOF_INSUFFICIENT, session, install(session, renewal, USBTOKEN_PROOF_CLAIMED));
    usbtoken_renewal_free(&renewal);
    /* A handle without a demand has one given here. */
    renewal = resume(session, USBTOKEN_PROOF_DEFAULT);
    EXPECT(USBTOKEN_PROOF_INSUFFICIENT, session, install(session, renewal, USBTOKEN_PROOF_PROVEN));
    usbtoken_renewal_free(&renewal);
}

int main(int count, char **arguments)
{
    usbtoken_context *context = NULL;
    usbtoken_token *token = NULL;
    usbtoken_session *session = NULL;
    CHECK(count == 6);
    const char *test = arguments[1], *pin = arguments[4];
    answer = (uint8_t *)ask_command(arguments[5], "", 0, &size);
    CHECK(usbtoken_context_new(NULL, &context) == USBTOKEN_OK);
    OK(context, usbtoken_context_add_driver(context, arguments[2], NUL));
    OK(context, usbtoken_find(context, arguments[3], NUL, &token));
    OK(token, usbtoken_login(token, pin, NUL, 0, &session));
    if (strcmp(test, "handle") == 0)
        handle(session);
    else if (strcmp(test, "other") == 0)
        EXPECT(USBTOKEN_PROOF_INSUFFICIENT, session, install(session, NULL, USBTOKEN_PROOF_PROVEN));
    else if (strcmp(test, "less") == 0)
        OK(session, install(session, NULL, USBTOKEN_PROOF_DEFAULT));
    else
        CHECK(!"no such test");
    usbtoken_session_free(&session);
    usbtoken_token_free(&token);
    usbtoken_context_free(&context);
    free(answer);
    return 0;
}
