/*
 * A demand that goes through a whole job, and a key of which the driver only claims what it is:
 *   proof TEST MODULE URI PIN CA-COMMAND, where TEST is one of
 *     handle  the request is signed and its answer installed by one program
 *     other   the answer is installed by another program, which is given the demand too
 *     less    and by one that demands nothing beyond the usual
 *     twice   the answer is installed for any key that waits, and again with the handle of its own job, which was kept
 *     fresh   a driver denies until it is started anew that the key was made in the token: with the demand it is started anew
 *     used    the same where the program has the driver in use: what was demanded is not passed over
 *     denied  the program has the driver in use, which denies that new keys are protected: it decides
 */
#include <dlfcn.h>

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

static void twice(usbtoken_session *session)
{
    usbtoken_renewal *renewal = resume(session, USBTOKEN_PROOF_DEFAULT);
    usbtoken_installed *second = NULL;
    OK(session, install(session, NULL, USBTOKEN_PROOF_DEFAULT));
    OK(session, usbtoken_install(session, renewal, answer, size, NULL, &second));
    CHECK(usbtoken_installed_number(second, USBTOKEN_INSTALLED_WAS_THERE) == 1);
    usbtoken_installed_free(&second);
    usbtoken_renewal_free(&renewal);
}

/* The first functions of PKCS#11's list (v2.40). */
struct function_list {
    unsigned char version[2];
    unsigned long (*initialize)(void *);
};

static void take_into_use(const char *module)
{
    void *library = dlopen(module, RTLD_NOW | RTLD_LOCAL);
    unsigned long (*entry)(struct function_list **) = NULL;
    struct function_list *host = NULL;
    CHECK(library != NULL);
    *(void **)&entry = dlsym(library, "C_GetFunctionList");
    CHECK(entry != NULL && entry(&host) == 0 && host->initialize(NULL) == 0);
}

static usbtoken_status begin(usbtoken_token *token, usbtoken_session *session, usbtoken_renewal **renewal)
{
    usbtoken_credentials *credentials = NULL;
    usbtoken_credential *old = NULL;
    usbtoken_renewal_params params = { .struct_size = sizeof params, .required_proof = USBTOKEN_PROOF_PROVEN };
    OK(token, usbtoken_token_credentials(token, &credentials));
    OK(credentials, usbtoken_credentials_renewable(credentials, 0, 0, &old));
    usbtoken_status status = usbtoken_renewal_begin(session, old, &params, renewal);
    usbtoken_credential_free(&old);
    usbtoken_credentials_free(&credentials);
    return status;
}

static void fresh(usbtoken_token *token, usbtoken_session *session, const char *ca)
{
    usbtoken_renewal *renewal = NULL;
    usbtoken_installed *installed = NULL;
    usbtoken_buffer *request = NULL;
    OK(session, begin(token, session, &renewal));
    CHECK(usbtoken_renewal_number(renewal, USBTOKEN_RENEWAL_PROOF) == USBTOKEN_PROOF_PROVEN);
    OK(renewal, usbtoken_renewal_request(renewal, USBTOKEN_FORMAT_PEM, &request));
    uint8_t *issued = (uint8_t *)ask_command(ca, usbtoken_buffer_text(request), usbtoken_buffer_size(request), &size);
    OK(session, usbtoken_install(session, renewal, issued, size, NULL, &installed));
    CHECK(usbtoken_installed_number(installed, USBTOKEN_INSTALLED_PROOF) == USBTOKEN_PROOF_PROVEN);
    free(issued);
    usbtoken_buffer_free(&request);
    usbtoken_installed_free(&installed);
    usbtoken_renewal_free(&renewal);
}

/* Nobody may start the driver anew, so what it claims stays a claim: the handle keeps the demand, and its installation refuses. */
static void used(usbtoken_token *token, usbtoken_session *session, const char *ca)
{
    usbtoken_renewal *renewal = NULL;
    usbtoken_buffer *request = NULL;
    OK(session, begin(token, session, &renewal));
    CHECK(usbtoken_renewal_number(renewal, USBTOKEN_RENEWAL_PROOF) == USBTOKEN_PROOF_CLAIMED);
    OK(renewal, usbtoken_renewal_request(renewal, USBTOKEN_FORMAT_PEM, &request));
    answer = (uint8_t *)ask_command(ca, usbtoken_buffer_text(request), usbtoken_buffer_size(request), &size);
    EXPECT(USBTOKEN_PROOF_INSUFFICIENT, session, usbtoken_install(session, renewal, answer, size, NULL, NULL));
    EXPECT(USBTOKEN_PROOF_INSUFFICIENT, session, install(session, renewal, USBTOKEN_PROOF_CLAIMED));
    EXPECT(USBTOKEN_PROOF_INSUFFICIENT, session, install(session, NULL, USBTOKEN_PROOF_PROVEN));
    usbtoken_buffer_free(&request);
    usbtoken_renewal_free(&renewal);
}

static void denied(usbtoken_token *token, usbtoken_session *session)
{
    usbtoken_credentials *credentials = NULL;
    usbtoken_credential *old = NULL;
    usbtoken_pending_list *list = NULL;
    usbtoken_pending *key = NULL;
    usbtoken_renewal *renewal = NULL;
    usbtoken_renewal_params params = { .struct_size = sizeof params };
    OK(token, usbtoken_token_credentials(token, &credentials));
    OK(credentials, usbtoken_credentials_renewable(credentials, 0, 0, &old));
    EXPECT(USBTOKEN_PROOF_UNDECIDED, session, usbtoken_renewal_begin(session, old, &params, &renewal));
    /* The key waits. Who does not say so refuses it, and nothing destroys it. */
    OK(session, usbtoken_session_pending(session, &list));
    CHECK(usbtoken_pending_list_count(list) == 1);
    OK(list, usbtoken_pending_list_at(list, 0, &key));
    EXPECT(USBTOKEN_KEY_EXPORTABLE, session, usbtoken_renewal_resume(session, key, &params, &renewal));
    params.flags = USBTOKEN_RENEW_ALTHOUGH_DENIED;
    OK(session, usbtoken_renewal_resume(session, key, &params, &renewal));
    CHECK(usbtoken_renewal_number(renewal, USBTOKEN_RENEWAL_PROOF) == USBTOKEN_PROOF_REFUSED);
    usbtoken_renewal_free(&renewal);
    /* Another key, at once. */
    params.flags |= USBTOKEN_RENEW_BESIDE_PENDING;
    OK(session, usbtoken_renewal_begin(session, old, &params, &renewal));
    params.flags = USBTOKEN_RENEW_ALTHOUGH_RENEWED << 1;
    usbtoken_renewal_free(&renewal);
    EXPECT(USBTOKEN_BAD_ARGUMENT, session, usbtoken_renewal_begin(session, old, &params, &renewal));
    usbtoken_pending_free(&key);
    usbtoken_pending_list_free(&list);
    usbtoken_credential_free(&old);
    usbtoken_credentials_free(&credentials);
}

int main(int count, char **arguments)
{
    usbtoken_context *context = NULL;
    usbtoken_token *token = NULL;
    usbtoken_session *session = NULL;
    CHECK(count == 6);
    const char *test = arguments[1], *pin = arguments[4];
    int asks = strcmp(test, "fresh") == 0 || strcmp(test, "used") == 0;
    answer = asks ? NULL : (uint8_t *)ask_command(arguments[5], "", 0, &size);
    if (strcmp(test, "denied") == 0 || strcmp(test, "used") == 0)
        take_into_use(arguments[2]);
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
    else if (strcmp(test, "twice") == 0)
        twice(session);
    else if (strcmp(test, "fresh") == 0)
        fresh(token, session, arguments[5]);
    else if (strcmp(test, "used") == 0)
        used(token, session, arguments[5]);
    else if (strcmp(test, "denied") == 0)
        denied(token, session);
    else
        CHECK(!"no such test");
    usbtoken_session_free(&session);
    usbtoken_token_free(&token);
    usbtoken_context_free(&context);
    free(answer);
    return 0;
}
