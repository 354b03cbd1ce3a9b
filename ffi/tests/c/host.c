/*
 * Hosts that do more than one thing: host TEST MODULE URI PIN CA-COMMAND, where TEST is one of
 *   threads   8 threads on one context
 *   fork      the host forks
 *   cancel    the host cancels a thread that is in a call
 *   hosted    drivers in processes of their own, by the program that DRIVER_HOST names
 *   confined  the same, kept from all but the token's files, which TOKENS and SOFTHSM2_CONF name
 *   starved   the same as beside, where the system has no descriptor at first
 *   beside    the same where nothing is said, by the program beside the library
 *   shared    the host initialised the same driver before us, and again after us
 */
#include <dlfcn.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

static char **arguments;

static usbtoken_context *new_context(void)
{
    usbtoken_context *context = NULL;
    CHECK(usbtoken_context_new(NULL, &context) == USBTOKEN_OK);
    OK(context, usbtoken_context_add_driver(context, arguments[1], NUL));
    return context;
}

static void look(usbtoken_context *context)
{
    usbtoken_token *token = NULL;
    usbtoken_credentials *list = NULL;
    OK(context, usbtoken_find(context, arguments[2], NUL, &token));
    OK(token, usbtoken_token_credentials(token, &list));
    CHECK(usbtoken_credentials_count(list) == 1);
    usbtoken_credentials_free(&list);
    usbtoken_token_free(&token);
}

static void *work(void *shared)
{
    usbtoken_context *mine = NULL;
    CHECK(usbtoken_context_clone(shared, &mine) == USBTOKEN_OK);
    for (int round = 0; round < 20; round++) {
        char uri[64];
        usbtoken_token *token = NULL;
        look(shared);
        look(mine);
        snprintf(uri, sizeof uri, "pkcs11:token=thread-%lx", (unsigned long)(uintptr_t)&mine);
        EXPECT(USBTOKEN_TOKEN_NOT_FOUND, mine, usbtoken_find(mine, uri, NUL, &token));
        /* The handle of this thread has this thread's error. */
        usbtoken_error *error = NULL;
        OK(mine, usbtoken_last_error(mine, &error));
        CHECK(strstr(usbtoken_error_text(error, USBTOKEN_ERROR_REPORT, USBTOKEN_LANGUAGE_EN), uri + 13) != NULL);
        usbtoken_error_free(&error);

        usbtoken_session *session = NULL;
        usbtoken_pending_list *pending = NULL;
        OK(mine, usbtoken_find(mine, arguments[2], NUL, &token));
        OK(token, usbtoken_login(token, arguments[3], NUL, 0, &session));
        OK(session, usbtoken_session_pending(session, &pending));
        usbtoken_pending_list_free(&pending);
        usbtoken_session_free(&session);
        usbtoken_token_free(&token);
    }
    usbtoken_context_free(&mine);
    return NULL;
}

struct race {
    usbtoken_context *context;
    usbtoken_session *session;
};

/* Many threads on one session: each call succeeds or finds it busy, nothing else. */
static void *one_session(void *argument)
{
    struct race *race = argument;
    int succeeded = 0;
    for (int round = 0; round < 50; round++) {
        usbtoken_credentials *list = NULL;
        usbtoken_status status = usbtoken_session_credentials(race->session, &list);
        CHECK(status == USBTOKEN_OK || status == USBTOKEN_BUSY);
        CHECK((list != NULL) == (status == USBTOKEN_OK));
        succeeded += list != NULL;
        usbtoken_credentials_free(&list);
    }
    return (void *)(intptr_t)succeeded;
}

static void threads(void)
{
    pthread_t thread[8];
    usbtoken_context *context = new_context();
    for (int at = 0; at < 8; at++)
        CHECK(pthread_create(&thread[at], NULL, work, context) == 0);
    for (int at = 0; at < 8; at++)
        CHECK(pthread_join(thread[at], NULL) == 0);

    usbtoken_token *token = NULL;
    struct race race = { context, NULL };
    OK(context, usbtoken_find(context, arguments[2], NUL, &token));
    OK(token, usbtoken_login(token, arguments[3], NUL, 0, &race.session));
    int32_t checked = -1;
    OK(race.session, usbtoken_session_pin_was_checked(race.session, &checked));
    CHECK(checked == 1);
    /* The process is logged in: nobody checks this one, and the session says so. */
    usbtoken_session *second = NULL;
    OK(token, usbtoken_login(token, "111111", NUL, 0, &second));
    OK(second, usbtoken_session_pin_was_checked(second, &checked));
    CHECK(checked == 0);
    usbtoken_session_free(&second);
    for (int at = 0; at < 8; at++)
        CHECK(pthread_create(&thread[at], NULL, one_session, &race) == 0);
    intptr_t all = 0;
    for (int at = 0; at < 8; at++) {
        void *succeeded = NULL;
        CHECK(pthread_join(thread[at], &succeeded) == 0);
        all += (intptr_t)succeeded;
    }
    CHECK(all > 0);
    usbtoken_session_free(&race.session);
    usbtoken_token_free(&token);
    usbtoken_context_free(&context);
}

/* Ends well when the child has. */
static void await(pid_t child)
{
    int status = 0;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static usbtoken_context *forking_context(void)
{
    usbtoken_context *context = new_context();
    const char *host = getenv("DRIVER_HOST");
    if (host != NULL)
        OK(context, usbtoken_context_set_driver_host(context, host, NUL));
    return context;
}

/* The lock is the parent's to take and to keep: a child takes no part in it, nor lets go of it. */
static void forked_beside_a_lock(void)
{
    usbtoken_context *context = forking_context(), *others = forking_context();
    usbtoken_token *token = NULL, *other = NULL;
    usbtoken_session *session = NULL;
    OK(context, usbtoken_find(context, arguments[2], NUL, &token));
    OK(others, usbtoken_find(others, arguments[2], NUL, &other));
    for (int holds = 0; holds < 2; holds++) {
        if (holds)
            OK(token, usbtoken_reserve(token));
        pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0) {
            EXPECT(USBTOKEN_FORKED, token, usbtoken_reserve(token));
            EXPECT(USBTOKEN_FORKED, other, usbtoken_reserve(other));
            EXPECT(USBTOKEN_FORKED, token, usbtoken_login(token, arguments[3], NUL, 0, &session));
            CHECK(session == NULL);
            usbtoken_token_free(&other);
            usbtoken_token_free(&token);
            usbtoken_context_free(&others);
            usbtoken_context_free(&context);
            _exit(0);
        }
        await(child);
    }
    OK(token, usbtoken_reserve(token));
    EXPECT(USBTOKEN_BUSY, other, usbtoken_reserve(other));
    OK(token, usbtoken_login(token, arguments[3], NUL, 0, &session));
    EXPECT(USBTOKEN_BUSY, other, usbtoken_reserve(other));
    usbtoken_session_free(&session);
    OK(other, usbtoken_reserve(other));
    usbtoken_token_free(&other);
    usbtoken_token_free(&token);
    usbtoken_context_free(&others);
    usbtoken_context_free(&context);
}

/* Where the parent has ended the driver before, a child begins anew. */
static void forked_afterwards(void)
{
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        usbtoken_context *context = forking_context();
        usbtoken_token *token = NULL;
        usbtoken_session *session = NULL;
        int32_t checked = 0;
        OK(context, usbtoken_find(context, arguments[2], NUL, &token));
        OK(token, usbtoken_login(token, arguments[3], NUL, 0, &session));
        OK(session, usbtoken_session_pin_was_checked(session, &checked));
        CHECK(checked == 1);
        usbtoken_session_free(&session);
        usbtoken_token_free(&token);
        usbtoken_context_free(&context);
        _exit(0);
    }
    await(child);
}

static void forked(void)
{
    forked_beside_a_lock();
    usbtoken_context *context = forking_context();
    usbtoken_token *token = NULL;
    usbtoken_session *session = NULL;
    OK(context, usbtoken_find(context, arguments[2], NUL, &token));
    OK(token, usbtoken_login(token, arguments[3], NUL, 0, &session));
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        usbtoken_credentials *list = NULL;
        usbtoken_token *other = NULL;
        EXPECT(USBTOKEN_FORKED, session, usbtoken_session_credentials(session, &list));
        EXPECT(USBTOKEN_FORKED, token, usbtoken_token_credentials(token, &list));
        EXPECT(USBTOKEN_FORKED, context, usbtoken_find(context, arguments[2], NUL, &other));
        usbtoken_session_free(&session);
        usbtoken_token_free(&token);
        usbtoken_context_free(&context);
        /* Nor is the parent's login anybody's here who begins anew: with whatever PIN. */
        context = forking_context();
        EXPECT(USBTOKEN_FORKED, context, usbtoken_find(context, arguments[2], NUL, &other));
        CHECK(other == NULL);
        usbtoken_context_free(&context);
        _exit(0);
    }
    await(child);
    /* What the child did has not disturbed the parent. */
    usbtoken_credentials *list = NULL;
    OK(session, usbtoken_session_credentials(session, &list));
    usbtoken_credentials_free(&list);
    usbtoken_session_free(&session);
    usbtoken_token_free(&token);
    look(context);
    usbtoken_context_free(&context);
    forked_afterwards();
}

static atomic_int inside, cancelled, returned;

/* Stays in the call until the other thread has cancelled this one. */
static int32_t until_cancelled(void *user)
{
    (void)user;
    atomic_store(&inside, 1);
    while (!atomic_load(&cancelled))
        sched_yield();
    return 0;
}

static void *wait_for_nothing(void *context)
{
    usbtoken_token *token = NULL;
    EXPECT(USBTOKEN_WAIT_TIMED_OUT, context, usbtoken_wait(context, "pkcs11:token=nobody", NUL, 1000, &token));
    look(context);
    atomic_store(&returned, 1);
    pthread_testcancel();
    return NULL;
}

static void cancelled_thread(void)
{
    pthread_t thread;
    void *ended = NULL;
    usbtoken_context *context = new_context();
    usbtoken_callbacks callbacks = { .struct_size = sizeof callbacks, .cancel = until_cancelled };
    OK(context, usbtoken_context_set_callbacks(context, &callbacks));
    CHECK(pthread_create(&thread, NULL, wait_for_nothing, context) == 0);
    while (!atomic_load(&inside))
        sched_yield();
    CHECK(pthread_cancel(thread) == 0);
    atomic_store(&cancelled, 1);
    CHECK(pthread_join(thread, &ended) == 0);
    /* The calls end as without it, and the thread afterwards. */
    CHECK(atomic_load(&returned) == 1 && ended == PTHREAD_CANCELED);
    look(context);
    usbtoken_context_free(&context);
}

/* The few of PKCS#11's functions that a host needs here: their places in CK_FUNCTION_LIST (v2.40). */
struct function_list {
    unsigned char version[2];
    unsigned long (*initialize)(void *);
    unsigned long (*finalize)(void *);
    unsigned long (*get_info)(void *);
    void *get_function_list;
    unsigned long (*get_slot_list)(unsigned char, unsigned long *, unsigned long *);
};

static void shared(void)
{
    void *library = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
    CHECK(library != NULL);
    unsigned long (*entry)(struct function_list **) = NULL;
    *(void **)&entry = dlsym(library, "C_GetFunctionList");
    struct function_list *host = NULL;
    unsigned long slots = 0;
    CHECK(entry != NULL && entry(&host) == 0);

    /* Before us: we adopt it, and it works when we are gone. */
    CHECK(host->initialize(NULL) == 0);
    usbtoken_context *context = new_context();
    look(context);
    usbtoken_context_free(&context);
    CHECK(host->get_slot_list(1, NULL, &slots) == 0 && slots > 0);
    CHECK(host->finalize(NULL) == 0);

    /* Without us: what we initialise we finalise, so that a host can begin afterwards. */
    context = new_context();
    look(context);
    CHECK(host->get_slot_list(1, NULL, &slots) == 0x190);
    usbtoken_context_free(&context);
    CHECK(host->initialize(NULL) == 0);
    context = new_context();
    look(context);
    usbtoken_context_free(&context);
    CHECK(host->get_slot_list(1, NULL, &slots) == 0 && host->finalize(NULL) == 0);
    dlclose(library);
}

static int32_t is_in_process(const usbtoken_context *context)
{
    int32_t answer = -1;
    OK(context, usbtoken_context_is_in_process(context, &answer));
    return answer;
}

static void beside(void)
{
    usbtoken_context *context = new_context();
    CHECK(is_in_process(context) == 0);
    look(context);
    OK(context, usbtoken_context_set_driver_host(context, "", NUL));
    CHECK(is_in_process(context) == 1);
    look(context);
    usbtoken_context_free(&context);
}

/* What a driver lacks at first is no reason to have it in this process later. */
static void starved(void)
{
    usbtoken_context *context = new_context();
    usbtoken_token *token = NULL;
    struct rlimit usual, few;
    CHECK(getrlimit(RLIMIT_NOFILE, &usual) == 0);
    few = usual;
    for (few.rlim_cur = 3; few.rlim_cur < 8; few.rlim_cur++) {
        CHECK(setrlimit(RLIMIT_NOFILE, &few) == 0);
        int in_process = 0;
        usbtoken_status asked = usbtoken_context_is_in_process(context, &in_process);
        CHECK(asked == USBTOKEN_OK ? in_process == 0 : asked == USBTOKEN_OUT_OF_MEMORY);
        CHECK(usbtoken_find(context, arguments[2], NUL, &token) != USBTOKEN_OK);
        CHECK(token == NULL);
    }
    CHECK(setrlimit(RLIMIT_NOFILE, &usual) == 0);
    CHECK(is_in_process(context) == 0);
    look(context);
    usbtoken_context_free(&context);
}

static void confined(void)
{
    usbtoken_context *context = new_context();
    usbtoken_token *token = NULL;
    OK(context, usbtoken_context_set_driver_host(context, getenv("DRIVER_HOST"), NUL));
    EXPECT(USBTOKEN_BAD_ARGUMENT, context, usbtoken_context_confine_drivers(context, 0, "", NUL));
    EXPECT(USBTOKEN_BAD_ARGUMENT, context, usbtoken_context_confine_drivers(context, 4, getenv("TOKENS"), NUL));
    /* The token's files are not the system's: the driver is refused them. */
    CHECK(usbtoken_find(context, arguments[2], NUL, &token) != USBTOKEN_OK && token == NULL);
    const uint16_t none[] = { 0 };
    OK(context, usbtoken_context_confine_drivers_utf16(context, USBTOKEN_DRIVER_READS, none, NUL));
    OK(context, usbtoken_context_confine_drivers(context, USBTOKEN_DRIVER_READS, getenv("SOFTHSM2_CONF"), NUL));
    CHECK(usbtoken_find(context, arguments[2], NUL, &token) != USBTOKEN_OK && token == NULL);
    OK(context, usbtoken_context_confine_drivers(context, USBTOKEN_DRIVER_WRITES, getenv("TOKENS"), NUL));
    look(context);
    OK(context, usbtoken_context_set_driver_host(context, "", NUL));
    EXPECT(USBTOKEN_DRIVER_NOT_CONFINED, context, usbtoken_find(context, arguments[2], NUL, &token));
    usbtoken_context_free(&context);
}

static void hosted(void)
{
    void *library = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
    CHECK(library != NULL);
    unsigned long (*entry)(struct function_list **) = NULL;
    *(void **)&entry = dlsym(library, "C_GetFunctionList");
    struct function_list *here = NULL;
    unsigned long slots = 0;
    CHECK(entry != NULL && entry(&here) == 0);

    usbtoken_context *context = new_context();
    usbtoken_token *token = NULL;
    usbtoken_session *session = NULL;
    usbtoken_credentials *list = NULL;
    /* None is beside the library that this test is linked to. */
    CHECK(is_in_process(context) == 1);
    OK(context, usbtoken_context_set_driver_host(context, "/nowhere/usbtoken-driver", NUL));
    EXPECT(USBTOKEN_DRIVER_HOST_UNUSABLE, context, usbtoken_find(context, arguments[2], NUL, &token));
    OK(context, usbtoken_context_set_driver_host(context, getenv("DRIVER_HOST"), NUL));
    look(context);
    OK(context, usbtoken_find(context, arguments[2], NUL, &token));
    OK(token, usbtoken_login(token, arguments[3], NUL, 0, &session));
    OK(session, usbtoken_session_credentials(session, &list));
    CHECK(usbtoken_credentials_count(list) == 1);
    CHECK(is_in_process(context) == 0);
    /* It is not initialised here, and the host's child is no matter of this process. */
    CHECK(here->get_slot_list(1, NULL, &slots) == 0x190);
    usbtoken_credentials_free(&list);
    usbtoken_session_free(&session);
    usbtoken_token_free(&token);
    CHECK(waitpid(-1, NULL, WNOHANG) == -1);

    const uint16_t none[] = { 0 };
    OK(context, usbtoken_context_set_driver_host_utf16(context, none, NUL));
    OK(context, usbtoken_find(context, arguments[2], NUL, &token));
    CHECK(here->get_slot_list(1, NULL, &slots) == 0 && slots > 0);
    usbtoken_token_free(&token);
    usbtoken_context_free(&context);
    dlclose(library);
}

int main(int count, char **given)
{
    CHECK(count >= 6);
    /* The name of the test comes first, MODULE URI PIN CA-COMMAND last. */
    arguments = given + count - 5;
    const char *test = given[1];
    if (strcmp(test, "threads") == 0)
        threads();
    else if (strcmp(test, "fork") == 0)
        forked();
    else if (strcmp(test, "cancel") == 0)
        cancelled_thread();
    else if (strcmp(test, "hosted") == 0)
        hosted();
    else if (strcmp(test, "confined") == 0)
        confined();
    else if (strcmp(test, "starved") == 0)
        starved();
    else if (strcmp(test, "beside") == 0)
        beside();
    else if (strcmp(test, "shared") == 0)
        shared();
    else
        CHECK(!"no such test");
    return 0;
}
